"""The reference interpreter: every operation by labels, with none of the printers' shortcuts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from symgrad.program.kinds import KINDS
from symgrad.program.kinds.run import Array, Run
from symgrad.program.program import Program, is_temporary


def interpret(program: Program, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
    """Every named value of a program, inputs included."""
    run = Run(program, inputs)
    for op in program.ops:
        run.values[op.name] = np.asarray(KINDS[op.kind].run(run, op))
    return {name: value for name, value in run.values.items() if not is_temporary(name)}

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
    values = _run(Run(program, inputs, _inside), program)
    return {name: value for name, value in values.items() if not is_temporary(name)}


def _run(run: Run, program: Program) -> dict[str, Array]:
    for op in program.ops:
        run.values[op.name] = np.asarray(KINDS[op.kind].run(run, op))
    return run.values


def _inside(outer: Run, program: Program, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
    run = Run(program, inputs, _inside)
    run.sizes = {**outer.sizes, **run.sizes}
    return _run(run, program)

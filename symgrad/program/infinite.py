"""Where the maximum that a softmax is shifted by may be infinite: masks, and inputs as they are."""

from __future__ import annotations

from collections.abc import Container, Iterable
from enum import IntEnum

import numpy as np
import sympy as sp

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.infinity import INFINITY
from symgrad.program.kinds import KINDS
from symgrad.program.program import Literal, Op, Program


class Reach(IntEnum):
    """What the entries of a value may be, from what is least said to what is most."""

    NUMBER = 0
    PARAMETER = 1
    SUM = 2
    INFINITE = 3


def guarded(program: Program, kinds: Container[str]) -> frozenset[str]:
    """The operations of some kinds whose argument may be infinite without any overflow.

    Where data goes in, or an infinity of the spec; where parameters alone do.  Scores that are
    products of matrices, with a bias, are finite: a network needs no guard, which takes 4 µs.
    """
    reach = {v.name: _of_input(v) for v in program.inputs}
    found: set[str] = set()
    for op in program.ops:
        inside = max(_of_arguments(op, reach), default=Reach.NUMBER)
        if op.kind in kinds and inside in (Reach.PARAMETER, Reach.INFINITE):
            found.add(op.name)
        summed = KINDS[op.kind].sums or op.function in ("sum", "norm")
        reach[op.name] = Reach.SUM if summed else inside
    return frozenset(found)


def _of_input(variable: Variable) -> Reach:
    if variable.dtype != "float":
        return Reach.NUMBER
    if variable.role == "constant":
        finite = np.isfinite(np.asarray(variable.values)).all()
        return Reach.NUMBER if finite else Reach.INFINITE
    return Reach.PARAMETER if variable.role == "param" else Reach.INFINITE


def _of_arguments(op: Op, reach: dict[str, Reach]) -> Iterable[Reach]:
    for argument in op.args:
        if isinstance(argument, Literal):
            yield Reach.INFINITE if argument.value.has(INFINITY, sp.oo) else Reach.NUMBER
        else:
            yield reach[argument.name]

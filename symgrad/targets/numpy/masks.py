"""Truth values that only multiply, as the numbers 0 and 1."""

from __future__ import annotations

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import Literal, Op, Program, Ref, stored

FEW = 4096
"""Entries up to which a mask is made of numbers.

One mask and one product, in µs, of truth values and of numbers: of 32 entries 1.10 and 0.56, of
512 1.57 and 0.92, of 2,048 2.1 and 1.9, of 4,096 2.8 and 3.0, of 32,768 14 and 22 (float64; of
float32 2,048 1.7 and 1.3, 4,096 2.0 and 2.2).
"""


def masks_as_numbers(program: Program) -> Program:
    """Where max(x, 0) is positive it has the sign 1, elsewhere 0."""
    chosen = _masks(program)
    if not chosen:
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name not in chosen:
            return None
        return builder.add("map", op.args[:1], op.axes, function="sign", hint="mask")

    return owned(alive(rewritten(program, rewrite)))


def _masks(program: Program) -> set[str]:
    """The masks of few entries that products read, and nothing else."""
    ops = {o.name: o for o in program}
    found = {o.name for o in program if _is_mask(ops, o) and cost(o.axes) < FEW}
    seen = {name: name for name in found}
    for op in program:
        read = {seen[r.name] for r in op.reads if r.name in seen}
        if op.kind == "view" and read:
            (seen[op.name],) = read
        elif op.function != "multiply" or op.dtype != "float":
            found -= read
    return found - {seen[name] for name in program.outputs if name in seen}


def _is_mask(ops: dict[str, Op], op: Op) -> bool:
    """Whether an operation tells where max(x, 0) is positive."""
    if op.function != "greater" or op.args[1] != _ZERO or not op.reads:
        return False
    made = ops.get(stored(ops, op.reads[0]).name)
    return made is not None and made.function == "maximum" and made.args[1] == _ZERO


_ZERO = Literal(sp.S.Zero)

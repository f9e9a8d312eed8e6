"""Absolute values do not change with a sign: what is computed of them is computed once."""

from __future__ import annotations

from symgrad.program.builder import Builder
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import Op, Program, Ref, read_by, stored


def absolute_without_signs(program: Program) -> Program:
    """|-x| is |x|, as softplus(x) and softplus(-x) have it."""
    changed = False

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        nonlocal changed
        if op.function != "abs" or not op.reads:
            return None
        x = stored(builder.ops, op.reads[0])
        below = builder.ops.get(x.name)
        if below is None or below.function != "negative" or not below.reads:
            return None
        (opposite,) = read_by(below, x.axes)
        changed = True
        return builder.map("abs", opposite)

    found = rewritten(program, rewrite)
    return owned(alive(found)) if changed else program

"""Sigmoids in the fewest calls."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.less_work import has
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import Literal, Op, Program, Ref, is_temporary, read_by

ENOUGH = Literal(sp.Integer(40))
"""From here on a sigmoid is 1 in float64, and exp is far from too large in float32."""

_ONE, _ZERO = Literal(sp.S.One), Literal(sp.S.Zero)


def sigmoids_of_one_power(program: Program) -> Program:
    """max(x ≥ 0, e) / (1 + e) with e = exp(-|x|) is p / (1 + p) with p = exp(min(x, 40))."""
    if not has(program, ("map",), ("greater_equal",)):
        return program
    ops = {o.name: o for o in program}
    found = {o.name for o in program if _is_sigmoid(program, ops, o)}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name not in found:
            return None
        x = _source(builder.ops, op.reads[0], ("maximum", "greater_equal"))
        assert x is not None
        power = builder.map("exp", builder.map("minimum", x, ENOUGH))
        return builder.map("divide", power, builder.map("add", _ONE, power))

    return owned(alive(rewritten(program, rewrite))) if found else program


def _is_sigmoid(program: Program, ops: Mapping[str, Op], op: Op) -> bool:
    """Whether an operation is the last of those that compute a sigmoid, and reads them alone."""
    if op.function != "divide" or len(op.reads) != 2:
        return False
    top, below = (ops.get(r.name) for r in op.reads)
    if top is None or below is None or top.function != "maximum" or len(top.reads) != 2:
        return False
    mask, power = (ops.get(r.name) for r in top.reads)
    x = _source(ops, op.reads[0], ("maximum", "greater_equal"))
    if mask is None or power is None or x is None or mask.args[1] != _ZERO:
        return False
    mine = (top, below, mask, power)
    alone = [program.uses[o.name] for o in mine] == [1, 1, 1, 2]
    size = _source(ops, top.reads[1], ("exp", "negative", "abs"))
    of_power = below.function == "add" and below.args[0] == _ONE and below.reads == (power.ref,)
    return alone and of_power and size == x and all(is_temporary(o.name) for o in mine)


def _source(ops: Mapping[str, Op], ref: Ref, functions: tuple[str, ...]) -> Ref | None:
    """What is left of the first argument when functions are taken off one after the other."""
    for function in functions:
        op = ops.get(ref.name)
        if op is None or op.function != function or not op.reads:
            return None
        ref = read_by(op, ref.axes)[0]
    return ref

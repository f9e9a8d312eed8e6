"""Sigmoids in the fewest calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.less_work import has
from symgrad.program.passes import alive, owned, rebuilt, rewritten
from symgrad.program.program import Literal, Op, Program, Ref, is_temporary, read_by

ENOUGH = Literal(sp.Integer(40))
"""From here on a sigmoid is 1 in float64, and exp is far from too large in float32."""

BOUNDED = frozenset({"tanh", "sin", "cos"})
"""Functions whose values are at most 1."""

_ONE, _ZERO = Literal(sp.S.One), Literal(sp.S.Zero)


def sigmoids_of_one_power(program: Program) -> Program:
    """max(x ≥ 0, e) / (1 + e) with e = exp(-|x|) is p / (1 + p) with p = exp(min(x, 40))."""
    found = {name for name, _ in _sigmoids(program)}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name not in found:
            return None
        x = _source(builder.ops, op.reads[0], ("maximum", "greater_equal"))
        assert x is not None
        power = builder.map("exp", builder.map("minimum", x, ENOUGH))
        return builder.map("divide", power, builder.map("add", _ONE, power))

    return owned(alive(rewritten(program, rewrite))) if found else program


def complements_in_sums(program: Program) -> Program:
    """σ(-x) is 1 - σ(x) where that is there and a number below the last digit of 1 is lost.

    So it is where σ(-x) is the factor of something bounded that is added to something else, as in
    the gate (1 - z) tanh(x) + z h.
    """
    found = dict(_sigmoids(program))
    ops = {o.name: o for o in program}
    places = {o.name: k for k, o in enumerate(program)}
    by_source = {x.name: name for name, x in found.items()}
    pairs: dict[str, str] = {}
    for name, x in found.items():
        y = _source(ops, x, ("negative",))
        other = by_source.get(y.name) if y else None
        if other and places[other] < places[name] and _is_gate(program, ops, name):
            pairs[name] = other
    made: dict[str, Ref] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name in pairs:
            return builder.map("subtract", _ONE, _seen(made[pairs[op.name]], op))
        if op.name in pairs.values():
            made[op.name] = rebuilt(builder, op)
        return made.get(op.name)

    return owned(alive(rewritten(program, rewrite))) if pairs else program


def _seen(value: Ref, op: Op) -> Ref:
    """A value of one entry for each of an operation, with the labels that these have there."""
    return Ref(value.name, op.axes)


def _is_gate(program: Program, ops: Mapping[str, Op], name: str) -> bool:
    """Whether a value is but a factor of bounded values in terms of sums."""
    readers = [o for o in program if name in {r.name for r in o.reads}]
    return name not in program.outputs and all(
        _is_product(ops, reader, name)
        and program.uses[reader.name] == 1
        and any(_is_sum(o, reader.name) for o in program)
        for reader in readers
    )


def _is_product(ops: Mapping[str, Op], op: Op, name: str) -> bool:
    others = [ops.get(r.name) for r in op.reads if r.name != name]
    return op.function == "multiply" and [o.function in BOUNDED for o in others if o] == [True]


def _is_sum(op: Op, name: str) -> bool:
    return op.function in ("add", "subtract") and name in {r.name for r in op.reads}


# What is a sigmoid


def _sigmoids(program: Program) -> Iterator[tuple[str, Ref]]:
    """The operations that are the last of a sigmoid, and of what it is one."""
    if not has(program, ("map",), ("greater_equal",)):
        return
    ops = {o.name: o for o in program}
    for op in program:
        if (x := _argument(program, ops, op)) is not None:
            yield op.name, x


def _argument(program: Program, ops: Mapping[str, Op], op: Op) -> Ref | None:
    """The x of a sigmoid, where nothing else reads what it is computed with."""
    if op.function != "divide" or len(op.reads) != 2:
        return None
    top, below = (ops.get(r.name) for r in op.reads)
    if top is None or below is None or top.function != "maximum" or len(top.reads) != 2:
        return None
    mask, power = (ops.get(r.name) for r in top.reads)
    x = _source(ops, op.reads[0], ("maximum", "greater_equal"))
    if mask is None or power is None or x is None or mask.args[1] != _ZERO:
        return None
    mine = (top, below, mask, power)
    alone = [program.uses[o.name] for o in mine] == [1, 1, 1, 2]
    size = _source(ops, power.ref, ("exp", "negative", "abs"))
    of_power = below.function == "add" and below.args[0] == _ONE and below.reads == (power.ref,)
    same = size is not None and size.name == x.name and x.axes == op.axes
    return x if alone and of_power and same and all(is_temporary(o.name) for o in mine) else None


def _source(ops: Mapping[str, Op], ref: Ref, functions: tuple[str, ...]) -> Ref | None:
    """What is left of the first argument when functions are taken off one after the other."""
    for function in functions:
        op = ops.get(ref.name)
        if op is None or op.function != function or not op.reads:
            return None
        ref = read_by(op, ref.axes)[0]
    return ref

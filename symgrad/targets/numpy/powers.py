"""Powers as products."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symgrad.program.builder import Builder
from symgrad.program.less_work import has
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import (
    Literal,
    Op,
    Program,
    Ref,
    labels,
)


def powers_as_products(program: Program) -> Program:
    """Small powers are products: of 4,096 entries x³ takes 1.9 µs, not 226; x² 1.0, not 2.1."""
    if not has(program, ("map",), ("power",)):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.function != "power" or len(op.reads) != 1 or not isinstance(op.args[1], Literal):
            return None
        base, exponent = op.reads[0], op.args[1].value
        if exponent not in (2, 3, 4) or builder.dtypes[base.name] != "float" or not base.axes:
            return None
        square = builder.map("square", base)
        if exponent == 3:
            return builder.map("multiply", square, base)
        return square if exponent == 2 else builder.map("square", square)

    return owned(alive(rewritten(program, rewrite)))


def powers_in_a_row(program: Program) -> Program:
    """Powers by numbers one after the other: each is the product of two smaller ones.

    In µs, of 1,000 numbers by 0 to 127: 14,400 one by one, 95 as products.
    """
    if not has(program, ("map",), ("power",)):
        return program
    constants = {v.name: v.values for v in program.inputs if v.role == "constant"}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.function != "power" or len(op.reads) != 2:
            return None
        base, exponents = op.reads
        axis = labels(exponents.axes)
        fits = len(axis) == 1 and axis[0] not in base.axes and builder.dtypes[base.name] == "float"
        first = _counted_from(builder, exponents, constants) if fits else None
        if first is None:
            return None
        base = builder.view(base, tuple(labels(base.axes)))
        powers = builder.add("powers", (base,), (*axis, *base.axes), detail=(first,))
        return builder.view(powers, op.axes)

    return owned(alive(rewritten(program, rewrite)))


def _counted_from(builder: Builder, ref: Ref, constants: Mapping[str, object]) -> int | None:
    """The first of numbers that are one after the other, none below 0."""
    if ref.name in constants:
        found = np.asarray(constants[ref.name]).reshape(-1)
        first = int(found[0]) if found.size else 0
        in_a_row = first >= 0 and np.array_equal(found, first + np.arange(found.size))
        return first if in_a_row else None
    op = builder.ops.get(ref.name)
    if op is None or op.kind == "iota":
        return None if op is None else 0
    if op.kind == "view" or op.function == "cast":
        return _counted_from(builder, op.reads[0], constants)
    numbers = [a.value for a in op.args if isinstance(a, Literal)]
    if op.function != "add" or len(numbers) != 1 or not numbers[0].is_Integer or numbers[0] < 0:
        return None
    start = _counted_from(builder, op.reads[0], constants)
    return None if start is None else start + int(numbers[0])

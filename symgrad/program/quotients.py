"""Quotients by powers, of quotients that are there already: no power too large or too small."""

from __future__ import annotations

import itertools

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import (
    Literal,
    Op,
    Operand,
    Program,
    Ref,
    arguments_by,
    broadcast,
    read_by,
)

_ONE, _TWO = Literal(sp.S.One), Literal(sp.Integer(2))
_THREE_HALVES = Literal(sp.Rational(3, 2))


def quotients_of_quotients(program: Program) -> Program:
    """x / y² is (x/y) / y or (x (1/y)) (1/y), and x / y√y is (x/√y) / y, of what is there.

    And x / (x² + y²) is (x/r) / r with r = √(x² + y²).  Powers may be infinite or 0 where neither
    their base nor the quotient is.
    """
    changed = False

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        nonlocal changed
        below = op.args[1] if op.function == "divide" else None
        found = _quotient(builder, op.args[0], below) if isinstance(below, Ref) else None
        changed |= found is not None
        return found

    found = rewritten(program, rewrite)
    return owned(alive(found)) if changed else program


def _quotient(builder: Builder, x: Operand, below: Ref) -> Ref | None:
    """The quotient by way of another; None where there is none."""
    op = builder.ops.get(below.name)
    if op is None:
        return None
    if op.function == "add" and len(op.reads) == 2:
        sides = [_base(builder, square, _TWO) for square in read_by(op, below.axes)]
        return _by_radius(builder, x, *sides) if x in sides else None
    if (y := _base(builder, below, _TWO)) is not None:
        return _by_square(builder, x, y)
    y = _base(builder, below, _THREE_HALVES)
    return None if y is None else _by_power(builder, x, y)


def _base(builder: Builder, ref: Ref, exponent: Literal) -> Ref | None:
    """What a value is a power of."""
    op = builder.ops.get(ref.name)
    is_power = op is not None and op.function == "power" and op.args[1] == exponent
    return read_by(op, ref.axes)[0] if op is not None and is_power else None


def _by_radius(builder: Builder, x: Operand, one: Ref | None, other: Ref | None) -> Ref | None:
    if one is None or other is None or one.axes != other.axes:
        return None
    radius = builder.map("hypot", one, other)
    return builder.map("divide", builder.map("divide", x, radius), radius)


def _by_square(builder: Builder, x: Operand, y: Ref) -> Ref | None:
    if _is_there(builder, "divide", x, y):
        return builder.map("divide", builder.map("divide", x, y), y)
    if _is_there(builder, "divide", _ONE, y):
        inverse = builder.map("divide", _ONE, y)
        return builder.map("multiply", builder.map("multiply", x, inverse), inverse)
    product = builder.ops.get(x.name) if isinstance(x, Ref) else None
    if product is None or product.function != "multiply" or not isinstance(x, Ref):
        return None
    for one, other in itertools.permutations(arguments_by(product, x.axes)):
        if _is_there(builder, "divide", one, y) and (found := _by_square(builder, one, y)):
            return builder.map("multiply", other, found)
    return None


def _by_power(builder: Builder, x: Operand, y: Ref) -> Ref | None:
    if not _is_there(builder, "sqrt", y):
        return None
    root = builder.map("sqrt", y)
    if _is_there(builder, "divide", _ONE, root):
        first = builder.map("multiply", x, builder.map("divide", _ONE, root))
    else:
        first = builder.map("divide", x, root)
    return builder.map("divide", first, y)


def _is_there(builder: Builder, function: str, *args: Operand) -> bool:
    refs = [a for a in args if isinstance(a, Ref)]
    axes = broadcast(a.axes for a in refs)
    return bool(refs) and builder.knows("map", args, axes, function)

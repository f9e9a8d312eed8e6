"""Powers beside the slope of a tanh that is 0 where they are no numbers any more."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import Literal, Op, Operand, Program, Ref, arguments_by, read_by

LARGEST = Literal(sp.Integer(10) ** 30)
"""A power that is a number in float32 too, with room for what it is multiplied by."""

SATURATED = 20
"""From here on tanh is 1, and its slope 0, in float64."""

_ONE, _TWO = Literal(sp.S.One), Literal(sp.Integer(2))
_X = sp.Dummy("x", real=True)


def powers_of_saturated(program: Program) -> Program:
    """(1 - tanh²u) q(x) is (1 - tanh²u) q with min(xⁿ, 10³⁰) for xⁿ, where u is steep in x.

    So it is in GELU: where x² is infinite the slope is 0, and their product is 0.
    """
    if not any(o.function == "tanh" for o in program):
        return program
    bounded = False

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        nonlocal bounded
        if op.function != "multiply" or len(op.reads) != 2:
            return None
        for slope, other in (op.reads, op.reads[::-1]):
            inside = _argument_of_slope(builder, slope)
            x = _steep_in(builder, inside) if inside else None
            found = _bounded(builder, other, x) if x else None
            if found:
                bounded = True
                args = tuple(found if r == other else r for r in op.reads)
                return builder.add("map", args, op.axes, function="multiply", hint=op.hint)
        return None

    found = rewritten(program, rewrite)
    return owned(alive(found)) if bounded else program


def _argument_of_slope(builder: Builder, ref: Ref) -> Ref | None:
    """u where a value is 1 - tanh²u, or a product with it."""
    op = builder.ops.get(ref.name)
    if op is None:
        return None
    if op.function == "multiply":
        found = (_argument_of_slope(builder, r) for r in read_by(op, ref.axes))
        return next((u for u in found if u), None)
    if op.function != "subtract" or op.args[0] != _ONE:
        return None
    for function in ("subtract", "power", "tanh"):
        op = builder.ops.get(ref.name)
        if op is None or op.function != function or (function == "power" and op.args[1] != _TWO):
            return None
        ref = read_by(op, ref.axes)[0]
    return ref


def _steep_in(builder: Builder, ref: Ref) -> Ref | None:
    """The x of which u is a rising or falling polynomial without even powers, and steep."""
    read: set[Ref] = set()
    polynomial = _polynomial(builder, ref, read)
    if polynomial is None or len(read) != 1:
        return None
    terms = sp.Poly(polynomial, _X).terms()
    odd = all(power % 2 and c.is_number for (power,), c in terms)
    one_sign = len({bool(c > 0) for _, c in terms}) == 1
    steep = abs(polynomial.subs(_X, sp.Integer(10) ** 10)) >= SATURATED
    return read.pop() if odd and one_sign and steep and len(terms) > 1 else None


def _polynomial(builder: Builder, ref: Ref, read: set[Ref]) -> sp.Expr | None:
    """A value as a polynomial of _X, which stands for what is ``read``; None if it is none."""
    op = builder.ops.get(ref.name)
    if op is None or op.kind != "map" or op.function not in _POLYNOMIALS:
        read.add(ref)
        return _X
    if op.function == "power" and not _is_whole(op.args[1]):
        return None
    args = [
        a.value if isinstance(a, Literal) else _polynomial(builder, a, read)
        for a in arguments_by(op, ref.axes)
    ]
    return None if None in args else sp.expand(_POLYNOMIALS[op.function](*args))


_POLYNOMIALS: dict[str, Callable[..., sp.Expr]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "negative": lambda x: -x,
    "power": lambda x, y: x**y,
}


def _is_whole(operand: Operand) -> bool:
    return isinstance(operand, Literal) and bool(operand.value.is_Integer and operand.value > 0)


def _bounded(builder: Builder, ref: Ref, x: Ref) -> Ref | None:
    """A polynomial of x with its even powers bounded; None where there are none."""
    op = builder.ops.get(ref.name)
    if op is None or op.kind != "map" or op.function not in _POLYNOMIALS:
        return None
    args = arguments_by(op, ref.axes)
    if op.function == "power":
        even = isinstance(args[1], Literal) and bool(args[1].value.is_even)
        fits = even and args[0] == x
        return builder.map("minimum", ref, LARGEST) if fits else None
    inner = tuple(a if isinstance(a, Literal) else _bounded(builder, a, x) or a for a in args)
    if inner == args:
        return None
    return builder.add("map", inner, ref.axes, function=op.function, hint=op.hint)

"""Roots of sums of squares as norms and hypotenuses: no square is too large or too small."""

from __future__ import annotations

import functools

import sympy as sp

from symgrad.mathematics.algebra import freshen, instance
from symgrad.mathematics.indices import entries, indices_of, name_of
from symgrad.mathematics.reductions import Norm, hypot
from symgrad.program.lower.lowering import Lowering
from symgrad.program.program import Axes, Operand


def root_of_squares(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """√(c Σ x²) as √c ‖x‖, √(x² + y²) as a hypotenuse; other roots as they are.

    Sums that have a name are seen through: the root of one is a length all the same.
    """
    (squares,) = expr.args
    named = {a: lowering.sums[name_of(a)] for a in entries(squares) if name_of(a) in lowering.sums}
    squares = squares.xreplace({a: instance(e, indices_of(a)) for a, e in named.items()})
    found = _as_norm(squares) or as_hypotenuse(squares)
    return lowering.leaf(expr, at) if found is None else lowering.expr(found, at)


def _as_norm(squares: sp.Expr) -> sp.Expr | None:
    scale, total = _split(squares)
    if not isinstance(total, sp.Sum):
        return None
    total = freshen(total)
    weight, square = _split(total.function)
    inside = [*map(_base, sp.Mul.make_args(square))]
    if None in inside:
        return None
    return sp.sqrt(scale * weight) * Norm(sp.Mul(*inside), *total.limits)


def as_hypotenuse(squares: sp.Expr) -> sp.Expr | None:
    """√(x² + y²) of several sides, or None where this is no sum of squares."""
    terms = [_split(term) for term in sp.Add.make_args(squares)]
    sides = [(number, _base(square)) for number, square in terms]
    if len(sides) < 2 or not all(n.is_positive and side is not None for n, side in sides):
        return None
    return functools.reduce(hypot, (sp.sqrt(n) * side for n, side in sides))


def _split(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """What is positive and has no entries in a product, and the rest of it."""
    factors = sp.Mul.make_args(expr)
    numbers = [f for f in factors if f.is_positive and not entries(f)]
    return sp.Mul(*numbers), sp.Mul(*(f for f in factors if f not in numbers))


def _base(square: sp.Expr) -> sp.Expr | None:
    """What this is the square of."""
    squared = square.is_Pow and square.exp == 2 and entries(square.base)
    return square.base if squared else None

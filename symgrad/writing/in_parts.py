"""Equations for the parts that an index is made of: w[l + 4 r] = … in place of δ(t, l + 4 r)."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import normal_form


def sides(equation: Equation) -> tuple[sp.Expr, sp.Expr]:
    """Both sides; an index that a δ says to be made of summed ones is written as what it is.

    Only where these make each of its values once: no equation is lost, and none is there twice.
    """
    left, right = equation.lhs, equation.rhs
    while (solved := _solved(left, right)) is not None:
        left, right = solved
    return left, right


def _solved(left: sp.Expr, right: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """The equation with one such δ less; None where there is none."""
    factors = sp.Mul.make_args(right)
    totals = [f for f in factors if isinstance(f, sp.Sum)]
    if len(totals) != 1:
        return None
    (total,) = totals
    outside = [f for f in factors if f is not total]
    inside = sp.Mul.make_args(total.function)
    for delta in inside:
        rest = [f for f in inside if f is not delta]
        made = _made(delta, total)
        if made and not any(f.has(made[0]) for f in (*rest, *outside)):
            limits = [limit for limit in total.limits if not made[1].has(limit[0])]
            body = sp.Mul(*rest)
            inner = sp.Sum(body, *limits) if limits else body
            return left.xreplace({made[0]: made[1]}), sp.Mul(*outside, inner)
    return None


def _made(delta: sp.Expr, total: sp.Sum) -> tuple[Index, sp.Expr] | None:
    """The free index of a δ, and what of the summed ones it is."""
    if not isinstance(delta, sp.KroneckerDelta):
        return None
    bound = [limit[0] for limit in total.limits]
    for index, of in (delta.args, delta.args[::-1]):
        parts = [i for i in bound if of.has(i)]
        free = isinstance(index, Index) and index not in bound and len(parts) > 1
        if free and _are_digits(parts, of, index):
            return index, of
    return None


def _are_digits(parts: Sequence[Index], of: sp.Expr, index: Index) -> bool:
    """Whether an index is a number with these digits: l + 4 r, for l below 4."""
    left, stride = normal_form(of), sp.S.One
    waiting = list(parts)
    while waiting:
        part = next((i for i in waiting if left.coeff(i) == stride), None)
        if part is None:
            return False
        left, stride = sp.expand(left - stride * part), normal_form(stride * part.size)
        waiting.remove(part)
    return bool(left == 0 and stride == normal_form(index.size))

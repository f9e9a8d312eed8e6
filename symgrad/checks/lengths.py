"""How long exact numbers are."""

from __future__ import annotations

import functools
import math

import sympy as sp


def weight(value: sp.Expr) -> int:
    """The number of nodes of an expression."""
    return sum(1 for _ in sp.preorder_traversal(value))


def degree(value: sp.Expr) -> int:
    """The degree of a number as a polynomial in the powers of e that it is made of."""
    exponents = [e.args[0] for e in value.atoms(sp.exp) if e.args[0].is_Rational]
    if value.has(sp.E):
        exponents.append(sp.S.One)
    step = functools.reduce(sp.gcd, exponents, sp.S.Zero)
    return max((int(abs(exponent / step)) for exponent in exponents), default=0)


def terms_below(value: sp.Expr) -> int:
    """How many terms the common denominator has when it is multiplied out.

    Powers of e with rational exponents are alike, and counted by their degree.
    """
    powers = {p.base: -int(p.exp) for p in value.atoms(sp.Pow) if p.exp.is_Integer and p.exp < 0}
    sums = {base: times for base, times in powers.items() if base.is_Add}
    return math.prod(
        len(base.args) ** times
        for base, times in sums.items()
        if not all(e.args[0].is_Rational for e in base.atoms(sp.exp))
    )

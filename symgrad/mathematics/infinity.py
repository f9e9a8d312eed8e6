"""Infinity as a constant of a spec, which the algebra carries along and never computes with."""

from __future__ import annotations

import sympy as sp


class Infinity(sp.AtomicExpr):
    """∞.  SymPy's own is a number, of which 0 · ∞ and ∞ - ∞ are NaN: masks would be lost."""

    is_commutative = True
    is_extended_positive = True

    def _sympystr(self, _: object) -> str:
        return "∞"

    def __reduce__(self) -> tuple[type[Infinity], tuple[()]]:
        return Infinity, ()


INFINITY = Infinity()


def as_constant(expr: sp.Expr) -> sp.Expr:
    """The expression with this infinity in the place of SymPy's own."""
    return expr.xreplace({sp.oo: INFINITY, -sp.oo: -INFINITY})


def as_number(expr: sp.Expr) -> sp.Expr:
    """The expression with SymPy's own infinity in it."""
    return expr.xreplace({INFINITY: sp.oo})

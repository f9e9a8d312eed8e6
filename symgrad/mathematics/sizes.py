"""Expressions over sizes: the numbers that fixed sizes stand for."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp


@lru_cache(maxsize=4096)
def numbers(expr: sp.Expr) -> sp.Expr:
    """An expression of sizes, with the known ones as numbers."""
    return expr.xreplace({s: sp.Integer(s.name) for s in expr.free_symbols if s.name.isdigit()})


def is_decimal(number: sp.Expr) -> bool:
    """Whether a rational number is written with a decimal point: 0.1, not 1/3."""
    return bool(number.is_Rational and 10**17 % number.q == 0)

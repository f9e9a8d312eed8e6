"""Norms as functions of sums of squares and of powers: where they are 0, so is what they give."""

from __future__ import annotations

import mpmath
import sympy as sp

from symgrad.mathematics.records import POSITIVE, REALS, LeafFunction, real_only, record
from symgrad.mathematics.scalars import xlogy

AT_ZERO = "the derivative of a norm, such as a standard deviation, is 0 where the norm is 0"


class root(LeafFunction):
    """The square root of a sum of squares: where that is 0, so is the derivative of the root."""

    partials = (lambda r, x: inverse(r) / 2,)


class root_of(LeafFunction):
    """A sum of powers to the power of y, below 1: where that is 0, so is its derivative."""

    partials = (lambda r, x, y: y * power_or_zero(x, y - 1), lambda r, x, y: xlogy(r, x))


class power_or_zero(LeafFunction):
    """x to the power of a negative y, and 0 where x is 0."""

    partials = (lambda r, x, y: y * power_or_zero(x, y - 1), lambda r, x, y: xlogy(r, x))


class inverse(LeafFunction):
    """1 / x, and 0 where x is 0."""

    partials = (lambda r, x: -(r**2),)


class normed(LeafFunction):
    """x / y where y is a norm that x is a part of: where y is 0, so is x, and it is 0."""

    partials = (lambda r, x, y: inverse(y), lambda r, x, y: -normed(r, y))

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        return x / y if x.is_number or y.is_number else None


record(
    root, "sqrt(x)", None, real_only(mpmath.sqrt), definition=sp.sqrt,
    domain=(POSITIVE,), convention=AT_ZERO,
)  # fmt: skip
record(
    root_of, "power(x, y)", None, real_only(mpmath.power), definition=lambda x, y: x**y,
    domain=(POSITIVE, (0.2, 0.8)), convention=AT_ZERO,
)  # fmt: skip
record(
    power_or_zero, "(x != 0) * power(where(x == 0, 1, x), y)", None,
    real_only(lambda x, y: mpmath.power(x, y) if x else mpmath.mpf(0)),
    definition=lambda x, y: x**y, domain=(POSITIVE, (-2.0, -0.2)),
)  # fmt: skip
record(
    inverse, "(x != 0) / where(x == 0, 1, x)", None,
    lambda x: 1 / x if x else mpmath.mpf(0), definition=lambda x: 1 / x, domain=(POSITIVE,),
)  # fmt: skip
record(
    normed, "x / where(y == 0, 1, y)", None, real_only(lambda x, y: x / y if y else x),
    definition=lambda x, y: x / y, domain=(REALS, POSITIVE),
)  # fmt: skip

"""Special functions of statistics and their inverses: one record for each."""

from __future__ import annotations

import mpmath
import sympy as sp

from symgrad.mathematics.records import (
    POSITIVE,
    REALS,
    Constant,
    Interval,
    LeafFunction,
    real_only,
    record,
)
from symgrad.mathematics.scalars import digamma
from symgrad.mathematics.written import Call, Prefix

INSIDE: Interval = (-0.95, 0.95)
FAR = 1e20
"""Where the leading term of an asymptotic series is all."""
TO_TWO: Interval = (0.05, 1.95)


class gamma(LeafFunction):
    """Γ(x)."""

    partials = (lambda r, x: r * digamma(x),)


class gammasgn(Constant):
    """The sign of Γ(x)."""


class erfinv(LeafFunction):
    """The inverse of the error function."""

    partials = (lambda r, x: sp.sqrt(sp.pi) / 2 * sp.exp(r**2),)


class erfcinv(LeafFunction):
    """The inverse of 1 - erf, accurate near 0."""

    partials = (lambda r, x: -sp.sqrt(sp.pi) / 2 * sp.exp(r**2),)


class log_cosh(LeafFunction):
    """The logarithm of the hyperbolic cosine."""

    partials = (lambda r, x: sp.tanh(x),)


class log_ndtr(LeafFunction):
    """The logarithm of the normal distribution function."""

    partials = (lambda r, x: hazard(x),)


class hazard(LeafFunction):
    """The normal density over the normal distribution function."""

    partials = (lambda r, x: -r * (r + x),)


def _distribution(x: mpmath.mpf) -> mpmath.mpf:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def _log_distribution(x: mpmath.mpf) -> mpmath.mpf:
    if abs(x) > FAR:
        return -(min(x, mpmath.mpf(0)) ** 2) / 2
    return mpmath.log1p(-_distribution(-x)) if x > 0 else mpmath.log(_distribution(x))


def _hazard(x: mpmath.mpf) -> mpmath.mpf:
    if abs(x) > FAR:
        return max(-x, mpmath.mpf(0))
    return mpmath.npdf(x) / _distribution(x)


def _normal(x: sp.Expr) -> sp.Expr:
    return sp.erfc(-x / sp.sqrt(2)) / 2


def _inverse_of_erfc(x: mpmath.mpf) -> mpmath.mpf:
    """By Newton's method where 1 - x has too few digits."""
    if not 0 < x < 2:
        return mpmath.nan
    if x > 1e-3:
        return mpmath.erfinv(1 - x)
    start = mpmath.sqrt(-mpmath.log(x * mpmath.sqrt(mpmath.pi)))
    return mpmath.findroot(lambda t: mpmath.log(mpmath.erfc(t)) - mpmath.log(x), start)


def _log_cosh(x: mpmath.mpf) -> mpmath.mpf:
    if abs(x) < 1:
        return mpmath.log1p(2 * mpmath.sinh(x / 2) ** 2)
    return abs(x) + mpmath.log1p(mpmath.exp(-2 * abs(x))) - mpmath.log(2)


_ROOT = "0.7071067811865476"
record(
    gammasgn, "where(x < 0, 1 - 2 * remainder(floor(x), 2), 1 + 0 * x)",
    Prefix("sign", of=Call("Γ", "Γ")),
    lambda x: mpmath.mpf(1) if x >= 0 or mpmath.floor(x) % 2 == 0 else mpmath.mpf(-1),
    definition=lambda x: sp.sign(sp.gamma(x)), domain=(POSITIVE,), called="gammasgn",
)  # fmt: skip
record(
    gamma, "where(x < 0, 1 - 2 * remainder(floor(x), 2), 1) * exp(gammaln(x))", Call("Γ", "Γ"),
    real_only(mpmath.gamma), definition=sp.gamma, domain=(POSITIVE,), called="gamma",
)  # fmt: skip
record(erfinv, "erfinv(x)", Call("erfinv"), real_only(mpmath.erfinv), definition=sp.erfinv,
       domain=(INSIDE,), called="erfinv")  # fmt: skip
record(
    erfcinv, "erfcinv(x)", Call("erfcinv"), real_only(_inverse_of_erfc),
    definition=lambda x: sp.erfinv(1 - x), domain=(TO_TWO,), called="erfcinv",
)  # fmt: skip
record(
    log_cosh,
    "where(abs(x) < 1, log1p(2 * sinh(minimum(abs(x), 1) / 2)**2), "
    "abs(x) - 0.6931471805599453 + log1p(exp(-2 * minimum(abs(x), 400))))",
    Prefix("log", of=Prefix("cosh")), _log_cosh,
    definition=lambda x: sp.log(sp.cosh(x)), domain=(REALS,),
)  # fmt: skip
record(
    log_ndtr,
    f"where(x < -1, log(erfcx(maximum(-x, 0) * {_ROOT}) / 2) - minimum(x, 0)**2 / 2, "
    f"log1p(-erfc(maximum(x, -1) * {_ROOT}) / 2))",
    Prefix("log", of=Call("Φ", "Φ")), _log_distribution,
    definition=lambda x: sp.log(_normal(x)), domain=(REALS,), called="log_ndtr",
)  # fmt: skip
record(
    hazard,
    f"where(x < 0, 0.7978845608028654 / erfcx(maximum(-x, 0) * {_ROOT}), "
    f"0.3989422804014327 * exp(-minimum(maximum(x, 0), 40)**2 / 2) "
    f"/ (1 - erfc(maximum(x, 0) * {_ROOT}) / 2))",
    Call("hazard"), _hazard,
    definition=lambda x: sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi) / _normal(x), domain=(REALS,),
)  # fmt: skip

"""The scalar functions that have a derivative rule of their own: one record for each."""

from __future__ import annotations

import functools
import math

import mpmath
import sympy as sp

from symgrad.mathematics.records import POSITIVE, REALS, Interval, LeafFunction, real_only, record
from symgrad.mathematics.written import (
    Bars,
    Call,
    Called,
    Difference,
    Exponential,
    Plus,
    Prefix,
    Radical,
)

UNIT: Interval = (0.05, 0.95)
INSIDE: Interval = (-0.95, 0.95)
ABOVE_ONE: Interval = (1.05, 3.0)
BOTH = (REALS, REALS)


# -- exponentials and logarithms --------------------------------------------------------------


class expm1(LeafFunction):
    """exp(x) - 1, accurate near 0."""

    partials = (lambda r, x: sp.exp(x),)


class weighted_exp(LeafFunction):
    """x exp(y), and 0 where x is 0, however large exp(y) is."""

    partials = (lambda r, x, y: sp.exp(y), lambda r, x, y: r)


class log1p(LeafFunction):
    """log(1 + x), accurate near 0."""

    partials = (lambda r, x: 1 / (1 + x),)


class log2(LeafFunction):
    """The logarithm to base 2."""

    partials = (lambda r, x: 1 / (x * sp.log(2)),)


class log10(LeafFunction):
    """The logarithm to base 10."""

    partials = (lambda r, x: 1 / (x * sp.log(10)),)


class sigmoid(LeafFunction):
    """1 / (1 + exp(-x))."""

    partials = (lambda r, x: r * (1 - r),)


class logit(LeafFunction):
    """log(x / (1 - x)), the inverse of the sigmoid."""

    partials = (lambda r, x: 1 / (x * (1 - x)),)


class softplus(LeafFunction):
    """log(1 + exp(x))."""

    partials = (lambda r, x: sigmoid(x),)


class logaddexp(LeafFunction):
    """log(exp(x) + exp(y))."""

    partials = (lambda r, x, y: share(x, y), lambda r, x, y: share(y, x))


class share(LeafFunction):
    """exp(x) / (exp(x) + exp(y)), and 0 where both are -∞, as in a softmax."""

    partials = (lambda r, x, y: r * share(y, x), lambda r, x, y: -r * share(y, x))

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        return sigmoid(x - y) if x.is_number or y.is_number else None


class logaddexp2(LeafFunction):
    """log2(2**x + 2**y)."""

    partials = (
        lambda r, x, y: share(sp.log(2) * x, sp.log(2) * y),
        lambda r, x, y: share(sp.log(2) * y, sp.log(2) * x),
    )


MOST_BITS = 100_000
"""The exponential of a number that is longer takes as many bits of log 2."""


def exponential(x: mpmath.mpf) -> mpmath.mpf:
    """To any precision; past all that is of use it is infinity, or nothing."""
    if mpmath.isfinite(x) and mpmath.mag(x) > MOST_BITS:
        return mpmath.inf if x > 0 else mpmath.mpf(0)
    return mpmath.exp(x)


record(sp.exp, "exp(x)", Exponential("e"), exponential, called="exp")
record(sp.log, "log(x)", Prefix("log"), real_only(mpmath.log), domain=(POSITIVE,), called="log")
record(
    expm1, "expm1(x)", None, mpmath.expm1,
    definition=lambda x: sp.exp(x) - 1, called="expm1",
)  # fmt: skip
record(
    log1p, "log1p(x)", None, real_only(mpmath.log1p),
    definition=lambda x: sp.log(1 + x), domain=((-0.9, 3.0),), called="log1p",
)  # fmt: skip
record(
    log2, "log2(x)", Prefix("log", "2"), real_only(lambda x: mpmath.log(x, 2)),
    definition=lambda x: sp.log(x, 2), domain=(POSITIVE,), called="log2",
)  # fmt: skip
record(
    log10, "log10(x)", Prefix("log", "10"), real_only(lambda x: mpmath.log(x, 10)),
    definition=lambda x: sp.log(x, 10), domain=(POSITIVE,), called="log10",
)  # fmt: skip
record(
    sigmoid, "maximum(x >= 0, exp(-abs(x))) / (1 + exp(-abs(x)))", Call("sigmoid", "σ"),
    lambda x: 1 / (1 + exponential(-x)), definition=lambda x: 1 / (1 + sp.exp(-x)), called="expit",
)  # fmt: skip
record(
    weighted_exp, "x * exp(where(x == 0, 0, y))", None,
    lambda x, y: x * exponential(y) if x else mpmath.mpf(0),
    definition=lambda x, y: x * sp.exp(y), domain=BOTH,
)  # fmt: skip
record(
    logit, "log(x / (1 - x))", Call("logit"),
    real_only(lambda x: mpmath.log(x / (1 - x))),
    definition=lambda x: sp.log(x / (1 - x)), domain=(UNIT,), called="logit",
)  # fmt: skip
record(
    softplus, "maximum(x, 0) + log1p(exp(-abs(x)))",
    Call("softplus"),
    lambda x: max(x, mpmath.mpf(0)) + mpmath.log1p(exponential(-abs(x))),
    definition=lambda x: sp.log(1 + sp.exp(x)),
)  # fmt: skip
record(
    logaddexp, "logaddexp(x, y)", Call("log", of=(Plus(Exponential("e"), Exponential("e", "y")),)),
    lambda x, y: max(x, y) + mpmath.log1p(exponential(-abs(x - y)) if x != y else mpmath.mpf(1)),
    definition=lambda x, y: sp.log(sp.exp(x) + sp.exp(y)), domain=BOTH,
)  # fmt: skip
_GAP = "exp(-abs(where(x == y, 0, x) - where(x == y, 0, y)))"  # -∞ less -∞ is not to be computed
_SOMETHING = "(minimum(x, -1) / 2 > minimum(x, -1))"  # not -∞
record(
    share, f"{_SOMETHING} * maximum(x >= y, {_GAP}) / (1 + {_GAP})",
    Call("sigmoid", "σ", of=(Difference(),)),
    lambda x, y: mpmath.mpf(0) if x == mpmath.ninf else 1 / (1 + exponential(y - x)),
    definition=lambda x, y: 1 / (1 + sp.exp(y - x)), domain=BOTH,
)  # fmt: skip
record(
    logaddexp2, "logaddexp2(x, y)",
    Called(
        "logaddexp2",
        Call("log", base="2", of=(Plus(Exponential("2"), Exponential("2", "y")),)),
    ),
    lambda x, y: max(x, y) + mpmath.log1p(mpmath.mpf(2) ** -abs(x - y)) / mpmath.log(2),
    definition=lambda x, y: sp.log(2**x + 2**y, 2), domain=BOTH, called="logaddexp2",
)  # fmt: skip


# -- powers and quotients ---------------------------------------------------------------------


class cbrt(LeafFunction):
    """The real cube root."""

    partials = (lambda r, x: 1 / (3 * r**2),)


class power(LeafFunction):
    """x to the power of a y that is not a number."""

    partials = (lambda r, x, y: power_slope(x, y), lambda r, x, y: xlogy(r, x))

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        return x**y if x.is_number or y.is_number else None


class power_slope(LeafFunction):
    """y x^(y - 1), and 0 where y is 0."""

    partials = (
        lambda r, x, y: y * power_slope(x, y - 1),
        lambda r, x, y: power(x, y - 1) + y * xlogy(power(x, y - 1), x),
    )


class hypot(LeafFunction):
    """The length of the vector (x, y)."""

    partials = (lambda r, x, y: ratio(x, r), lambda r, x, y: ratio(y, r))


class ratio(LeafFunction):
    """x / y, and 0 where x is 0."""

    partials = (lambda r, x, y: 1 / y, lambda r, x, y: -ratio(x, y**2))

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if x.is_number or y.is_number or x in sp.Mul.make_args(y):
            return sp.S.Zero if x == 0 else x / y
        return None


class xlogy(LeafFunction):
    """x log y, and 0 where x is 0."""

    partials = (lambda r, x, y: sp.log(y), lambda r, x, y: ratio(x, y))

    @classmethod
    def eval(cls, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        return (sp.S.Zero if x == 0 else x * sp.log(y)) if x.is_number else None


class xlog1py(LeafFunction):
    """x log(1 + y), and 0 where x is 0."""

    partials = (lambda r, x, y: log1p(y), lambda r, x, y: ratio(x, 1 + y))


class rel_entr(LeafFunction):
    """x log(x / y), and 0 where x is 0."""

    partials = (lambda r, x, y: sp.log(x / y) + 1, lambda r, x, y: -ratio(x, y))


record(
    cbrt, "cbrt(x)", Radical(3, "cbrt"), lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    definition=lambda x: sp.sign(x) * sp.Abs(x) ** sp.Rational(1, 3), domain=(POSITIVE,),
    called="cbrt",
)  # fmt: skip
record(
    power, "power(x, y)", None, real_only(mpmath.power),
    definition=lambda x, y: x**y, domain=(POSITIVE, (2.5, 2.5)),
)  # fmt: skip
record(
    power_slope, "y * power(x, where(y == 0, 1, y - 1))", None,
    real_only(lambda x, y: y * mpmath.power(x, y - 1) if y else mpmath.mpf(0)),
    definition=lambda x, y: y * x ** (y - 1), domain=(POSITIVE, (2.5, 2.5)),
)  # fmt: skip
record(
    hypot, "hypot(x, y)", None, mpmath.hypot,
    definition=lambda x, y: sp.sqrt(x**2 + y**2), domain=BOTH, called="hypot",
    convention="the derivatives of hypot are 0 at (0, 0)",
)  # fmt: skip
record(
    ratio, "x / where(x == 0, 1, y)", None,
    real_only(lambda x, y: x / y if x else mpmath.mpf(0)),
    definition=lambda x, y: x / y, domain=(POSITIVE, POSITIVE),
)  # fmt: skip
record(
    xlogy, "x * log(where(x == 0, 1, y))", None,
    real_only(lambda x, y: x * mpmath.log(y) if x else mpmath.mpf(0)),
    definition=lambda x, y: x * sp.log(y) if x != 0 else sp.S.Zero,
    domain=(POSITIVE, POSITIVE), called="xlogy",
)  # fmt: skip
record(
    xlog1py, "x * log1p(where(x == 0, 0, y))", None,
    real_only(lambda x, y: x * mpmath.log1p(y) if x else mpmath.mpf(0)),
    definition=lambda x, y: x * sp.log(1 + y) if x != 0 else sp.S.Zero,
    domain=(POSITIVE, POSITIVE), called="xlog1py",
)  # fmt: skip
record(
    rel_entr, "x * (log(where(x == 0, 1, x)) - log(where(x == 0, 1, y)))", None,
    real_only(lambda x, y: x * (mpmath.log(x) - mpmath.log(y)) if x else mpmath.mpf(0)),
    definition=lambda x, y: x * sp.log(x / y), domain=(POSITIVE, POSITIVE), called="rel_entr",
)  # fmt: skip


# -- circular and hyperbolic functions --------------------------------------------------------


class tan(LeafFunction):
    """The tangent."""

    partials = (lambda r, x: 1 + r**2,)


class arccos(LeafFunction):
    """The inverse of the cosine on [0, π]."""

    partials = (lambda r, x: -1 / sp.sqrt(1 - x**2),)


class arctan2(LeafFunction):
    """The angle of the point (y, x), x being the first argument, as NumPy orders them."""

    partials = (lambda r, x, y: y / (x**2 + y**2), lambda r, x, y: -x / (x**2 + y**2))


class arcsinh(LeafFunction):
    """The inverse of sinh."""

    partials = (lambda r, x: 1 / hypot(1, x),)


class sinc(LeafFunction):
    """sin(πx) / (πx), and 1 where x is 0."""

    partials = (lambda r, x: sinc_slope(x),)


class sinc_slope(LeafFunction):
    """The derivative of sinc; its own derivative is not known here."""


for _cls, _name in ((sp.sin, "sin"), (sp.cos, "cos"), (sp.sinh, "sinh"), (sp.cosh, "cosh"),
                    (sp.tanh, "tanh")):  # fmt: skip
    record(_cls, f"{_name}(x)", Prefix(_name), getattr(mpmath, _name), called=_name)
record(tan, "tan(x)", Prefix("tan"), mpmath.tan, definition=sp.tan, domain=((-1.4, 1.4),),
       called="tan")  # fmt: skip
record(sp.asin, "arcsin(x)", Prefix("arcsin"), real_only(mpmath.asin), domain=(INSIDE,),
       called="arcsin")  # fmt: skip
record(arccos, "arccos(x)", Prefix("arccos"), real_only(mpmath.acos), definition=sp.acos,
       domain=(INSIDE,), called="arccos")  # fmt: skip
record(sp.atan, "arctan(x)", Prefix("arctan"), mpmath.atan, called="arctan")
record(
    arctan2, "arctan2(x, y)", Call("arctan2"), mpmath.atan2,
    definition=sp.atan2, domain=BOTH, called="arctan2",
)  # fmt: skip
record(arcsinh, "arcsinh(x)", Call("arsinh"), mpmath.asinh,
       definition=sp.asinh, called="arcsinh")  # fmt: skip
record(sp.acosh, "arccosh(x)", Call("arcosh"), real_only(mpmath.acosh),
       domain=(ABOVE_ONE,), called="arccosh")  # fmt: skip
record(sp.atanh, "arctanh(x)", Call("artanh"), real_only(mpmath.atanh),
       domain=(INSIDE,), called="arctanh")  # fmt: skip


def _half_turns(function: str) -> str:
    """The text of sin(πx) or cos(πx), right for every x: π times a large one is far off as a float.

    x is n + r, n a whole number; both change their signs with every n.
    """
    return f"(1 - 2 * remainder(rint(x), 2)) * {function}(3.141592653589793 * (x - rint(x)))"


def _sinc_slope(x: mpmath.mpf) -> mpmath.mpf:
    """Near 0 by its power series, for the two parts of the derivative are nearly equal there."""
    if abs(x) < 1:
        return -(mpmath.pi**2) * x / 3 * mpmath.hyp0f1(2.5, -((mpmath.pi * x / 2) ** 2))
    return (mpmath.cospi(x) - mpmath.sincpi(x)) / x


_AWAY = "where(x == 0, 1, x)"
_SINC = f"{_half_turns('sin')} / (3.141592653589793 * {_AWAY})"
_NEAR = "where(abs(x) < 0.2, x, 0)"  # the square of what is not near is not to overflow
_SERIES = functools.reduce(
    lambda rest, k: f" * (1 - {math.pi**2 / (2 * k * (2 * k + 3))!r} * {_NEAR}**2{rest})",
    range(7, 0, -1),
    "",
)
"""The derivative over -π²x/3, where |x| < 0.2: the first term that is left out is below 1e-18."""
record(
    sinc, f"where(x == 0, 1, {_SINC})", Call("sinc"), mpmath.sincpi,
    definition=lambda x: sp.sin(sp.pi * x) / (sp.pi * x), called="sinc",
)  # fmt: skip
record(
    sinc_slope,
    f"where(abs(x) < 0.2, -x * {math.pi**2 / 3!r}{_SERIES}, "
    f"({_half_turns('cos')} - {_SINC}) / {_AWAY})",
    Call("sinc", prime=True), _sinc_slope,
    definition=lambda x: (sp.cos(sp.pi * x) - sp.sin(sp.pi * x) / (sp.pi * x)) / x,
)  # fmt: skip


# -- special functions ------------------------------------------------------------------------


class erfc(LeafFunction):
    """1 - erf(x)."""

    partials = (lambda r, x: -2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi),)


class gammaln(LeafFunction):
    """log |Γ(x)|."""

    partials = (lambda r, x: digamma(x),)


class digamma(LeafFunction):
    """The derivative of log Γ."""

    partials = (lambda r, x: trigamma(x),)


class trigamma(LeafFunction):
    """The derivative of digamma; its own derivative is not known here."""


record(sp.erf, "erf(x)", Call("erf"), mpmath.erf, called="erf")  # fmt: skip
record(erfc, "erfc(x)", Call("erfc"), real_only(mpmath.erfc), definition=sp.erfc,
       called="erfc")  # fmt: skip
record(
    gammaln, "gammaln(x)", Called("gammaln", Prefix("log", of=Bars(Call("Γ", "Γ")))),
    real_only(lambda x: mpmath.re(mpmath.loggamma(x))),
    definition=sp.loggamma, domain=(POSITIVE,), called="gammaln",
)  # fmt: skip
record(digamma, "digamma(x)", Call("digamma", "ψ"), real_only(mpmath.digamma),
       definition=sp.digamma, domain=(POSITIVE,), called="psi")  # fmt: skip
record(
    trigamma, "trigamma(x)", Call("trigamma", "ψ", prime=True),
    real_only(lambda x: mpmath.polygamma(1, x)),
    definition=lambda x: sp.polygamma(1, x), domain=(POSITIVE,),
)  # fmt: skip

"""Functions in pieces: comparisons, maxima, absolute values, choices, with what holds at a kink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import sympy as sp

from symgrad.mathematics.records import REALS, Constant, Indicator, LeafFunction, real_only, record
from symgrad.mathematics.written import Bars, Call, Comparison, Half, Plus

BOTH = (REALS, REALS)
AT_BOUNDS = "where a value is at a bound, the derivative of max, min and clip is 0"


class step(Indicator):
    """1 where x > 0, else 0: the derivative of relu, 0 at 0."""


class relu(LeafFunction):
    """max(x, 0)."""

    partials = (lambda r, x: step(x),)


class less(Indicator):
    """1 where x < y."""


class less_equal(Indicator):
    """1 where x <= y."""


class equal(Indicator):
    """1 where x = y."""


class tie_half(Indicator):
    """1 where x > y, one half where x = y, 0 where x < y."""


class maximum(LeafFunction):
    """The larger of x and y; where they are equal, each has half the derivative."""

    partials = (lambda r, x, y: tie_half(x, y), lambda r, x, y: tie_half(y, x))


class minimum(LeafFunction):
    """The smaller of x and y; where they are equal, each has half the derivative."""

    partials = (lambda r, x, y: tie_half(y, x), lambda r, x, y: tie_half(x, y))


class clip(LeafFunction):
    """The number nearest to x that is neither below y nor above z; z where y is above z."""

    partials = (
        lambda r, x, y, z: less(y, x) * less(x, z),
        lambda r, x, y, z: less_equal(x, y) * less(y, z),
        lambda r, x, y, z: less_equal(z, maximum(x, y)),
    )


class clip_below(LeafFunction):
    """The larger of x and a bound y; its derivative by x is 0 at the bound, as in clip."""

    partials = (lambda r, x, y: less(y, x), lambda r, x, y: less_equal(x, y))


class clip_above(LeafFunction):
    """The smaller of x and a bound y; its derivative by x is 0 at the bound, as in clip."""

    partials = (lambda r, x, y: less(x, y), lambda r, x, y: less_equal(y, x))


class absolute(LeafFunction):
    """The absolute value; its derivative at 0 is 0."""

    partials = (lambda r, x: sign(x),)


class sign(Constant):
    """-1, 0 or 1, as x is negative, zero or positive."""


class floor(Constant):
    """The largest whole number that is not above x."""


class ceil(Constant):
    """The smallest whole number that is not below x."""


class rint(Constant):
    """The whole number nearest to x, the even one of two."""


class trunc(Constant):
    """The whole number that is left of x without its decimals."""


class remainder(LeafFunction):
    """What division by y leaves of x, with the sign of y: x - y ⌊x / y⌋."""

    partials = (lambda r, x, y: sp.S.One, lambda r, x, y: -floor(x / y))


class fmod(LeafFunction):
    """What division by y leaves of x, with the sign of x."""

    partials = (lambda r, x, y: sp.S.One, lambda r, x, y: -trunc(x / y))


class select(LeafFunction):
    """y where x is 1, z where x is 0; what is not selected has no influence, not even as NaN."""

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        condition, yes, no = self.args
        d_yes, d_no = yes.diff(s), no.diff(s)
        return sp.S.Zero if d_yes == d_no == 0 else select(condition, d_yes, d_no)


def _heaviside(x: sp.Expr) -> sp.Expr:
    return sp.Heaviside(x, 0)


record(
    relu, "maximum(x, 0)", Call("relu"), lambda x: max(x, mpmath.mpf(0)),
    definition=lambda x: sp.Max(x, 0), kinks=(0.0,), convention="relu'(0) = 0",
)  # fmt: skip
record(
    step, "x > 0", Comparison(">", right="0"), lambda x: mpmath.mpf(x > 0),
    definition=_heaviside, kinks=(0.0,), boolean=True,
)  # fmt: skip
record(less, "x < y", Comparison("<"), lambda x, y: mpmath.mpf(x < y), boolean=True,
       domain=BOTH, called="less")  # fmt: skip
record(less_equal, "x <= y", Comparison("≤"), lambda x, y: mpmath.mpf(x <= y), boolean=True,
       domain=BOTH, called="less_equal")  # fmt: skip
record(equal, "x == y", Comparison("="), lambda x, y: mpmath.mpf(x == y), boolean=True,
       domain=BOTH, called="equal")  # fmt: skip
record(tie_half, "where(x == y, 0.5, x > y)",
       Half(Plus(Comparison(">"), Comparison("≥"))),
       lambda x, y: mpmath.mpf((x > y) + (x >= y)) / 2, domain=BOTH)  # fmt: skip
record(
    maximum, "maximum(x, y)", Call("max"), max, domain=BOTH,
    definition=sp.Max, called="maximum",
    convention="where the arguments of a maximum are equal, each has half the derivative",
)  # fmt: skip
record(
    minimum, "minimum(x, y)", Call("min"), min, domain=BOTH,
    definition=sp.Min, called="minimum",
    convention="where the arguments of a minimum are equal, each has half the derivative",
)  # fmt: skip
record(
    clip, "minimum(maximum(x, y), z)", Call("clip"),
    lambda x, y, z: min(max(x, y), z), domain=(REALS, (-2.0, -0.5), (0.5, 2.0)),
    definition=lambda x, y, z: sp.Min(sp.Max(x, y), z),
    convention=AT_BOUNDS,
)  # fmt: skip
record(
    clip_below, "maximum(x, y)", Call("max"), max, domain=BOTH, definition=sp.Max,
    convention=AT_BOUNDS,
)  # fmt: skip
record(
    clip_above, "minimum(x, y)", Call("min"), min, domain=BOTH, definition=sp.Min,
    convention=AT_BOUNDS,
)  # fmt: skip
record(
    absolute, "abs(x)", Bars(), abs,
    definition=sp.Abs, kinks=(0.0,), convention="|x|' = 0 at x = 0", called="absolute",
)  # fmt: skip
record(sign, "sign(x)", Call("sign"), mpmath.sign,
       definition=sp.sign, kinks=(0.0,), called="sign")  # fmt: skip
record(
    select, "where(x, y, z)", Call("where"),
    lambda c, y, z: y if c else z, domain=((0.0, 1.0), REALS, REALS),
)  # fmt: skip


# -- whole numbers ----------------------------------------------------------------------------

IN_STEPS = "the derivative of {} is 0, also at its steps"
OF_A_REMAINDER = "where x is a multiple of y, the derivative of a remainder is the one from above"


def _even(x: mpmath.mpf) -> mpmath.mpf:
    """The nearest whole number, as NumPy rounds."""
    whole = mpmath.floor(x + mpmath.mpf(1) / 2)
    return whole - 1 if whole - x == mpmath.mpf(1) / 2 and whole % 2 else whole


def _cut(x: mpmath.mpf) -> mpmath.mpf:
    return mpmath.sign(x) * mpmath.floor(abs(x))


def _left(x: mpmath.mpf, y: mpmath.mpf, whole: Callable[[Any], Any]) -> mpmath.mpf:
    """x - y times a whole number, which may have as many digits as a float has places."""
    with mpmath.workdps(700):
        return x - y * whole(x / y)


def _rounded(x: sp.Expr) -> sp.Expr:
    """The nearest whole number, the even one of two, in stock SymPy."""
    quarter = (2 * x - 1) / 4
    return sp.floor(x + sp.Rational(1, 2)) + sp.ceiling(quarter) - sp.floor(quarter) - 1


record(floor, "floor(x)", Call("floor"), mpmath.floor, definition=sp.floor, kinks=(0.0,),
       convention=IN_STEPS.format("floor"), called="floor")  # fmt: skip
record(ceil, "ceil(x)", Call("ceil"), mpmath.ceil, definition=sp.ceiling, kinks=(0.0,),
       convention=IN_STEPS.format("ceil"), called="ceil")  # fmt: skip
record(rint, "rint(x)", Call("round"), _even, definition=_rounded,
       convention=IN_STEPS.format("round"), called="rint")  # fmt: skip
record(
    trunc, "trunc(x)", Call("trunc"), _cut,
    definition=lambda x: sp.sign(x) * sp.floor(sp.Abs(x)),
    convention=IN_STEPS.format("trunc"), called="trunc",
)  # fmt: skip
record(
    remainder, "remainder(x, y)", Call("mod"), real_only(lambda x, y: _left(x, y, mpmath.floor)),
    definition=lambda x, y: x - y * sp.floor(x / y), domain=(REALS, (0.4, 0.7)),
    convention=OF_A_REMAINDER, called="remainder",
)  # fmt: skip
record(
    fmod, "fmod(x, y)", Call("fmod"), real_only(lambda x, y: _left(x, y, _cut)),
    definition=lambda x, y: x - y * sp.sign(x / y) * sp.floor(sp.Abs(x / y)),
    domain=(REALS, (0.4, 0.7)), convention=OF_A_REMAINDER, called="fmod",
)  # fmt: skip

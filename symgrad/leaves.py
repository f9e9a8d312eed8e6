"""The functions that have a derivative rule of their own: one record for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import mpmath
import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.indices import Index, fresh

Interval = tuple[float, float]
REALS: Interval = (-3.0, 3.0)
POSITIVE: Interval = (0.1, 3.0)


@dataclass(frozen=True)
class Leaf:
    """All that the project knows about one function of scalars.

    ``numpy`` is its text over arguments ``x, y, z`` (accurate and finite over its whole domain);
    ``latex`` is a pattern over the printed arguments ``{x}, {y}, {z}``; ``mpmath`` computes it to
    any precision.  ``definition`` writes it with stock SymPy functions: derivatives are proved
    against it.  ``domain`` is where tests sample each argument; ``kinks`` are the arguments at
    which it has no derivative, and ``convention`` says what is taken there.
    """

    cls: type[sp.Function]
    numpy: str
    latex: str
    mpmath: Callable[..., Any]
    definition: Callable[..., sp.Expr] | None = None
    domain: tuple[Interval, ...] = (REALS,)
    kinks: tuple[float, ...] = ()
    convention: str = ""
    boolean: bool = False
    ufunc: str = ""
    """The NumPy ufunc (or its name) that a spec calls to get this leaf."""


LEAVES: dict[type[sp.Function], Leaf] = {}


def record(
    cls: type[sp.Function], numpy: str, latex: str, mp: Callable[..., Any], **more: Any
) -> Leaf:
    """Enter a function into the table."""
    LEAVES[cls] = Leaf(cls, numpy, latex, mp, **more)
    return LEAVES[cls]


class LeafFunction(sp.Function):
    """A real function with a derivative for each argument, written over its result and arguments."""

    partials: ClassVar[tuple[Callable[..., sp.Expr], ...]] = ()
    is_real = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.partials[argindex - 1](self, *self.args)


class Indicator(LeafFunction):
    """A function with values 0 and 1: constant wherever it has a derivative."""

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        return sp.S.Zero


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


class absolute(LeafFunction):
    """The absolute value; its derivative at 0 is 0."""

    partials = (lambda r, x: sign(x),)


class sign(Indicator):
    """-1, 0 or 1, as x is negative, zero or positive."""


class select(LeafFunction):
    """y where x is 1, z where x is 0; what is not selected has no influence, not even as NaN."""

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        condition, yes, no = self.args
        d_yes, d_no = yes.diff(s), no.diff(s)
        return sp.S.Zero if d_yes == d_no == 0 else select(condition, d_yes, d_no)


class xlogy(LeafFunction):
    """x log y, and 0 where x is 0."""

    partials = (lambda r, x, y: sp.log(y), lambda r, x, y: x / y)


def _heaviside(x: sp.Expr) -> sp.Expr:
    return sp.Heaviside(x, 0)


record(sp.exp, "np.exp(x)", r"e^{{{x}}}", mpmath.exp, ufunc="exp")
record(sp.log, "np.log(x)", r"\log {x}", mpmath.log, domain=(POSITIVE,), ufunc="log")
record(sp.tanh, "np.tanh(x)", r"\tanh {x}", mpmath.tanh, ufunc="tanh")
record(
    relu, "np.maximum(x, 0)", r"\operatorname{{relu}}({x})", lambda x: max(x, mpmath.mpf(0)),
    definition=lambda x: sp.Max(x, 0), kinks=(0.0,), convention="relu'(0) = 0",
)  # fmt: skip
record(
    step, "x > 0", r"[{x} > 0]", lambda x: mpmath.mpf(x > 0),
    definition=_heaviside, kinks=(0.0,), boolean=True,
)  # fmt: skip
record(less, "x < y", r"[{x} < {y}]", lambda x, y: mpmath.mpf(x < y), boolean=True,
       domain=(REALS, REALS), ufunc="less")  # fmt: skip
record(less_equal, "x <= y", r"[{x} \le {y}]", lambda x, y: mpmath.mpf(x <= y), boolean=True,
       domain=(REALS, REALS), ufunc="less_equal")  # fmt: skip
record(equal, "x == y", r"[{x} = {y}]", lambda x, y: mpmath.mpf(x == y), boolean=True,
       domain=(REALS, REALS), ufunc="equal")  # fmt: skip
record(tie_half, "np.heaviside(x - y, 0.5)",
       r"\tfrac12\left([{x} > {y}] + [{x} \ge {y}]\right)",
       lambda x, y: mpmath.mpf((x > y) + (x >= y)) / 2, domain=(REALS, REALS))  # fmt: skip
record(
    maximum, "np.maximum(x, y)", r"\max({x}, {y})", max, domain=(REALS, REALS),
    definition=sp.Max, ufunc="maximum",
    convention="where the arguments of a maximum are equal, each has half the derivative",
)  # fmt: skip
record(
    minimum, "np.minimum(x, y)", r"\min({x}, {y})", min, domain=(REALS, REALS),
    definition=sp.Min, ufunc="minimum",
    convention="where the arguments of a minimum are equal, each has half the derivative",
)  # fmt: skip
record(
    absolute, "np.abs(x)", r"\left|{x}\right|", abs,
    definition=sp.Abs, kinks=(0.0,), convention="|x|' = 0 at x = 0", ufunc="absolute",
)  # fmt: skip
record(sign, "np.sign(x)", r"\operatorname{{sign}}({x})", mpmath.sign,
       definition=sp.sign, kinks=(0.0,), ufunc="sign")  # fmt: skip
record(
    select, "np.where(x, y, z)", r"\operatorname{{where}}({x}, {y}, {z})",
    lambda c, y, z: y if c else z, domain=((0.0, 1.0), REALS, REALS),
)  # fmt: skip
record(
    xlogy, "x * np.log(np.where(x == 0, 1, y))", r"{x} \log {y}",
    lambda x, y: x * mpmath.log(y) if x else mpmath.mpf(0),
    definition=lambda x, y: x * sp.log(y) if x != 0 else sp.S.Zero, domain=(POSITIVE, POSITIVE),
)  # fmt: skip


class Reduction(ExprWithLimits):
    """A function of all entries along one or more indices, such as their maximum.

    Written like ``sympy.Sum``: ``AxisMax(z[n, k], (k, 0, d - 1))``.  ``weight`` is the derivative
    with respect to the entry at index k, an expression over the result, the entry and its limits.
    """

    is_real = True

    def __new__(cls, body: sp.Expr, *limits: Any) -> Reduction:
        return sp.Expr.__new__(cls, body, *(sp.Tuple(*limit) for limit in limits))

    def weight(self, body: sp.Expr) -> sp.Expr:
        """The derivative with respect to the entry ``body``."""
        raise NotImplementedError

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        renamed = {limit[0]: fresh(limit[0].size) for limit in self.limits}
        body = self.function.xreplace(renamed)
        inner = body.diff(s)
        if inner == 0:
            return sp.S.Zero
        limits = [renamed[limit[0]].limits for limit in self.limits]
        return sp.Sum(self.weight(body) * inner, *limits)


class LogSumExp(Reduction):
    """log Σ exp."""

    def weight(self, body: sp.Expr) -> sp.Expr:
        return sp.exp(body - self)


class AxisMax(Reduction):
    """The maximum; entries that share it share its derivative equally."""

    def weight(self, body: sp.Expr) -> sp.Expr:
        return equal(body, self) / sp.Sum(equal(self.function, self), *self.limits)


class AxisMin(AxisMax):
    """The minimum; entries that share it share its derivative equally."""


@dataclass(frozen=True)
class ReductionLeaf:
    """All that the project knows about one reduction: as :class:`Leaf`, over an axis.

    ``numpy`` is its text over ``x`` and ``axis``; ``mpmath`` and ``definition`` (in stock SymPy)
    take a list of numbers.
    """

    cls: type[sp.Expr]
    numpy: str
    latex: str
    mpmath: Callable[..., Any]
    definition: Callable[..., sp.Expr]
    convention: str = ""
    limits: tuple[Index, ...] = field(default=())


REDUCTIONS: dict[type[sp.Expr], ReductionLeaf] = {
    r.cls: r
    for r in (
        ReductionLeaf(sp.Sum, "np.sum(x, axis)", r"\sum_{{{k}}} {x}", mpmath.fsum,
                      lambda v: sp.Add(*v)),
        ReductionLeaf(
            LogSumExp, "np.logaddexp.reduce(x, axis)", r"\log \sum_{{{k}}} e^{{{x}}}",
            lambda v: mpmath.log(mpmath.fsum(mpmath.exp(a) for a in v)),
            lambda v: sp.log(sp.Add(*(sp.exp(a) for a in v))),
        ),
        ReductionLeaf(
            AxisMax, "np.max(x, axis)", r"\max_{{{k}}} {x}", max, lambda v: sp.Max(*v),
            "entries that share a maximum share its derivative equally",
        ),
        ReductionLeaf(
            AxisMin, "np.min(x, axis)", r"\min_{{{k}}} {x}", min, lambda v: sp.Min(*v),
            "entries that share a minimum share its derivative equally",
        ),
    )
}  # fmt: skip

"""The functions that have a derivative rule of their own: of scalars, and along axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.mathematics.indices import Index, fresh
from symgrad.mathematics.norms import AT_ZERO, inverse, normed, root, root_of
from symgrad.mathematics.piecewise import (
    absolute,
    ceil,
    clip,
    clip_above,
    clip_below,
    equal,
    floor,
    fmod,
    less,
    less_equal,
    maximum,
    minimum,
    relu,
    remainder,
    rint,
    select,
    sign,
    step,
    tie_half,
    trunc,
)
from symgrad.mathematics.records import (
    LEAVES,
    POSITIVE,
    REALS,
    Constant,
    Indicator,
    Interval,
    Leaf,
    LeafFunction,
    as_defined,
    record,
)
from symgrad.mathematics.scalars import (
    arccos,
    arcsinh,
    arctan2,
    cbrt,
    digamma,
    erfc,
    expm1,
    gammaln,
    hypot,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    logit,
    power,
    power_slope,
    ratio,
    rel_entr,
    sigmoid,
    softplus,
    tan,
    trigamma,
    weighted_exp,
    xlog1py,
    xlogy,
)
from symgrad.mathematics.special import erfcinv, erfinv, gamma, gammasgn, hazard, log_cosh, log_ndtr
from symgrad.mathematics.written import Exponential, Over

__all__ = [
    "LEAVES",
    "POSITIVE",
    "REALS",
    "REDUCTIONS",
    "AxisMax",
    "AxisMin",
    "Constant",
    "Indicator",
    "Interval",
    "Leaf",
    "LeafFunction",
    "LogSum",
    "LogSumExp",
    "Norm",
    "Reduction",
    "ReductionLeaf",
    "absolute",
    "arccos",
    "arcsinh",
    "arctan2",
    "as_defined",
    "cbrt",
    "ceil",
    "clip",
    "clip_above",
    "clip_below",
    "digamma",
    "equal",
    "erfc",
    "erfcinv",
    "erfinv",
    "expm1",
    "floor",
    "fmod",
    "gamma",
    "gammaln",
    "gammasgn",
    "hazard",
    "hypot",
    "inverse",
    "less",
    "less_equal",
    "log1p",
    "log2",
    "log10",
    "log_cosh",
    "log_ndtr",
    "logaddexp",
    "logaddexp2",
    "logit",
    "maximum",
    "minimum",
    "normed",
    "power",
    "power_slope",
    "ratio",
    "record",
    "rel_entr",
    "relu",
    "remainder",
    "rint",
    "root",
    "root_of",
    "select",
    "sigmoid",
    "sign",
    "softplus",
    "step",
    "tan",
    "tie_half",
    "trigamma",
    "trunc",
    "weighted_exp",
    "xlog1py",
    "xlogy",
]


class Reduction(ExprWithLimits):
    """A function of all entries along one or more indices, such as their maximum.

    Written like ``sympy.Sum``: ``AxisMax(z[n, k], (k, 0, d - 1))``.
    """

    is_real = True

    def __new__(cls, body: sp.Expr, *limits: Any) -> Reduction:
        self: Reduction = sp.Expr.__new__(cls, body, *(sp.Tuple(*limit) for limit in limits))
        return self

    def weight(self, body: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        """The derivative with respect to the entry ``body``, that at the indices ``at``."""
        raise NotImplementedError

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        renamed = {limit[0]: fresh(limit[0].size) for limit in self.limits}
        body = self.function.xreplace(renamed)
        if body.diff(s) == 0:
            return sp.S.Zero
        limits = [renamed[limit[0]].limits for limit in self.limits]
        return sp.Sum(self.slope(body, s, renamed), *limits)

    def slope(self, body: sp.Expr, s: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        """The derivative by ``s`` as it goes through the entry ``body`` alone."""
        return self.weight(body, at) * body.diff(s)


class LogSumExp(Reduction):
    """log Σ exp."""

    def weight(self, body: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        return sp.exp(body - self)


class LogSum(Reduction):
    """log Σ w exp(u), whose terms may be 0 or negative, and too large for a number."""

    @staticmethod
    def parts(body: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """w and u of a term w exp(u)."""
        factors = sp.Mul.make_args(body)
        weights = (f for f in factors if not isinstance(f, sp.exp))
        return sp.Mul(*weights), sp.Add(*(f.exp for f in factors if isinstance(f, sp.exp)))

    def weight(self, body: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        return sp.exp(-self)

    def slope(self, body: sp.Expr, s: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        weight, power = self.parts(body)
        # as one exponential, for exp(u) alone may be too large
        share = sp.powsimp(sp.exp(power) * self.weight(body, at), combine="exp")
        by_power, by_weight = power.diff(s), weight.diff(s)
        if by_power == 0 or not isinstance(share, sp.exp) or weight.is_number:
            return (by_weight + weight * by_power) * share
        return by_weight * share + by_power * weighted_exp(weight, share.exp)


class Norm(Reduction):
    """The square root of the sum of squares; where it is 0, so is its derivative."""

    def weight(self, body: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        return normed(body, self)

    @property
    def squared(self) -> sp.Expr:
        """The sum of squares that it is the root of."""
        return sp.Sum(self.function**2, *self.limits)


class AxisMax(Reduction):
    """The maximum; entries that share it share its derivative equally."""

    def weight(self, body: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        return equal(body, self) / sp.Sum(equal(self.function, self), *self.limits)


class AxisMin(AxisMax):
    """The minimum; entries that share it share its derivative equally."""


class AxisProduct(Reduction):
    """The product; its derivative by one entry is the product of the others."""

    def weight(self, body: sp.Expr, at: Mapping[Index, Index]) -> sp.Expr:
        here = sp.Mul(*(equal(k, other) for k, other in at.items()))
        return AxisProduct(select(here, sp.S.One, self.function), *self.limits)

    @property
    def others(self) -> tuple[sp.Expr, dict[Index, Index]] | None:
        """Where one factor is left out: the factors, and for each index what it is not."""
        if not isinstance(self.function, select) or self.function.args[1] != 1:
            return None
        condition, _, body = self.function.args
        bound, left_out = {limit[0] for limit in self.limits}, {}
        for factor in sp.Mul.make_args(condition):
            pair = set(factor.args) if isinstance(factor, equal) else set()
            if len(pair & bound) != 1 or not all(isinstance(i, Index) for i in pair):
                return None
            (left_out[next(iter(pair & bound))],) = pair - bound
        if set(left_out) != bound or body.free_symbols & set(left_out.values()):
            return None
        return body, left_out


@dataclass(frozen=True)
class ReductionLeaf:
    """All that the project knows about one reduction: as :class:`Leaf`, over an axis.

    ``name`` is what a program calls it; ``written`` is None where it is written as it is defined;
    ``mpmath`` and ``definition`` (in stock SymPy) take a list of numbers.
    """

    cls: type[sp.Expr]
    name: str
    written: Over | None
    mpmath: Callable[..., Any]
    definition: Callable[..., sp.Expr]
    convention: str = ""


REDUCTIONS: dict[type[sp.Expr], ReductionLeaf] = {
    r.cls: r
    for r in (
        ReductionLeaf(sp.Sum, "sum", Over("∑"), mpmath.fsum,
                      lambda v: sp.Add(*v)),
        ReductionLeaf(
            LogSumExp, "logsumexp", Over("∑", Exponential("e"), before="log"),
            lambda v: mpmath.log(mpmath.fsum(mpmath.exp(a) for a in v)),
            lambda v: sp.log(sp.Add(*(sp.exp(a) for a in v))),
        ),
        ReductionLeaf(
            LogSum, "logsum", Over("∑", before="log"),
            lambda v: mpmath.log(mpmath.fsum(v)),
            lambda v: sp.log(sp.Add(*v)),
        ),
        ReductionLeaf(
            Norm, "norm", None, mpmath.norm,
            lambda v: sp.sqrt(sp.Add(*(a**2 for a in v))),
            AT_ZERO,
        ),
        ReductionLeaf(
            AxisMax, "max", Over("max"), max, lambda v: sp.Max(*v),
            "entries that share a maximum share its derivative equally",
        ),
        ReductionLeaf(
            AxisMin, "min", Over("min"), min, lambda v: sp.Min(*v),
            "entries that share a minimum share its derivative equally",
        ),
        ReductionLeaf(
            AxisProduct, "prod", Over("∏"), mpmath.fprod,
            lambda v: sp.Mul(*v),
        ),
    )
}  # fmt: skip

"""Functions along axes: sums, means, maxima."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.indexing import diff
from symgrad.language.registry import UFUNCS, function, unsupported
from symgrad.language.shapes import ravel, reshape, structure
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.reductions import (
    AxisMax,
    AxisMin,
    AxisProduct,
    LogSumExp,
    less_equal,
    select,
)
from symgrad.mathematics.sizes import fixed


def reduction(cls: type[sp.Expr]) -> Callable[..., Array]:
    """The NumPy function whose entries are ``cls(entry, limits)``."""

    def reduce(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
        array = as_array(a)
        axes = axes_of(array, axis)
        inner = [axis_index(size) for size in array.sizes]
        bound = [inner[k].limits for k in axes if isinstance(inner[k], Index)]
        value = array.at(inner)
        kept = [
            sp.Integer(0) if k in axes else i
            for k, i in enumerate(inner)
            if keepdims or k not in axes
        ]
        return Array(kept, cls(value, *bound) if bound else value, [array])

    return reduce


sum_ = function("sum", method=True)(reduction(sp.Sum))
max_ = function("amax")(function("max", method=True)(reduction(AxisMax)))
min_ = function("amin")(function("min", method=True)(reduction(AxisMin)))
prod = function("prod", method=True)(reduction(AxisProduct))


def count(array: Array, axis: Any = None) -> sp.Expr:
    """The number of entries along the axes."""
    return sp.Mul(*(array.sizes[k] for k in axes_of(array, axis)))


@function("mean", method=True)
def mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The arithmetic mean along the axes."""
    array = as_array(a)
    total = sum_(array, axis, keepdims=keepdims)
    return elementwise("divide", total, count(array, axis))


@function("average")
def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Array:
    """The mean, with weights of the same shape where they are given."""
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    array, w = as_array(a), as_array(weights)
    if array.sizes != w.sizes:
        raise unsupported(
            "np.average with weights of another shape", "multiply, and divide by their sum"
        )
    total = sum_(w, axis, keepdims=keepdims)
    weighted = sum_(elementwise("multiply", array, w), axis, keepdims=keepdims)
    return elementwise("divide", weighted, total)


@function("var", method=True)
def var(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Array:
    """The mean squared distance from the mean."""
    array = as_array(a)
    apart = array - mean(array, axis, keepdims=True)
    squares = sum_(elementwise("square", apart), axis, keepdims=keepdims)
    left = fixed(count(array, axis) - ddof)
    if left is not None and left <= 0:
        raise SpecError(
            f"the variance of {left + ddof} numbers, with ddof={ddof}, divides by {left}",
            where=caller(),
            hint="NumPy gives NaN: ddof has to be less than the number of entries",
        )
    return elementwise("divide", squares, count(array, axis) - ddof)


@function("std", method=True)
def std(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Array:
    """The square root of the variance."""
    return elementwise("sqrt", var(a, axis, ddof=ddof, keepdims=keepdims))


@function("ptp")
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The largest minus the smallest entry along the axes."""
    return elementwise(
        "subtract", max_(a, axis, keepdims=keepdims), min_(a, axis, keepdims=keepdims)
    )


@function("cumsum", method=True)
def cumsum(a: Any, axis: Any = None) -> Array:
    """The sum of all entries up to each one."""
    return _running(a, axis, lambda x, up_to: (sp.Sum, x * up_to))


@function("cumprod", method=True)
def cumprod(a: Any, axis: Any = None) -> Array:
    """The product of all entries up to each one."""
    return _running(a, axis, lambda x, up_to: (AxisProduct, select(up_to, x, sp.Integer(1))))


def _running(
    a: Any, axis: Any, parts: Callable[[sp.Expr, sp.Expr], tuple[type[sp.Expr], sp.Expr]]
) -> Array:
    """The reduction, up to each entry, of what an entry and whether it is reached make."""
    array = ravel(a) if axis is None else as_array(a)
    axis = axes_of(array, -1 if axis is None else axis)[0]
    inner = [axis_index(size) for size in array.sizes]
    if not isinstance(inner[axis], Index):
        return array
    last = axis_index(array.sizes[axis])
    cls, body = parts(array.at(inner), less_equal(inner[axis], last))
    rhs = cls(body, inner[axis].limits)
    return structure([*inner[:axis], last, *inner[axis + 1 :]], rhs, [array])


@function("trapezoid")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """The integral along an axis of what is linear between the values."""
    array = as_array(y)
    before = (slice(None),) * axes_of(array, axis)[0]
    width = as_array(dx) if x is None else diff(x, axis=axis if as_array(x).ndim > 1 else -1)
    if x is not None and width.ndim == 1:
        width = reshape(width, (-1,) + (1,) * (array.ndim - len(before) - 1))
    both = array[(*before, slice(1, None))] + array[(*before, slice(None, -1))]
    return elementwise("divide", sum_(width * both, axis), 2)


@function("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Frobenius and Euclidean norms; the 1, 2 and infinity norms of vectors."""
    array = as_array(x)
    axes = axes_of(array, axis)
    if ord in (None, "fro") or (ord == 2 and len(axes) == 1):
        return elementwise("sqrt", sum_(array**2, axis, keepdims=keepdims))
    if len(axes) == 1 and ord == 1:
        return sum_(elementwise("absolute", array), axis, keepdims=keepdims)
    if len(axes) == 1 and ord in (math.inf, -math.inf):
        reduce = max_ if ord > 0 else min_
        return reduce(elementwise("absolute", array), axis, keepdims=keepdims)
    raise unsupported(f"np.linalg.norm with ord={ord!r} over {len(axes)} axes",
                      "Frobenius, and 1, 2, inf of vectors are")  # fmt: skip


def logsumexp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """log Σ exp along the axes, without overflow: what scipy.special.logsumexp computes."""
    return _log_sum_exp(a, axis, keepdims=keepdims)


_log_sum_exp = reduction(LogSumExp)


def log_softmax(x: Any, axis: Any = None) -> Array:
    """x - logsumexp(x): what scipy.special.log_softmax computes."""
    return _over_log_sum_exp(x, axis, lambda log: log)


def softmax(x: Any, axis: Any = None) -> Array:
    """exp(x) / Σ exp(x): what scipy.special.softmax computes."""
    return _over_log_sum_exp(x, axis, sp.exp)


def _over_log_sum_exp(x: Any, axis: Any, outside: Callable[[sp.Expr], sp.Expr]) -> Array:
    array = as_array(x)
    axes = axes_of(array, axis)
    out = [axis_index(size) for size in array.sizes]
    inner = [axis_index(s) if k in axes else out[k] for k, s in enumerate(array.sizes)]
    bound = [inner[k].limits for k in axes if isinstance(inner[k], Index)]
    total = LogSumExp(array.at(inner), *bound) if bound else array.at(inner)
    return Array(out, outside(array.at(out) - total), [array, array])


def _first_axis(reduce: Callable[..., Array]) -> Callable[..., Array]:
    """A ufunc's own reduce goes along the first axis where none is named."""
    return lambda a, axis=0, *, keepdims=False: reduce(a, axis, keepdims=keepdims)


UFUNCS["add.reduce"] = _first_axis(sum_)
UFUNCS["multiply.reduce"] = _first_axis(prod)
UFUNCS["maximum.reduce"] = _first_axis(max_)
UFUNCS["minimum.reduce"] = _first_axis(min_)

"""Functions along axes: sums, means, maxima."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.indexing import diff
from symgrad.language.itself import LOG_SOFTMAX, SOFTMAX, may_be_masked, unless_masked
from symgrad.language.registry import FUNCTIONS, UFUNCS, function, unsupported
from symgrad.language.shapes import broadcast_to, ravel, reshape, structure
from symgrad.mathematics.equations import DType
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.reductions import (
    AxisMax,
    AxisMin,
    AxisProduct,
    LogSumExp,
    less_equal,
    select,
)
from symgrad.mathematics.sizes import fixed

Of = type[sp.Expr]


def reduction(cls: Of, neutral: Any = None, combined: str = "") -> Callable[..., Array]:
    """The NumPy function whose entries are ``cls(entry, limits)``.

    ``neutral`` stands for the entries that ``where`` leaves out; ``combined`` is the function of
    numbers by which ``initial`` comes in.
    """

    def reduce(
        a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Array:
        array = as_array(a)
        if where is not True:
            left_out = neutral if neutral is not None else initial
            if left_out is None:
                raise SpecError(
                    "a maximum or minimum with where= needs initial=, as in NumPy",
                    where=caller(),
                    hint="it stands in where the condition holds nowhere",
                )
            array = FUNCTIONS["where"](where, array, left_out)
        value = _reduced(cls, array, axes_of(array, axis), keepdims)
        return value if initial is None else elementwise(combined, value, initial)

    return reduce


def _reduced(cls: Of, array: Array, axes: Sequence[int], keepdims: bool) -> Array:
    inner = [axis_index(size) for size in array.sizes]
    bound = [inner[k].limits for k in axes if isinstance(inner[k], Index)]
    value = array.at(inner)
    kept = [
        sp.Integer(0) if k in axes else i for k, i in enumerate(inner) if keepdims or k not in axes
    ]
    kind: DType = "bool" if array.kind == "bool" and cls in OF_ORDER else "float"
    return Array(kept, cls(value, *bound) if bound else value, [array], dtype=kind)


OF_ORDER = (AxisMax, AxisMin)
"""What is one of the entries: of truth values a truth value."""

sum_ = function("sum", "nansum", method=True)(reduction(sp.Sum, 0, "add"))
max_ = function("amax", "nanmax")(function("max", method=True)(reduction(AxisMax, None, "maximum")))
min_ = function("amin", "nanmin")(function("min", method=True)(reduction(AxisMin, None, "minimum")))
prod = function("prod", "nanprod", method=True)(reduction(AxisProduct, 1, "multiply"))


def count(array: Array, axis: Any = None) -> sp.Expr:
    """The number of entries along the axes."""
    return sp.Mul(*(array.sizes[k] for k in axes_of(array, axis)))


@function("mean", "nanmean", method=True)
def mean(a: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Array:
    """The arithmetic mean along the axes."""
    array = as_array(a)
    total = sum_(array, axis, keepdims=keepdims, where=where)
    found = elementwise("divide", total, _how_many(array, axis, keepdims, where))
    if where is True and array.wrote is None:
        array.means.setdefault(tuple(axes_of(array, axis)), found)
    return found


def _middle(array: Array, axis: Any, where: Any) -> Array:
    """The mean, with its axes; one that there is already keeps the name that it has."""
    axes = tuple(axes_of(array, axis))
    known = array.means.get(axes) if where is True and array.wrote is None else None
    if known is None or all(array.shape[k] == 1 for k in axes):  # of one entry it is that entry
        return mean(array, axis, keepdims=True, where=where)
    if known.ndim == array.ndim:
        return known
    return known[tuple(None if k in axes else slice(None) for k in range(array.ndim))]


def _how_many(array: Array, axis: Any, keepdims: bool, where: Any) -> Any:
    """The number of entries along the axes, of those for which a condition holds."""
    if where is True:
        return count(array, axis)
    held = FUNCTIONS["broadcast_to"](where, array.shape)
    return sum_(held, axis, keepdims=keepdims)


@function("average")
def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Array:
    """The mean, with weights where they are given: of the same shape, or one along the axis."""
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    array, w = as_array(a), as_array(weights)
    if w.ndim == 1 < array.ndim and axis is not None:
        others: list[slice | None] = [None] * (array.ndim - 1)
        others.insert(axes_of(array, axis)[0], slice(None))
        w = broadcast_to(w[tuple(others)], array.shape)
    if array.sizes != w.sizes:
        raise unsupported(
            "np.average with weights of another shape", "multiply, and divide by their sum"
        )
    total = sum_(w, axis, keepdims=keepdims)
    weighted = sum_(elementwise("multiply", array, w), axis, keepdims=keepdims)
    return elementwise("divide", weighted, total)


@function("var", "nanvar", method=True)
def var(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False, mean: Any = None,
        correction: Any = None, where: Any = True) -> Array:  # fmt: skip
    """The mean squared distance from the mean, which may be given."""
    array = as_array(a)
    ddof = ddof if correction is None else correction
    middle = _middle(array, axis, where) if mean is None else mean
    squares = sum_(elementwise("square", array - middle), axis, keepdims=keepdims, where=where)
    entries = _how_many(array, axis, keepdims, where)
    left = fixed(entries - ddof) if where is True else None
    if left is not None and left <= 0:
        raise SpecError(
            f"the variance of {left + ddof} numbers, with ddof={ddof}, divides by {left}",
            where=caller(),
            hint="NumPy gives NaN: ddof has to be less than the number of entries",
        )
    return elementwise("divide", squares, entries - ddof)


@function("std", "nanstd", method=True)
def std(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False, mean: Any = None,
        correction: Any = None, where: Any = True) -> Array:  # fmt: skip
    """The square root of the variance."""
    options = {"mean": mean, "correction": correction, "where": where}
    return elementwise("sqrt", var(a, axis, ddof=ddof, keepdims=keepdims, **options))


@function("ptp")
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The largest minus the smallest entry along the axes."""
    return elementwise(
        "subtract", max_(a, axis, keepdims=keepdims), min_(a, axis, keepdims=keepdims)
    )


@function("cumsum", "nancumsum", method=True)
def cumsum(a: Any, axis: Any = None) -> Array:
    """The sum of all entries up to each one."""
    return _running(_counting(a), axis, lambda x, up_to: (sp.Sum, x * up_to))


@function("cumprod", "nancumprod", method=True)
def cumprod(a: Any, axis: Any = None) -> Array:
    """The product of all entries up to each one."""
    return _running(
        _counting(a), axis, lambda x, up_to: (AxisProduct, select(up_to, x, sp.Integer(1)))
    )


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


def _counting(a: Any) -> Array:
    """Numbers in place of truth values, which count as 0 and 1."""
    array = as_array(a)
    return array.astype(int) if array.kind == "bool" else array


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


def logsumexp(a: Any, axis: Any = None, b: Any = None, *, keepdims: bool = False) -> Array:
    """log Σ b exp(a) along the axes, without overflow: what scipy.special.logsumexp computes."""
    if b is None:
        return _log_sum_exp(a, axis, keepdims=keepdims)
    terms = elementwise("multiply", b, elementwise("exp", a))
    return elementwise("log", sum_(terms, axis, keepdims=keepdims))


_log_sum_exp = reduction(LogSumExp)


def log_softmax(x: Any, axis: Any = None) -> Array:
    """x - logsumexp(x): what scipy.special.log_softmax computes."""
    return _over_log_sum_exp(x, axis, lambda log: log, LOG_SOFTMAX)


def softmax(x: Any, axis: Any = None) -> Array:
    """exp(x) / Σ exp(x): what scipy.special.softmax computes."""
    return _over_log_sum_exp(x, axis, sp.exp, SOFTMAX)


def _over_log_sum_exp(
    x: Any, axis: Any, outside: Callable[[sp.Expr], sp.Expr], of_one: tuple[sp.Expr, sp.Expr]
) -> Array:
    array = as_array(x)
    axes = axes_of(array, axis)
    out = [axis_index(size) for size in array.sizes]
    inner = [axis_index(s) if k in axes else out[k] for k, s in enumerate(array.sizes)]
    bound = [inner[k].limits for k in axes if isinstance(inner[k], Index)]
    if not bound:
        value = unless_masked(array.at(out), *of_one) if may_be_masked(array) else of_one[0]
        return Array(out, value, [array])
    total = LogSumExp(array.at(inner), *bound)
    return Array(out, outside(array.at(out) - total), [array, array])


def _first_axis(reduce: Callable[..., Array]) -> Callable[..., Array]:
    """A ufunc's own reduce goes along the first axis where none is named."""
    return lambda a, axis=0, *, keepdims=False, **more: reduce(a, axis, keepdims=keepdims, **more)


UFUNCS["add.reduce"] = _first_axis(sum_)
UFUNCS["multiply.reduce"] = _first_axis(prod)
UFUNCS["maximum.reduce"] = _first_axis(max_)
UFUNCS["minimum.reduce"] = _first_axis(min_)
UFUNCS["logaddexp.reduce"] = _first_axis(logsumexp)


def _accumulated(cls: Of, neutral: sp.Expr) -> Callable[..., Array]:
    """The reduction of all entries up to each one."""
    parts = lambda x, up_to: (cls, select(up_to, x, neutral))  # noqa: E731
    of = as_array if cls in OF_ORDER else lambda array: array.astype(float)
    return lambda array, axis=0: _running(of(array), axis, parts)


UFUNCS["add.accumulate"] = lambda array, axis=0: cumsum(array, axis)
UFUNCS["multiply.accumulate"] = lambda array, axis=0: cumprod(array, axis)
UFUNCS["maximum.accumulate"] = _accumulated(AxisMax, -INFINITY)
UFUNCS["minimum.accumulate"] = _accumulated(AxisMin, INFINITY)
UFUNCS["logaddexp.accumulate"] = _accumulated(LogSumExp, -INFINITY)

"""Covariances, correlations, and what is read off values in order."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.language.array import Array, axes_of, describe
from symgrad.language.constants import as_array
from symgrad.language.contractions import matmul
from symgrad.language.diagonals import diagonal
from symgrad.language.elementwise import elementwise
from symgrad.language.joining import concatenate, stack
from symgrad.language.ordering import sort
from symgrad.language.reductions import mean, sum_
from symgrad.language.registry import function, unsupported
from symgrad.language.shapes import atleast_2d, moveaxis, reshape
from symgrad.language.sizes import known_size


@function("cov")
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
        fweights: Any = None, aweights: Any = None) -> Array:  # fmt: skip
    """The covariances of variables, which are rows unless ``rowvar`` is false."""
    rows = _variables(m, rowvar)
    if y is not None:
        rows = concatenate([rows, _variables(y, rowvar)], 0)
    less_by = (0 if bias else 1) if ddof is None else ddof
    given = [as_array(w) for w in (fweights, aweights) if w is not None]
    if not given:
        apart = rows - mean(rows, 1, keepdims=True)
        product = matmul(apart, apart.T) / (apart.shape[1] - less_by)
    else:
        product = _weighted(rows, functools.reduce(operator.mul, given), aweights, less_by)
    alone = product.shape == (1, 1)
    return reshape(product, ()) if alone else product


def _weighted(rows: Array, w: Array, aweights: Any, less_by: int) -> Array:
    """The covariances of rows whose columns have weights."""
    total = sum_(w)
    apart = rows - (matmul(rows, w) / total)[:, None]
    less: Any = less_by
    if aweights is not None and less_by:
        less = less_by * (sum_(elementwise("multiply", w, aweights)) / total)
    product = matmul(elementwise("multiply", apart, w), apart.T)
    return elementwise("divide", product, total - less)


def _variables(m: Any, rowvar: bool) -> Array:
    array = as_array(m)
    if array.ndim > 2:
        raise unsupported(f"np.cov of {describe(array)}", "vectors and matrices are")
    rows = atleast_2d(array)
    return rows if rowvar or array.ndim < 2 else rows.T


@function("corrcoef")
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Array:
    """The correlations of variables, which are rows unless ``rowvar`` is false."""
    c = cov(x, y, rowvar)
    if not c.ndim:
        return elementwise("divide", c, c)
    deviations = elementwise("sqrt", diagonal(c))
    return elementwise("divide", c / deviations[:, None], deviations[None, :])


# -- in order ---------------------------------------------------------------------------------


@function("median")
def median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """What half of the entries are below: the middle one, or the mean of the middle two."""
    return _read_off(a, 0.5, axis, "linear", keepdims)


@function("quantile")
def quantile(a: Any, q: Any, axis: Any = None, *, method: str = "linear",
             keepdims: bool = False) -> Array:  # fmt: skip
    """What the part ``q`` of the entries is below, linear between two of them."""
    if np.ndim(q):
        return stack([quantile(a, p, axis, method=method, keepdims=keepdims) for p in q], 0)
    if not isinstance(q, (int, float)) or not 0 <= q <= 1:
        raise unsupported(f"np.quantile with q={q!r}", "numbers from 0 to 1 are")
    return _read_off(a, float(q), axis, method, keepdims)


@function("percentile")
def percentile(a: Any, q: Any, axis: Any = None, *, method: str = "linear",
               keepdims: bool = False) -> Array:  # fmt: skip
    """What ``q`` percent of the entries are below, linear between two of them."""
    return quantile(a, np.asarray(q) / 100, axis, method=method, keepdims=keepdims)


_BETWEEN: dict[str, Callable[[float], float]] = {
    "linear": lambda at: at,
    "lower": math.floor,
    "higher": math.ceil,
    "nearest": round,
    "midpoint": lambda at: (math.floor(at) + math.ceil(at)) / 2,
}


def _read_off(a: Any, part: float, axis: Any, method: str, keepdims: bool) -> Array:
    array = as_array(a)
    if method not in _BETWEEN:
        raise unsupported(f"a quantile with method={method!r}", f"{', '.join(_BETWEEN)} are")
    axes = axes_of(array, axis)
    left = [k for k in range(array.ndim) if k not in axes]
    rows = moveaxis(array, left, range(len(left)))
    rows = reshape(rows, (*rows.shape[: len(left)], -1))
    count = known_size(rows.shape[-1], "a quantile along an axis")
    at = _BETWEEN[method](part * (count - 1))
    low, share = math.floor(at), at - math.floor(at)
    ordered = sort(rows)
    value = ordered[..., low]
    if share:
        value = value * (1 - share) + ordered[..., low + 1] * share
    if keepdims:
        value = reshape(value, [1 if k in axes else d for k, d in enumerate(array.shape)])
    return value

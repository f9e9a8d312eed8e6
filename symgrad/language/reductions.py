"""Functions along axes: sums, means, maxima."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symgrad.arrays import UFUNCS, Array, as_array, axes_of, function
from symgrad.indices import Index, axis_index
from symgrad.leaves import AxisMax, AxisMin


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
max_ = function("max", "amax", method=True)(reduction(AxisMax))
min_ = function("min", "amin", method=True)(reduction(AxisMin))


def count(array: Array, axis: Any = None) -> sp.Expr:
    """The number of entries along the axes."""
    return sp.Mul(*(array.sizes[k] for k in axes_of(array, axis)))


@function("mean", method=True)
def mean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The arithmetic mean along the axes."""
    array = as_array(a)
    return sum_(array, axis, keepdims=keepdims) / count(array, axis)


def _first_axis(reduce: Callable[..., Array]) -> Callable[..., Array]:
    """A ufunc's own reduce goes along the first axis where none is named."""
    return lambda a, axis=0, *, keepdims=False: reduce(a, axis, keepdims=keepdims)


UFUNCS["add.reduce"] = _first_axis(sum_)
UFUNCS["maximum.reduce"] = _first_axis(max_)
UFUNCS["minimum.reduce"] = _first_axis(min_)

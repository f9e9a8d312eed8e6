"""What is put around the entries of an array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, describe
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.joining import concatenate, placed
from symgrad.language.registry import FUNCTIONS, function, unsupported
from symgrad.language.shapes import broadcast_to, structure
from symgrad.language.sizes import known_size
from symgrad.mathematics.indices import axis_index
from symgrad.mathematics.sizes import as_size

FROM_INSIDE = ("edge", "reflect", "symmetric", "wrap")
"""The modes that repeat entries of the array itself."""

OF_ALL = {"maximum": "max", "mean": "mean", "median": "median", "minimum": "min"}
"""The modes that put in what all entries along the axis have in common."""


@function("pad")
def pad(a: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0,
        reflect_type: str = "even", end_values: Any = 0) -> Array:  # fmt: skip
    """Zeros, other numbers or entries of the array itself before and after those of each axis."""
    array = as_array(a)
    modes = ("constant", "linear_ramp", *FROM_INSIDE, *OF_ALL)
    if mode not in modes or reflect_type != "even":
        raise unsupported(f"np.pad with mode={mode!r}", f"{', '.join(modes)} are")
    values = np.empty((array.ndim, 2), dtype=object)
    values[...] = _pairs(array, end_values if mode == "linear_ramp" else constant_values)
    for axis, (before, after) in _widths(array, pad_width):
        if mode in FROM_INSIDE:
            array = _from_inside(array, axis, before, after, mode)
        elif mode in OF_ALL:
            one = FUNCTIONS[OF_ALL[mode]](array, axis=axis, keepdims=True)
            array = _numbers_around(array, axis, (before, after), (one, one))
        elif mode == "linear_ramp":
            array = _ramps_around(array, axis, (before, after), values[axis])
        elif all(not isinstance(v, Array) and v == 0 for v in values[axis]):
            array = _zeros_around(array, axis, before, after)
        else:
            array = _numbers_around(array, axis, (before, after), values[axis])
    return array


def _widths(array: Array, pad_width: Any) -> Iterator[tuple[int, tuple[int, int]]]:
    """The axes that get longer, and by how much before and after."""
    if isinstance(pad_width, Mapping):
        given: Any = [(0, 0)] * array.ndim
        for axis, width in pad_width.items():
            given[axes_of(array, axis)[0]] = tuple(np.broadcast_to(width, 2).tolist())
    else:
        given = _pairs(array, pad_width).tolist()
    for axis, (before, after) in enumerate(given):
        if min(before, after) < 0 or int(before) != before or int(after) != after:
            raise SpecError(
                f"np.pad of {describe(array)} by {(before, after)}",
                where=caller(),
                hint="how many entries are added is an int, not negative",
            )
        if before or after:
            yield axis, (int(before), int(after))


def _pairs(array: Array, given: Any) -> np.ndarray[Any, Any]:
    """A number, or a value, before and after each axis, in any of the forms that NumPy takes."""
    return np.broadcast_to(_nested(given), (array.ndim, 2))


def _nested(given: Any) -> np.ndarray[Any, Any]:
    """Nested lists as an array, the values in them as they are."""
    if isinstance(given, (list, tuple)):
        return np.stack([_nested(g) for g in given])
    if isinstance(given, Array) and given.ndim:
        return np.stack([_nested(given[k]) for k in range(len(given))])
    found = np.empty((), dtype=object) if isinstance(given, Array) else np.asarray(given, object)
    if isinstance(given, Array):
        found[()] = given
    return found


def _zeros_around(array: Array, axis: int, before: int, after: int) -> Array:
    out = [axis_index(s) for s in array.sizes]
    out[axis] = axis_index(as_size(array.sizes[axis] + before + after))
    return structure(out, placed(array, axis, out[axis], sp.Integer(before), out), [array])


def _numbers_around(array: Array, axis: int, widths: tuple[int, int], values: Any) -> Array:
    parts = [array]
    for place, (width, value) in enumerate(zip(widths, values, strict=True)):
        if width:
            shape = (*array.shape[:axis], width, *array.shape[axis + 1 :])
            parts.insert(0 if place == 0 else len(parts), broadcast_to(value, shape))
    return concatenate(parts, axis)


def _ramps_around(array: Array, axis: int, widths: tuple[int, int], values: Any) -> Array:
    """Evenly spaced numbers from an end value up to the first entry, and down from the last."""
    whole = (slice(None),) * axis
    shape = [-1 if k == axis else 1 for k in range(array.ndim)]
    parts = [array]
    for place, (width, end) in enumerate(zip(widths, values, strict=True)):
        if width:
            edge = array[(*whole, slice(-1, None) if place else slice(0, 1))]
            share = np.linspace(0, 1, width, endpoint=False)[:: -1 if place else 1]
            ramp = elementwise("add", end, share.reshape(shape) * (edge - end))
            parts.insert(len(parts) if place else 0, ramp)
    return concatenate(parts, axis)


def _from_inside(array: Array, axis: int, before: int, after: int, mode: str) -> Array:
    size = known_size(array.shape[axis], f"np.pad with mode={mode!r} of an axis")
    order = np.pad(np.arange(size), (before, after), mode=mode)  # type: ignore[call-overload]
    return array[(*(slice(None),) * axis, order)]

"""Axes turned, mirrored, taken apart and put together again."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, broadcast_sizes, describe
from symgrad.language.constants import as_array
from symgrad.language.diagonals import diag
from symgrad.language.indexing import flip, take_along_axis
from symgrad.language.joining import concatenate, split, stack
from symgrad.language.registry import METHODS, function, unsupported
from symgrad.language.shapes import (
    atleast_2d,
    broadcast_to,
    expand_dims,
    moveaxis,
    ravel,
    reshape,
    transpose,
)
from symgrad.language.sizes import dim_of, known_size


@function("fliplr")
def fliplr(m: Any) -> Array:
    """The columns in reverse order."""
    return flip(m, 1)


@function("flipud")
def flipud(m: Any) -> Array:
    """The rows in reverse order."""
    return flip(m, 0)


@function("rot90")
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Turned by 90 degrees, ``k`` times."""
    array = as_array(m)
    first, second = axes_of(array, axes)
    order = [*range(array.ndim)]
    order[first], order[second] = second, first
    turns = (
        lambda a: a,
        lambda a: transpose(flip(a, second), order),
        lambda a: flip(flip(a, first), second),
        lambda a: flip(transpose(a, order), second),
    )
    return turns[k % 4](array)


@function("rollaxis")
def rollaxis(a: Any, axis: int, start: int = 0) -> Array:
    """One axis moved before another."""
    array = as_array(a)
    axis = normalize_axis_index(axis, array.ndim)
    start = normalize_axis_index(start, array.ndim + 1)
    return moveaxis(array, axis, start - 1 if axis < start else start)


@function("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Any) -> Array:
    """The last two axes exchanged."""
    return moveaxis(x, -1, -2)


@function("atleast_3d")
def atleast_3d(a: Any) -> Array:
    """At least three axes: a vector in the middle one, a matrix in the first two."""
    array = as_array(a)
    if array.ndim == 1:
        return array[None, :, None]
    return atleast_2d(array)[..., None] if array.ndim < 3 else array


@function("broadcast_arrays")
def broadcast_arrays(*arrays: Any) -> tuple[Array, ...]:
    """Arrays repeated to one shape."""
    parts = [as_array(a) for a in arrays]
    shape = tuple(map(dim_of, broadcast_sizes("broadcast", parts)))
    return tuple(broadcast_to(a, shape) for a in parts)


def item(a: Any, *at: Any) -> Array:
    """The only entry, or that at a position, as a value without axes."""
    array = as_array(a)
    found: Array = reshape(array, ()) if not at else ravel(array)[at[0]]
    return found if len(at) < 2 else array[at]


def tolist(a: Any) -> Any:
    """The entries in nested lists."""
    array = as_array(a)
    return [tolist(row) for row in array] if array.ndim else array


METHODS["item"], METHODS["tolist"] = item, tolist


@function("choose", method=True)
def choose(a: Any, choices: Any) -> Array:
    """At each place the entry of the choice whose number ``a`` has there."""
    labels, *parts = broadcast_arrays(a, *choices)
    return take_along_axis(stack(parts), expand_dims(labels, 0), 0)[0]


@function("unstack")
def unstack(x: Any, *, axis: int = 0) -> tuple[Array, ...]:
    """The parts along an axis."""
    return tuple(moveaxis(x, axis, 0))


@function("dsplit")
def dsplit(a: Any, sections: Any) -> list[Array]:
    """Pieces behind each other, along the third axis."""
    return split(a, sections, 2)


@function("diagflat")
def diagflat(v: Any, k: int = 0) -> Array:
    """All entries on the diagonal of a matrix."""
    return diag(ravel(v), k)


@function("meshgrid")
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> list[Array]:
    """For vectors the coordinates of all points of the grid that they make."""
    count = len(xi)
    spread = [
        reshape(x, (1,) * k + (-1,) + (1,) * (count - 1 - k)) for k, x in enumerate(map(ravel, xi))
    ]
    if indexing == "xy" and count > 1:
        spread = [transpose(x, (1, 0, *range(2, count))) for x in spread]
    return spread if sparse else list(broadcast_arrays(*spread))


@function("insert")
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Array:
    """Entries put before a position along an axis."""
    array = ravel(arr) if axis is None else as_array(arr)
    axis = axes_of(array, 0 if axis is None else axis)[0]
    if not isinstance(obj, numbers.Integral):
        raise unsupported("np.insert at several positions", "one is; join the pieces yourself")
    given = as_array(values)
    if given.ndim == array.ndim:  # along the first axis of values, as NumPy has it of one position
        given = moveaxis(given, 0, axis) if axis and given.sizes[0] != 1 else given
    elif given.ndim == array.ndim - 1:
        given = reshape(given, (*given.shape[:axis], 1, *given.shape[axis:]))
    shape = [*array.shape]
    shape[axis] = given.shape[axis] if given.ndim == array.ndim else 1
    given = broadcast_to(given, shape)
    before = (slice(None),) * axis
    place = int(obj)
    if place == 0:
        return concatenate([given, array], axis)
    size = array.shape[axis]
    if isinstance(size, int) and place == size:
        return concatenate([array, given], axis)
    head, tail = array[(*before, slice(None, place))], array[(*before, slice(place, None))]
    return concatenate([head, given, tail], axis)


@function("delete")
def delete(arr: Any, obj: Any, axis: int | None = None) -> Array:
    """All but the entries at the given positions along an axis."""
    array = ravel(arr) if axis is None else as_array(arr)
    axis = axes_of(array, 0 if axis is None else axis)[0]
    before = (slice(None),) * axis
    if obj in (0, -1):
        return array[(*before, slice(1, None) if obj == 0 else slice(None, -1))]
    size = known_size(array.shape[axis], "np.delete along an axis")
    left = np.delete(np.arange(size), obj)
    if not len(left):
        raise SpecError(
            f"np.delete leaves nothing of axis {axis} of {describe(array)}",
            where=caller(),
            hint="every axis needs an entry",
        )
    return array[(*before, left)]


@function("compress")
def compress(condition: Sequence[bool], a: Any, axis: int | None = None) -> Array:
    """The entries along an axis for which a constant condition holds."""
    array = ravel(a) if axis is None else as_array(a)
    before = (slice(None),) * axes_of(array, 0 if axis is None else axis)[0]
    return array[(*before, np.flatnonzero(condition))]

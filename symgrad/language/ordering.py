"""Entries in order: sorted, the k-th of them, and where they stand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.indexing import take_along_axis
from symgrad.language.joining import concatenate
from symgrad.language.registry import METHODS, function
from symgrad.language.shapes import ravel, reshape
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.ordering import InOrder, OfLargest, OfSmallest, Standing, standing


def _stands(array: Array, axis: int, cls: type[Standing], *, each: bool) -> Array:
    """Positions along an axis: one for ``each`` entry, or one of all of them."""
    indices = [axis_index(s) for s in array.sizes]
    along = indices[axis]
    if not isinstance(along, Index):
        return Array([*indices[:axis], *indices[axis + 1 - each :]], sp.S.Zero, dtype="int")
    own = [axis_index(along.size)] if each else []
    value = standing(cls, array.at(indices), along, own)
    found = [*indices[:axis], *own, *indices[axis + 1 :]]
    return Array(found, value, [array], dtype="int", op="structure")


def _along(a: Any, axis: int | None) -> tuple[Array, int]:
    """An array and an axis of it; all entries in a row where none is named."""
    array = ravel(a) if axis is None else as_array(a)
    return array, axes_of(array, -1 if axis is None else axis)[0]


@function("argsort", method=True)
def argsort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Array:
    """Where the smallest entry stands, then the next one, …; of equal ones the first is first."""
    return _stands(*_along(a, axis), InOrder, each=True)


@function("argmax", "nanargmax", method=True)
def argmax(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Where the largest entry stands; the first of equal ones."""
    return _place_of(a, axis, OfLargest, keepdims)


@function("argmin", "nanargmin", method=True)
def argmin(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Where the smallest entry stands; the first of equal ones."""
    return _place_of(a, axis, OfSmallest, keepdims)


def _place_of(a: Any, axis: int | None, cls: type[Standing], keepdims: bool) -> Array:
    array, place = _along(a, axis)
    found = _stands(array, place, cls, each=False)
    if not keepdims:
        return found
    whole = as_array(a)
    return reshape(found, [1 if axis is None or k == place else d
                           for k, d in enumerate(whole.shape)])  # fmt: skip


@function("sort")
def sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Array:
    """The entries along an axis, the smallest first; of equal ones the first comes first."""
    array, place = _along(a, axis)
    if array.sizes[place] == 1:
        return array
    return take_along_axis(array, argsort(array, place), place)


@function("partition")
def partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect") -> Array:
    """The entries in order: the k-th stands in its place, the smaller ones before it."""
    return sort(a, axis)


@function("argpartition", method=True)
def argpartition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect") -> Array:
    """Where the entries stand in order: the k-th is in its place."""
    return argsort(a, axis)


@function("searchsorted", method=True)
def searchsorted(a: Any, v: Any, side: str = "left") -> Array:
    """How many entries of a sequence in order are below each value; not above, from the right."""
    edges, values = concatenate([ravel(a), [math.inf]]), as_array(v)
    reached = "less_equal" if side == "left" else "less"
    return argmax(elementwise(reached, values[..., None], edges), -1)


@function("digitize")
def digitize(x: Any, bins: Any, right: bool = False) -> Array:
    """In which interval between edges each value lies, counted from 0: below the first edge."""
    if np.ndim(bins) == 1 and not isinstance(bins, Array) and bins[0] > bins[-1]:
        turned = searchsorted(np.asarray(bins)[::-1], x, "left" if right else "right")
        return elementwise("subtract", len(bins), turned)
    return searchsorted(bins, x, "left" if right else "right")


def _sorted_in_place(array: Array, *_: Any, **__: Any) -> None:
    raise SpecError(
        "x.sort() sorts in place, and a value has one equation",
        where=caller(),
        hint="write x = np.sort(x)",
    )


METHODS["sort"] = _sorted_in_place

"""Entries picked by position, by slice and by label."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.lib.array_utils import normalize_axis_index

from symgrad.arrays import (
    METHODS,
    Array,
    Dim,
    Op,
    as_array,
    broadcast_index,
    broadcast_sizes,
    checked_size,
    describe,
    function,
    unsupported,
)
from symgrad.errors import SpecError, caller
from symgrad.indices import Index, axis_index, fixed


def arange(size: Any) -> Array:
    """0, 1, …, size - 1 for a named size: ``z[sg.arange(N), y]`` picks an entry in each row."""
    index = axis_index(checked_size(size, "arange", caller()))
    return Array([index], index, dtype="int")


def getitem(array: Array, key: Any) -> Array:
    """``array[key]`` with NumPy's rules: ints, slices, None, ``...`` and integer arrays."""
    items = _expanded(array, key if isinstance(key, tuple) else (key,))
    arrays = [as_array(i) for i in items if _is_array_index(i)]
    shared = [axis_index(s) for s in broadcast_sizes("index by", arrays)] if arrays else []
    out: list[sp.Expr] = []
    source: list[sp.Expr] = []
    used: list[Array] = []
    place: int | None = None
    axis = 0
    for position, item in enumerate(items):
        if item is None:
            out.append(sp.Integer(0))
            continue
        if _is_array_index(item):
            labels = as_array(item)
            adjacent = place is None or _is_array_index(items[position - 1])
            place = len(out) if place is None else place if adjacent else 0
            source.append(_label(array, axis, labels, shared))
            used.append(labels)
        elif isinstance(item, slice):
            index, position_of = _sliced(array, axis, item)
            out.append(index)
            source.append(position_of)
        else:
            source.append(_position(array, axis, item))
        axis += 1
    if place is not None:
        out[place:place] = shared
    op: Op = "relabel" if all(isinstance(i, Index) or i == 0 for i in source) else "map"
    return Array(out, array.at(source), [array, *used], dtype=array.kind, op=op)


METHODS["__getitem__"] = getitem


def _is_array_index(item: Any) -> bool:
    return isinstance(item, (Array, np.ndarray, list))


def _expanded(array: Array, key: tuple[Any, ...]) -> list[Any]:
    taken = sum(1 for k in key if k is not None and k is not Ellipsis)
    if taken > array.ndim:
        raise SpecError(
            f"{taken} indices for {describe(array)}, which has {array.ndim} axes",
            where=caller(),
            hint="one index for each axis at most",
        )
    rest = [slice(None)] * (array.ndim - taken)
    dots = [n for n, k in enumerate(key) if k is Ellipsis]
    if not dots:
        return [*key, *rest]
    return [*key[: dots[0]], *rest, *key[dots[0] + 1 :]]


def _label(array: Array, axis: int, labels: Array, shared: Sequence[sp.Expr]) -> sp.Expr:
    if labels.kind == "bool":
        raise unsupported("indexing by a condition", "multiply by the condition, or use np.where")
    if labels.kind != "int":
        raise SpecError(
            f"{describe(labels)} holds floats and can't be an index",
            where=caller(),
            hint="declare labels with sg.data(name, shape, dtype=int)",
        )
    if array.sizes[axis] == 1:
        return sp.Integer(0)
    values = labels.variable.values if labels.variable is not None else None
    if isinstance(values, np.ndarray) and _counts_up(values, array.shape[axis]):
        return broadcast_index(shared, labels).indices[-1]
    if labels.rhs is not None and not labels.inputs:
        return labels.rhs.xreplace(dict(zip(labels.indices, shared[-labels.ndim :], strict=True)))
    return broadcast_index(shared, labels)


def _counts_up(values: np.ndarray[Any, Any], size: Dim) -> bool:
    return values.shape == (size,) and bool((values == np.arange(len(values))).all())


def _sliced(array: Array, axis: int, item: slice) -> tuple[sp.Expr, sp.Expr]:
    size = array.sizes[axis]
    if item == slice(None):
        index = axis_index(size)
        return index, index
    raise unsupported(
        f"the slice {item}", "`:`, `...`, None, integers and integer arrays are supported"
    )


def _position(array: Array, axis: int, item: Any) -> sp.Expr:
    size = array.sizes[axis]
    if not isinstance(item, numbers.Integral):
        raise SpecError(
            f"{item!r} can't be an index",
            where=caller(),
            hint="ints, slices, None, ... and integer arrays can",
        )
    known = fixed(size)
    if known is not None and not -known <= int(item) < known:
        raise SpecError(
            f"index {item} is outside of axis {axis} of {describe(array)}",
            where=caller(),
            hint=f"it has {known} entries, counted from 0",
        )
    return sp.Integer(int(item)) + (0 if item >= 0 else size if known is None else known)


@function("take_along_axis")
def take_along_axis(a: Any, indices: Any, axis: int = -1) -> Array:
    """From each position the entries at ``indices`` along ``axis``."""
    array, labels = as_array(a), as_array(indices)
    axis = normalize_axis_index(axis, array.ndim)
    if labels.ndim != array.ndim:
        raise SpecError(
            f"np.take_along_axis: {describe(array)} and {describe(labels)} differ in axes",
            where=caller(),
            hint="the indices need as many axes, e.g. y[:, None]",
        )
    out = [
        axis_index(labels.sizes[k] if k == axis or array.sizes[k] == 1 else array.sizes[k])
        for k in range(array.ndim)
    ]
    source = [i if size != 1 else sp.Integer(0) for i, size in zip(out, array.sizes, strict=True)]
    source[axis] = _label(array, axis, labels, out)
    return Array(out, array.at(source), [array, labels], dtype=array.kind)

"""Arrays joined along an axis, and cut apart again."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, describe
from symgrad.language.constants import as_array
from symgrad.language.registry import function
from symgrad.language.shapes import (
    atleast_1d,
    atleast_2d,
    broadcast_to,
    expand_dims,
    ravel,
    reshape,
    structure,
)
from symgrad.language.sizes import NotKnown, as_tuple, known_size
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.sizes import as_size, fixed


def placed(
    array: Array, axis: int, target: sp.Expr, offset: sp.Expr, others: Sequence[sp.Expr]
) -> sp.Expr:
    """Σ_j x[…, j, …] δ(target, j + offset): the array at its place along the target's axis."""
    index = axis_index(array.sizes[axis])
    source = [*others[:axis], index, *others[axis + 1 :]]
    value = array.at(
        [i if s != 1 else sp.Integer(0) for i, s in zip(source, array.sizes, strict=True)]
    )
    value *= sp.KroneckerDelta(target, index + offset)  # so that its adjoint is a slice
    return sp.Sum(value, index.limits) if isinstance(index, Index) else value


@function("concatenate")
def concatenate(arrays: Any, axis: Any = 0) -> Array:
    """Arrays one after the other along an axis that they have."""
    parts = [as_array(a) for a in _not_empty(arrays)]
    if axis is None:
        return concatenate([ravel(a) for a in parts])
    if len(parts) == 1:
        return parts[0]
    axis = axes_of(parts[0], axis)[0]
    _same_but(parts, axis)
    total = as_size(sp.Add(*(a.sizes[axis] for a in parts)))
    out = [axis_index(s) for s in parts[0].sizes]
    out[axis] = axis_index(total)
    offset, found = sp.Integer(0), []
    for array in parts:
        found.append(placed(array, axis, out[axis], offset, out))
        offset += array.sizes[axis]
    return structure(out, sp.Add(*found), parts)


def _not_empty(arrays: Any) -> list[Any]:
    """The arrays without those of NumPy's, and lists, that have no entries."""
    given = list(arrays)
    return [a for a in given if isinstance(a, Array) or np.size(a)] or given


def _same_but(arrays: Sequence[Array], axis: int) -> None:
    first = arrays[0]
    for other in arrays[1:]:
        same = other.ndim == first.ndim and all(
            k == axis or a == b
            for k, (a, b) in enumerate(zip(first.sizes, other.sizes, strict=True))
        )
        if not same:
            raise SpecError(
                f"cannot join {describe(first)} and {describe(other)} along axis {axis}",
                where=caller(),
                hint="they must have the same shape, except along that axis",
            )


@function("stack")
def stack(arrays: Any, axis: int = 0) -> Array:
    """Arrays of one shape along a new axis."""
    parts = [as_array(a) for a in arrays]
    return concatenate([expand_dims(a, axis) for a in parts], axis % (parts[0].ndim + 1))


@function("vstack")
def vstack(arrays: Any) -> Array:
    """Arrays below each other; vectors become rows."""
    return concatenate([atleast_2d(atleast_1d(a)) for a in _not_empty(arrays)])


@function("hstack")
def hstack(arrays: Any) -> Array:
    """Arrays beside each other."""
    parts = [a[None] if not a.ndim else a for a in map(as_array, _not_empty(arrays))]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1)


@function("column_stack")
def column_stack(arrays: Any) -> Array:
    """Arrays beside each other; vectors become columns."""
    parts = [as_array(a) for a in arrays]
    return concatenate([reshape(a, (-1, 1)) if a.ndim < 2 else a for a in parts], 1)


@function("dstack")
def dstack(arrays: Any) -> Array:
    """Arrays behind each other, along a third axis."""
    flat = [atleast_2d(a) for a in arrays]
    return concatenate([expand_dims(a, 2) if a.ndim == 2 else a for a in flat], 2)


@function("append")
def append(arr: Any, values: Any, axis: Any = None) -> Array:
    """One array after the other, along an axis; all entries in a row where none is named."""
    return concatenate([arr, values], axis)


@function("block")
def block(arrays: Any) -> Array:
    """Arrays in nested lists, laid out as they stand there: the innermost side by side."""
    blocks = list(_blocks(arrays))
    deepest = blocks[0][1]
    if any(isinstance(a, (list, tuple)) or depth != deepest for a, depth in blocks):
        raise SpecError(
            "np.block needs lists with arrays in them, all nested equally deep",
            where=caller(),
            hint="np.block([[A, B], [C, D]]) has A beside B, and C below A",
        )
    ndim = max(deepest, *(as_array(a).ndim for a, _ in blocks), 1)
    return _laid_out(arrays, deepest, ndim)


def _laid_out(item: Any, depth: int, ndim: int) -> Array:
    """Nested lists along the last ``depth`` axes; what stands in them gets axes of size 1."""
    if not isinstance(item, list):
        array = as_array(item)
        return reshape(array, (1,) * (ndim - array.ndim) + array.shape)
    return concatenate([_laid_out(i, depth - 1, ndim) for i in item], -depth)


def _blocks(item: Any, depth: int = 0) -> Iterator[tuple[Any, int]]:
    """What stands in nested lists, and how deep; an empty list stands for itself."""
    if not isinstance(item, list) or not item:
        yield item, depth
        return
    for part in item:
        yield from _blocks(part, depth + 1)


@function("hsplit")
def hsplit(a: Any, sections: Any) -> list[Array]:
    """Pieces side by side."""
    array = as_array(a)
    return split(array, sections, 0 if array.ndim == 1 else 1)


@function("vsplit")
def vsplit(a: Any, sections: Any) -> list[Array]:
    """Pieces below each other."""
    return split(a, sections, 0)


@function("array_split")
def array_split(a: Any, sections: Any, axis: int = 0) -> list[Array]:
    """Pieces along an axis, the first ones longer by one where they can't be equal."""
    if isinstance(sections, numbers.Integral):
        array = as_array(a)
        size = known_size(array.shape[axes_of(array, axis)[0]], "np.array_split along an axis")
        short, longer = divmod(size, int(sections))
        sections = [k * short + min(k, longer) for k in range(1, int(sections))]
    return split(a, sections, axis)


@function("split")
def split(a: Any, sections: Any, axis: int = 0) -> list[Array]:
    """Pieces along an axis: so many equal ones, or cut at the given positions."""
    array = as_array(a)
    axis = axes_of(array, axis)[0]
    size = known_size(array.shape[axis], "np.split along an axis")
    if isinstance(sections, numbers.Integral):
        if size % int(sections):
            raise SpecError(
                f"cannot split axis {axis} of {describe(array)} into {sections} equal pieces",
                where=caller(),
                hint="give the positions of the cuts instead",
            )
        sections = range(size // int(sections), size, size // int(sections))
    cuts = [0, *sections, size]
    before = (slice(None),) * axis
    return [array[(*before, slice(i, j))] for i, j in itertools.pairwise(cuts)]


@function("roll")
def roll(a: Any, shift: Any, axis: Any = None) -> Array:
    """The entries moved along axes, those pushed out at the end coming in at the start."""
    array = as_array(a)
    if isinstance(shift, (tuple, list)) or isinstance(axis, (tuple, list)):
        shifts, axes = np.broadcast_arrays(shift, axis)
        for s, k in zip(shifts.flat, axes.flat, strict=True):
            array = roll(array, s, k)
        return array
    if axis is None:
        return reshape(roll(ravel(array), shift, 0), array.shape)
    axis = axes_of(array, axis)[0]
    size = fixed(array.sizes[axis])
    shift = int(shift) if size is None else int(shift) % size
    if not shift:
        return array
    before = (slice(None),) * axis
    parts = [array[(*before, slice(-shift, None))], array[(*before, slice(None, -shift))]]
    result = concatenate(parts, axis)
    result.laid_like = (array,)
    return result


@function("tile")
def tile(a: Any, reps: Any) -> Array:
    """The whole array so many times along each axis."""
    array = as_array(a)
    times = as_tuple(reps)
    for count in times:
        named = isinstance(count, NotKnown)
        if not named and (not isinstance(count, numbers.Integral) or count < 1):
            raise SpecError(
                f"np.tile of {describe(array)} {count!r} times",
                where=caller(),
                hint="how often an axis is repeated is a positive int",
            )
    ndim = max(len(times), array.ndim)
    times = (1,) * (ndim - len(times)) + times
    array = reshape(array, (1,) * (ndim - array.ndim) + array.shape)
    for axis, count in enumerate(times):
        if isinstance(count, NotKnown):
            array = _repeated(array, axis, count)
        elif count != 1:
            array = concatenate([array] * int(count), axis)
    return array


def _repeated(array: Array, axis: int, count: Any) -> Array:
    """The whole array along an axis, as often as a named size says."""
    before, after = array.shape[:axis], array.shape[axis:]
    spread = broadcast_to(expand_dims(array, axis), (*before, count, *after))
    return reshape(spread, (*before, count * after[0], *after[1:]))

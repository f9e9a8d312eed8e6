"""Diagonals and triangles of matrices."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, describe
from symgrad.language.constants import as_array
from symgrad.language.elementwise import where
from symgrad.language.indexing import arange
from symgrad.language.layout import along
from symgrad.language.padding import pad
from symgrad.language.registry import function, unsupported
from symgrad.language.shapes import broadcast_to, structure
from symgrad.language.sizes import known_size
from symgrad.mathematics import reductions as leaves
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.sizes import Size, fixed


@function("diag")
def diag(v: Any, k: int = 0) -> Array:
    """A vector on the diagonal of a matrix, or the diagonal of a matrix as a vector."""
    array = as_array(v)
    if array.ndim == 2:
        return diagonal(array, k)
    if array.ndim != 1:
        raise unsupported(f"np.diag of {describe(array)}", "it takes a vector or a matrix")
    if k:
        return pad(diag(array), ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0))))
    row, column = axis_index(array.sizes[0]), axis_index(array.sizes[0])
    return structure([row, column], array.at([row]) * sp.KroneckerDelta(row, column), [array])


@function("diag_indices_from")
def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """The positions of the main diagonal, one array for each axis."""
    array = as_array(arr)
    if len({*array.sizes}) != 1 or array.ndim < 2:
        raise unsupported(f"np.diag_indices_from of {describe(array)}", "all axes must be equal")
    return (arange(array.shape[0]),) * array.ndim


@function("tril_indices_from")
def tril_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    """The positions on and below a diagonal: numbers, as sizes are fixed ones."""
    return np.tril_indices(**_fixed_sizes(arr), k=k)


@function("triu_indices_from")
def triu_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    """The positions on and above a diagonal: numbers, as sizes are fixed ones."""
    return np.triu_indices(**_fixed_sizes(arr), k=k)


def _fixed_sizes(arr: Any) -> dict[str, int]:
    rows, columns = (known_size(d, "a triangle") for d in as_array(arr).shape)
    return {"n": rows, "m": columns}


@function("diagonal", method=True)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The entries with equal positions along two axes, as the last axis."""
    array = as_array(a)
    first, second = axes_of(array, (axis1, axis2))
    array = _square_with_diagonal(array, first, second, offset)
    inner = [axis_index(s) for s in array.sizes]
    inner[second] = inner[first]
    out = [i for k, i in enumerate(inner) if k not in (first, second)]
    indices = [*out, inner[first]]
    result = Array(indices, array.at(inner), [array], dtype=array.kind)
    result.lies = (array, functools.partial(along, indices, inner))
    return result


def _square_with_diagonal(array: Array, first: int, second: int, offset: int) -> Array:
    """The largest square along two axes that has a diagonal of the array as its own."""
    rows, columns = array.sizes[first], array.sizes[second]
    if not offset and rows == columns:
        return array
    down, right = max(-offset, 0), max(offset, 0)
    if rows == columns:
        length: Any = array.shape[first] - abs(offset)
    else:
        length = min(_known_side(array, rows) - down, _known_side(array, columns) - right)
    if isinstance(length, int) and length < 1:
        raise SpecError(
            f"the diagonal of {describe(array)} with offset={offset} has no entries",
            where=caller(),
            hint="the offset has to be less than the number of columns",
        )
    cut = [slice(None)] * array.ndim
    cut[first], cut[second] = slice(down, down + length), slice(right, right + length)
    return array[tuple(cut)]


def _known_side(array: Array, size: Size) -> int:
    """The size of an axis, which has to be known to tell which one is longer."""
    known = fixed(size)
    if known is None:
        raise unsupported(
            f"the diagonal of {describe(array)}, of which it is not known which axis is longer,",
            "give both axes fixed sizes, or cut the longer one",
        )
    return known


@function("trace", method=True)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum of the diagonal."""
    array = diagonal(a, offset, axis1, axis2)
    array = array.astype(int) if array.kind == "bool" else array  # it counts
    index = array.indices[-1]
    assert array.rhs is not None
    rhs = sp.Sum(array.rhs, index.limits) if isinstance(index, Index) else array.rhs
    return Array(array.indices[:-1], rhs, array.inputs, dtype=array.kind)


def _triangle(a: Any, condition: Any) -> Array:
    array = as_array(a)
    if not array.ndim:
        raise unsupported(f"a triangle of {describe(array)}", "it takes a matrix or a vector")
    if array.ndim == 1:  # as NumPy has it: every row is the vector
        array = broadcast_to(array, (*array.shape, *array.shape))
    inner = [axis_index(s) for s in array.sizes]
    kept = leaves.less_equal(*condition(inner[-2], inner[-1]))
    if array.rhs is not None and array.rhs.has(INFINITY):  # which 0 is not multiplied by
        return where(Array(inner, kept, dtype="bool"), array, 0)
    return Array(inner, array.at(inner) * kept, [array], dtype=array.kind)


@function("tril")
def tril(m: Any, k: int = 0) -> Array:
    """The entries on and below a diagonal; 0 above it."""
    return _triangle(m, lambda row, column: (column, row + k))


@function("triu")
def triu(m: Any, k: int = 0) -> Array:
    """The entries on and above a diagonal; 0 below it."""
    return _triangle(m, lambda row, column: (row + k, column))

"""The same entries in another shape."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import sympy as sp
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from symgrad.arrays import (
    Array,
    as_array,
    as_tuple,
    axes_of,
    broadcast_index,
    broadcast_sizes,
    describe,
    dim_of,
    function,
    shape_text,
    unsupported,
)
from symgrad.errors import SpecError, caller
from symgrad.indices import Index, Size, axis_index, fixed, size_of


def relabel(array: Array, indices: Sequence[sp.Expr], source: Sequence[sp.Expr]) -> Array:
    """The array whose entry at ``indices`` is the entry of ``array`` at ``source``."""
    return Array(indices, array.at(source), [array], dtype=array.kind, op="relabel")


@function("transpose", method=True)
def transpose(a: Any, axes: Any = None) -> Array:
    """The axes in another order; in reverse where none is given."""
    array = as_array(a)
    order = axes_of(array, axes) if axes is not None else tuple(range(array.ndim))[::-1]
    inner = [axis_index(s) for s in array.sizes]
    return relabel(array, [inner[k] for k in order], inner)


@function("reshape", method=True)
def reshape(a: Any, *shape: Any, **options: Any) -> Array:
    """Another shape for the same entries in the same order."""
    array = as_array(a)
    wanted = as_tuple(shape[0]) if len(shape) == 1 else shape
    if options:
        raise unsupported(f"the argument {next(iter(options))}= of reshape")
    sizes = _resolved(array, wanted)
    inner = [axis_index(s) for s in array.sizes]
    proper = [i for i in inner if isinstance(i, Index)]
    if [i.size for i in proper] != [s for s in sizes if s != 1]:
        raise unsupported(
            f"reshaping {describe(array)} to {shape_text(tuple(map(dim_of, sizes)))}",
            "reshape may add and drop axes of size 1",
        )
    left = iter(proper)
    return relabel(array, [sp.Integer(0) if s == 1 else next(left) for s in sizes], inner)


def _resolved(array: Array, wanted: Sequence[Any]) -> list[Size]:
    total = sp.Mul(*array.sizes)
    given = [size_of(d) for d in wanted if not (isinstance(d, numbers.Integral) and d == -1)]
    left = total / sp.Mul(*given)
    known = fixed(left)
    if len(given) < len(wanted):
        left = size_of(known) if known is not None else left
        return [left if isinstance(d, numbers.Integral) and d == -1 else size_of(d) for d in wanted]
    if left != 1 and known != 1:
        raise SpecError(
            f"cannot reshape {describe(array)} to {shape_text(tuple(wanted))}: the number of entries differs",
            where=caller(),
            hint="let one size be -1 to have it worked out",
        )
    return given


@function("ravel", method=True)
def ravel(a: Any) -> Array:
    """All entries along one axis."""
    return reshape(a, -1)


@function("expand_dims")
def expand_dims(a: Any, axis: Any) -> Array:
    """New axes of size 1 at the places ``axis`` of the result."""
    array = as_array(a)
    places = normalize_axis_tuple(axis, array.ndim + len(as_tuple(axis)))
    inner = [axis_index(s) for s in array.sizes]
    rest = iter(inner)
    ndim = array.ndim + len(places)
    return relabel(
        array, [sp.Integer(0) if k in places else next(rest) for k in range(ndim)], inner
    )


@function("squeeze", method=True)
def squeeze(a: Any, axis: Any = None) -> Array:
    """Without the axes of size 1 (or without those that ``axis`` names)."""
    array = as_array(a)
    axes = (
        [k for k, s in enumerate(array.sizes) if s == 1] if axis is None else axes_of(array, axis)
    )
    for k in axes:
        if array.sizes[k] != 1:
            raise SpecError(
                f"cannot squeeze axis {k} of {describe(array)}: its size is {array.shape[k]}",
                where=caller(),
                hint="only axes of size 1 can go",
            )
    inner = [axis_index(s) for s in array.sizes]
    return relabel(array, [i for k, i in enumerate(inner) if k not in axes], inner)


@function("swapaxes", method=True)
def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """Two axes exchanged."""
    array = as_array(a)
    order = list(range(array.ndim))
    i, j = normalize_axis_index(axis1, array.ndim), normalize_axis_index(axis2, array.ndim)
    order[i], order[j] = order[j], order[i]
    return transpose(array, order)


@function("moveaxis")
def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """Axes moved to other places; the others keep their order."""
    array = as_array(a)
    sources, places = axes_of(array, source), axes_of(array, destination)
    order = [k for k in range(array.ndim) if k not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(array, order)


@function("broadcast_to")
def broadcast_to(a: Any, shape: Any) -> Array:
    """The entries repeated along new axes and along axes of size 1."""
    array = as_array(a)
    indices = [axis_index(size_of(d)) for d in as_tuple(shape)]
    target = Array(indices, sp.Integer(0))
    if broadcast_sizes("broadcast", [array, target]) != target.sizes:
        raise SpecError(
            f"cannot broadcast {describe(array)} to {shape_text(target.shape)}",
            where=caller(),
            hint="sizes must be equal, or 1",
        )
    return Array(indices, broadcast_index(indices, array), [array], dtype=array.kind, op="relabel")


@function("stack")
def stack(arrays: Any, axis: int = 0) -> Array:
    """Arrays of one shape along a new axis."""
    raise unsupported("np.stack")

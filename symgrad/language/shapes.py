"""The same entries in another shape."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, broadcast_index, broadcast_sizes, describe
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.registry import METHODS, function, unsupported
from symgrad.language.sizes import Dim, Shape, as_tuple, known_size, shape_text
from symgrad.mathematics import reductions as leaves
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.sizes import Size, as_size, fixed, with_numbers


def relabel(array: Array, indices: Sequence[sp.Expr], source: Sequence[sp.Expr]) -> Array:
    """The array whose entry at ``indices`` is the entry of ``array`` at ``source``."""
    return Array(indices, array.at(source), [array], dtype=array.kind, op="relabel")


@function("transpose")
def transpose(a: Any, axes: Any = None) -> Array:
    """The axes in another order; in reverse where none is given."""
    array = as_array(a)
    order = axes_of(array, axes) if axes is not None else tuple(range(array.ndim))[::-1]
    inner = [axis_index(s) for s in array.sizes]
    return relabel(array, [inner[k] for k in order], inner)


def structure(indices: Sequence[sp.Expr], rhs: sp.Expr, inputs: Sequence[Array]) -> Array:
    """Entries put elsewhere: a value with an equation of its own, never written into another."""
    kinds = {a.kind for a in inputs}
    kind = kinds.pop() if len(kinds) == 1 else "float"
    return Array(indices, rhs, inputs, dtype=kind, op="structure")


@function("reshape", method=True)
def reshape(a: Any, *shape: Any, **options: Any) -> Array:
    """Another shape for the same entries in the same order."""
    array = as_array(a)
    wanted = as_tuple(shape[0]) if len(shape) == 1 else shape
    if options.pop("order", "C") != "C" or options:
        raise unsupported("reshape in another order than NumPy's own", "transpose before it")
    sizes = _resolved(array, wanted)
    for start, old, new in _regrouped(array, [s for s in sizes if s != 1]):
        array = _merge(array, start, old) if len(old) > 1 else array
        array = _split(array, start, new) if len(new) > 1 else array
    inner = [axis_index(s) for s in array.sizes]
    left = (i for i in inner if isinstance(i, Index))
    return relabel(array, [sp.Integer(0) if s == 1 else next(left) for s in sizes], inner)


def _regrouped(array: Array, new: list[Size]) -> list[tuple[int, list[Size], list[Size]]]:
    """Runs of axes with equally many entries before and after, last first.

    Each run is its first axis among the axes that are longer than 1, its old and its new sizes.
    """
    old = [s for s in array.sizes if s != 1]
    groups = []
    place = 0
    while place < len(old) or new:
        mine, theirs = old[place : place + 1], new[:1]
        while not _same_count(mine, theirs):
            if len(mine) + place < len(old) and not _divides(theirs, mine):
                mine = old[place : place + len(mine) + 1]
            elif len(theirs) < len(new):
                theirs = new[: len(theirs) + 1]
            else:
                mine, theirs = old[place:], new
        groups.append((place, mine, theirs))
        place, new = place + len(mine), new[len(theirs) :]
    return [g for g in groups[::-1] if g[1] != g[2]]


def _same_count(old: Sequence[Size], new: Sequence[Size]) -> bool:
    ratio = sp.Mul(*old) / sp.Mul(*new)
    return bool(ratio == 1 or fixed(ratio) == 1)


def _divides(few: Sequence[Size], many: Sequence[Size]) -> bool:
    """Whether the product of ``few`` is smaller than that of ``many`` and goes into it."""
    ratio = sp.Mul(*many) / sp.Mul(*few)
    known = with_numbers(ratio)
    return bool(known != 1 and known.as_numer_denom()[1] == 1)


def _proper_axes(array: Array) -> list[sp.Expr]:
    return [axis_index(s) for s in array.sizes if s != 1]


def _at_proper(array: Array, proper: Sequence[sp.Expr]) -> sp.Expr:
    """The entry at indices for the axes that are longer than 1."""
    left = iter(proper)
    return array.at([sp.Integer(0) if s == 1 else next(left) for s in array.sizes])


def _flat(indices: Sequence[sp.Expr]) -> sp.Expr:
    """The position of an entry when the axes are laid out in order, the last fastest."""
    position = sp.Integer(0)
    for index in indices:
        position = position * index.size + index
    return sp.expand(position)


def _merge(array: Array, start: int, old: Sequence[Size]) -> Array:
    """out[m] = Σ x[i, j] δ(m, i d + j): several axes laid out as one."""
    proper = _proper_axes(array)
    run = proper[start : start + len(old)]
    merged = axis_index(as_size(sp.Mul(*old)))
    value = _at_proper(array, proper) * sp.KroneckerDelta(merged, _flat(run))
    rhs = sp.Sum(value, *(i.limits for i in run))
    return structure([*proper[:start], merged, *proper[start + len(old) :]], rhs, [array])


def _split(array: Array, start: int, new: Sequence[Size]) -> Array:
    """out[i, j] = x[i d + j]: one axis taken apart into several."""
    proper = _proper_axes(array)
    run = [axis_index(s) for s in new]
    value = _at_proper(array, [*proper[:start], _flat(run), *proper[start + 1 :]])
    return structure([*proper[:start], *run, *proper[start + 1 :]], value, [array])


def _resolved(array: Array, wanted: Sequence[Any]) -> list[Size]:
    total = sp.Mul(*array.sizes)
    given = [as_size(d) for d in wanted if not (isinstance(d, numbers.Integral) and d == -1)]
    left = total / sp.Mul(*given)
    known = fixed(left)
    if len(given) < len(wanted):
        left = as_size(known) if known is not None else left
        return [left if isinstance(d, numbers.Integral) and d == -1 else as_size(d) for d in wanted]
    if left != 1 and known != 1:
        raise SpecError(
            f"cannot reshape {describe(array)} to {shape_text(tuple(wanted))}: "
            f"the number of entries differs",
            where=caller(),
            hint="let one size be -1 to have it worked out",
        )
    return given


@function("ravel", method=True)
def ravel(a: Any) -> Array:
    """All entries along one axis."""
    return reshape(a, -1)


METHODS["flatten"] = ravel


@function("copy", method=True)
def copy(a: Any) -> Array:
    """The array itself: nothing writes into it."""
    return as_array(a)


@function("shape")
def shape(a: Any) -> Shape:
    """The shape, as the attribute has it."""
    return as_array(a).shape


@function("ndim")
def ndim(a: Any) -> int:
    """The number of axes."""
    return as_array(a).ndim


@function("size")
def size(a: Any, axis: int | None = None) -> Dim:
    """The number of entries, or the size of one axis."""
    array = as_array(a)
    return array.size if axis is None else array.shape[axis]


@function("full_like")
def full_like(a: Any, fill_value: Any) -> Array:
    """One number everywhere, in the shape of the array."""
    return broadcast_to(fill_value, as_array(a).shape)


@function("zeros_like")
def zeros_like(a: Any) -> Array:
    """Zeros in the shape of the array."""
    return full_like(a, 0.0)


@function("ones_like")
def ones_like(a: Any) -> Array:
    """Ones in the shape of the array."""
    return full_like(a, 1.0)


@function("atleast_1d")
def atleast_1d(a: Any) -> Array:
    """A scalar as a vector of one entry."""
    array = as_array(a)
    return array if array.ndim else reshape(array, 1)


@function("atleast_2d")
def atleast_2d(a: Any) -> Array:
    """A vector as a row."""
    array = as_array(a)
    return reshape(array, (1, *array.shape)) if array.ndim < 2 else array


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


def _transpose_method(array: Array, *axes: Any) -> Array:
    """As ``ndarray.transpose``: the axes one by one, or as one sequence."""
    return transpose(array, (axes[0] if len(axes) == 1 else axes) if axes else None)


METHODS["transpose"] = _transpose_method


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
    indices = [axis_index(as_size(d)) for d in as_tuple(shape)]
    target = Array(indices, sp.Integer(0))
    if broadcast_sizes("broadcast", [array, target]) != target.sizes:
        raise SpecError(
            f"cannot broadcast {describe(array)} to {shape_text(target.shape)}",
            where=caller(),
            hint="sizes must be equal, or 1",
        )
    return Array(indices, broadcast_index(indices, array), [array], dtype=array.kind, op="relabel")


# -- several arrays ---------------------------------------------------------------------------


def _placed(
    array: Array, axis: int, target: sp.Expr, offset: sp.Expr, others: Sequence[sp.Expr]
) -> sp.Expr:
    """Σ_j x[…, j, …] δ(target, j + offset): the array at its place along the target's axis."""
    index = axis_index(array.sizes[axis])
    source = [*others[:axis], index, *others[axis + 1 :]]
    value = array.at(
        [i if s != 1 else sp.Integer(0) for i, s in zip(source, array.sizes, strict=True)]
    )
    value *= sp.KroneckerDelta(target, index + offset)
    return sp.Sum(value, index.limits) if isinstance(index, Index) else value


@function("concatenate")
def concatenate(arrays: Any, axis: Any = 0) -> Array:
    """Arrays one after the other along an axis that they have."""
    parts = [as_array(a) for a in arrays]
    if axis is None:
        return concatenate([ravel(a) for a in parts])
    if len(parts) == 1:
        return parts[0]
    axis = axes_of(parts[0], axis)[0]
    _same_but(parts, axis)
    total = as_size(sp.Add(*(a.sizes[axis] for a in parts)))
    out = [axis_index(s) for s in parts[0].sizes]
    out[axis] = axis_index(total)
    offset, placed = sp.Integer(0), []
    for array in parts:
        placed.append(_placed(array, axis, out[axis], offset, out))
        offset += array.sizes[axis]
    return structure(out, sp.Add(*placed), parts)


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
    return concatenate([atleast_2d(atleast_1d(a)) for a in arrays])


@function("hstack")
def hstack(arrays: Any) -> Array:
    """Arrays beside each other."""
    parts = [as_array(a) for a in arrays]
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

    def laid_out(item: Any, depth: int) -> Array:
        if not isinstance(item, list):
            array = as_array(item)
            return reshape(array, (1,) * (ndim - array.ndim) + array.shape)
        return concatenate([laid_out(i, depth - 1) for i in item], -depth)

    return laid_out(arrays, deepest)


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


@function("pad")
def pad(a: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Array:
    """Zeros before and after the entries of each axis."""
    array = as_array(a)
    if mode != "constant" or constant_values != 0:
        raise unsupported(
            f"np.pad with mode={mode!r}, constant_values={constant_values!r}", "zeros are"
        )
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    for axis, (before, after) in enumerate(widths.tolist()):
        if before or after:
            out = [axis_index(s) for s in array.sizes]
            out[axis] = axis_index(as_size(array.sizes[axis] + before + after))
            placed = _placed(array, axis, out[axis], sp.Integer(before), out)
            array = structure(out, placed, [array])
    return array


@function("flip")
def flip(a: Any, axis: Any = None) -> Array:
    """The entries in reverse order along the axes."""
    array = as_array(a)
    axes = axes_of(array, axis)
    return array[tuple(slice(None, None, -1 if k in axes else None) for k in range(array.ndim))]


@function("diff")
def diff(a: Any, n: int = 1, axis: int = -1) -> Array:
    """The differences of neighbours along an axis, ``n`` times."""
    array = as_array(a)
    before = (slice(None),) * axes_of(array, axis)[0]
    for _ in range(n):
        later, earlier = array[(*before, slice(1, None))], array[(*before, slice(None, -1))]
        array = elementwise("subtract", later, earlier)
    return array


@function("take", method=True)
def take(a: Any, indices: Any, axis: int | None = None) -> Array:
    """The entries at positions along an axis; of all entries in a row where none is named."""
    array = ravel(a) if axis is None else as_array(a)
    before = (slice(None),) * axes_of(array, axis if axis is not None else 0)[0]
    return array[(*before, indices)]


@function("roll")
def roll(a: Any, shift: int, axis: Any = None) -> Array:
    """The entries moved along an axis, those pushed out at the end coming in at the start."""
    array = as_array(a)
    if axis is None:
        return reshape(roll(ravel(array), shift, 0), array.shape)
    axis = axes_of(array, axis)[0]
    size = fixed(array.sizes[axis])
    shift = int(shift) if size is None else int(shift) % size
    if not shift:
        return array
    before = (slice(None),) * axis
    return concatenate(
        [array[(*before, slice(-shift, None))], array[(*before, slice(None, -shift))]], axis
    )


@function("repeat", method=True)
def repeat(a: Any, repeats: int, axis: Any = None) -> Array:
    """Each entry so many times in a row."""
    array = as_array(a)
    if not isinstance(repeats, numbers.Integral):
        raise unsupported("np.repeat with a number for each entry", "one number for all is")
    if axis is None:
        array, axis = ravel(array), 0
    axis = axes_of(array, axis)[0]
    spread = expand_dims(array, axis + 1)
    shape = list(array.shape)
    spread = broadcast_to(spread, (*shape[: axis + 1], int(repeats), *shape[axis + 1 :]))
    return reshape(spread, (*shape[:axis], shape[axis] * int(repeats), *shape[axis + 1 :]))


@function("tile")
def tile(a: Any, reps: Any) -> Array:
    """The whole array so many times along each axis."""
    array = as_array(a)
    times = as_tuple(reps)
    ndim = max(len(times), array.ndim)
    times = (1,) * (ndim - len(times)) + times
    array = reshape(array, (1,) * (ndim - array.ndim) + array.shape)
    for axis, count in enumerate(times):
        if count != 1:
            array = concatenate([array] * int(count), axis)
    return array


# -- diagonals and triangles ------------------------------------------------------------------


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


@function("diagonal", method=True)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The entries with equal positions along two axes, as the last axis."""
    array = as_array(a)
    first, second = axes_of(array, axis1)[0], axes_of(array, axis2)[0]
    array = _square_with_diagonal(array, first, second, offset)
    inner = [axis_index(s) for s in array.sizes]
    inner[second] = inner[first]
    out = [i for k, i in enumerate(inner) if k not in (first, second)]
    return Array([*out, inner[first]], array.at(inner), [array], dtype=array.kind)


def _square_with_diagonal(array: Array, first: int, second: int, offset: int) -> Array:
    """The largest square along two axes that has a diagonal of the array as its own."""
    rows, columns = array.sizes[first], array.sizes[second]
    if not offset and rows == columns:
        return array
    down, right = max(-offset, 0), max(offset, 0)
    lengths = [fixed(rows), fixed(columns)]
    if rows == columns:
        length: Any = array.shape[first] - abs(offset)
    elif None in lengths:
        raise unsupported(
            f"the diagonal of {describe(array)}, of which it is not known which axis is longer,",
            "give both axes fixed sizes, or cut the longer one",
        )
    else:
        length = min((lengths[0] or 0) - down, (lengths[1] or 0) - right)
    if isinstance(length, int) and length < 1:
        raise SpecError(
            f"the diagonal of {describe(array)} with offset={offset} has no entries",
            where=caller(),
            hint="the offset has to be less than the number of columns",
        )
    cut = [slice(None)] * array.ndim
    cut[first], cut[second] = slice(down, down + length), slice(right, right + length)
    return array[tuple(cut)]


@function("trace", method=True)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum of the diagonal."""
    array = diagonal(a, offset, axis1, axis2)
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
    return Array(inner, array.at(inner) * kept, [array], dtype=array.kind)


@function("tril")
def tril(m: Any, k: int = 0) -> Array:
    """The entries on and below a diagonal; 0 above it."""
    return _triangle(m, lambda row, column: (column, row + k))


@function("triu")
def triu(m: Any, k: int = 0) -> Array:
    """The entries on and above a diagonal; 0 below it."""
    return _triangle(m, lambda row, column: (row + k, column))

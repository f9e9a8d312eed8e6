"""The same entries in another shape."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from symgrad.errors import SpecError, caller
from symgrad.language import layout
from symgrad.language.array import Array, axes_of, broadcast_sizes, describe
from symgrad.language.constants import as_array
from symgrad.language.layout import Layout
from symgrad.language.registry import METHODS, function, unsupported
from symgrad.language.sizes import Dim, NotKnown, Shape, as_tuple, shape_text
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.sizes import Size, as_size, fixed, with_numbers


def relabel(array: Array, indices: Sequence[sp.Expr], source: Sequence[sp.Expr]) -> Array:
    """The array whose entry at ``indices`` is the entry of ``array`` at ``source``."""
    result = Array(indices, array.at(source), [array], dtype=array.kind, op="relabel")
    result.lies = (array, functools.partial(layout.along, indices, source))
    return result


@function("transpose")
def transpose(a: Any, axes: Any = None) -> Array:
    """The axes in another order; in reverse where none is given."""
    array = as_array(a)
    order = axes_of(array, axes) if axes is not None else tuple(range(array.ndim))[::-1]
    if len(order) != array.ndim:
        raise SpecError(
            f"cannot transpose {describe(array)}: its axes are {array.ndim}, not {len(order)}",
            where=caller(),
            hint="name each axis once, as in (1, 0), or none to reverse them",
        )
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
    given = array = as_array(a)
    wanted = as_tuple(shape[0]) if len(shape) == 1 else shape
    if options.pop("order", "C") != "C" or options:
        raise unsupported("reshape in another order than NumPy's own", "transpose before it")
    sizes = _resolved(array, wanted)
    # runs of axes one by one, so that axes which stay as they are need no equation; last first, so
    # that the places of the others stay
    runs = _regrouped(array, [s for s in sizes if s != 1])
    for start, old, new in (r for r in reversed(runs) if r[1] != r[2]):
        array = _merge(array, start, old) if len(old) > 1 else array
        array = _split(array, start, new) if len(new) > 1 else array
    inner = [axis_index(s) for s in array.sizes]
    left = (i for i in inner if isinstance(i, Index))
    result = relabel(array, [sp.Integer(0) if s == 1 else next(left) for s in sizes], inner)
    result.lies = (given, functools.partial(_regrouped_layout, given.sizes, sizes, runs))
    return result


def _regrouped_layout(
    old: Sequence[Size], new: Sequence[Size], runs: Sequence[Run], base: Layout
) -> Layout:
    """Where entries lie in another shape: NumPy copies them where a run of axes has gaps."""
    if base.strides is None:
        return Layout(True if all(len(mine) < 2 for _, mine, _ in runs) else None, None)
    proper = [k for k, s in zip(base.strides, old, strict=True) if s != 1]
    held = [proper[start : start + len(mine)] for start, mine, _ in runs]
    found = [layout.without_gaps(k, mine) for k, (_, mine, _) in zip(held, runs, strict=True)]
    if False in found:
        return Layout(False, layout.contiguous(new))
    if None in found:
        return Layout(None, None)
    strides = iter([step for k, (_, _, theirs) in zip(held, runs, strict=True)
                    for step in layout.contiguous(theirs, k[-1])])  # fmt: skip
    return Layout(True, tuple(sp.Integer(0) if s == 1 else next(strides) for s in new))


Run = tuple[int, list[Size], list[Size]]


def _regrouped(array: Array, new: list[Size]) -> list[Run]:
    """Runs of axes with equally many entries before and after.

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
    return groups


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
    for d in wanted:
        if isinstance(d, (bool, np.bool_)) or not _may_be_size(d):
            raise _unfit(array, wanted, f"{d!r} is no size")
    if sum(isinstance(d, numbers.Integral) and d == -1 for d in wanted) > 1:
        raise _unfit(array, wanted, "only one size can be -1")
    total = sp.Mul(*array.sizes)
    given = [as_size(d) for d in wanted if not (isinstance(d, numbers.Integral) and d == -1)]
    left = total / sp.Mul(*given)
    known = fixed(left)
    if len(given) < len(wanted):
        if with_numbers(left).is_integer is False:
            raise _unfit(array, wanted, "the number of entries is no multiple of the others")
        if sp.denom(sp.together(with_numbers(left))) != 1 and wanted[0] != -1:
            raise _unfit(array, wanted, "not for every size is this a whole number")
        left = as_size(known) if known is not None else left
        return [left if isinstance(d, numbers.Integral) and d == -1 else as_size(d) for d in wanted]
    if left != 1 and known != 1:
        raise _unfit(array, wanted, "the number of entries differs")
    return given


def _may_be_size(given: Any) -> bool:
    if isinstance(given, numbers.Integral):
        return int(given) == -1 or int(given) > 0
    return isinstance(given, sp.Expr) or (isinstance(given, str) and given.isidentifier())


def _unfit(array: Array, wanted: Sequence[Any], why: str) -> SpecError:
    return SpecError(
        f"cannot reshape {describe(array)} to {shape_text(tuple(wanted))}: {why}",
        where=caller(),
        hint="sizes are positive; let one of them be -1 to have it worked out",
    )


@function("ravel", method=True)
def ravel(a: Any, order: str = "C") -> Array:
    """All entries along one axis; as they lie in memory ("K") where that is their order."""
    array = as_array(a)
    lies = order == "K" and layout.in_order(layout.layout_of(array).strides, array.sizes)
    if order != "C" and not lies:
        raise unsupported(
            f"ravel with order={order!r} of {describe(array)}", "turn its axes before"
        )
    result = reshape(array, -1)
    result.lies = (array, functools.partial(layout.raveled, array.sizes))
    return result


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
def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Array:
    """One number everywhere, in the shape of the array; of integers it is cut to one, as there."""
    array, filling = as_array(a), fill_value
    kind = np.dtype(array.dtype if dtype is None else dtype).kind
    if kind in "iub":
        if isinstance(fill_value, Array) and fill_value.dtype.kind != kind:
            raise unsupported(f"np.full_like of {array.kind} with {describe(fill_value)}")
        if not isinstance(fill_value, Array):
            filling = np.asarray(fill_value).astype(bool if kind == "b" else int)
    return broadcast_to(filling, array.shape)


@function("zeros_like", "empty_like")
def zeros_like(a: Any, dtype: Any = None) -> Array:
    """Zeros in the shape of the array."""
    return full_like(a, 0.0, dtype)


@function("ones_like")
def ones_like(a: Any, dtype: Any = None) -> Array:
    """Ones in the shape of the array."""
    return full_like(a, 1.0, dtype)


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
    source = indices[len(indices) - array.ndim :]
    return relabel(
        array, indices,
        [i if s != 1 else sp.Integer(0) for i, s in zip(source, array.sizes, strict=True)],
    )  # fmt: skip


@function("repeat", method=True)
def repeat(a: Any, repeats: int, axis: Any = None) -> Array:
    """Each entry so many times in a row."""
    array = as_array(a)
    times: Any = int(repeats) if isinstance(repeats, numbers.Integral) else repeats
    if not isinstance(times, (int, NotKnown)):
        raise unsupported("np.repeat with a number for each entry", "one number for all is")
    if axis is None:
        array, axis = ravel(array), 0
    axis = axes_of(array, axis)[0]
    spread = expand_dims(array, axis + 1)
    shape = list(array.shape)
    spread = broadcast_to(spread, (*shape[: axis + 1], times, *shape[axis + 1 :]))
    return reshape(spread, (*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))

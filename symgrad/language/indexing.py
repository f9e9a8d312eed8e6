"""Entries picked by position, by slice and by label."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.lib.array_utils import normalize_axis_index

from symgrad.errors import SpecError, caller
from symgrad.language.array import (
    Array,
    Op,
    axes_of,
    broadcast_index,
    broadcast_sizes,
    describe,
    made_of,
)
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.inputs import checked_size
from symgrad.language.layout import along
from symgrad.language.registry import FUNCTIONS, function, unsupported
from symgrad.language.shapes import ravel
from symgrad.language.sizes import Dim, as_tuple, dim_of, known_size, shape_text
from symgrad.mathematics.indices import Index, axis_index, entries, name_of
from symgrad.mathematics.ranges import computed_index
from symgrad.mathematics.sizes import Size, as_size, fixed, normal_form


def arange(size: Any) -> Array:
    """0, 1, …, size - 1, where ``np.arange`` can't be used: ``size`` may be a name.

    ``z[sg.arange("N"), y]`` picks an entry in each row.  SpecError where ``size`` is neither a
    positive int nor a name nor a SymPy symbol.
    """
    index = axis_index(checked_size(size, "arange", caller()))
    return Array([index], index, dtype="int")


def items_of(array: Array, key: Any) -> list[Any]:
    """What a key has for each axis: constant conditions as positions, ``...`` as slices."""
    keys = key if isinstance(key, tuple) else (key,)
    return _expanded(array, _unmasked(array, tuple(map(_labels_of, keys))))


def _labels_of(item: Any) -> Any:
    """A list of labels, some of them values of the spec, as an array."""
    return as_array(item) if isinstance(item, list) and any_array(item) else item


def any_array(items: Any) -> bool:
    """Whether there is a value of the spec in nested lists."""
    if isinstance(items, (list, tuple)):
        return any(map(any_array, items))
    return isinstance(items, Array)


def picked(array: Array, key: Any) -> Array:
    """The entries at ints, slices, None, ``...`` and integer arrays, with NumPy's rules."""
    items = items_of(array, key)
    labels = {n: as_array(i) for n, i in enumerate(items) if _is_array_index(i)}
    shared = (
        [axis_index(s) for s in broadcast_sizes("index by", [*labels.values()])] if labels else []
    )
    advanced = [n for n, i in enumerate(items) if n in labels or (labels and _is_integer(i))]
    out: list[sp.Expr] = []
    source: list[sp.Expr] = []
    pointing: list[tuple[sp.Expr, Size]] = []
    place = 0
    for n, item in enumerate(items):
        if n in advanced and n == advanced[0]:
            place = len(out)
        if item is None:
            out.append(sp.Integer(0))
        elif item is Ellipsis:
            continue
        elif n in labels:
            labels[n] = _from_the_front(array, len(source), labels[n])
            pointing.append(_label(array, len(source), labels[n], shared))
            source.append(_read(*pointing[-1]))
        elif isinstance(item, slice):
            index, position = _sliced(array, len(source), item)
            out.append(index)
            source.append(position)
        else:
            source.append(_position(array, len(source), item))
    # NumPy puts the shared axes first where the indices are not side by side
    place *= not advanced or advanced == [*range(advanced[0], advanced[-1] + 1)]
    out[place:place] = shared
    op: Op = "relabel" if all(isinstance(i, Index) or i == 0 for i in source) else "map"
    result = Array(out, array.at(source), [array, *labels.values()], dtype=array.kind, op=op)
    result.view_of = None if advanced or not out else (array, key)
    result.base_key = array.key
    result.pointing, result.source, result.picked_from = (*pointing,), (*source,), array.apart()
    # NumPy lays the axes of labels out first, wherever they stand
    result.laid_like = (array,) if advanced in ([], [0]) else None
    return result


def _is_array_index(item: Any) -> bool:
    return isinstance(item, (Array, np.ndarray, list, range))


def _is_integer(item: Any) -> bool:
    return isinstance(item, numbers.Integral) and not isinstance(item, (bool, np.bool_))


def _unmasked(array: Array, key: tuple[Any, ...]) -> list[Any]:
    """The key with constant conditions as the positions where they hold, one for each axis."""
    items: list[Any] = []
    for n, item in enumerate(key):
        values = np.asarray(item) if isinstance(item, (np.ndarray, list)) else None
        if values is None or values.dtype.kind != "b" or not values.ndim:
            items.append(item)
            continue
        behind = any(k is Ellipsis for k in key[:n])
        axis = array.ndim - _taken(key[n:]) if behind else _taken(key[:n])
        if array.shape[axis : axis + values.ndim] != values.shape:
            raise SpecError(
                f"a condition of shape {shape_text(values.shape)} can't pick from "
                f"{describe(array)}",
                where=caller(),
                hint="it has to have the shape of the axes that it stands for",
            )
        items += np.nonzero(values)
    return items


def _taken(key: Sequence[Any]) -> int:
    """How many axes a key is about, but for ``...``."""
    conditions = (np.asarray(k) for k in key if isinstance(k, (np.ndarray, list)))
    more = sum(c.ndim - 1 for c in conditions if c.dtype.kind == "b")
    return sum(1 for k in key if k is not None and k is not Ellipsis) + more


def _expanded(array: Array, key: Sequence[Any]) -> list[Any]:
    """An item for each axis, and one for ``...`` where no axis is left for it: it keeps apart."""
    taken = sum(1 for k in key if k is not None and k is not Ellipsis)
    if taken > array.ndim:
        raise SpecError(
            f"{taken} indices for {describe(array)}, which has {array.ndim} axes",
            where=caller(),
            hint="one index for each axis at most",
        )
    rest: list[Any] = [slice(None)] * (array.ndim - taken)
    dots = [n for n, k in enumerate(key) if k is Ellipsis]
    if len(dots) > 1:
        raise SpecError(
            f"{len(dots)} times ... in one index of {describe(array)}",
            where=caller(),
            hint="NumPy takes one, for the axes that the others leave",
        )
    if not dots:
        return [*key, *rest]
    return [*key[: dots[0]], *(rest or [Ellipsis]), *key[dots[0] + 1 :]]


def _label(
    array: Array, axis: int, labels: Array, shared: Sequence[sp.Expr]
) -> tuple[sp.Expr, Size]:
    """The position that labels are, and the size of the axis that it has to lie on."""
    if labels.kind == "bool":
        raise unsupported("indexing by a condition", "multiply by the condition, or use np.where")
    made = {a.kind: a for a in made_of(labels) if not a.inputs}
    if labels.inputs and ("bool" in made or (labels.kind != "int" and "float" not in made)):
        raise computed_index("of " + ", ".join(_names(labels)), caller())
    if labels.kind != "int":
        raise SpecError(
            f"{describe(labels)} holds floats and can't be an index",
            where=caller(),
            hint="declare labels with sg.data(name, shape, dtype=int); np.digitize(x, edges) "
            "gives labels too",
        )
    size = array.sizes[axis]
    values = labels.variable.values if labels.variable is not None else None
    if isinstance(values, np.ndarray) and _counts_up(values, array.shape[axis]):
        return broadcast_index(shared, labels).indices[-1], size
    if labels.rhs is not None and not labels.inputs:
        own = zip(labels.indices, shared[len(shared) - labels.ndim :], strict=True)
        return labels.rhs.xreplace({i: at for i, at in own if isinstance(i, Index)}), size
    return broadcast_index(shared, labels), size


def _names(labels: Array) -> list[str]:
    """The inputs of which labels are made."""
    given = (a.variable for a in made_of(labels))
    return [v.name for v in given if v is not None and v.values is None]


def _read(position: sp.Expr, size: Size) -> sp.Expr:
    """The position that is read: on an axis of size 1 there is only one."""
    return position if size != 1 else sp.Integer(0)


def _counts_up(values: np.ndarray[Any, Any], size: Dim) -> bool:
    return values.shape == (size,) and bool((values == np.arange(len(values))).all())


def _from_the_front(array: Array, axis: int, labels: Array) -> Array:
    """Constant positions within the axis, negative ones counted from the other end."""
    values = labels.variable.values if labels.variable is not None else labels.rhs
    if values is None or labels.inputs:
        return _counted_down(labels, array.shape[axis])
    positions = np.asarray(values, dtype=object if isinstance(values, sp.Expr) else None)
    if isinstance(values, sp.Expr) and not values.is_Integer:
        return labels
    positions = positions.astype(int)
    known = array.shape[axis]
    if isinstance(known, int) and not ((-known <= positions) & (positions < known)).all():
        raise SpecError(
            f"an index is outside of axis {axis} of {describe(array)}",
            where=caller(),
            hint=f"it has {known} entries, counted from 0",
        )
    if (positions >= 0).all():
        return labels
    size = known_size(known, "a negative position")
    shifted = np.where(positions < 0, positions + size, positions)
    return as_array(np.broadcast_to(shifted, tuple(map(int, labels.shape))))


def _counted_down(labels: Array, size: Dim) -> Array:
    """Labels that are counted down from -1, such as -y - 1, as places from the front."""
    first, rest = sp.sympify(_of_inputs(labels)).as_coeff_Add()
    if first.is_Integer and first < 0 and (-rest).is_Symbol:
        labels = elementwise("add", labels, size)
        labels.kind = "int"  # a size with a name is no whole number elsewhere
    return labels


def _of_inputs(labels: Array) -> sp.Expr:
    """What is computed entry by entry, inputs as symbols."""
    if labels.op != "map" or labels.rhs is None:
        return sp.Symbol(labels.key)
    inner = {i.key: i for i in labels.inputs}
    read = (a for a in entries(labels.rhs) if name_of(a) in inner)
    return labels.rhs.xreplace({a: _of_inputs(inner[name_of(a)]) for a in read})


def _sliced(array: Array, axis: int, item: slice) -> tuple[sp.Expr, sp.Expr]:
    """The index of a sliced axis, and the position in the array that it stands for."""
    size = array.sizes[axis]
    if item == slice(None):
        index = axis_index(size)
        return index, index
    known = fixed(size)
    named = any(isinstance(b, sp.Expr) for b in (item.start, item.stop))
    start, count, stride = (
        _fixed_slice(array, known, item)
        if known is not None and not named
        else _named_slice(size, item)
    )
    index = axis_index(count)
    return index, start + stride * index


def _fixed_slice(array: Array, size: int, item: slice) -> tuple[int, Size, int]:
    positions = range(size)[item]
    if not positions:
        raise SpecError(
            f"the slice {_slice_text(item)} of {describe(array)} is empty",
            where=caller(),
            hint="every axis needs an entry",
        )
    return positions.start, as_size(len(positions)), positions.step


def _named_slice(size: Size, item: slice) -> tuple[sp.Expr, Size, int]:
    """A slice of an axis whose size is a name: what is cut off at either end has to be known."""
    if item == slice(None, None, -1):
        return size - 1, size, -1
    start = from_the_end(item.start or 0, size)
    end = None if item.stop is None else from_the_end(item.stop, size)
    plain = item.step in (None, 1) and isinstance(start, int)
    if plain and (start, end) == (0, 1):
        return sp.Integer(0), sp.Integer(1), 1
    if plain and (end is None or (isinstance(end, int) and end < 0)):
        if start >= 0:
            return sp.Integer(start), as_size(size - start + (end or 0)), 1
        if start < (end or 0):
            return size + start, as_size((end or 0) - start), 1
    raise unsupported(
        f"the slice {_slice_text(item)} of an axis of the size {dim_of(size)}",
        "x[a:], x[:-b], x[a:-b], x[-b:], x[:1] and x[::-1] are supported of a named size",
    )


def from_the_end(bound: Any, size: Size) -> Any:
    """A bound that is a size, as Python counts from the end: -2 for N - 2 of N, None for N."""
    if not isinstance(bound, sp.Expr):
        return int(bound)
    apart = sp.expand(as_size(bound) - size)
    if not apart.is_Integer:
        return bound
    return int(apart) if apart < 0 else None


def _slice_text(item: slice) -> str:
    parts = (item.start, item.stop) if item.step is None else (item.start, item.stop, item.step)
    return ":".join("" if p is None else str(p) for p in parts)


def _position(array: Array, axis: int, item: Any) -> sp.Expr:
    size = array.sizes[axis]
    if not _is_integer(item):
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
    if known is None and item not in (0, -1) and not _of_one_name(size):
        raise unsupported(
            f"position {item} of an axis of the size {array.shape[axis]}",
            "the first and the last one are; pick the entry before axes are joined",
        )
    return sp.Integer(int(item)) + (0 if item >= 0 else size if known is None else known)


def _of_one_name(size: Size) -> bool:
    """Whether a size is a name and a number: of a joined axis it depends on both where x[-3] is."""
    number = normal_form(size)
    return any((number - name).is_number for name in number.free_symbols)


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
    pointing = _label(array, axis, _from_the_front(array, axis, labels), out)
    source[axis] = _read(*pointing)
    result = Array(out, array.at(source), [array, labels], dtype=array.kind)
    result.pointing = (pointing,)
    return result


@function("sliding_window_view")
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Array:
    """Every window of the given shape, its own axes last: out[i, k] = x[i + k]."""
    array = as_array(x)
    windows = as_tuple(window_shape)
    axes = axes_of(array, axis) if axis is not None else tuple(range(array.ndim))
    if len(windows) != len(axes):
        raise SpecError(
            f"{len(windows)} window sizes for {len(axes)} axes of {describe(array)}",
            where=caller(),
            hint="give one size for each axis, or name the axes with axis=",
        )
    out = [axis_index(s) for s in array.sizes]
    source = list(out)
    inside: list[sp.Expr] = []
    for k, window in zip(axes, windows, strict=True):
        inside.append(axis_index(checked_size(window, "window_shape", caller())))
        out[k] = axis_index(_fewer(array, k, int(window)))
        source[k] = sp.Add(out[k], inside[-1])
    indices = [*out, *inside]
    result = Array(indices, array.at(source), [array], dtype=array.kind, op="structure")
    result.lies = (array, functools.partial(along, indices, source))
    return result


def _fewer(array: Array, axis: int, window: int) -> Size:
    """The number of windows along an axis."""
    known = fixed(array.sizes[axis])
    if known is not None and window > known:
        raise SpecError(
            f"a window of {window} is longer than axis {axis} of {describe(array)}",
            where=caller(),
            hint=f"that axis has {known} entries",
        )
    return as_size(array.sizes[axis] - window + 1)


@function("flip")
def flip(a: Any, axis: Any = None) -> Array:
    """The entries in reverse order along the axes."""
    array = as_array(a)
    axes = axes_of(array, axis)
    return array[tuple(slice(None, None, -1 if k in axes else None) for k in range(array.ndim))]


@function("diff")
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """The differences of neighbours along an axis, ``n`` times."""
    array = as_array(a)
    if prepend is not None or append is not None:
        array = _with_ends(array, axes_of(array, axis)[0], prepend, append)
    before = (slice(None),) * axes_of(array, axis)[0]
    for _ in range(n):
        later, earlier = array[(*before, slice(1, None))], array[(*before, slice(None, -1))]
        array = elementwise("subtract", later, earlier)
    return array


def _with_ends(array: Array, axis: int, *ends: Any) -> Array:
    """The array with what comes before and after its entries; of a number, one."""
    shape = (*array.shape[:axis], 1, *array.shape[axis + 1 :])
    given = (None if e is None else as_array(e) for e in ends)
    before, after = (
        e if e is None or e.ndim else FUNCTIONS["broadcast_to"](e, shape) for e in given
    )
    parts = [p for p in (before, array, after) if p is not None]
    return FUNCTIONS["concatenate"](parts, axis)  # type: ignore[no-any-return]


@function("take", method=True)
def take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise"
) -> Array:
    """The entries at positions along an axis; of all entries in a row where none is named."""
    array = ravel(a) if axis is None else as_array(a)
    (place,) = axes_of(array, axis if axis is not None else 0)
    if mode != "raise":
        indices = _brought_inside(array, place, indices, mode)
    return array[(*(slice(None),) * place, indices)]


def _brought_inside(array: Array, axis: int, indices: Any, mode: str) -> Any:
    """Positions that are numbers, those past an end counted round, or as that end."""
    size = array.shape[axis]
    if not isinstance(size, int) or any_array(indices) or mode not in ("wrap", "clip"):
        raise unsupported(
            f"mode {mode!r} of np.take, of positions that are values or along a named size,",
            "bring the positions inside first and pass them with sg.data(name, shape, dtype=int)",
        )
    return np.mod(indices, size) if mode == "wrap" else np.clip(indices, 0, size - 1)

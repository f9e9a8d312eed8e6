"""Writing into arrays: a name then means a new version of the array, as it does in NumPy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, broadcast_sizes, describe
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise, where
from symgrad.language.indexing import arange, items_of, picked
from symgrad.language.layout import is_view_of
from symgrad.language.making import full
from symgrad.language.memory import Wrote
from symgrad.language.registry import (
    FUNCTIONS,
    METHODS,
    UFUNCS,
    function,
    held_as_values,
    into_numbers,
    unsupported,
)
from symgrad.language.selected import Selected
from symgrad.language.shapes import broadcast_to, reshape, structure
from symgrad.language.sizes import shape_text
from symgrad.language.versions import condition_of, is_condition, place_of
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.piecewise import equal
from symgrad.mathematics.sizes import Size, fixed

# -- writing ---------------------------------------------------------------------------------------


def setitem(array: Array, key: Any, value: Any) -> None:
    """``array[key] = value``: from now on the array is a new version of itself."""
    array.refresh()
    if isinstance(value, Array) and value.step is not None and _is_same(value, array, key):
        ufunc, by = value.step
        if (changed := _stepped(array, key, ufunc, by)) is not None:
            replace(array, changed)
            return
    if isinstance(value, Selected):
        if not is_condition(key) or not value.goes_with(condition_of(key)):
            raise unsupported(
                "writing the entries where one condition holds to where another does",
                "give the condition a name, and write x[m] = y[m] with it",
            )
        value = value.whole
    given = as_array(value)
    if array.kind != "float" and given.kind != array.kind:
        raise SpecError(
            f"cannot write {describe(given)} into {describe(array)}, which holds {array.kind}s",
            where=caller(),
            hint="NumPy would cut it: make the array of floats",
        )
    target = picked(array, key) if not is_condition(key) else array
    place = None if is_condition(key) else place_of(array, key)
    if place is not None:
        written = Array(array.indices, None, dtype=array.kind)
        written.wrote = Wrote(array.snapshot(), tuple(place), _fitted(array, key, target, given))
        replace(array, written)
    else:
        replace(array, _chosen(array, key, target, given))


METHODS["__setitem__"] = setitem


def _is_same(value: Array, array: Array, key: Any) -> bool:
    """Whether a value is what was read there just before, and changed in place."""
    if value.picked is None:
        return False
    source, version, read = value.picked
    return source is array and version == array.key and read is key


def replace(array: Array, new: Array) -> None:
    """All who hold the array, or a view of it, hold a new version of it from now on."""
    if any(a.read_only for a in array.memory()):
        raise SpecError(
            f"{describe(array)} can't be written into: it is a view that NumPy only lets be read",
            where=caller(),
            hint="take a copy of it, as in np.broadcast_to(x, shape).copy()",
        )
    new.called = array.called or _name(array)
    array.become(new)
    if array.view_of is None:
        return
    base, key = array.view_of
    if key is not None:
        setitem(base, key, array.snapshot())
        array.base_key = base.key
        return
    if (shared := is_view_of(array, base)) is not False:
        for each in base.memory():
            each.changed, each.may_share = caller(), shared is None
    array.view_of = None


METHODS["_replace"] = replace


def _name(array: Array) -> str:
    name = describe(array).rpartition(" (")[0]
    return name if name.isidentifier() else ""


def _fitted(array: Array, key: Any, target: Array, given: Array) -> Array:
    """The value with one axis for each of the array's."""
    given = given.snapshot()
    while given.ndim > target.ndim and given.sizes[0] == 1:
        given = picked(given, 0)
    _check_fit(array, target, given)
    if given.ndim < target.ndim:
        given = picked(given, (None,) * (target.ndim - given.ndim))
    axes = tuple(slice(None) if isinstance(i, slice) else None for i in items_of(array, key))
    return given if None not in axes else picked(given, axes)


def _check_fit(array: Array, target: Array, given: Array) -> None:
    if given.ndim <= target.ndim and broadcast_sizes("write", [target, given]) == target.sizes:
        return
    raise SpecError(
        f"cannot write {describe(given)} into a part of {describe(array)} of the shape "
        f"{shape_text(target.shape)}",
        where=caller(),
        hint="the shapes must be equal, or sizes of the value 1",
    )


# -- at conditions and labels ----------------------------------------------------------------------


def _chosen(array: Array, key: Any, target: Array, given: Array) -> Array:
    """The array with a value where a condition holds, at labels, or at constant positions."""
    if is_condition(key):
        return where(_at_front(array, condition_of(key)), _spread_over(array, given), array)
    if _has_labels(array, key):
        _check_fit(array, target, given)
        held = _held_at(array, key, target)
        return _pointing(where(held, _along(array, target, given), array), target.pointing)
    return _at_constants(array, key, target, given)


def _at_front(array: Array, condition: Array) -> Array:
    """A condition on the first axes, for all entries behind them."""
    if condition.sizes != array.sizes[: condition.ndim]:
        raise SpecError(
            f"{describe(condition)} can't be the place to write to in {describe(array)}",
            where=caller(),
            hint="a condition has the shape of the array, or of its first axes",
        )
    return picked(condition, (..., *(None,) * (array.ndim - condition.ndim)))


def _spread_over(array: Array, given: Array) -> Array:
    if given.ndim > array.ndim or broadcast_sizes("write", [array, given]) != array.sizes:
        raise unsupported(
            f"writing {describe(given)} where a condition holds",
            "a number, or a value of the array's shape, is: np.where(condition, value, x)",
        )
    return given


def _has_labels(array: Array, key: Any) -> bool:
    return any(isinstance(i, Array) for i in items_of(array, key))


def _pointing(written: Array, at: Iterable[tuple[sp.Expr, Size]]) -> Array:
    """What was written at labels, which have to lie on its axes as those do that are read at."""
    written.pointing = (*written.pointing, *at)
    return written


def _held_at(array: Array, key: Any, target: Array) -> Array:
    """Where labels point to: at one place for each position on the axes that count up."""
    inner = [axis_index(s) for s in array.sizes]
    shared = [i for i in target.indices if i in target.source and isinstance(i, Index)]
    at = {i: inner[target.source.index(i)] for i in shared}
    items = items_of(array, key)
    free = [k for k, i in enumerate(items) if isinstance(i, slice) and i != slice(None)]
    if len(shared) < sum(1 for i in target.indices if isinstance(i, Index)) or free:
        raise unsupported(
            f"writing into {describe(array)} at labels that may be equal",
            "count up the other axis, as in x[np.arange(n), y] = …, or add with np.add.at",
        )
    factors = [
        equal(inner[k], position.xreplace(at))
        for k, position in enumerate(target.source)
        if at.get(position) != inner[k] != 0  # the other axis of a diagonal is at the first one's
    ]
    return Array(inner, sp.Mul(*factors), target.inputs, dtype="bool")


def _along(array: Array, target: Array, given: Array) -> Array:
    """A value of the shape that a key picks, at the places that it picks."""
    if not given.ndim:
        return given
    given = broadcast_to(given, target.shape)
    inner = [axis_index(s) for s in array.sizes]
    source = [inner[target.source.index(i)] if isinstance(i, Index) else i for i in target.indices]
    return Array(inner, given.at(source), [given], dtype=given.kind)


def _at_constants(array: Array, key: Any, target: Array, given: Array) -> Array:
    """At positions that are numbers: of several that are equal the last counts, as in NumPy."""
    if (written := _at_steps(array, key, target, given)) is not None:
        return written
    sizes = [n for s in array.sizes if (n := fixed(s)) is not None]
    if len(sizes) < array.ndim or target.size != (
        count := int(np.prod(np.array(target.shape, int)))
    ):
        raise unsupported(
            f"writing into {describe(array)}, of a named size, at these positions",
            "give the axes fixed sizes, or use np.where",
        )
    position = np.full(sizes, -1)
    position[key] = np.arange(count).reshape(target.shape)
    _check_fit(array, target, given)
    held = position >= 0
    if given.size == 1:
        return where(held, reshape(given, ()), array)
    flat = reshape(broadcast_to(given, target.shape), -1)
    return where(held, picked(flat, np.maximum(position, 0)), array)


def _at_steps(array: Array, key: Any, target: Array, given: Array) -> Array | None:
    """The rest of ``v[:, ::2] = …``: whole axes of named sizes, ints and slices of the others."""
    items = items_of(array, key)
    plain = [isinstance(i, (int, np.integer, slice)) for i in items]
    pairs = list(zip(items, array.sizes, strict=True)) if len(items) == array.ndim else []
    named = [i for i, s in pairs if fixed(s) is None]
    if not named or not all(plain) or any(i != slice(None) for i in named):
        return None
    _check_fit(array, target, given)
    value = broadcast_to(given, target.shape)
    value = picked(value, tuple(slice(None) if isinstance(i, slice) else None for i in items))
    held: Any = True
    for axis, (item, size) in enumerate(pairs):
        if item == slice(None):
            continue
        place = np.full(fixed(size) or 0, -1)
        place[item] = np.arange(place[item].size).reshape(place[item].shape)
        value = picked(value, (*(slice(None),) * axis, np.maximum(place, 0)))
        held = held & (place >= 0).reshape(-1, *(1,) * (array.ndim - axis - 1))
    return where(held, value, array)


# -- in steps --------------------------------------------------------------------------------------


def _stepped(array: Array, key: Any, ufunc: np.ufunc, by: Any) -> Array | None:
    """``array[key] += by`` at labels or conditions, without reading the entries there."""
    by = as_array(by)
    if not _has_labels(array, key) or ufunc not in (np.add, np.subtract):
        return None
    target = picked(array, key)
    _check_fit(array, target, by)
    one = _as_delta(_held_at(array, key, target))
    return _pointing(ufunc(array, one * _along(array, target, by)), target.pointing)


def _as_delta(held: Array) -> Array:
    """A condition of equal positions as the numbers δ."""
    assert held.rhs is not None
    rhs = held.rhs.replace(equal, sp.KroneckerDelta)
    return Array(held.indices, rhs, held.inputs)


def _added_at(sign: int) -> Callable[..., None]:
    """What ``np.add.at`` does: where positions are equal, all is added."""

    def add_at(a: Any, indices: Any, b: Any) -> None:
        if not isinstance(a, Array):
            held_as_values(a)
            raise into_numbers()
        target = picked(a, indices)
        given = as_array(b)
        _check_fit(a, target, given)
        given = broadcast_to(given, target.shape) if target.ndim else given
        out = [axis_index(s) for s in a.sizes]
        source = target.source
        deltas = [sp.KroneckerDelta(o, s) for o, s in zip(out, source, strict=True) if o != 0]
        bound = [i.limits for i in target.indices if isinstance(i, Index)]
        value = given.at(target.indices) * sp.Mul(*deltas)
        total = sp.Sum(value, *bound) if bound else value
        labels = [i for i in target.inputs if i.key != a.key]
        added = elementwise("add", a, sign * structure(out, total, [given, *labels]))
        replace(a, _pointing(added, target.pointing))

    return add_at


UFUNCS["add.at"], UFUNCS["subtract.at"] = _added_at(1), _added_at(-1)


def _combined_at(name: str, of_all: str, nothing: float) -> Callable[..., None]:
    """What ``np.maximum.at`` and the like do with rows: all that is given for one is combined."""

    def at(a: Any, indices: Any, b: Any) -> None:
        array, labels = _written_to(a), as_array(indices)
        if labels.ndim != 1 or isinstance(indices, tuple):
            raise unsupported(f"np.{name}.at of several axes", "one row of labels is, along axis 0")
        target = picked(array, labels)
        held = elementwise("equal", picked(labels, None), arange(array.shape[0])[:, None])
        given = broadcast_to(as_array(b), target.shape)[None]
        found = where(held[(..., *(None,) * (array.ndim - 1))], given, nothing)
        changed = elementwise(name, array, FUNCTIONS[of_all](found, axis=1))
        replace(array, _pointing(changed, target.pointing))

    return at


UFUNCS["multiply.at"] = _combined_at("multiply", "prod", 1.0)
UFUNCS["divide.at"] = _combined_at("divide", "prod", 1.0)
UFUNCS["maximum.at"] = _combined_at("maximum", "max", -math.inf)
UFUNCS["minimum.at"] = _combined_at("minimum", "min", math.inf)


@function("bincount")
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Array:
    """The sum of the weights at each label below ``minlength``, or how many there are of it."""
    if not minlength or minlength < 1:
        raise unsupported("np.bincount of labels that have no bound", "minlength=K bounds them")
    labels = as_array(x)
    totals = full(minlength, 0.0)
    given = broadcast_to(as_array(1.0), labels.shape) if weights is None else weights
    UFUNCS["add.at"](totals, labels, given)
    return totals


def _written_to(a: Any) -> Array:
    if not isinstance(a, Array):
        held_as_values(a)
        raise into_numbers()
    return a


@function("fill_diagonal")
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """A number on the diagonal."""
    array = _written_to(a)
    inner = [axis_index(s) for s in array.sizes]
    held = Array(inner, sp.Mul(*(equal(i, j) for i, j in itertools.pairwise(inner))), dtype="bool")
    replace(array, where(held, val, array))


@function("copyto")
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Other values in the array, where a condition holds."""
    array = _written_to(dst)
    value = broadcast_to(as_array(src), array.shape)
    replace(array, value if where is True else _where(where, value, array))


_where = where


@function("put_along_axis")
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int) -> None:
    """At each position the entries at ``indices`` along ``axis``, one for each."""
    array, labels = _written_to(arr), as_array(indices)
    axis %= array.ndim
    if labels.ndim != array.ndim or labels.sizes[axis] != 1:
        raise unsupported("np.put_along_axis at several positions", "write them one by one")
    inner = [axis_index(s) for s in array.sizes]
    at = [i if s != 1 else sp.Integer(0) for i, s in zip(inner, labels.sizes, strict=True)]
    held = Array(inner, equal(inner[axis], labels.at(at)), [array, labels], dtype="bool")
    written = _where(held, values, array)
    replace(array, _pointing(written, [(labels.at(at), array.sizes[axis])]))


def _filled(array: Array, value: Any) -> None:
    setitem(array, ..., value)


METHODS["fill"] = _filled

"""Reading arrays that are written into: each entry as it was last written."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.language.array import Array
from symgrad.language.elementwise import number_everywhere
from symgrad.language.indexing import from_the_end, items_of, picked
from symgrad.language.joining import concatenate
from symgrad.language.layout import at_key
from symgrad.language.memory import Wrote
from symgrad.language.registry import METHODS
from symgrad.language.selected import selected
from symgrad.language.shapes import broadcast_to
from symgrad.language.sizes import dim_of
from symgrad.mathematics.sizes import LARGE, Size, fixed

Interval = tuple[int, int]
"""Positions along an axis; of an axis of a named size it is as if that were LARGE."""


# -- what is read of an array that has been written into -------------------------------------------


def getitem(array: Array, key: Any) -> Any:
    """``array[key]`` with NumPy's rules; what has been written there is read as it was written."""
    array.refresh()
    if is_condition(key):
        return selected(array, condition_of(key))
    found = _read(array, key)
    found.picked = (array, array.key, key)
    if found.view_of is not None:
        found.seen_through(array, key, lambda: getitem(array, key))
        found.lies = (array, lambda base: at_key(items_of(array, key), base))
    return found


METHODS["__getitem__"] = getitem


def _read(array: Array, key: Any) -> Array:
    place = place_of(array, key) if array.wrote is not None else None
    if place is None:
        return picked(array, key)
    version: Array = array
    while (wrote := version.wrote) is not None:
        pairs = list(zip(place, wrote.place, strict=True))
        if all(p[0] <= m[0] and m[1] <= p[1] for m, p in pairs):
            return _out_of(wrote, array, place, key)
        if all(m[0] < p[1] and p[0] < m[1] for m, p in pairs):
            break
        version = wrote.before
    return picked(version, key)


def _out_of(wrote: Wrote, array: Array, place: Sequence[Interval], key: Any) -> Array:
    """The part of a written value that a key asks for."""
    part = _restricted(wrote.value, wrote.place, place)
    part = _spread(part, [_extent(s, r) for s, r in zip(array.sizes, place, strict=True)])
    return picked(part, tuple(slice(None) if isinstance(i, slice) else 0
                              for i in items_of(array, key)))  # fmt: skip


def place_of(array: Array, key: Any) -> list[Interval] | None:
    """The block of entries that ints and slices without steps stand for; None for other keys."""
    found: list[Interval] = []
    for item in items_of(array, key):
        size = fixed(array.sizes[len(found)]) if len(found) < array.ndim else 1
        interval = _interval(item, array.sizes[len(found)], size) if item is not None else None
        if interval is None:
            return None
        found.append(interval)
    return found


def _interval(item: Any, size: Size, known: int | None) -> Interval | None:
    length = LARGE if known is None else known
    if isinstance(item, slice):
        start, stop = (from_the_end(b, size) if b is not None else None
                       for b in (item.start, item.stop))  # fmt: skip
        plain = all(b is None or isinstance(b, int) for b in (start, stop))
        positions = range(length)[slice(start, stop, item.step)] if plain else range(0)
        return (positions.start, positions.stop) if positions and positions.step == 1 else None
    if isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_)):
        at = int(item) + (length if item < 0 else 0)
        return (at, at + 1) if 0 <= at < length else None
    return None


def _extent(size: Size, interval: Interval) -> Any:
    """How many positions an interval has, as a size."""
    start, stop = interval
    spans = fixed(size) is None and start < LARGE // 2 < stop
    return dim_of(size) - start - (LARGE - stop) if spans else stop - start


def _restricted(value: Array, place: Sequence[Interval], wanted: Sequence[Interval]) -> Array:
    """A value that lies at a place, for a part of it; along axes of size 1 it is all the same."""
    cut = [
        slice(None) if size == 1 or p == w else _relative(p, w)
        for size, p, w in zip(value.sizes, place, wanted, strict=True)
    ]
    return value if all(c == slice(None) for c in cut) else picked(value, tuple(cut))


def _relative(place: Interval, wanted: Interval) -> slice:
    start, stop = wanted[0] - place[0], wanted[1] - place[1]
    from_behind = start > LARGE // 2
    near = wanted[1] - place[0]
    return slice(
        wanted[0] - place[1] if from_behind else start,
        near if near < LARGE // 2 else (stop or None),
    )


def _spread(array: Array, dims: Sequence[Any]) -> Array:
    return array if list(array.shape) == list(dims) else broadcast_to(array, dims)


def is_condition(key: Any) -> bool:
    """Whether a key is one condition that is computed."""
    alone = key[0] if isinstance(key, tuple) and len(key) == 1 else key
    return isinstance(alone, Array) and alone.kind == "bool"


def condition_of(key: Any) -> Array:
    """The condition that a key is."""
    return key[0] if isinstance(key, tuple) else key  # type: ignore[no-any-return]


# -- an array out of what has been written ---------------------------------------------------------


def assembled(array: Array) -> Array:
    """The array as one value, of the pieces that its entries were last written in."""
    chain: list[Wrote] = []
    root = array
    while (wrote := root.wrote) is not None and (root is array or not root.is_assembled):
        chain.append(wrote)
        root = wrote.before
    chain.reverse()
    lengths = [LARGE if (n := fixed(s)) is None else n for s in root.sizes]
    cuts = [sorted({0, n, *(c for w in chain for c in w.place[k])}) for k, n in enumerate(lengths)]
    owners = np.full([len(c) - 1 for c in cuts], -1)
    for number, wrote in enumerate(chain):
        cells = (slice(c.index(a), c.index(b)) for c, (a, b) in zip(cuts, wrote.place, strict=True))
        owners[tuple(cells)] = number

    def piece(cells: Sequence[Interval]) -> Array:
        found = owners[tuple(slice(*c) for c in cells)]
        if (found == found.flat[0]).all():
            place = [(c[i], c[j]) for c, (i, j) in zip(cuts, cells, strict=True)]
            return _owned(root, chain, int(found.flat[0]), place)
        axis = next(k for k in range(found.ndim) if (np.diff(found, axis=k) != 0).any())
        rows = np.moveaxis(found, axis, 0)
        ends = [k for k in range(1, len(rows)) if (rows[k] != rows[k - 1]).any()]
        first = cells[axis][0]
        runs = itertools.pairwise([0, *ends, len(rows)])
        parts = [
            piece([*cells[:axis], (first + i, first + j), *cells[axis + 1 :]]) for i, j in runs
        ]
        return concatenate(parts, axis)

    return piece([(0, n) for n in owners.shape])


def _owned(root: Array, chain: Sequence[Wrote], owner: int, place: Sequence[Interval]) -> Array:
    """A block of entries that were written at once, or never."""
    dims = [_extent(s, p) for s, p in zip(root.sizes, place, strict=True)]
    if owner >= 0:
        return _spread(_restricted(chain[owner].value, chain[owner].place, place), dims)
    if (number := number_everywhere(root)) is not None:
        return broadcast_to(number, dims)
    whole = [(0, LARGE if (n := fixed(s)) is None else n) for s in root.sizes]
    return _restricted(root, whole, place)


METHODS["_assembled"] = assembled

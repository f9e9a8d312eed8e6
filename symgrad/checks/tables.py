"""Numbers over indices: how they line up, are taken at positions, and are put there."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.checks.numbers import Numbers
from symgrad.errors import SymgradError
from symgrad.mathematics.indices import Index

MOST_ENTRIES = 2**23
"""More numbers are not held at once: as long floats these are 128 MB, and there are a few."""


class TooLarge(SymgradError):
    """To evaluate this would take more memory than a check may."""


def require_room(lengths: Iterable[int]) -> None:
    """TooLarge where an array of these lengths has too many entries."""
    entries = math.prod(map(int, lengths))
    if entries > MOST_ENTRIES:
        raise TooLarge(f"an array of {entries:,} entries would be needed")


@dataclass(frozen=True)
class Table:
    """Numbers over indices: one axis for each, in the order of their names."""

    axes: tuple[Index, ...]
    values: Numbers

    @property
    def lengths(self) -> dict[Index, int]:
        """How long each axis is."""
        return dict(zip(self.axes, np.shape(self.values), strict=True))

    def over(self, axes: Sequence[Index]) -> Numbers:
        """The numbers with axes of length 1 put in, so that they broadcast over ``axes``."""
        if self.axes == tuple(axes):
            return self.values
        return np.asarray(self.values)[tuple(slice(None) if a in self.axes else None for a in axes)]


def ordered(indices: Iterable[Index]) -> tuple[Index, ...]:
    """Indices in the order that tables keep them in: by name, then by size."""
    return tuple(sorted(set(indices), key=_position))


@functools.cache
def _position(index: Index) -> tuple[str, str]:
    return index.name, str(index.size)


def aligned(tables: Sequence[Table]) -> tuple[tuple[Index, ...], list[Numbers]]:
    """The union of the axes, and the numbers of each table so that they broadcast over it."""
    axes = ordered(index for table in tables for index in table.axes)
    require_room(lengths_of(tables).values())
    return axes, [table.over(axes) for table in tables]


def lengths_of(tables: Iterable[Table]) -> dict[Index, int]:
    """How long each axis of some tables is."""
    return {a: n for table in tables for a, n in table.lengths.items()}


def taken(table: Table, axis: Index, places: Table, length: int) -> Table:
    """The numbers at ``places`` along an axis of this length; 0 where a place is outside of it.

    Where the table has an axis of the places already, both go along it together.
    """
    inside = (np.asarray(places.values) >= 0) & (np.asarray(places.values) < length)
    clipped = Table(places.axes, np.where(inside, places.values, 0))
    others = [a for a in table.axes if a != axis]
    lengths = {**places.lengths, **{a: table.lengths[a] for a in others}}
    out = ordered(lengths)
    require_room(lengths.values())
    if axis in table.axes:
        at = {a: Table((a,), np.arange(lengths[a])) for a in others} | {axis: clipped}
        values = np.asarray(table.values)[tuple(at[a].over(out) for a in table.axes)]
    else:
        values = table.over(out)
    return Table(out, np.where(Table(places.axes, inside).over(out), values, 0))


def put(table: Table, axis: Index, places: Table, length: int, gone: Sequence[Index]) -> Table:
    """The numbers added up at ``places`` along a new axis, and over the axes that are gone."""
    lengths = {**table.lengths, **places.lengths}
    every = ordered(lengths)
    kept = ordered([*(a for a in every if a not in gone), axis])
    require_room(length if a == axis else lengths[a] for a in kept)
    spread = np.broadcast_to(table.over(every), [lengths[a] for a in every])
    where = np.broadcast_to(places.over(every), spread.shape)
    inside = (where >= 0) & (where < length)
    at = {a: np.broadcast_to(_counted(a, every, lengths), spread.shape)[inside] for a in every}
    at[axis] = where[inside]
    zero = np.zeros([length if a == axis else lengths[a] for a in kept], dtype=int)
    total = np.asarray(zero + 0 * np.ravel(spread)[:1].sum(), dtype=spread.dtype)
    np.add.at(total, tuple(at[a] for a in kept), spread[inside])
    return Table(kept, total)


def _counted(axis: Index, axes: Sequence[Index], lengths: Mapping[Index, int]) -> Any:
    return Table((axis,), np.arange(lengths[axis])).over(axes)

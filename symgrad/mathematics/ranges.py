"""Where positions lie: indices, which run over axes, and labels, of which it is promised."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import sympy as sp

from symgrad.errors import Location, SpecError
from symgrad.mathematics.indices import Index, indices_of, is_entry
from symgrad.mathematics.sizes import Size, is_at_least_zero, is_size, normal_form, same

Part = tuple[tuple[sp.Expr, sp.Expr] | None, ...]
"""Of each axis the first and the last position, or None for all of it."""


class Bounds(NamedTuple):
    """What is promised of the labels in a part of an array: ``low <= label < stop``."""

    low: sp.Expr
    stop: sp.Expr
    part: Part

    @property
    def is_plain(self) -> bool:
        """Whether all labels of the array count from 0 on one axis."""
        return self.low == 0 and not any(self.part)

    def covers(self, indices: Sequence[sp.Expr]) -> bool:
        """Whether the entry at ``indices`` surely is in the part."""
        return all(
            part is None or _is_between(index, *part)
            for index, part in zip(indices, self.part, strict=True)
        )


def sizes_of(bounds: Bounds) -> set[sp.Symbol]:
    """The sizes in what is promised."""
    ends = (end for part in bounds.part if part for end in part)
    return set().union(*(end.free_symbols for end in (bounds.low, bounds.stop, *ends)))


class Label(sp.Symbol):
    """The name of an array of labels, with what is promised of them."""

    __slots__ = ("bounds",)
    bounds: tuple[Bounds, ...]

    def __new__(cls, name: str, bounds: tuple[Bounds, ...]) -> Label:
        self = sp.Symbol.__xnew__(cls, name, integer=True)
        self.bounds = bounds
        return self  # type: ignore[no-any-return]

    def __getnewargs_ex__(self) -> tuple[tuple[str, tuple[Bounds, ...]], dict[str, object]]:
        return (self.name, self.bounds), {}

    def _hashable_content(self) -> tuple[object, ...]:
        told = (
            sp.Tuple(b.low, b.stop, *(sp.Tuple(*(p or ())) for p in b.part)) for b in self.bounds
        )
        return (*super()._hashable_content(), sp.Tuple(*told))

    @classmethod
    def class_key(cls) -> tuple[int, int, str]:
        """As a symbol's: what is promised of a label changes no order of terms."""
        return sp.Symbol.class_key()  # type: ignore[no-any-return]


def like(symbol: sp.Symbol, name: str) -> sp.Symbol:
    """A symbol of another name of which the same is known."""
    if isinstance(symbol, Label):
        return Label(name, symbol.bounds)
    return sp.Symbol(name, **symbol._assumptions_orig)


def promised(entry: sp.Expr) -> tuple[Bounds, ...]:
    """What is promised of an entry."""
    symbol = entry.base.label if isinstance(entry, sp.Indexed) else entry
    found = symbol.bounds if isinstance(symbol, Label) else ()
    return tuple(b for b in found if b.covers(indices_of(entry)))


# Where a position lies


def in_range(index: Index, value: sp.Expr) -> bool:
    """Whether ``value`` surely lies where ``index`` runs."""
    return (isinstance(value, Index) and value.size == index.size) or _fits(index, value)


@functools.lru_cache(maxsize=1 << 14)
def _fits(index: Index, value: sp.Expr) -> bool:
    """Whether an affine expression stays between 0 and the size of ``index``."""
    found = tuple(_ends(value))
    rooms = (normal_form(index.size - 1 - high) for _, high in found)
    return any(normal_form(low).is_nonnegative for low, _ in found) and any(
        room.is_nonnegative for room in rooms
    )


def _ends(value: sp.Expr) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """The least and the greatest value, as each of the promises has it."""
    labels = sorted(labels_in(value), key=str)
    for choice in itertools.product(*map(promised, labels)):
        places = [Index(f"_label{k}", b.stop - b.low) for k, b in enumerate(choice)]
        moved = (b.low + place for b, place in zip(choice, places, strict=True))
        plain = value.xreplace(dict(zip(labels, moved, strict=True)))
        evenly = not any(plain.diff(place).atoms(Index) for place in places)
        if evenly and all(isinstance(s, Index) or is_size(s) for s in plain.free_symbols):
            yield bounds(plain)


def labels_in(value: sp.Expr) -> set[sp.Expr]:
    """The entries in a position, but for those that are themselves indices of others."""
    if is_entry(value):
        return {value}
    return set().union(*map(labels_in, value.args))


def bounds(value: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The least and the greatest value of an affine expression over indices."""
    if isinstance(value, Index):
        return sp.S.Zero, value.size - 1
    low = high = value
    for index in sorted(value.atoms(Index), key=str):
        slope = value.diff(index)
        ends = (sp.Integer(0), index.size - 1)
        low = low.xreplace({index: ends[bool(slope.is_negative)]})
        high = high.xreplace({index: ends[not slope.is_negative]})
    return low, high


def _is_between(index: sp.Expr, first: sp.Expr, last: sp.Expr) -> bool:
    if labels_in(index):
        return False
    low, high = bounds(index)
    return bool(normal_form(low - first).is_nonnegative and normal_form(last - high).is_nonnegative)


# What it says of labels that a position lies on an axis


def solved(value: sp.Expr, low: sp.Expr, stop: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """The label in ``value``, and between what it lies where ``low <= value < stop``.

    None where that is not the same for all labels of the array, or too much to say.
    """
    labels = labels_in(value)
    if len(labels) != 1:
        return None
    (label,) = labels
    place = sp.Dummy(integer=True)
    value = sp.expand(value.xreplace({label: place}))
    slope = value.coeff(place)
    start = sp.expand(value - slope * place)
    if not slope.is_Integer or slope == 0 or not all(map(is_size, start.free_symbols)):
        return None
    ends = _divided(low - start, stop - 1 - start, slope)
    return (label, *ends) if ends else None


def _divided(low: sp.Expr, high: sp.Expr, slope: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """The least number x, and the first that is too large, where low <= slope x <= high."""
    first, last = (low, high) if slope.is_positive else (high, low)
    if abs(slope) == 1:
        return sp.expand(first / slope), sp.expand(last / slope + 1)
    first, last = (normal_form(end) for end in (first, last))
    if not (first.is_Integer and last.is_Integer):
        return None
    return sp.ceiling(first / slope), sp.floor(last / slope) + 1


def part_at(indices: Sequence[sp.Expr], shape: Sequence[Size]) -> Part:
    """The part of an array that is read at ``indices``, or more than that."""
    return tuple(_along(index, size) for index, size in zip(indices, shape, strict=True))


def _along(index: sp.Expr, size: Size) -> tuple[sp.Expr, sp.Expr] | None:
    if size == 1 or labels_in(index) or getattr(index, "size", None) == size:
        return None
    steps = {abs(index.diff(k)) for k in index.atoms(Index)}
    if len(index.atoms(Index)) > 1 or steps - {1}:
        return None
    low, high = map(normal_form, bounds(index))
    whole = low == 0 and high == normal_form(size - 1)
    return None if whole else (low, high)


def by_part(bounds: Iterable[Bounds]) -> dict[Part, tuple[list[sp.Expr], list[sp.Expr]]]:
    """For each part the first label and the first that is too large; several, if sizes decide."""
    found: dict[Part, list[Bounds]] = {}
    for one in bounds:
        found.setdefault(one.part, []).append(one)
    return {
        part: (
            _largest([b.low for b in several]),
            [-s for s in _largest([-b.stop for b in several])],
        )
        for part, several in found.items()
    }


def _largest(values: Sequence[sp.Expr]) -> list[sp.Expr]:
    kept: list[sp.Expr] = []
    for one in map(normal_form, values):
        if not any((other - one).is_nonnegative for other in kept):
            kept = [*(other for other in kept if not (one - other).is_nonnegative), one]
    return kept


def check_possible(name: str, found: Sequence[Bounds], where: Location | None) -> None:
    """SpecError where one place needs larger labels than another has room for."""
    for one, other in itertools.permutations(found, 2):
        if one.part == other.part and normal_form(one.low - other.stop).is_nonnegative:
            raise SpecError(
                f"no label of {name} lies on every axis that is read at it: one needs labels from "
                f"{normal_form(one.low)}, another up to {normal_form(other.stop - 1)}",
                where=where,
                hint="positions count from 0, and none of them from the end",
            )


def tightest(found: Sequence[Bounds], shape: Sequence[Size]) -> tuple[Bounds, ...]:
    """What is promised, without what other promises say already."""
    pairs = itertools.permutations(dict.fromkeys(found), 2)
    whole = (None,) * len(shape)
    joint = [one._replace(part=whole) for one, other in pairs if _fill(one, other, shape)]
    kept: list[Bounds] = []
    for one in [*joint, *found]:
        if not any(_implies(other, one) for other in kept):
            kept = [*(other for other in kept if not _implies(one, other)), one]
    return tuple(kept)


def _fill(one: Bounds, other: Bounds, shape: Sequence[Size]) -> bool:
    """Whether the same is promised of two slices that make up an axis: y[:-1] and y[1:]."""
    if one[:2] != other[:2] or len(shape) != 1 or not (one.part[0] and other.part[0]):
        return False
    (first, end), (start, last) = one.part[0], other.part[0]
    whole = first == 0 and same(last, shape[0] - 1)
    return whole and is_at_least_zero(sp.expand(end + 1 - start))


def _implies(one: Bounds, other: Bounds) -> bool:
    everywhere = one.part == other.part or not any(one.part)
    rooms = (one.low - other.low, other.stop - one.stop)
    return everywhere and all(bool(normal_form(room).is_nonnegative) for room in rooms)


def computed_index(name: str, where: Location | None = None) -> SpecError:
    """The error that an index is more than labels, moved or with a number added."""
    return SpecError(
        f"an index that is computed ({name}) is not supported",
        where=where,
        hint="labels may be moved and turned (y - 1, K - 1 - y, y[::-1]); what else is computed "
        "of them is data of its own, sg.data(name, shape, dtype=int), worked out before the call; "
        "np.argmax(x), np.argsort(x) and np.digitize(x, edges) are labels, the last of an axis of "
        "len(edges) + 1 (np.digitize(x, edges[1:]) in place of a 1 subtracted); "
        "np.where(condition, x[1], x[0]) chooses",
    )

"""Entries of an array at positions that move with indices, as slices, windows and reshapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.indices import Index, is_entry, name_of
from symgrad.mathematics.positions import (
    Affine,
    Cut,
    Detail,
    Window,
    affine,
    cut,
    in_row_major_order,
    is_within,
    through_slice,
    window,
)
from symgrad.mathematics.ranges import computed_index, in_range, labels_in
from symgrad.mathematics.records import LeafFunction
from symgrad.mathematics.sizes import Size, product
from symgrad.mathematics.sizes import as_size as to_size
from symgrad.program.builder import Builder
from symgrad.program.program import UNIT, Axes, Ref
from symgrad.program.sums_of_products import free_labels, index_key


@dataclass
class Reading:
    """What is done to an array, in order, until its axes have the wanted labels.

    ``waiting`` are the positions that no slice gives, by the label that their axis has so far.
    """

    axes: list[sp.Expr] = field(default_factory=list)
    cuts: list[Detail] = field(default_factory=list)
    after: list[sp.Expr] = field(default_factory=list)
    windows: list[Detail] = field(default_factory=list)
    places: list[tuple[Index, sp.Expr]] = field(default_factory=list)
    steps: dict[sp.Expr, tuple[Index, sp.Expr]] = field(default_factory=dict)
    split: dict[sp.Expr, tuple[Index, ...]] = field(default_factory=dict)
    waiting: dict[sp.Expr, sp.Expr] = field(default_factory=dict)

    def whole(self, label: sp.Expr) -> None:
        """An axis as it stands."""
        self.axes.append(label)
        self.cuts.append(None)
        self.kept(label)

    def kept(self, label: sp.Expr) -> None:
        self.after.append(label)
        self.windows.append(None)

    def part(self, place: int, size: Size, found: Cut, label: sp.Expr | None) -> None:
        """A slice of an axis; or one entry, where there is no label."""
        if found.is_whole(size) and label is not None:
            self.axes.append(label)
            self.cuts.append(None)
        else:
            self.axes.append(named("at", place, size))
            self.cuts.append(found)

    def position(self, place: int, size: Size, index: sp.Expr, position: Affine | None) -> None:
        """Add the axis that is read at a position; one that nothing fits has to wait."""
        ordered = None if position is None else in_row_major_order(position)
        if ordered is not None and len(ordered.steps) < 2:
            label = ordered.labels[0] if ordered.steps else None
            self.part(place, size, cut(ordered), label)
            if label is not None:
                self.kept(label)
        elif ordered is not None:
            self.digits(place, size, ordered)
        elif position is not None and (found := window(position, size)) is not None:
            self.view(place, size, *found)
        else:
            label = named("at", place, size)
            self.waiting[label] = index
            self.whole(label)

    def digits(self, place: int, size: Size, position: Affine) -> None:
        """An axis that is taken apart."""
        count = product(i.size for i in position.labels)
        found = Cut(position.start, position.steps[-1][1], count)
        label = named("row", place, size if found.is_whole(size) else count)
        self.part(place, size, found, label)
        self.split[label] = position.labels
        self.kept(label)

    def view(self, place: int, size: Size, found: Window, at: Index, inside: Index) -> None:
        """An axis that windows run along."""
        low, high = found.ends
        label = named("wide", place, to_size(high - low + 1))
        self.part(place, size, Cut(low, sp.S.One, label.size), label)
        reach = [_reach(at, found.step), _reach(inside, found.stride)]
        self.windows.append(Window(sp.S.Zero, sp.S.One, reach[0], sp.S.One, reach[1]))
        self.after.append(label)
        self.places.append((at, found.step))
        self.steps[label] = (inside, found.stride)


def _reach(index: Index, step: sp.Expr) -> Size:
    return index.size if step == 1 else to_size(step * (index.size - 1) + 1)


def named(kind: str, place: int, size: Size) -> Index:
    """The label of an axis that does not stay."""
    return Index(f"_{kind}{place}", size)


def plan(shape: Sequence[Size], indices: Sequence[sp.Expr]) -> Reading:
    """How an array of this shape is read at these indices; none may lie outside."""
    often = Counter(label for i in indices for label in free_labels(i))
    shared = {label for label, times in often.items() if times > 1}
    reading = Reading()
    for place, (index, size) in enumerate(zip(indices, shape, strict=True)):
        position = affine(index)
        _check(index, size, position)
        sliced = None if position is not None else through_slice(index, size)
        if size == 1:
            reading.whole(UNIT)
        elif sliced is not None and not is_entry(index):
            labels, part = sliced
            label = named("of", place, part.count or UNIT)
            reading.part(place, size, part, label)
            reading.kept(label)
            reading.waiting[label] = labels
        elif position is None or shared & set(position.labels):
            label = named("at", place, size)
            reading.waiting[label] = index
            reading.whole(label)
        else:
            reading.position(place, size, index, position)
    return reading


def _check(index: sp.Expr, size: Size, position: Affine | None) -> None:
    if position is None and not is_entry(index) and not _is_label(index, size):
        raise computed_index(in_words(index))
    if position is not None and not is_within(position.expr, size):
        raise SpecError(f"the index {in_words(index)} may lie outside of an axis of size {size}")


def _is_label(index: sp.Expr, size: Size) -> bool:
    """Whether labels stand in an index, moved so that they point into an axis."""
    return bool(labels_in(index)) and in_range(Index("_at", size), index)


def in_words(index: sp.Expr) -> str:
    """A position with letters for its indices; labels without theirs, where one can tell them."""
    labels = labels_in(index)
    if index.has(LeafFunction):  # which are not called as in a spec
        return "of " + ", ".join(sorted({name_of(label) for label in labels}))
    if len({name_of(label) for label in labels}) == len(labels):
        index = index.xreplace({label: sp.Symbol(name_of(label)) for label in labels})
    letters = zip(sorted(free_labels(index), key=index_key), "ijklmn", strict=False)
    return str(index.xreplace({k: sp.Symbol(letter) for k, letter in letters}))


def opened(builder: Builder, name: str, reading: Reading) -> Ref:
    """The array with everything done that waits for no positions."""
    found = Ref(name, tuple(reading.axes))
    if any(part is not None for part in reading.cuts):
        found = builder.add("slice", (found,), tuple(reading.after), detail=tuple(reading.cuts))
    if reading.places:
        found = _windowed(builder, found, reading)
    if reading.split:
        axes = tuple(a for label in found.axes for a in reading.split.get(label, (label,)))
        found = builder.add("reshape", (found,), axes)
    return found


def _windowed(builder: Builder, source: Ref, reading: Reading) -> Ref:
    """Windows, and of their positions and entries only every so many where there are steps."""
    at, steps = iter(reading.places), list(reading.steps.values())
    wanted = [next(at) if part is not None else None for part in reading.windows] + list(steps)
    sizes = [
        *(part.count if isinstance(part, Window) else None for part in reading.windows),
        *(part.length for part in reading.windows if isinstance(part, Window)),
    ]
    labels, cuts, final = [], [], []
    kept = [*source.axes, *(None for _ in steps)]
    for place, (want, size, label) in enumerate(zip(wanted, sizes, kept, strict=True)):
        strided = want is not None and want[1] != 1
        new = label if want is None else want[0]
        final.append(new)
        labels.append(named("in", place, size) if strided and size is not None else new)
        cuts.append(Cut(sp.S.Zero, want[1], want[0].size) if strided and want else None)
    axes: Axes = tuple(labels)
    found = builder.add("windows", (source,), axes, detail=tuple(reading.windows))
    if not any(cuts):
        return found
    return builder.add("slice", (found,), tuple(final), detail=tuple(cuts))

"""Positions that move evenly with indices: slices, windows, and axes laid out as one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.ranges import bounds, in_range, labels_in
from symgrad.mathematics.sizes import (
    Size,
    as_size,
    is_at_least_zero,
    is_negative,
    is_positive,
    is_size,
    normal_form,
    same,
)

MANY = 5
"""More indices than this in one position are not looked at one by one."""


@dataclass(frozen=True)
class Affine:
    """The position ``start + Σ step * index``; fixed sizes in it are numbers."""

    start: sp.Expr
    steps: tuple[tuple[Index, sp.Expr], ...]

    @property
    def labels(self) -> tuple[Index, ...]:
        """The indices that move it."""
        return tuple(index for index, _ in self.steps)

    @property
    def expr(self) -> sp.Expr:
        """The position as an expression."""
        return sp.Add(self.start, *(index * step for index, step in self.steps))


@dataclass(frozen=True)
class Cut:
    """Along an axis the entries start, start + step, ...: ``count`` of them.

    ``count`` is None where the axis goes, and only the entry ``start`` stays.
    """

    start: sp.Expr
    step: sp.Expr = sp.S.One
    count: Size | None = None

    def is_whole(self, size: Size) -> bool:
        """Whether it is the axis as it stands."""
        return self.start == 0 and self.step == 1 and same(self.count or sp.S.One, size)

    @property
    def ends(self) -> tuple[sp.Expr, sp.Expr]:
        """The smallest and the largest position."""
        last = self.start + self.step * (normal_form(self.count or sp.S.One) - 1)
        return (last, self.start) if is_negative(self.step) else (self.start, sp.expand(last))


@dataclass(frozen=True)
class Window:
    """Windows along an axis: ``start + step * position + stride * place in the window``."""

    start: sp.Expr
    step: sp.Expr
    count: Size
    stride: sp.Expr
    length: Size

    @property
    def ends(self) -> tuple[sp.Expr, sp.Expr]:
        """The smallest and the largest position."""
        reach = self.step * (normal_form(self.count) - 1)
        return self.start, sp.expand(
            self.start + reach + self.stride * (normal_form(self.length) - 1)
        )


class Inside:
    """What is computed inside of one operation, again and again."""


Detail = int | None | Cut | Window | Inside
"""What an operation needs to know beside its labels: of an axis, or of what is inside of it."""


def affine(expr: sp.Expr) -> Affine | None:
    """How a position moves with its indices; None where it does not move evenly."""
    if isinstance(expr, Index):
        return Affine(sp.S.Zero, ((expr, sp.S.One),))
    expr = normal_form(expr)
    found = sorted((s for s in expr.free_symbols if isinstance(s, Index)), key=_order)
    steps = tuple((index, expr.coeff(index)) for index in found)
    start = sp.expand(expr - sp.Add(*(index * step for index, step in steps)))
    parts = (start, *(step for _, step in steps))
    if any(not is_size(s) for part in parts for s in part.free_symbols):
        return None
    signed = all(is_positive(step) or is_negative(step) for _, step in steps)
    whole = all(part.is_integer for part in parts)
    return Affine(start, steps) if signed and whole else None


def _order(index: Index) -> tuple[int, str]:
    return len(index.name), index.name


def in_row_major_order(position: Affine) -> Affine | None:
    """The same position, outer indices first, where they count as the digits of a number do."""
    if len(position.steps) > MANY:
        return None
    for steps in itertools.permutations(position.steps):
        pairs = itertools.pairwise(steps)
        if all(same(outer, inner * index.size) for (_, outer), (index, inner) in pairs):
            return Affine(position.start, steps)
    return None


def window(position: Affine, size: Size) -> tuple[Window, Index, Index] | None:
    """The windows that a position runs over: what they are, where they stand, places in them."""
    if len(position.steps) != 2 or not all(is_positive(step) for _, step in position.steps):
        return None
    first, second = position.steps
    reach = [step * (normal_form(index.size) - 1) for index, step in (first, second)]
    if is_negative(reach[0] - reach[1]) or (first[1] == 1 and second[1] != 1):
        first, second = second, first
    (at, step), (place, stride) = first, second
    return Window(position.start, step, at.size, stride, place.size), at, place


def cut(position: Affine) -> Cut:
    """The slice of a position with one index, or the entry of one with none."""
    if not position.steps:
        return Cut(position.start)
    ((index, step),) = position.steps
    return Cut(position.start, step, index.size)


def through_slice(index: sp.Expr, size: Size) -> tuple[sp.Expr, Cut] | None:
    """The label in ``start + step * label``, and the slice of the axis in which it counts."""
    outer = labels_in(index)
    if len(outer) != 1:
        return None
    (label,) = outer
    place = Index("_label", size)
    position = affine(index.xreplace({label: place}))
    if position is None or position.labels != (place,) or not is_within(position.start, size):
        return None
    ((_, step),) = position.steps
    room = position.start if is_negative(step) else normal_form(size) - 1 - position.start
    length = sp.expand(room / abs(step))
    if length.is_Rational:
        length = sp.floor(length)
    if not length.is_integer:
        return None
    count = as_size(length + 1)
    return (label, Cut(position.start, step, count)) if in_range(Index("_", count), label) else None


def is_within(expr: sp.Expr, size: Size) -> bool:
    """Whether a position surely lies on an axis of this size."""
    if isinstance(expr, Index) and expr.size == size:
        return True
    low, high = bounds(expr)
    room = normal_form(size) - 1 - normal_form(high)
    return is_at_least_zero(normal_form(low)) and is_at_least_zero(sp.expand(room))


def fits(part: Cut | Window, size: Size) -> bool:
    """Whether all the positions surely lie on an axis of this size."""
    low, high = part.ends
    room = sp.expand(normal_form(size) - 1 - high)
    return is_at_least_zero(sp.expand(low)) and is_at_least_zero(room)


def are_apart(one: Sequence[Detail], other: Sequence[Detail]) -> bool:
    """Whether two parts of one array surely share no entry."""
    return any(_are_apart(a, b) for a, b in zip(one, other, strict=True))


def _are_apart(a: Detail, b: Detail) -> bool:
    if not isinstance(a, (Cut, Window)) or not isinstance(b, (Cut, Window)):
        return False
    (low, high), (lowest, highest) = a.ends, b.ends
    if is_positive(lowest - high) or is_positive(low - highest):
        return True
    if not (isinstance(a, Cut) and isinstance(b, Cut) and a.step == b.step):
        return False
    between = sp.expand(a.start - b.start)
    return bool(between.is_Integer and a.step.is_Integer and between % a.step != 0)


def tiles(pieces: Iterable[tuple[int, Cut]], size: Size) -> list[int] | None:
    """The pieces in the order in which they fill an axis; None where they leave or share some."""
    left = dict(pieces)
    order: list[int] = []
    end: sp.Expr = sp.S.Zero
    while left:
        found = next((k for k, piece in left.items() if sp.expand(piece.start - end) == 0), None)
        if found is None or left[found].step != 1:
            return None
        end = left.pop(found).ends[1] + 1
        order.append(found)
    return order if same(end, size) else None

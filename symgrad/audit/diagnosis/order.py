"""Derivatives whose numbers are right and stand at other entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.audit.compare import same_numbers
from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.diagnosis.graph import Backward
from symgrad.audit.diagnosis.pointwise import explained
from symgrad.audit.diagnosis.wanted import Wanted

Numbers = np.ndarray[Any, Any]

LEAST = 3
"""How many different numbers tell that an array has another's in another order."""

MOST_SHIFTED = 3
"""By how many entries an array may be shifted."""


def moved_entries(backward: Backward, wanted: Wanted) -> Iterator[Explanation]:
    """The derivatives that are handed out with their numbers in another order, or shifted."""
    for value in (*wanted.wrong, wanted.first):
        name = backward.name_of.get(value)
        if name is None or value not in wanted.truths[0].slopes:
            continue
        pairs = [
            (laid, wanted.truths[k].slopes[value])
            for k in wanted.points
            for laid in wanted.laid(value, k)[:1]
        ]
        change = _change(pairs) if len(pairs) == len(wanted.points) else ""
        if change:
            yield Explanation(value, "whole", change, "", 0.9, explained(backward, wanted, name))


def scaled_rows(backward: Backward, wanted: Wanted) -> Iterator[Explanation]:
    """The derivative that is right but for a number for each row, or for each column."""
    value = wanted.first
    name = backward.name_of.get(value)
    pairs = [
        (laid, np.asarray(wanted.truths[k].slopes[value]))
        for k in wanted.points
        for laid in wanted.laid(value, k)[:1]
        if value in wanted.truths[k].slopes
    ]
    fine = [(a, b) for a, b in pairs if a.shape == b.shape and a.ndim > 1]
    axes = range(fine[0][0].ndim) if name and fine and len(fine) == len(wanted.points) else range(0)
    if any(all(_is_scaled(a, b, axis) for a, b in fine) for axis in axes):
        yield Explanation(value, "rows", "", "", 1.2, explained(backward, wanted, name or ""))


def _is_scaled(one: Numbers, other: Numbers, axis: int) -> bool:
    """Whether an array is another times a number for each place along an axis."""
    rows, ought = (np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1) for a in (one, other))
    if ought.shape[1] < LEAST or not ought.any():
        return False
    squares = (ought * ought).sum(axis=1)
    by = np.divide(
        (rows * ought).sum(axis=1), squares, where=squares > 0, out=np.ones_like(squares)
    )
    return same_numbers(rows, by[:, None] * ought)


def _change(pairs: Sequence[tuple[Numbers, Numbers]]) -> str:
    """How arrays come of others whose entries they have; '' where they don't."""
    telling = [(a, b) for a, b in pairs if len(np.unique(b)) >= LEAST and not same_numbers(a, b)]
    if not telling:
        return ""
    if all(same_numbers(np.sort(a, axis=None), np.sort(b, axis=None)) for a, b in telling):
        return "in another order"
    steps = [(k, s) for k in range(telling[0][0].ndim) for s in range(1, MOST_SHIFTED + 1)]
    ways = [w for k, s in steps for w in ((k, s), (k, -s))]
    return "shifted" if any(all(_is_shifted(a, b, *w) for a, b in telling) for w in ways) else ""


def _is_shifted(one: Numbers, other: Numbers, axis: int, step: int) -> bool:
    """Whether an array has the entries of another, so many places further along an axis."""
    a, b = np.moveaxis(one, axis, 0), np.moveaxis(other, axis, 0)
    a, b = (a, b) if step > 0 else (b, a)
    left, right = a[abs(step) :], b[: -abs(step)]
    return len(np.unique(right)) >= LEAST and same_numbers(left, right)

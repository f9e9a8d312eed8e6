"""Sums of two terms that numbers are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from symgrad.audit.deduced.library import Library, Rows, broadcast, pairs
from symgrad.audit.deduced.matching import CLOSE, Asked, with_factor
from symgrad.audit.deduced.terms import Term

Numbers = np.ndarray[Any, Any]

MOST_TERMS = 320
"""Of how many terms all sums of two are tried: some 50 000, in 20 ms."""

EXPLAINED = 1e-9
"""What two terms may leave of the square of numbers, before these are looked at one by one."""

DEAR = 0.7
"""How much less likely two terms are than one."""


def asked_as_two(library: Library, wanted: Numbers) -> list[Asked]:
    """The sums of two terms that numbers are, the likeliest first."""
    rows = _rows(library, wanted.shape)
    if wanted.size < 4 or rows.matrix.shape != (len(rows.terms), wanted.size):
        return []
    found = [_sum(library, rows, pair) for pair in _near(rows.matrix, wanted.ravel())]
    return sorted((a for a in found if a is not None), key=lambda a: a.cost)[:4]


def _rows(library: Library, shape: tuple[int, ...]) -> Rows:
    """The terms of a shape that are short, and a number alone."""
    one = Term("1", (np.ones(shape),), 0.1)
    short = [broadcast(t, shape) for t in library.short(shape)]
    likely = sorted(short, key=lambda t: t.cost)
    products = list(pairs([t for t in likely if t.cost < 0.3][:24], shape))
    terms = [one, *likely, *library.projected(shape), *products][:MOST_TERMS]
    flat = [t.arrays[0].ravel() for t in terms if len(t.arrays) == 1]
    return Rows(terms, np.array(flat) if len(flat) == len(terms) else np.zeros((0, 0)))


@dataclass(frozen=True)
class _Pair:
    one: int
    other: int
    coefficients: tuple[float, float]


def _near(matrix: Numbers, wanted: Numbers) -> Iterator[_Pair]:
    """The rows of which two, each times a number, give some numbers."""
    gram, right, whole = matrix @ matrix.T, matrix @ wanted, float(wanted @ wanted)
    squares = np.diag(gram)
    with np.errstate(all="ignore"):
        apart = np.outer(squares, squares) - gram**2
        ones = (right[:, None] * squares[None, :] - right[None, :] * gram) / apart
        left = whole - ones * right[:, None] - ones.T * right[None, :]
    fine = (apart > 1e-9 * np.outer(squares, squares)) & (np.abs(left) < EXPLAINED * whole)
    for i, j in zip(*np.nonzero(np.triu(fine, 1)), strict=True):
        a, b = float(ones[i, j]), float(ones[j, i])
        off = np.abs(a * matrix[i] + b * matrix[j] - wanted).max(initial=0.0)
        if off <= CLOSE * np.abs(wanted).max(initial=0.0) and min(abs(a), abs(b)) > 1e-6:
            yield _Pair(int(i), int(j), (a, b))


def _sum(library: Library, rows: Rows, pair: _Pair) -> Asked | None:
    """Two terms with their numbers, where these are usual ones."""
    terms = (rows.terms[pair.one], rows.terms[pair.other])
    found = [_times(library, t, c) for t, c in zip(terms, pair.coefficients, strict=True)]
    first, second = (
        sorted((a for a in found if a), key=lambda a: a.negative) if all(found) else (None, None)
    )
    if first is None or second is None:
        return None
    sign = "-" if first.negative != second.negative else "+"
    text = f"({first.text} {sign} {second.text})"
    made = replace(first.term, gradient=any(t.gradient for t in terms))
    return Asked(text, first.cost + second.cost + DEAR, made, first.negative, whole=True)


def _times(library: Library, term: Term, factor: float) -> Asked | None:
    """A term times a number; a number alone as it is."""
    if term.text != "1":
        return with_factor(library, term, factor)
    near = Fraction(abs(factor)).limit_denominator(20)
    if abs(float(near) - abs(factor)) > 1e-9:
        return None
    return Asked(f"{abs(factor):g}", 0.2, term, factor < 0, whole=True)

"""Terms, factors and arrays that numbers ask for: which of a library they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symgrad.audit.deduced.library import Library, Rows
from symgrad.audit.deduced.terms import Term

Numbers = np.ndarray[Any, Any]

CLOSE = 1e-8
"""How near numbers are to a term, of the largest of them, to be that term."""

MOST = 8
"""How many terms are told of for one part of a line."""

SIMPLE = {1.0: 0.0, -1.0: 0.0, 2.0: 0.3, -2.0: 0.3, 0.5: 0.3, -0.5: 0.3}


@dataclass(frozen=True)
class Asked:
    """A term with its coefficient: its text, how unlikely it is, and what it is made of."""

    text: str
    cost: float
    term: Term
    negative: bool
    whole: bool


def asked(library: Library, wanted: Numbers, *, deep: bool = True) -> list[Asked]:
    """The terms that numbers are, summed over all times, the likeliest first."""
    found = _asked(library, wanted, library.rows(wanted.shape))
    if not found and deep:
        found = _asked(library, wanted, library.rows(wanted.shape, deep=True))
    return sorted(found, key=lambda a: a.cost)[:MOST]


def _asked(library: Library, wanted: Numbers, rows: Rows) -> list[Asked]:
    size, count = np.abs(wanted).max(initial=0.0), library.frames.times
    if not rows.terms or not size or rows.matrix.shape[1] != wanted.size * count:
        return []
    if count > 1:
        rows = Rows(rows.terms, rows.matrix.reshape(len(rows.terms), count, -1).sum(axis=1))
    return asked_of(library, wanted.ravel(), rows)


def asked_of(library: Library, wanted: Numbers, rows: Rows) -> list[Asked]:
    """The terms of some rows that numbers are, but for a usual number, the likeliest first."""
    size = np.abs(wanted).max(initial=0.0)
    near = list(_near(rows, wanted, CLOSE * size)) if rows.terms and size else []
    found = (with_factor(library, rows.terms[k], factor) for k, factor in near)
    return sorted((a for a in found if a is not None), key=lambda a: a.cost)[:MOST]


def asked_partly(library: Library, wanted: Numbers, heard: Numbers) -> list[Asked]:
    """The terms that numbers are where these make a difference."""
    for deep in (False, True):
        rows = library.rows(wanted.shape, deep=deep)
        fitting = rows.terms and rows.matrix.shape[1] == heard.size
        part = Rows(rows.terms, rows.matrix[:, heard.ravel()] if fitting else rows.matrix)
        found = asked_of(library, wanted[heard], part) if fitting else []
        if found:
            return found
    return []


def _near(rows: Rows, wanted: Numbers, close: float) -> Iterator[tuple[int, float]]:
    """The rows that are a multiple of some numbers, and the multiples."""
    with np.errstate(all="ignore"):
        factors = np.where(rows.squares > 1e-20, rows.matrix @ wanted / rows.squares, 0.0)
        off = np.abs(rows.matrix * factors[:, None] - wanted).max(axis=1, initial=0.0)
    for k in np.flatnonzero((off <= close) & (np.abs(factors) > 1e-9)):
        yield int(k), float(factors[k])


def with_factor(library: Library, term: Term, factor: float) -> Asked | None:
    """A term times a number that is a usual one, or that is known there."""
    for simple, cost in SIMPLE.items():
        if abs(factor - simple) < 1e-7 * abs(simple):
            size = "" if abs(simple) == 1 else f"{abs(simple):g} * "
            text = f"{size}{term.factor}" if size else term.text
            return Asked(text, term.cost + cost, term, factor < 0, term.whole and not size)
    for text, cost in _numbers(library.scalars, abs(factor)):
        whole = f"{term.factor} {text}" if text[0] in "/*" else f"{text} * {term.factor}"
        return Asked(whole, term.cost + cost, term, factor < 0, False)
    for text, cost in _numbers(library.scalars, -abs(factor)):
        return Asked(f"{term.factor} {text}", term.cost + cost, term, factor > 0, False)
    return None


def _numbers(scalars: Sequence[tuple[str, float]], wanted: float) -> Iterator[tuple[str, float]]:
    """How a number is a factor, by the numbers that are known."""
    for text, value in scalars:
        ways = (
            (f"/ {text}", 1 / value, 0.2),
            (f"* {text}", value, 0.2),
            (f"* (1 - {text})", 1 - value, 0.4),
            (f"/ {text}**2", value**-2.0, 0.4),
            (f"* {text}**2", value**2, 0.4),
            (f"/ np.sqrt({text})", abs(value) ** -0.5, 0.4),
            (f"* 2 / {text}", 2 / value, 0.4),
            (f"* 2 * {text}", 2 * value, 0.3),
            (f"/ {text}**3", value**-3.0, 0.6),
        )
        yield from ((t, c) for t, v, c in ways if abs(v - wanted) < 1e-7 * abs(wanted))
    for k, (text, value) in enumerate(scalars):
        for other, beside in scalars[k + 1 :]:
            if abs(value / beside - wanted) < 1e-7 * abs(wanted):
                yield f"* {text} / {other}", 0.6
            if abs(beside / value - wanted) < 1e-7 * abs(wanted):
                yield f"* {other} / {text}", 0.6


def as_numbers(library: Library, wanted: float) -> Iterator[tuple[str, float]]:
    """A number as people write it, and as what is known there, and how unlikely each is."""
    near = Fraction(wanted).limit_denominator(12)
    if abs(float(near) - wanted) < 1e-9 * max(1.0, abs(wanted)):
        plain = abs(near.numerator) < 5 > near.denominator
        text = f"{near}" if near.denominator == 1 else f"({near})"
        yield text, 0.0 if plain else 0.6
    for sign, number in (("", wanted), ("-", -wanted)):
        for text, cost in itertools.islice(_numbers(library.scalars, number), 3):
            yield f"{sign}(1 {text})" if text[:1] == "/" else f"{sign}({text[2:]})", cost


def totals(library: Library, wanted: Numbers) -> Iterator[str]:
    """The sums and means of arrays that a number is."""
    for term in library.atoms:
        for how in ("sum", "mean"):
            number = getattr(np, how)(term.arrays[0])
            if abs(number - wanted) <= CLOSE * abs(wanted):
                yield f"np.{how}({term.text})"

"""Coefficients of the terms of an equation, as a program has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.explanation import Summand
from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.parts import Term
from symgrad.audit.diagnosis.statistics import read_by
from symgrad.audit.diagnosis.wanted import Wanted
from symgrad.audit.reference import Truth
from symgrad.mathematics.indices import entries, entry, indices_of, name_of

Numbers = np.ndarray[Any, Any]

USUAL = (0.0, -1.0, 2.0, 0.5)
"""Coefficients that are tried where a derivative goes from turn to turn."""

NEAR = 1e-6
"""How near a coefficient is to a number to be that."""

NOTHING = 1e-9
"""What is smaller, beside the largest term, is 0 but for rounding."""

MOST_TERMS = 10


@dataclass(frozen=True)
class Columns:
    """The terms of some equations, those that are alike in several turns together."""

    backward: Backward
    members: Sequence[str]
    parts: Sequence[Sequence[tuple[str, Term]]]

    @property
    def key(self) -> tuple[Hashable, ...]:
        """What columns of the same terms have in common."""
        return tuple(tuple((n, t.expr) for n, t in several) for several in self.parts)

    @property
    def changed(self) -> dict[str, sp.Expr]:
        """The equations with a coefficient for each term."""
        found: dict[str, sp.Expr] = {}
        for k, several in enumerate(self.parts):
            for name, term in several:
                product = entry(f"_times{k}", (BATCH,)) * term.expr
                found[name] = found.get(name, sp.S.Zero) + product
        return found

    def predicted(self, rows: Numbers, point: int) -> dict[str, Numbers]:
        """The derivatives with these coefficients, a row for each variant."""
        arrays = {f"_times{k}": rows[:, k] for k in range(rows.shape[1])}
        return self.backward.variants(self.changed, arrays, point)

    def summands(self) -> tuple[Summand, ...]:
        """What the terms are."""
        return tuple(summand(self.backward, *several[0]) for several in self.parts)


def columns_of(
    backward: Backward,
    members: Sequence[str],
    terms: Callable[[str], Sequence[Term]],
    mark: Callable[[str], Hashable],
    *,
    each: bool,
) -> Columns:
    """The terms of equations; ``each``: all of them apart, though some are alike."""
    parts: dict[Hashable, list[tuple[str, Term]]] = defaultdict(list)
    for name in members:
        for number, term in enumerate(terms(name)):
            alike = sorted(str(mark(n)) for n in term.reads())
            shape = (len(term.limits), *(f for f in term.factors if f.is_number))
            key = (name, number) if each else (*alike, *map(str, shape))
            parts[key].append((name, term))
    return Columns(backward, members, list(parts.values()))


def fitted(columns: Columns, wanted: Wanted) -> Iterator[tuple[tuple[float, ...], int]]:
    """The coefficients with which the first wrong value is explained, and how many values are."""
    if not 0 < len(columns.parts) <= MOST_TERMS:
        return
    if len(columns.members) == 1:
        found = _solved(columns, wanted)
        if found is not None:
            yield found
    else:
        yield from _tried(columns, wanted)


def _tried(columns: Columns, wanted: Wanted) -> Iterator[tuple[tuple[float, ...], int]]:
    """One usual coefficient for one kind of term, or for all."""
    count = len(columns.parts)
    rows = [np.where(np.arange(count) == k, c, 1.0) for k in range(count) for c in USUAL]
    rows += [np.full(count, c) for c in USUAL[1:]] if count > 1 else []
    left, explained = np.array(rows), 0
    for point in wanted.points:
        fine, given = wanted.explained(columns.predicted(left, point), point)
        left, explained = left[fine], int(given[fine].max(initial=0))
        if not len(left):
            return
    yield from ((tuple(row), explained) for row in left)


def _solved(columns: Columns, wanted: Wanted) -> tuple[tuple[float, ...], int] | None:
    """The coefficients that follow from the first wrong value, which is linear in them."""
    count = len(columns.parts)
    rows = np.vstack([np.zeros((1, count)), np.eye(count)])
    known = []
    for point in wanted.points:
        system = _system(columns, wanted, rows, point)
        if system is None or _least(*system, wanted.tolerance) is None:
            return None
        known.append(system)
    several = _common(known, wanted.tolerance) or _each(known, wanted.tolerance)
    several = several or _by_sizes(known, [wanted.truths[k] for k in wanted.points])
    return None if several is None else _confirmed(columns, wanted, several)


def _confirmed(
    columns: Columns, wanted: Wanted, several: Sequence[Numbers]
) -> tuple[tuple[float, ...], int] | None:
    """Coefficients, where they give what is wanted; and how many of the values."""
    explained = 0
    for c, point in zip(several, wanted.points, strict=True):
        fine, given = wanted.explained(columns.predicted(c[None], point), point)
        if not fine[0]:
            return None
        explained = int(given[0])
    return _as_usual(several), explained


def _system(
    columns: Columns, wanted: Wanted, rows: Numbers, point: int
) -> tuple[Numbers, Numbers] | None:
    """The first wrong value as it is made of the terms, and as it is."""
    predicted = columns.predicted(rows, point).get(wanted.adjoint[wanted.first])
    laid = wanted.laid(wanted.first, point)
    if predicted is None or not laid or not np.isfinite(predicted).all():
        return None
    flat = predicted.reshape(len(rows), -1) / wanted.scale(laid[0], point)
    return (flat[1:] - flat[0]).T, laid[0].ravel() / wanted.scale(laid[0], point) - flat[0]


def _common(known: Sequence[tuple[Numbers, Numbers]], tolerance: float) -> list[Numbers] | None:
    """The same coefficients at all points."""
    left, right = np.vstack([a for a, _ in known]), np.concatenate([b for _, b in known])
    found = _least(left, right, tolerance)
    return None if found is None else [found] * len(known)


def _each(known: Sequence[tuple[Numbers, Numbers]], tolerance: float) -> list[Numbers] | None:
    """Other coefficients at each point: where they follow from more numbers than there are."""
    found = [_least(a, b, tolerance) if len(b) > 1 + a.shape[1] else None for a, b in known]
    several = [f for f in found if f is not None]
    return several if len(several) == len(found) and _is_one(several) else None


def _is_one(several: Sequence[Numbers]) -> bool:
    """Whether all coefficients that differ from point to point are the same at each."""
    moving = np.isnan(_as_usual(several))
    return all(np.ptp(c[moving]) < NEAR * np.abs(c).max() for c in several if moving.any())


def _by_sizes(
    known: Sequence[tuple[Numbers, Numbers]], truths: Sequence[Truth]
) -> list[Numbers] | None:
    """One coefficient, where it goes with a size from point to point."""
    if known[0][0].shape != (1, 1) or not truths[0].sizes:
        return None
    with np.errstate(all="ignore"):
        found = np.array([float((b / a[:, 0])[0]) for a, b in known])
        ways = (
            found * np.array([float(t.sizes[n]) for t in truths]) ** power
            for n in truths[0].sizes
            for power in (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
        )
        same = any(np.ptp(w) < NEAR * abs(w[0]) for w in ways)
    return list(found[:, None]) if same and np.isfinite(found).all() else None


def _least(left: Numbers, right: Numbers, tolerance: float) -> Numbers | None:
    """The solution nearest to ones, where there is one."""
    ones, sizes = np.ones(left.shape[1]), np.abs(left).max(axis=0, initial=0.0)
    left = np.where(sizes > NOTHING * sizes.max(initial=0.0), left, 0.0)
    step, *_ = np.linalg.lstsq(left, right - left @ ones, rcond=1e-9)
    off = np.abs(left @ (ones + step) - right).max(initial=0.0)
    return ones + step if off <= tolerance else None


def _as_usual(several: Sequence[Numbers]) -> tuple[float, ...]:
    """Coefficients, each a number where it is the same at all points."""
    rows = np.array(several)
    same = np.abs(rows - rows[0]).max(axis=0) < NEAR * np.maximum(1, np.abs(rows[0]))
    return tuple(float(c) if s else float("nan") for c, s in zip(rows[0], same, strict=True))


def summand(backward: Backward, name: str, term: Term) -> Summand:
    """What a term of a derivative is."""
    slopes = sorted((a for a in entries(term.expr) if name_of(a) in backward.slopes), key=str)
    through = backward.value_of.get(name_of(slopes[0]), "") if slopes else ""
    equation = backward.equations[name]
    summed = bool(slopes) and bool(set(indices_of(slopes[0])) & term.bound)
    own, names = backward.value_of.get(name, ""), term.reads()
    readers = read_by(backward.derivation.typed)[own]
    each = bool(slopes) and indices_of(slopes[0]) == equation.indices and not term.limits
    slope = each and bool(names & {own, through, *readers})
    statistic = _is_statistic(backward, name, through)
    return Summand(through, summed, statistic, each, slope, own in names)


def _is_statistic(backward: Backward, name: str, through: str) -> bool:
    """Whether a value is smaller than the one that is differentiated by, and read beside it."""
    numbers = backward.numbers(0)
    own = backward.value_of.get(name, "")
    if not through or own not in numbers or through not in numbers:
        return False
    smaller = 0 < np.size(numbers[through]) < np.size(numbers[own])
    readers = read_by(backward.derivation.typed)
    leads = {*readers[through], *(m for n in readers[through] for m in readers[n])}
    return smaller and any(other in leads for other in readers[own] if other != through)


def is_projected(backward: Backward, name: str, terms: Sequence[Term]) -> bool:
    """Whether a term of a derivative sums up what another has at each entry."""
    found = [summand(backward, name, term) for term in terms]
    each = {s.through for s in found if s.each}
    return any(s.summed and s.through in each for s in found)

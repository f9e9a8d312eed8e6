"""Derivatives that are multiplied by a function that nobody knows, but of one entry alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.parts import Term, terms_of
from symgrad.audit.diagnosis.wanted import Wanted
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, entry, indices_of, name_of

Numbers = np.ndarray[Any, Any]

LEAST = 40
"""How many entries at all points together tell whether something is a function."""

SMOOTH = 0.05
"""How far entries may be from between their neighbours, beside those in any order: in known passes
0.2 and more where something else is wrong, 0.001 where a slope is."""


def functions_of_entries(backward: Backward, wanted: Wanted) -> Iterator[Explanation]:
    """The derivatives that are known, and are wrong by a function of what they are by."""
    for name, equation in backward.equations.items():
        value = backward.value_of.get(name, "")
        terms = terms_of(equation.rhs, backward.slopes)
        if value in wanted.got[0] and len(terms) == 1 and _is_each(terms[0], equation, backward):
            pairs = [_pairs(backward, wanted, value, terms[0], k) for k in wanted.points]
            at, by = (np.concatenate(several) for several in zip(*pairs, strict=True))
            if at.size >= LEAST and _is_function(at, by):
                change = "two numbers" if np.unique(by.round(9)).size <= 2 else "a function"
                role = "mask" if change == "two numbers" else "slope"
                given = explained(backward, wanted, name)
                if given:
                    yield Explanation(value, role, change, "", 1.0, given)


def explained(backward: Backward, wanted: Wanted, name: str) -> int:
    """How many wrong values follow, if a derivative is what the program has for it."""
    counts = []
    put = entry("_put0", (BATCH, *backward.equations[name].indices))
    for point in wanted.points:
        laid = next(iter(wanted.laid(backward.value_of[name], point)), None)
        if laid is None:
            return 0
        predicted = backward.variants({name: put}, {"_put0": laid[None]}, point)
        fine, given = wanted.explained(predicted, point)
        counts.append(int(given[0]) if fine[0] else 0)
    return min(counts)


def _is_each(term: Term, equation: Equation, backward: Backward) -> bool:
    """Whether a term is a derivative at the same entry, times something."""
    slopes = [a for a in entries(term.expr) if name_of(a) in backward.slopes]
    return len(slopes) == 1 and not term.limits and indices_of(slopes[0]) == equation.indices


def _pairs(
    backward: Backward, wanted: Wanted, value: str, term: Term, point: int
) -> tuple[Numbers, Numbers]:
    """The entries of a value, and what the derivative that it goes on with is multiplied by."""
    nothing = np.zeros(0), np.zeros(0)
    numbers = backward.numbers(point)
    (slope,) = (a for a in entries(term.expr) if name_of(a) in backward.slopes)
    at, rest = np.asarray(numbers[value]), np.asarray(numbers[name_of(slope)], dtype=float)
    laid = [a for a in wanted.laid(value, point) if a.shape == rest.shape]
    if not laid or at.shape != rest.shape:
        return nothing
    fine = np.abs(rest) > 1e-6 * np.abs(rest).max(initial=0.0)
    return at[fine].ravel(), (laid[0][fine] / rest[fine]).ravel()


def _is_function(at: Numbers, by: Numbers) -> bool:
    """Whether numbers are a function of others: between those of their neighbours."""
    order = np.argsort(at)
    sorted_, any_order = by[order], np.random.default_rng(0).permutation(by)
    near, far = (np.median(_apart(a)) for a in (sorted_, any_order))
    return bool(np.isfinite(by).all() and far > 1e-9 * np.abs(by).max() and near <= SMOOTH * far)


def _apart(array: Numbers) -> Numbers:
    """How far each number is from the mean of the two beside it."""
    return np.abs(array[1:-1] - (array[2:] + array[:-2]) / 2)

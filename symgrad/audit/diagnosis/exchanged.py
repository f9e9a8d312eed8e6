"""Derivatives that go on with another derivative in all turns of a loop, as that is by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.graph import Backward
from symgrad.audit.diagnosis.parts import Term
from symgrad.audit.diagnosis.slots import Other, Place
from symgrad.audit.diagnosis.trial import Trial
from symgrad.mathematics.indices import entry, indices_of, name_of, replaced

Numbers = np.ndarray[Any, Any]


def other_derivatives(
    backward: Backward,
    several: Sequence[Place],
    terms: Callable[[str], Sequence[Term]],
    label: Callable[[str, str], str],
) -> Iterator[Trial]:
    """Another derivative at places that are alike, the same at all of them."""
    tables = [_others(backward, place, label) for place in several]
    for called in tables[0]:
        if all(called in table for table in tables):
            changed = {}
            for place, table in zip(several, tables, strict=True):
                part, name = place.part, place.equation.name
                other = entry(table[called], indices_of(part))
                new = replaced(place.term.expr, {part: other})
                rest = (t.expr for t in terms(name) if t != place.term)
                changed[name] = sp.Add(new, *rest)
            value = backward.value_of.get(several[0].equation.name, "")
            change = Other("another array", called, 0.5)
            yield Trial.of_equations(value, "gradient", changed, change)


def _others(backward: Backward, place: Place, label: Callable[[str, str], str]) -> dict[str, str]:
    """The derivatives of the shape of the one at a place, by what they are called there."""
    numbers, name = backward.numbers(0), name_of(place.part)
    shape = np.shape(numbers[name])
    known = (n for n in backward.equations if n in numbers and n != name)
    same = (n for n in known if np.shape(numbers[n]) == shape)
    return {label(n, name): n for n in same}

"""Terms that are added to another derivative than their own: too early, on the way to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.parts import Term
from symgrad.audit.diagnosis.slots import Other
from symgrad.audit.diagnosis.trial import Trial
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, entry, indices_of, name_of, replaced

Numbers = np.ndarray[Any, Any]

MOST = 60
"""How many pairs of derivatives are looked at."""


def added_elsewhere(
    backward: Backward, names: Collection[str], terms: Callable[[str], Sequence[Term]]
) -> Iterator[Trial]:
    """A term of a derivative that is added to one that is read on the way to it."""
    pairs = (
        (backward.equations[name], term, backward.equations[other], read)
        for name in sorted(names)
        if len(terms(name)) > 1
        for term in terms(name)
        for other in sorted(backward.before[name] - {name})
        for read in sorted(_reads(backward, other))
    )
    for own, term, other, read in itertools.islice(pairs, MOST):
        rest = sp.Add(*(t.expr for t in terms(own.name) if t != term))
        sums = {n: backward.equations[n].rhs for n in names} | {own.name: rest}
        contents = partial(_with_term, backward, own, term, read)
        value = backward.value_of.get(own.name, "")
        for readers in ([other.name], [n for n in sums if read in _reads(backward, n)]):
            changed = {n: _reading(sums[n], read) for n in readers}
            changed = {own.name: rest, **changed}
            yield Trial(value, "terms", changed, contents, str(term.expr))


def _reading(rhs: sp.Expr, name: str) -> sp.Expr:
    """An expression that reads something else in the place of an array."""
    atoms = [a for a in entries(rhs) if name_of(a) == name]
    found: sp.Expr = replaced(rhs, {a: entry("_put0", (BATCH, *indices_of(a))) for a in atoms})
    return found


def _reads(backward: Backward, name: str) -> set[str]:
    """The derivatives that one is worked out of, by the names under which they are read."""
    return {name_of(a) for a in entries(backward.equations[name].rhs)} & backward.slopes


def _with_term(
    backward: Backward, own: Equation, term: Term, read: str, point: int
) -> dict[Other, list[Numbers]]:
    """A derivative with a term of another, where they have the same shape."""
    array = backward.array(term.expr, own.indices, point)
    other = np.asarray(backward.numbers(point)[read])
    same = other.shape == np.shape(array) and other.size > 1
    return {Other("added elsewhere", read, 0.8): [other + array]} if same else {}

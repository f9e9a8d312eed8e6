"""Windows that begin at other entries: another stride, or another start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.graph import Backward
from symgrad.audit.diagnosis.slots import Other
from symgrad.audit.diagnosis.trial import Trial
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, indices_of, replaced

Numbers = np.ndarray[Any, Any]

STARTS: Mapping[str, Callable[[int], int]] = {
    "half of it": lambda k: k // 2,
    "a third of it": lambda k: k // 3,
    "twice as far": lambda k: 2 * k,
    "one further": lambda k: k + 1,
    "one before": lambda k: max(k - 1, 0),
    "at the first entry": lambda k: 0,
}
"""Where a window may begin instead, by where it begins: strides of 2 and 3 that are forgotten, or
that are there twice."""


def other_strides(backward: Backward, names: Collection[str]) -> Iterator[Trial]:
    """Equations whose windows begin elsewhere: one of them, or all."""
    order = [n for n in backward.equations if n in names]
    for several in [order, *([n] for n in order)]:
        for how, start in STARTS.items():
            changed = {
                e.name: rhs
                for e in (backward.equations[n] for n in several)
                if (rhs := _moved(e, start)) != e.rhs
            }
            if changed:
                value = backward.value_of.get(next(iter(changed)), "")
                other = Other("another start", how, 0.6)
                yield Trial.of_equations(value, "windows", changed, other)


def _moved(equation: Equation, start: Callable[[int], int]) -> sp.Expr:
    """An equation in which all places that are computed of indices are others."""
    places = {i for a in entries(equation.rhs) for i in indices_of(a)}
    places |= {e for d in equation.rhs.atoms(sp.KroneckerDelta) for e in d.args}
    plain = [p for p in places if isinstance(p, sp.Add | sp.Mul) and _is_of_indices(p)]
    rhs: sp.Expr = replaced(equation.rhs, {p: _place(p, start) for p in plain})
    return rhs


def _is_of_indices(place: sp.Expr) -> bool:
    return place.has(Index) and not entries(place)


def _place(place: sp.Expr, start: Callable[[int], int]) -> sp.Expr:
    """A place that is so many entries after an index, or a stride times one."""
    parts = []
    for part in sp.Add.make_args(place):
        count, rest = part.as_coeff_Mul()
        fixed = not rest.has(Index) or count != 1
        parts.append(sp.Integer(start(int(count))) * rest if fixed and count.is_Integer else part)
    return sp.Add(*parts)

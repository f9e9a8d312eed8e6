"""What is known of computed values by their equations: a softmax sums to 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sympy as sp

from symgrad.mathematics.algebra import canonical
from symgrad.mathematics.assumptions import Assumption, sums_to_one
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index
from symgrad.mathematics.reductions import LogSumExp


def proved(equations: Iterable[Equation]) -> dict[str, tuple[Assumption, ...]]:
    """What algebra may use of values, by their names."""
    found = {e.name: tuple(_normalised(e)) for e in equations if isinstance(e.rhs, sp.exp)}
    return {name: facts for name, facts in found.items() if facts}


def _normalised(equation: Equation) -> Iterator[Assumption]:
    """exp(x_i - log Σ_k exp(x_k)) sums to 1 over i."""
    exponent = equation.rhs.args[0]
    for total in exponent.atoms(LogSumExp):
        rest, bound = exponent + total, [limit[0] for limit in total.limits]
        if len(bound) != 1:
            continue
        for axis, index in enumerate(equation.indices):
            if isinstance(index, Index) and index.size == bound[0].size:
                along = canonical(rest.xreplace({index: bound[0]}))
                if not total.has(index) and along == canonical(total.function):
                    yield sums_to_one(axis)

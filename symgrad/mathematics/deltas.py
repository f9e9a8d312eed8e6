"""Kronecker deltas: contracted with sums, where the position is in range."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.indices import Index, replaced
from symgrad.mathematics.ranges import in_range
from symgrad.mathematics.sums import Term


def contract_deltas(term: Term) -> Term:
    """Σ_j f(j) δ(j, q) = f(q), as often as it applies."""
    while (match := next(_contractions(term), None)) is not None:
        index, value = match
        bound = tuple(k for k in term.bound if k != index)
        term = Term(term.factors, bound).map(lambda e: replaced(e, {index: value}))  # noqa: B023
    return term


def _contractions(term: Term) -> Iterator[tuple[Index, sp.Expr]]:
    for factor in term.factors:
        if isinstance(factor, Delta):
            for one, other in (factor.args, factor.args[::-1]):
                yield from _solutions(term, one, other)


def _solutions(term: Term, one: sp.Expr, other: sp.Expr) -> Iterator[tuple[Index, sp.Expr]]:
    """A bound index and its only value, where ``one = other`` has one and it is in range."""
    if one in term.bound and not other.has(one) and in_range(one, other):
        yield one, other
        return
    for index in term.bound:
        if index in other.free_symbols and other.diff(index) in (1, -1):
            value = sp.expand((one - other) * other.diff(index) + index)
            if not value.has(index) and in_range(index, value):
                yield index, value

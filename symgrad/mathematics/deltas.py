"""Kronecker deltas: contracted with sums, where the position is in range."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.indices import Index, replaced
from symgrad.mathematics.sizes import is_size, normal_form
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


def in_range(index: Index, value: sp.Expr) -> bool:
    """Whether ``value`` surely lies where ``index`` runs; an entry is promised to."""
    if isinstance(value, Index) and value.size == index.size:
        return True
    return isinstance(value, sp.Indexed) or _fits(index, value)


@functools.lru_cache(maxsize=1 << 14)
def _fits(index: Index, value: sp.Expr) -> bool:
    """Whether an affine expression over indices stays between 0 and the size of ``index``."""
    if not value.free_symbols or all(
        isinstance(s, Index) or is_size(s) for s in value.free_symbols
    ):
        low, high = bounds(value)
        room = normal_form(index.size - 1 - high)
        return bool(normal_form(low).is_nonnegative and room.is_nonnegative)
    return False


def bounds(value: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The least and the greatest value of an affine expression over indices."""
    if isinstance(value, Index):
        return sp.S.Zero, value.size - 1
    low = high = value
    for index in sorted(value.atoms(Index), key=str):
        slope = value.diff(index)
        ends = (sp.Integer(0), index.size - 1)
        low = low.xreplace({index: ends[bool(slope.is_negative)]})
        high = high.xreplace({index: ends[not slope.is_negative]})
    return low, high

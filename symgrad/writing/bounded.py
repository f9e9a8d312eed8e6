"""Sums over a δ that not every position meets, as what they leave: f(i - 1), where i is not 0."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.algebra import bound_of
from symgrad.mathematics.indices import Index, replaced
from symgrad.mathematics.piecewise import less, less_equal
from symgrad.mathematics.sizes import is_at_least_zero, with_numbers


@functools.lru_cache(maxsize=4096)
def bounded(expr: sp.Expr) -> sp.Expr:
    """Σ_n δ(i, n + 1) f(n) as f(i - 1) [1 ≤ i], wherever it stands."""
    if not expr.has(sp.Sum) or not expr.has(Delta):
        return expr
    return expr.replace(lambda e: isinstance(e, sp.Sum), _without_delta)


def _without_delta(total: sp.Sum) -> sp.Expr:
    factors = sp.Mul.make_args(total.function)
    for delta in (f for f in factors if isinstance(f, Delta)):
        for index, value, at in _solutions(bound_of(total), delta):
            conditions = [*_conditions(value, at, index.size)]
            if not conditions:  # which a step contracts
                continue
            rest = sp.Mul(*(f for f in factors if f is not delta))
            inside = replaced(rest, {index: value}) * sp.Mul(*conditions)
            limits = [k.limits for k in bound_of(total) if k != index]
            return _without_delta(sp.Sum(inside, *limits)) if limits else inside
    return total


def _solutions(bound: tuple[Index, ...], delta: sp.Expr) -> Iterator[tuple[Index, sp.Expr, Index]]:
    """A bound index, what the δ leaves for it, and the free index that this is made of."""
    for at, other in (delta.args, delta.args[::-1]):
        inside = [k for k in bound if other.has(k)]
        if not isinstance(at, Index) or at in bound or len(inside) != 1:
            continue
        (index,) = inside
        if other.diff(index) in (1, -1) and not (other - index * other.diff(index)).atoms(Index):
            yield index, sp.expand((at - other) * other.diff(index) + index), at


def _conditions(value: sp.Expr, at: Index, size: sp.Expr) -> Iterator[sp.Expr]:
    """What has to hold for a position to lie on an axis of this size."""
    slope = value.diff(at)
    start, end = (value.xreplace({at: p}) for p in (sp.S.Zero, at.size - 1))
    low, high = (start, end) if slope == 1 else (end, start)
    offset = value - slope * at
    if not is_at_least_zero(with_numbers(low)):
        yield less_equal(-offset, at) if slope == 1 else less_equal(at, offset)
    if not is_at_least_zero(with_numbers(size - 1 - high)):
        yield less(at, size - offset) if slope == 1 else less(offset - size, at)

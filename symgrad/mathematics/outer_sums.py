"""Sums over one index taken out of other sums, and the indices that a sum leaves free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp

from symgrad.mathematics.algebra import BINDERS, bound_of, freshen
from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import Size


def free_of(binder: sp.Expr) -> set[Index]:
    """The indices of a sum that it does not bind itself."""
    found: set[Index] = set()
    for node in _nodes(binder, frozenset()):
        found |= node
    return found


def _nodes(expr: sp.Expr, bound: frozenset[Index]) -> Iterator[set[Index]]:
    if isinstance(expr, Index):
        yield {expr} - bound
    elif isinstance(expr, BINDERS):
        inside = bound | set(bound_of(expr))
        for part in (expr.function, *expr.args[1 + len(expr.limits) :]):
            yield from _nodes(part, inside)
    else:
        for part in expr.args:
            yield from _nodes(part, bound)


def spread(expr: sp.Expr, size: Size) -> sp.Expr:
    """Σ_k c[k] Σ_n x[n,k] = Σ_{k,n} c[k] x[n,k]: sums over rows taken out of other sums."""
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    if not isinstance(expr, sp.Sum) or any(k.size == size for k in bound_of(expr)):
        if isinstance(expr, BINDERS):
            return expr
        return expr.func(*(spread(a, size) for a in expr.args))
    return sp.Add(*(_taken_out(t, expr.limits, size) for t in _terms(spread(expr.function, size))))


def _terms(expr: sp.Expr) -> Sequence[sp.Expr]:
    """The addends of an expression, multiplied out where sums stand in brackets."""
    if isinstance(expr, sp.Mul) and any(isinstance(f, sp.Add) and f.has(sp.Sum) for f in expr.args):
        expr = sp.expand_mul(expr)
    return list(sp.Add.make_args(expr))


def _taken_out(term: sp.Expr, limits: Sequence[sp.Expr], size: Size) -> sp.Expr:
    factors = sp.Mul.make_args(term)
    for k, factor in enumerate(factors):
        if isinstance(factor, sp.Sum) and any(i.size == size for i in bound_of(factor)):
            inner = freshen(factor)
            rest = sp.Mul(*factors[:k], inner.function, *factors[k + 1 :])
            return sp.Sum(rest, *inner.limits, *limits)
    return sp.Sum(term, *limits)

"""Sums of products: an expression as a sum of terms, and back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.algebra import bound_of, canonical
from symgrad.mathematics.indices import Index
from symgrad.mathematics.reductions import select


@dataclass(frozen=True)
class Term:
    """The sum over ``bound`` of the product of ``factors``."""

    factors: tuple[sp.Expr, ...]
    bound: tuple[Index, ...] = ()

    def __mul__(self, other: Term) -> Term:
        return Term(self.factors + other.factors, self.bound + other.bound)

    def map(self, f: Callable[[sp.Expr], sp.Expr]) -> Term:
        """``f`` applied to every factor, and products taken apart again."""
        return Term(tuple(a for e in self.factors for a in sp.Mul.make_args(f(e))), self.bound)

    @property
    def expr(self) -> sp.Expr:
        """The term as an expression: what is free of a sum stands outside of it."""
        outside, groups = _connected(self.factors, self.bound)
        used = {i for indices, _ in groups for i in indices}
        lone = [k.size for k in self.bound if k not in used]
        sums = [sp.Sum(sp.Mul(*f), *(k.limits for k in indices)) for indices, f in groups]
        return sp.Mul(*lone, *outside, *sums)


def _connected(
    factors: Iterable[sp.Expr], bound: Sequence[Index]
) -> tuple[list[sp.Expr], list[tuple[list[Index], list[sp.Expr]]]]:
    """Factors free of ``bound``; and the others, grouped so that groups share no index."""
    outside: list[sp.Expr] = []
    groups: list[tuple[list[Index], list[sp.Expr]]] = []
    for factor in factors:
        mine = [k for k in bound if k in factor.free_symbols]
        if not mine:
            outside.append(factor)
            continue
        linked = [g for g in groups if any(k in g[0] for k in mine)]
        groups = [g for g in groups if g not in linked]
        indices = [k for k in bound if k in mine or any(k in g[0] for g in linked)]
        groups.append((indices, [f for g in linked for f in g[1]] + [factor]))
    return outside, groups


@functools.lru_cache(maxsize=4096)
def has_delta(expr: sp.Expr) -> bool:
    """Whether a Kronecker delta stands where the algebra can reach it."""
    if isinstance(expr, Delta):
        return True
    if isinstance(expr, (sp.Add, sp.Mul)):
        return any(has_delta(a) for a in expr.args)
    if isinstance(expr, sp.Sum):
        return has_delta(expr.function)
    return isinstance(expr, select) and any(has_delta(a) for a in expr.args[1:])


def terms(expr: sp.Expr) -> list[Term]:
    """``expr`` as a sum of terms; sums in it are multiplied out only where a delta is inside."""
    if isinstance(expr, sp.Add):
        return [t for a in expr.args for t in terms(a)]
    if isinstance(expr, sp.Sum):
        bound = bound_of(expr)
        return [Term(t.factors, bound + t.bound) for t in _factors(expr.function)]
    return _factors(expr)


def _factors(expr: sp.Expr) -> list[Term]:
    if isinstance(expr, sp.Mul):
        products = [Term(())]
        for a in expr.args:
            products = [p * t for p in products for t in _factors(a)]
        return products
    if isinstance(expr, sp.Sum) or (isinstance(expr, sp.Add) and has_delta(expr)):
        return terms(expr)
    if isinstance(expr, select) and has_delta(expr):
        return _selected(expr)
    return [Term((expr,))]


def _selected(expr: sp.Expr) -> list[Term]:
    """select(c, x, y) = select(c, x, 0) + select(c, 0, y), deltas and sums taken outside."""
    condition, yes, no = expr.args
    zero = sp.S.Zero
    split = [(t, True) for t in terms(yes)] + [(t, False) for t in terms(no)]
    result = []
    for term, first in split:
        deltas = tuple(f for f in term.factors if isinstance(f, Delta))
        rest = sp.Mul(*(f for f in term.factors if not isinstance(f, Delta)))
        if rest != 0:
            kept = select(condition, *((rest, zero) if first else (zero, rest)))
            result.append(Term((*deltas, kept), term.bound))
    return result


def from_terms(items: Iterable[Term]) -> sp.Expr:
    """The sum of the terms, like ones merged."""
    return sp.Add(*(canonical(t.expr) for t in items))

"""Which lines of a derivation are worth showing: local derivatives, tidy sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.algebra import canonical, collect, freshen
from symgrad.mathematics.deltas import contract_deltas
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entry
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.partials import partial_derivative
from symgrad.mathematics.sums import Term, from_terms, terms


def local_derivative(
    consumer: Equation, at: Sequence[sp.Expr], value: str, inner: Sequence[sp.Expr]
) -> sp.Expr:
    """∂consumer[at] / ∂value[inner], its own sums worked out where a delta says what they are."""
    found = partial_derivative(consumer, at, entry(value, inner))
    return canonical(contracted(freshen(found)))


class Folding:
    """Values that are written by their names in other expressions, also where they are products."""

    def __init__(self, equations: Iterable[Equation]) -> None:
        found = [e for e in equations if e.backward is None and e.decimals is None]
        self.names = NamedValues(found)

    def __call__(self, expr: sp.Expr) -> sp.Expr:
        """The same with the names."""
        found = self.names.fold(expr)
        if not self.names.has_products(found):
            return found
        before = terms(freshen(found))
        after = [Term(tuple(self.names.with_products(t.factors)), t.bound) for t in before]
        return found if after == before else from_terms(after)


def by_itself(consumer: Equation, derivative: sp.Expr) -> sp.Expr:
    """A local derivative with the value itself in it: δ (1 - p²), where p is a tanh."""
    folding = Folding([consumer])
    found = folding(derivative)
    if found == derivative:  # what is free of a sum may stand in it
        flat = from_terms(terms(freshen(derivative)))
        found = folding(folding.names.with_totals(flat))
        found = derivative if found == flat else found
    return found if found == derivative else _collected(found)


def _collected(expr: sp.Expr) -> sp.Expr:
    """A sum with what all terms share in front of it."""
    return sp.Mul(*map(_apart, sp.Mul.make_args(collect(expr))))


def _apart(factor: sp.Expr) -> sp.Expr:
    """A sum with the deltas that all terms have in front of it."""
    if not factor.is_Add:
        return factor
    shared = set.intersection(
        *({f for f in sp.Mul.make_args(t) if isinstance(f, Delta)} for t in factor.args)
    )
    common = sp.Mul(*shared)
    return common * sp.Add(*(t / common for t in factor.args))


def tidy(expr: sp.Expr) -> sp.Expr:
    """The same with the sums inside worked out; the outermost stay: the chain rule's."""
    return canonical(_tidy(freshen(expr)))


def _tidy(expr: sp.Expr) -> sp.Expr:
    if isinstance(expr, (sp.Add, sp.Mul)):
        return expr.func(*map(_tidy, expr.args))
    if isinstance(expr, sp.Sum):
        return sp.Sum(contracted(expr.function), *expr.limits)
    return expr


def contracted(expr: sp.Basic) -> sp.Basic:
    """Every sum over a product with a delta in it, worked out; innermost first."""
    if not expr.args or not expr.has(sp.Sum):
        return expr
    inside = expr.func(*map(contracted, expr.args))
    if not isinstance(inside, sp.Sum) or not _has_deltas(inside.function):
        return inside
    found = [contract_deltas(term) for term in terms(inside)]
    return from_terms(found)


def _has_deltas(expr: sp.Expr) -> bool:
    """Whether every term has a delta as a factor."""
    products = (sp.Mul.make_args(term) for term in sp.Add.make_args(expr))
    return all(any(isinstance(f, Delta) for f in factors) for factors in products)

"""What of a derivation is worth showing: local derivatives, tidy lines, the way to a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.calculus.derivation import Adjoint, Derivation
from symgrad.mathematics.algebra import canonical, freshen, instance
from symgrad.mathematics.deltas import contract_deltas
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, entry, name_of
from symgrad.mathematics.steps import Step
from symgrad.mathematics.sums import from_terms, terms


def local_derivative(
    consumer: Equation, at: Sequence[sp.Expr], value: str, inner: Sequence[sp.Expr]
) -> sp.Expr:
    """∂consumer[at] / ∂value[inner], its own sums worked out where a delta says what they are."""
    partial = instance(consumer, tuple(at), consumer.differentiated).diff(entry(value, inner))
    return canonical(contracted(freshen(partial)))


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


def way_to(derivation: Derivation, value: str) -> tuple[str, ...]:
    """The values between ``value`` and the output, through which the output depends on it."""
    known = {a.value: a for a in derivation.adjoints}
    found: dict[str, None] = {value: None}
    waiting = [value]
    while waiting:
        for name in _chain(known, waiting.pop()):
            if name not in found:
                found[name] = None
                waiting.append(name)
    order = [a.value for a in derivation.adjoints]
    return tuple(name for name in order if name in found)


def _chain(known: dict[str, Adjoint], value: str) -> tuple[str, ...]:
    return known[value].chain if value in known else ()


def mentioned(derivation: Derivation, values: Sequence[str]) -> frozenset[str]:
    """The names in the equations of these values and of their derivatives."""
    return frozenset(_mentioned(derivation, values))


def _mentioned(derivation: Derivation, values: Sequence[str]) -> Iterator[str]:
    value_of = {adjoint: value for value, adjoint in derivation.adjoint_name.items()}
    value_of |= {part.equation.name: value for value, part in derivation.parts.items()}
    equations = {e.name: e for e in (*derivation.local, *derivation.system)}
    typed: dict[str, list[Step]] = {}
    for name, step in derivation.forward_steps:
        typed.setdefault(name, []).append(step)
    for value in values:
        yield value
        read = {a for e in derivation.adjoint(value).equations for a in entries(e.rhs)}
        read |= entries(equations[value].rhs) if value in equations else set()
        read |= {a for s in typed.get(value, ()) for a in entries(s.before)}
        for name in map(name_of, read):
            yield value_of.get(name, name)

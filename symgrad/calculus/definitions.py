"""What a named value stands for."""

from __future__ import annotations

import functools
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

import sympy as sp

from symgrad.mathematics.algebra import canonical, instance
from symgrad.mathematics.domains import Signs
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, indices_of, is_entry, name_of
from symgrad.mathematics.recurrences import Recurrent
from symgrad.mathematics.reductions import LogSumExp


@dataclass(frozen=True)
class Known:
    """The equations of before; the inputs whose entries are probabilities, or positive.

    ``closed``: values whose equation nobody may look up.  ``opened`` gets the names of those whose
    equation was: what a law makes of an expression with their help holds only where they are what
    their equations say.
    """

    equations: Mapping[str, Equation]
    probabilities: frozenset[str] = frozenset()
    positive: frozenset[str] = frozenset()
    closed: Container[str] = ()
    opened: set[str] = field(default_factory=set)

    def equation(self, atom: sp.Expr) -> Equation | None:
        """The equation of a named value; None for inputs, sizes, and what is held otherwise."""
        return self._named(name_of(atom)) if is_entry(atom) else None

    def _named(self, name: str) -> Equation | None:
        found = self.equations.get(name)
        if found is None or found.name in self.closed or isinstance(found.rhs, Recurrent):
            return None
        if _is_nested(found.rhs):
            return None
        return None if found.decimals is not None or found.backward is not None else found

    def is_nowhere_negative(self, expr: sp.Expr) -> bool:
        """Whether it is sure of an expression, if need be by the equations of what it reads."""
        signs = Signs(self._named, self.positive)
        signs.named |= dict.fromkeys(self.probabilities, 0)
        sure = signs.holds("≥", expr)
        if sure:
            self.opened.update(n for n in signs.named if self._named(n) is not None)
        return sure


@functools.lru_cache(maxsize=1024)
def _is_nested(rhs: sp.Expr) -> bool:
    """Whether a log-sum-exp stands in another: each turn of a loop would double what is written."""
    found = rhs.atoms(LogSumExp) if rhs.has(LogSumExp) else ()
    return any(f.function.has(LogSumExp) for f in found)


def definition(atom: sp.Expr, known: Known) -> sp.Expr | None:
    """The right-hand side of a named value at the indices of ``atom``; None for an input."""
    equation = known.equation(atom)
    if equation is None:
        return None
    known.opened.add(equation.name)
    return instance(equation, indices_of(atom))


def resolved(expr: sp.Expr, known: Known) -> sp.Expr:
    """``expr``, or what it stands for where it is the name of a value."""
    found = definition(expr, known)
    return expr if found is None else resolved(found, known)


def is_a(expr: sp.Expr, cls: type | tuple[type, ...], known: Known) -> bool:
    """Whether ``expr``, or what it stands for, is of a class: told without writing it out."""
    while (equation := known.equation(expr)) is not None:
        expr = equation.rhs
    return isinstance(expr, cls)


def factors(expr: sp.Expr, known: Known) -> list[sp.Expr]:
    """The factors of a product, names of products and exponentials written out."""
    found = []
    for factor in sp.Mul.make_args(expr):
        opens = not factor.args or isinstance(factor, sp.Indexed)
        if opens and is_a(factor, (sp.Mul, sp.exp), known):
            found += factors(resolved(factor, known), known)
        else:
            found.append(factor)
    return found


def flattened(expr: sp.Expr, known: Known) -> sp.Expr:
    """A sum, with the names of other sums in it written out."""
    if not isinstance(expr, sp.Add):
        return expr
    parts = [a.as_coeff_Mul() for a in expr.args]
    return sp.Add(*(c * (resolved(v, known) if is_a(v, sp.Add, known) else v) for c, v in parts))


def is_positive(expr: sp.Expr, known: Known) -> bool:
    """Whether this is an entry of an input that is known to be positive."""
    return is_entry(expr) and name_of(expr) in known.positive


def is_same(one: sp.Expr, other: sp.Expr) -> bool:
    """Whether two expressions are equal up to the names of bound indices."""
    return bool(one == other or canonical(one - other) == 0)


def split_scale(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The positive numbers and sizes among the factors, and the rest."""
    scale = [f for f in sp.Mul.make_args(expr) if is_scale(f)]
    return sp.Mul(*scale), sp.Mul(*(f for f in sp.Mul.make_args(expr) if f not in scale))


def is_scale(expr: sp.Expr) -> bool:
    """Whether an expression holds positive numbers and sizes alone."""
    return bool(expr.is_positive) and not entries(expr)

"""What a named value stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.algebra import canonical, instance
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, indices_of, name_of


@dataclass(frozen=True)
class Known:
    """The equations of before; the inputs whose entries are probabilities, or positive."""

    equations: Mapping[str, Equation]
    probabilities: frozenset[str] = frozenset()
    positive: frozenset[str] = frozenset()


def definition(atom: sp.Expr, known: Known) -> sp.Expr | None:
    """The right-hand side of a named value at the indices of ``atom``; None for an input."""
    is_entry = isinstance(atom, (sp.Indexed, sp.Symbol))
    equation = known.equations.get(name_of(atom)) if is_entry else None
    if equation is None or equation.decimals is not None or equation.backward is not None:
        return None
    return instance(equation, indices_of(atom))


def resolved(expr: sp.Expr, known: Known) -> sp.Expr:
    """``expr``, or what it stands for where it is the name of a value."""
    found = definition(expr, known)
    return expr if found is None else resolved(found, known)


def is_a(expr: sp.Expr, cls: type | tuple[type, ...], known: Known) -> bool:
    """Whether ``expr``, or what it stands for, is of a class: told without writing it out."""
    while isinstance(expr, (sp.Indexed, sp.Symbol)):
        equation = known.equations.get(name_of(expr))
        if equation is None or equation.decimals is not None or equation.backward is not None:
            break
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
    return isinstance(expr, (sp.Indexed, sp.Symbol)) and name_of(expr) in known.positive


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

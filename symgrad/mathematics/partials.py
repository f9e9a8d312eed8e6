"""The derivative of one equation by an entry that it reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.algebra import instance
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index
from symgrad.mathematics.named_values import NamedValues


def partial_derivative(equation: Equation, at: Sequence[sp.Expr], atom: sp.Expr) -> sp.Expr:
    """∂equation[at] / ∂atom; what is held rounded is read as the number that is held."""
    found = deltas_first(instance(equation, at, equation.differentiated).diff(atom))
    return found if equation.decimals is None else NamedValues([equation]).fold(found)


def deltas_first(expr: sp.Expr) -> sp.Expr:
    """x (δ a + δ b) = δ x (a + b): a factor that reads an entry twice stays one for its δ."""
    if isinstance(expr, sp.Sum):
        return sp.Sum(deltas_first(expr.function), *expr.limits)
    if not isinstance(expr, (sp.Add, sp.Mul)) or not expr.has(Delta):
        return expr
    args = list(map(deltas_first, expr.args))
    if isinstance(expr, sp.Add) or sum(not a.is_number for a in args) < 2:
        return expr.func(*args)
    return sp.Mul(*map(_delta_first, args))


def _delta_first(factor: sp.Expr) -> sp.Expr:
    """The deltas that are all there are in each term of a sum, times the sum without them."""
    found = [
        {f for f in sp.Mul.make_args(a) if _is_of_indices(f)} for a in sp.Add.make_args(factor)
    ]
    rest = factor.xreplace(dict.fromkeys(found[0], sp.S.One))
    alike = len(found) > 1 and all(f == found[0] for f in found)
    return sp.Mul(*found[0], rest) if alike and not rest.has(Delta) else factor


def _is_of_indices(factor: sp.Expr) -> bool:
    return isinstance(factor, Delta) and all(isinstance(i, Index) for i in factor.args)


def exact(equations: Iterable[Equation]) -> list[Equation]:
    """Those of values that are what their equations say, and not held rounded."""
    return [e for e in equations if e.decimals is None]

"""The derivative of one equation by an entry that it reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp

from symgrad.mathematics.algebra import instance
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.named_values import NamedValues


def partial_derivative(equation: Equation, at: Sequence[sp.Expr], atom: sp.Expr) -> sp.Expr:
    """∂equation[at] / ∂atom; what is held rounded is read as the number that is held."""
    found = instance(equation, at, equation.differentiated).diff(atom)
    return found if equation.decimals is None else NamedValues([equation]).fold(found)


def exact(equations: Iterable[Equation]) -> list[Equation]:
    """Those of values that are what their equations say, and not held rounded."""
    return [e for e in equations if e.decimals is None]

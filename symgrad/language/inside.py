"""How a value stands in what it is written into: linearly, as a product, with which sign."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from symgrad.mathematics.algebra import BINDERS
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, is_entry
from symgrad.mathematics.matrices import DeterminantValue


def is_root(rhs: sp.Expr) -> bool:
    """Whether a value is the square root of another one."""
    return bool(rhs.is_Pow and rhs.exp == sp.S.Half and is_entry(rhs.base))


def is_short(rhs: sp.Expr) -> bool:
    """Whether a value has no sum in it, or is the determinant of a matrix."""
    return isinstance(rhs, DeterminantValue) or not rhs.has(*BINDERS)


def with_sign(equation: Equation) -> tuple[int, Equation]:
    """A sign, and the equation without it: what gets a name is z, not -z."""
    rhs = equation.rhs
    if isinstance(rhs, sp.Sum) and rhs.function.could_extract_minus_sign():
        return -1, replace(equation, rhs=sp.Sum(-rhs.function, *rhs.limits))
    if all(a.could_extract_minus_sign() for a in sp.Add.make_args(rhs)):
        return -1, replace(equation, rhs=-rhs)
    return 1, equation


def is_product(rhs: sp.Expr) -> bool:
    """Whether an expression is a product of entries and numbers, summed or not."""
    if isinstance(rhs, sp.Sum):
        return is_product(rhs.function)
    return all(
        not e.args
        or isinstance(e, sp.Indexed)
        or (isinstance(e, sp.Sum) and is_product(e))
        or not entries(e)
        for e in sp.Mul.make_args(rhs)
    )


def linear_entries(rhs: sp.Expr) -> set[sp.Expr]:
    """The entries that stand in no function, power or reduction, nor as an index."""
    if isinstance(rhs, (sp.Add, sp.Mul)):
        return set().union(*map(linear_entries, rhs.args))
    if isinstance(rhs, sp.Sum):
        return linear_entries(rhs.function)
    return {rhs} if is_entry(rhs) else set()

"""Values that can be no numbers, whatever the inputs are: refused where the spec has them."""

from __future__ import annotations

from collections.abc import Container

import sympy as sp

from symgrad.errors import Location, SpecError
from symgrad.mathematics.indices import is_entry, name_of
from symgrad.mathematics.reductions import absolute

LARGEST, SMALLEST = 1023, -1022
"""The powers of two between which the numbers of float64 lie."""


def undefined(name: str, where: Location | None) -> SpecError:
    """The error about a value that can be no number."""
    return SpecError(
        f"{name} is undefined whatever the numbers are",
        where=where,
        hint="it divides by 0, takes the logarithm of 0, or a root of what is negative",
    )


def vanishes(expr: sp.Expr, zeros: Container[str]) -> bool:
    """Whether an expression is 0 by its form, where the values called ``zeros`` are."""
    if is_entry(expr):
        return name_of(expr) in zeros
    if isinstance(expr, sp.Mul):
        return any(vanishes(factor, zeros) for factor in expr.args)
    if isinstance(expr, sp.Add):
        return all(vanishes(term, zeros) for term in expr.args)
    if isinstance(expr, sp.Pow):
        return bool(expr.exp.is_positive) and vanishes(expr.base, zeros)
    if isinstance(expr, (sp.Sum, absolute)):
        return vanishes(expr.args[0], zeros)
    return bool(expr == 0)


def check_defined(name: str, value: sp.Expr, where: Location) -> None:
    """SpecError for a quotient by what is 0 by its shape, a root of -1, and numbers like 1e400."""
    if value.has(sp.nan, sp.zoo, sp.I):
        raise undefined(name, where)
    for number in value.atoms(sp.Rational):
        power = abs(number.p).bit_length() - number.q.bit_length()
        if number and not SMALLEST <= power <= LARGEST:
            raise SpecError(
                f"{name} has the number {sp.Float(number, 3)} in it, which no float64 is",
                where=where,
                hint="numbers from 1e-307 to 1e307 can be used: scale it",
            )

"""A determinant times the inverse is the adjugate, which singular matrices have as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import sympy as sp

from symgrad.mathematics.algebra import canonical, freshen, instance
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, indices_of, name_of
from symgrad.mathematics.matrices import (
    AdjugateEntry,
    DeterminantValue,
    InverseEntry,
    RegularInverseEntry,
)

Determinants = Mapping[str, Equation]
"""The values that are determinants, by their names."""


def beside_determinants(expr: sp.Expr, named: Determinants) -> sp.Expr:
    """``expr`` with adjugates; what is left of the inverses is of matrices that must have one.

    In the derivatives of an adjugate inverses cancel: of a matrix that is singular but for rounding
    nothing would be left that is true.
    """
    found = with_adjugates(expr, named)
    if not named or not found.has(InverseEntry):
        return found
    values = {frozenset(map(name_of, entries(_matrix(e.rhs)))) for e in named.values()}
    left = {
        inverse: inverse.elsewhere(RegularInverseEntry, *inverse.at)
        for inverse in found.atoms(InverseEntry)
        if frozenset(map(name_of, entries(inverse.function))) in values
    }
    return found.xreplace(left)


def _matrix(determinant: sp.Expr) -> sp.Expr:
    assert isinstance(determinant, DeterminantValue)
    return determinant.function


def with_adjugates(expr: sp.Expr, named: Determinants) -> sp.Expr:
    """``expr`` with the adjugate in the place of each determinant times an inverse."""
    if not expr.has(InverseEntry):
        return expr
    if isinstance(expr, sp.Mul):
        for det, factor, rest in _determinants(expr, named):
            found = _times(rest, factor, det)
            if found is not None:
                return with_adjugates(found, named)
    parts = [with_adjugates(a, named) for a in expr.args]
    return expr if parts == list(expr.args) else expr.func(*parts)


def _determinants(
    expr: sp.Expr, named: Determinants
) -> Iterator[tuple[DeterminantValue, sp.Expr, sp.Expr]]:
    """The determinants that an expression has as factors: of what, as they stand, and the rest."""
    if isinstance(expr, sp.Mul):
        for part in expr.args:
            for det, factor, rest in _determinants(part, named):
                yield det, factor, expr / part * rest
    elif isinstance(expr, sp.Add):
        for det, factor, _ in _determinants(expr.args[0], named):
            rests = [_without(a, factor, named) for a in expr.args]
            if None not in rests:
                yield det, factor, sp.Add(*rests)
    else:
        base, power = expr.as_base_exp()
        found = _determinant(base, named) if power.is_Integer and power.is_positive else None
        if found is not None:
            yield found, base, expr / base


def _without(expr: sp.Expr, factor: sp.Expr, named: Determinants) -> sp.Expr | None:
    rests = (rest for _, found, rest in _determinants(expr, named) if found == factor)
    return next(rests, None)


def _determinant(value: sp.Expr, named: Determinants) -> DeterminantValue | None:
    """The determinant that a value is, or is the name of."""
    if isinstance(value, DeterminantValue):
        return value
    if value in entries(value) and name_of(value) in named:
        return cast(DeterminantValue, instance(named[name_of(value)], indices_of(value)))
    return None


def _times(expr: sp.Expr, factor: sp.Expr, det: DeterminantValue) -> sp.Expr | None:
    """The product of an expression and a determinant; None where it has no inverse to take in."""
    if isinstance(expr, InverseEntry):
        same = canonical(expr.elsewhere(DeterminantValue)) == canonical(det)
        return expr.elsewhere(AdjugateEntry, *expr.at) if same else None
    if isinstance(expr, sp.Mul):
        pairs = ((a, _times(a, factor, det)) for a in expr.args)
        return next((expr / a * found for a, found in pairs if found is not None), None)
    if isinstance(expr, sp.Sum):
        inside = freshen(expr)
        found = _times(inside.function, factor, det)
        return None if found is None else sp.Sum(found, *inside.limits)
    if isinstance(expr, sp.Add):
        parts = [(a, _times(a, factor, det)) for a in expr.args]
        if all(found is None for _, found in parts):
            return None
        return sp.Add(*(factor * a if found is None else found for a, found in parts))
    return None

"""Derivatives of arrays as products: what has an index that nothing else has is kept apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.algebra import canonical, canonical_equation, instance
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import (
    Index,
    entries,
    entry,
    indices_of,
    name_of,
    proper_indices,
)


@dataclass(frozen=True)
class Kept:
    """``whole``: a value as a factor times its ``core``, which lacks an index of it.

    The Hessian of a net by its first layer has ``X[n,i] core[j,n,k]`` for each layer: the rows of
    the core are as many times fewer as X has columns.
    """

    whole: Equation
    core: Equation


def in_cores(
    equations: Iterable[Equation],
    linear: Collection[str],
    outer: int,
    taken: Collection[str],
) -> tuple[list[Equation], dict[str, Kept]]:
    """The equations with the cores of values in place of these; and by their names what they are.

    ``linear``: what others read as a factor of products alone, so that its own factors can be
    taken out; ``outer``: how many of its first indices are those of the output; ``taken``: names
    that are no names of cores.
    """
    kept: dict[str, Kept] = {}
    names, found = {*taken}, []
    for equation in equations:
        equation = _read_as_products(equation, kept)
        parts = _apart(equation, outer) if equation.name in linear else None
        if parts is None:
            found.append(equation)
            continue
        name = _free(f"{equation.name.rstrip('_')}_core", names)
        kept[equation.name] = _kept(name, equation, *parts)
        found.append(kept[equation.name].core)
    return found, kept


def _free(name: str, names: set[str]) -> str:
    while name in names:
        name += "_"
    names.add(name)
    return name


def _read_as_products(equation: Equation, kept: Mapping[str, Kept]) -> Equation:
    """The equation with products in place of what is kept as such."""
    inside = [a for a in entries(equation.rhs) if name_of(a) in kept]
    if not inside:
        return equation
    at = {a: instance(kept[name_of(a)].whole, indices_of(a)) for a in inside}
    rhs = canonical(equation.rhs.xreplace(at))
    return Equation(equation.name, equation.indices, rhs, where=equation.where)


def _kept(name: str, equation: Equation, factor: sp.Expr, core: sp.Expr) -> Kept:
    indices = tuple(i for i in equation.indices if i in core.free_symbols)
    whole = Equation(equation.name, equation.indices, factor * entry(name, indices))
    return Kept(whole, canonical_equation(Equation(name, indices, core)))


def _apart(equation: Equation, outer: int) -> tuple[sp.Expr, sp.Expr] | None:
    """A factor and what is left, of which each has an index that the other has not.

    Of several the one of the fewest indices: the others hold what the next sum runs over.
    """
    inner = {*proper_indices(equation.indices[outer:])}
    found = [_split(equation.rhs, i) for i in proper_indices(equation.indices[:outer])]
    pairs = [(f, c) for f, c in found if inner & c.free_symbols and not c.is_number]
    own = [(f, c) for f, c in pairs if inner & c.free_symbols > inner & f.free_symbols]
    return min(own, key=lambda pair: len(pair[0].atoms(Index)), default=None)


def _split(expr: sp.Expr, index: Index) -> tuple[sp.Expr, sp.Expr]:
    """An expression as a factor that depends on an index, and one that does not."""
    if index not in expr.free_symbols:
        return sp.S.One, expr
    if isinstance(expr, (sp.Mul, sp.Add)):
        factors, rests = zip(*(_split(a, index) for a in expr.args), strict=True)
        if isinstance(expr, sp.Mul):
            return sp.Mul(*factors), sp.Mul(*rests)
        return (factors[0], sp.Add(*rests)) if len({*factors}) == 1 else (expr, sp.S.One)
    if isinstance(expr, sp.Sum):
        factor, rest = _split(expr.function, index)
        bound = {limit[0] for limit in expr.limits}
        if bound.isdisjoint(factor.free_symbols):
            return factor, sp.Sum(rest, *expr.limits)
    return expr, sp.S.One

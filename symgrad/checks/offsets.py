"""Numbers in positions, as 768 in ``i + 768``: they shrink with the size that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index, entries, indices_of
from symgrad.mathematics.ranges import labels_in
from symgrad.mathematics.sizes import as_size

SMALL = 32
"""Smaller numbers in positions stay as they are."""

NEAR = 4
"""So far may a number be from a multiple of the unit: the last of the first part is 767."""

TIMES = 64
"""So many times the unit at most."""


@dataclass(frozen=True)
class Unit:
    """The number of which all large numbers in positions are multiples, or nearly so."""

    number: int

    @property
    def size(self) -> sp.Symbol:
        """The fixed size that it is."""
        return as_size(self.number)

    def fits(self, number: int) -> bool:
        """Whether a number is small, or near a multiple."""
        times, rest = self._parts(number)
        return abs(number) < SMALL or (abs(rest) <= NEAR and times <= TIMES)

    def _parts(self, number: int) -> tuple[int, int]:
        times = round(number / self.number)
        return times, number - times * self.number

    def written(self, expr: sp.Expr) -> sp.Expr:
        """A polynomial over sizes, its constant term in terms of the unit where it is large."""
        constant, rest = expr.as_coeff_Add()
        if not constant.is_Integer or abs(constant) < SMALL or not self.fits(int(constant)):
            return expr
        times, more = self._parts(int(constant))
        return rest + times * self.size + more

    def numbers(self, length: int) -> dict[sp.Expr, int]:
        """What stands for each large number where the unit has another length."""
        multiples = (t for t in range(-TIMES, TIMES + 1) if t)
        return {
            sp.Integer(times * self.number + more): times * length + more
            for times in multiples
            for more in range(-NEAR, NEAR + 1)
        }


def unit_of(variables: Iterable[Variable], equations: Iterable[Equation]) -> Unit | None:
    """The unit of the numbers in positions; None where these are small, or have none in common."""
    promised = {n for v in variables for b in v.bounds for n in (b.low, b.stop)}
    if any(map(_large, promised)):
        return None
    found: set[int] = set()
    for position in {p for e in equations for p in _positions(e)}:
        constant, rest = position.as_coeff_Add()
        if any(_large(rest)) or (any(_large(constant)) and not _is_affine(position)):
            return None
        found.update(map(abs, _large(constant)))
    unit = Unit(min(found, default=0))
    return unit if found and all(map(unit.fits, found)) else None


def _large(expr: sp.Expr) -> list[int]:
    """The numbers in an expression that are not small."""
    return [int(n) for n in expr.atoms(sp.Integer) if abs(n) >= SMALL]


def _is_affine(position: sp.Expr) -> bool:
    return not labels_in(position) and not position.has(sp.Mod, sp.floor)


def _positions(equation: Equation) -> Iterator[sp.Expr]:
    """The positions in an equation, and the sizes of its indices."""
    for side in filter(None, (equation.rhs, equation.backward)):
        yield from (p for atom in entries(side) for p in indices_of(atom))
        yield from (p for delta in side.atoms(sp.KroneckerDelta) for p in delta.args[:2])
        yield from (i.size for i in side.atoms(Index))

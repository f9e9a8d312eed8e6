"""Numbers in positions, as 768 in ``i + 768``: they shrink with the sizes that they are made of."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import sympy as sp

from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index, entries, indices_of
from symgrad.mathematics.ranges import labels_in
from symgrad.mathematics.sizes import as_size

SMALL = 32
"""Smaller numbers in positions stay as they are."""

NEAR = 2
"""So far may a number be from one that units make up: the last of the first part is 767."""

MOST = 5
"""More units than this are not found."""

TIMES = 64
"""So many times a unit at most, where there is one."""

Parts = tuple[dict[int, int], int]
"""How often each unit is in a number, and what is left."""


class Units:
    """Numbers of which all large numbers in positions are multiples, sums or differences."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers
        self.parts: dict[int, dict[int, int]] = {}
        for times in self._combinations():
            number = sum(n * unit for unit, n in times.items())
            self.parts.setdefault(number, times)

    def _combinations(self) -> Iterator[dict[int, int]]:
        """How often each unit may be in a number, the simplest first."""
        most = TIMES if len(self.numbers) == 1 else 2
        signed = [n for k in range(1, most + 1) for n in (k, -k)]
        yield from ({unit: n} for n in signed for unit in self.numbers)
        for one, other in itertools.combinations(self.numbers, 2):
            yield from ({one: n, other: m} for n in (1, -1) for m in (1, -1))

    @property
    def sizes(self) -> list[sp.Symbol]:
        """The fixed sizes that they are."""
        return list(map(as_size, self.numbers))

    def of(self, number: int) -> Parts | None:
        """What makes up a number; None where it is small, or not made of the units."""
        near = (rest for k in range(NEAR + 1) for rest in (k, -k) if number - rest in self.parts)
        rest = next(near, None) if abs(number) >= SMALL else None
        return None if rest is None else (self.parts[number - rest], rest)

    def fits(self, number: int) -> bool:
        """Whether a number is small, or made of the units."""
        return abs(number) < SMALL or self.of(number) is not None

    def written(self, expr: sp.Expr) -> sp.Expr:
        """A polynomial over sizes, its constant term in terms of the units where it is large."""
        constant, others = expr.as_coeff_Add()
        found = self.of(int(constant)) if constant.is_Integer else None
        if found is None:
            return expr
        times, rest = found
        return sp.Add(others, rest, *(n * as_size(unit) for unit, n in times.items()))

    def lengths(self, sizes: Mapping[sp.Expr, int]) -> dict[sp.Expr, int]:
        """What stands for each large number where the units have other lengths."""
        near = {number + k for number in self.parts for k in range(-NEAR, NEAR + 1)}
        found = {number: parts for number in near if (parts := self.of(number)) is not None}
        return {
            sp.Integer(number): rest + sum(n * sizes[as_size(u)] for u, n in times.items())
            for number, (times, rest) in found.items()
        }


def units_of(variables: Iterable[Variable], equations: Iterable[Equation]) -> Units | None:
    """What numbers in positions are made of; None where they are small, or there are too many."""
    promised = {n for v in variables for b in v.bounds for n in (b.low, b.stop)}
    if any(map(_large, promised)):
        return None
    found: set[int] = set()
    for position in {p for e in equations for p in _positions(e)}:
        constant, rest = position.as_coeff_Add()
        if any(_large(rest)) or (any(_large(constant)) and not _is_affine(position)):
            return None
        found.update(map(abs, _large(constant)))
    return _made_of(sorted(found)) if found else None


def _made_of(numbers: Sequence[int]) -> Units | None:
    units = Units(numbers[0])
    for number in numbers:
        if not units.fits(number):
            units = Units(*units.numbers, number)
    fit = len(units.numbers) <= MOST and all(map(units.fits, numbers))
    return units if fit else None


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

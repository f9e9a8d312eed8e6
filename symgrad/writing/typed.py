"""Numbers as the spec has them typed: decimals that stay decimals, roots that stay whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from symgrad.mathematics.equations import System
from symgrad.mathematics.known import Constant, Known
from symgrad.mathematics.multiples import Multiple, in_lowest_terms
from symgrad.mathematics.sizes import fixed, is_decimal
from symgrad.writing.parts import recognised


@dataclass(frozen=True)
class Typed:
    """The ``numbers`` in the equations of a system, if any, and the ``sizes`` of its arrays.

    1/50 is 0.02 where the spec has 0.02, or 0.01; it stays 1/50 where that is 1 over a size.
    """

    numbers: frozenset[sp.Rational] = frozenset()
    sizes: frozenset[int] = frozenset()

    @classmethod
    def of(cls, system: System) -> Typed:
        """Those of a system."""
        numbers = (abs(n) for e in system.equations for n in e.rhs.atoms(sp.Rational))
        sizes = (fixed(s) for shape in system.shapes.values() for s in shape)
        return cls(frozenset(numbers), frozenset(s for s in sizes if s is not None))

    def as_decimal(self, number: sp.Rational) -> str | None:
        """0.02 for 1/50, where that is how people write it here."""
        if number in self._over_sizes or number not in self._decimals:
            return None
        return f"{float(number):g}"

    @cached_property
    def _decimals(self) -> frozenset[sp.Rational]:
        """Decimals that are typed, and their small multiples."""
        typed = [n for n in self.numbers if is_decimal(n) and n.q > 1]
        multiples = (k * n for n in typed for k in range(1, MULTIPLES))
        return frozenset(m for m in multiples if m.q == FIFTH or _is_short(m))

    @cached_property
    def _over_sizes(self) -> frozenset[sp.Rational]:
        return frozenset(sp.Rational(k, s) for s in self.sizes for k in range(1, MULTIPLES))

    def as_written(self, found: Known | Multiple) -> Known | Multiple:
        """2√6 for √24, 2 log 2 for log 4, where nobody typed the one that is one sign."""
        if not self.numbers or not isinstance(found, Known) or found.function:
            return found
        if found.constant in self._constants:
            return found
        return in_lowest_terms(found.constant) or found

    @cached_property
    def _constants(self) -> frozenset[Constant]:
        known = map(recognised, self.numbers)
        return frozenset(k.constant for k in known if k is not None)


MULTIPLES = 7
"""The derivative of a power has small multiples of the numbers in front of it."""


def _is_short(number: sp.Rational) -> bool:
    """Whether a fraction with the numerator 1 is a decimal of one digit, or 25: 1/50, 1/40."""
    digits = f"{float(number):e}".partition("e")[0].replace(".", "").strip("0")
    short = len(digits) == 1 or (digits == "25" and number.q < HUNDRED)
    return bool(number.p == 1 and number.q > QUARTER and is_decimal(number) and short)


FIFTH = 5
"""0.4, 1.2 and 3.2 are not written as fifths."""

QUARTER, HUNDRED = 4, 100
"""A half and a quarter are written as fractions, and 1/400, but not 1/40."""

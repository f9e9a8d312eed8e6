"""Where entries stand along an axis: the largest, the smallest, and all of them in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.reductions import Reduction


class Standing(Reduction):
    """A position along the axis of one index, worked out of all entries along it.

    ``InOrder(x[n, j], (j, 0, d - 1), i)``: where the i-th smallest entry of x[n, :] stands.  It is
    constant wherever no two entries are equal, and has no other derivative.
    """

    is_integer = True
    is_nonnegative = True

    def __new__(cls, body: sp.Expr, limit: Any, *at: sp.Expr) -> Standing:
        self: Standing = sp.Expr.__new__(cls, body, sp.Tuple(*limit), *map(sp.sympify, at))
        return self

    @property
    def limits(self) -> tuple[sp.Tuple]:
        """The limits of the index that runs."""
        limit: sp.Tuple = self.args[1]
        return (limit,)

    @property
    def at(self) -> tuple[sp.Expr, ...]:
        """Which of the positions, where there is one for each entry."""
        return tuple(self.args[2:])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        """The symbols of the body but for the index that runs, and those of ``at``."""
        return set(super().free_symbols).union(*(i.free_symbols for i in self.at))

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        return sp.S.Zero


class InOrder(Standing):
    """Where the smallest entry stands, then the next one, …; of equal ones the first is first."""


class OfLargest(Standing):
    """Where the largest entry stands; the first of equal ones."""


class OfSmallest(Standing):
    """Where the smallest entry stands; the first of equal ones."""


STANDINGS: dict[type[sp.Expr], str] = {
    InOrder: "argsort",
    OfLargest: "argmax",
    OfSmallest: "argmin",
}
"""What NumPy, and a program, call each."""


def standing(cls: type[Standing], body: sp.Expr, along: Index, at: Sequence[sp.Expr]) -> Standing:
    """``cls`` of the entries ``body`` along an index."""
    return cls(body, along.limits, *at)

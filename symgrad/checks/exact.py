"""Exact values at an example point, and what numbers that are stated for it are worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symgrad.calculus.derivation import Derivation
from symgrad.checks.check import Expected, stated
from symgrad.checks.numbers import Digits, Exact, exact_number, simplest
from symgrad.checks.points import example_point, values_where_possible
from symgrad.errors import SymgradError

MANY_ENTRIES = 300
"""Larger arrays are given in decimals only."""

DIGITS = 40


@dataclass(frozen=True)
class ExactValues:
    """Values and adjoints at one point: as SymPy numbers where that is possible, and to 40 digits.

    ``exact`` lacks what would be too large to read, or has no simple form; ``decimals`` lacks
    what is not a real number there.
    """

    exact: dict[str, np.ndarray]
    decimals: dict[str, np.ndarray]


def exact_values(derivation: Derivation, example: Mapping[str, Any]) -> ExactValues:
    """Every value and adjoint at the example point; a rounded value is held rounded."""
    exact, decimals = Exact(), Digits(DIGITS)
    at = {field: example_point(derivation, example, field) for field in (exact, decimals)}
    return ExactValues(
        values_where_possible(derivation, at[exact], exact, MANY_ENTRIES),
        values_where_possible(derivation, at[decimals], decimals),
    )


# -- comparison -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """How stated numbers compare with the true ones.

    ``proved``: they are equal, exactly.  Otherwise ``error`` is the largest difference, and
    ``true`` has the true numbers (exact where they are known so), as the spec shows them.
    """

    key: str
    proved: bool
    error: float
    true: np.ndarray

    def __str__(self) -> str:
        if self.proved:
            return "exactly right"
        return "right to 30 digits" if self.error < 1e-30 else f"off by up to {self.error:.3g}"


def comparisons(
    values: ExactValues, given: Iterable[Expected], adjoint_name: Mapping[str, str]
) -> tuple[Comparison, ...]:
    """Each array of stated numbers compared with the true one, by exact arithmetic."""
    return tuple(_comparison(values, numbers, adjoint_name) for numbers in given)


def _comparison(
    values: ExactValues, given: Expected, adjoint_name: Mapping[str, str]
) -> Comparison:
    known = {**values.decimals, **values.exact}
    true = stated(given, known, adjoint_name)
    if true.shape != given.numbers.shape:
        raise SymgradError(
            f"the numbers of {given.key} have the shape {given.numbers.shape}, not {true.shape}"
        )
    pairs = zip(true.flat, np.asarray(given.numbers).flat, strict=True)
    differences = [_apart(number, stated_number) for number, stated_number in pairs]
    proved = all(isinstance(d, sp.Expr) and d == 0 for d in differences)
    error = max((abs(decimal(d)) for d in differences), default=0.0)
    return Comparison(given.key, proved, error, true)


def _apart(number: Any, stated_number: Any) -> Any:
    """Exact where the true number is; zero only if it is proved to be."""
    plain = exact_number(stated_number)
    if isinstance(number, sp.Expr):
        return simplest(number - plain)
    return number - mpmath.mpf(plain.p) / plain.q


def decimal(number: Any) -> float:
    """A number of any kind as a float."""
    return float(number.evalf(20)) if isinstance(number, sp.Expr) else float(number)

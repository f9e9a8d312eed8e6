"""The numbers that a spec states, against those that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.exact import ExactValues
from symgrad.checks.numbers import Floats, exact_number, simplest
from symgrad.checks.points import Arrays, values_at
from symgrad.errors import SymgradError
from symgrad.mathematics.expected import Expected

_ROUNDING = 1e-9
"""A difference that is less, beside the largest number, looks like one of rounding."""


def expected_numbers(
    values: Arrays,
    expected: Iterable[Expected],
    adjoint_name: Mapping[str, str],
    tolerance: float = 0.0,
) -> tuple[Check, ...]:
    """The numbers that a spec expects: bit for bit, or within ``tolerance``."""
    return tuple(_number_check(e, e.among(values, adjoint_name), tolerance) for e in expected)


def _number_check(expected: Expected, found: np.ndarray, tolerance: float) -> Check:
    what = "expected numbers" + (f" within {tolerance:g}" if tolerance else ", exactly")
    wanted = np.asarray(expected.numbers)
    if found.shape != wanted.shape:
        detail = f"has the shape {found.shape}, expected {wanted.shape}"
        return Check(expected.key, what, False, None, detail)
    with np.errstate(invalid="ignore"):
        apart = np.where(found == wanted, 0.0, np.abs(found - wanted))
    largest = float(apart.max(initial=0.0))
    if largest <= tolerance:
        return Check(expected.key, what, True, largest)
    detail = f"is {found.tolist()}, expected {wanted.tolist()}; largest difference {largest:g}"
    size = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
    if not tolerance and largest < _ROUNDING * size:
        detail += ": state all digits, or state expected_tolerance"
    return Check(expected.key, what, False, largest, detail)


def example_values(
    derivation: Derivation, example: Arrays, dtype: Any = np.float64
) -> dict[str, np.ndarray]:
    """Every value and adjoint at an example point in floats, as they are held.

    What is not a number there (an adjoint that the code does not compute) is left out.
    """
    return values_at(derivation, example, Floats(dtype))


# -- by exact arithmetic --------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """How stated numbers compare with the true ones.

    ``proved``: they are equal, exactly.  Otherwise ``error`` is the largest difference, and
    ``true`` has the true numbers (exact where they are known so), as the spec shows them;
    ``decimals``: how many decimals are stated, -1 where they are too many to be rounded.
    """

    key: str
    proved: bool
    error: float
    true: np.ndarray
    decimals: int = -1

    def __str__(self) -> str:
        if self.proved:
            return "exactly right"
        off = "right to 30 digits" if self.error < 1e-30 else f"off by up to {self.error:.3g}"
        if self.decimals < 0 or self.error > 0.5 * 10.0**-self.decimals * (1 + _ROUNDING):
            return off
        places = f"{self.decimals} decimal{'s' if self.decimals != 1 else ''}"
        return f"{off}, within rounding to {places if self.decimals else 'whole numbers'}"


def comparisons(
    values: ExactValues, given: Iterable[Expected], adjoint_name: Mapping[str, str]
) -> tuple[Comparison, ...]:
    """Each array of stated numbers compared with the true one, by exact arithmetic."""
    return tuple(_comparison(values, numbers, adjoint_name) for numbers in given)


def _comparison(
    values: ExactValues, given: Expected, adjoint_name: Mapping[str, str]
) -> Comparison:
    known = {**values.decimals, **values.exact}
    true = given.among(known, adjoint_name)
    if true.shape != given.numbers.shape:
        raise SymgradError(
            f"the numbers of {given.key} have the shape {given.numbers.shape}, not {true.shape}"
        )
    pairs = zip(true.flat, np.asarray(given.numbers).flat, strict=True)
    differences = [_apart(number, stated_number) for number, stated_number in pairs]
    proved = all(isinstance(d, sp.Expr) and d == 0 for d in differences)
    error = max((abs(decimal(d)) for d in differences), default=0.0)
    return Comparison(given.key, proved, error, true, _stated_decimals(given))


_MOST_DECIMALS = 6


def _stated_decimals(given: Expected) -> int:
    """To how many decimals all stated numbers are given."""
    numbers = np.asarray(given.numbers, dtype=float)
    places = range(_MOST_DECIMALS + 1)
    return next((d for d in places if np.array_equal(np.round(numbers, d), numbers)), -1)


def _apart(number: Any, stated_number: Any) -> Any:
    """Exact where the true number is; zero only if it is proved to be."""
    plain = exact_number(stated_number)
    if isinstance(number, (sp.Expr, int, np.integer)):
        return simplest(exact_number(number) - plain)
    return number - mpmath.mpf(plain.p) / plain.q


def decimal(number: Any) -> float:
    """A number of any kind as a float."""
    return float(number.evalf(20)) if isinstance(number, sp.Expr) else float(number)

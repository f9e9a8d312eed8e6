"""Exact values at an example point, and what numbers that are stated for it are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.calculus import Derivation, forward_and_adjoints
from symgrad.checks.numbers import Digits, Exact, Floats
from symgrad.checks.points import example_point, multiplications, values_at

MANY_ENTRIES = 300
"""Larger arrays are given in decimals only."""

MANY_TERMS = 200_000
"""From so many multiplications on, the decimals are those of long floats, and nothing is exact."""

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
    start = example_point(derivation, example, Floats(np.longdouble))
    made = derivation.preparation
    equations = [*(made.equations if made else ()), *forward_and_adjoints(derivation)]
    if multiplications(equations, start.sizes) > MANY_TERMS:
        return ExactValues({}, _in_floats(derivation, example))
    return ExactValues(
        values_at(derivation, example, Exact(), MANY_ENTRIES),
        values_at(derivation, example, Digits(DIGITS)),
    )


def _in_floats(derivation: Derivation, example: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The values from long floats; those of few entries as they are printed."""
    found = values_at(derivation, example, Floats(np.longdouble))
    digits = Digits(DIGITS)
    with digits.precision():
        return {n: digits.array(x) if x.size <= MANY_ENTRIES else x for n, x in found.items()}

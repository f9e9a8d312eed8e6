"""Exact values at an example point, and what numbers that are stated for it are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.calculus import Derivation
from symgrad.checks.numbers import Digits, Exact
from symgrad.checks.points import values_at

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
    return ExactValues(
        values_at(derivation, example, Exact(), MANY_ENTRIES),
        values_at(derivation, example, Digits(DIGITS)),
    )

"""Floats whose functions are held against mpmath's: what a function's text says is not trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from symgrad.checks.numbers import Digits, Floats, Numbers
from symgrad.errors import SymgradError
from symgrad.mathematics.matrices import MatrixLeaf
from symgrad.mathematics.reductions import Leaf, ReductionLeaf

DIGITS = 25

SPOTS = 64
"""How many numbers of an array are worth many digits, where the array is large."""

CORNER = 4
"""How many rows and columns of a matrix, and how many rows of a reduction, are."""

ROUNDING = 1e-9
"""What rounding may make of a function's numbers, relative to the largest."""


class SpotChecked(Floats):
    """Floats whose functions are compared with mpmath's at a few of their arguments.

    A function whose text computes something else has no values, so that no module with the same
    text agrees.
    """

    def __init__(self, dtype: Any = np.float64, *, gaps: bool = False) -> None:
        super().__init__(dtype, gaps=gaps)
        self._digits = Digits(DIGITS)

    def apply(self, leaf: Leaf, arguments: list[Numbers]) -> Numbers:
        some: list[Numbers] = [_spots(a) for a in np.broadcast_arrays(*arguments)]
        true = self._true(lambda digits: digits.apply(leaf, [digits.array(s) for s in some]))
        _require(true, super().apply(leaf, some), leaf.cls)
        return super().apply(leaf, arguments)

    def reduce(self, leaf: ReductionLeaf, values: np.ndarray) -> Numbers:
        some = as_floats(values.reshape(-1, values.shape[-1])[:CORNER, :SPOTS])
        true = self._true(lambda digits: digits.reduce(leaf, digits.array(some)))
        _require(true, super().reduce(leaf, some), leaf.cls)
        return super().reduce(leaf, values)

    def matrix(self, leaf: MatrixLeaf, values: np.ndarray) -> np.ndarray:
        some = as_floats(values.reshape(-1, *values.shape[-2:])[:1, :CORNER, :CORNER])
        true = self._true(lambda digits: digits.matrix(leaf, digits.array(some)))
        _require(true, super().matrix(leaf, some), leaf.cls)
        return super().matrix(leaf, values)

    def _true(self, function: Callable[[Digits], Numbers]) -> np.ndarray:
        with self._digits.precision():
            return as_floats(function(self._digits))


def as_floats(values: Numbers) -> np.ndarray:
    """Numbers of any kind as NumPy's."""
    return np.asarray(values).astype(np.float64)


def _require(true: np.ndarray, found: Numbers, cls: type[sp.Expr]) -> None:
    """An error where finite numbers differ by more than rounding makes of them."""
    both = np.isfinite(true) & np.isfinite(found)
    if both.any():
        apart, largest = np.abs(true - found)[both].max(), np.abs(true[both]).max()
        if apart > ROUNDING * largest:
            raise SymgradError(f"{cls.__name__} computes something else in floats")


def _spots(values: np.ndarray) -> np.ndarray:
    """Some of the numbers, evenly spread."""
    flat = np.ravel(values)
    return as_floats(flat[:: max(1, flat.size // SPOTS)])

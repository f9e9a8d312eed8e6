"""What generated code is judged by: many digits, and floats that trust no function's text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import sympy as sp

from symgrad.checks.numbers import Digits, Field, Floats, Numbers
from symgrad.checks.points import Arrays, evaluated_where_possible, multiplications
from symgrad.checks.sampling import Point
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.matrices import MatrixLeaf
from symgrad.mathematics.reductions import Leaf, ReductionLeaf

DIGITS = 25

FEW_TERMS = 10_000
"""Up to so many multiplications in one forward pass, many digits take some hundredths of a
second: one of them takes about a microsecond."""

SPOTS = 64
"""How many numbers of an array are worth many digits, where the array is large."""

CORNER = 4
"""How many rows and columns of a matrix, and how many rows of a reduction, are."""

ROUNDING = 1e-9
"""What rounding may make of a function's numbers, relative to the largest."""


def truths(equations: Sequence[Equation], start: Point) -> Iterator[Arrays]:
    """The values at a point as floats: first from many digits, unless they take too long.

    Then from floats, which round as generated code does where much is lost in a difference.
    """
    if multiplications(equations, start.sizes) <= FEW_TERMS:
        yield _values(equations, start, Digits(DIGITS))
    yield _values(equations, start, SpotChecked())


def _values(equations: Sequence[Equation], start: Point, field: Field) -> Arrays:
    with field.precision():
        env = {n: field.array(x) if x.dtype.kind == "f" else x for n, x in start.env.items()}
        found = evaluated_where_possible(equations, Point(start.sizes, env), field)
        return {e.name: _floats(found[e.name]) for e in equations if e.name in found}


def _floats(values: Numbers) -> np.ndarray:
    return np.asarray(values).astype(np.float64)


class SpotChecked(Floats):
    """Floats whose functions are compared with mpmath's at a few of their arguments.

    A function whose text computes something else has no values, so that no module with the same
    text agrees.
    """

    def __init__(self) -> None:
        super().__init__()
        self._digits = Digits(DIGITS)

    def apply(self, leaf: Leaf, arguments: list[Numbers]) -> Numbers:
        some: list[Numbers] = [_spots(a) for a in np.broadcast_arrays(*arguments)]
        true = self._true(lambda digits: digits.apply(leaf, [digits.array(s) for s in some]))
        _require(true, super().apply(leaf, some), leaf.cls)
        return super().apply(leaf, arguments)

    def reduce(self, leaf: ReductionLeaf, values: np.ndarray) -> Numbers:
        some = values.reshape(-1, values.shape[-1])[:CORNER, :SPOTS]
        true = self._true(lambda digits: digits.reduce(leaf, digits.array(some)))
        _require(true, super().reduce(leaf, some), leaf.cls)
        return super().reduce(leaf, values)

    def matrix(self, leaf: MatrixLeaf, values: np.ndarray) -> np.ndarray:
        some = values.reshape(-1, *values.shape[-2:])[:1, :CORNER, :CORNER]
        true = self._true(lambda digits: digits.matrix(leaf, digits.array(some)))
        _require(true, super().matrix(leaf, some), leaf.cls)
        return super().matrix(leaf, values)

    def _true(self, function: Callable[[Digits], Numbers]) -> np.ndarray:
        with self._digits.precision():
            return _floats(function(self._digits))


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
    return flat[:: max(1, flat.size // SPOTS)]

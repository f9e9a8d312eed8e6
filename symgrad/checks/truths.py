"""What generated code is judged by: many digits, and floats that trust no function's text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.checks.numbers import Digits, Floats, Numbers
from symgrad.checks.points import Arrays, evaluated_where_possible, multiplications
from symgrad.checks.sampling import Point
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
        yield _by_digits(equations, start)
    yield evaluated_where_possible(equations, start, SpotChecked())


def _by_digits(equations: Sequence[Equation], start: Point) -> Arrays:
    field = Digits(DIGITS)
    with field.precision():
        env = {n: field.array(x) if x.dtype.kind == "f" else x for n, x in start.env.items()}
        found = evaluated_where_possible(equations, Point(start.sizes, env), field)
        return {e.name: _floats(found[e.name]) for e in equations if e.name in found}


def _floats(values: Numbers) -> np.ndarray:
    return np.asarray(values).astype(np.float64)


class SpotChecked(Floats):
    """Floats whose functions are compared with mpmath's at a few of their arguments.

    Where a function's text computes something else, all of its numbers are off by as much, so
    that no module with the same text agrees.
    """

    def __init__(self) -> None:
        super().__init__()
        self._digits = Digits(DIGITS)

    def apply(self, leaf: Leaf, arguments: list[Numbers]) -> Numbers:
        spots: list[Numbers] = [_spots(a) for a in np.broadcast_arrays(*arguments)]
        off = self._off(
            super().apply(leaf, spots),
            lambda field: field.apply(leaf, [field.array(spot) for spot in spots]),
        )
        return super().apply(leaf, arguments) + off

    def reduce(self, leaf: ReductionLeaf, values: np.ndarray) -> Numbers:
        some = values.reshape(-1, values.shape[-1])[:CORNER, :SPOTS]
        off = self._off(
            super().reduce(leaf, some), lambda field: field.reduce(leaf, field.array(some))
        )
        return super().reduce(leaf, values) + off

    def matrix(self, leaf: MatrixLeaf, values: np.ndarray) -> np.ndarray:
        some = values.reshape(-1, *values.shape[-2:])[:1, :CORNER, :CORNER]
        off = self._off(
            super().matrix(leaf, some), lambda field: field.matrix(leaf, field.array(some))
        )
        return np.asarray(super().matrix(leaf, values) + off)

    def _off(self, mine: Numbers, true: Callable[[Digits], Numbers]) -> Any:
        """The largest difference from the true numbers; 0 where it may be rounding."""
        with self._digits.precision():
            right = _floats(true(self._digits))
        both = np.isfinite(right) & np.isfinite(mine)
        apart = (right - mine)[both]
        if not apart.size:
            return 0.0
        worst = apart[np.argmax(np.abs(apart))]
        return worst if abs(worst) > ROUNDING * np.abs(right[both]).max() else 0.0


def _spots(values: np.ndarray) -> np.ndarray:
    """Some of the numbers, evenly spread."""
    flat = np.ravel(values)
    return flat[:: max(1, flat.size // SPOTS)]

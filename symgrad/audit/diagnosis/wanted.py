"""The numbers that a program gave, which an explanation has to give too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symgrad.audit.compare import NOISE, numbers, ways
from symgrad.audit.reference import Truth

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Handed:
    """What a program hands out at points.

    ``got``: at each point, by the value that it is the gradient by; ``wrong`` and ``right``: these
    values, in the order in which the program makes their gradients.
    """

    truths: Sequence[Truth]
    got: Sequence[Mapping[str, Any]]
    wrong: Sequence[str]
    right: Sequence[str]
    tolerance: float


@dataclass(frozen=True)
class Wanted:
    """What a program handed out at points, by the value that it is the gradient by."""

    first: str
    """The first value that is wrong."""
    wrong: tuple[str, ...]
    right: tuple[str, ...]
    got: Sequence[Mapping[str, Any]]
    truths: Sequence[Truth]
    adjoint: Mapping[str, str]
    """What the derivative by each value is called."""
    tolerance: float

    @classmethod
    def of(cls, handed: Handed, first: str, adjoint: Mapping[str, str]) -> Wanted:
        """What an explanation of the first wrong value has to give."""
        rest, right = tuple(n for n in handed.wrong if n != first), tuple(handed.right)
        return cls(first, rest, right, handed.got, handed.truths, adjoint, handed.tolerance)

    @cached_property
    def points(self) -> list[int]:
        """The points, those first at which the first value is wrong."""
        return sorted(range(len(self.truths)), key=lambda k: not self._is_off(k))

    def _is_off(self, point: int) -> bool:
        ought = self.truths[point].gradients[self.first]
        laid = self.laid(self.first, point)
        return bool(laid) and all(self._far(a, ought, point) for a in laid)

    def scale(self, array: Numbers, point: int) -> float:
        """With what the numbers of an array are compared: they may all be noise."""
        largest = float(np.abs(array).max(initial=0.0))
        return max(largest, NOISE * self.truths[point].typical, 1e-12)

    def laid(self, name: str, point: int) -> list[Numbers]:
        """What was handed out for a value, in the ways that its shape allows."""
        got, ought = numbers(self.got[point].get(name)), self.truths[point].slopes.get(name)
        if got is None or ought is None:
            return []
        square = got.shape == ought.shape == ought.shape[::-1]
        return [a for way, a in ways(got, ought.shape) if not (square and way == "transposed")]

    def _far(self, one: Numbers, other: Numbers, point: int) -> bool:
        off = float(np.abs(one - other).max(initial=0.0))
        return off > self.tolerance * self.scale(other, point)

    def scaled(self, predicted: Mapping[str, Numbers], point: int) -> dict[str, Numbers]:
        """Variants in which what was put is multiplied by the number that fits best.

        The last of the variants given is without it.
        """
        array, laid = predicted.get(self.adjoint[self.first]), self.laid(self.first, point)
        count = len(next(iter(predicted.values()))) - 1
        by = np.ones(count)
        with np.errstate(all="ignore"):
            if array is not None and laid and array[0].size > 1:
                rows, base = array.reshape(count + 1, -1), array[-1].ravel()
                apart = rows[:-1] - base
                by = apart @ (laid[0].ravel() - base) / (apart * apart).sum(axis=1)
                by = np.where(apart.any(axis=1), by, 1.0)  # nothing is put at this point
            return {n: a[-1] + _over(by, a) * (a[:-1] - a[-1]) for n, a in predicted.items()}

    def explained(
        self, predicted: Mapping[str, Numbers], point: int
    ) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], Numbers]:
        """Which variants give the first wrong value and keep the right ones; how many they give."""
        count = len(next(iter(predicted.values())))
        fine, given = np.ones(count, dtype=bool), np.zeros(count)
        if self.adjoint[self.first] not in predicted:
            return ~fine, given
        known = [n for n in (self.first, *self.wrong, *self.right) if self.adjoint[n] in predicted]
        for name in known:
            same = self._same(predicted[self.adjoint[name]], name, point)
            given += same & (name not in self.right)
            fine &= same | (name in self.wrong)
        return fine, given

    def _same(self, predicted: Numbers, name: str, point: int) -> Any:
        """Which variants give what was handed out for a value."""
        found = np.zeros(len(predicted), dtype=bool)
        rows = predicted.reshape(len(predicted), -1)
        for laid in self.laid(name, point):
            scale = self.scale(laid, point)
            with np.errstate(all="ignore"):
                off = np.abs(rows - laid.ravel()).max(axis=1, initial=0.0)
            found |= off <= self.tolerance * scale
        return found


def _over(numbers: Numbers, array: Numbers) -> Numbers:
    """One number for each variant, over the entries of an array of all."""
    return numbers.reshape(-1, *[1] * (array.ndim - 1))

"""What arrays of a program are in the spec, by their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symgrad.audit.compare import compared
from symgrad.audit.reference import Truth
from symgrad.audit.sites import Known, Role

EXACT = 1e-9
"""How near the numbers of an array are to those that they are, of the largest."""


class Roles:
    """The inputs, values and gradients at a point, looked up by numbers."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.known: dict[int, tuple[np.ndarray[Any, Any], Role | None]] = {}
        self.steps: dict[int, list[tuple[Role, np.ndarray[Any, Any]]]] = {}

    def of(self, array: np.ndarray[Any, Any]) -> Role | None:
        """What an array is in the spec."""
        key = id(array)
        if key not in self.known:  # the array is kept: another one may be where it was
            self.known[key] = array, self._whole(array) if array.size > 1 else None
        return self.known[key][1]

    def _whole(self, array: np.ndarray[Any, Any]) -> Role | None:
        truth = self.truth
        tables = (("input", truth.given), ("value", truth.whole), ("gradient", truth.slopes))
        for kind, table in tables:
            for name, ought in table.items():
                if np.size(ought) == array.size and np.abs(ought).max(initial=0.0) > 0:
                    match = compared(array, np.asarray(ought, dtype=float), truth.typical)
                    if match.error < EXACT:
                        return Role(
                            kind, name, comes_back=kind == "input" and self._is_slope(ought)
                        )
                    if kind == "gradient" and match.ratio is not None:
                        return Role(kind, name, match.ratio)
        return self._in_turn(array)

    def _is_slope(self, array: np.ndarray[Any, Any]) -> bool:
        """Whether an array has the numbers of the gradient by a value."""
        same = (s for s in self.truth.slopes.values() if np.shape(s) == np.shape(array))
        return any(np.abs(s - array).max() <= EXACT * np.abs(array).max() for s in same)

    def _in_turn(self, array: np.ndarray[Any, Any]) -> Role | None:
        """What an array is of one step of a recurrence, whose values have an axis of steps."""
        size = array.size
        if size not in self.steps:
            self.steps[size] = list(entries_of(self.truth, size))
        flat = array.ravel()
        close = EXACT * np.abs(flat).max(initial=0.0)
        for role, rows in self.steps[size]:
            if close and (np.abs(rows - flat).max(axis=1) <= close).any():
                return role
        return None


def entries_of(truth: Truth, size: int) -> Iterator[tuple[Role, np.ndarray[Any, Any]]]:
    """The entries along the first axis, of so many numbers each, of what the spec has, as rows."""
    for kind, table in (("value", truth.whole), ("gradient", truth.slopes)):
        for name, array in table.items():
            stacked = array.ndim > 1 and array.shape[0] > 1 and size > 1
            if stacked and array.size == size * array.shape[0]:
                yield (
                    Role(kind, name, in_turn=True),
                    np.asarray(array, dtype=float).reshape(-1, size),
                )


def is_right_role(role: Role | None) -> bool:
    """Whether something is a value or a gradient of the spec, to the number."""
    return role is not None and role.ratio == 1.0


def roles_of(several: list[Known]) -> list[Role | None]:
    """What each of some names is in the spec."""
    return [k.role for k in several]

"""Numbers that a spec states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import SymgradError, perhaps

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Expected:
    """Numbers that a spec states for a value, or for the derivative of the loss by it.

    ``key`` is what the spec wrote: ``z1``, ``dL_dW3`` or, where the numbers are those of the
    transpose, ``dL_dW3.T``.
    """

    key: str
    value: str
    numbers: Numbers
    adjoint: bool = False
    transposed: bool = False

    def shown(self, array: Numbers) -> Numbers:
        """The array as the spec shows it."""
        return array.T if self.transposed else array

    def name(self, adjoint_name: Mapping[str, str]) -> str:
        """What the equations call the array; "" where they have none."""
        return adjoint_name.get(self.value, "") if self.adjoint else self.value

    def among(self, values: Mapping[str, Numbers], adjoint_name: Mapping[str, str]) -> Numbers:
        """The array that the numbers are about, as the spec shows it."""
        name = self.name(adjoint_name)
        if name not in values:
            raise SymgradError(
                f"there is no {self.key} to compare with",
                hint=perhaps(self.key, values),
            )
        return self.shown(np.asarray(values[name]))

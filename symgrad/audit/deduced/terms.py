"""Expressions with their numbers, of which repairs are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Term:
    """An expression: its text, its numbers at each time, and how unlikely it is."""

    text: str
    arrays: tuple[Numbers, ...]
    cost: float
    gradient: bool = False
    jacobian: bool = False
    whole: bool = True
    """Whether it needs no brackets in a product."""

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return tuple(self.arrays[0].shape)

    @property
    def factor(self) -> str:
        """Its text in a product."""
        return self.text if self.whole else f"({self.text})"

"""Something else in the equations of a backward pass, to be tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.graph import BATCH
from symgrad.audit.diagnosis.slots import Other
from symgrad.mathematics.indices import entry

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Trial:
    """Equations that read ``_put0``, ``_put1`` and so on, and what these may be at a point.

    ``free``: times any number.
    """

    value: str
    role: str
    changed: Mapping[str, sp.Expr]
    contents: Callable[[int], dict[Other, list[Numbers]]]
    before: str = ""
    free: bool = False
    alone: bool = False
    """Whether one term of an equation is another, and the rest stays."""

    @classmethod
    def of_equations(
        cls, value: str, role: str, changed: Mapping[str, sp.Expr], other: Other
    ) -> Trial:
        """Equations that are others as a whole, the same at each point."""
        put = {name: rhs * entry("_put0", (BATCH,)) for name, rhs in changed.items()}
        return cls(value, role, put, lambda _: {other: [np.ones(())]})

"""What an author may choose about the notation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Adjoints = Literal["partial", "delta", "bar"]
Layout = Literal["denominator", "numerator"]

ADJOINTS: tuple[Adjoints, ...] = get_args(Adjoints)
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


@dataclass(frozen=True)
class Style:
    """How derivatives are written.

    ``adjoints``: ∂L/∂z; δ for values on the way and ∂L/∂W for inputs; or z with a bar.
    ``layout``: in matrix form the derivative of a scalar by an m × n matrix is m × n in
    denominator layout, n × m in numerator layout.  ``symbols``: LaTeX for names of values and
    sizes, such as ``{"W1": r"W^{(1)}"}``.
    """

    adjoints: Adjoints = "partial"
    layout: Layout = "denominator"
    symbols: Mapping[str, str] = field(default_factory=dict, hash=False)

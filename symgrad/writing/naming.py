"""What values are called: their symbols, and the derivatives among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from symgrad.writing.formula import Formula, Letter
from symgrad.writing.names import Name
from symgrad.writing.style import Adjoints, Style
from symgrad.writing.typed import Typed


class Partial(sp.Expr):
    """∂value/∂by as it stands in the chain rule: only written, never evaluated."""


@dataclass(frozen=True)
class Names:
    """How values are called: symbols, the value that an adjoint belongs to, axes of size 1."""

    symbols: Mapping[str, Name]
    adjoint_of: Mapping[str, str] = field(default_factory=dict)
    axes: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    """For each array, which of its axes have an index (the others have size 1)."""
    order: Mapping[str, int] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    """What is added last, as a person would: parameters (biases)."""
    output: str = ""
    slopes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The values that are derivatives, each with what it is the derivative of and by."""
    sizes: Mapping[str, Name] = field(default_factory=dict)
    """The symbols of sizes that are called as a value is."""
    parts: frozenset[str] = frozenset()
    """The adjoints that are those of the output as it is computed, not as it was typed."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """The names of values as they are computed, where those are other functions than as typed."""
    accent: str = "tilde"
    """What those names have."""
    inputs: frozenset[str] = frozenset()
    style: Style = field(default_factory=Style)
    typed: Typed = field(default_factory=Typed)

    @property
    def has_bracketed_deltas(self) -> bool:
        """Whether Kronecker's δ is written [i = j], as something else is called δ."""
        return self.style.adjoints == "delta" or Letter("δ") in self.stems

    def mark(self, value: str) -> Adjoints:
        """How the derivative by a value is marked; a derivative of many values is a fraction."""
        if self.axes.get(self.output) or value == self.output:
            return "partial"
        if self.style.adjoints == "delta" and value in self.inputs:
            return "partial"
        return self.style.adjoints

    @cached_property
    def derivatives(self) -> frozenset[str]:
        """What is written as a derivative: adjoints, and values that are derivatives."""
        return frozenset(self.adjoint_of) | frozenset(self.slopes)

    def output_of(self, adjoint: str) -> str:
        """What an adjoint is the derivative of."""
        return self.computed[self.output] if adjoint in self.parts else self.output

    @cached_property
    def wholes(self) -> frozenset[Formula]:
        """Every symbol as a whole."""
        return frozenset(name.formula for name in self.symbols.values())

    @cached_property
    def stems(self) -> frozenset[Formula]:
        """What symbols are without their subscripts."""
        return frozenset(name.stem for name in self.symbols.values())

    @cached_property
    def letters(self) -> frozenset[str]:
        """The letters that are values, which mathematics may have for something else, too."""
        whole = (name.formula for name in self.symbols.values())
        return frozenset(formula.char for formula in whole if isinstance(formula, Letter))

    def is_vector(self, name: str) -> bool:
        """Whether a value has one index."""
        return sum(self.axes.get(name, ())) == 1

    def shown(self, name: str, indices: Sequence[sp.Expr]) -> list[sp.Expr]:
        """The indices that are written: none for an axis of size 1."""
        axes = self.axes.get(name, ())
        if len(axes) < len(indices):
            return [i for i in indices if i != 0]
        return [i for i, proper in zip(indices, axes, strict=False) if proper or i != 0]

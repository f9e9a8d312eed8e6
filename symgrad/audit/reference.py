"""What is right: the values and gradients of a spec, at points that are chosen for audits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symgrad.calculus import forward_and_adjoints
from symgrad.checks.numbers import Floats, OutsideDomain
from symgrad.checks.points import evaluated_where_possible
from symgrad.checks.sampling import RANGES, Point, no_point, random_point, true_sizes
from symgrad.errors import SymgradError
from symgrad.face import Derivation
from symgrad.mathematics.assumptions import Range
from symgrad.mathematics.sizes import fixed

Numbers = np.ndarray[Any, Any]
Arrays = Mapping[str, Numbers]

FREE = ((5, 7, 4, 6, 8), (7, 4, 9, 5, 6))
"""What named sizes are at the points, in turn: different ones, so that a swap is seen."""

WIDE: tuple[Mapping[str, Range], ...] = (
    {"param": (-2.2, 2.2), "data": (-1.7, 1.7)},
    {"param": (-3.5, 3.5), "data": (-2.5, 2.5)},
    {"param": (-1.2, 1.2), "data": (-1.0, 1.0)},
)
"""Where numbers are drawn from: pre-activations of both signs, saturated at the second point."""


VANISHING = 1e-7
"""Where gradients are smaller, so much is saturated that little is to be seen."""

SPREAD = 1e-6
"""Of the largest gradient: where another is smaller, it may be what is left of terms that cancel,
and their rounding shows (dS of an attention, 1e-9 of dA, is off by 5e-6 in a right pass)."""


Pair = tuple[float, float]
PAIRS: tuple[Pair, ...] = ((0.0, 1.0), (-1.0, 1.0))
"""The numbers that labels and masks have."""


@dataclass(frozen=True)
class Truth:
    """A point: the inputs, the values of the forward pass, and the gradients by value."""

    given: Arrays
    sizes: Mapping[str, int]
    values: Arrays
    gradients: Arrays
    whole: Arrays
    """The values that have no name too."""
    slopes: Arrays
    """The gradients by these too."""
    everything: Arrays = field(default_factory=dict)
    """All numbers, by the names of the equations that they are of."""
    lengths: Mapping[sp.Expr, int] = field(default_factory=dict)
    """What all sizes are, by their symbols."""

    @cached_property
    def typical(self) -> float:
        """About how large the gradients are here."""
        largest = [float(np.abs(g).max(initial=0.0)) for g in self.gradients.values()]
        return float(np.median([x for x in largest if x > 0] or [1.0]))

    @cached_property
    def spread(self) -> float:
        """How small the smallest gradient is beside the largest, zeros left out."""
        largest = [float(np.abs(g).max(initial=0.0)) for g in self.gradients.values()]
        found = [x for x in largest if x > 0] or [1.0]
        return min(found) / max(found)

    @cached_property
    def mixed(self) -> int:
        """How many arrays of the forward pass have entries of both signs."""
        arrays = (a for a in self.whole.values() if a.size > 1 and a.dtype != object)
        return sum(bool(a.min() < 0 < a.max()) for a in arrays)


class Reference:
    """A derivation, and its numbers at points; ``remarks`` say what is left out of the loss."""

    def __init__(self, derivation: Derivation, remarks: Sequence[str] = ()) -> None:
        self.derivation = derivation
        self.remarks = remarks
        self.system = derivation.typed
        self.inputs = {v.name: v for v in self.system.variables if v.role != "constant"}
        taken = {name for name in derivation.gradients if name not in self.hidden}
        output = derivation.system.output
        self.gradient_of = {n: derivation.adjoint_name[n] for n in taken if n != output}
        self.two_valued: Mapping[str, Pair] = {}
        """The data that have two numbers only where they are the author's: masks, labels."""

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Values that have no name in the spec."""
        return self.system.invented | self.system.nameless

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The named values of the forward pass."""
        return tuple(e.name for e in self.system if e.name not in self.hidden)

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names of the functions in the forward pass; of a power its exponent."""
        atoms = {a for e in self.system for a in e.rhs.atoms(sp.Function, sp.Pow, sp.Expr)}
        functions = {type(a).__name__.lower() for a in atoms if isinstance(a, sp.Function)}
        return frozenset(functions | {f"pow {a.exp}" for a in atoms if isinstance(a, sp.Pow)})

    def arguments(self, name: str) -> list[str]:
        """The values that an equation reads, inputs left out."""
        if name not in {e.name for e in self.derivation.system}:
            return []
        bases = self.derivation.system[name].rhs.atoms(sp.IndexedBase)
        read = sorted({str(b.label) for b in bases})
        return [n for n in read if n in self.derivation.adjoint_name and n not in self.inputs]

    @property
    def output(self) -> str:
        """The loss."""
        return self.system.output

    @cached_property
    def free(self) -> tuple[sp.Symbol, ...]:
        """The named sizes."""
        symbols = {s for v in self.inputs.values() for size in v.shape for s in size.free_symbols}
        return tuple(sorted((s for s in symbols if fixed(s) is None), key=lambda s: s.name))

    def truth(self, point: Point) -> Truth:
        """The numbers at a point; OutsideDomain where some gradient has none."""
        field = Floats()
        equations = forward_and_adjoints(self.derivation)
        found = evaluated_where_possible(equations, point, field)
        found = {**evaluated_where_possible(self.system, point, field), **found}
        gradients = {n: np.asarray(found[a]) for n, a in self.gradient_of.items() if a in found}
        wanted = [found.get(self.output), *(gradients.get(n) for n in self.derivation.wrt)]
        if any(g is None or not np.isfinite(g).all() for g in wanted):
            raise OutsideDomain("a gradient is not a number here")
        values = {n: np.asarray(found[n]) for n in self.values if n in found}
        given = {n: self._typed(n, point.env[n]) for n in self.inputs}
        sizes = {s.name: int(n) for s, n in point.sizes.items() if fixed(s) is None}
        whole = {e.name: np.asarray(found[e.name]) for e in self.system if e.name in found}
        names = self.derivation.adjoint_name
        slopes = {n: np.asarray(found[a]) for n, a in names.items() if a in found}
        found = {**point.env, **found}
        slopes = {**slopes, **gradients}
        return Truth(given, sizes, values, gradients, whole, slopes, found, dict(point.sizes))

    def _typed(self, name: str, values: Any) -> Numbers:
        """An input with entries of its kind: true and false pick entries, where 0 and 1 do not."""
        return np.asarray(values, dtype=bool if self.inputs[name].dtype == "bool" else None)

    def example(self, arrays: Mapping[str, Any]) -> Truth | None:
        """The numbers at a given point, where there are any."""
        sizes: dict[sp.Symbol, int] = {}
        env = {v.name: np.asarray(v.values) for v in self.system.variables if v.role == "constant"}
        for name, variable in self.inputs.items():
            given = np.asarray(arrays[name])
            env[name] = given.astype(float) if variable.dtype == "float" else given
            for size, length in zip(variable.shape, given.shape, strict=True):
                sizes |= {size: length} if size.is_Symbol else {}
        whole = true_sizes(self.system, [4] * len(self.free))
        try:
            return self.truth(Point({**whole, **sizes}, env))
        except (SymgradError, ValueError):
            return None

    def drawn(self, seed: int, number: int, sizes: Mapping[str, int] | None = None) -> Truth:
        """A point at which every gradient is a number, of these sizes or of any."""
        rng = np.random.default_rng([seed, number])
        chosen = self._sizes(number, sizes)
        inexact: Truth | None = None
        for ranges in (WIDE[number % len(WIDE)], *WIDE[2:], *RANGES):
            start = random_point(self.system, rng, Floats(), sizes=chosen, ranges=ranges)
            try:
                found = self.truth(self._with_repeats(start, number))
            except OutsideDomain:
                continue
            if found.typical > VANISHING and found.spread > SPREAD:
                return found
            inexact = inexact or (found if found.typical > VANISHING else None)
        if inexact is not None:
            return inexact
        raise no_point(self.system)

    def _sizes(self, number: int, sizes: Mapping[str, int] | None) -> dict[sp.Symbol, int]:
        free = FREE[number % len(FREE)]
        taken = true_sizes(self.system, _different(free, self._fixed(), len(self.free)))
        given = {s: sizes[s.name] for s in taken if sizes and fixed(s) is None and s.name in sizes}
        return {**taken, **given}

    def _fixed(self) -> set[int]:
        shapes = (size for v in self.inputs.values() for size in v.shape)
        return {n for size in shapes if (n := fixed(size)) is not None}

    def _with_repeats(self, point: Point, number: int) -> Point:
        """Some label twice: what is accumulated there is seen; and masks of zeros and ones."""
        env = dict(point.env)
        for name, variable in self.inputs.items():
            labels = env[name]
            if variable.dtype == "int" and labels.ndim and labels.shape[0] > 1 and not number:
                env[name] = np.concatenate([labels[:-1], labels[:1]])
            if name in self.two_valued and not variable.assumptions:
                low, high = self.two_valued[name]
                env[name] = np.where(np.asarray(env[name]) > 0, high, low)
        return Point(point.sizes, env)


def _different(free: Sequence[int], taken: set[int], count: int) -> Iterator[int]:
    """Sizes that no fixed one has, where there are some."""
    rest = [n for n in range(3, 40) if n not in free]
    fine = [n for n in (*free, *rest) if n not in taken]
    return iter((fine + list(rest))[: max(count, 1) + 40])

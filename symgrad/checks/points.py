"""A derivation at random points: every value and every adjoint as numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from symgrad.calculus import Derivation, forward_and_adjoints
from symgrad.checks.evaluate import Evaluator, Sizes, value
from symgrad.checks.numbers import Digits, Field, OutsideDomain
from symgrad.checks.sampling import (
    RANGES,
    Point,
    finite_point,
    given_point,
    is_infinite,
    no_point,
    random_point,
    small_sizes,
)
from symgrad.checks.shrinking import shrunk
from symgrad.checks.spots import SpotChecked
from symgrad.checks.stepwise import evaluate_equations, run
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import Index
from symgrad.mathematics.recurrences import Recurrence, in_groups

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Precision:
    """Numbers to check with, how far to step for a difference, and what has to agree."""

    field: Field
    steps: tuple[float, ...]
    """How far to step for a difference; the next where the first one leaves the domain."""
    same: float
    """The two sides of one equation differ by less."""
    slope: float
    """A derivative and a central difference differ by less."""
    kink: float
    """At a smooth point, the differences to its two sides differ by less."""


MANY_DIGITS = Precision(Digits(50), steps=(1e-15, 1e-27), same=1e-30, slope=1e-20, kink=1e-8)
LONG_FLOATS = Precision(
    SpotChecked(np.longdouble), steps=(1e-6, 1e-9), same=1e-11, slope=1e-6, kink=1e-3
)

MANY_TERMS = 100_000
"""From so many multiplications in one pass on, floats have to do."""

MANY_AT_SMALL_SIZES = 60_000
"""The same where sizes were made smaller, of all passes: there is about one for each adjoint."""

SOME_TERMS = 10_000
"""From so many on, sizes that positions are made for are made smaller too."""

TRIES = 3
"""Points that are tried, where one is at a kink or shows nothing."""


@dataclass(frozen=True)
class EvaluatedPoint:
    """One random point; ``written`` are the values by the equations of ``system``, as typed."""

    system: System
    precision: Precision
    sizes: Sizes
    values: dict[str, np.ndarray]
    written: dict[str, np.ndarray]

    def evaluator(
        self, env: Arrays | None = None, spots: Mapping[Index, np.ndarray] | None = None
    ) -> Evaluator:
        """Evaluates expressions over the values, or over others."""
        known = self.values if env is None else env
        return Evaluator(known, self.sizes, self.precision.field, spots)


def example_point(derivation: Derivation, example: Mapping[str, Any], field: Field) -> Point:
    """The point at which the inputs are those of an example, what is made of the data too."""
    made = derivation.preparation
    if made is None:
        return given_point(derivation.system, example, field)
    start = given_point(made.before, example, field)
    found = evaluate_equations(made.equations, start.env, start.sizes, field)
    return Point(start.sizes, {v.name: found[v.name] for v in derivation.system.variables})


class Points:
    """The points at which one derivation is looked at; each is made when it is asked for."""

    def __init__(
        self, derivation: Derivation, seed: int = 0, *, sizes: Sizes | None = None
    ) -> None:
        self.derivation = derivation
        self.seed = seed
        self.others = iter(sizes_to_check_at(derivation) if sizes is None else [sizes])
        """The sizes that are left to try where those tried so far show no point, or a fault."""
        self.sizes = next(self.others)
        self.precision = _precision(derivation, self.sizes)
        self._made: dict[int, EvaluatedPoint] = {}

    def __len__(self) -> int:
        return TRIES

    def __iter__(self) -> Iterator[EvaluatedPoint]:
        return (self[number] for number in range(TRIES))

    def __getitem__(self, number: int) -> EvaluatedPoint:
        if number not in self._made:
            self._made[number] = self._at_fitting_sizes(number)
        return self._made[number]

    def _at_fitting_sizes(self, number: int) -> EvaluatedPoint:
        """A point at the sizes that were chosen; at the next ones where there is none."""
        try:
            return self._make(np.random.default_rng([self.seed, number]))
        except SymgradError:
            sizes = None if self._made else next(self.others, None)
            if sizes is None:
                raise
        self.sizes, self.precision = sizes, _precision(self.derivation, sizes)
        return self._at_fitting_sizes(number)

    def _make(self, rng: np.random.Generator) -> EvaluatedPoint:
        """A point at which every value is a real number."""
        system, field = self.derivation.system, self.precision.field
        for finite, ranges in itertools.product((False, True)[: 1 + is_infinite(system)], RANGES):
            start = random_point(system, rng, field, sizes=self.sizes, ranges=ranges)
            start = finite_point(system, start, rng, field) if finite else start
            try:
                values = all_values(self.derivation, start, field)
                written = evaluate_equations(self.derivation.typed, start.env, start.sizes, field)
            except OutsideDomain:
                continue
            if self._is_finite(values):
                return EvaluatedPoint(
                    self.derivation.typed,
                    self.precision,
                    start.sizes,
                    {**written, **values},
                    written,
                )
        raise no_point(system)

    def _is_finite(self, values: Arrays) -> bool:
        """Whether the output and the adjoints are; a value on the way (a mask) need not be."""
        adjoints = (a.equation.name for a in self.derivation.adjoints)
        return all(
            np.isfinite(_largest(values[n])) for n in (self.derivation.system.output, *adjoints)
        )


def all_values(derivation: Derivation, start: Point, field: Field) -> dict[str, np.ndarray]:
    """The values of the forward pass and, by their names, all adjoints: nothing rounded."""
    return evaluate_equations(forward_and_adjoints(derivation), start.env, start.sizes, field)


def values_where_possible(
    derivation: Derivation, start: Point, field: Field, most: float = float("inf")
) -> dict[str, np.ndarray]:
    """The values and adjoints as they are held, rounded ones rounded, as far as they can be had.

    What has more than ``most`` entries, or is not a real number here, is left out, and with it
    what depends on it.
    """
    return evaluated_where_possible(forward_and_adjoints(derivation), start, field, most)


def values_at(
    derivation: Derivation, example: Mapping[str, Any], field: Field, most: float = float("inf")
) -> dict[str, np.ndarray]:
    """The same at an example; also the values of before what is worked out of data once."""
    found = values_where_possible(
        derivation, example_point(derivation, example, field), field, most
    )
    made = derivation.preparation
    if made is None:
        return found
    start = given_point(made.before, example, field)
    return {**evaluated_where_possible(made.before, start, field, most), **found}


def evaluated_where_possible(
    equations: Iterable[Equation], start: Point, field: Field, most: float = float("inf")
) -> dict[str, np.ndarray]:
    """The values that equations define and those of the inputs, as far as they can be had."""
    known = dict(start.env)
    at = Evaluator(known, start.sizes, field)
    with field.precision():
        for part in in_groups(equations):
            whole = part.equations if isinstance(part, Recurrence) else (part,)
            if all(_entries(e, at) <= most for e in whole):
                with suppress(SymgradError, ValueError, TypeError):
                    run(part, at, known, partial(value, rounding=True))
    return known


def _entries(equation: Equation, at: Evaluator) -> float:
    return float(np.prod([float(at.size(size)) for size in equation.shape]))


def sizes_to_check_at(derivation: Derivation) -> Iterator[Sizes]:
    """Small sizes; where a fixed size that positions are made for is large, as small as they allow.

    Those of the spec, which come last, are better where they cost little: what is typed is then
    what is run.
    """
    system = derivation.system
    own: Sizes = small_sizes(system)
    if multiplications(system, own) >= SOME_TERMS:
        equations = [*derivation.typed, *forward_and_adjoints(derivation)]
        for offsets in (True, False):
            found = shrunk(system, equations, own, offsets=offsets)
            if found:
                yield found
    yield own


def _precision(derivation: Derivation, sizes: Sizes) -> Precision:
    system, many = derivation.system, MANY_TERMS
    if sizes != small_sizes(system):
        many = MANY_AT_SMALL_SIZES // max(1, len(derivation.adjoints))
    return MANY_DIGITS if multiplications(system, sizes) < many else LONG_FLOATS


def multiplications(equations: Iterable[Equation], sizes: Sizes) -> int:
    """About how many multiplications the equations take."""
    sums = (term for e in equations for term in sp.Add.make_args(e.rhs))
    return sum(_count(term.atoms(Index), sizes) for term in sums)


def _count(indices: set[Index], sizes: Sizes) -> int:
    return int(np.prod([float(i.size.xreplace(sizes)) for i in indices]))


def difference(one: Any, other: Any) -> tuple[float, float]:
    """The largest difference relative to the largest number (or to 1), and the largest number."""
    magnitude = max(_largest(one), _largest(other))
    same = np.asarray(one) == np.asarray(other)
    apart = _largest(np.where(same, 0, one) - np.where(same, 0, other))
    return (apart / max(1.0, magnitude) if np.isfinite(magnitude) else apart), magnitude


def _largest(values: Any) -> float:
    """The largest absolute value; infinite where one is not a number."""
    numbers = np.abs(np.reshape(np.asarray(values), -1)) if np.size(values) else np.zeros(1)
    sizes = np.asarray(numbers, dtype=object).astype(np.float64)
    return float(np.where(np.isfinite(sizes), sizes, np.inf).max())

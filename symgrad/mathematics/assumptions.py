"""What a spec may assume of an input: each kind of assumption is one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, SymgradError, caller
from symgrad.mathematics.told import Told, told

Numbers = np.ndarray[Any, Any]
Range = tuple[float, float]


class Fact(Enum):
    """What algebra may use, of an array x."""

    ZEROS_AND_ONES = "every entry is 0 or 1"
    SUM_IS_ONE = "the sum along the axis is 1"
    SQUARES_SUM_TO_ONE = "the sum of the squares along the axis is 1"
    IS_ORTHOGONAL = "the product of the matrix with its transpose is 1"
    IS_SYMMETRIC = "the matrix equals its transpose"
    IS_POSITIVE = "every entry is larger than 0"


class About(Enum):
    """What an assumption speaks of; the value says what of an array that has to be."""

    ENTRIES = "its entries would have to be numbers"
    AXIS = "it would have to have the axis"
    MATRICES = "its last two axes would have to be those of a square matrix"


@dataclass(frozen=True)
class AssumptionKind:
    """A kind of assumption.

    ``sentence`` says it to the reader, of ``{name}`` and, where it is about one, of ``{axis}``.
    ``facts``: what algebra may use of it.  ``draw``: random fractions of which it holds exactly,
    by axis, shape, generator, and the range of free numbers.  ``tangent``: the part of a direction
    along which it stays true, by axis, point and direction; None where any direction does.
    """

    name: str
    about: About
    sentence: str
    facts: frozenset[Fact]
    draw: Callable[[Any, tuple[int, ...], np.random.Generator, Range], Numbers]
    tangent: Callable[[Any, Numbers, Numbers], Numbers] | None = None

    def fits(self, shape: Sequence[sp.Expr]) -> bool:
        """Whether it can be assumed of an array of this shape."""
        if self.about is not About.MATRICES:
            return True
        return len(shape) > 1 and bool(shape[-1] == shape[-2])


@dataclass(frozen=True)
class Assumption:
    """What a spec promises of an input; ``axis`` where it is about one (counted from 0)."""

    kind: str
    axis: int | None = None

    @property
    def record(self) -> AssumptionKind:
        """What is known of its kind."""
        if self.kind not in ASSUMPTIONS:
            raise SymgradError(f"there is no assumption {self.kind!r}")
        return ASSUMPTIONS[self.kind]

    @property
    def summed(self) -> int | None:
        """The axis over which it has sums: of matrices the last; None where it has none."""
        return -1 if self.record.about is About.MATRICES else self.axis

    def __call__(self, *given: Any, **named: Any) -> NoReturn:
        """Nothing: an assumption that is about no axis is written without brackets."""
        raise SpecError(
            f"the assumption {self.kind} is no function",
            where=caller(),
            hint=f"assume=sg.{self.kind}, without brackets",
        )

    def sentence(self, name: str) -> Told:
        """What is assumed of an input, in words."""
        return told(self.record.sentence.format(name="{}", axis=self.axis), name)

    def __str__(self) -> str:
        words = self.kind.replace("_", " ")
        return words if self.axis is None else f"{words} along axis {self.axis}"


# -- how numbers are drawn ------------------------------------------------------------------------

_GRID = 1 << 16


def uniform(shape: tuple[int, ...], rng: np.random.Generator, limits: Range) -> Numbers:
    """Random fractions between two numbers."""
    low, high = (Fraction(str(limit)) for limit in limits)
    drawn = rng.integers(1, _GRID, size=shape).astype(object)
    return np.asarray(np.frompyfunc(lambda k: low + (high - low) * Fraction(k, _GRID), 1, 1)(drawn))


def _hot(axis: Any, shape: tuple[int, ...], rng: np.random.Generator, _: Range) -> Numbers:
    scores = rng.random(shape)
    hot = scores == scores.max(axis=axis, keepdims=True)
    return np.asarray(hot.astype(np.int64), dtype=object)


def _normalised(axis: Any, shape: tuple[int, ...], rng: np.random.Generator, _: Range) -> Numbers:
    parts = uniform(shape, rng, (0.1, 1.0))
    return np.asarray(parts / parts.sum(axis=axis, keepdims=True))


def _above_zero(_: Any, shape: tuple[int, ...], rng: np.random.Generator, __: Range) -> Numbers:
    return uniform(shape, rng, (0.2, 1.2))


def _with_mirror_image(
    _: Any, shape: tuple[int, ...], rng: np.random.Generator, limits: Range
) -> Numbers:
    square = uniform(shape, rng, limits)
    return np.asarray((square + np.swapaxes(square, -1, -2)) / 2)


def _on_sphere(axis: Any, shape: tuple[int, ...], rng: np.random.Generator, _: Range) -> Numbers:
    """Points on a sphere with rational coordinates: (2 t, |t|² - 1) / (|t|² + 1)."""
    if axis is None:
        return _on_sphere(0, (int(np.prod(shape)),), rng, _).reshape(shape)
    t = np.moveaxis(uniform(shape, rng, (-1.0, 1.0)), axis, -1)
    t[..., -1] = Fraction(0)
    square = (t * t).sum(axis=-1, keepdims=True)
    t = 2 * t
    t[..., -1:] = square - 1
    return np.moveaxis(t / (square + 1), -1, axis)


def _rotation(_: Any, shape: tuple[int, ...], rng: np.random.Generator, __: Range) -> Numbers:
    """A product of two reflections 1 - 2 v vᵀ / vᵀv."""
    return np.asarray(_reflection(shape[-1], rng) @ _reflection(shape[-1], rng))


def _reflection(length: int, rng: np.random.Generator) -> Numbers:
    v = uniform((length,), rng, (0.2, 1.2))
    identity = np.array([[Fraction(int(i == j)) for j in range(length)] for i in range(length)])
    return np.asarray(identity - 2 * np.outer(v, v) / v.dot(v))


# -- along which directions they stay true ----------------------------------------------------


def _centred(axis: Any, here: Numbers, free: Numbers) -> Numbers:
    count = free.size if axis is None else free.shape[axis]
    return np.asarray(free - free.sum(axis=axis, keepdims=True) / count)


def _across(axis: Any, here: Numbers, free: Numbers) -> Numbers:
    along = (here * free).sum(axis=axis, keepdims=True)
    return np.asarray(free - along * here)


def _symmetrised(_: Any, __: Numbers, free: Numbers) -> Numbers:
    return np.asarray((free + np.swapaxes(free, -1, -2)) / 2)


def _rotating(_: Any, here: Numbers, free: Numbers) -> Numbers:
    return np.asarray(here @ (free - np.swapaxes(free, -1, -2)))


# -- the records ------------------------------------------------------------------------------

ASSUMPTIONS = {
    kind.name: kind
    for kind in (
        AssumptionKind(
            "one_hot",
            About.AXIS,
            "{name} is one-hot along axis {axis}: its entries there are 0 and 1 and sum to 1",
            frozenset({Fact.ZEROS_AND_ONES, Fact.SUM_IS_ONE}),
            _hot,
            _centred,
        ),
        AssumptionKind(
            "orthogonal",
            About.MATRICES,
            "{name} is orthogonal: its transpose is its inverse",
            frozenset({Fact.IS_ORTHOGONAL}),
            _rotation,
            _rotating,
        ),
        AssumptionKind(
            "unit_norm",
            About.AXIS,
            "the squares of the entries of {name} sum to 1 along axis {axis}",
            frozenset({Fact.SQUARES_SUM_TO_ONE}),
            _on_sphere,
            _across,
        ),
        AssumptionKind(
            "sums_to_one",
            About.AXIS,
            "the entries of {name} sum to 1 along axis {axis}",
            frozenset({Fact.SUM_IS_ONE}),
            _normalised,
            _centred,
        ),
        AssumptionKind(
            "symmetric",
            About.MATRICES,
            "{name} is symmetric",
            frozenset({Fact.IS_SYMMETRIC}),
            _with_mirror_image,
            _symmetrised,
        ),
        AssumptionKind(
            "positive",
            About.ENTRIES,
            "the entries of {name} are positive",
            frozenset({Fact.IS_POSITIVE}),
            _above_zero,  # inside, where any direction is free
        ),
    )
}
"""The strongest first: numbers that keep one of several assumptions keep the first of them."""


def one_hot(axis: int = -1) -> Assumption:
    """Along ``axis`` one entry is 1 and the others are 0; so they sum to 1.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> Y, z = sg.data("Y", (3,), assume=sg.one_hot(axis=0)), sg.param("z", (3,))
    >>> p = sg.softmax(z, axis=0)
    >>> loss = -np.sum(Y * np.log(p))
    >>> sg.derive(loss).gradients["z"]
    ∂L/∂z[i] = p[i] − Y[i]
    """
    return Assumption("one_hot", axis)


def sums_to_one(axis: int = -1) -> Assumption:
    """The entries along ``axis`` sum to 1."""
    return Assumption("sums_to_one", axis)


def unit_norm(axis: int = -1) -> Assumption:
    """The squares of the entries along ``axis`` sum to 1."""
    return Assumption("unit_norm", axis)


positive = Assumption("positive")
"""Every entry is larger than 0."""


symmetric = Assumption("symmetric")
"""The matrices in the last two axes equal their transposes."""


orthogonal = Assumption("orthogonal")
"""The matrices in the last two axes have their transposes as inverses."""


# -- several assumptions of one input ---------------------------------------------------------


def giving(fact: Fact, assumptions: Iterable[Assumption]) -> list[Assumption]:
    """Those of the assumptions that a fact follows from."""
    return [a for a in assumptions if fact in a.record.facts]


def strongest(assumptions: Iterable[Assumption]) -> Assumption:
    """The one that numbers are drawn by."""
    return min(assumptions, key=lambda a: list(ASSUMPTIONS).index(a.record.name))


def drawn(
    assumptions: Iterable[Assumption],
    shape: tuple[int, ...],
    rng: np.random.Generator,
    limits: Range,
) -> Numbers:
    """Random fractions of which the strongest of the assumptions holds exactly."""
    kept = strongest(assumptions)
    return kept.record.draw(kept.axis, shape, rng, limits)


def tangent(assumptions: Iterable[Assumption], here: Numbers, free: Numbers) -> Numbers:
    """The part of a direction along which the assumptions stay true."""
    for assumption in assumptions:
        project = assumption.record.tangent
        free = free if project is None else project(assumption.axis, here, free)
    return free

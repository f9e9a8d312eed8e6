"""Places in arrays as C has them: a number plus multiples of loop variables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """``start + Σ step * term``, where a term is a loop variable or an expression of C."""

    start: int = 0
    steps: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Place) -> Place:
        found = dict(self.steps)
        for term, step in other.steps:
            found[term] = found.get(term, 0) + step
        return Place(self.start + other.start, tuple((t, s) for t, s in found.items() if s))

    def times(self, factor: int) -> Place:
        """The place so many times as far."""
        return Place(self.start * factor, tuple((t, s * factor) for t, s in self.steps))

    def step(self, term: str) -> int:
        """How far it moves with a term."""
        return dict(self.steps).get(term, 0)

    def without(self, term: str) -> Place:
        """The place in a row that a term counts."""
        return Place(self.start, tuple((t, s) for t, s in self.steps if t != term))

    @property
    def code(self) -> str:
        """The expression, of unsigned numbers."""
        ahead = [_multiple(t, s) for t, s in self.steps if s > 0]
        ahead += [f"{self.start}U"] if self.start > 0 or not ahead else []
        behind = [_multiple(t, -s) for t, s in self.steps if s < 0]
        behind += [f"{-self.start}U"] if self.start < 0 and self.steps else []
        return " - ".join([" + ".join(ahead), *behind])


def at(term: str) -> Place:
    """Where a loop variable, or an expression in brackets, is."""
    return Place(0, ((term, 1),))


HERE = Place()
"""The first place."""

ANYWHERE = at("all")
"""Where something reads or writes of which no more is known: row by row for nobody."""


def flat(places: Iterable[Place], shape: Sequence[int]) -> Place:
    """Where an entry is among all, row by row."""
    found = HERE
    for place, size in zip(places, shape, strict=True):
        found = found.times(size) + place
    return found


def _multiple(term: str, step: int) -> str:
    return term if step == 1 else f"{step}U * {term}"

"""Loops in each other around what is written into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.program.program import Op
from symgrad.targets.c.entries import At, Entries, there
from symgrad.targets.c.kept import length, shape_of
from symgrad.targets.c.loops import Node, scoped
from symgrad.targets.c.places import HERE, Place, at, flat

Pairs = list[tuple[str, int]]
"""The variables of loops, from the outermost, and how far they count."""


@dataclass(frozen=True)
class Target:
    """Where a value is written: ``added``, whether what is there may have to stay."""

    name: str
    added: bool = False


class Nests:
    """Writes loops around lines that write into memory."""

    def __init__(self, entries: Entries, letters: Sequence[str], prefix: str) -> None:
        """``letters``: what loops count with; ``prefix``: what names of the file begin with."""
        self.entries, self.kept, self.letters = entries, entries.kept, letters
        self.prefix = prefix
        self.writes: dict[str, set[Place]] = {}
        """Where the loops of one value write."""
        self.targets: dict[str, Target] = {}
        """Where each value with memory lies."""
        self.scratch: dict[str, tuple[str, int]] = {}
        """Memory that an operation needs for itself: its type, and how much, by its name."""
        self.writing: tuple[str, ...] = ()
        """The value whose loops are written."""
        self.called: dict[tuple[object, ...], str] = {}
        """What memory is called that operations asked for."""

    # Loops

    def loops(
        self, axes: Sequence[sp.Expr], outside: Pairs | None = None
    ) -> tuple[dict[sp.Expr, Place], Pairs]:
        """A loop for each label, inside others; where each label is, and the loops."""
        return self._loops(axes, len(outside or []))

    def _loops(self, axes: Sequence[sp.Expr], start: int) -> tuple[dict[sp.Expr, Place], Pairs]:
        """The same, inside so many others."""
        found: dict[sp.Expr, Place] = {}
        pairs: Pairs = []
        for label in dict.fromkeys(a for a in axes if isinstance(a, Index)):
            if length(label) == 1:
                found[label] = HERE
                continue
            letter = self.letters[start + len(pairs)]
            found[label] = at(letter)
            pairs.append((letter, length(label)))
            self.entries.counts[letter] = max(length(label), self.entries.counts.get(letter, 0))
        self.entries.depth = start + len(pairs)
        return found, pairs

    def around(self, pairs: Pairs, body: Sequence[Node]) -> list[Node]:
        """Loops around lines, and before these what they need."""
        before, self.entries.before = self.entries.before, []
        return scoped(pairs, [*before, *body])

    def target(self, op: Op, place: Place) -> str:
        """The memory of an entry."""
        name = self.targets[op.name].name
        root = self.kept.root[op.name]
        self.writes.setdefault(root, set()).add(place)
        return f"{name}[{self.entries.in_row(root, place).code}]" if op.axes else name

    def store(self, op: Op, where: At, value: str) -> str:
        """The line that writes an entry of the result."""
        return self.store_at(op, flat(there(op.axes, where), shape_of(op.axes)), value)

    def store_at(self, op: Op, place: Place, value: str) -> str:
        """The same, by the place of the entry among all."""
        target = self.target(op, place)
        if self.kept.root[op.name] in self.entries.near:
            return f"const {self.entries.type(op.dtype)} {self.targets[op.name].name} = {value};"
        if self.targets[op.name].added:
            return f"{target} = add ? ({target} + {value}) : {value};"
        return f"{target} = {value};"

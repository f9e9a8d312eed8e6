"""Gradients that are clipped: at the end of a pass, which is a habit, or in its midst."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from symgrad.audit.grammar.edit import argument
from symgrad.audit.source import Source
from symgrad.audit.statements import number_of

SMALLER = 1000
"""By what bounds are divided, so that what is clipped shows."""


@dataclass(frozen=True)
class Clip:
    """A call that clips between -bound and bound: its line, and the places of its two numbers."""

    bound: float
    line: int
    places: tuple[tuple[int, int], ...]
    removed: tuple[int, int, str]
    """The change of the text by which nothing is clipped."""

    @property
    def shrunk(self) -> list[tuple[int, int, str]]:
        """The changes of the text that make its bounds smaller."""
        texts = (f"(-{self.bound / SMALLER})", f"{self.bound / SMALLER}")
        return [(*place, text) for place, text in zip(self.places, texts, strict=True)]


def clips(source: Source) -> Iterator[Clip]:
    """The calls that clip as gradients are clipped, between a number and its negative."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "clip":
            continue
        bounds = [a for a in node.args if number_of(a) is not None][-2:]
        if len(bounds) == 2 and number_of(bounds[0]) == -(number_of(bounds[1]) or 0.0):
            places = tuple(source.span(b) for b in bounds)
            inner = argument(node)
            removed = (*source.span(node), f"({source.of(inner)})" if inner is not None else "")
            yield Clip(abs(number_of(bounds[1]) or 0.0), node.lineno, places, removed)

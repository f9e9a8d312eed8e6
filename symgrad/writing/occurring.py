"""The formulas that occur in a document, and the letters in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from symgrad.writing.document import Section
from symgrad.writing.formula import Formula, Letter, Word, walk


def letters_in(sections: Iterable[Section]) -> frozenset[str]:
    """The letters and words of all formulas."""
    nodes = (node for formula in _formulas(tuple(sections)) for node in walk(formula))
    found = (n.char if isinstance(n, Letter) else n.text for n in nodes
             if isinstance(n, (Letter, Word)))  # fmt: skip
    return frozenset(found)


def _formulas(block: Any) -> Iterator[Formula]:
    """The formulas of a part of a document, whatever it is."""
    if isinstance(block, Formula):
        yield block
    elif isinstance(block, tuple):
        for part in block:
            yield from _formulas(part)
    elif is_dataclass(block):
        for field in fields(block):
            yield from _formulas(getattr(block, field.name))

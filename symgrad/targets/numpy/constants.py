"""Numbers and arrays that are part of a file, as a person defines them at its top."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from symgrad.mathematics.known import named
from symgrad.targets.emitted import Part
from symgrad.targets.module import Module
from symgrad.targets.numpy.layout import array


def arrays(modules: Iterable[Module]) -> list[tuple[str, str]]:
    """The arrays that are part of the file."""
    found = {v.name: v for m in modules for v in m.variables if v.role == "constant"}
    return [(f"_{name}", array(v.values)) for name, v in found.items()]


def numbers(parts: Iterable[Part]) -> list[tuple[str, str]]:
    """The numbers that the parts of a file call by name: numbers of Python, which have no dtype."""
    words = dict.fromkeys(w for p in parts for line in _code(p) for w in _NAME.findall(line))
    found = ((word, named(word)) for word in words)
    return [(word, f"float({constant.code})") for word, constant in found if constant]


_NAME = re.compile(r"\b[A-Z][A-Z0-9_]+\b")


def _code(part: Part) -> Iterator[str]:
    """The lines that are no comments."""
    if isinstance(part, str):
        yield from part.split("\n")
    else:
        for passage in part:
            yield from passage.code

"""The functions that generated files define for themselves, as ordinary C over a type ``real``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FILES = ("special.c", "matrices.c", "order.c")
_HEAD = re.compile(r"^static (?:inline )?\w+ (\w+)\(", re.MULTILINE)


@cache
def source(file: str) -> str:
    """The text of a file."""
    return Path(__file__).with_name(file).read_text(encoding="utf-8")


@cache
def functions() -> dict[str, str]:
    """The text of each function, with the comment above it, by its name and in order."""
    parts = (part.strip() for text in map(source, _FILES) for part in text.split("\n\n"))
    return {head[1]: part for part in parts if (head := _HEAD.search(part))}


def needed(text: str) -> list[str]:
    """The functions that a text calls, after those that they call."""
    found = {*_called(text)}
    return [part for name, part in functions().items() if name in found]


def _called(text: str) -> Iterator[str]:
    for name, part in functions().items():
        if re.search(rf"\b{name}\(", text):
            yield name
            body = part.partition("{")[2]
            yield from _called(body)

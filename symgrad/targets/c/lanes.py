"""Loops whose turns do not depend on each other, and go along memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from symgrad.targets.c.loops import Block, Either, Loop, Node

SHORTEST = 4
"""A loop of fewer turns is no faster in parts."""

FILLED = 8
"""So many numbers processors compute with at once, or a part of so many."""

_STORED = re.compile(r"^\w+(?:->\w+)?\[(?P<place>.+?)\] (?:\+|-)?= ")
_PART = re.compile(r"^const \w+ \w+ = ")
_INDEX = re.compile(r"\[([^\[\]]*)\]")
_CALL = re.compile(r"\b(\w+)\(")
_QUICK = frozenset({"fabs", "sqrt", "larger", "smaller"})
"""Functions that processors, or the file itself, have for several numbers at once."""


def marked(nodes: Iterable[Node], word: str) -> list[Node]:
    """The nodes; those loops have a word before them whose turns may be made at the same time."""
    found = [*nodes]
    for loop in _innermost(found):
        if loop.count < SHORTEST or _is_plain(loop):
            continue
        if all(_is_free(n, loop.variable) for n in loop.body):
            loop.word = word
    return found


def _is_plain(loop: Loop) -> bool:
    """Whether a compiler does better by itself: it sees that nothing is read but numbers.

    Sums that do not fill the parts are better in single numbers: of 10, 290 against 420 µs.
    """
    odd = loop.count % FILLED != 0
    return any(
        line.endswith("= 0.0;") or "= sums[" in line or (odd and line.startswith("sums["))
        for line in map(str, loop.body)
    )


def _innermost(nodes: Iterable[Node]) -> Iterator[Loop]:
    for node in nodes:
        if isinstance(node, Loop) and all(isinstance(n, str) for n in node.body):
            yield node
        elif isinstance(node, Loop | Block):
            yield from _innermost(node.body)
        elif isinstance(node, Either):
            yield from _innermost(node.other)


def _is_free(line: Node, variable: str) -> bool:
    """Whether a line writes one entry after the other, and reads none that another turn writes."""
    assert isinstance(line, str)
    stored = _STORED.match(line)
    if not (_PART.match(line) or (stored and _goes(stored["place"], variable))):
        return False
    if not {*_CALL.findall(line)} <= _QUICK or "part_" in "".join(_INDEX.findall(line)):
        return False
    read = rf"\)\w+\[[^\[\]]*\b{variable}\b"  # a label that is read gives the place of another
    far = rf"\* {variable}\b|- {variable}\b"
    return not re.search(read, line) and not any(re.search(far, x) for x in _INDEX.findall(line))


def _goes(place: str, variable: str) -> bool:
    return re.search(rf"(?:^|\+ ){variable}(?: \+|$)", place) is not None

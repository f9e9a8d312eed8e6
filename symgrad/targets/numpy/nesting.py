"""What is computed for the next line alone is written into it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from symgrad.program.program import is_temporary
from symgrad.targets.about import WIDTH
from symgrad.targets.statements import Assignment, Statement

_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_PART = re.compile(r"\w+\[[^\[\]()]*\]")

_CALLS = frozenset({"map", "reduce", "dot", "matmul", "take", "gather", "contract"})
"""Statements that give a name to what a call gives."""

_READING = frozenset({*_CALLS, "augment", "assign"})
"""Statements whose operands may be any expressions."""

CALLS = 2
"""So many calls that write somewhere may stand in a line."""

Printed = Callable[[Statement], str]


def nested(
    assignments: Sequence[Assignment], kept: Collection[str], printed: Printed
) -> list[Assignment]:
    """The same, with lines of values without a name inside the lines that read them.

    ``kept``: the names that others read.
    """
    uses = Counter(
        n for a in assignments for s in a.all_statements for n in _NAME.findall(printed(s))
    )
    lines = [(k, s) for k, a in enumerate(assignments) for s in a.statements]
    found: list[tuple[int, Statement]] = []
    for place, statement in lines:
        if found and (both := _both(found[-1][1], statement, printed)) is not None:
            value, name = assignments[found[-1][0]].value, found[-1][1].name
            if is_temporary(value) and uses[name] == 2 and name not in kept:
                found[-1] = (place, both)
                continue
        found.append((place, statement))
    return [*_filled(assignments, found)]


def _filled(
    assignments: Sequence[Assignment], lines: Iterable[tuple[int, Statement]]
) -> Iterator[Assignment]:
    """The assignments that still have lines; names that were read go on to where they are now."""
    mine: dict[int, list[Statement]] = {}
    for place, statement in lines:
        mine.setdefault(place, []).append(statement)
    gone: frozenset[str] = frozenset()
    for k, assignment in enumerate(assignments):
        gone |= assignment.uses
        if k in mine:
            yield replace(assignment, statements=tuple(mine[k]), uses=gone)
            gone = frozenset()


def _both(first: Statement, second: Statement, printed: Printed) -> Statement | None:
    """Two statements as one, where the second reads what the first gives a name."""
    line = printed(first)
    is_part = first.kind == "assign" and _PART.fullmatch(first.x)
    if (first.kind not in _CALLS and not is_part) or second.kind not in _READING or "\n" in line:
        return None
    name = re.compile(rf"(?<![\w.]){re.escape(first.name)}\b(?!=)")
    if second.kind == "augment" and second.name == first.name:
        return None
    value = line.partition(" = ")[2]
    operands = [name.sub(lambda _: value, operand, count=1) for operand in second.operands]
    both = replace(second, operands=tuple(operands))
    text = printed(both)
    fits = len(text) <= WIDTH - 4 and text.count("out=") <= CALLS
    return both if fits and both != second else None

"""Loops over the same rows as one: what one value leaves in a row, the next reads there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from symgrad.program.kinds import KINDS
from symgrad.program.program import Op
from symgrad.targets.c.loops import Loop, Node
from symgrad.targets.c.places import Place

_CLEARED = frozenset({"contract", "matmul", "reduce", "trace"})
"""Kinds whose loops may follow others that read nothing: those that clear the result."""

Places = Mapping[str, frozenset[Place]]


@dataclass
class Computed:
    """A value that has loops, and what these need.

    ``reads`` and ``writes``: of values with memory, the places; ``counts``: how far each variable
    counts in the loops; ``scratch``: memory for a moment.
    """

    op: Op
    stage: str
    nodes: Sequence[Node]
    reads: Places
    writes: Places
    counts: Mapping[str, int]
    scratch: Sequence[str] = ()
    late: bool = False
    """Whether only derivatives need it, where others are computed beside them."""

    @property
    def loop(self) -> Loop | None:
        """The loop that may be one with those of other values."""
        *before, last = self.nodes
        free = not KINDS[self.op.kind].changes and self.op.kind not in ("linalg", "loop")
        alone = not before or self.op.kind in _CLEARED
        return last if free and alone and isinstance(last, Loop) else None


Group = list[Computed]


def grouped(computed: Iterable[Computed]) -> list[Group]:
    """Values whose loops go over the same rows, and may be one: each as early as it can be."""
    groups: list[Group] = []
    for part in computed:
        for group in reversed(groups):
            if _may_join(group, part):
                group.append(part)
                break
            if part.loop is None or not all(_are_free(other, part) for other in group):
                groups.append([part])
                break
        else:
            groups.append([part])
    return groups


def _are_free(one: Computed, other: Computed) -> bool:
    """Whether nothing that one of them changes is touched by both."""
    if one.stage != other.stage or one.scratch or other.scratch:
        return False
    changed = one.writes.keys() | other.writes.keys()
    return not any(touched(one, name) and touched(other, name) for name in changed)


def _may_join(group: Group, part: Computed) -> bool:
    mine, theirs = part.loop, group[0].loop
    if mine is None or theirs is None or part.stage != group[0].stage:
        return False
    if (mine.variable, mine.count) != (theirs.variable, theirs.count):
        return False
    return all(_are_apart(other, part, mine.variable) for other in group)


def _are_apart(one: Computed, other: Computed, variable: str) -> bool:
    """Whether what both touch, and one of them changes, is touched row by row."""
    for name in one.writes.keys() | other.writes.keys():
        if touched(one, name) and touched(other, name):
            rows = {*_rows(one, name, variable), *_rows(other, name, variable)}
            if len(rows) != 1 or rows == {0}:
                return False
    return True


def touched(part: Computed, name: str) -> frozenset[Place]:
    """The places at which loops read or write a value."""
    return part.reads.get(name, frozenset()) | part.writes.get(name, frozenset())


def _rows(part: Computed, name: str, variable: str) -> Iterator[int]:
    """How long the rows are in which a value is touched; 0 where it is not row by row."""
    for place in touched(part, name):
        steps = dict(place.steps)
        length = steps.pop(variable, 0)
        known = all(term in part.counts and step > 0 for term, step in steps.items())
        last = place.start + sum(s * (part.counts.get(t, 1) - 1) for t, s in steps.items())
        yield length if known and place.start >= 0 and last < length else 0


def rows_of(group: Group, name: str) -> set[int]:
    """The lengths of the rows of a value in a group; 0 for what is not row by row."""
    loop = group[0].loop
    if loop is None:
        return {0}
    return {n for part in group for n in _rows(part, name, loop.variable)}


def rowed(groups: Iterable[Group], names: Iterable[str]) -> dict[str, str]:
    """Of values those that are only touched row by row in one loop, and what counts the rows."""
    found: dict[str, str] = {}
    everywhere = [*groups]
    for name in names:
        touching = [g for g in everywhere if any(touched(part, name) for part in g)]
        if len(touching) != 1 or len(touching[0]) == 1:
            continue
        loop, rows = touching[0][0].loop, rows_of(touching[0], name)
        if loop is not None and len(rows) == 1 and max(rows) > 1:
            found[name] = loop.variable
    return found

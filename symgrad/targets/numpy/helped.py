"""Lines that compute a function step by step, as one call of a helper of the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from symgrad.targets.statements import Assignment, Statement

_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")

_SIGMOID = (
    ("map", "np.greater_equal"),
    ("map", "np.abs"),
    ("over", "np.negative"),
    ("over", "np.exp"),
    ("map", "np.maximum"),
    ("map", "np.add"),
    ("augment", "/="),
)
"""σ(x) = max(x ≥ 0, e) / (1 + e) with e = exp(-|x|)."""


def helped(assignments: Sequence[Assignment], kept: Collection[str]) -> list[Assignment]:
    """The same, with a call for each run of lines that is a sigmoid and of which none else reads.

    ``kept``: the names that others read.
    """
    assignments = [replace(a, inner=tuple(helped(a.inner, ()))) if a.inner else a
                   for a in assignments]  # fmt: skip
    lines = [(k, s) for k, a in enumerate(assignments) for s in a.statements]
    uses = _uses(s for a in assignments for s in a.all_statements)
    uses.update(kept)
    found: list[tuple[int, Statement]] = []
    for line in lines:
        found.append(line)
        run = [s for _, s in found[-len(_SIGMOID) :]]
        if [(s.kind, s.function) for s in run] == [*_SIGMOID] and (call := _sigmoid(run, uses)):
            found[-len(_SIGMOID) :] = [(line[0], call)]
    return [*_filled(assignments, found)]


def _uses(statements: Iterable[Statement]) -> Counter[str]:
    """How many texts of statements have each name."""
    return Counter(n for s in statements for x in _texts(s) for n in set(_NAME.findall(x)))


def _texts(statement: Statement) -> Iterator[str]:
    yield from (*statement.operands, statement.out)


def _sigmoid(run: Sequence[Statement], uses: Counter[str]) -> Statement | None:
    """The call that does what the lines do, where they belong together."""
    mask, size, negative, power, top, below, value = run
    x, e, p = size.x, size.name, top.name
    together = (
        mask.x == f"{x}, 0"
        and (negative.x, negative.out, power.x, power.out) == (e,) * 4
        and (top.x, below.x) == (f"{mask.name}, {e}", f"1, {e}")
        and (value.name, value.x) == (p, below.name)
    )
    mine = _uses(run)
    alone = all(uses[name] == mine[name] for name in (mask.name, e, below.name))
    if not together or not alone:
        return None
    rooms = ", ".join([x, mask.out, size.out, size.out if below.out == e else below.out])
    return Statement("map", p, (rooms,), "_sigmoid", top.out)


def _filled(
    assignments: Sequence[Assignment], lines: Sequence[tuple[int, Statement]]
) -> Iterator[Assignment]:
    """The assignments that still have lines; names that were read go on to where they are now."""
    gone: frozenset[str] = frozenset()
    for k, assignment in enumerate(assignments):
        gone |= assignment.uses
        if mine := tuple(s for place, s in lines if place == k):
            yield replace(assignment, statements=mine, uses=gone)
            gone = frozenset()

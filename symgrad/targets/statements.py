"""What the lines of a function do, as data: the macros of a language print them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symgrad.mathematics.sizes import Size
from symgrad.program.program import is_temporary


@dataclass(frozen=True)
class Statement:
    """One statement, which the macro called ``kind`` prints.

    ``name`` is the variable that gets the value or is changed, ``operands`` are the expressions
    that are read, ``function`` is what computes or the sign that changes, ``out`` is the memory
    that is written to, and ``detail`` what else the macro needs.
    """

    kind: str
    name: str
    operands: tuple[str, ...] = ()
    function: str = ""
    out: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def x(self) -> str:
        """The first operand."""
        return self.operands[0]

    @property
    def y(self) -> str:
        """The second operand."""
        return self.operands[1]


@dataclass(frozen=True)
class Assignment:
    """The statements that compute one value, and ``others`` with it where there are any.

    ``local`` is what the function calls it, or all of them; ``uses`` are the names in the
    statements: of sizes, arguments and other values.
    """

    value: str
    local: str
    shape: tuple[Size, ...]
    statements: tuple[Statement, ...]
    others: tuple[str, ...] = ()
    uses: frozenset[str] = frozenset()
    inner: tuple[Assignment, ...] = ()
    """What the last of its statements, a loop, does again and again."""

    @property
    def all_statements(self) -> Iterator[Statement]:
        """Its own, and those inside of its loop."""
        yield from self.statements
        for assignment in self.inner:
            yield from assignment.all_statements

    @property
    def locals(self) -> Sequence[str]:
        """The names that its statements give values to."""
        return self.local.split(", ")


def grouped(assignments: Iterable[Assignment]) -> Iterator[Assignment]:
    """Each value that has a name, with the statements just before it that begin it in its place."""
    waiting: list[Assignment] = []
    for assignment in assignments:
        if is_temporary(assignment.value):
            waiting.append(assignment)
            continue
        start = len(waiting)
        while start and waiting[start - 1].local == assignment.local:
            start -= 1
        yield from waiting[:start]
        yield _together([*waiting[start:], assignment])
        waiting = []
    yield from waiting


def _together(parts: Sequence[Assignment]) -> Assignment:
    """Several as one, which computes the value of the last."""
    return replace(
        parts[-1],
        statements=tuple(s for p in parts for s in p.statements),
        uses=frozenset().union(*(p.uses for p in parts)),
    )

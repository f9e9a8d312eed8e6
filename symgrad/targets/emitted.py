"""A generated file, and which of its lines compute what."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symgrad.targets.about import WIDTH, shape_text
from symgrad.targets.statements import Assignment, Statement


@dataclass(frozen=True)
class Passage:
    """Lines of a function that belong together; ``first`` is the number of the first of them.

    ``comment`` is the equation of ``value``, which they compute; where there is none they prepare
    what follows the function, or they open or close it.  ``apart``: after an empty line.
    ``inner`` are passages in its code, in a loop; ``first`` counts the lines of ``code`` there.
    """

    function: str
    code: tuple[str, ...]
    value: str = ""
    comment: tuple[str, ...] = ()
    first: int = 0
    apart: bool = False
    inner: tuple[Passage, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them, in order."""
        return self.comment + self.code


Part = str | Sequence[Passage]
"""What stands between two gaps of a file: text, or a function in passages."""


@dataclass(frozen=True)
class Emitted:
    """The text of a file, and the passages of its functions.

    ``main``: the functions that compute the output and all of its derivatives, in order.
    ``beside``: the texts of other files that go with it, by what their names end with.
    """

    text: str
    passages: tuple[Passage, ...]
    main: tuple[str, ...]
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of all files."""
        return (self.text, *self.beside.values())

    @classmethod
    def of(cls, parts: Iterable[Part], main: tuple[str, ...], gap: int = 2) -> Emitted:
        """Parts one under the other, with so many empty lines between them."""
        lines: list[str] = []
        passages: list[Passage] = []
        for part in parts:
            lines += [""] * gap if lines else []
            if isinstance(part, str):
                lines += part.split("\n")
                continue
            for passage in part:
                lines += [""] if passage.apart and lines and not lines[-1].endswith(":") else []
                passages.append(replace(passage, first=len(lines) + 1))
                lines += passage.lines
        return cls("\n".join([*lines, ""]), tuple(passages), main)


def passages(
    function: str,
    assignments: Iterable[Assignment],
    formulas: Mapping[str, str],
    printed: Callable[[Statement], str],
    sign: str,
    width: int = WIDTH - 4,
) -> Iterator[Passage]:
    """Each value with its equation above the first of the lines that lead to it and no further.

    ``printed`` writes a statement; ``sign`` begins a comment, which has ``width`` letters of room.
    """
    waiting: list[Assignment] = []

    def passage(some: Iterable[Assignment], value: str = "", above: Sequence[str] = ()) -> Passage:
        lines: list[str] = []
        inner: list[Passage] = []
        for a in some:
            lines += indented(line for s in a.statements for line in lines_of(printed(s)))
            for p in passages(function, a.inner, formulas, printed, sign, width - 4):
                inner.append(_further_in(p, len(lines)))
                lines += inner[-1].lines
        return Passage(function, tuple(lines), value, tuple(above), apart=True, inner=tuple(inner))

    for assignment in assignments:
        waiting.append(assignment)
        if formula := formulas.get(assignment.value, ""):
            others, mine = _for_the_last(waiting)
            if others:
                yield passage(others)
            told = f"{formula}  {shape_text(assignment.shape)}".strip()
            above = indented(line for t in told.split("\n") for line in comment(t, sign, width))
            yield passage(mine, assignment.value, above)
            waiting = []
    if waiting:
        yield passage(waiting)


def _further_in(passage: Passage, first: int) -> Passage:
    """A passage in a loop, which begins so many lines after the code that the loop is in."""
    inner = tuple(_further_in(p, p.first) for p in passage.inner)
    code, above = indented(passage.code), indented(passage.comment)
    return replace(passage, code=code, comment=above, first=first, inner=inner)


def _for_the_last(some: Sequence[Assignment]) -> tuple[Sequence[Assignment], Sequence[Assignment]]:
    """What stands before all that the last one needs, and the others."""
    first, wanted = len(some) - 1, set(some[-1].uses)
    for k in range(first - 1, -1, -1):
        if not wanted.isdisjoint(some[k].locals):
            first, wanted = k, wanted | some[k].uses
    return some[:first], some[first:]


def comment(text: str, sign: str, width: int) -> list[str]:
    """A comment in as many lines as it needs; those that go on are indented."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"{sign} ",
        subsequent_indent=f"{sign}     ",
        break_long_words=False,
    )


def lines_of(text: str) -> list[str]:
    """The lines of a text, without the end of the last."""
    return text.removesuffix("\n").split("\n")


def indented(lines: Iterable[str]) -> tuple[str, ...]:
    """Lines as they stand inside a function."""
    return tuple("    " + line if line else "" for line in lines)

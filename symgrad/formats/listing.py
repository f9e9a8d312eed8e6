"""Generated code, statement by statement, each with the equation that it computes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from symgrad.formats.sheet import Code
from symgrad.targets.emitted import Passage


@dataclass(frozen=True)
class Statement:
    """Lines of code that belong together; ``name``: the value that they compute.

    ``before`` are the lines that prepare it, ``comment`` is the equation as the code has it.
    """

    name: str
    before: str
    comment: str
    code: str

    @property
    def margin(self) -> str:
        """What stands before its comment."""
        return self.comment[: len(self.comment) - len(self.comment.lstrip())]


def statements(code: Code) -> Iterator[Statement]:
    """The functions that compute everything; an equation stands above what computes it.

    What stands between two of them is written before the second.
    """
    waiting: list[Passage] = []
    function = ""
    for passage in _pieces(p for p in code.file.passages if p.function in code.file.main):
        if not passage.value:
            waiting.append(passage)
            continue
        comment, lines = "\n".join(passage.comment), "\n".join(passage.code)
        yield Statement(passage.value, _text(waiting, function), comment, lines)
        waiting, function = [], passage.function
    if waiting:
        yield Statement("", "", "", _text(waiting, function))


def _pieces(passages: Iterable[Passage]) -> Iterator[Passage]:
    """Passages one after the other, also those in loops, with what is around them in parts."""
    for passage in passages:
        yield from _around(passage)


def _around(passage: Passage) -> Iterator[Passage]:
    """The parts of a passage before, between and after those in its loops."""
    whole, at = replace(passage, inner=()), 0
    for inner in passage.inner:
        if at == 0 or inner.first > at:
            yield replace(whole, code=passage.code[at : inner.first])
        yield from _around(inner)
        whole, at = replace(whole, comment=()), inner.first + len(inner.lines)
    if at < len(passage.code) or not at:
        yield replace(whole, code=passage.code[at:])


_WORDS = (
    "def|return|for|in|if|else|elif|while|with|as|import|from|None|True|False|and|or|not|is|lambda"
    "|raise|class|yield|void|const|double|float|int|static|struct|sizeof|restrict|inline|size_t"
)
"""Of Python and of C."""

_TOKENS = re.compile(
    r"(?P<comment>#.*|//.*|/\*.*?\*/)|(?P<string>\"[^\"\n]*\"|'[^'\n]*')"
    rf"|(?P<word>\b(?:{_WORDS})\b)|(?P<number>(?<![\w.])\d[\d.]*(?:e[-+]?\d+)?)"
)


def coloured(code: str) -> Iterator[tuple[str, str]]:
    """Code in pieces, each with its kind: comment, string, word, number, or nothing."""
    end = 0
    for found in _TOKENS.finditer(code):
        yield "", code[end : found.start()]
        yield found.lastgroup or "", found.group()
        end = found.end()
    yield "", code[end:]


def _text(passages: Iterable[Passage], function: str) -> str:
    """Their lines, with an empty one where another function begins; ``function``: the last."""
    lines: list[str] = []
    for passage in passages:
        lines += [""] if function not in ("", passage.function) else []
        lines += passage.lines
        function = passage.function
    return "\n".join(lines)

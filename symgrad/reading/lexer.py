"""The text of an expression as words and signs, each with its column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from symgrad.errors import SpecError, caller, visible

LONGEST = 2000
"""So many characters has an expression at most."""


class ParseError(SpecError):
    """A text that is no expression; ``column`` counts from 1.

    As text it shows the expression alone: not the lines of the program that was given it, which a
    service would show to others.
    """

    def __init__(self, what: str, text: str, column: int, hint: str = "") -> None:
        self.column = column
        shown = _part(text, column)
        super().__init__(
            f"{what} (column {column})", where=caller(), hint=f"{hint}\n  {shown}".strip("\n")
        )

    def __str__(self) -> str:
        return str(SpecError(self.what, hint=self.hint))


def _part(text: str, column: int) -> str:
    """The text around a column, and a sign under it."""
    start = max(column - 31, 0)
    line = "".join(c if c.isprintable() else "?" for c in text[start : column + 40])
    return f"{line}\n  {' ' * (column - 1 - start)}^"


@dataclass(frozen=True)
class Token:
    """A word, number, string or sign; ``kind`` is its name below, or the sign itself."""

    kind: str
    text: str
    column: int


_WORD = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_STRING = re.compile(r"'[A-Za-z,>. -]{0,80}'|\"[A-Za-z,>. -]{0,80}\"")
_SIGN = re.compile(r"\*\*|//|<=|>=|==|!=|\.\.\.|[-+*/@()\[\],:=<>.&|^~]")
_KINDS = (("word", _WORD), ("number", _NUMBER), ("string", _STRING), ("", _SIGN))

END = "end"


def tokens(text: str) -> list[Token]:
    """The words and signs of an expression; ParseError where there is something else."""
    if not isinstance(text, str):
        raise SpecError(f"an expression is a text, not {type(text).__name__}", where=caller())
    if len(text) > LONGEST:
        raise ParseError(f"an expression of more than {LONGEST} characters", text, LONGEST + 1)
    return [*_tokens(text), Token(END, "the end", len(text) + 1)]


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        if text[place] in " \t\n":
            place += 1
            continue
        found = next(((k, m) for k, p in _KINDS if (m := p.match(text, place))), None)
        if found is None:
            raise ParseError(f"{_said(text[place])} has no meaning here", text, place + 1)
        kind, match = found
        shown = match.group()
        if kind == "word":
            shown = unicodedata.normalize("NFKC", shown)
        yield Token(kind or shown, shown, place + 1)
        place = match.end()


def _said(char: str) -> str:
    return repr(char) if char.isprintable() else f"the character {visible(char)}"

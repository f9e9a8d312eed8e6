"""The errors that a user sees: what is wrong, where in the spec, and what to do."""

from __future__ import annotations

import difflib
import linecache
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

_PACKAGE = str(Path(__file__).parent)


@dataclass(frozen=True)
class Location:
    """A line of the user's code; ``offset`` tells how far in it the program was."""

    file: str
    line: int
    function: str = "<module>"
    offset: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The line itself, without its indentation."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        try:
            shown = str(Path(self.file).relative_to(Path.cwd()))
        except ValueError:
            shown = self.file
        return f"{shown}:{self.line}:  {self.text}".rstrip()


def caller() -> Location:
    """The innermost line that belongs neither to symgrad nor to a library: the line of the spec."""
    return next(_callers())


def returned_to() -> tuple[Location, ...]:
    """The lines that a value built now is handed to: the caller's, and on from each `return`."""
    lines: list[Location] = []
    for line in _callers():
        lines.append(line)
        if not line.text.startswith("return"):
            break
    return tuple(lines)


def _callers() -> Iterator[Location]:
    """The lines of the user's code that led here, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE) and "site-packages" not in code.co_filename:
            yield Location(code.co_filename, frame.f_lineno, code.co_name, frame.f_lasti)
        frame = frame.f_back


class SymgradError(Exception):
    """What is wrong; ``where`` in the spec; ``hint``: what to do about it."""

    def __init__(self, what: str, *, where: Location | None = None, hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where is not None:
            lines.append(f"  {self.where}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)


class SpecError(SymgradError):
    """The spec, or the use of the library, is wrong or not supported."""


class CheckError(SymgradError):
    """A check of a derivation or of a generated file failed."""


def perhaps(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is not there: those that are close, or all that there are."""
    names = list(dict.fromkeys(known))
    lower = [n.lower() for n in names]
    near = difflib.get_close_matches(name.lower(), lower, n=3)
    close = [n for n, low in zip(names, lower, strict=True) if low in near]
    return f"perhaps {' or '.join(close)}" if close else f"there are {', '.join(names)}"

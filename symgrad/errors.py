"""The errors that a user sees: what is wrong, where in the spec, and what to do."""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)


@dataclass(frozen=True)
class Location:
    """A line of the user's code."""

    file: str
    line: int
    function: str = "<module>"

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
    frame = sys._getframe(1)
    while frame.f_back is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and "site-packages" not in file:
            break
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


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

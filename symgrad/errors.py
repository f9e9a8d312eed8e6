"""The errors that a user sees: what is wrong, where in the spec, and what to do."""

from __future__ import annotations

import difflib
import linecache
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType

_OTHERS = (str(Path(__file__).parent), str(Path(difflib.__file__).parent), "<frozen ")
"""What the code of symgrad and of Python's library begins with."""


@dataclass(frozen=True)
class Location:
    """A line of the user's code; ``offset`` tells how far in it the program was."""

    file: str
    line: int
    function: str = "<module>"
    offset: int = field(default=0, compare=False)
    code: CodeType | None = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[type[Location], tuple[str, int, str, int]]:
        """Without the code, which can't be sent to another process."""
        return Location, (self.file, self.line, self.function, self.offset)

    @property
    def text(self) -> str:
        """The line itself, without its indentation."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def span(self) -> tuple[int, int] | None:
        """Which bytes of its text the program was at; None where that is not known."""
        positions = self.code.co_positions() if self.code else iter(())
        first, last, begin, end = next(islice(positions, self.offset // 2, None), (None,) * 4)
        if first != last or begin is None or end is None:
            return None
        line = linecache.getline(self.file, self.line)
        indent = len(line) - len(line.lstrip())
        return begin - indent, end - indent

    def __str__(self) -> str:
        try:
            shown = str(Path(self.file).relative_to(Path.cwd()))
        except ValueError:
            shown = self.file
        return f"{shown}:{self.line}:  {self.text}".rstrip()


NOWHERE = Location("", 0)
"""Where nobody called but the command line."""


def caller() -> Location:
    """The innermost line that belongs neither to symgrad nor to a library: the line of the spec."""
    return next(_callers(), NOWHERE)


def returned_to() -> tuple[Location, ...]:
    """The lines that a value built now is handed to: the caller's, and on from each `return`."""
    lines: list[Location] = []
    for line in _callers():
        lines.append(line)
        if not (_RETURNS.match(line.text) or line.function == "<lambda>"):
            break
    return tuple(lines) or (NOWHERE,)


_RETURNS = re.compile(r"(def .*: *)?return\b")
"""A line that hands on what is computed in it; a function may be one line."""


def _callers() -> Iterator[Location]:
    """The lines of the user's code that led here, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_OTHERS) and "site-packages" not in code.co_filename:
            yield Location(code.co_filename, frame.f_lineno, code.co_name, frame.f_lasti, code)
        frame = frame.f_back


_LONGEST = 400
"""The most characters of a line of a message: a spec, or what it raises, may have endless ones."""


def visible(text: str, most: int = 0) -> str:
    """Text for a terminal: what would steer it is written out; shortened to ``most`` characters."""
    shown = text if text.isprintable() else "".join(map(_visible, text))
    return f"{shown[: most - 1]}…" if most and len(shown) > most else shown


def _visible(char: str) -> str:
    return char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()


class SymgradError(Exception):
    """What is wrong; ``where`` in the spec; ``hint``: what to do about it."""

    def __init__(self, what: str, *, where: Location | None = None, hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where not in (None, NOWHERE):
            lines.append(f"  {self.where}")
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(visible(line, _LONGEST) for line in "\n".join(lines).split("\n"))


class SpecError(SymgradError):
    """The spec, or the use of the library, is wrong or not supported."""


class CheckError(SymgradError):
    """A check of a derivation or of a generated file failed."""


class Fault(SymgradError):
    """Something that symgrad itself does wrong."""

    def __init__(self, error: BaseException, where: Location | None = None) -> None:
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        place = traceback.extract_tb(error.__traceback__)[-1]
        super().__init__(
            f"symgrad failed where it should not ({said})",
            where=where,
            hint=f"it is not your mistake: please report it, with the spec and this place: "
            f"{Path(place.filename).name}:{place.lineno}",
        )


class OutputError(SymgradError, OSError):
    """What was to be written could not be."""


def perhaps(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is not there: those that are close, or all that there are."""
    names = list(dict.fromkeys(known))
    lower = [n.lower() for n in names]
    near = difflib.get_close_matches(name.lower(), lower, n=3)
    close = [n for n, low in zip(names, lower, strict=True) if low in near]
    if close:
        return f"perhaps {' or '.join(close)}"
    return f"there are {', '.join(names)}" if names else ""


# -- an interrupt ---------------------------------------------------------------------------------


def _answered(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An interrupt while the command line is imported ends it, as it does afterwards."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    with suppress(Exception):
        print("interrupted", file=sys.stderr, flush=True)
    os._exit(130)


def _is_command() -> bool:
    """Whether Python was started for the command line."""
    started = Path(sys.argv[0]).stem if getattr(sys, "argv", None) else ""
    return started == "symgrad" or sys.orig_argv[1:3] == ["-m", "symgrad"]


if _is_command():
    sys.excepthook = _answered

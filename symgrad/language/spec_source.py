"""The text of a spec: read, run, and pointed at line by line."""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import math
import re
import runpy
import sys
import tokenize
import traceback
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symgrad.errors import Location, SpecError, SymgradError
from symgrad.language.registry import close_names
from symgrad.language.spec_arrays import with_values
from symgrad.language.spec_modules import builtins_of_specs
from symgrad.language.spec_process import apart


@dataclass(frozen=True)
class Source:
    """The text of a spec, for pointing at its lines."""

    path: Path
    text: str

    def at(self, line: int) -> Location:
        """The location of a line, counted from 1."""
        return Location(str(self.path), line)

    def end(self) -> Location:
        """The last line that holds something."""
        return self.at(self.text.rstrip().count("\n") + 1)

    def binding(self, name: str) -> Location | None:
        """Where the module last binds a name at its top level."""
        node = self._assignment(name)
        return None if node is None else self.at(node.lineno)

    def key(self, table: str, key: str) -> Location | None:
        """Where the dict ``table`` has ``key``; where it is bound, if that can't be seen."""
        node = self._assignment(table)
        found = [
            child.lineno
            for child in (ast.walk(node) if node is not None else ())
            if isinstance(child, ast.Constant)
            and isinstance(child.value, str)
            and unicodedata.normalize("NFKC", child.value) == key
        ]
        return self.at(found[0]) if found else self.binding(table)

    def raised(self, error: BaseException) -> Location:
        """The deepest line of this file that an exception came through."""
        return self.at([1, *self.passed(error)][-1])

    def passed(self, error: BaseException) -> list[int]:
        """The lines of this file that an exception came through."""
        return [
            line
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename == str(self.path)
        ]

    def _assignment(self, name: str) -> ast.stmt | None:
        bound = [node for node in ast.parse(self.text).body if name in _targets(node)]
        return bound[-1] if bound else None


def _targets(node: ast.stmt) -> set[str]:
    """The names that a statement binds."""
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return {n.id for n in stored if isinstance(n.ctx, ast.Store)}


def read(path: Path) -> str:
    """The text of a spec; SpecError where it can't be read."""
    return text_of(path, "a spec is a Python file in UTF-8")


def text_of(path: Path, expected: str, newline: str | None = None) -> str:
    """The text of a Python file, or of another one; SpecError where it can't be read.

    Its lines end with \\n, or with ``newline=""`` as they do in the file.
    """
    if not path.is_file():
        folder = "is a folder, not a file"
        other = "is no file that has an end" if path.exists() else "does not exist"
        what = folder if path.is_dir() else other
        raise SpecError(f"the file {path} {what}", hint=_other_files(path))
    try:
        return decoded(path.read_bytes(), newline)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        said = f"in line {line} a byte is none of {error.encoding}"
    except (OSError, SyntaxError, LookupError, UnicodeError) as error:
        said = str(error)
    raise SpecError(
        f"the file {path} can't be read: {said}",
        hint=f"{expected}, or in what its first line declares",
    )


def decoded(data: bytes, newline: str | None = None) -> str:
    """The text of a Python file, in the encoding that it declares; lines end with \\n."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        if "unknown" in str(error):
            raise
        encoding = "utf-8"
    return io.TextIOWrapper(io.BytesIO(data), encoding, newline=newline).read()


def _other_files(path: Path) -> str:
    folder = path if path.is_dir() else path.parent
    there = sorted(p.name for p in folder.glob("*.py")) if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, there, n=1) or there[:3]
    looked = f"looked in {folder.resolve()}"
    names = " or ".join(str(folder / name) for name in near)
    return f"{looked}\n  " + (f"perhaps {names}" if near else "give the path of a Python file")


def _no_python(source: Source, why: str, line: int | None) -> SpecError:
    return SpecError(
        f"the spec is not valid Python: {why}",
        where=source.at(line or 1),
        hint="mend this line, or the one before it",
    )


def run(source: Source) -> dict[str, Any]:
    """The namespace of a spec; what it prints goes to stderr."""
    path = str(source.path)
    try:
        _check_bytes(source)
        _check_numbers(source)
        with _first_on_path(source.path.parent), apart() as raised:
            space = {"__builtins__": builtins_of_specs()}
            name = f"spec_{source.path.stem}"
            found = with_values(lambda: runpy.run_path(path, dict(space), name))
        for error in raised:  # of threads
            raise error
        return found
    except SpecError as error:
        error.where = error.where or source.raised(error)
        raise
    except SyntaxError as error:
        if error.filename != path:
            raise _raised(source, error) from error
        raise _no_python(source, error.msg, error.lineno) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error.__cause__, SpecError):  # what NumPy has put words of its own around
            raise error.__cause__ from None
        raise _raised(source, error) from error


def _check_bytes(source: Source) -> None:
    """SpecError where there is a null byte, for which Pythons have different errors."""
    before, null, _ = source.text.partition("\0")
    if null:
        line = before.count("\n") + 1
        raise _no_python(source, "source code string cannot contain null bytes", line)


def _check_numbers(source: Source) -> None:
    """SpecError where a number is written that Python reads as an infinity, without a word."""
    if not _EXPONENT.search(source.text):
        return
    for node in ast.walk(ast.parse(source.text, str(source.path))):
        if isinstance(node, ast.Constant) and node.value == math.inf:
            written = ast.get_source_segment(source.text, node)
            raise SpecError(
                f"the number {written} is larger than any float64",
                where=source.at(node.lineno),
                hint="numbers from 1e-307 to 1e307 can be used; an infinity is np.inf",
            )


_EXPONENT = re.compile(r"e\+?\d{3}|\d{300}", re.IGNORECASE)


@contextlib.contextmanager
def reading(source: Source) -> Iterator[None]:
    """What objects of a spec do while they are read is told as what the spec does when it runs."""
    try:
        with apart():
            yield
    except (SymgradError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, Exception) and not source.passed(error):
            raise
        raise _raised(source, error) from error


def _way_out(message: str) -> str:
    if re.search(r"ufunc|dtype\('O'\)|object arrays", message):
        return (
            "np.array([[a, b], [c, d]]) of values keeps them one by one: "
            "np.block([[a, b], [c, d]]) makes one value of them"
        )
    if missing := re.fullmatch(r"module 'numpy\S*' has no attribute '(\w+)'.*", message):
        return close_names(missing[1]) or "NumPy has no such function"
    return "a spec has to run as a Python script does"


def _said(error: BaseException) -> str:
    """The message of an exception in one line, if it has one."""
    try:
        return " ".join(str(error).split())
    except Exception:
        return ""


def _raised(source: Source, error: BaseException) -> SpecError:
    message = _said(error)
    kind = type(error).__name__
    return SpecError(
        f"the spec raised {kind}: {message}" if message else f"the spec raised {kind}",
        where=source.raised(error),
        hint=_way_out(message),
    )


@contextlib.contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """Let a spec import the modules beside it, as a script can."""
    before = sys.path[:]
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path[:] = before

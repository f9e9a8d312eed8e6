"""What is audited, as text: a file, a notebook or functions, and where each of its lines stands."""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from symgrad.errors import SpecError


@dataclass(frozen=True)
class Source:
    """The lines of a program; ``cells`` and ``lines`` tell where each of them stands.

    ``typed`` are the lines as they were typed, before what is IPython's was taken out.
    """

    file: str
    text: str
    typed: tuple[str, ...]
    cells: tuple[int | None, ...]
    lines: tuple[int, ...]
    folder: Path | None = None
    offset: int = 0
    """The line of the file before the first, where the text is a part of it."""

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree; SpecError where it is no Python."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            at = f", line {line}" if line else ""
            raise SpecError(f"{self.file} is not Python{at}: {error}") from None

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each line begins in the text."""
        found, at = [], 0
        for line in self.text.split("\n"):
            found.append(at)
            at += len(line) + 1
        return tuple(found)

    def place(self, line: int) -> tuple[int | None, int]:
        """The cell and the line in it, or in the file, of a line of the text."""
        if not 0 < line <= len(self.lines):
            return None, line
        return self.cells[line - 1], self.lines[line - 1]

    def shown(self, line: int) -> str:
        """A line as it was typed."""
        return self.typed[line - 1].strip() if 0 < line <= len(self.typed) else ""

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        return (
            self._at(node.lineno, node.col_offset),
            self._at(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def _at(self, line: int, column: int) -> int:
        """Python counts the bytes of a line, text its letters."""
        start = self.starts[line - 1]
        row = self.text[start : start + column + 1]
        if not row.isascii():
            whole = self.text[start:].split("\n", 1)[0]
            column = len(whole.encode()[:column].decode(errors="ignore"))
        return start + column

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]


def read(path: Path) -> Source:
    """A Python file or a notebook; SpecError where it can't be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise SpecError(f"{path} can't be read: {said.lower()}") from None
    folder = path.resolve().parent
    if path.suffix == ".ipynb":
        return _notebook(path, text, folder)
    return plain(str(path), text, folder)


def needed(source: Source, function: str) -> Source:
    """What a function of a file needs of it: the rest of the file need not be run for it."""
    kept: set[ast.stmt] = set()
    wanted = {function.split(".")[0]}
    while True:
        more = {s for s in source.tree.body if s not in kept and (bound(s) & wanted or _is_path(s))}
        if not more:
            break
        kept |= more
        wanted |= {n.id for s in more for n in ast.walk(s) if isinstance(n, ast.Name)}
    gone = [s for s in source.tree.body if s not in kept and not isinstance(s, _IMPORTS)]
    lines = source.text.split("\n")
    for statement in gone:
        first = min([statement, *getattr(statement, "decorator_list", [])], key=lambda n: n.lineno)
        for k in range(first.lineno - 1, statement.end_lineno or statement.lineno):
            lines[k] = ""
    return replace(source, text="\n".join(lines))


_IMPORTS = (ast.Import, ast.ImportFrom)


def bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    nodes = ast.walk(statement)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _is_path(statement: ast.stmt) -> bool:
    """Whether a statement says where modules are found."""
    return isinstance(statement, ast.Expr) and "sys.path" in ast.unparse(statement)


def plain(file: str, text: str, folder: Path | None = None, offset: int = 0) -> Source:
    """A program in one piece."""
    typed = text.split("\n")
    clean = text if _parses(text) else "\n".join(_without_magic(typed))
    count = len(typed)
    numbers = tuple(range(1 + offset, 1 + offset + count))
    return Source(file, clean, tuple(typed), (None,) * count, numbers, folder, offset)


def _notebook(path: Path, text: str, folder: Path) -> Source:
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError):
        raise SpecError(f"{path} is no notebook") from None
    typed: list[str] = []
    clean: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in enumerate(cells):
        if cell.get("cell_type") == "code":
            lines = "".join(cell.get("source", "")).split("\n")
            typed += lines
            clean += lines if _parses("\n".join(lines)) else _without_magic(lines)
            places += [(number, k) for k in range(1, len(lines) + 1)]
    spots = tuple(cell for cell, _ in places)
    return Source(
        str(path), "\n".join(clean), tuple(typed), spots, tuple(k for _, k in places), folder
    )


_MAGIC = re.compile(r"(\s*)([%!?]|[\w.]+\s*=\s*[%!]|.*\?\??\s*$)")
_OTHER_LANGUAGE = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b)\w")


def _without_magic(lines: list[str]) -> list[str]:
    """The lines without what IPython alone can read."""
    first = next((line for line in lines if line.strip()), "")
    if _OTHER_LANGUAGE.match(first):
        return ["" for _ in lines]
    found = []
    for line in lines:
        magic = _MAGIC.match(line)
        found.append(f"{magic[1]}pass" if magic else line)
    return found


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def patch(before: Source, after: str) -> str:
    """The difference that repairs make, as a patch of the file, or of the cells of a notebook."""
    changed = after.split("\n")
    shown = (
        [
            b if a == c else c
            for a, b, c in zip(before.text.split("\n"), before.typed, changed, strict=True)
        ]
        if len(changed) == len(before.typed)
        else changed
    )
    if None in before.cells or len(shown) != len(before.typed):
        return "".join(_diff(before.file, list(before.typed), shown))
    cells = list(dict.fromkeys(before.cells))
    parts = (
        _diff(
            f"{before.file} (cell {cell})",
            [t for t, c in zip(before.typed, before.cells, strict=True) if c == cell],
            [t for t, c in zip(shown, before.cells, strict=True) if c == cell],
        )
        for cell in cells
    )
    return "".join(line for part in parts for line in part)


def _diff(name: str, before: list[str], after: list[str]) -> Iterator[str]:
    name = name.lstrip("/")
    lines = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm="")
    return (f"{line}\n" for line in lines)

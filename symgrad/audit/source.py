"""What is audited, as text: a file, a notebook or functions, and where each of its lines stands."""

from __future__ import annotations

import ast
import itertools
import json
import re
import symtable
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from symgrad.errors import Location, SpecError
from symgrad.language import spec_source


@dataclass(frozen=True)
class Spot(Location):
    """A line of a program, which may be one of a cell of a notebook."""

    cell: int | None = None
    typed: str = ""

    def __str__(self) -> str:
        at = f":{self.line}" if self.cell is None else f", cell {self.cell}, line {self.line}"
        return f"{self.file}{at}:  {self.typed}".rstrip()


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
    file_text: str = ""
    """Of a file all of its text, its lines ending as they do there."""

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree; SpecError where it is no Python."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or self.text.partition("\0")[0].count("\n") + 1
            raise SpecError(
                f"{self.file} is not valid Python: {getattr(error, 'msg', error)}",
                where=self.spot(line),
                hint="mend this line, or the one before it",
            ) from None
        except (RecursionError, MemoryError):
            raise SpecError(
                f"{self.file} is nested too deeply to be read",
                hint="give the values on the way names of their own",
            ) from None

    @cached_property
    def read(self) -> Counter[str]:
        """How often each name is read."""
        names = (n for n in ast.walk(self.tree) if isinstance(n, ast.Name))
        return Counter(n.id for n in names if isinstance(n.ctx, ast.Load))

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

    def spot(self, line: int) -> Spot:
        """Where a line of the text stands, to tell of it."""
        return Spot(
            self.file, self.place(line)[1], cell=self.place(line)[0], typed=self.shown(line)
        )

    def named(self, line: int) -> str:
        """A line as its author counts it."""
        cell, at = self.place(line)
        return f"line {at}" if cell is None else f"cell {cell}, line {at}"

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

    def indent(self, node: ast.stmt) -> str:
        """What stands before a statement in its line."""
        start = self.span(node)[0]
        return self.text[self.text.rfind("\n", 0, start) + 1 : start]

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]


def read(path: Path) -> Source:
    """A Python file or a notebook; SpecError where it can't be read."""
    notebook = path.suffix == ".ipynb"
    text = spec_source.text_of(
        path, "a notebook is in UTF-8" if notebook else "a program is in UTF-8"
    )
    folder = path.resolve().parent
    found = _notebook(path, text, folder) if notebook else plain(str(path), text, folder)
    return replace(found, file_text=spec_source.text_of(path, "", newline=""))


def needed(source: Source, function: str) -> Source:
    """What a function of a file needs of it: the rest of the file need not be run for it."""
    kept: set[ast.stmt] = set()
    wanted = {function.split(".")[0]}
    while True:
        more = {s for s in source.tree.body if s not in kept and (bound(s) & wanted or _is_path(s))}
        if not more:
            break
        kept |= more
        wanted |= {name for s in more for name in _read_outside(s)}
    gone = [s for s in source.tree.body if s not in kept and not isinstance(s, _IMPORTS)]
    lines = source.text.split("\n")
    for statement in gone:
        first = min([statement, *getattr(statement, "decorator_list", [])], key=lambda n: n.lineno)
        for k in range(first.lineno - 1, statement.end_lineno or statement.lineno):
            lines[k] = ""
    return replace(source, text="\n".join(lines))


_IMPORTS = (ast.Import, ast.ImportFrom)


def _read_outside(statement: ast.stmt) -> set[str]:
    """The names of a module that a statement reads: arguments and a function's own are not."""
    tables = [symtable.symtable(ast.unparse(statement), "<statement>", "exec")]
    found = {s.get_name() for s in tables[0].get_symbols()}
    for table in tables:
        found |= {s.get_name() for s in table.get_symbols() if s.is_global()}
        tables += table.get_children()
    return found


def declares(tree: ast.Module) -> bool:
    """Whether a program is a spec: it declares inputs and assigns the loss."""
    names = {n.id for s in tree.body for n in ast.walk(s) if isinstance(n, ast.Name)}
    declared = {"param", "data"} & {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    modules = (a.name for s in tree.body if isinstance(s, ast.Import) for a in s.names)
    return bool(declared) and "symgrad" in modules and "loss" in names


def bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    nodes = ast.walk(statement)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _is_path(statement: ast.stmt) -> bool:
    """Whether a statement says where modules are found."""
    return isinstance(statement, ast.Expr) and "sys.path" in ast.unparse(statement)


def plain(file: str, text: str, folder: Path | None = None, given: Sequence[int] = ()) -> Source:
    """A program in one piece; ``given``: the numbers of its lines, where it was put together."""
    typed = text.split("\n")
    clean = text if _parses(text) else "\n".join(_without_magic(typed))
    count = len(typed)
    numbers = tuple(given) or tuple(range(1, 1 + count))
    return one_a_line(Source(file, clean, tuple(typed), (None,) * count, numbers, folder))


def _notebook(path: Path, text: str, folder: Path) -> Source:
    cells = _cells(path, text)
    typed: list[str] = []
    clean: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in enumerate(cells):
        if cell.get("cell_type") == "code":
            lines = "".join(_source(path, number, cell)).split("\n")
            typed += lines
            clean += lines if _parses("\n".join(lines)) else _without_magic(lines)
            places += [(number, k) for k in range(1, len(lines) + 1)]
    spots = tuple(cell for cell, _ in places)
    lines_of = tuple(k for _, k in places)
    return one_a_line(Source(str(path), "\n".join(clean), tuple(typed), spots, lines_of, folder))


def one_a_line(source: Source) -> Source:
    """A source with each statement on a line of its own: ``a = 1; b = 2`` are two of one place."""
    cuts = _cuts(source) if ";" in source.text and _parses(source.text) else {}
    if not cuts:
        return source
    rows = [
        (own, typed, k)
        for k, (line, whole) in enumerate(zip(source.text.split("\n"), source.typed, strict=True))
        for own, typed in _pieces(line, whole, cuts.get(k + 1, []))
    ]
    return replace(
        source,
        text="\n".join(own for own, _, _ in rows),
        typed=tuple(typed for _, typed, _ in rows),
        cells=tuple(source.cells[k] for _, _, k in rows),
        lines=tuple(source.lines[k] for _, _, k in rows),
    )


def _cuts(source: Source) -> dict[int, list[tuple[int, str]]]:
    """Where statements begin in the midst of a line, and how far the first one is indented."""
    cuts: dict[int, list[tuple[int, str]]] = {}
    text = [line.encode() for line in source.text.split("\n")]
    for body in bodies(source.tree):
        room = text[body[0].lineno - 1][: body[0].col_offset].decode()
        for one, other in itertools.pairwise(body):
            if one.end_lineno == other.lineno and not room.strip():
                row = text[other.lineno - 1][: other.col_offset].decode()
                cuts.setdefault(other.lineno, []).append((len(row), room))
    return cuts


def _pieces(line: str, typed: str, cuts: Sequence[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    """A line in pieces, as they are run and as they were typed."""
    if not cuts:
        yield line, typed
        return
    for a, b in itertools.pairwise([0, *(place for place, _ in cuts), len(line)]):
        yield (cuts[0][1] if a else "") + line[a:b], line[a:b]


def bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every sequence of statements in a program."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                yield body


def _cells(path: Path, text: str) -> list[dict[str, Any]]:
    """The cells of a notebook; SpecError where it has none."""
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        cells = None
    if isinstance(cells, list) and all(isinstance(cell, dict) for cell in cells):
        return cells
    raise SpecError(
        f"{path} is no notebook: it has no list of cells",
        hint="give a notebook of Jupyter, or a Python file whose name ends with .py",
    )


def _source(path: Path, number: int, cell: Mapping[str, Any]) -> str | list[str]:
    """The lines of a cell."""
    source = cell.get("source", "")
    if isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(line, str) for line in source)
    ):
        return source
    raise SpecError(
        f"{path} is no notebook: the source of cell {number} is no text",
        hint="save it again with Jupyter",
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
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True

"""Repairs as a patch: of a file, or of a notebook."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from symgrad.audit.source import Source

LAYOUTS = [{"indent": k, "ensure_ascii": escaped} for k in (1, 2, 4) for escaped in (False, True)]
"""How notebooks are laid out, Jupyter's way first."""


def patch(before: Source, after: str) -> str:
    """The difference that repairs make, as a patch of the file, or of the cells of a notebook."""
    changed, text = after.split("\n"), before.text.split("\n")
    one = whole_lines(before, before.typed)
    if len(changed) != len(before.typed):
        return "".join(_diff(before.file, one, changed))
    shown = [b if a == c else c for a, b, c in zip(text, before.typed, changed, strict=True)]
    two = whole_lines(before, shown)
    cells = [cell for cell, _ in dict.fromkeys(zip(before.cells, before.lines, strict=True))]
    if any(cell is not None for cell in cells):
        return _of_notebook(before, cells, one, two)
    one, two = (_ending_as_there(rows, before.file_text) for rows in (one, two))
    return "".join(_diff(before.file, one, two))


def _ending_as_there(rows: list[str], text: str) -> list[str]:
    """Lines that end as those of the file do."""
    ends = ["\r" * line.endswith("\r") for line in text.split("\n")]
    same = len(ends) == len(rows)
    return [f"{row}{end}" for row, end in zip(rows, ends, strict=True)] if same else rows


def _of_notebook(
    before: Source, cells: Sequence[int | None], one: Sequence[str], two: Sequence[str]
) -> str:
    """A patch of a notebook, where it is laid out as usual; else of its cells, to read."""
    parts: dict[int, tuple[list[str], list[str]]] = {}
    for cell, old, new in zip(cells, one, two, strict=True):
        rows = parts.setdefault(cell or 0, ([], []))
        rows[0].append(old)
        rows[1].append(new)
    parts = {cell: rows for cell, rows in parts.items() if rows[0] != rows[1]}
    whole = _laid_out(before.file_text, {cell: new for cell, (_, new) in parts.items()})
    if whole is not None:
        rows_of = (text.split("\n") for text in (before.file_text, whole))
        return "".join(_diff(before.file, *rows_of))
    names = {cell: f"{before.file} (cell {cell})" for cell in parts}
    return "".join(line for c, rows in parts.items() for line in _diff(names[c], *rows, file=False))


def _laid_out(text: str, cells: dict[int, list[str]]) -> str | None:
    """The text of a notebook with other lines in some cells; None where its layout is another."""
    try:
        book: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    end = "\n" if text.endswith("\n") else ""
    layout = next((w for w in LAYOUTS if json.dumps(book, **w) + end == text), None)  # type: ignore[arg-type]
    if layout is None:
        return None
    for number, rows in cells.items():
        cell, lines = book["cells"][number], "\n".join(rows)
        is_text = isinstance(cell["source"], str)
        cell["source"] = lines if is_text else lines.splitlines(keepends=True)
    return json.dumps(book, **layout) + end  # type: ignore[arg-type]


def whole_lines(source: Source, rows: Sequence[str]) -> list[str]:
    """Rows as lines of the file: those of one place are one line again."""
    found: dict[tuple[int | None, int], str] = {}
    for place, row in zip(zip(source.cells, source.lines, strict=True), rows, strict=True):
        found[place] = found[place] + row.lstrip() if place in found else row
    return list(found.values())


def _diff(name: str, before: list[str], after: list[str], *, file: bool = True) -> Iterator[str]:
    """The difference of a file, or of a cell, which ends without a line break."""
    one, other = (
        _ended(rows) if file else [f"{row}\n" for row in rows] for rows in (before, after)
    )
    return difflib.unified_diff(one, other, f"a/{name.lstrip('/')}", f"b/{name.lstrip('/')}")


def _ended(rows: list[str]) -> list[str]:
    """The lines of a file; one that it ends with, without a line break, is told as patches do."""
    *lines, last = (f"{row}\n" for row in rows)
    return lines if last == "\n" else [*lines, f"{last}\\ No newline at end of file\n"]

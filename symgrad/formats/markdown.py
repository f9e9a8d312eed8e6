"""The derivation as Markdown with ``$$`` blocks, as GitHub and Jupyter show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from symgrad.formats.latex import InLines, aligned, array, result
from symgrad.formats.sheet import Sheet
from symgrad.templating import render
from symgrad.writing.display import Display
from symgrad.writing.document import (
    Block,
    Equations,
    Items,
    Math,
    Matrices,
    Paragraph,
    Prose,
    Result,
    Table,
)
from symgrad.writing.formula import Formula


def write(sheet: Sheet) -> str:
    """The derivation."""
    return render(
        "derivation.md.jinja",
        document=sheet.document(Display),
        prose=prose,
        words=words,
        block=block,
    ).lstrip("\n")  # parts have no heading


_MARKS = re.compile(r"[\\`*_\[\]<>|$&~]")


def words(text: str) -> str:
    """Plain text, with what means something to Markdown or HTML taken literally."""
    named = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    line = re.sub(r"\s+", " ", text)
    return _MARKS.sub(lambda m: named.get(m.group(), f"\\{m.group()}"), line)


def prose(parts: Prose) -> str:
    """A sentence with formulas."""
    return "".join(inline(p.formula) if isinstance(p, Math) else _sentence(p) for p in parts)


class _InCells(InLines):
    """LaTeX without |, which would end the cell of a table."""

    signs: ClassVar[Mapping[str, str]] = {**InLines.signs, "|": r"\vert "}


_in_cells = _InCells()


def inline(formula: Formula) -> str:
    """A formula in a line."""
    return f"${_in_cells(formula)}$"


def _sentence(text: str) -> str:
    """Words of symgrad's own: only what names could bring in is escaped."""
    return re.sub(r"([\\`*_\[\]<>|$])", r"\\\1", text)


def display(latex: str) -> str:
    """A formula on lines of its own."""
    return f"$$\n{latex}\n$$"


def block(content: Block) -> str:
    """A block of the document."""
    return "\n".join(_lines(content))


def _lines(content: Block) -> Iterator[str]:
    match content:
        case Paragraph():
            yield prose(content.prose)
        case Items():
            yield from (f"- {prose(item)}" for item in content.items)
        case Equations():
            yield display(_environment(aligned(content, lapping=False)))
        case Result():
            yield display(result(content))
        case Table():
            yield from _table(content)
        case Matrices():
            yield display(_environment([array(m) for m in content.arrays]))


def _environment(lines: list[str]) -> str:
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _table(content: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(words, content.head))} |"
    yield f"|{' --- |' * len(content.head)}"
    for row in content.rows:
        yield f"| {' | '.join(map(prose, row))} |"

"""The derivation as Unicode text of 80 columns, for the terminal."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from symgrad.formats.sheet import Sheet
from symgrad.templating import render
from symgrad.writing.document import (
    Block,
    Equations,
    Items,
    Math,
    Matrices,
    Matrix,
    Paragraph,
    Prose,
    Result,
    Row,
    Section,
    Table,
)
from symgrad.writing.formula import Formula
from symgrad.writing.line import Line
from symgrad.writing.printings.text import text as printed

COLUMNS = 80
INDENT = "  "

_COLOURS = {"title": "1", "head": "1;36", "note": "2", "result": "1;32"}
"""How the parts of the text look on a terminal: the numbers of its escape sequences."""

Paint = Callable[[str, str], str]


def write(sheet: Sheet) -> str:
    """The derivation; with escape sequences where it is coloured."""
    paint = _painted if sheet.coloured else _plain
    content = sheet.document(Line)
    return render(
        "derivation.txt.jinja",
        title="\n".join(paint("title", line) for line in wrapped(_harmless(content.title))),
        sections=list(_sections(content.sections, paint)),
    )


def _plain(_: str, text: str) -> str:
    return text


def _painted(kind: str, text: str) -> str:
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if text.strip() else text


def _sections(sections: Iterable[Section], paint: Paint, depth: int = 0) -> Iterator[str]:
    for section in sections:
        if title := prose(section.title):
            line = "─" * columns(title) if depth else "═" * columns(title)
            yield f"{paint('head', title)}\n{paint('note', line)}"
        yield from ("\n".join(lines(block, paint)) for block in section.blocks)
        yield from _sections(section.parts, paint, depth + 1)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


def padded(text: str, width: int) -> str:
    """The text with spaces after it."""
    return text + " " * (width - columns(text))


def formula(shown: Formula | None) -> str:
    """A formula with the sign that mathematics has for minus, and nothing a terminal obeys."""
    return "" if shown is None else _harmless(printed(shown)).replace("-", "−")


def prose(parts: Prose) -> str:
    """A sentence with formulas."""
    return "".join(formula(p.formula) if isinstance(p, Math) else _harmless(p) for p in parts)


def _harmless(text: str) -> str:
    return "".join(c for c in text if c == " " or unicodedata.category(c) not in _CONTROL)


_CONTROL = ("Cc", "Cf", "Zl", "Zp")


def lines(block: Block, paint: Paint) -> Iterator[str]:
    """The lines of a block."""
    return _WRITERS[type(block)](block, paint)


def _paragraph(block: Paragraph, _: Paint) -> Iterator[str]:
    yield from wrapped(prose(block.prose))


def _items(block: Items, _: Paint) -> Iterator[str]:
    for item in block.items:
        yield from wrapped(prose(item), first=f"{INDENT}• ", rest=INDENT * 2)


def wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    """Words in lines of 80 columns."""
    return textwrap.wrap(
        text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )


def _equations(block: Equations, paint: Paint) -> Iterator[str]:
    left = min(max(columns(formula(row.left)) for row in block.rows), COLUMNS // 3)
    for row in block.rows:
        yield from _row(row, left, paint)


def _row(row: Row, left: int, paint: Paint) -> Iterator[str]:
    """A row, its note at the right where there is room, else on a line of its own."""
    head = padded(formula(row.left), left)
    start = f"{INDENT}{head} {row.relation} "
    *first, last = broken(row.terms, COLUMNS - columns(start))
    hang = " " * columns(start)
    shown = [start if k == 0 else hang for k in range(len(first) + 1)]
    yield from (f"{begin}{line}" for begin, line in zip(shown, first, strict=False))
    yield from _noted(f"{shown[-1]}{last}", prose(row.note), formula(row.shape), paint)


def _noted(line: str, says: str, shape: str, paint: Paint) -> Iterator[str]:
    """A line with what stands at its right: as much as there is room for, the rest below."""
    room = COLUMNS - columns(line) - 2
    both = f"{says}   {shape}" if says and shape else says or shape
    if columns(both) <= room:
        yield _right(line, both, paint)
        return
    yield _right(line, shape, paint) if columns(shape) <= room else line
    yield from _below(says if columns(shape) <= room else both, paint)


def _below(says: str, paint: Paint) -> Iterator[str]:
    """What stands under a line, as far at the right as the longest of its lines allows."""
    parts = _cut(says, COLUMNS) if " = " in says else wrapped(says, rest=INDENT)
    margin = " " * (COLUMNS - max(map(columns, parts), default=0))
    yield from (f"{margin}{paint('note', part)}" for part in parts)


def _right(line: str, says: str, paint: Paint) -> str:
    gap = COLUMNS - columns(line) - columns(says)
    return f"{line}{' ' * gap}{paint('note', says)}" if says else line


def broken(terms: Sequence[Formula], room: int) -> list[str]:
    """Terms in lines; one that is too long for a line is broken at its spaces."""
    found: list[str] = []
    for term in map(formula, terms):
        if found and columns(found[-1]) + 1 + columns(term) <= room:
            found[-1] += f" {term}"
        elif columns(term) <= room:
            found.append(term)
        else:
            found += _cut(term, room)
    return found


def _cut(term: str, room: int) -> list[str]:
    """A long term in lines, cut before its signs if that will do, each but the first set in."""
    found: list[str] = []
    room = max(room, 20)
    for piece in _pieces(term, room - len(INDENT)):
        if found and columns(found[-1]) + 1 + columns(piece) <= room:
            found[-1] += f" {piece}"
        else:
            first = INDENT if found else ""
            found += textwrap.wrap(
                piece, room, initial_indent=first, subsequent_indent=INDENT, break_on_hyphens=False
            )
    return found


def _pieces(term: str, room: int) -> list[str]:
    """A term cut between cases, signs or factors: no deeper in brackets than has to be."""
    for deepest in range(6):
        for is_cut in (_behind_a_case, _behind_a_block, _before_sign, _between_factors):
            found = _split(term, deepest, is_cut)
            if all(columns(piece) <= room for piece in found):
                return found
    return found


def _split(term: str, deepest: int, is_cut: Callable[[str, str], bool]) -> list[str]:
    """A term cut outside of brackets that deep, and in the longest of those that are as deep."""
    depths = list(accumulate((c in "([{") - (c in ")]}") for c in term))
    runs = groupby(range(len(term)), key=lambda at: depths[at] >= deepest)
    inside = max((list(run) for is_in, run in runs if is_in), key=len, default=[])
    found = [""]
    for at, c in enumerate(term):
        may = depths[at] < deepest or (depths[at] == deepest and inside[0] <= at <= inside[-1])
        if c == " " and may and is_cut(found[-1], term[at + 1 :]):
            found.append("")
        else:
            found[-1] += c
    return found


def _behind_a_case(before: str, _: str) -> bool:
    return before.endswith(";")


def _behind_a_block(before: str, _: str) -> bool:
    return before.endswith(",")


def _before_sign(_: str, after: str) -> bool:
    return after[:2] in ("+ ", "− ")


def _between_factors(before: str, after: str) -> bool:
    """Whether a line may end here: after a factor, and not after a sign or what goes on with Σ."""
    last, following = before.rpartition(" ")[2].lstrip("−(["), after.partition(" ")[0]
    return not (last.startswith(_GOES_ON) or last in _SIGNS or following in _RELATIONS)


_RELATIONS = {*"<>≤≥=≠·≈"}
_SIGNS = {"", "+", "⊙", "⊘", *_RELATIONS}
_GOES_ON = ("Σ", "Π", "max_", "min_", "log", "logsumexp")
"""What stands before what it is of, without brackets."""


def _result(block: Result, paint: Paint) -> Iterator[str]:
    """The formulas in a box, the shape at the right."""
    shape = formula(block.shape)
    room = COLUMNS - BESIDE_A_BOX - columns(shape)
    rows = [line for row in block.rows for line in _boxed(row, room)]
    inside = max(map(columns, rows))
    rows = [padded(line, inside) for line in rows]
    yield f"{INDENT}┌{'─' * (inside + 2)}┐"
    for place, line in enumerate(rows):
        told = f"  {paint('note', shape)}" if place == 0 else ""
        yield f"{INDENT}│ {paint('result', line)} │{told}"
    yield f"{INDENT}└{'─' * (inside + 2)}┘"


BESIDE_A_BOX = 8
"""The frame, and the space around it."""


def _boxed(row: Row, room: int) -> list[str]:
    left = f"{formula(row.left)} = "
    if columns(left) > room // 2:
        return [left.rstrip(), *(INDENT + line for line in broken(row.terms, room - 2))]
    first, *rest = broken(row.terms, room - columns(left))
    return [left + first, *(" " * columns(left) + line for line in rest)]


def _table(block: Table, paint: Paint) -> Iterator[str]:
    rows = [[prose(cell) for cell in row] for row in block.rows]
    cells = [list(block.head), *rows]
    widths = [max(columns(row[k]) for row in cells) for k in range(len(block.head))]
    yield paint("note", _cells(block.head, widths))
    for row in rows:
        yield from wrapped_cells(row, widths)


def _cells(row: Sequence[str], widths: Sequence[int]) -> str:
    shown = (padded(cell, width) for cell, width in zip(row, widths, strict=True))
    return (INDENT + "  ".join(shown)).rstrip()


def wrapped_cells(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """A row whose last cell may go on below itself."""
    start = len(INDENT) + sum(w + 2 for w in widths[:-1])
    first, *rest = textwrap.wrap(row[-1], max(COLUMNS - start, 20)) or [""]
    yield _cells([*row[:-1], first], widths)
    yield from (" " * start + line for line in rest)


def _matrices(block: Matrices, _: Paint) -> Iterator[str]:
    width = max((columns(formula(m.symbol)) for m in block.arrays), default=0)
    for matrix in block.arrays:
        yield from _array(matrix, width)


def _array(matrix: Matrix, width: int) -> Iterator[str]:
    head = padded(formula(matrix.symbol), width)
    shown = [("=", matrix.exact)] if matrix.exact else []
    shown += [("≈", matrix.decimals)] if matrix.decimals else []
    for place, (relation, rows) in enumerate(shown):
        start = f"{INDENT}{head if place == 0 else ' ' * width} {relation} "
        yield from _numbers(start, rows)


def _numbers(start: str, numbers: Sequence[Sequence[Formula]]) -> Iterator[str]:
    """An array in brackets; a column lies on its side, with a T at its end."""
    rows = [[formula(n) for n in row] for row in numbers]
    column = len(rows) > 1 and len(rows[0]) == 1
    lying = [[row[0] for row in rows]] if column else [list(row) for row in rows]
    if len(lying) == len(lying[0]) == 1 and not column:
        yield start + lying[0][0]
        return
    widths = [max(columns(row[k]) for row in lying) for k in range(len(lying[0]))]
    told = [
        "  ".join(" " * (w - columns(n)) + n for n, w in zip(row, widths, strict=True))
        for row in lying
    ]
    yield from _bracketed(start, told, "ᵀ" if column else "")


def _bracketed(start: str, rows: Sequence[str], end: str) -> Iterator[str]:
    room = COLUMNS - columns(start) - 4
    for place, row in enumerate(rows):
        begin = start if place == 0 else " " * columns(start)
        parts = textwrap.wrap(row, room, break_on_hyphens=False) if columns(row) > room else [row]
        for part, text in enumerate(parts):
            close = f"]{end}" if part == len(parts) - 1 else ""
            opening = f"{begin}[" if part == 0 else " " * (columns(start) + 1)
            yield f"{opening}{text}{close}"


_WRITERS: dict[type, Callable[..., Iterator[str]]] = {
    Paragraph: _paragraph,
    Items: _items,
    Equations: _equations,
    Result: _result,
    Table: _table,
    Matrices: _matrices,
}


def bare(text: str) -> str:
    """The text without escape sequences."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)

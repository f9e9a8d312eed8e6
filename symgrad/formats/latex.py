"""The derivation as LaTeX: a fragment that needs amsmath and amssymb, or a document around it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from symgrad.formats.sheet import Sheet
from symgrad.templating import render as rendered
from symgrad.writing.author import split_terms
from symgrad.writing.document import Equations, Math, Matrix, Prose, Result, Row, Table
from symgrad.writing.latex import LatexPrinter, bracketed

LINE = 27.0
"""The longest equation, in units of the font size: about 95 mm at 10 points."""

PAGE = 34.0
"""The longest line with the remark at its right."""

GAP = 1.5
"""The least space before that remark."""

BOX = 25.0
"""The longest line in a box with a shape beside it."""


def fragment(sheet: Sheet) -> str:
    """LaTeX to paste into a document of one's own."""
    return _rendered(sheet, "derivation.tex.jinja")


def paper(sheet: Sheet) -> str:
    """A document that stands alone."""
    return _rendered(sheet, "document.tex.jinja")


def _rendered(sheet: Sheet, template: str) -> str:
    return rendered(
        template, document=sheet.document(LatexPrinter), title=sheet.title, text=text,
        aligned=aligned, boxed=boxed, columns=columns, matrix=array,
        kind=lambda block: type(block).__name__,
    )  # fmt: skip


_ESCAPES = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": "$<$",
    ">": "$>$",
    "×": r"$\times$",
    "δ": r"$\delta$",
    "Σ": r"$\Sigma$",
    "∂": r"$\partial$",
    "−": "$-$",
    "≈": r"$\approx$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
}


Numbers = Sequence[Sequence[str]]


def escaped(words: str) -> str:
    """Plain text, with what means something to TeX taken literally."""
    return "".join(_ESCAPES.get(c, c if c.isascii() and c.isprintable() else "?") for c in words)


def text(prose: Prose) -> str:
    """A sentence with formulas."""
    return "".join(f"${p.text}$" if isinstance(p, Math) else escaped(p) for p in prose)


def note(prose: Prose) -> str:
    """A remark inside an equation: its words are upright text there."""
    parts = (p.text if isinstance(p, Math) else _words(p) for p in prose)
    return " ".join(p for p in parts if p)


def _words(words: str) -> str:
    pieces = re.split(r"\$([^$]*)\$", escaped(words))
    return " ".join(p if k % 2 else rf"\text{{{p}}}" for k, p in enumerate(pieces) if p)


def aligned(block: Equations, *, lapping: bool = True) -> list[str]:
    """The lines of aligned equations, broken where they would get too long.

    Remarks stand in a column at the right, or, where they have no room there, each under its
    equation: in whichever way takes the fewest lines.  ``lapping``: what is under an equation may
    reach into that column.
    """
    layouts = [
        _Layout(block, beside, opening=opening, lapping=lapping)
        for opening in (False, True)
        for beside in sorted({0.0, *(width(note(r.note)) for r in block.rows)}, reverse=True)
    ]
    best = min([w for w in layouts if w.fits] or layouts[-1:], key=lambda w: w.cost)
    return list(best.lines())


class _Layout:
    """Equations in lines; remarks of at most the width ``beside`` stand beside them."""

    def __init__(self, block: Equations, beside: float, *, opening: bool, lapping: bool) -> None:
        self.rows = block.rows
        self.beside = beside
        self.lapping = lapping
        self.sized = any(row.shape for row in block.rows)
        shapes = max(width(row.shape) for row in block.rows)
        remarks = beside + (GAP if beside else 0.0) + (shapes + GAP if self.sized else 0.0)
        left = max(width(row.left) for row in block.rows)
        room = min(LINE, PAGE - remarks) - left
        self.broken = [lines_of(row.terms, room, opening=opening) for row in block.rows]
        self.fits = all(width(line) <= room for lines in self.broken for line in lines)
        under = [row.note for row in self.rows if self._is_below(row)]
        if under and not lapping:
            self.fits &= max(map(_under_width, under)) <= PAGE - remarks - left
        words = sum(isinstance(says[0], str) for says in under)
        self.cost = len(under) + words + sum(1.5 * len(lines) for lines in self.broken)

    def _is_below(self, row: Row) -> bool:
        return bool(row.note) and width(note(row.note)) > self.beside

    def lines(self) -> Iterator[str]:
        """The lines, with & where they line up."""
        for row, lines in zip(self.rows, self.broken, strict=True):
            yield from self._row(row, *lines)

    def _row(self, row: Row, first: str, *rest: str) -> Iterator[str]:
        below = self._is_below(row)
        remark = f" && {note(row.note)}" if row.note and not below else ""
        if row.shape:
            remark = f"{remark or (' &&' if self.beside else '')} && {row.shape}"
        yield f"{row.left} &{row.relation} {first}{'' if rest else remark}".lstrip()
        for place, line in enumerate(rest):
            yield rf"&\qquad {{}} {line}{remark if place == len(rest) - 1 else ''}"
        if below:
            yield from (self._under(line) for line in _note_lines(note(row.note)))

    def _under(self, line: str) -> str:
        return rf"&\rlap{{$\displaystyle {line}$}}" if self.lapping else f"&{line}"


def _note_lines(text: str) -> Iterator[str]:
    """A remark under its equation; a long one on several lines."""
    first, *rest = lines_of(split_terms(text), LINE)
    if not rest:
        yield rf"\qquad\quad {bracketed(text)}"
        return
    yield rf"\qquad\quad ({first}"
    for place, line in enumerate(rest):
        yield rf"\qquad\qquad {{}} {line}{')' if place == len(rest) - 1 else ''}"


def _under_width(says: Prose) -> float:
    return max(map(width, _note_lines(note(says))))


def lines_of(terms: Sequence[str], room: float, *, opening: bool = True) -> list[str]:
    """Terms in lines of at most ``room``; ``opening``: a bracket that is too long is opened."""
    lines: list[str] = []
    for term in terms:
        pieces = opened(term) if opening and width(term) > room else [term]
        for piece in (p for q in pieces for p in (_factors(q, room) if opening else [q])):
            if lines and width(lines[-1]) + width(piece) + 1 <= room:
                lines[-1] += f" {piece}"
            else:
                lines.append(piece)
    return lines


def _factors(piece: str, room: float) -> list[str]:
    """A piece that is too long for a line, cut between factors outside of brackets."""
    if width(piece) <= room:
        return [piece]
    depth, cuts = 0, [0]
    for mark in _MARK.finditer(piece):
        text = mark.group()
        if text == " " and depth <= 0 and not _BINDS.search(piece[: mark.start()]):
            cuts.append(mark.start())
        elif text != " ":
            depth += 1 if text == "{" or text.startswith(r"\left") else -1
    return [piece[a:b].strip() for a, b in pairwise([*cuts, len(piece)])]


_MARK = re.compile(r"\\(?:left|right)(?![a-z])|(?<!\\)[{}]| ")
_BINDS = re.compile(r"(^|[-+]|\\[a-zA-Z]+|\\,|\\sum_\{[^{}]*\})$")
"""What is not parted from what follows: a sign, a function, the sign of a sum."""

_BRACKET = re.compile(r"\\(?:left|right)(?:\\[a-zA-Z]+|.)|(?<!\\)[{}()]")


def opened(term: str) -> list[str]:
    """A term cut before each + and - in its first bracket, which gets a size of its own."""
    marks = [(m.start(), m.group()) for m in _BRACKET.finditer(term)]
    depth, start = 0, -1
    for at, mark in marks:
        if start < 0 and depth == 0 and mark in ("(", r"\left("):
            start, first = at, mark
        depth += 1 if mark in "{(" or mark.startswith(r"\left") else -1
        if start >= 0 and depth == 0:
            inside = term[start + len(first) : at]
            cut = split_terms(inside)
            if len(cut) < 2:
                return [term]
            return [
                rf"{term[:start]}\Bigl({cut[0]}",
                *cut[1:-1],
                rf"{cut[-1]}\Bigr){term[at + len(mark) :]}",
            ]
    return [term]


def boxed(block: Result) -> str:
    """A final formula in its forms, each broken where it is too long."""
    lines = [list(_boxed_lines(row)) for row in block.rows]
    if len(lines) == len(lines[0]) == 1:
        return lines[0][0].replace(" &= ", " = ", 1)
    shown = r" \\[6pt] ".join(r" \\ ".join(form) for form in lines)
    return rf"\begin{{aligned}} {shown} \end{{aligned}}"


def _boxed_lines(row: Row) -> Iterator[str]:
    first, *rest = lines_of(row.terms, BOX - width(row.left))
    yield f"{row.left} &= {first}"
    yield from (rf"&\qquad {{}} {line}" for line in rest)


def columns(table: Table) -> str:
    """The column specification of a table."""
    return "l" * len(table.head)


def array(matrix: Matrix) -> str:
    """``symbol = exact ≈ decimals``; either may be missing."""
    exact = f"= {_array(matrix.exact)}" if matrix.exact else ""
    decimals = rf"\approx {_array(matrix.decimals)}" if matrix.decimals else ""
    long = _array_width(matrix.exact) + _array_width(matrix.decimals) > LINE
    between = r" \\ &" if exact and decimals and long else " " if exact and decimals else ""
    return f"{matrix.symbol} &{exact}{between}{decimals}"


def _array(rows: Numbers) -> str:
    """A matrix; a column is written as a row, transposed."""
    if len(rows) == len(rows[0]) == 1:
        return rows[0][0]
    column = len(rows[0]) == 1
    shown = [tuple(row[0] for row in rows)] if column else rows
    gap = r" \\[4pt] " if any(r"\frac" in n for row in shown for n in row) else r" \\ "
    lines = gap.join(" & ".join(row) for row in shown)
    matrix = rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"
    return rf"{{{matrix}}}^{{\top}}" if column else matrix


def _array_width(rows: Numbers) -> float:
    if not rows:
        return 0.0
    columns = [tuple(row[0] for row in rows)] if len(rows[0]) == 1 else rows
    return max(sum(width(n) + 1.0 for n in row) for row in columns) + 1.0


# -- how wide a formula is --------------------------------------------------------------------

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}_^&]|\s+|.")
_WIDTHS = {
    **dict.fromkeys("=<>", 1.35), **dict.fromkeys("+-", 1.25), **dict.fromkeys("()[]|,.;", 0.4),
    **dict.fromkeys("ijl", 0.4), **dict.fromkeys("mw", 0.85), "n": 0.6, "W": 0.95,
    r"\approx": 1.35, r"\odot": 1.25, r"\times": 1.25, r"\top": 0.8, r"\,": 0.17,
    r"\quad": 1.0, r"\qquad": 2.0, r"\sum": 1.5, r"\Bigl": 0.2, r"\Bigr": 0.2,
    r"\log": 1.5, r"\max": 1.9, r"\min": 1.7, r"\tanh": 2.2,
}  # fmt: skip
_NO_WIDTH = {r"\left", r"\right", "&", r"\displaystyle"}
_LIMITS = {r"\sum", r"\max", r"\min"}
_WORDS = {r"\text", r"\operatorname", r"\mathit", r"\mathrm", r"\mathtt"}
_SCRIPT = 0.75


@cache
def width(latex: str) -> float:
    """An estimate of the width of a formula, in units of the font size."""
    return _group(iter(_TOKEN.findall(latex)))


def _group(tokens: Iterator[str]) -> float:
    total, before = 0.0, ""
    for token in tokens:
        if token == "}":
            break
        own = _token(token, tokens)
        if before in _LIMITS and token == "_":
            own = max(0.0, own - _WIDTHS[before])
        total, before = total + own, token
    return total


def _token(token: str, tokens: Iterator[str]) -> float:
    if token == "{":
        return _group(tokens)
    if token in ("_", "^"):
        return 0.05 + _SCRIPT * _token(next(tokens, ""), tokens)
    if token in _WORDS:
        return _words_width(tokens)
    if token in (r"\frac", r"\tfrac"):
        return 0.25 + max(_token(next(tokens, ""), tokens), _token(next(tokens, ""), tokens))
    if token in _NO_WIDTH or token.isspace() or not token:
        return 0.0
    return _WIDTHS.get(token, 0.75 if token.isupper() else 0.53)


def _words_width(tokens: Iterator[str]) -> float:
    words = itertools.takewhile(lambda t: t != "}", tokens)
    return sum(0.33 * len(t) if t.isspace() else 0.46 for t in words if t != "{")

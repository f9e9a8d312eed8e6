"""The derivation as LaTeX: a fragment that needs amsmath and amssymb, or a document around it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from symgrad.formats.lines import lines_of, terms_of
from symgrad.formats.sheet import Sheet
from symgrad.formats.width import Big, width
from symgrad.templating import render as rendered
from symgrad.writing.display import Display
from symgrad.writing.document import Equations, Math, Matrix, Prose, Result, Row, Table
from symgrad.writing.formula import Formula, Fraction, Sign, Words, beside, bracketed, has
from symgrad.writing.printings.latex import Latex

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
        template, document=sheet.document(Display), title=sheet.title, text=text,
        aligned=aligned, boxed=boxed, columns=columns, matrix=array, formula=latex,
        kind=lambda block: type(block).__name__,
    )  # fmt: skip


class _InLines(Latex):
    """LaTeX in which a formula may be cut into lines."""

    def of_big(self, x: Big) -> str:
        return rf"\Big{'l' if x.char == '(' else 'r'}{x.char}"


latex = _InLines()

_ESCAPES = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
_SIGNS = {c: Sign(c) for c in "×δΣ∂≈≤≥"} | {"−": Sign("-"), "<": Sign("<"), ">": Sign(">")}
"""Signs of mathematics that may stand between words."""

Numbers = Sequence[Sequence[Formula]]


def escaped(words: str) -> str:
    """Plain text, with what means something to TeX taken literally."""
    return "".join(f"${latex(_SIGNS[c])}$" if c in _SIGNS else _escape(c) for c in words)


def _escape(c: str) -> str:
    return _ESCAPES.get(c, c if c.isascii() and c.isprintable() else "?")


def text(prose: Prose) -> str:
    """A sentence with formulas."""
    return "".join(f"${latex(p.formula)}$" if isinstance(p, Math) else escaped(p) for p in prose)


def note(prose: Prose) -> Formula | None:
    """A remark inside an equation: its words are upright text there."""
    parts = [q for p in prose for q in ([p.formula] if isinstance(p, Math) else _words(p))]
    return beside(parts) if parts else None


def _words(words: str) -> list[Formula]:
    runs = itertools.groupby(words, key=_SIGNS.get)
    return [sign or Words("".join(run)) for sign, run in runs]


def size(formula: Formula | None) -> float:
    """The width of a formula, or of nothing."""
    return 0.0 if formula is None else width(formula)


def aligned(block: Equations, *, lapping: bool = True) -> list[str]:
    """The lines of aligned equations, broken where they would get too long.

    Remarks stand in a column at the right, or, where they have no room there, each under its
    equation: in whichever way takes the fewest lines.  ``lapping``: what is under an equation may
    reach into that column.
    """
    layouts = [
        _Layout(block, beside, opening=opening, lapping=lapping)
        for opening in (False, True)
        for beside in sorted({0.0, *(size(note(r.note)) for r in block.rows)}, reverse=True)
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
        shapes = max(size(row.shape) for row in block.rows)
        remarks = beside + (GAP if beside else 0.0) + (shapes + GAP if self.sized else 0.0)
        left = max(size(row.left) for row in block.rows)
        room = min(LINE, PAGE - remarks) - left
        self.broken = [lines_of(row.terms, room, opening=opening) for row in block.rows]
        self.fits = all(width(line) <= room for lines in self.broken for line in lines)
        under = [row.note for row in self.rows if self._is_below(row)]
        if under and not lapping:
            self.fits &= max(map(_under_width, under)) <= PAGE - remarks - left
        words = sum(isinstance(says[0], str) for says in under)
        self.cost = len(under) + words + sum(1.5 * len(lines) for lines in self.broken)

    def _is_below(self, row: Row) -> bool:
        return size(note(row.note)) > self.beside

    def lines(self) -> Iterator[str]:
        """The lines, with & where they line up."""
        for row, lines in zip(self.rows, self.broken, strict=True):
            yield from self._row(row, *lines)

    def _row(self, row: Row, first: Formula, *rest: Formula) -> Iterator[str]:
        says = note(row.note)
        below = says is not None and self._is_below(row)
        remark = f" && {latex(says)}" if says and not below else ""
        if row.shape:
            remark = f"{remark or (' &&' if self.beside else '')} && {latex(row.shape)}"
        left = latex(row.left) if row.left else ""
        yield f"{left} &{row.relation} {latex(first)}{'' if rest else remark}".lstrip()
        for place, line in enumerate(rest):
            yield rf"&\qquad {{}} {latex(line)}{remark if place == len(rest) - 1 else ''}"
        if says and below:
            yield from (self._under(line) for line, _ in _note_lines(says))

    def _under(self, line: str) -> str:
        return rf"&\rlap{{$\displaystyle {line}$}}" if self.lapping else f"&{line}"


def _note_lines(says: Formula) -> Iterator[tuple[str, float]]:
    """A remark under its equation, a long one on several lines; with the width of each."""
    first, *rest = lines_of(terms_of(says), LINE)
    if not rest:
        yield rf"\qquad\quad {latex(bracketed(says))}", 3.0 + width(bracketed(says))
        return
    bracket = width(Sign("("))
    yield rf"\qquad\quad ({latex(first)}", 3.0 + bracket + width(first)
    for place, line in enumerate(rest):
        last = place == len(rest) - 1
        shown = rf"\qquad\qquad {{}} {latex(line)}{')' if last else ''}"
        yield shown, 4.0 + width(line) + (bracket if last else 0.0)


def _under_width(says: Prose) -> float:
    shown = note(says)
    return max(w for _, w in _note_lines(shown)) if shown else 0.0


def boxed(block: Result) -> str:
    """A final formula in its forms, each broken where it is too long."""
    lines = [list(_boxed_lines(row)) for row in block.rows]
    if len(lines) == len(lines[0]) == 1:
        return lines[0][0].replace(" &= ", " = ", 1)
    shown = r" \\[6pt] ".join(r" \\ ".join(form) for form in lines)
    return rf"\begin{{aligned}} {shown} \end{{aligned}}"


def _boxed_lines(row: Row) -> Iterator[str]:
    first, *rest = lines_of(row.terms, BOX - size(row.left))
    yield f"{latex(row.left) if row.left else ''} &= {latex(first)}"
    yield from (rf"&\qquad {{}} {latex(line)}" for line in rest)


def columns(table: Table) -> str:
    """The column specification of a table."""
    return "l" * len(table.head)


def array(matrix: Matrix) -> str:
    """``symbol = exact ≈ decimals``; either may be missing."""
    exact = f"= {_array(matrix.exact)}" if matrix.exact else ""
    decimals = rf"\approx {_array(matrix.decimals)}" if matrix.decimals else ""
    long = _array_width(matrix.exact) + _array_width(matrix.decimals) > LINE
    between = r" \\ &" if exact and decimals and long else " " if exact and decimals else ""
    return f"{latex(matrix.symbol)} &{exact}{between}{decimals}"


def _array(rows: Numbers) -> str:
    """A matrix; a column is written as a row, transposed."""
    if len(rows) == len(rows[0]) == 1:
        return latex(rows[0][0])
    column = len(rows[0]) == 1
    shown = [tuple(row[0] for row in rows)] if column else rows
    gap = r" \\[4pt] " if any(has(n, Fraction) for row in shown for n in row) else r" \\ "
    lines = gap.join(" & ".join(map(latex, row)) for row in shown)
    matrix = rf"\begin{{pmatrix}} {lines} \end{{pmatrix}}"
    return rf"{{{matrix}}}^{{\top}}" if column else matrix


def _array_width(rows: Numbers) -> float:
    if not rows:
        return 0.0
    columns = [tuple(row[0] for row in rows)] if len(rows[0]) == 1 else rows
    return max(sum(width(n) + 1.0 for n in row) for row in columns) + 1.0

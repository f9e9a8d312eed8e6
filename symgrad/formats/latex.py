"""The derivation as LaTeX: a fragment that needs amsmath and amssymb, or a document around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symgrad.formats.layout import BOX, LINE, SIGNS, Layout, laid_out, note, note_lines, size
from symgrad.formats.lines import lines_of
from symgrad.formats.sheet import Sheet
from symgrad.formats.width import Big, width
from symgrad.templating import render as rendered
from symgrad.writing.display import Display
from symgrad.writing.document import Equations, Math, Matrices, Matrix, Prose, Result, Row, Table
from symgrad.writing.formula import Formula, Fraction, has
from symgrad.writing.printings.latex import Latex


def fragment(sheet: Sheet) -> str:
    """LaTeX to paste into a document of one's own."""
    return _rendered(sheet, "derivation.tex.jinja")


def paper(sheet: Sheet) -> str:
    """A document that stands alone."""
    return _rendered(sheet, "document.tex.jinja")


def _rendered(sheet: Sheet, template: str) -> str:
    return rendered(
        template, document=sheet.document(Display), title=sheet.title, text=text,
        aligned=aligned, boxed=boxed, columns=columns, arrays=in_columns, formula=latex,
        label=label, kind=lambda block: type(block).__name__,
    )  # fmt: skip


class InLines(Latex):
    """LaTeX in which a formula may be cut into lines."""

    def of_big(self, x: Big) -> str:
        return rf"\Big{'l' if x.char in '([' else 'r'}{x.char}"


latex = InLines()

_ESCAPES = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
Numbers = Sequence[Sequence[Formula]]


def escaped(words: str) -> str:
    """Plain text, with what means something to TeX taken literally."""
    return "".join(f"${latex(SIGNS[c])}$" if c in SIGNS else _escape(c) for c in words)


def _escape(c: str) -> str:
    return _ESCAPES.get(c, c if c.isascii() and c.isprintable() else "?")


def text(prose: Prose) -> str:
    """A sentence with formulas."""
    return "".join(f"${latex(p.formula)}$" if isinstance(p, Math) else escaped(p) for p in prose)


def aligned(block: Equations, *, lapping: bool = True) -> list[str]:
    """The lines of aligned equations, with & where they line up."""
    layout = laid_out(block, lapping=lapping)
    return [line for row, lines in layout for line in _row(layout, row, *lines)]


def _row(layout: Layout, row: Row, first: Formula, *rest: Formula) -> Iterator[str]:
    says = note(row.note)
    below = says is not None and layout.is_below(row)
    remark = f" && {latex(says)}" if says and not below else ""
    if row.shape:
        remark = f"{remark or (' &&' if layout.beside else '')} && {latex(row.shape)}"
    left = latex(row.left) if row.left else ""
    yield f"{left} &{row.relation} {latex(first)}{'' if rest else remark}".lstrip()
    for place, line in enumerate(rest):
        yield rf"&\qquad {{}} {latex(line)}{remark if place == len(rest) - 1 else ''}"
    if says and below:
        for place, line in enumerate(note_lines(says)):
            indent = r"\qquad\qquad {}" if place else r"\qquad\quad"
            shown = f"{indent} {latex(line)}"
            yield rf"&\rlap{{$\displaystyle {shown}$}}" if layout.lapping else f"&{shown}"


def boxed(block: Result) -> str:
    """A final formula in its forms, each broken where it is too long."""
    lines = [list(_boxed_lines(row)) for row in block.rows]
    wide = sum(size(row.left) + sum(map(width, row.terms)) for row in block.rows)
    if all(len(form) == 1 for form in lines) and wide + BETWEEN * len(lines) <= BOX:
        return r" \qquad ".join(form[0].replace(" &= ", " = ", 1) for form in lines)
    shown = r" \\[6pt] ".join(r" \\ ".join(form) for form in lines)
    return rf"\begin{{aligned}} {shown} \end{{aligned}}"


def _boxed_lines(row: Row) -> Iterator[str]:
    first, *rest = lines_of(row.terms, BOX - size(row.left))
    yield f"{latex(row.left) if row.left else ''} &= {latex(first)}"
    yield from (rf"&\qquad {{}} {latex(line)}" for line in rest)


def label(block: Result) -> str:
    """What a formula is referred to by, such as eq:dW1."""
    name = "".join(c for c in block.name if c.isascii() and (c.isalnum() or c == "_"))
    return rf"\label{{eq:{name}}}" if name else ""


BETWEEN = 3.4
"""A sign of equality and the space after a form, in a line of several."""

HALF = 13.0
"""The widest array that stands beside another."""


def in_columns(block: Matrices) -> list[list[str]]:
    """The lines of arrays, two to a line where both are narrow, in runs of lines alike."""
    runs: list[tuple[bool, list[Matrix]]] = []
    for matrix in block.arrays:
        wide = size(matrix.symbol) + _array_width(matrix.exact) + _array_width(matrix.decimals)
        narrow = wide <= HALF
        if not runs or runs[-1][0] != narrow:
            runs.append((narrow, []))
        runs[-1][1].append(matrix)
    return [_lines(run, 2 if narrow else 1) for narrow, run in runs]


def _lines(matrices: Sequence[Matrix], count: int) -> list[str]:
    rows = (matrices[k : k + count] for k in range(0, len(matrices), count))
    return [" & ".join(map(array, row)) for row in rows]


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

"""The derivation as LaTeX: a fragment that needs amsmath and amssymb, or a document around it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import partial

from symgrad.formats.layout import (
    COLUMN,
    PAPER,
    RELATION,
    SIGNS,
    Layout,
    Line,
    Measure,
    in_a_box,
    laid_out,
    note,
    size,
)
from symgrad.formats.sheet import Sheet
from symgrad.formats.width import Big, of_words, width
from symgrad.templating import render as rendered
from symgrad.writing import formula as formulas
from symgrad.writing.display import Display
from symgrad.writing.document import Equations, Math, Matrices, Matrix, Prose, Result, Row, Table
from symgrad.writing.formula import Formula, Fraction, Sign, has, terms_of
from symgrad.writing.printings.latex import Latex


def fragment(sheet: Sheet) -> str:
    """LaTeX to paste into a document of one's own; parts that are picked fit a column."""
    return _rendered(sheet, "derivation.tex.jinja", COLUMN if sheet.choice.parts else PAPER)


def paper(sheet: Sheet) -> str:
    """A document that stands alone."""
    return _rendered(sheet, "document.tex.jinja", PAPER)


def _rendered(sheet: Sheet, template: str, measure: Measure) -> str:
    return rendered(
        template, document=sheet.document(Display), title=sheet.title,
        text=partial(text, measure=measure), spread=spread,
        aligned=partial(aligned, measure=measure), boxed=partial(result, measure=measure),
        columns=partial(columns, measure=measure), arrays=partial(in_columns, measure=measure),
        label=label, kind=lambda block: type(block).__name__,
    )  # fmt: skip


class InLines(Latex):
    """LaTeX in which a formula may be cut into lines."""

    def of_big(self, x: Big) -> str:
        char = _BARS.get(x.char, x.char)  # a command, which the next letter has to stand apart from
        return rf"\Bigr{char}" if x.closes else rf"\Bigl{char}{' ' if x.char in _BARS else ''}"


_BARS = {"‖": r"\Vert", "|": r"\vert"}


latex = InLines()

_ESCAPES = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "|": r"\textbar{}",
}
_RAISED = {"<super>": "^", "<sub>": "_"}
Numbers = Sequence[Sequence[Formula]]


def escaped(words: str) -> str:
    """Plain text, with what means something to TeX taken literally."""
    return "".join(f"${latex(SIGNS[c])}$" if c in SIGNS else _escape(c) for c in words)


def _escape(c: str) -> str:
    kind, _, digits = unicodedata.decomposition(c).partition(" ")
    if kind in _RAISED:
        return f"${_RAISED[kind]}{{{chr(int(digits, 16)).replace('−', '-')}}}$"
    return _ESCAPES.get(c, c if c.isascii() and c.isprintable() else "?")


def text(prose: Prose, measure: Measure = PAPER) -> str:
    """A sentence with formulas; one that is longer than a line is displayed."""
    return "".join(_math(p.formula, measure) if isinstance(p, Math) else escaped(p) for p in prose)


def _math(formula: Formula, measure: Measure) -> str:
    match formula:
        case formulas.Row((left, Sign("="), right)) if width(formula) > measure.line:
            shown = Equations((Row(left, terms_of(right)),))
            lines = " \\\\\n".join(aligned(shown, measure))
            return f"\n\\begin{{align*}}\n{lines}\n\\end{{align*}}\n"
    return f"${latex(formula)}$"


def spread(prose: Prose) -> bool:
    """Whether a sentence needs more space between its words, as a formula in it is long."""
    return any(isinstance(p, Math) and width(p.formula) > LONG for p in prose)


LONG = 4.0


def aligned(block: Equations, measure: Measure = PAPER, *, lapping: bool = True) -> list[str]:
    """The lines of aligned equations, with & where they line up."""
    layout = laid_out(block, measure, lapping=lapping)
    return [_line(layout, line) for lines in layout for line in lines]


_SPACES = {0.0: "", 1.0: r"\quad ", 2.0: r"\qquad ", 3.0: r"\qquad\quad ", 4.0: r"\qquad\qquad "}


def _line(layout: Layout, line: Line) -> str:
    start = f"{line.relation} " if line.relation else "{} " if line.indent else ""
    shown = f"{_SPACES[line.indent]}{start}{latex(line.body)}"
    if line.under:
        return rf"&\rlap{{$\displaystyle {shown}$}}" if layout.lapping else f"&{shown}"
    remark = f" && {latex(line.remark)}" if line.remark else ""
    if line.shape:
        remark = f"{remark or (' &&' if layout.beside else '')} && {latex(line.shape)}"
    left = f"{latex(line.left)} " if line.left else ""
    return f"{left}&{shown}{remark}"


def result(block: Result, measure: Measure = PAPER) -> str:
    """A final formula in a box with its shape beside it, or under it where it is wide."""
    wide, inside = boxed(block, measure)
    shape = latex(block.shape)
    if wide + size(block.shape) + BESIDE_A_BOX <= measure.boxed:
        return rf"\boxed{{{inside}}} \qquad {shape}"
    return rf"\begin{{gathered}} \boxed{{{inside}}} \\ {shape} \end{{gathered}}"


def boxed(block: Result, measure: Measure = PAPER) -> tuple[float, str]:
    """The width of a final formula in its forms, each broken where it is too long, and its text."""
    found = in_a_box(block, measure)
    wide = sum(size(row.left) + sum(map(width, row.terms)) for row in block.rows)
    wide += BETWEEN * len(block.rows)
    forms = [[_line(found, line) for line in lines] for lines in found]
    if found.is_short and wide <= measure.box:
        return wide, r" \qquad ".join(form[0].replace(" &= ", " = ", 1) for form in forms)
    shown = r" \\[6pt] ".join(r" \\ ".join(form) for form in forms)
    return (
        found.width,
        rf"\begin{{alignedat}}{{1}} {shown} \end{{alignedat}}",
    )  # aligned is 10 pt wider


def label(block: Result) -> str:
    """What a formula is referred to by, such as eq:dW1."""
    name = "".join(c for c in block.name if c.isascii() and (c.isalnum() or c == "_"))
    return rf"\label{{eq:{name}}}" if name else ""


BETWEEN = 3.4
"""A sign of equality and the space after a form, in a line of several."""

BESIDE_A_BOX = 2.7
"""The space between a box and a shape, and the frame."""


def in_columns(block: Matrices, measure: Measure = PAPER) -> list[list[str]]:
    """The lines of arrays, two to a line where both are narrow, in runs of lines alike."""
    runs: list[tuple[bool, list[Matrix]]] = []
    for matrix in block.arrays:
        wide = size(matrix.symbol) + _array_width(matrix.exact) + _array_width(matrix.decimals)
        narrow = 2 * (wide + RELATION) + 1 <= measure.line
        if not runs or runs[-1][0] != narrow:
            runs.append((narrow, []))
        runs[-1][1].append(matrix)
    return [_lines(run, 2 if narrow else 1) for narrow, run in runs]


def _lines(matrices: Sequence[Matrix], count: int) -> list[str]:
    rows = (matrices[k : k + count] for k in range(0, len(matrices), count))
    return [" & ".join(map(array, row)) for row in rows]


CELL, CLOSE, BOLD = 1.2, 0.5, 1.2
"""The space around a cell, the least between two; how much wider bold letters are."""


def columns(table: Table, measure: Measure = PAPER) -> str:
    """The column specification of a table."""
    cells = ([size(note(cell)) for cell in row] for row in table.rows)
    *others, last = (
        max(of_words(head) * BOLD, *found) for head, *found in zip(table.head, *cells, strict=True)
    )
    if sum(others) + last + CELL * len(table.head) <= measure.page:
        return "l" * len(table.head)
    left = measure.page - sum(others) - CLOSE * len(others)
    return r"@{}" + r"l@{\enspace}" * len(others) + rf"p{{{left:.1f}em}}@{{}}"


def array(matrix: Matrix) -> str:
    """``symbol = exact ≈ decimals``; either may be missing."""
    exact = f"= {_array(matrix.exact)}" if matrix.exact else ""
    decimals = rf"\approx {_array(matrix.decimals)}" if matrix.decimals else ""
    long = _array_width(matrix.exact) + _array_width(matrix.decimals) > PAPER.line
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

"""The derivation as a Typst document."""

from __future__ import annotations

from collections.abc import Iterator

from symgrad.formats.layout import BOX, FURTHER, INDENT, Layout, laid_out, note, note_lines, size
from symgrad.formats.lines import lines_of
from symgrad.formats.sheet import Sheet
from symgrad.formats.width import Big
from symgrad.templating import render
from symgrad.writing.display import Display
from symgrad.writing.document import Equations, Math, Matrix, Prose, Result, Row
from symgrad.writing.formula import Formula, array
from symgrad.writing.printings.typst import Typst


class _InLines(Typst):
    """Typst in which a formula may be cut into lines."""

    def of_big(self, x: Big) -> str:
        return f"#text(1.4em)[$\\{x.char}$]"


typst = _InLines()

FURTHER_ON = 'wide class("normal", zws)'
"""How far a line is set in that goes on with the one before."""

_MARKED = frozenset("\\#$*_`<>@[]~=-+/\"'")
"""What means something to Typst between words."""


def write(sheet: Sheet) -> str:
    """The document."""
    return render(
        "derivation.typ.jinja",
        document=sheet.document(Display), title=sheet.title, text=text, words=words, rows=rows,
        boxed=boxed, numbers=numbers, typst=typst, kind=lambda block: type(block).__name__,
    )  # fmt: skip


def words(plain: str) -> str:
    """Plain text, with what means something to Typst taken literally."""
    return "".join(f"\\{c}" if c in _MARKED else c for c in plain)


def text(prose: Prose) -> str:
    """A sentence with formulas."""
    return "".join(f"${typst(p.formula)}$" if isinstance(p, Math) else words(p) for p in prose)


def rows(block: Equations) -> list[str]:
    """The lines of aligned equations, with & where they line up."""
    layout = laid_out(block)
    return [line for row, lines in layout for line in _row(layout, row, *lines)]


def _row(layout: Layout, row: Row, first: Formula, *rest: Formula) -> Iterator[str]:
    says = note(row.note)
    below = says is not None and layout.is_below(row)
    left = typst(row.left) if row.left else ""
    remark = f" & & wide {typst(says)}" if says and not below else ""
    if row.shape:
        remark = f"{remark or ' & &'} & & quad {typst(row.shape)}"
    start = f"{left} & {row.relation} "
    for place, line in enumerate([first, *rest]):
        yield f"{start}{typst(line)}{remark if place == len(rest) else ''}"
        start = f"& {FURTHER_ON} "
    if says and below:
        for place, line in enumerate(note_lines(says)):
            indent = INDENT if place == 0 else FURTHER
            yield f"& #lapping($#h({indent}em) {typst(line)}$)"


def boxed(block: Result) -> list[str]:
    """The lines of a final formula in its forms, each broken where it is too long."""
    return [line for row in block.rows for line in _boxed(row)]


def _boxed(row: Row) -> Iterator[str]:
    first, *rest = lines_of(row.terms, BOX - size(row.left))
    yield f"{typst(row.left) if row.left else ''} & = {typst(first)}"
    yield from (f"& {FURTHER_ON} {typst(line)}" for line in rest)


def numbers(matrix: Matrix) -> str:
    """``symbol = exact ≈ decimals``; either may be missing."""
    pairs = (("=", matrix.exact), ("≈", matrix.decimals))
    shown = [f"{relation} {typst(array(entries))}" for relation, entries in pairs if entries]
    return f"{typst(matrix.symbol)} & {' '.join(shown)}"

"""The derivation as a Typst document."""

from __future__ import annotations

from symgrad.formats.layout import Line, in_a_box, laid_out
from symgrad.formats.sheet import Sheet
from symgrad.formats.width import Big
from symgrad.templating import render
from symgrad.writing.display import Display
from symgrad.writing.document import Equations, Math, Matrix, Prose, Result
from symgrad.writing.formula import array
from symgrad.writing.printings.typst import Typst


class _InLines(Typst):
    """Typst in which a formula may be cut into lines."""

    def of_big(self, x: Big) -> str:
        return f"#text(1.4em)[$\\{x.char}$]"


typst = _InLines()

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
    return [_line(line) for lines in laid_out(block) for line in lines]


def _line(line: Line) -> str:
    if line.under:
        return f"& #lapping($#h({line.indent}em) {typst(line.body)}$)"
    remark = f" & & wide {typst(line.remark)}" if line.remark else ""
    if line.shape:
        remark = f"{remark or ' & &'} & & quad {typst(line.shape)}"
    start = f"{typst(line.left) if line.left else ''} & "
    start += f"#h({line.indent}em) " if line.indent else ""
    start += f"{line.relation} " if line.relation else ""
    return f"{start}{typst(line.body)}{remark}"


def boxed(block: Result) -> list[str]:
    """The lines of a final formula in its forms, each broken where it is too long."""
    return [_line(line) for lines in in_a_box(block) for line in lines]


def numbers(matrix: Matrix) -> str:
    """``symbol = exact ≈ decimals``; either may be missing."""
    pairs = (("=", matrix.exact), ("≈", matrix.decimals))
    shown = [f"{relation} {typst(array(entries))}" for relation, entries in pairs if entries]
    return f"{typst(matrix.symbol)} & {' '.join(shown)}"

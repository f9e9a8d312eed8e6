"""The derivation as one page: formulas beside their code, a picture, the checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from symgrad.formats.graph import HIGH, Node, picture
from symgrad.formats.layout import note, size
from symgrad.formats.lines import cut
from symgrad.formats.listing import coloured, statements
from symgrad.formats.sheet import Sheet
from symgrad.formats.width import Big, width
from symgrad.templating import render
from symgrad.writing.display import Display
from symgrad.writing.document import Math, Matrix, Prose, Row, Section
from symgrad.writing.formula import Formula, Sign, array, beside
from symgrad.writing.line import Line
from symgrad.writing.printings.mathml import MathML, mathml
from symgrad.writing.printings.text import text
from symgrad.writing.way import Way

WIDEST = 2400
"""A picture that is wider can't be read on a screen that it has to fit."""

PRINTED = 1000
"""One that is wider is printed on paper from the top to the bottom."""

LINE, BROKEN = 34.0, 22.0
"""How wide a row may be, and the part of it that terms take before they are broken."""


PHONE = 17.0
"""What is wider is cut in pieces, so that a narrow window has it in lines."""


class InLines(MathML):
    """MathML in which a formula may be cut into lines."""

    def of_big(self, x: Big) -> str:
        form = "postfix" if x.closes else "prefix"
        sized = 'stretchy="true" symmetric="true" minsize="1.5em" maxsize="1.5em"'
        return f'<mo form="{form}" {sized} lspace="0" rspace="0">{x.char}</mo>'


in_lines = InLines()


def _pieces(formula: Formula) -> list[tuple[str, Formula]]:
    """A formula, and where that is too wide for some windows the pieces that it is cut into."""
    wide = width(formula)
    whole = [("whole" if wide > PHONE else "", formula)] if wide <= LINE else []
    cuts = cut(formula, PHONE) if wide > PHONE else []
    return [*whole, *(("cut" if whole else "", piece) for piece in cuts)]


def _spans(pieces: list[tuple[str, Formula]]) -> list[Markup]:
    return [
        Markup('<span class="{}">{}</span>' if kind else "<span>{1}</span>").format(
            kind, Markup(mathml(piece, in_lines))
        )
        for kind, piece in pieces
    ]


def write(sheet: Sheet) -> str:
    """The page."""
    page = Page(sheet)
    return render("page.html.jinja", page=page, kind=lambda block: type(block).__name__)


def slug(name: str) -> str:
    """A name as part of an address in the page: letters, digits and - only."""
    return "".join(
        c if c.isascii() and (c.isalnum() or c == "_") else f"-{ord(c):x}-" for c in name
    )


class Page:
    """What the template asks for."""

    PRINTED = PRINTED

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.document = sheet.document(Display)
        self.plain = Line(sheet.notation.names, {})
        self.statements = list(statements(sheet.code)) if sheet.code else []
        self.coded = {s.name for s in self.statements if s.name}
        self.derived = {s.value for top in self.document.sections for s in top.parts}
        self.all_passed = all(check.passed for check in sheet.checks)
        self.slug = slug
        self._parts: Counter[str] = Counter()

    def further(self, name: str) -> str:
        """What the address of a value's code ends with, where it is not the first of that value."""
        self._parts[name] += 1
        return f"-{self._parts[name]}" if self._parts[name] > 1 else ""

    # -- formulas -------------------------------------------------------------------------

    def prose(self, parts: Prose) -> Markup:
        """A sentence with formulas."""
        return Markup("").join(
            Markup(" ").join(_spans(_pieces(p.formula))) if isinstance(p, Math) else p
            for p in parts
        )

    def math(self, formula: Formula) -> Markup:
        """A formula."""
        return Markup(mathml(formula))

    def terms(self, row: Row) -> list[Markup]:
        """The right-hand side in pieces, between which a line may break."""
        first, *rest = row.terms
        related = beside([Sign(row.relation), first])
        return [span for term in (related, *rest) for span in _spans(_pieces(term))]

    def is_long(self, row: Row) -> bool:
        """Whether a row has no room for its remark at its right."""
        terms = [width(t) for t in row.terms]
        body = max([*terms, min(sum(terms), BROKEN)])
        return size(row.left) + body + size(note(row.note)) > LINE

    def array(self, matrix: Matrix) -> list[Markup]:
        """The pieces of ``= exact ≈ decimals``."""
        shown = [("=", matrix.exact)] if matrix.exact else []
        shown += [("≈", matrix.decimals)] if matrix.decimals else []
        return [self.math(beside([Sign(relation), array(rows)])) for relation, rows in shown]

    def text_of(self, name: str) -> str:
        """The name of a value or a derivative, in plain text."""
        return text(self.plain.symbol(name))

    def anchor(self, section: Section) -> str:
        """Where a section can be found."""
        return f"d-{slug(section.key)}"

    def is_adjoint(self, name: str) -> bool:
        """Whether this is the name of a derivative."""
        return name in self.sheet.notation.names.adjoint_of

    def lit(self, code: str) -> Markup:
        """Code with its keywords, numbers, strings and comments marked."""
        return Markup("").join(
            Markup('<span class="{}">{}</span>').format(kind, text) if kind else text
            for kind, text in coloured(code)
        )

    # -- the picture ----------------------------------------------------------------------

    def pictures(self) -> list[Mapping[str, object]]:
        """From the left to the right where there is room for it, and from the top to the bottom."""
        wide, tall = self.picture(tall=False), self.picture(tall=True)
        return [wide, tall] if wide["width"] <= WIDEST else [tall]

    def picture(self, *, tall: bool) -> dict[str, Any]:
        """The picture, with what each node says and leads to."""
        names = self._shown_names()
        longest = max(len(self._symbol(n)) + len(self._shape(n)) + 2 for n in names)
        found = picture(self.sheet.derivation, names.__contains__, longest, tall=tall)
        return {
            "kind": "tall" if tall else "wide",
            "width": found.width,
            "height": found.height,
            "wide": found.wide,
            "high": HIGH,
            "edges": found.edges,
            "nodes": [self._node(n) for n in found.nodes],
        }

    def _symbol(self, name: str) -> str:
        return _clipped(self.text_of(name), 12)

    def _shape(self, name: str) -> str:
        shape = self.sheet.derivation.system.shapes[name]
        return text(self.plain.shape(self.plain.formulas(shape)))

    def _shown_names(self) -> frozenset[str]:
        if not self.sheet.choice.explain:
            system = self.sheet.derivation.system
            rates = {t.equation.name for t in self.sheet.derivation.tangents}
            rates |= set(self.sheet.derivation.directions.values())
            return frozenset(v.name for v in (*system.variables, *system)) - rates
        return Way(self.sheet.derivation, self.sheet.choice.explain).mentioned

    def _node(self, node: Node) -> Mapping[str, object]:
        derivation = self.sheet.derivation
        tangents = {t.value: t.equation.name for t in derivation.tangents}
        adjoint = tangents.get(node.name) or derivation.adjoint_name.get(node.name, "")
        has = node.name in tangents or any(a.value == node.name for a in derivation.adjoints)
        shown = has and (node.name in tangents or node.name != derivation.system.output)
        to = f"#d-{slug(adjoint)}" if node.name in self.derived else ""
        return {
            "node": node,
            "symbol": self._symbol(node.name),
            "full": self.text_of(node.name),
            "shape": self._shape(node.name),
            "adjoint": adjoint if shown else "",
            "adjoint_symbol": _clipped(self.text_of(adjoint), 16) if has else "",
            "to": to,
            "forward": f"#e-{slug(node.name)}" if node.kind in ("value", "output") else "#d-given",
        }


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

"""Formulas as Typst sets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from symgrad.writing import formula as f
from symgrad.writing.formula import Gap
from symgrad.writing.printing import Printing


class Typst(Printing):
    """Typst: what stands between two dollar signs."""

    signs: ClassVar[Mapping[str, str]] = {
        "φ": "phi.alt",
        "∂": "partial",
        "⊙": "dot.o",
        "∘": "compose",
        "·": "dot",
        "×": "times",
        "⊤": "top",
        "…": "dots",
        "∑": "sum",
        "∏": "product",
        "/": "\\/",
        ",": "\\,",
        "(": "\\(",
        ")": "\\)",
        "[": "\\[",
        "]": "\\]",
        "\u2009": "thin",
    }  # fmt: skip
    gaps: ClassVar[Mapping[Gap, str]] = {
        Gap.NONE: " ",
        Gap.SPACE: " ",
        Gap.THIN: " thin ",
        Gap.COMMA: "\\,",
        Gap.LIST: "\\, ",
        Gap.INDICES: " ",
    }
    styles: ClassVar[Mapping[str, str]] = {
        "italic": 'italic("{}")',
        "upright": 'upright("{}")',
        "typewriter": 'mono("{}")',
        "": '"{}"',
    }
    accents: ClassVar[Mapping[str, str]] = {
        "hat": "hat({})",
        "bar": "macron({})",
        "tilde": "tilde({})",
        "dot": "dot({})",
        "overline": "overline({})",
    }
    ones = "bold(1)"
    fraction = "frac({above}, {below})"
    small_fraction = "inline(frac({above}, {below}))"
    root = "sqrt({inside})"
    root_of_degree = "root({degree}, {inside})"
    fence = "{opening} {inside} {closing}"
    high_fence = "lr({opening} {inside} {closing})"
    over = "limits({sign})_({under})"
    apply = "{function} {argument}"
    function = 'op("{name}")'
    negative = "{minus} {body}"
    cases = "cases({rows})"
    case = '{value} & "if" {condition}'
    otherwise = '{value} & "otherwise"'
    between_cases = ", "

    def word(self, text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    def of_word(self, x: f.Word) -> str:
        return self.styles.get(x.style, '"{}"').format(self.word(x.text))

    def of_scripted(self, x: f.Scripted) -> str:
        sub, sup = ("" if s is None else self._script(self(s)) for s in (x.sub, x.sup))
        return self(x.base) + (sub and f"_{sub}") + (sup and f"^{sup}")

    def _script(self, text: str) -> str:
        return text if len(text) == 1 else f"({text})"

    def of_words(self, x: f.Words) -> str:
        return self.styles[""].format(self.word(x.text.strip()))  # text has space around it there

    def of_fenced(self, x: f.Fenced) -> str:
        bars = x.opening in "|‖"  # which of them opens is not to be seen from the sign
        return super().of_fenced(f.Fenced(x.opening, x.inside, x.closing, x.high or bars))

    def of_over(self, x: f.Over) -> str:
        if x.sign in f.COMMON:
            return f"{x.sign}_({self(x.under)})"
        return super().of_over(x)

    def of_grid(self, x: f.Grid) -> str:
        rows = (", ".join(self.each(row.items)) for row in x.rows)
        gap = "row-gap: #0.5em, " if f.has(x, f.Fraction) else ""
        return f"mat(delim: #none, {gap}{' ; '.join(rows)})"


typst = Typst()

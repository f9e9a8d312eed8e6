"""Formulas as one line of Unicode text."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import ClassVar

from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap
from symgrad.writing.line import Code, Line
from symgrad.writing.names import COMBINING, SUPERSCRIPTS
from symgrad.writing.printing import Printing
from symgrad.writing.writer import Writer

RAISED: dict[int, str | int] = {**SUPERSCRIPTS, ord("-"): "⁻", ord("⊤"): "ᵀ"}
"""What Unicode has small and high: superscripts that need no sign before them."""


class Text(Printing):
    """One line, with symbols for names."""

    layout: ClassVar[type[Writer]] = Line
    signs: ClassVar[Mapping[str, str]] = {"′": "'", "∑": "Σ", "∏": "Π", "\u2009": " "}
    gaps: ClassVar[Mapping[Gap, str]] = {
        Gap.NONE: "",
        Gap.SPACE: " ",
        Gap.THIN: ",",
        Gap.COMMA: ",",
        Gap.LIST: ", ",
        Gap.INDICES: "",
    }
    styles: ClassVar[Mapping[str, str]] = {"": "{}"}
    ones = "𝟏"

    def of_function(self, x: f.Function) -> str:
        return x.name

    def of_row(self, x: f.Row) -> str:
        if x.items[0] == f.Sign("∘"):  # how powers entry by entry are marked
            mark, exponent = self.each(x.items)
            return f"{mark}({exponent})" if "/" in exponent else f"{mark}{exponent}"
        return self.gaps[x.gap].join(self.each([i for i in x.items if i != f.THIN]))

    def of_scripted(self, x: f.Scripted) -> str:
        sub = "" if x.sub is None else f"_{self(x.sub)}"
        sup = "" if x.sup is None else self._raised(self(x.sup))
        return f"{self(_without_needless_brackets(x.base))}{sub}{sup}"

    def _raised(self, exponent: str) -> str:
        small = all(ord(c) in RAISED for c in exponent)
        if small:
            return exponent.translate(RAISED)
        return f"^({exponent})" if exponent[0].isdigit() and "/" in exponent else f"^{exponent}"

    def of_fraction(self, x: f.Fraction) -> str:
        if x.small and (x.above, x.below) == (f.Number("1"), f.Number("2")):
            return "½"
        return f"{self._in_fraction(x.above)}/{self._in_fraction(x.below)}"

    def _in_fraction(self, part: Formula) -> str:
        return self(part) if _holds_together(part) else f"({self(part)})"

    def of_over(self, x: f.Over) -> str:
        several = isinstance(x.under, f.Row)
        return (
            f"{self.sign(x.sign)}_{{{self(x.under)}}}"
            if several
            else f"{self.sign(x.sign)}_{self(x.under)}"
        )

    def of_accented(self, x: f.Accented) -> str:
        base = self(x.base)
        return unicodedata.normalize("NFC", base[:1] + COMBINING[x.accent]) + base[1:]


class CodeText(Text):
    """One line, with the names as they are in the spec: as it stands in comments of code."""

    layout: ClassVar[type[Writer]] = Code


def _without_needless_brackets(base: Formula) -> Formula:
    """The base of a power; a root has brackets of its own in one line."""
    match base:
        case f.Fenced("(", f.Root() as root):
            return root
    return base


def _holds_together(formula: Formula) -> bool:
    """Whether a part of a fraction needs no brackets: a sign, a power of one, a rate, a call."""
    match formula:
        case f.Scripted(base, _, sup):
            return _holds_together(base) and isinstance(sup, f.Number | None)
        case f.Row((f.Sign("∂") | f.Scripted(f.Sign("∂")), *_)) | f.Fenced("("):
            return True
        case f.Function(name):
            return len(name) == 1  # π
        case f.Apply(f.Function(), f.Fenced("(")):
            return True
    return isinstance(formula, f.Letter | f.Word | f.Number | f.Root | f.Norm)


text = Text()
code = CodeText()

"""Formulas as LaTeX that needs amsmath and amssymb only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from symgrad.writing import formula as f
from symgrad.writing.formula import Gap
from symgrad.writing.names import GREEK
from symgrad.writing.printing import Printing

SIGNS = {letter: f"\\{name}" for name, letter in GREEK.items()} | {
    "ε": r"\varepsilon",
    "ℓ": r"\ell",
    "𝐈": r"\mathbf{I}",
    "′": "'",
    "∂": r"\partial",
    "⊙": r"\odot",
    "⊘": r"\oslash",
    "∘": r"\circ",
    "·": r"\cdot",
    "×": r"\times",
    "⊤": r"\top",
    "…": r"\dots",
    "∞": r"\infty",
    "√": r"\surd",
    "−": "-",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "∑": r"\sum",
    "∏": r"\prod",
    "\u2009": r"\,",
} | {name: f"\\{name}" for name in f.COMMON}  # fmt: skip


class Latex(Printing):
    """LaTeX."""

    signs: ClassVar[Mapping[str, str]] = SIGNS
    gaps: ClassVar[Mapping[Gap, str]] = {
        Gap.NONE: "",
        Gap.SPACE: " ",
        Gap.THIN: r"\,",
        Gap.COMMA: ",",
        Gap.LIST: ", ",
        Gap.INDICES: "",
    }
    styles: ClassVar[Mapping[str, str]] = {
        "italic": r"\mathit{{{}}}",
        "upright": r"\mathrm{{{}}}",
        "typewriter": r"\mathtt{{{}}}",
        "": r"\text{{{}}}",
    }
    accents: ClassVar[Mapping[str, str]] = {
        name: rf"\{name}{{{{{{}}}}}}" for name in ("hat", "bar", "tilde", "dot", "overline")
    }
    ones = r"\mathbf{1}"
    fraction = r"\frac{{{above}}}{{{below}}}"
    small_fraction = r"\tfrac{above}{below}"
    root = r"\sqrt{{{inside}}}"
    root_of_degree = r"\sqrt[{degree}]{{{inside}}}"
    high_fence = r"\left{opening}{inside}\right{closing}"
    function = r"\operatorname{{{name}}}"
    cases = r"\begin{{cases}} {rows} \end{{cases}}"
    case = r"{value} & \text{{if }} {condition}"
    otherwise = r"{value} & \text{{otherwise}}"
    between_cases = r" \\ "
    grid = r"\begin{{matrix}} {rows} \end{{matrix}}"
    between_cells = " & "
    between_rows = r" \\ "

    def word(self, text: str) -> str:
        return text.replace("_", r"\_")

    def of_row(self, x: f.Row) -> str:
        # the command for ℓ has to end before another letter
        spaced = x.gap is Gap.INDICES and f.Letter("ℓ") in x.items
        return (" " if spaced else self.gaps[x.gap]).join(self.each(x.items))

    def of_own(self, x: f.Own) -> str:
        closed = x.latex.endswith("}") and not set("^_'") & set(x.latex)
        return x.latex if closed else f"{{{x.latex}}}"  # its script must not meet another

    def of_fenced(self, x: f.Fenced) -> str:
        if x.opening == "|" and not x.high:
            inside = self(x.inside)
            gap = " " if inside[:1].isalnum() else ""
            return rf"\lvert{gap}{inside}\rvert"
        return super().of_fenced(x)

    def of_norm(self, x: f.Norm) -> str:
        marks = ("_F" if x.frobenius else "") + ("^2" if x.squared else "")
        return rf"\left\lVert {self(x.inside)} \right\rVert{marks}"

    def of_apply(self, x: f.Apply) -> str:
        # the name of an operator brings its own space along
        own = isinstance(x.function, f.Function) and x.function.name not in f.COMMON
        gap = "" if x.close or own else " "
        return f"{self(x.function)}{gap}{self(x.argument)}"


latex = Latex()

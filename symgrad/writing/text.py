"""Expressions as one line of Unicode text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from string import Formatter
from typing import ClassVar

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS
from symgrad.writing.names import SUPERSCRIPTS
from symgrad.writing.parts import scale_parts
from symgrad.writing.printer import Level, Piece, Printer


class TextPrinter(Printer):
    """One line of Unicode text, with the names as they are in the spec."""

    CONSTANTS: ClassVar[Mapping[sp.Expr, str]] = {sp.pi: "π", sp.E: "e"}

    def subscript(self, index: sp.Expr) -> str:
        return f"[{self.text(index)}]"

    def over(self, index: sp.Expr) -> str:
        return f"_{self.text(index)}"

    def index_list(self, indices: Sequence[Index]) -> str:
        letters = ",".join(self.text(i) for i in indices)
        return letters if len(indices) == 1 else f"{{{letters}}}"

    def kronecker(self, first: str, second: str) -> str:
        return f"δ({first}, {second})"

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        above: Sequence[sp.Expr] = ()
        value = name
        if name in self.names.adjoint_of:
            count = len(self.names.axes.get(self.names.output, ()))
            above, indices, value = indices[:count], indices[count:], self.names.adjoint_of[name]
        shown = [*self.names.shown(self.names.output, above), *self.names.shown(value, indices)]
        return Piece(f"{name}[{','.join(self.text(i) for i in shown)}]" if shown else name)

    def quotient(self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]) -> Piece:
        top, bottom = scale_parts(scale)
        divisors = [*([] if bottom == 1 else sp.Mul.make_args(bottom)), *below]
        multiples = [*([] if top == 1 else sp.Mul.make_args(top)), *above]
        if not divisors:
            return self.product(multiples)
        divisor = self._divisor(divisors)
        numerator = self.product(multiples) if multiples else Piece("1")
        if numerator.level == Level.OPEN and not below:
            front = self.product(sp.Mul.make_args(top)).text
            return Piece(f"{front}/{divisor} {self.product(above).text}", Level.OPEN)
        text = self.bracket(numerator.text) if numerator.level < Level.PRODUCT else numerator.text
        return Piece(f"{text}/{divisor}", Level.PRODUCT)

    def _divisor(self, factors: Sequence[sp.Expr]) -> str:
        piece = self.product(factors)
        return piece.text if piece.level >= Level.SCRIPTED else self.bracket(piece.text)

    def fraction_of_numbers(self, above: str, below: str) -> Piece:
        return Piece(f"{above}/{below}", Level.PRODUCT)

    def scientific(self, factor: str, exponent: int) -> Piece:
        return Piece(f"{factor}e{exponent}")

    def root(self, base: sp.Expr) -> Piece:
        return Piece(f"sqrt({self.text(base)})")

    def power(self, base: sp.Expr, exponent: sp.Expr) -> Piece:
        raised = self.at_least(exponent, Level.ATOM)
        small = raised.translate(SUPERSCRIPTS) if raised.isdigit() else f"^{raised}"
        return Piece(f"{self.at_least(base, Level.ATOM)}{small}", Level.SCRIPTED)

    def partial(self, expr: sp.Expr) -> Piece:
        value, by = map(self.text, expr.args)
        return Piece(f"∂{value}/∂{by}", Level.PRODUCT)

    def at(self, indices: Sequence[sp.Expr]) -> str:
        return f"[{','.join(self.text(i) for i in indices)}]"

    def part(self, name: str, outer: Sequence[sp.Expr]) -> str:
        return self.symbol(name) + (self.at(outer) if outer else "")

    def transposed(self, matrix: str) -> str:
        return f"{matrix}ᵀ"

    def matrix_pattern(self, cls: type) -> str:
        return text_pattern(MATRIX_FUNCTIONS[cls].latex, cls.__name__)

    def shape(self, sizes: Sequence[str]) -> str:
        return "×".join(sizes) or "scalar"

    def range(self, letters: str, size: int | None, last: str) -> str:
        return f"{letters} = 0..{last}"

    def leaf_pattern(self, cls: type) -> str:
        return text_pattern(LEAVES[cls].latex, cls.__name__)

    def reduction_pattern(self, cls: type) -> str:
        return text_pattern(REDUCTIONS[cls].latex, f"{cls.__name__}_{{k}}")


_AS_TEXT = (
    (r"\^\{\{-1\}\}", "⁻¹"),
    (r"\}\}\\det", r"}} \\det"),
    (r"\\[lr]vert", "|"),
    (r"e\^\{\{\{(\w)\}\}\}", r"exp({\1})"),
    (r"\\operatorname\{\{(\w+)\}\}", r"\1"),
    (r"_\{\{\{(\w)\}\}\}", r"_{\1}"),
    (r"\\(left|right)", ""),
    (r"\\tfrac12", "½"),
    (r"\\le(?!\w)", "≤"),
    (r"\\ge(?!\w)", "≥"),
    (r"\\sum", "Σ"),
    (r"\\prod", "Π"),
    (r"\\(\w+) \{(\w)\}", r"\1({\2})"),
    (r"\\(log|max|min)(?![a-z])", r"\1"),
)


@cache
def text_pattern(latex: str, name: str) -> str:
    """The pattern of a leaf in Unicode; one that needs more than a line is a call of its name."""
    text = latex
    for pattern, replacement in _AS_TEXT:
        text = re.sub(pattern, replacement, text)
    if "\\" not in text and "{{" not in text:
        return text
    fields = [field for _, field, _, _ in Formatter().parse(latex) if field in ("x", "y", "z")]
    args = [f"{{{field}}}" for field in fields]
    return f"{name}({', '.join(args)})"

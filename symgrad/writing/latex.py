"""Expressions as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import sympy as sp

from symgrad.mathematics.indices import Index, indices_of, name_of
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS
from symgrad.writing.names import Name, run_together
from symgrad.writing.parts import scale_parts
from symgrad.writing.printer import Level, Piece, Printer


class LatexPrinter(Printer):
    """LaTeX that needs amsmath and amssymb only."""

    CONSTANTS: ClassVar[Mapping[sp.Expr, str]] = {sp.pi: r"\pi", sp.E: "e"}

    def bracket(self, text: str) -> str:
        return bracketed(text)

    def joined(self, factors: Sequence[str]) -> str:
        """Factors side by side, with a little space around fractions."""
        text = factors[0]
        for before, after in pairwise(factors):
            fractions = r"\frac" in before or after.startswith(r"\frac")
            text += (r" \, " if fractions else " ") + after
        return text

    def letter(self, letter: str) -> str:
        if letter == "l":
            return r"\ell"
        return letter if len(letter) == 1 else f"{letter[0]}_{{{letter[1:]}}}"

    def size(self, name: str) -> str:
        return self.names.symbols[name].latex if name in self.names.symbols else name

    def symbol(self, name: str) -> str:
        if name in self.names.derivatives:
            return self.entry(name, ()).text
        return self.names.symbols[name].latex

    def operator(self, name: str) -> str:
        return rf"\operatorname{{{name}}}"

    def subscript(self, index: sp.Expr) -> str:
        return f"_{{{self.text(index)}}}"

    def index_list(self, indices: Sequence[Index]) -> str:
        return ",".join(self.text(i) for i in indices)

    def unequal(self, one: str, other: str) -> str:
        return rf"{one} \ne {other}"

    def kronecker(self, first: str, second: str) -> str:
        named = any(s.stem == r"\delta" for s in self.names.symbols.values())
        if named or self.names.style.adjoints == "delta":
            return f"[{first} = {second}]"
        return rf"\delta_{{{run_together([first, second])}}}"

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        if name in self.names.adjoint_of:
            return self._adjoint(self.names.adjoint_of[name], indices)
        if name in self.names.slopes:
            of, by = self.names.slopes[name]
            return self._slope(of, (), by, indices)
        symbol = self.names.symbols[name]
        shown = [self.text(i) for i in self.names.shown(name, indices)]
        clash = any(s.latex == symbol.stem for s in self.names.symbols.values())
        return Piece(symbol.entry(shown, clash=clash))

    def _adjoint(self, value: str, indices: Sequence[sp.Expr]) -> Piece:
        if self.names.mark(value) != "partial":
            return self._marked(value, indices)
        above = len(self.names.axes.get(self.names.output, ()))
        whole = len(indices) < above
        at = ((), ()) if whole else (indices[:above], indices[above:])
        return self._slope(self.names.output, at[0], value, at[1])

    def _slope(self, of: str, at: Sequence[sp.Expr], by: str, place: Sequence[sp.Expr]) -> Piece:
        """The derivative of one value by another, each as a whole or at some indices."""
        below = self._inline(by, place)
        if of not in self.names.slopes or by in self.names.slopes:
            above = self._inline(of, at)
            return Piece(rf"\frac{{\partial {above}}}{{\partial {below}}}", Level.SCRIPTED)
        first, other = self.names.slopes[of]
        if not at and self.names.is_vector(other) and self.names.is_vector(by):
            below = self.transposed(below)
        under = rf"\partial {self._inline(other, at)} \, \partial {below}"
        above = rf"\partial^{{2}} {self._inline(first, ())}"
        return Piece(rf"\frac{{{above}}}{{{under}}}", Level.SCRIPTED)

    def _inline(self, name: str, indices: Sequence[sp.Expr]) -> str:
        """A value in one line, as it stands above or below the bar of a fraction."""
        if name not in self.names.slopes:
            return self.entry(name, indices).text
        of, by = self.names.slopes[name]
        below = self._inline(by, indices)
        return rf"(\partial {self._inline(of, ())} / \partial {below})"

    def _marked(self, value: str, indices: Sequence[sp.Expr]) -> Piece:
        """The derivative by a value as a symbol of its own."""
        name = self.names.symbols[value]
        shown = [self.text(i) for i in self.names.shown(value, indices)]
        if self.names.mark(value) == "bar":
            bar = r"\overline" if name.stem.startswith(r"\math") else r"\bar"
            return Piece(Name(rf"{bar}{{{name.stem}}}", name.sub).entry(shown))
        return Piece(Name(rf"\delta^{{({name.latex})}}").entry(shown), Level.SCRIPTED)

    def quotient(self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]) -> Piece:
        """A number or 1/N goes in front, and into the fraction where there is one anyway."""
        if below:
            return self._fraction(scale, above, below)
        if scale == 1:
            return self.product(above) if above else Piece("1")
        if not above:
            return Piece(self._scale(scale), Level.SCRIPTED)
        rest = self.product(above)
        text = rest.text if rest.level > Level.SUM else self.bracket(rest.text)
        level = min(Level.PRODUCT, max(rest.level, Level.OPEN))
        return Piece(f"{self._scale(scale)} {text}", level)

    def _fraction(
        self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]
    ) -> Piece:
        """Adjoints stand before the fraction: they are fractions themselves."""
        front = [self.at_least(f, Level.PRODUCT) for f in above if self._factor_rank(f) < 2]
        inside = [f for f in above if self._factor_rank(f) >= 2]
        top, bottom = scale_parts(scale)
        over = self.product([*_factors(top), *inside]).text if inside else self._sizes(top)
        fraction = rf"\frac{{{over}}}{{{self.product([*_factors(bottom), *below]).text}}}"
        return Piece(self.joined([*front, fraction]), Level.PRODUCT if front else Level.SCRIPTED)

    def _scale(self, scale: sp.Expr) -> str:
        top, bottom = scale_parts(scale)
        if bottom == 1:
            return self._sizes(top)
        return rf"\frac{{{self._sizes(top)}}}{{{self._sizes(bottom)}}}"

    def _sizes(self, expr: sp.Expr) -> str:
        number, rest = expr.as_coeff_Mul()
        parts = [] if number == 1 and rest != 1 else [self.number(number).text]
        sizes = sorted(sp.Mul.make_args(rest), key=str) if rest != 1 else []
        return " ".join([*parts, *(self.text(s) for s in sizes)])

    def fraction_of_numbers(self, above: str, below: str) -> Piece:
        return Piece(rf"\frac{{{above}}}{{{below}}}", Level.SCRIPTED)

    def scientific(self, factor: str, exponent: int) -> Piece:
        text = scientific(factor, exponent)
        return Piece(text, Level.PRODUCT if r"\cdot" in text else Level.SCRIPTED)

    def root(self, base: sp.Expr) -> Piece:
        return Piece(rf"\sqrt{{{self.text(base)}}}", Level.SCRIPTED)

    def power(self, base: sp.Expr, exponent: sp.Expr) -> Piece:
        named = _NAMED.fullmatch(self._pattern_of(base))
        if named and exponent.is_Integer:
            inside = self._argument(base.args[0], inside=False)
            return Piece(rf"\{named[1]}^{{{exponent}}} {inside}", Level.OPEN)
        raised = str(exponent) if exponent.is_Rational else self.text(exponent)
        return Piece(f"{self.at_least(base, Level.ATOM)}^{{{raised}}}", Level.SCRIPTED)

    def _pattern_of(self, expr: sp.Expr) -> str:
        leaf = LEAVES.get(type(expr))
        return leaf.latex if leaf else ""

    def partial(self, expr: sp.Expr) -> Piece:
        value, by = expr.args
        return self._slope(name_of(value), indices_of(value), name_of(by), indices_of(by))

    def at(self, indices: Sequence[sp.Expr]) -> str:
        return f"_{{{run_together([self.text(i) for i in indices])}}}"

    def part(self, name: str, outer: Sequence[sp.Expr]) -> str:
        if name in self.names.derivatives:
            return self.bracket(self.symbol(name)) + (self.at(outer) if outer else "")
        return self.names.symbols[name].entry([self.text(i) for i in outer])

    def transposed(self, matrix: str) -> str:
        return rf"{matrix}^{{\top}}" if "^" not in matrix else rf"({matrix})^{{\top}}"

    def matrix_pattern(self, cls: type) -> str:
        return MATRIX_FUNCTIONS[cls].latex

    def shape(self, sizes: Sequence[str]) -> str:
        if len(sizes) == 1:
            return sizes[0]
        return r" \times ".join(sizes) or r"\text{scalar}"

    def range(self, letters: str, size: int | None, last: str) -> str:
        if size is not None and size <= 3:
            return f"{letters} = {', '.join(map(str, range(size)))}"
        return rf"{letters} = 0, \dots, {last}"

    def leaf_pattern(self, cls: type) -> str:
        return LEAVES[cls].latex

    def reduction_pattern(self, cls: type) -> str:
        return REDUCTIONS[cls].latex


_NAMED = re.compile(r"\\(\w+) \{x\}")
"""The pattern of a function that takes its exponent at its name, as tanh does."""


def _factors(scale: sp.Expr) -> Sequence[sp.Expr]:
    return () if scale == 1 else sp.Mul.make_args(scale)


def scientific(factor: str, exponent: int) -> str:
    """A number times a power of ten."""
    power = f"10^{{{exponent}}}"
    return power if factor == "1" else rf"{factor} \cdot {power}"


def bracketed(text: str) -> str:
    """The text in round brackets, of its own height where it is a tall one."""
    return rf"\left({text}\right)" if tall(text) else f"({text})"


def tall(text: str) -> bool:
    """Whether brackets around this LaTeX have to grow."""
    return any(mark in text for mark in (r"\frac", r"\sum", r"\left", r"\max_", r"\min_"))

"""Expressions as one line of Unicode mathematics, for people rather than for code."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symgrad.mathematics.indices import indices_of, name_of
from symgrad.writing.names import SUBSCRIPTS
from symgrad.writing.printer import Level, Piece
from symgrad.writing.text import TextPrinter


class UnicodePrinter(TextPrinter):
    """As :class:`TextPrinter`, with symbols for names: ``∂L/∂z₁[n,i]``, ``α``."""

    def letter(self, letter: str) -> str:
        return letter[0] + letter[1:].translate(SUBSCRIPTS)

    def size(self, name: str) -> str:
        return self.names.symbols[name].plain if name in self.names.symbols else name

    def symbol(self, name: str) -> str:
        if name in self.names.derivatives:
            return self.entry(name, ()).text
        return self.names.symbols[name].plain

    def kronecker(self, first: str, second: str) -> str:
        return f"δ({first},{second})"

    def part(self, name: str, outer: Sequence[sp.Expr]) -> str:
        symbol = self.symbol(name)
        return self._at(f"({symbol})" if "/" in symbol else symbol, outer)

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        if name in self.names.slopes:
            of, by = self.names.slopes[name]
            return Piece(self._slope(of, (), by, self.names.shown(by, indices)), Level.PRODUCT)
        if name not in self.names.adjoint_of:
            return Piece(self._at(self.symbol(name), self.names.shown(name, indices)))
        value, output = self.names.adjoint_of[name], self.names.output
        count = len(self.names.axes.get(output, ()))
        above = self.names.shown(output, indices[:count]) if indices else []
        below = self.names.shown(value, indices[count:]) if indices else []
        mark = self.names.mark(value)
        if mark == "partial":
            return Piece(self._slope(output, above, value, below), Level.PRODUCT)
        symbol = self.symbol(value)
        marked = f"δ{symbol}" if mark == "delta" else _barred(symbol)
        return Piece(self._at(marked, below))

    def partial(self, expr: sp.Expr) -> Piece:
        value, by = ((name_of(e), self.names.shown(name_of(e), indices_of(e))) for e in expr.args)
        return Piece(self._slope(*value, *by), Level.PRODUCT)

    def _slope(self, of: str, at: Sequence[sp.Expr], by: str, place: Sequence[sp.Expr]) -> str:
        """The derivative of one value by another, each as a whole or at some indices."""
        below = self._inline(by, place)
        if of not in self.names.slopes or by in self.names.slopes:
            return f"∂{self._inline(of, at)}/∂{below}"
        first, other = self.names.slopes[of]
        if not at and self.names.is_vector(other) and self.names.is_vector(by):
            below = self.transposed(below)
        return f"∂²{self._inline(first, ())}/∂{self._inline(other, at)}∂{below}"

    def _inline(self, name: str, shown: Sequence[sp.Expr]) -> str:
        if name not in self.names.slopes:
            return self._at(self.symbol(name), shown)
        of, by = self.names.slopes[name]
        return f"(∂{self._inline(of, ())}/∂{self._inline(by, shown)})"

    def _at(self, symbol: str, indices: Sequence[sp.Expr]) -> str:
        return f"{symbol}[{','.join(self.text(i) for i in indices)}]" if indices else symbol


def _barred(symbol: str) -> str:
    """A bar over one letter, or over each of a word."""
    stem = symbol.rstrip("₀₁₂₃₄₅₆₇₈₉")
    bar = "\u0304" if len(stem) == 1 else "\u0305"
    return "".join(c + bar for c in stem) + symbol[len(stem) :]

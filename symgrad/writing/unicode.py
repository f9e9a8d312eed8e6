"""Expressions as one line of Unicode mathematics, for people rather than for code."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

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
        if name in self.names.adjoint_of:
            return self.entry(name, ()).text
        return self.names.symbols[name].plain

    def kronecker(self, first: str, second: str) -> str:
        return f"δ({first},{second})"

    def part(self, name: str, outer: Sequence[sp.Expr]) -> str:
        symbol = self.symbol(name)
        return self._at(f"({symbol})" if "/" in symbol else symbol, outer)

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        if name not in self.names.adjoint_of:
            return Piece(self._at(self.symbol(name), self.names.shown(name, indices)))
        value, output = self.names.adjoint_of[name], self.names.output
        count = len(self.names.axes.get(output, ()))
        above = self.names.shown(output, indices[:count]) if indices else []
        below = self.names.shown(value, indices[count:]) if indices else []
        mark = self.names.mark(value)
        if mark == "partial":
            top, bottom = self._at(self.symbol(output), above), self._at(self.symbol(value), below)
            return Piece(f"∂{top}/∂{bottom}", Level.PRODUCT)
        symbol = self.symbol(value)
        marked = f"δ{symbol}" if mark == "delta" else _barred(symbol)
        return Piece(self._at(marked, below))

    def _at(self, symbol: str, indices: Sequence[sp.Expr]) -> str:
        return f"{symbol}[{','.join(self.text(i) for i in indices)}]" if indices else symbol


def _barred(symbol: str) -> str:
    """A bar over one letter, or over each of a word."""
    stem = symbol.rstrip("₀₁₂₃₄₅₆₇₈₉")
    bar = "\u0304" if len(stem) == 1 else "\u0305"
    return "".join(c + bar for c in stem) + symbol[len(stem) :]

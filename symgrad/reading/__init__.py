"""Losses that are written otherwise: expressions of SymPy, and text."""

from symgrad.reading.expressions import from_sympy
from symgrad.reading.lexer import ParseError
from symgrad.reading.text import parse

__all__ = ["ParseError", "from_sympy", "parse"]

"""Losses that are written otherwise: SymPy's expressions."""

from symgrad.reading.expressions import from_sympy

__all__ = ["from_sympy"]

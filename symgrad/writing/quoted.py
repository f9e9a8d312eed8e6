"""Sentences with an equation in them, which each format prints as it prints its own."""

from __future__ import annotations

from symgrad.mathematics.equations import Equation
from symgrad.writing.notation import Notation


class Quoted(str):
    """A sentence with an equation in the notation of a derivation; as a text, in that of code."""

    before: str
    equation: Equation
    notation: Notation
    after: str

    def __new__(cls, before: str, equation: Equation, notation: Notation, after: str) -> Quoted:
        """What stands before the equation and after it, put together."""
        made = super().__new__(cls, f"{before}{notation.text_equation(equation)}{after}")
        made.before, made.after = before, after
        made.equation, made.notation = equation, notation
        return made

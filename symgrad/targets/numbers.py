"""Numbers, and expressions of sizes, as text."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.sizes import is_decimal, with_numbers
from symgrad.targets.expressions import OPERATORS, Precedence, Text


class Numbers:
    """Writes numbers; ``size`` gives the name that a named size has where it is read.

    What differs from language to language is a method: a power, a quotient, a function.
    """

    def __init__(self, size: Callable[[str], str]) -> None:
        self.size = size

    def text(self, expr: sp.Expr) -> Text:
        """A number or an expression of sizes."""
        expr = with_numbers(expr)
        difference = expr.is_Add and not all(a.could_extract_minus_sign() for a in expr.args)
        if expr.could_extract_minus_sign() and not difference:
            return Text(f"-{self.text(-expr).at_least(Precedence.PRODUCT)}", Precedence.UNARY)
        if expr.is_Symbol:
            return Text(self.size(expr.name))
        if expr.is_Integer:
            return Text(str(expr))
        if is_decimal(expr) or (expr.is_number and _is_long(expr)):
            return self.decimal(float(expr))
        over, under = expr.as_numer_denom()
        if under != 1:
            return self.quotient(over, under)
        return self._whole(expr)

    def _whole(self, expr: sp.Expr) -> Text:
        """An expression that is no quotient."""
        if expr in (INFINITY, sp.nan):
            return self.unusual(expr)
        if expr.is_Add:
            less = [a for a in expr.args if a.could_extract_minus_sign()]
            more = [self.text(a).at_least(Precedence.SUM) for a in expr.args if a not in less]
            code = " - ".join([" + ".join(more), *(self.text(-a).code for a in less)])
            return Text(code, Precedence.SUM)
        if expr.is_Mul:
            parts = [self.text(a).at_least(Precedence.UNARY) for a in expr.args]
            return Text(" * ".join(parts), Precedence.PRODUCT)
        if expr.is_Pow and (expr.base.is_Integer or not expr.is_number):
            return self.power(*map(self.text, expr.args))
        if expr.is_number:
            return self.decimal(float(expr))
        (argument,) = expr.args
        return self.function(type(expr).__name__, self.text(argument))

    def decimal(self, number: float) -> Text:
        """A number with a point, to its last digit."""
        return Text(repr(number))

    def unusual(self, number: sp.Expr) -> Text:
        """Infinity, or NaN."""
        raise NotImplementedError

    def quotient(self, over: sp.Expr, under: sp.Expr) -> Text:
        """A quotient, which is no whole number even where both of its parts are."""
        return OPERATORS["divide"](self.text(over), self.text(under))

    def power(self, base: Text, exponent: Text) -> Text:
        """A power."""
        raise NotImplementedError

    def function(self, name: str, argument: Text) -> Text:
        """A function of a size."""
        raise NotImplementedError


def _is_long(number: sp.Expr) -> bool:
    """Whether a number has so many digits that nobody would type it as a quotient."""
    return any(abs(r.p) > 10**6 or r.q > 10**6 for r in number.atoms(sp.Rational))

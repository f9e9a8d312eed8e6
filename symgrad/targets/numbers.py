"""Numbers, and expressions of sizes, as text."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.multiples import settled
from symgrad.mathematics.sizes import is_decimal, with_numbers
from symgrad.targets.expressions import OPERATORS, Precedence, Text

HUGE = 2**63
"""From here on a whole number is no integer of an array."""


class Numbers:
    """Writes numbers; ``size`` gives the name that a named size has where it is read.

    ``claim`` says whether what stands here may use a name that the file gives to a number.  What
    differs from language to language is a method: a power, a quotient, a function.
    """

    def __init__(
        self, size: Callable[[str], str], claim: Callable[[str], bool] = lambda _: False
    ) -> None:
        self.size = size
        self.claim = claim

    def text(self, expr: sp.Expr) -> Text:
        """A number or an expression of sizes."""
        expr = settled(with_numbers(expr))
        difference = expr.is_Add and not all(a.could_extract_minus_sign() for a in expr.args)
        if expr.could_extract_minus_sign() and not difference:
            return Text(f"-{self.text(-expr).at_least(Precedence.PRODUCT)}", Precedence.UNARY)
        if expr.is_Symbol:
            return Text(self.size(expr.name))
        if expr.is_Rational and expr > sys.float_info.max:
            number = str(sp.Float(expr, 3)).lower()
            raise SpecError(
                f"the number {number}, worked out from those of the spec, is no float64",
                hint=f"the largest is {sys.float_info.max:.2g}: scale the loss",
            )
        if expr.is_Integer and expr < HUGE:
            return Text(str(expr))
        if is_decimal(expr) or (expr.is_number and _is_long(expr)):
            return self.decimal(float(expr))
        return self._combined(expr)

    def _combined(self, expr: sp.Expr) -> Text:
        """A quotient, a sum, a product, a function."""
        scale, rest = expr.as_coeff_Mul()
        if not is_decimal(scale) and is_decimal(1 / scale) and _is_long(scale):
            over, under = sp.fraction(rest)  # typed as N / 2.828
            return self.quotient(over, under / scale)
        if scale.is_Rational and not scale.is_Integer and (_is_long(scale) or _has_point(scale)):
            return self._scaled(self.decimal(float(scale)), *sp.fraction(rest))
        if expr.is_Add and _is_long(expr):
            return self._whole(expr)
        over, under = sp.fraction(expr) if _is_long(expr) else expr.as_numer_denom()
        if under != 1:
            return self.quotient(over, under)
        return self._whole(expr)

    def _scaled(self, scale: Text, over: sp.Expr, under: sp.Expr) -> Text:
        """A decimal number times a quotient of sizes."""
        factors = [] if over == 1 else sp.Mul.make_args(over)
        parts = [scale.at_least(Precedence.PRODUCT), *map(self._factor, factors)]
        text = Text(" * ".join(parts), Precedence.PRODUCT)
        return text if under == 1 else OPERATORS["divide"](text, self.text(under))

    def _factor(self, expr: sp.Expr) -> str:
        return self.text(expr).at_least(Precedence.UNARY)

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
            return Text(" * ".join(map(self._factor, expr.args)), Precedence.PRODUCT)
        if expr.is_Pow and (expr.base.is_Integer or not expr.is_number):
            return self.power(*map(self.text, expr.args))
        if expr.is_number:
            return self.decimal(float(expr))
        (argument,) = expr.args
        return self.function(type(expr).__name__, self.text(argument))

    def decimal(self, number: float) -> Text:
        """A number with a point, to its last digit: 1e-05 is 1e-5."""
        return Text(re.sub(r"e([+-])0*", _exponent, repr(number)))

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


def _exponent(sign: re.Match[str]) -> str:
    return "e" + sign[1].strip("+")


def _has_point(scale: sp.Rational) -> bool:
    """Whether a number before a size is rather written 0.0025 than as a quotient, 1 / 400."""
    over = "" if scale.p == 1 else f"{scale.p} "
    shorter = len(repr(float(scale))) <= len(f"{over}/ {scale.q}")
    return is_decimal(scale) and scale.q > 1000 and shorter


def _is_long(number: sp.Expr) -> bool:
    """Whether a number has so many digits that nobody would type it as a quotient."""
    return any(abs(r.p) > 10**6 or r.q > 10**6 for r in number.atoms(sp.Rational))

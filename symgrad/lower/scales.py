"""Numbers that values are multiplied by, as a person writes them."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from symgrad.builder import Builder
from symgrad.program import Literal, Operand


def scaled(builder: Builder, scale: sp.Expr, value: Operand) -> Operand:
    """The value times a number."""
    if isinstance(value, Literal):
        return Literal(scale * value.value)
    if scale.could_extract_minus_sign():
        return builder.map("negative", scaled(builder, -scale, value))
    if scale == 1:
        return value
    over, under = numbers(scale).as_numer_denom()
    if over == 1 and not is_decimal(scale):
        return builder.map("divide", value, Literal(under))
    if is_decimal(1 / numbers(scale)) and not is_decimal(numbers(scale)):  # typed as x / 2.828
        return builder.map("divide", value, Literal(1 / numbers(scale)))
    return builder.map("multiply", Literal(scale), value)


@lru_cache(maxsize=4096)
def numbers(expr: sp.Expr) -> sp.Expr:
    """An expression of sizes, with the known ones as numbers."""
    return expr.xreplace({s: sp.Integer(s.name) for s in expr.free_symbols if s.name.isdigit()})


def is_decimal(number: sp.Expr) -> bool:
    """Whether a rational number is written with a decimal point: 0.1, not 1/3."""
    return bool(number.is_Rational and 10**17 % number.q == 0)

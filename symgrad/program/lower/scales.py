"""Numbers that values are multiplied by, as a person writes them."""

from __future__ import annotations

import sympy as sp

from symgrad.mathematics.sizes import is_decimal, with_numbers
from symgrad.program.builder import Builder
from symgrad.program.program import Literal, Operand


def scaled(builder: Builder, scale: sp.Expr, value: Operand) -> Operand:
    """The value times a number."""
    if isinstance(value, Literal):
        return Literal(scale * value.value)
    if scale.could_extract_minus_sign():
        return builder.map("negative", scaled(builder, -scale, value))
    if scale == 1:
        return value
    number = with_numbers(scale)
    over, under = number.as_numer_denom()
    if over == 1 and not is_decimal(scale):
        return builder.map("divide", value, Literal(under))
    if is_decimal(1 / number) and not is_decimal(number):  # typed as x / 2.828
        return builder.map("divide", value, Literal(1 / number))
    return builder.map("multiply", Literal(scale), value)

"""Sizes of axes: fixed ones, named ones, and arithmetic on both."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

import sympy as sp

Size: TypeAlias = sp.Expr
"""A number of entries along an axis: the integer 1, or a symbol, or an expression over symbols.

A fixed size such as 784 is a symbol *named* ``784``: it prints as the number, and a check may
give it a smaller value, because nothing in an equation depends on it being 784.  A size that an
equation does depend on (an axis that is cut, or indexed by a number) is listed in
:attr:`symgrad.mathematics.equations.System.pinned`.  A named size such as ``N`` is known when the
generated code runs.
"""

LARGE = 10**6
"""A size that is large enough for any number that a spec has in a slice."""


def as_size(dimension: int | str | sp.Expr) -> Size:
    """The size that a user wrote: an int, the name of a dimension, or an expression over them.

    Two expressions for one size have one form: numbers are numbers in it, and it is expanded.
    """
    if dimension == 1:
        return sp.Integer(1)
    if not isinstance(dimension, sp.Expr) or dimension.is_Integer or dimension.is_Symbol:
        return sp.Symbol(str(dimension), integer=True, positive=True)
    written = with_numbers(dimension)
    value = sp.expand(written.xreplace({s: as_size(s.name) for s in written.free_symbols}))
    return as_size(int(value)) if value.is_Integer else value


def is_size(symbol: sp.Symbol) -> bool:
    """Whether a symbol is a size: sizes are the only positive integers among the symbols."""
    return bool(symbol.is_integer and symbol.is_positive)


def is_fixed(symbol: sp.Symbol) -> bool:
    """Whether a symbol is a fixed size, which is called as the number that it stands for."""
    return bool(symbol.name.isdigit())


@lru_cache(maxsize=1 << 14)
def with_numbers(expr: sp.Expr) -> sp.Expr:
    """An expression over sizes with the fixed ones as numbers."""
    return expr.xreplace({s: sp.Integer(s.name) for s in expr.free_symbols if is_fixed(s)})


@lru_cache(maxsize=1 << 14)
def normal_form(expr: sp.Expr) -> sp.Expr:
    """An expression over sizes with the fixed ones as numbers, multiplied out."""
    return expr if expr.is_Symbol and not is_fixed(expr) else sp.expand(with_numbers(expr))


@lru_cache(maxsize=4096)
def fixed(size: Size) -> int | None:
    """The number that a size stands for, or None where it is free until run time."""
    value = with_numbers(size)
    return int(value) if value.is_Integer else None


def named(sizes: Iterable[Size]) -> list[str]:
    """The names in sizes of what is free until run time, in the order in which they occur."""
    symbols = (s for size in sizes for s in sorted(size.free_symbols, key=str) if not is_fixed(s))
    return list(dict.fromkeys(s.name for s in symbols))


def product(sizes: Iterable[Size]) -> Size:
    """The number of entries of axes together, as a size."""
    return as_size(sp.Mul(*sizes))


def same(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether two expressions over sizes are equal."""
    return bool(a == b or normal_form(a - b) == 0)


def is_positive(expr: sp.Expr) -> bool:
    """Whether an expression over sizes is surely positive."""
    return bool(sp.expand(expr).is_positive)


def is_negative(expr: sp.Expr) -> bool:
    """Whether an expression over sizes is surely negative."""
    return bool(sp.expand(expr).is_negative)


def is_at_least_zero(expr: sp.Expr) -> bool:
    """Whether an expression over sizes is not negative, whatever they are from a number on.

    A slice such as ``x[-3:]`` of an axis of size N stands for N >= 3; NumPy refuses other sizes.
    """
    larger = {s: s + LARGE for s in expr.free_symbols if is_size(s)}
    return bool(expr.is_nonnegative or sp.expand(expr.xreplace(larger)).is_nonnegative)


def is_decimal(number: sp.Expr) -> bool:
    """Whether a rational number is written with a decimal point: 0.1, not 1/3."""
    return bool(number.is_Rational and 10**17 % number.q == 0)

"""Choices as cases: values, each with the condition under which it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from symgrad.mathematics.reductions import select
from symgrad.writing.formula import (
    Cases,
    Formula,
    Fraction,
    Gap,
    Negative,
    Number,
    Root,
    Row,
    Sign,
    Words,
    beside,
    parenthesised,
    related,
    walk,
)
from symgrad.writing.parts import COMPARISONS, as_condition, is_entry

_OPPOSITE = {"<": "≥", "≤": ">", ">": "≤", "≥": "<", "=": "≠"}
_TURNED = {"<": ">", "≤": "≥", ">": "<", "≥": "≤"}


def cases(expr: sp.Expr, written: Callable[[sp.Expr], Formula]) -> Cases:
    """A choice; one of what holds otherwise goes on with further cases."""
    found, last = _chosen(expr)
    holds = _Conditions(written).holds
    return Cases(tuple(Row((written(yes), holds(c))) for yes, c in found), written(last))


def _chosen(expr: sp.Expr) -> tuple[list[tuple[sp.Expr, sp.Expr]], sp.Expr]:
    """Values with their conditions, and what holds otherwise; a choice inside one is no further."""
    found = []
    while isinstance(expr, select):
        condition, yes, expr = expr.args
        inner, last = _chosen(yes)
        if not all(map(_is_condition, (condition, *(c for _, c in inner)))):
            inner, last = [], yes
        found += [(value, sp.Mul(condition, c)) for value, c in inner]
        found.append((last, condition))
    return found, expr


class _Conditions:
    """Says when what is 0 or 1 is 1: comparisons, truth values, and what is made of them."""

    def __init__(self, written: Callable[[sp.Expr], Formula]) -> None:
        self.written = written

    def holds(self, expr: sp.Expr, truth: bool = True, inside: str = "") -> Formula:
        """That a condition is 1, or 0; ``inside``: the word that joins it to others."""
        if expr.is_Add and _is_condition(1 - expr):
            return self.holds(1 - expr, not truth, inside)
        factors = sp.Mul.make_args(expr)
        either = _alternatives(expr)
        if not _is_condition(expr):
            return related(self.written(expr), Number("1"), "=" if truth else "≠")
        if len(factors) == 1 and not either:
            return self._one(expr, truth)
        word = " or " if bool(either) == truth else " and "
        parts = [self.holds(x, truth, word) for x in sorted(either or factors, key=str)]
        shown = beside([p for part in parts for p in (Words(word), part)][1:], Gap.NONE)
        return parenthesised(shown) if inside not in ("", word) else shown

    def _one(self, expr: sp.Expr, truth: bool) -> Formula:
        shown = as_condition(self.written(expr))
        if is_entry(expr):
            return shown if truth else Row((Words("not "), shown), Gap.NONE)
        return _compared(shown, truth)


def _compared(comparison: Formula, truth: bool) -> Formula:
    """A comparison or its opposite, with what is no number at the left."""
    match comparison:
        case Row((left, Sign(sign), right)):
            sign = sign if truth else _OPPOSITE[sign]
            if _is_number(left) and not _is_number(right):
                return related(right, left, _TURNED.get(sign, sign))
            return related(left, right, sign)
    return comparison


def _is_number(formula: Formula) -> bool:
    """Whether this is written with numbers alone: 1/2, -√2."""
    return all(
        isinstance(node, Number | Negative | Fraction | Row | Root | Sign) for node in walk(formula)
    )


def _is_condition(expr: sp.Expr) -> bool:
    """Whether this is 0 or 1 by what it is made of."""
    if type(expr).__name__ in COMPARISONS or is_entry(expr):
        return True
    if expr.is_Mul:
        return all(map(_is_condition, expr.args))
    if not expr.is_Add:
        return False
    return all(map(_is_condition, _alternatives(expr))) if _alternatives(expr) else _is_less(expr)


def _is_less(expr: sp.Expr) -> bool:
    """Whether this is 1 - c of a condition c."""
    return not (1 - expr).is_Add and _is_condition(1 - expr)


def _alternatives(expr: sp.Expr) -> Sequence[sp.Expr]:
    """For a + b - a b the two of which one has to hold."""
    if not expr.is_Add or len(expr.args) != 3:
        return ()
    for product in expr.args:
        rest = [a for a in expr.args if a is not product]
        if product == -rest[0] * rest[1]:
            return rest
    return ()

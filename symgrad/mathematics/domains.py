"""Conditions of a spec that a simplification makes go away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import sympy as sp

from symgrad.mathematics.algebra import BINDERS
from symgrad.mathematics.conditions import Condition
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, name_of
from symgrad.mathematics.records import Indicator
from symgrad.mathematics.reductions import Norm, absolute, relu, root, sigmoid, softplus


def lost(
    typed: Iterable[Condition],
    kept: Iterable[Condition],
    equations: Mapping[str, Equation],
    positive: Iterable[str],
) -> list[Condition]:
    """What was to hold in the spec as it was typed, and is neither asked for any more nor sure.

    ``equations`` are those of the spec; ``positive`` the inputs that are known to be so.
    """
    known = Signs(equations.get, frozenset(positive))
    asked = {_key(c.sign, p) for c in kept for p in _parts(c, known)}
    found: dict[Any, Condition] = {}
    for condition in typed:
        for part in _parts(condition, known):
            signs = {"≠": ("≠", ">"), "≥": ("≥", ">")}.get(condition.sign, (condition.sign,))
            if known.holds(condition.sign, part) or any(_key(s, part) in asked for s in signs):
                continue
            found.setdefault(_key(condition.sign, part), Condition(condition.sign, part))
    return list(found.values())


def _parts(condition: Condition, known: Signs) -> Iterator[sp.Expr]:
    """What it says of single factors: products are not 0 where no factor is."""
    if condition.sign != "≠":
        factors = [f for f in sp.Mul.make_args(condition.of) if not known.holds(">", f)]
        yield sp.Mul(*factors)
        return
    for factor in sp.Mul.make_args(condition.of):
        base = factor.base if isinstance(factor, sp.Pow) else factor
        if isinstance(base, (Norm, root)):  # which are 0 where their squares are
            base = base.squared if isinstance(base, Norm) else base.args[0]
        if entries(base):
            yield base


class Signs:
    """What is known of the signs of expressions.

    ``equation``: that of a named value, None where it has none; ``positive``: the inputs that are.
    """

    def __init__(
        self, equation: Callable[[str], Equation | None], positive: frozenset[str]
    ) -> None:
        self.equation = equation
        self.named = dict.fromkeys(positive, 1)

    def holds(self, sign: str, expr: sp.Expr) -> bool:
        """Whether it is sure that an expression is > 0, ≥ 0 or ≠ 0."""
        if sign == "finite":
            return False
        if sign == "≥":
            return self.least(expr) >= 0
        return self.least(expr) > 0 or (sign == "≠" and self.least(-expr) > 0)

    def is_away_from_zero(self, expr: sp.Expr) -> bool:
        """Whether it is at least some positive number, in floating point too: x² + 10⁻⁵."""
        if not entries(expr):
            return bool(expr.is_positive)
        if isinstance(expr, (sp.Indexed, sp.Symbol)):
            return self.is_never_zero(name_of(expr))
        if isinstance(expr, sp.Add):
            return self.least(expr) >= 0 and any(map(self.is_away_from_zero, expr.args))
        if isinstance(expr, sp.Pow):
            return bool(expr.exp.is_positive) and self.is_away_from_zero(expr.base)
        return isinstance(expr, sp.Mul) and all(map(self.is_away_from_zero, expr.args))

    def is_never_zero(self, name: str) -> bool:
        """Whether all entries of a value are away from zero."""
        equation = self.equation(name)
        return equation is not None and self.is_away_from_zero(equation.rhs)

    def _least_of(self, name: str) -> int:
        if name not in self.named:
            equation = self.equation(name)
            self.named[name] = -1 if equation is None else self.least(equation.rhs)
        return self.named[name]

    def least(self, expr: sp.Expr) -> int:
        """1 where an expression is positive, 0 where it is at least not negative, else -1."""
        if not entries(expr):
            return 1 if expr.is_positive else 0 if expr.is_nonnegative else -1
        for kinds, rule in self.RULES:
            if isinstance(expr, kinds):
                return rule(self, expr)
        return -1

    def _sum(self, expr: sp.Add) -> int:
        found = [self.least(a) for a in expr.args]
        return -1 if min(found) < 0 else max(found)

    def _power(self, expr: sp.Pow) -> int:
        inside = self.least(expr.base)
        even = expr.exp.is_Integer and expr.exp.is_even
        return max(inside, 0) if even or not expr.exp.is_Integer else inside

    RULES: ClassVar[Sequence[tuple[Any, Callable[[Signs, Any], int]]]] = (
        ((sp.Indexed, sp.Symbol), lambda signs, expr: signs._least_of(name_of(expr))),
        ((sp.exp, sigmoid, softplus, sp.cosh), lambda _, __: 1),
        ((relu, absolute, root, Norm, Indicator, sp.KroneckerDelta, sp.Abs), lambda _, __: 0),
        (sp.Add, _sum),
        (sp.Mul, lambda signs, expr: min(map(signs.least, expr.args))),
        (sp.Pow, _power),
        (sp.Sum, lambda signs, expr: signs.least(expr.function)),
    )


def _key(sign: str, expr: sp.Expr) -> Any:
    """The same for what differs in the letters of its indices only."""
    return sign, _shape_of(expr)


def _shape_of(expr: sp.Basic) -> Any:
    if isinstance(expr, Index):
        return "index"
    if isinstance(expr, (sp.Indexed, sp.Symbol)):
        return str(getattr(expr, "base", expr))
    if isinstance(expr, BINDERS):
        return type(expr).__name__, _shape_of(expr.function)
    if not expr.args:
        return str(expr)
    return type(expr).__name__, *sorted(map(str, map(_shape_of, expr.args)))

"""What has to be positive, not negative, or not zero, for an expression to have a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symgrad.mathematics.indices import Index, entries, name_of
from symgrad.mathematics.reductions import (
    arccos,
    inverse,
    log1p,
    log2,
    log10,
    logit,
    normed,
    power,
    ratio,
    xlogy,
)
from symgrad.mathematics.told import Told, told

LONGEST = 40
"""A condition of more signs is told in words."""


@dataclass(frozen=True)
class Condition:
    """``of`` has to be ``>``, ``≥`` or ``≠`` 0, or ``finite``."""

    sign: str
    of: sp.Expr

    @property
    def told(self) -> Told:
        """As a remark has it, without indices; in words where that is too long."""
        whole = self.of.xreplace({a: sp.Symbol(name_of(a)) for a in entries(self.of)})
        whole = whole.replace(sp.Sum, lambda body, *_: sp.Function("sum")(body))
        shown = sp.sstr(whole)
        long = len(shown) > LONGEST or whole.has(Index)
        if long:
            return self.in_words
        holds = "is finite" if self.sign == "finite" else f"{self.sign} 0"
        names = "|".join(sorted(map(name_of, entries(self.of))))
        return Told(*re.split(rf"\b({names})\b(?!\()", f"{shown} {holds}"))

    @property
    def in_words(self) -> Told:
        """The same where what it is about has no name, or too long a formula."""
        return told(_IN_WORDS[self.sign])


_IN_WORDS = {
    ">": "the arguments of logarithms are positive",
    "≥": "what roots are taken of is not negative",
    "≠": "no divisor is 0",
    "finite": "no value is infinite or NaN",
}


def conditions(expr: sp.Expr) -> Iterator[Condition]:
    """What has to hold of the parts of an expression, for it to have a value."""
    for node in sp.preorder_traversal(expr):
        if not isinstance(node, sp.Expr) or not entries(node):
            continue
        if isinstance(node, sp.Pow) and node.exp.is_Rational:
            if node.exp.is_negative:
                yield Condition("≠", node.base)
            if not node.exp.is_Integer:
                yield Condition("≥", node.base)
        for cls, (sign, of) in _OF_FUNCTIONS.items():
            if isinstance(node, cls):
                yield Condition(sign, of(*node.args))


_OF_FUNCTIONS: Mapping[Any, tuple[str, Callable[..., sp.Expr]]] = {
    sp.log: (">", lambda x: x),
    log2: (">", lambda x: x),
    log10: (">", lambda x: x),
    logit: (">", lambda x: x * (1 - x)),
    power: ("≥", lambda x, y: x),
    arccos: ("≥", lambda x: 1 - x**2),
    log1p: (">", lambda x: 1 + x),
    xlogy: (">", lambda x, y: y),
    ratio: ("≠", lambda x, y: y),
    normed: ("≠", lambda x, y: y),
    inverse: ("≠", lambda x: x),
    sp.asin: ("≥", lambda x: 1 - x**2),
    sp.atanh: (">", lambda x: 1 - x**2),
    sp.acosh: ("≥", lambda x: x - 1),
}

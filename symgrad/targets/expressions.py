"""Expressions as text: how tightly each holds together, and where it needs brackets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Precedence(IntEnum):
    """How tightly an expression holds together; a language without ``@`` has one level less."""

    COMPARISON = 0
    SUM = 1
    MATMUL = 2
    PRODUCT = 3
    UNARY = 4
    POWER = 5
    ATOM = 6


@dataclass(frozen=True)
class Text:
    """An expression in the target's language."""

    code: str
    level: Precedence = Precedence.ATOM

    def at_least(self, level: Precedence) -> str:
        """In brackets where it would fall apart."""
        return self.code if self.level >= level else f"({self.code})"


@dataclass(frozen=True)
class Operator:
    """A sign between two expressions, and how tight its sides have to be."""

    sign: str
    level: Precedence
    left: Precedence
    right: Precedence

    def __call__(self, x: Text, y: Text) -> Text:
        """The expression with this sign in it."""
        sides = x.at_least(self.left), y.at_least(self.right)
        return Text(f" {self.sign} ".join(sides), self.level)


def _comparison(sign: str) -> Operator:
    return Operator(sign, Precedence.COMPARISON, Precedence.SUM, Precedence.SUM)


INVERSES = {f"arc{f}": f"a{f}" for f in ("cos", "cosh", "sin", "sinh", "tan", "tan2", "tanh")}
"""What C and the array API standard call the inverse functions of NumPy."""

OPERATORS = {
    "add": Operator("+", Precedence.SUM, Precedence.SUM, Precedence.MATMUL),
    "subtract": Operator("-", Precedence.SUM, Precedence.SUM, Precedence.MATMUL),
    "multiply": Operator("*", Precedence.PRODUCT, Precedence.PRODUCT, Precedence.UNARY),
    "divide": Operator("/", Precedence.PRODUCT, Precedence.PRODUCT, Precedence.UNARY),
    "greater": _comparison(">"),
    "greater_equal": _comparison(">="),
    "less": _comparison("<"),
    "less_equal": _comparison("<="),
    "equal": _comparison("=="),
    "not_equal": _comparison("!="),
}
"""The functions that most languages write with a sign between their arguments."""


def negated(x: Text, *, product: bool = False) -> Text:
    """The expression with a minus before it; of a ``product``, before its first factor."""
    level = Precedence.PRODUCT if product else Precedence.UNARY
    return Text(f"-{x.at_least(level)}", level)


def listed(args: Iterable[Text]) -> str:
    """Expressions with commas between them."""
    return ", ".join(a.code for a in args)

"""Expressions as text: how tightly each holds together, and where it needs brackets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
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
    level: Level = Level.ATOM

    def at_least(self, level: Level) -> str:
        """In brackets where it would fall apart."""
        return self.code if self.level >= level else f"({self.code})"


@dataclass(frozen=True)
class Operator:
    """A sign between two expressions, and how tight its sides have to be."""

    sign: str
    level: Level
    left: Level
    right: Level

    def __call__(self, x: Text, y: Text) -> Text:
        """The expression with this sign in it."""
        sides = x.at_least(self.left), y.at_least(self.right)
        return Text(f" {self.sign} ".join(sides), self.level)


def _comparison(sign: str) -> Operator:
    return Operator(sign, Level.COMPARISON, Level.SUM, Level.SUM)


OPERATORS = {
    "add": Operator("+", Level.SUM, Level.SUM, Level.MATMUL),
    "subtract": Operator("-", Level.SUM, Level.SUM, Level.MATMUL),
    "multiply": Operator("*", Level.PRODUCT, Level.PRODUCT, Level.UNARY),
    "divide": Operator("/", Level.PRODUCT, Level.PRODUCT, Level.UNARY),
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
    level = Level.PRODUCT if product else Level.UNARY
    return Text(f"-{x.at_least(level)}", level)


def listed(args: Iterable[Text]) -> str:
    """Expressions with commas between them."""
    return ", ".join(a.code for a in args)

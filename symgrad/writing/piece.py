"""A written expression, and how tightly it holds together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from symgrad.writing.formula import Formula


class Level(IntEnum):
    """How tightly a written expression holds together."""

    SUM = 0
    """Terms with + or - between them, or a leading minus."""
    OPEN = 1
    """Its last argument goes on to the right: a sum over an index, ``log x``."""
    PRODUCT = 2
    SCRIPTED = 3
    """Closed, but takes no further exponent: ``e^x``, a fraction."""
    ATOM = 4


@dataclass(frozen=True)
class Piece:
    """A written expression."""

    formula: Formula
    level: Level = Level.ATOM

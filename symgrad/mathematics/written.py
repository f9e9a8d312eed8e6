"""How a function is written, told without the signs of any printing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """The way of writing a function of the arguments ``x, y, z``; each kind is a class below.

    A two-dimensional printing sets ``e^x`` and ``log_2 x`` where one line of text has ``exp(x)``
    and ``log2(x)``; which of the two is the business of whoever prints.
    """


@dataclass(frozen=True)
class Call(Written):
    """``name(x, y)``; ``sign`` is the letter that mathematics has for the name, such as σ."""

    name: str
    sign: str = ""
    base: str = ""
    of: tuple[Written | str, ...] = ()
    """What is in the brackets where it is not just the arguments."""
    prime: bool = False
    """Whether it is the derivative of the function that has this name, or this sign."""


@dataclass(frozen=True)
class Prefix(Written):
    """``name x``, without brackets where ``x`` holds together; ``base`` is that of a logarithm."""

    name: str
    base: str = ""
    of: Written | str = "x"


@dataclass(frozen=True)
class Comparison(Written):
    """``[x < y]``: 1 where it holds, else 0."""

    sign: str
    left: str = "x"
    right: str = "y"


@dataclass(frozen=True)
class Bars(Written):
    """``|x|``."""

    of: Written | str = "x"


@dataclass(frozen=True)
class Exponential(Written):
    """``base^x``; for the base e ``exp(x)`` in one line."""

    base: str
    of: str = "x"


@dataclass(frozen=True)
class Radical(Written):
    """The root of this degree; ``name(x)`` in one line."""

    degree: int
    name: str


@dataclass(frozen=True)
class Plus(Written):
    """``a + b``."""

    left: Written
    right: Written


@dataclass(frozen=True)
class Difference(Written):
    """``x - y``."""


@dataclass(frozen=True)
class Half(Written):
    """``½ (...)``."""

    of: Written


@dataclass(frozen=True)
class Called(Written):
    """``whole``, or ``name(x, y)`` where all has to be in one line."""

    name: str
    whole: Written


@dataclass(frozen=True)
class Over(Written):
    """A sign over an axis, such as Σ, before what is taken of each entry."""

    sign: str
    of: Written | str = "x"
    before: str = ""
    """The name of a function in front."""


@dataclass(frozen=True)
class Inverse(Written):
    """``x⁻¹``."""

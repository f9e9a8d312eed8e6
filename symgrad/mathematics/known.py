"""Numbers that people write by what they are: √8, log 2π, multiples of π."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import sympy as sp


@dataclass(frozen=True)
class Constant:
    """A number as NumPy computes it by ``code``.

    ``called``: what it is called in a file that computes it once, or the code itself.
    """

    called: str
    code: str
    value: float
    exactly: Callable[[], sp.Expr] = field(compare=False)

    @property
    def expr(self) -> sp.Expr:
        """The number itself, made when it is printed: SymPy takes milliseconds for all of them."""
        return self.exactly()


@dataclass(frozen=True)
class Known:
    """A constant, or its product or quotient with a number of few digits.

    ``function`` is "multiply" or "divide" of two operands, or nothing of the one there is.
    """

    operands: tuple[Constant | sp.Rational, ...]
    function: str = ""

    @property
    def constant(self) -> Constant:
        """The constant in it."""
        return next(x for x in self.operands if isinstance(x, Constant))

    @property
    def value(self) -> float:
        """What Python computes, to the last bit."""
        numbers = (x.value if isinstance(x, Constant) else float(x) for x in self.operands)
        return float(_COMPUTED[self.function](*numbers))


_COMPUTED: Mapping[str, Callable[..., float]] = {
    "": lambda x: x,
    "multiply": operator.mul,
    "divide": operator.truediv,
}


@dataclass(frozen=True)
class _Family:
    """One function of the integers: which of them a number may come from, and how it is written."""

    name: str
    function: Callable[[float], float]
    inverse: Callable[[float], float]
    expr: Callable[[sp.Expr], sp.Expr]
    largest: int

    def member(self, n: int) -> Constant:
        """The function of one integer."""
        name, code = f"{self.name.upper()}_{n}", f"np.{self.name}({n})"
        return Constant(name, code, float(self.function(n)), lambda: self.expr(sp.Integer(n)))

    def find(self, value: float) -> Iterator[Constant]:
        """The member that is this very number."""
        argument = self.inverse(value)
        if 1.5 < argument < self.largest + 0.5:
            member = self.member(round(argument))
            if member.value == value:
                yield member


def root_of(n: sp.Expr) -> sp.Expr:
    """A root as it is written: that of 8 is not twice that of 2."""
    return sp.Pow(n, sp.S.Half, evaluate=False)


def _power_of_e(value: float) -> float:
    return math.exp(value) if value < 10 else math.inf


FAMILIES = (
    _Family("sqrt", np.sqrt, lambda v: v * v, root_of, 10**6),
    _Family("log", np.log, _power_of_e, sp.log, 10**3),
)

_LOG_2PI, _LOG_PI = (float(np.log(x)) for x in (2 * np.pi, np.pi))

SINGLE = (
    Constant("np.pi", "np.pi", math.pi, lambda: sp.pi),
    Constant("np.e", "np.e", math.e, lambda: sp.E),
    Constant("LOG_2PI", "np.log(2 * np.pi)", _LOG_2PI, lambda: sp.log(2 * sp.pi)),
    Constant("LOG_PI", "np.log(np.pi)", _LOG_PI, lambda: sp.log(sp.pi)),
    Constant("SQRT_PI", "np.sqrt(np.pi)", math.sqrt(math.pi), lambda: root_of(sp.pi)),
    Constant("SQRT_2PI", "np.sqrt(2 * np.pi)", math.sqrt(2 * math.pi), lambda: root_of(2 * sp.pi)),
    Constant(
        "SQRT_PI_OVER_2", "np.sqrt(np.pi / 2)", math.sqrt(math.pi / 2), lambda: root_of(sp.pi / 2)
    ),
    Constant(
        "SQRT_2_OVER_PI", "np.sqrt(2 / np.pi)", math.sqrt(2 / math.pi), lambda: root_of(2 / sp.pi)
    ),
)

MULTIPLIED = (*SINGLE, FAMILIES[0].member(2), FAMILIES[0].member(3), FAMILIES[1].member(2))
"""What is recognised in its multiples as well."""

DIGITS = 6
"""So many has the number in front of a constant at the most.

One among 10⁹ other numbers would be taken for a multiple by mistake, of the same value.
"""


@lru_cache(maxsize=4096)
def known(value: float) -> Known | None:
    """What a positive number is, where it is that to the last bit; None for what has few digits."""
    if not 0 < value < math.inf or float(f"{value:.11g}") == value:
        return None
    return next((k for find in _FINDERS for k in find(value) if k.value == value), None)


def _itself(value: float) -> Iterator[Known]:
    for constant in _constants(value):
        yield Known((constant,))


def _below_one(value: float) -> Iterator[Known]:
    for near in (1 / value, *np.nextafter(1 / value, (0, math.inf)).tolist()):
        for constant in _constants(near):
            yield Known((sp.S.One, constant), "divide")


def _constants(value: float) -> Iterator[Constant]:
    yield from (c for c in SINGLE if c.value == value)
    for family in FAMILIES:
        yield from family.find(value)


def _half(value: float) -> Iterator[Known]:
    yield from (Known((c, sp.Integer(2)), "divide") for c in SINGLE[:2])


def _multiple(value: float) -> Iterator[Known]:
    for constant in MULTIPLIED:
        if scale := short(value / constant.value):
            yield Known((scale, constant), "multiply")


def _part(value: float) -> Iterator[Known]:
    for constant in MULTIPLIED:
        if (count := short(constant.value / value)) and count.is_Integer:
            yield Known((constant, count), "divide")


def _over(value: float) -> Iterator[Known]:
    for constant in MULTIPLIED:
        if scale := short(value * constant.value):
            yield Known((scale, constant), "divide")


_FINDERS: Sequence[Callable[[float], Iterator[Known]]] = (
    _itself, _below_one, _half, _multiple, _part, _over,
)  # fmt: skip


def short(value: float) -> sp.Rational | None:
    """The number of few digits that is as near as rounding allows."""
    text = f"{value:.{DIGITS}g}"
    near = abs(float(text) - value) <= 4e-16 * value
    return sp.Rational(text) if near else None


def named(name: str) -> Constant | None:
    """The constant that a file calls so."""
    families = {f.name.upper(): f for f in FAMILIES}
    stem, _, n = name.rpartition("_")
    if stem in families and n.isdigit():
        return families[stem].member(int(n))
    return next((c for c in SINGLE if c.called == name), None)

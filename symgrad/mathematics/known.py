"""Numbers that people write by what they are: √8, log 2π, multiples of π."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symgrad.mathematics.sizes import is_decimal

Floats = NDArray[np.float64]


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


def _root(n: sp.Expr) -> sp.Expr:
    """A root as it is written: that of 8 is not twice that of 2."""
    return sp.Pow(n, sp.S.Half, evaluate=False)


def _power_of_e(value: float) -> float:
    return math.exp(value) if value < 10 else math.inf


FAMILIES = (
    _Family("sqrt", np.sqrt, lambda v: v * v, _root, 10**6),
    _Family("log", np.log, _power_of_e, sp.log, 10**3),
)

_LOG_2PI, _LOG_PI = (float(np.log(x)) for x in (2 * np.pi, np.pi))

SINGLE = (
    Constant("np.pi", "np.pi", math.pi, lambda: sp.pi),
    Constant("np.e", "np.e", math.e, lambda: sp.E),
    Constant("LOG_2PI", "np.log(2 * np.pi)", _LOG_2PI, lambda: sp.log(2 * sp.pi)),
    Constant("LOG_PI", "np.log(np.pi)", _LOG_PI, lambda: sp.log(sp.pi)),
    Constant("SQRT_PI", "np.sqrt(np.pi)", math.sqrt(math.pi), lambda: _root(sp.pi)),
    Constant("SQRT_2PI", "np.sqrt(2 * np.pi)", math.sqrt(2 * math.pi), lambda: _root(2 * sp.pi)),
    Constant(
        "SQRT_PI_OVER_2", "np.sqrt(np.pi / 2)", math.sqrt(math.pi / 2), lambda: _root(sp.pi / 2)
    ),
    Constant(
        "SQRT_2_OVER_PI", "np.sqrt(2 / np.pi)", math.sqrt(2 / math.pi), lambda: _root(2 / sp.pi)
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
        if scale := _short(value / constant.value):
            yield Known((scale, constant), "multiply")


def _part(value: float) -> Iterator[Known]:
    for constant in MULTIPLIED:
        if (count := _short(constant.value / value)) and count.is_Integer:
            yield Known((constant, count), "divide")


def _over(value: float) -> Iterator[Known]:
    for constant in MULTIPLIED:
        if scale := _short(value * constant.value):
            yield Known((scale, constant), "divide")


_FINDERS: Sequence[Callable[[float], Iterator[Known]]] = (
    _itself, _below_one, _half, _multiple, _part, _over,
)  # fmt: skip


@dataclass(frozen=True)
class Multiple:
    """A fraction times a constant, or over it."""

    scale: sp.Rational
    constant: Constant
    below: bool = False


@lru_cache(maxsize=4096)
def multiple(number: sp.Rational) -> Multiple | None:
    """The fraction of a constant that a positive number is, but for rounding: √2/3, 5 log(2)/7.

    The fraction has a numerator and a denominator up to 100; of several the shortest is taken.  One
    among 10⁹ other numbers would be taken for such a multiple by mistake, of the same value.
    """
    value, found = float(number), []
    values = _values()
    for ratios, below in ((value / values, False), (value * values, True)):
        for place in np.flatnonzero(_is_near_fraction(ratios)).tolist():
            constant, near = candidates()[place], _fraction(float(ratios[place]))
            if is_computed(number) or value in _computed(near, constant.value, below):
                scale = sp.Rational(near.numerator, near.denominator)
                found.append(Multiple(scale, constant, below))
    return min(found, key=lambda m: m.scale.p + m.scale.q + m.below, default=None)


def _is_near_fraction(values: Floats) -> NDArray[np.bool_]:
    """Which numbers are fractions up to 100, but for rounding."""
    places = np.clip(np.searchsorted(_fractions(), values), 1, len(_fractions()) - 1)
    distances = [np.abs(_fractions()[places - k] - values) for k in (0, 1)]
    return np.asarray(np.minimum(*distances) <= 8e-16 * values)


@lru_cache(maxsize=1)
def _fractions() -> Floats:
    """All fractions of numerator and denominator up to 100, in order."""
    counts = np.arange(1, LARGEST + 1)
    return np.unique(counts[:, None] / counts)


def _fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(LARGEST)


def product(number: sp.Rational) -> Known | None:
    """The decimal times a constant that a number is which nobody typed, as 3 c is in (c x³)'."""
    value = float(number)
    is_typed = number == sp.Rational(repr(value))
    return None if is_typed else next(_multiple(value), None)


def _computed(scale: Fraction, value: float, below: bool) -> set[float]:
    """The floats that such a multiple may be, in whatever order it is computed."""
    p, q = scale.numerator, scale.denominator
    if below:
        return {p / q / value, p / (q * value), p / value / q, p / (value * q), 1 / value * (p / q)}
    return {p * value / q, p / q * value, value / q * p, value / (q / p), p * (value / q)}


LARGEST = 100

PRODUCT = 10**24
"""Of numbers that are typed, a product of rounded ones alone has a denominator beyond this."""

ROUNDED = 10**9
"""A fraction with a larger denominator is a rounded number, such as np.sqrt(8), and no fraction."""


def is_computed(number: sp.Rational) -> bool:
    """Whether a number is a product or quotient of rounded ones: nobody typed it."""
    return bool(number.q > PRODUCT or (number.q > ROUNDED and not is_decimal(number)))


def settled(expr: sp.Expr) -> sp.Expr:
    """What is computed of rounded numbers as the fraction that it is but for that: (√½)² is ½."""
    found = {n: _fraction_near(n) for n in expr.atoms(sp.Rational) if is_computed(n)}
    return expr.xreplace(found) if found else expr


SIGNIFICANT = 6
"""So many digits has a decimal at the most for which a longer number is taken."""


@lru_cache(maxsize=4096)
def decimal_near(number: sp.Rational) -> sp.Rational | None:
    """The short decimal that a long one is but for rounding: 0.1 for 1 - 0.9, and for float32's.

    One among 10⁹ other numbers would be taken for such a decimal by mistake.
    """
    value = abs(float(number))
    if number.q <= ROUNDED or not LEAST < value < math.inf or len(repr(value)) < LONG:
        return None
    found = _as_float32(value) or next(
        filter(None, (_rounded(value, d) for d in range(1, 7))), None
    )
    return None if found is None else sp.sign(number) * found


LEAST = 1e-30
"""float32 has no smaller numbers to speak of."""

LONG = 15
"""Fewer characters has no number that is longer than it was meant."""


def _rounded(value: float, digits: int) -> sp.Rational | None:
    """A number of so many digits, where it is as near as differences of such numbers are."""
    near = sp.Rational(f"{value:.{digits}g}")
    away = abs(float(near - sp.Rational(repr(value))))
    rare = away * 10**digits <= 1e-9 * value
    return near if rare and away <= 1e-15 * max(1.0, value) else None


def _as_float32(value: float) -> sp.Rational | None:
    """What was meant where the number has been a float32."""
    single = np.float32(value) if value < np.finfo(np.float32).max else np.float32(0)
    text = f"{single:.{SIGNIFICANT}g}"
    return sp.Rational(text) if float(single) == value and np.float32(text) == single else None


def _fraction_near(number: sp.Rational) -> sp.Rational:
    near = Fraction(int(number.p), int(number.q)).limit_denominator(LARGEST)
    close = near != 0 and abs(near / Fraction(int(number.p), int(number.q)) - 1) < 4e-16
    return sp.Rational(near.numerator, near.denominator) if close else number


@lru_cache(maxsize=1)
def candidates() -> tuple[Constant, ...]:
    """What numbers may be multiples of: of the roots those of numbers that no square divides."""
    free = [n for n in range(2, LARGEST + 1) if all(n % (k * k) for k in range(2, 11))]
    roots, logarithms = FAMILIES
    members = (*map(roots.member, free), *map(logarithms.member, free))
    return (*SINGLE, *_of_pi(free), *members, *_of_logarithms())


def _of_pi(free: Sequence[int]) -> Iterator[Constant]:
    """π², and π and its root times the root of a small number."""
    yield Constant("", "np.pi**2", math.pi**2, lambda: sp.pi**2)
    for n in (n for n in free if n <= SMALL):
        root, ratio = math.sqrt(n * math.pi), math.sqrt(n / math.pi)
        yield Constant("", f"np.pi * np.sqrt({n})", math.pi * math.sqrt(n), _bound(_with_pi, n))
        yield Constant("", f"np.sqrt({n} * np.pi)", root, _bound(lambda n: _root(n * sp.pi), n))
        yield Constant("", f"np.sqrt({n} / np.pi)", ratio, _bound(lambda n: _root(n / sp.pi), n))


def _of_logarithms() -> Iterator[Constant]:
    """The square and roots of a small number's logarithm, and powers of e."""
    for n in (2, 3, 5, 10):
        log = math.log(n)
        yield Constant("", f"np.log({n})**2", log**2, _bound(lambda n: sp.log(n) ** 2, n))
        yield Constant("", f"np.sqrt(np.log({n}))", log**0.5, _bound(lambda n: _root(sp.log(n)), n))
    twice, over_pi = 2 * math.log(2), math.log(2) / math.pi
    yield Constant("", "np.sqrt(2 * np.log(2))", twice**0.5, lambda: _root(2 * sp.log(2)))
    yield Constant("", "np.sqrt(np.log(2) / np.pi)", over_pi**0.5, lambda: _root(sp.log(2) / sp.pi))
    yield Constant("", "np.exp(0.5)", math.exp(0.5), lambda: _root(sp.E))
    yield Constant("", "np.exp(2)", math.exp(2), lambda: sp.exp(2))


def _with_pi(n: sp.Expr) -> sp.Expr:
    return sp.pi * _root(n)


def _bound(made: Callable[[sp.Expr], sp.Expr], n: int) -> Callable[[], sp.Expr]:
    return lambda: made(sp.Integer(n))


SMALL = 10
"""Up to here numbers have their roots with π."""


@lru_cache(maxsize=1)
def _values() -> Floats:
    return np.array([c.value for c in candidates()])


def in_lowest_terms(constant: Constant) -> Multiple | None:
    """2√6 for √24, 2 log 2 for log 4; None for what is no multiple of another constant."""
    match constant.expr:
        case sp.Pow(args=(sp.Integer() as inside, sp.S.Half)):
            outside = sp.sqrt(inside).as_coeff_Mul()[0]
            member = FAMILIES[0].member(int(inside / outside**2))
        case sp.log(args=(sp.Integer() as inside,)):
            base, outside = sp.perfect_power(inside) or (inside, 1)
            member = FAMILIES[1].member(int(base))
        case _:
            return None
    return Multiple(sp.Integer(outside), member) if outside != 1 else None


def _short(value: float) -> sp.Rational | None:
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

"""Numbers that a spec or a derivation makes of other numbers, as people write them: √3/2, 0.1."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symgrad.mathematics.known import FAMILIES, MULTIPLIED, SINGLE, Constant, Known, root_of, short

Floats = NDArray[np.float64]

ROUNDED = 10**9
"""A fraction with a larger denominator is a rounded number, such as np.sqrt(8), and no fraction."""


def is_computed(number: sp.Rational) -> bool:
    """Whether a number is a product or quotient of rounded ones: nobody typed it."""
    return bool(number.q > ROUNDED and not is_printed(number))


def is_printed(number: sp.Rational) -> bool:
    """Whether a number is what Python prints for a float, which no product of two such is."""
    shown = repr(float(number))
    return "n" not in shown and bool(number == sp.Rational(shown))


# -- multiples of constants -----------------------------------------------------------------------


@dataclass(frozen=True)
class Multiple:
    """A fraction times a constant, or over it."""

    scale: sp.Rational
    constant: Constant
    below: bool = False


LARGEST = 100
"""The largest numerator and denominator of what a constant is multiplied by."""

CLOSE = 8e-16
"""How far from each other numbers are, as parts of themselves, that differ by rounding alone."""


@lru_cache(maxsize=4096)
def multiple(number: sp.Rational) -> Multiple | Known | None:
    """The fraction of a constant that a positive number is, but for rounding: √2/3, 5 log(2)/7.

    Of several the shortest is taken.  One among 10⁹ other numbers would be taken for such a
    multiple by mistake, of the same value.  A number that is computed may be one of the product of
    two constants, or a decimal of three digits times it.
    """
    table = constants()
    found = list(_fractions_of(number, table, _values()))
    if not found and is_computed(number):
        found = list(_fractions_of(number, products(), _values_of_products()))
    if not found and is_computed(number):
        return next(_decimals_of(float(number)), None)
    return min(map(_simplest, found), key=_length, default=None)


def _simplest(found: Multiple) -> Multiple:
    """√6/3 for 2/√6, and √2 for 2/√2."""
    inside = _squared(found.constant) if found.below else 0
    if inside and math.gcd(inside, found.scale.p) > 1:
        return Multiple(found.scale / inside, found.constant)
    return found


def _squared(constant: Constant) -> int:
    """What a number is the root of, if it is that of a whole one; else 0."""
    match constant.expr:
        case sp.Pow(args=(sp.Integer() as inside, sp.S.Half)):
            return int(inside)
    return 0


def _length(found: Multiple) -> int:
    return int(found.scale.p + found.scale.q + found.below + ("/" in found.constant.code))


def _fractions_of(
    number: sp.Rational, table: tuple[Constant, ...], values: Floats
) -> Iterator[Multiple]:
    value = float(number)
    for ratios, below in ((value / values, False), (value * values, True)):
        for place in np.flatnonzero(_is_near(ratios, _nearest_fraction(ratios))).tolist():
            near = Fraction(float(ratios[place])).limit_denominator(LARGEST)
            if is_computed(number) or value in _computed(near, table[place].value, below):
                scale = sp.Rational(near.numerator, near.denominator)
                yield Multiple(scale, table[place], below)


def _decimals_of(value: float) -> Iterator[Known]:
    """The decimal of few digits times a constant, or over it, that a number is."""
    values = _values_of_products()
    for function, ratios in (("multiply", value / values), ("divide", value * values)):
        units = 10.0 ** (np.floor(np.log10(ratios)) - 2)
        for place in np.flatnonzero(_is_near(ratios, np.round(ratios / units) * units)).tolist():
            yield Known((sp.Rational(f"{ratios[place]:.3g}"), products()[place]), function)


def _is_near(values: Floats, others: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.abs(values - others) <= CLOSE * values)


def _nearest_fraction(values: Floats) -> Floats:
    """The fractions up to 100 that are nearest."""
    after = np.clip(np.searchsorted(_fractions(), values), 1, len(_fractions()) - 1)
    low, high = _fractions()[after - 1], _fractions()[after]
    return np.where(np.abs(low - values) < np.abs(high - values), low, high)


@lru_cache(maxsize=1)
def _fractions() -> Floats:
    """All fractions of numerator and denominator up to 100, in order."""
    counts = np.arange(1, LARGEST + 1)
    return np.unique(counts[:, None] / counts)


def product(number: sp.Rational) -> Known | None:
    """The decimal times a constant that a number is which nobody typed, as 3 c is in (c x³)'."""
    value = float(number)
    if is_printed(number):
        return None
    scales = ((short(value / c.value), c) for c in MULTIPLIED)
    return next((Known((s, c), "multiply") for s, c in scales if s is not None), None)


def _computed(scale: Fraction, value: float, below: bool) -> set[float]:
    """The floats that such a multiple may be, in whatever order it is computed."""
    p, q = scale.numerator, scale.denominator
    if below:
        return {p / q / value, p / (q * value), p / value / q, p / (value * q), 1 / value * (p / q)}
    return {p * value / q, p / q * value, value / q * p, value / (q / p), p * (value / q)}


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


# -- what numbers may be multiples of -------------------------------------------------------------


@lru_cache(maxsize=1)
def constants() -> tuple[Constant, ...]:
    """Roots of numbers that no square divides, logarithms, and a few that have names."""
    roots, logarithms = FAMILIES
    members = (*map(roots.member, _free()), *map(logarithms.member, _free()))
    return (*SINGLE, *_of_pi(SMALL), *members, *_of_logarithms(), *_powers_of_e())


def _free() -> list[int]:
    return [n for n in range(2, LARGEST + 1) if all(n % (k * k) for k in range(2, 11))]


SMALL = 10
"""Up to here numbers have their roots with π, and logarithms beside other constants."""


def _of_pi(largest: int) -> Iterator[Constant]:
    """π², and π and its root times the root of a small number."""
    yield _made("np.pi**2", math.pi**2, lambda: sp.pi**2)
    for n in (n for n in _free() if n <= largest):
        yield _made(f"np.pi * np.sqrt({n})", math.pi * math.sqrt(n), partial(_with_pi, n))
        yield _made(f"np.sqrt({n} * np.pi)", math.sqrt(n * math.pi), partial(root_of, n * sp.pi))
        yield _made(f"np.sqrt({n} / np.pi)", math.sqrt(n / math.pi), partial(root_of, n / sp.pi))


def _of_logarithms() -> Iterator[Constant]:
    """The square and roots of a small number's logarithm."""
    for n in (2, 3, 5, 10):
        log = math.log(n)
        yield _made(f"np.log({n})**2", log**2, partial(_squared_log, n))
        yield _made(f"np.sqrt(np.log({n}))", log**0.5, partial(root_of, sp.log(n)))
    twice, over_pi = 2 * math.log(2), math.log(2) / math.pi
    yield _made("np.sqrt(2 * np.log(2))", twice**0.5, lambda: root_of(2 * sp.log(2)))
    yield _made("np.sqrt(np.log(2) / np.pi)", over_pi**0.5, lambda: root_of(sp.log(2) / sp.pi))


def _powers_of_e() -> Iterator[Constant]:
    """The root and small powers of e: NumPy's exp and its e raised to n differ by rounding."""
    yield _made("np.exp(0.5)", math.exp(0.5), lambda: root_of(sp.E))
    for n in range(2, SMALL + 1):
        yield _made(f"np.exp({n})", math.exp(n), partial(sp.exp, n))
        yield _made(f"np.e**{n}", math.e**n, partial(sp.exp, n))


@lru_cache(maxsize=1)
def products() -> tuple[Constant, ...]:
    """The same, and what is a root times a logarithm, or times two."""
    logs = [FAMILIES[1].member(n) for n in _free() if n <= SMALL]
    roots = [FAMILIES[0].member(n) for n in _free()]
    pairs = [_times(*p) for p in itertools.combinations_with_replacement(logs, 2)]
    pairs += [_over(*p) for p in itertools.combinations(logs, 2)]
    simple = (*(c for c in _of_pi(LARGEST) if "/" not in c.code), *roots)
    low = [r for r in roots if r.value**2 < SMALL + 1]
    return (
        *constants(), *_of_pi(LARGEST), *pairs,
        *(_times(a, b) for a in simple for b in logs),
        *(_times(a, b) for a in low for b in pairs),
    )  # fmt: skip


def _times(one: Constant, other: Constant) -> Constant:
    code = f"{one.code} * {other.code}"
    return _made(code, one.value * other.value, lambda: one.expr * other.expr)


def _over(one: Constant, other: Constant) -> Constant:
    code = f"{one.code} / {other.code}"
    return _made(code, one.value / other.value, lambda: one.expr / other.expr)


def _made(code: str, value: float, exactly: Callable[[], sp.Expr]) -> Constant:
    return Constant("", code, value, exactly)


def _with_pi(n: int) -> sp.Expr:
    return sp.pi * root_of(sp.Integer(n))


def _squared_log(n: int) -> sp.Expr:
    return sp.log(n) ** 2


@lru_cache(maxsize=1)
def _values() -> Floats:
    return np.array([c.value for c in constants()])


@lru_cache(maxsize=1)
def _values_of_products() -> Floats:
    return np.array([c.value for c in products()])


# -- decimals and fractions -----------------------------------------------------------------------


def settled(expr: sp.Expr) -> sp.Expr:
    """What is computed of rounded numbers as the fraction that it is but for that: (√½)² is ½."""
    found = {n: _fraction_near(n) for n in expr.atoms(sp.Rational) if is_computed(n)}
    return expr.xreplace(found) if found else expr


def _fraction_near(number: sp.Rational) -> sp.Rational:
    near = Fraction(int(number.p), int(number.q)).limit_denominator(LARGEST)
    close = near != 0 and abs(near / Fraction(int(number.p), int(number.q)) - 1) < CLOSE
    return sp.Rational(near.numerator, near.denominator) if close else number


DIGITS = 6
"""So many has a decimal at the most for which a longer number is taken."""

LONG = 15
"""Fewer characters has no number that is longer than it was meant."""

LEAST = 1e-30
"""float32 has no smaller numbers to speak of."""


@lru_cache(maxsize=4096)
def decimal_near(number: sp.Rational) -> sp.Rational | None:
    """The short decimal that a long one is but for rounding: 0.1 for 1 - 0.9, and for float32's.

    One among 10⁹ other numbers would be taken for such a decimal by mistake.
    """
    value = abs(float(number))
    if number.q <= ROUNDED or not LEAST < value < math.inf or _is_short(number):
        return None
    nearest = (_rounded(value, digits) for digits in range(1, DIGITS + 1))
    found = _as_float32(value) or next(filter(None, nearest), None)
    return None if found is None else sp.sign(number) * found


def _is_short(number: sp.Rational) -> bool:
    """Whether this is a decimal that somebody may have typed."""
    return len(repr(float(number))) < LONG and is_printed(number)


def _rounded(value: float, digits: int) -> sp.Rational | None:
    """A number of so many digits, where it is as near as differences of such numbers are."""
    near = sp.Rational(f"{value:.{digits}g}")
    away = abs(float(near - sp.Rational(repr(value))))
    rare = away * 10**digits <= 1e-9 * value
    return near if rare and away <= 1e-15 * max(1.0, value) else None


def _as_float32(value: float) -> sp.Rational | None:
    """What was meant where the number has been a float32."""
    single = np.float32(value) if value < float(np.finfo(np.float32).max) else np.float32(0)
    text = f"{single:.{DIGITS}g}"
    return sp.Rational(text) if float(single) == value and np.float32(text) == single else None

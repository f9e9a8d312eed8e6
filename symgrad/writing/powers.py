"""Powers of numbers that are written: equal factors as one, and none above that is below too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from symgrad.writing.formula import (
    Apply,
    Formula,
    Fraction,
    Letter,
    Norm,
    Number,
    Scripted,
    Word,
    raised,
)


def as_powers(factors: Iterable[Formula]) -> list[Formula]:
    """Factors that are equal as a power: s² for s s."""
    counts: Counter[Formula] = Counter()
    for factor in factors:
        if isinstance(factor, Norm) and factor.squared:
            counts[replace(factor, squared=False)] += 2
        else:
            counts[factor] += 1
    return [_power_of(f, n) for f, n in counts.items()]


def net_powers(factors: Sequence[Formula]) -> list[Formula] | None:
    """Factors and reciprocals as powers, s/s² as 1/s; None where none stands above and below."""
    powers = [_as_power(part) for factor in factors for part in _above_and_below(factor)]
    counts: Counter[Formula] = Counter()
    for base, exponent in powers:
        counts[base] += exponent
    if all(abs(counts[b]) == sum(abs(n) for c, n in powers if c == b) for b in counts):
        return None
    kept = [(base, exponent) for base, exponent in counts.items() if exponent]
    return [_power_of(b, n) if n > 0 else Fraction(Number("1"), _power_of(b, -n)) for b, n in kept]


def _above_and_below(factor: Formula) -> Sequence[Formula]:
    """For a fraction of two factors these, the second as a reciprocal."""
    match factor:
        case Fraction(Norm() | Apply() | Scripted() | Letter() | Word() as above, below):
            return above, Fraction(Number("1"), below)
    return (factor,)


def _as_power(factor: Formula) -> tuple[Formula, int]:
    match factor:
        case Fraction(Number("1"), below):
            base, exponent = _as_power(below)
            return base, -exponent
        case Norm(squared=True):
            return replace(factor, squared=False), 2
        case Scripted(_, _, Number(digits)) if digits.isdigit():
            return replace(factor, sup=None) if factor.sub else factor.base, int(digits)
    return factor, 1


def _power_of(factor: Formula, n: int) -> Formula:
    if isinstance(factor, Norm) and n == 2:
        return replace(factor, squared=True)
    return factor if n == 1 else raised(factor, Number(str(n)))

"""Formulas read as numbers, by what a reader takes their signs and names for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import mpmath

from symgrad.mathematics.matrices import signed
from symgrad.writing import formula as f
from symgrad.writing.formula import Formula

Value = Any
"""A number of many digits, or a list or matrix of them."""


def _mod(x: Value, y: Value) -> Value:
    return x - y * mpmath.floor(x / y)


AS_IN_MPMATH = """
ceil cos cosh det digamma erf erfc erfinv exp floor log log10 sign sin sinh sqrt tan tanh
"""
NAMES: Mapping[str, Callable[..., Value]] = {
    **{name: getattr(mpmath, name) for name in AS_IN_MPMATH.split()},
    "arccos": mpmath.acos,
    "arcosh": mpmath.acosh,
    "arcsin": mpmath.asin,
    "arctan": mpmath.atan,
    "arctan2": mpmath.atan2,
    "arsinh": mpmath.asinh,
    "artanh": mpmath.atanh,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.root(abs(x), 3),
    "chol": mpmath.cholesky,
    "eig": lambda a: list(mpmath.eigsy(a)[0]),
    "eigvec": lambda a: signed(a, mpmath.eigsy(a)[1]),
    "left": lambda a: mpmath.svd_r(a)[0],
    "right": lambda a: mpmath.svd_r(a)[2],
    "sing": lambda a: list(mpmath.svd_r(a)[1]),
    "clip": lambda x, low, high: min(max(x, low), high),
    "erfcinv": lambda x: mpmath.erfinv(1 - x),
    "fmod": lambda x, y: mpmath.sign(x) * _mod(abs(x), abs(y)),
    "gammaln": lambda x: mpmath.log(abs(mpmath.gamma(x))),
    "hazard": lambda x: mpmath.npdf(x) / mpmath.ncdf(x),
    "log2": lambda x: mpmath.log(x, 2),
    "logaddexp2": lambda x, y: mpmath.log(2**x + 2**y, 2),
    "logit": lambda x: mpmath.log(x / (1 - x)),
    "max": max,
    "min": min,
    "mod": _mod,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "round": mpmath.nint,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "sinc": mpmath.sincpi,
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "trigamma": lambda x: mpmath.polygamma(1, x),
    "trunc": lambda x: mpmath.sign(x) * mpmath.floor(abs(x)),
    "Γ": mpmath.gamma,
    "Φ": mpmath.ncdf,
    "σ": lambda x: (1 + mpmath.tanh(x / 2)) / 2,
    "ψ": mpmath.digamma,
}
"""What functions are called in the literature."""

RELATIONS: Mapping[str, Callable[[Value, Value], Value]] = {
    "+": operator.add,
    "/": operator.truediv,
    "<": operator.lt,
    "=": operator.eq,
    "≠": operator.ne,
    ">": operator.gt,
    "≤": operator.le,
    "≥": operator.ge,
}
OVER: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "max": max,
    "min": min,
    "∏": mpmath.fprod,
    "∑": mpmath.fsum,
}
TIMES = (f.THIN, f.Sign("·"))
"""What stands between factors."""

SIGNS: Mapping[str, Value] = {"e": mpmath.e, "½": mpmath.mpf("0.5"), "π": mpmath.pi}


@dataclass(frozen=True)
class Reader:
    """Reads formulas; ``values`` are the numbers of their letters.

    ``letters``: whether the letter of a function is read where it has one, as on paper, or its name
    as in one line of text.  ``names`` are functions beyond those that everybody knows.
    """

    values: Mapping[str, Value]
    letters: bool
    names: Mapping[str, Callable[..., Value]]
    length: int = 0
    """How many entries there are along an index."""

    KINDS: ClassVar[Mapping[type[Formula], str]] = {
        f.Apply: "_apply",
        f.Cases: "_cases",
        f.Fenced: "_fenced",
        f.Fraction: "_fraction",
        f.Function: "_constant",
        f.Letter: "_letter",
        f.Negative: "_negative",
        f.Number: "_number",
        f.Root: "_root",
        f.Row: "_row",
        f.Scripted: "_scripted",
        f.Sign: "_letter",
        f.Sum: "_sum",
        f.Term: "_term",
        f.Word: "_word",
    }

    def __call__(self, formula: Formula) -> Value:
        """The number; a LookupError where something is not known."""
        return getattr(self, self.KINDS[type(formula)])(formula)

    def _letter(self, x: f.Letter | f.Sign) -> Value:
        return self.values[x.char] if x.char in self.values else SIGNS[x.char]

    def _constant(self, x: f.Function) -> Value:
        return SIGNS[x.name]

    def _word(self, x: f.Word) -> Value:
        return self.values[x.text]

    def _number(self, x: f.Number) -> Value:
        return mpmath.mpf(x.digits)

    def _negative(self, x: f.Negative) -> Value:
        return -self(x.body)

    def _term(self, x: f.Term) -> Value:
        return {"+": 1, "-": -1}[x.sign] * self(x.body)

    def _sum(self, x: f.Sum) -> Value:
        return mpmath.fsum(map(self, x.terms))

    def _fraction(self, x: f.Fraction) -> Value:
        return self(x.above) / self(x.below)

    def _root(self, x: f.Root) -> Value:
        inside, degree = self(x.inside), int(x.degree or 2)
        if inside < 0 and degree % 2:
            return -mpmath.root(-inside, degree)
        return mpmath.root(inside, degree)

    def _cases(self, x: f.Cases) -> Value:
        holding = (value for value, condition in (row.items for row in x.rows) if self(condition))
        return self(next(holding, x.last))

    def _fenced(self, x: f.Fenced) -> Value:
        return abs(self(x.inside)) if x.opening == "|" else self(x.inside)

    def _row(self, x: f.Row) -> Value:
        match x.items:
            case (left, f.Sign(char), right) if char in RELATIONS:
                return RELATIONS[char](self(left), self(right))
            case (array, f.Fenced("[", at, "]")):
                return self._entry(array, at)
        return mpmath.fprod(self(item) for item in x.items if item not in TIMES)

    def _scripted(self, x: f.Scripted) -> Value:
        found = self(x.base) if x.sub is None else self._entry(x.base, x.sub)
        return found if x.sup is None else found ** self(x.sup)

    def _entry(self, array: Formula, at: Formula) -> Value:
        places = [int(self(i)) for i in (at.items if isinstance(at, f.Row) else (at,))]
        whole = self(array)
        return whole[places[0]] if len(places) == 1 else whole[tuple(places)]

    def _apply(self, x: f.Apply) -> Value:
        if isinstance(x.function, f.Over):
            return OVER[x.function.sign](self._along(x.function.under, x.argument))
        return self.function(x.function)(*self._arguments(x.argument))

    def _along(self, index: Formula, body: Formula) -> list[Value]:
        letter = index.text if isinstance(index, f.Word) else index.char  # type: ignore[attr-defined]
        at = ({**self.values, letter: k} for k in range(self.length))
        return [Reader(values, self.letters, self.names)(body) for values in at]

    def _arguments(self, argument: Formula) -> list[Value]:
        match argument:
            case f.Fenced("(", f.Row(items, f.Gap.LIST)):
                return [self(item) for item in items]
        return [self(argument)]

    def function(self, name: Formula) -> Callable[..., Value]:
        """The function that has this name."""
        match name:
            case f.Function(word, letter):
                called = letter if self.letters and letter else word
                return NAMES[called] if called in NAMES else self.names[called]
            case f.Scripted(f.Function("log", ""), f.Number(base), None):
                return lambda x: mpmath.log(x, int(base))
            case f.Scripted(function, None, f.Number(exponent)):
                return lambda x: self.function(function)(x) ** int(exponent)
            case f.Row((function, f.Sign("′"))):
                return lambda x: mpmath.diff(self.function(function), x)
        raise LookupError(name)

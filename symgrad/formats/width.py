"""An estimate of how wide a formula is when it is typeset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap

_SIGNS = {
    **dict.fromkeys("=<>≈", 1.35), **dict.fromkeys("+-⊙×", 1.25), **dict.fromkeys("()[]|,.;", 0.4),
    **dict.fromkeys("ijl", 0.4), **dict.fromkeys("mw", 0.85), "n": 0.6, "W": 0.95,
    "⊤": 0.8, "\u2009": 0.17, "∑": 1.5, "log": 1.5, "max": 1.9, "min": 1.7, "tanh": 2.2,
}  # fmt: skip
"""In units of the font size; measured of what TeX makes of them."""

_SCRIPT = 0.75
_BESIDE = 0.05
_CAPITAL, _OTHER = 0.75, 0.53
_IN_A_WORD, _BETWEEN_WORDS = 0.46, 0.33
_OF_A_BAR = 0.25
_OF_CASES, _OTHERWISE = 2.9, 4.2
_ROOT = 0.53
_LARGER = 0.2
_GAPS = {Gap.COMMA: 0.4, Gap.LIST: 0.4, Gap.THIN: 0.17}


@dataclass(frozen=True)
class Big(Formula):
    """A bracket that is larger than the text, and stands in a line without its other one."""

    char: str


@cache
def width(formula: Formula) -> float:
    """The width in units of the font size."""
    return _KINDS.get(type(formula), _inside)(formula)


def of_text(text: str) -> float:
    """The width of signs beside each other."""
    return sum(map(_sign, text))


def of_words(text: str) -> float:
    """The width of words in upright letters."""
    return sum(_BETWEEN_WORDS if c.isspace() else _IN_A_WORD for c in text)


def _sign(char: str) -> float:
    ascii_capital = char.isascii() and char.isupper()
    return _SIGNS.get(char, _CAPITAL if ascii_capital else _OTHER)


def _inside(formula: Formula) -> float:
    return sum(map(width, f.parts(formula)))


def _function(x: f.Function) -> float:
    if x.letter:
        return of_text(x.letter)
    return _sign(x.name) if x.name in f.COMMON else of_words(x.name)


def _row(x: f.Row) -> float:
    return _inside(x) + _GAPS.get(x.gap, 0.0) * (len(x.items) - 1)


def _script(formula: Formula) -> float:
    return _BESIDE + _SCRIPT * width(formula)


def _scripted(x: f.Scripted) -> float:
    scripts = sum(_script(s) for s in (x.sub, x.sup) if s is not None)
    return width(x.base) + scripts


def _fraction(x: f.Fraction) -> float:
    return _OF_A_BAR + max(width(x.above), width(x.below))


def _root(x: f.Root) -> float:
    return _ROOT + width(x.inside) + (of_text(f"[{x.degree}]") if x.degree else 0.0)


def _fenced(x: f.Fenced) -> float:
    bars = 2 * _OTHER if x.opening == "|" and not x.high else 0.0
    return width(x.inside) + (bars or _sign(x.opening) + _sign(x.closing))


def _norm(x: f.Norm) -> float:
    marks = [m for m, there in ((f.Letter("F"), x.frobenius), (f.Number("2"), x.squared)) if there]
    return 2 * _OTHER + width(x.inside) + sum(map(_script, marks))


def _over(x: f.Over) -> float:
    sign, under = _sign(x.sign), _script(x.under)
    return max(sign, under) if x.sign != "∏" else sign + under


def _grid(x: f.Grid) -> float:
    columns = zip(*(row.items for row in x.rows), strict=True)
    return sum(max(map(width, column)) + 1.0 for column in columns)


def _cases(x: f.Cases) -> float:
    values, conditions = zip(*(row.items for row in x.rows), strict=True)
    column = max(map(width, (*values, x.last)))
    return _OF_CASES + column + max(*map(width, conditions), _OTHERWISE)


_KINDS: dict[type[Formula], Callable[..., float]] = {
    Big: lambda x: _LARGER + _sign(x.char),
    f.Letter: lambda x: _sign(x.char),
    f.Sign: lambda x: _sign(x.char),
    f.Word: lambda x: _IN_A_WORD * len(x.text),
    f.Words: lambda x: of_words(x.text),
    f.Number: lambda x: of_text(x.digits),
    f.Function: _function,
    f.Ones: lambda x: 2 * _OTHER,
    f.Row: _row,
    f.Scripted: _scripted,
    f.Fraction: _fraction,
    f.Root: _root,
    f.Fenced: _fenced,
    f.Norm: _norm,
    f.Over: _over,
    f.Own: lambda x: width(x.plain),
    f.Cases: _cases,
    f.Grid: _grid,
    f.Accented: lambda x: _OTHER + width(x.base),
    f.Negative: lambda x: _sign("-") + width(x.body),
    f.Term: lambda x: _sign(x.sign) + width(x.body),
}

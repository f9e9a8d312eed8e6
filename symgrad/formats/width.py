"""An estimate of how wide a formula is when TeX sets it in Computer Modern."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap


def _glyphs(widths: Mapping[float, str]) -> dict[str, float]:
    return {char: width for width, chars in widths.items() for char in chars}


_LETTERS = _glyphs(
    {0.35: "iιl", 0.4: "t", 0.43: "cξℓ", 0.48: "aebjopqrszδγτζν", 0.52: "dgkvxyησκ",
     0.58: "hnufθβελρχυI", 0.65: "αξφψωπμ", 0.68: "LZSP", 0.72: "JTΓ", 0.75: "wARΨ",
     0.79: "BCEFGQOUXYΣΦΛΥΞ", 0.84: "VDΔΩΠΘ", 0.88: "m", 0.92: "HKN", 1.08: "MW"}
)  # fmt: skip
"""Letters in italics, with the correction that TeX adds behind one; in units of the font size."""

_UPRIGHT = _glyphs(
    {0.28: "ijl,.;:'|", 0.33: "- ", 0.39: "rst()f", 0.44: "cezv", 0.5: "ago",
     0.56: "bdhknpquxy", 0.75: "wABCDHKNPRTUXYV", 0.65: "EFLSZ", 0.83: "mGOQ", 1.0: "MW", 0.36: "I"}
)  # fmt: skip

_SIGNS = _glyphs(
    {1.34: "=<>≈≤≥≠∈", 1.23: "+-⊙⊘×·∘±", 0.39: "()", 0.28: "[]|.", 0.45: ",;", 0.78: "⊤…",
     0.17: "\u2009", 0.59: "∂", 0.5: "/", 1.0: "∞", 1.62: "∑", 1.45: "∏"}
)  # fmt: skip
"""Signs with the space around them."""

_IN_SCRIPTS = _glyphs({0.78: "=<>≈≤≥≠+-⊙⊘×∈±", 0.5: "·∘", 0.28: ",;"})
"""Signs without it, as in subscripts."""

_SCRIPT, _SCRIPT_OF_SCRIPT = 0.82, 0.75
_AFTER_A_SCRIPT = 0.05
_OTHER = 0.55
_OF_A_BAR = 0.24
_OF_CASES, _OTHERWISE = 2.9, 4.2
_ROOT, _DEGREE = 0.85, 0.3
_THIN = 0.17
_HIGH = 0.74
"""A bracket around fractions, and a thin space beside it."""

_GAPS = {Gap.COMMA: 0.45, Gap.LIST: 0.61, Gap.THIN: _THIN}


@dataclass(frozen=True)
class Big(Formula):
    """A bracket that is larger than the text, and stands in a line without its other one."""

    char: str
    closes: bool = False


@cache
def width(formula: Formula, depth: int = 0) -> float:
    """The width in units of the font size; ``depth``: in how many scripts it stands."""
    return _KINDS.get(type(formula), _inside)(formula, depth)


def of_text(text: str) -> float:
    """The width of signs beside each other."""
    return sum(_sign(c) for c in text)


def of_words(text: str, glyphs: Mapping[str, float] = _UPRIGHT) -> float:
    """The width of words in upright letters."""
    return sum(glyphs.get(c, 0.5) for c in text)


def _sign(char: str, depth: int = 0) -> float:
    if depth and char in _IN_SCRIPTS:
        return _IN_SCRIPTS[char]
    return _SIGNS.get(char, 0.5 if char.isdigit() else _OTHER)


def _letter(char: str) -> float:
    return _LETTERS.get(char, _SIGNS.get(char, _OTHER))


def _inside(formula: Formula, depth: int) -> float:
    return sum(width(part, depth) for part in f.parts(formula))


def _function(x: f.Function, depth: int) -> float:
    return _letter(x.letter) if x.letter else of_words(x.name)


def _apply(x: f.Apply, depth: int) -> float:
    return _inside(x, depth) + (0.0 if x.close or depth else _THIN)


def _row(x: f.Row, depth: int) -> float:
    return _inside(x, depth) + _GAPS.get(x.gap, 0.0) * (len(x.items) - 1)


def _script(formula: Formula, depth: int) -> float:
    return (_SCRIPT_OF_SCRIPT if depth else _SCRIPT) * width(formula, depth + 1)


def _scripted(x: f.Scripted, depth: int) -> float:
    scripts = [_script(s, depth) for s in (x.sub, x.sup) if s is not None]
    return width(x.base, depth) + max(scripts) + _AFTER_A_SCRIPT


def _fraction(x: f.Fraction, depth: int) -> float:
    lines = max(width(x.above, depth), width(x.below, depth))
    return _OF_A_BAR + (_SCRIPT * lines if x.small else lines)


def _root(x: f.Root, depth: int) -> float:
    return _ROOT + width(x.inside, depth) + (_DEGREE if x.degree else 0.0)


def _fenced(x: f.Fenced, depth: int) -> float:
    signs = _sign(x.opening) + _sign(x.closing)
    if x.high:
        signs = (2 * _HIGH if x.inside.tall else signs) + 2 * _THIN
    return width(x.inside, depth) + signs


def _norm(x: f.Norm, depth: int) -> float:
    marks = [m for m, there in ((f.Letter("F"), x.frobenius), (f.Number("2"), x.squared)) if there]
    return 1.0 + 2 * _THIN + width(x.inside, depth) + max((_script(m, 0) for m in marks), default=0)


def _over(x: f.Over, depth: int) -> float:
    sign, under = (_sign(x.sign) if len(x.sign) == 1 else of_words(x.sign)), _script(x.under, depth)
    return max(sign, under + _THIN) if x.sign != "∏" else sign + under


def _grid(x: f.Grid, depth: int) -> float:
    columns = zip(*(row.items for row in x.rows), strict=True)
    return sum(max(width(cell, depth) for cell in column) + 1.0 for column in columns)


def _cases(x: f.Cases, depth: int) -> float:
    values, conditions = zip(*(row.items for row in x.rows), strict=True)
    column = max(width(value, depth) for value in (*values, x.last))
    return _OF_CASES + column + max(*(width(c, depth) for c in conditions), _OTHERWISE)


def _negative(x: f.Negative, depth: int) -> float:
    return _IN_SCRIPTS["-"] + width(x.body, depth)


def _accented(x: f.Accented, depth: int) -> float:
    return width(x.base, depth)


_KINDS: dict[type[Formula], Callable[..., float]] = {
    Big: lambda x, depth: 0.6,
    f.Letter: lambda x, depth: _letter(x.char),
    f.Sign: lambda x, depth: _sign(x.char, depth),
    f.Word: lambda x, depth: of_words(x.text),
    f.Words: lambda x, depth: of_words(x.text),
    f.Number: lambda x, depth: of_text(x.digits),
    f.Function: _function,
    f.Ones: lambda x, depth: 0.58,
    f.Row: _row,
    f.Apply: _apply,
    f.Scripted: _scripted,
    f.Fraction: _fraction,
    f.Root: _root,
    f.Fenced: _fenced,
    f.Norm: _norm,
    f.Over: _over,
    f.Own: lambda x, depth: width(x.plain, depth),
    f.Cases: _cases,
    f.Grid: _grid,
    f.Accented: _accented,
    f.Negative: _negative,
    f.Term: lambda x, depth: _sign(x.sign, depth) + width(x.body, depth),
}

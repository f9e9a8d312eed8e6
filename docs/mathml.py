"""The LaTeX formulas of the pages as MathML."""

from __future__ import annotations

import re
from functools import cache

from latex2mathml.converter import convert

_WORDS = {"italic": "it", "normal": "up", "monospace": "tt"}
_IDENTIFIER = re.compile(
    r'<mrow>((?:<mi mathvariant="(italic|normal|monospace)">[^<]*</mi>)+)</mrow>'
)
_SPACED = "log|tan|tanh|sinh|cosh|sin|cos|det|arctan|arcsin|arccos"
_OPERATOR = "(?:<mo>&#x02211;</mo>|<mi>(?:max|min)</mi>)"
_SIMPLE = r"<mrow>(?:<m[ion]>[^<]*</m[ion]>)*</mrow>"

_MENDED = (
    # the name of a function is an identifier; some have a little space around them
    (r"<mo>(max|min)</mo>", r"<mi>\1</mi>"),
    (r"<mo>([A-Za-z]{2,})</mo>", r'<mo lspace="0.167em" rspace="0">\1</mo>'),
    (r'<mn mathvariant="bold">1</mn>', "<mn>&#x1D7CF;</mn>"),
    (rf"<mi>({_SPACED})</mi>(?=<mrow><mo|<mo)", r'<mo lspace="0.167em" rspace="0">\1</mo>'),
    (rf"<mi>({_SPACED})</mi>", r'<mo lspace="0.167em" rspace="0.167em">\1</mo>'),
    (r'fence="true"', 'fence="true" lspace="0" rspace="0"'),
    # limits go below sums
    (rf"<msub>({_OPERATOR}{_SIMPLE})</msub>", r"<munder>\1</munder>"),
    # a minus after a sign or a bracket belongs to what follows
    (r"(<mo[^>]*>(?:&#x0003D;|&#x02248;|&#x00028;|\[|&#x0002C;)</mo>(?:<mrow>)*)<mo>&#x02212;</mo>",
     r'\1<mo form="prefix">&#x02212;</mo>'),
    (r"<mtd><mo>&#x02212;</mo>", '<mtd><mo form="prefix">&#x02212;</mo>'),
    (r"<mo>&#x022A4;</mo>", "<mi>&#x22A4;</mi>"),
    # HTML has no elements that end themselves
    (r"<(m\w+)([^<>]*?) ?/>", r"<\1\2></\1>"),
)  # fmt: skip


@cache
def mathml(latex: str) -> str:
    """A formula in the size of displayed ones, in line with the text."""
    text = str(convert(_lowered(latex), display="block"))
    text = _IDENTIFIER.sub(_word, text)
    for pattern, replacement in _MENDED:
        text = re.sub(pattern, replacement, text)
    return text.replace(
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">',
        '<math displaystyle="true">',
        1,
    )


_PAIR = re.compile(r"\\left([(\[])((?:(?!\\left|\\right).)*)\\right([)\]])")


def _lowered(latex: str) -> str:
    """Brackets that need not grow as plain ones: browsers leave gaps around those that could."""
    while match := _PAIR.search(latex):
        opening, inside, closing = match.groups()
        grows = tall(inside.replace(_GROWS, r"\left"))
        pair = (rf"{_GROWS}{opening}", rf"{_GREW}{closing}") if grows else (opening, closing)
        latex = latex[: match.start()] + pair[0] + inside + pair[1] + latex[match.end() :]
    return latex.replace(_GROWS, r"\left").replace(_GREW, r"\right")


_GROWS, _GREW = "\x01", "\x02"


def tall(latex: str) -> bool:
    """Whether brackets around this have to grow."""
    return any(mark in latex for mark in (r"\frac", r"\sum", r"\left", r"\max_", r"\min_"))


def _word(match: re.Match[str]) -> str:
    """The identifiers of a run of letters as one."""
    word = "".join(re.findall(r">([^<]*)</mi>", match[1]))
    return f'<mi class="{_WORDS[match[2]]}">{word}</mi>'

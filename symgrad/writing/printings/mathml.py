"""Formulas as MathML Core, which browsers set themselves."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import ClassVar

from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap
from symgrad.writing.printing import Printing

_THIN = '<mspace width="0.167em"></mspace>'
_CLASSES = {"italic": "it", "upright": "up", "typewriter": "tt"}
_LETTERS = {"φ": "ϕ"}
_IDENTIFIERS = {"∂", "⊤"}
"""Signs without space around them."""
_ACCENTS = {"hat": "^", "bar": "‾", "overline": "‾", "tilde": "~", "dot": "˙"}


class MathML(Printing):
    """MathML."""

    gaps: ClassVar[Mapping[Gap, str]] = {
        Gap.NONE: "",
        Gap.SPACE: "",
        Gap.THIN: _THIN,
        Gap.COMMA: "<mo>,</mo>",
        Gap.LIST: "<mo>,</mo>",
        Gap.INDICES: "",
    }
    accents: ClassVar[Mapping[str, str]] = {
        name: f'<mover accent="true">{{}}<mo stretchy="{str(name == "overline").lower()}">'
        f"{sign}</mo></mover>"
        for name, sign in _ACCENTS.items()
    }
    ones = "<mn>𝟏</mn>"
    sub = "<msub>{base}{sub}</msub>"
    sup = "<msup>{base}{sup}</msup>"
    both = "<msubsup>{base}{sub}{sup}</msubsup>"
    fraction = "<mfrac>{above}{below}</mfrac>"
    small_fraction = '<mstyle displaystyle="false"><mfrac>{above}{below}</mfrac></mstyle>'
    root = "<msqrt>{inside}</msqrt>"
    root_of_degree = "<mroot>{inside}<mn>{degree}</mn></mroot>"
    over = "<munder>{sign}{under}</munder>"
    apply = "<mrow>{function}{argument}</mrow>"
    apply_open = f"<mrow>{{function}}{_THIN}{{argument}}</mrow>"
    term = '<mrow><mo form="infix">{sign}</mo>{body}</mrow>'
    negative = '<mrow><mo form="prefix">{minus}</mo>{body}</mrow>'
    cases = (
        '<mrow><mo form="prefix" stretchy="true" lspace="0">{{</mo>'
        '<mtable class="cases">{rows}</mtable></mrow>'
    )
    case = "<mtr><mtd>{value}</mtd><mtd><mtext>if&nbsp;</mtext>{condition}</mtd></mtr>"
    otherwise = "<mtr><mtd>{value}</mtd><mtd><mtext>otherwise</mtext></mtd></mtr>"
    between_cases = ""

    def sign(self, char: str) -> str:
        return "−" if char == "-" else escape(char)

    def of_letter(self, x: f.Letter) -> str:
        return f"<mi>{escape(_LETTERS.get(x.char, x.char))}</mi>"

    def of_word(self, x: f.Word) -> str:
        if x.text.isdigit():  # a size
            return f"<mn>{x.text}</mn>"
        return f'<mi class="{_CLASSES.get(x.style, "it")}">{escape(x.text)}</mi>'

    def of_words(self, x: f.Words) -> str:
        # spaces at the ends of an element are not shown
        return f"<mtext>{escape(x.text).replace(' ', '&nbsp;')}</mtext>"

    def of_number(self, x: f.Number) -> str:
        return f"<mn>{x.digits}</mn>"

    def of_sign(self, x: f.Sign) -> str:
        if x == f.THIN:
            return _THIN
        if x.char in _IDENTIFIERS:
            return f"<mi>{x.char}</mi>"
        form = "prefix" if x.char in "([{" else "postfix" if x.char in ")]}" else "infix"
        spaces = ' stretchy="false"' if form != "infix" else ""  # a bracket of a part of a formula
        spaces += ' lspace="0" rspace="0"' if spaces or x.char in "/∘" else ""
        return f'<mo form="{form}"{spaces}>{self.sign(x.char)}</mo>'

    def of_function(self, x: f.Function) -> str:
        if x.letter:
            return f"<mi>{escape(x.letter)}</mi>"
        return f'<mo lspace="0.167em" rspace="0">{escape(x.name)}</mo>'

    def of_row(self, x: f.Row) -> str:
        return f"<mrow>{super().of_row(x)}</mrow>"

    def of_sum(self, x: f.Sum) -> str:
        return f"<mrow>{super().of_sum(x)}</mrow>"

    def of_scripted(self, x: f.Scripted) -> str:
        inner = x.base
        if (
            isinstance(inner, f.Scripted)
            and not (inner.sub and x.sub)
            and not (inner.sup and x.sup)
        ):
            both = f.Scripted(inner.base, inner.sub or x.sub, inner.sup or x.sup)
            return super().of_scripted(both)
        return super().of_scripted(x)

    def of_fenced(self, x: f.Fenced) -> str:
        # browsers leave gaps around brackets that could grow, though they need not
        inside = (node for node in f.walk(x.inside) if not isinstance(node, f.Fenced))
        grown = "true" if x.high and any(node.grows for node in inside) else "false"
        opening, closing = (
            f'<mo form="{form}" stretchy="{grown}" lspace="0" rspace="0">{escape(char)}</mo>'
            for form, char in (("prefix", x.opening), ("postfix", x.closing))
        )
        return f"<mrow>{opening}{self(x.inside)}{closing}</mrow>"

    def of_apply(self, x: f.Apply) -> str:
        pattern = self.apply if x.close or isinstance(x.argument, f.Fenced) else self.apply_open
        if isinstance(x.function, f.Over) and x.function.sign in "∑∏":
            pattern = self.apply  # such a sign has space around it
        return pattern.format(function=self(x.function), argument=self(x.argument))

    def of_grid(self, x: f.Grid) -> str:
        rows = ("".join(f"<mtd>{cell}</mtd>" for cell in self.each(row.items)) for row in x.rows)
        return f"<mtable>{''.join(f'<mtr>{row}</mtr>' for row in rows)}</mtable>"

    def of_over(self, x: f.Over) -> str:
        sign = f'<mo movablelimits="false">{x.sign}</mo>'
        if x.sign in f.COMMON:
            sign = f'<mo lspace="0.167em" rspace="0" movablelimits="false">{x.sign}</mo>'
        return self.over.format(sign=sign, under=self(x.under))


_mathml = MathML()


def mathml(formula: Formula, printing: MathML = _mathml) -> str:
    """A formula in the size of displayed ones, in line with the text."""
    return f'<math displaystyle="true">{printing(formula)}</math>'

"""A printing turns formulas into text: a table of signs, and a pattern for each kind of formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from symgrad.writing import formula as f
from symgrad.writing.display import Display
from symgrad.writing.formula import Formula, Gap
from symgrad.writing.writer import Writer


class Printing:
    """What every printing shares; one of its own sets the tables, and methods where it has to.

    ``layout`` says whether it is set in two dimensions or in one line.
    """

    layout: ClassVar[type[Writer]] = Display

    signs: ClassVar[Mapping[str, str]] = {}
    """Signs and letters that are written otherwise than Unicode has them."""
    gaps: ClassVar[Mapping[Gap, str]] = {}
    styles: ClassVar[Mapping[str, str]] = {"": "{}"}
    """Words in italic, upright and typewriter letters, and words of English (the empty name)."""
    accents: ClassVar[Mapping[str, str]] = {}
    ones: ClassVar[str] = "1"
    sub: ClassVar[str] = "{base}_{{{sub}}}"
    sup: ClassVar[str] = "{base}^{{{sup}}}"
    both: ClassVar[str] = "{base}_{{{sub}}}^{{{sup}}}"
    fraction: ClassVar[str] = "({above})/({below})"
    small_fraction: ClassVar[str] = ""
    root: ClassVar[str] = "sqrt({inside})"
    root_of_degree: ClassVar[str] = "root({degree}, {inside})"
    fence: ClassVar[str] = "{opening}{inside}{closing}"
    high_fence: ClassVar[str] = ""
    """The same, as high as what is inside."""
    over: ClassVar[str] = "{sign}_{{{under}}}"
    apply: ClassVar[str] = "{function}{argument}"
    apply_open: ClassVar[str] = "{function} {argument}"
    """A function whose argument has no brackets of its own."""
    function: ClassVar[str] = "{name}"
    """The name of a function that not all printings have a sign for."""
    cases: ClassVar[str] = "{{{rows}}}"
    case: ClassVar[str] = "{value} if {condition}"
    otherwise: ClassVar[str] = "{value} otherwise"
    between_cases: ClassVar[str] = "; "
    grid: ClassVar[str] = "{rows}"
    between_cells: ClassVar[str] = ", "
    between_rows: ClassVar[str] = "; "
    term: ClassVar[str] = "{sign} {body}"
    negative: ClassVar[str] = "{minus}{body}"

    def __call__(self, formula: Formula) -> str:
        """The text of a formula."""
        text: str = getattr(self, f"of_{type(formula).__name__.lower()}")(formula)
        return text

    def each(self, formulas: Sequence[Formula]) -> list[str]:
        """The text of each of several formulas."""
        return [self(x) for x in formulas]

    def word(self, text: str) -> str:
        """A word, with what means something to the format taken literally."""
        return text

    def sign(self, char: str) -> str:
        """A sign or a letter."""
        return self.signs.get(char, char)

    def of_letter(self, x: f.Letter) -> str:
        return self.sign(x.char)

    def of_sign(self, x: f.Sign) -> str:
        return self.sign(x.char)

    def of_word(self, x: f.Word) -> str:
        return self.styles.get(x.style, "{}").format(self.word(x.text))

    def of_words(self, x: f.Words) -> str:
        return self.styles[""].format(self.word(x.text))

    def of_number(self, x: f.Number) -> str:
        return x.digits

    def of_function(self, x: f.Function) -> str:
        if x.letter:
            return self.sign(x.letter)
        if x.name in f.COMMON:
            return self.sign(x.name)
        return self.function.format(name=self.word(x.name))

    def of_ones(self, _: f.Ones) -> str:
        return self.ones

    def of_row(self, x: f.Row) -> str:
        return self.gaps[x.gap].join(self.each(x.items))

    def of_scripted(self, x: f.Scripted) -> str:
        base = self(x.base)
        sub, sup = (None if s is None else self(s) for s in (x.sub, x.sup))
        if sup is None:
            return self.sub.format(base=base, sub=sub)
        return (self.sup if sub is None else self.both).format(base=base, sub=sub, sup=sup)

    def of_fraction(self, x: f.Fraction) -> str:
        pattern = (x.small and self.small_fraction) or self.fraction
        return pattern.format(above=self(x.above), below=self(x.below))

    def of_root(self, x: f.Root) -> str:
        pattern = self.root_of_degree if x.degree else self.root
        return pattern.format(inside=self(x.inside), degree=x.degree)

    def of_fenced(self, x: f.Fenced) -> str:
        pattern = (x.high and self.high_fence) or self.fence
        opening, closing = self.sign(x.opening), self.sign(x.closing)
        return pattern.format(opening=opening, inside=self(x.inside), closing=closing)

    def of_norm(self, x: f.Norm) -> str:
        fenced = f.Fenced("‖", x.inside, "‖", high=True)
        sub = f.Letter("F") if x.frobenius else None
        sup = f.Number("2") if x.squared else None
        return self(f.Scripted(fenced, sub, sup) if sub or sup else fenced)

    def of_apply(self, x: f.Apply) -> str:
        pattern = self.apply if x.close else self.apply_open
        return pattern.format(function=self(x.function), argument=self(x.argument))

    def of_over(self, x: f.Over) -> str:
        return self.over.format(sign=self.sign(x.sign), under=self(x.under))

    def of_accented(self, x: f.Accented) -> str:
        return self.accents[x.accent].format(self(x.base))

    def of_negative(self, x: f.Negative) -> str:
        return self.negative.format(minus=self.sign("-"), body=self(x.body))

    def of_term(self, x: f.Term) -> str:
        return self.term.format(sign=self.sign(x.sign), body=self(x.body))

    def of_cases(self, x: f.Cases) -> str:
        pairs = (self.each(row.items) for row in x.rows)
        rows = [self.case.format(value=value, condition=c) for value, c in pairs]
        rows.append(self.otherwise.format(value=self(x.last)))
        return self.cases.format(rows=self.between_cases.join(rows))

    def of_own(self, x: f.Own) -> str:
        return self(x.plain)

    def of_grid(self, x: f.Grid) -> str:
        rows = (self.between_cells.join(self.each(row.items)) for row in x.rows)
        return self.grid.format(rows=self.between_rows.join(rows))

    def of_sum(self, x: f.Sum) -> str:
        return " ".join(self.each(x.terms))

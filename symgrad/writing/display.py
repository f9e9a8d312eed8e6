"""The layout of formulas in two dimensions: fractions, subscripts, signs with limits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import sympy as sp

from symgrad.mathematics import written as how
from symgrad.mathematics.reductions import LEAVES
from symgrad.writing.formula import (
    THIN,
    Accented,
    Apply,
    Fenced,
    Formula,
    Fraction,
    Function,
    Gap,
    Letter,
    Number,
    Root,
    Row,
    Scripted,
    Sign,
    Sum,
    Word,
    Words,
    beside,
    bracketed,
    number,
    parenthesised,
    raised,
    related,
    run_together,
    scientific,
    walk,
)
from symgrad.writing.functions import Arguments
from symgrad.writing.names import Name
from symgrad.writing.parts import ends_with_sum, scale_parts
from symgrad.writing.piece import Level, Piece
from symgrad.writing.writer import Writer, slashed

PARTIAL = Sign("∂")
TWO = Number("2")


class Display(Writer):
    """Formulas as they are set on paper."""

    half = Fraction(Number("1"), TWO, small=True)

    def bracket(self, formula: Formula) -> Formula:
        return bracketed(formula)

    def joined(self, factors: Sequence[Formula]) -> Formula:
        """Factors side by side, with a little space around fractions."""
        items = [factors[0]]
        for before, after in pairwise(factors):
            fractions = _has_fraction(before) or _begins_with_fraction(after)
            items += [THIN, after] if fractions else [after]
        return beside(items)

    # Names

    def letter(self, letter: str) -> Formula:
        if letter == "l":
            return Letter("ℓ")
        first = Letter(letter[0])
        return first if len(letter) == 1 else Scripted(first, Number(letter[1:]))

    def size(self, name: str) -> Formula:
        symbol = self.names.sizes.get(name) or self.names.symbols.get(name)
        if symbol is not None:
            return symbol.formula
        return Letter(name) if len(name) == 1 else Word(name, "plain")

    def symbol(self, name: str) -> Formula:
        if name in self.names.derivatives:
            return self.entry(name, ()).formula
        return self.names.symbols[name].formula

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        if name in self.names.adjoint_of:
            return self._adjoint(name, indices)
        if name in self.names.slopes:
            of, by = self.names.slopes[name]
            return self.derivative(of, (), by, indices)
        symbol = self.names.symbols[name]
        shown = self.formulas(self.names.shown(name, indices))
        clash = symbol.stem in self.names.wholes
        level = Level.SCRIPTED if symbol.is_high else Level.ATOM
        return Piece(symbol.entry(shown, clash=clash), level)

    def _adjoint(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        value = self.names.adjoint_of[name]
        if self.names.mark(value) != "partial":
            return self._marked(name, indices)
        above = len(self.names.axes.get(self.names.output, ()))
        whole = len(indices) < above
        at = ((), ()) if whole else (indices[:above], indices[above:])
        return self.derivative(self.names.output_of(name), at[0], value, at[1])

    def derivative(
        self, of: str, at: Sequence[sp.Expr], by: str, place: Sequence[sp.Expr]
    ) -> Piece:
        below = self._inline(by, place)
        if of not in self.names.slopes or by in self.names.slopes:
            above = Row((PARTIAL, self._inline(of, at)))
            return Piece(Fraction(above, Row((PARTIAL, below))), Level.SCRIPTED)
        first, other = self.names.slopes[of]
        if not at and self.names.is_vector(other) and self.names.is_vector(by):
            below = self.transposed(below)
        under = Row((PARTIAL, self._inline(other, at), THIN, PARTIAL, below))
        above = Row((raised(PARTIAL, TWO), self._inline(first, ())))
        return Piece(Fraction(above, under), Level.SCRIPTED)

    def _inline(self, name: str, indices: Sequence[sp.Expr]) -> Formula:
        """A value in one line, as it stands above or below the bar of a fraction."""
        if name not in self.names.slopes:
            return self.entry(name, indices).formula
        of, by = self.names.slopes[name]
        above, below = self._inline(of, ()), self._inline(by, indices)
        return Fenced("(", Row((PARTIAL, above, Sign("/"), PARTIAL, below)), ")")

    def _marked(self, adjoint: str, indices: Sequence[sp.Expr]) -> Piece:
        """The derivative by a value as a symbol of its own, with an accent where it is a part."""
        value = self.names.adjoint_of[adjoint]
        name = self.names.symbols[value]
        shown = self.formulas(self.names.shown(value, indices))
        if self.names.mark(value) == "bar":
            bar = "overline" if isinstance(name.stem, Word) else "bar"
            stem = self._as_part(Accented(bar, name.stem), adjoint)
            return Piece(Name(stem, name.sub).entry(shown))
        delta = self._as_part(Letter("δ"), adjoint)
        marked = Name(raised(delta, Fenced("(", name.formula, ")")))
        return Piece(marked.entry(shown), Level.SCRIPTED)

    def _as_part(self, sign: Formula, adjoint: str) -> Formula:
        return Accented(self.names.accent, sign) if adjoint in self.names.parts else sign

    def part(self, name: str, outer: Sequence[sp.Expr]) -> Formula:
        if name in self.names.derivatives:
            whole = self.bracket(self.symbol(name))
            return self.at(whole, outer) if outer else whole
        return self.names.symbols[name].entry(self.formulas(outer))

    def at(self, array: Formula, indices: Sequence[sp.Expr]) -> Formula:
        return Scripted(array, run_together(self.formulas(indices)))

    # Fractions and powers

    def quotient(self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]) -> Piece:
        """A number or 1/N goes in front, and into the fraction where there is one anyway."""
        if below and ends_with_sum(above):
            return self.before_sum(self._fraction(scale, above[:-1], below), above[-1])
        if below:
            return self._fraction(scale, above, below)
        if scale == 1:
            return self.product(above) if above else Piece(Number("1"))
        if not above:
            return Piece(self._scale(scale), Level.SCRIPTED)
        return self._before(self._scale(scale), self.product(above))

    def _before(self, factor: Formula, rest: Piece) -> Piece:
        """A factor that stands before others."""
        body = rest.formula if rest.level > Level.SUM else self.bracket(rest.formula)
        return Piece(Row((factor, body)), min(Level.PRODUCT, max(rest.level, Level.OPEN)))

    def _fraction(
        self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]
    ) -> Piece:
        """Adjoints stand before the fraction, as they are fractions; what has some, behind it."""
        front = [self.at_least(f, Level.PRODUCT) for f in above if self.rank(f) < 2]
        others = [f for f in above if self.rank(f) >= 2]
        behind = [f for f in others if _has_fraction(self.formula(f))]
        inside = [f for f in others if f not in behind]
        top, bottom = scale_parts(scale, self.names.typed.as_decimal)
        over = self.product([*_factors(top), *inside]).formula if inside else self._sizes(top)
        fraction = Fraction(over, self.product([*_factors(bottom), *below]).formula)
        whole = self.joined([*front, fraction])
        if behind:
            return self._before(whole, self.product(behind))
        return Piece(whole, Level.PRODUCT if front else Level.SCRIPTED)

    def _scale(self, scale: sp.Expr) -> Formula:
        top, bottom = scale_parts(scale, self.names.typed.as_decimal)
        return self._sizes(top) if bottom == 1 else Fraction(self._sizes(top), self._sizes(bottom))

    def _sizes(self, expr: sp.Expr) -> Formula:
        value, rest = expr.as_coeff_Mul()
        parts = [] if value == 1 and rest != 1 else [self.number(value).formula]
        sizes = sorted(sp.Mul.make_args(rest), key=str) if rest != 1 else []
        return beside([*parts, *self.formulas(sizes)])

    def fraction_of_numbers(self, above: Formula, below: Formula) -> Piece:
        return Piece(Fraction(above, below), Level.SCRIPTED)

    def scientific(self, factor: str, exponent: int) -> Piece:
        found = scientific(factor, exponent)
        return Piece(found, Level.PRODUCT if isinstance(found, Row) else Level.SCRIPTED)

    def root(self, base: sp.Expr) -> Piece:
        return Piece(Root(self.formula(base)), Level.SCRIPTED)

    def power(self, base: sp.Expr, exponent: sp.Expr) -> Piece:
        leaf = LEAVES.get(type(base))
        match leaf.written if leaf and exponent.is_Integer else None:
            case how.Prefix(name, "", str()):
                powered = raised(Function(name), number(str(exponent)))
                argument = self.argument(base.args[0])
                return Piece(Apply(powered, argument, close=False), Level.OPEN)
        shown = small_number(exponent) if exponent.is_Rational else self.formula(exponent)
        return Piece(raised(self.at_least(base, Level.ATOM), shown), Level.SCRIPTED)

    def transposed(self, matrix: Formula) -> Formula:
        scripted = any(isinstance(m, Scripted) and m.sup is not None for m in walk(matrix))
        return raised(Fenced("(", matrix, ")") if scripted else matrix, Sign("⊤"))

    # Functions

    def _prefix(self, written: how.Prefix, arguments: Arguments) -> Piece:
        name: Formula = Function(written.name)
        if written.base:
            name = Scripted(name, Number(written.base))
        if isinstance(written.of, str):
            argument = arguments[written.of]
            if (
                argument.is_Mul and argument.is_number
            ):  # log 2π x is read as the logarithm of it all
                return Piece(Apply(name, parenthesised(self.formula(argument))))
            return self.prefixed(name, self.argument(argument))
        return Piece(Apply(name, self.inside(written.of, arguments)))

    def prefixed(self, function: Formula, argument: Formula) -> Piece:
        return Piece(Apply(function, argument, close=False), Level.OPEN)

    def _exponential(self, written: how.Exponential, arguments: Arguments) -> Piece:
        exponent = self.formula(arguments[written.of])
        if written.base == "e" and ("e" in self.names.letters or exponent.tall):
            return Piece(Apply(Function("exp"), self.bracket(exponent)))
        base = Letter(written.base) if written.base.isalpha() else Number(written.base)
        return Piece(raised(base, exponent), Level.SCRIPTED)

    def _radical(self, written: how.Radical, arguments: Arguments) -> Piece:
        return Piece(Root(self.formula(arguments["x"]), str(written.degree)))

    def _called(self, written: how.Called, arguments: Arguments) -> Piece:
        return self.spelled(written.whole, arguments)

    # Signs

    def kronecker(self, first: Formula, second: Formula) -> Formula:
        if self.names.has_bracketed_deltas:
            return Fenced("[", related(first, second), "]")
        return Scripted(Letter("δ"), run_together([first, second]))

    def unequal(self, one: Formula, other: Formula) -> Formula:
        return related(one, other, "≠")

    def shape(self, sizes: Sequence[Formula]) -> Formula:
        items = [x for size in sizes for x in (Sign("×"), size)][1:]
        return beside(items) if items else Words("scalar")

    def range(self, letters: Sequence[str], size: int | None, last: Formula) -> Formula:
        names = beside([self.letter(c) for c in letters], Gap.LIST)
        few = size is not None and size <= 3
        shown = (
            [Number(str(k)) for k in range(size or 0)] if few else [Number("0"), Sign("…"), last]
        )
        return related(names, beside(shown, Gap.LIST))


def small_number(value: sp.Expr) -> Formula:
    """A fraction in one line."""
    if value.q == 1:
        return number(str(value.p))
    return slashed(number(str(value.p)), Number(str(value.q)))


def _factors(scale: sp.Expr) -> Sequence[sp.Expr]:
    return () if scale == 1 else sp.Mul.make_args(scale)


def _begins_with_fraction(formula: Formula) -> bool:
    match formula:
        case Row(items) | Sum(items):
            return _begins_with_fraction(items[0])
        case Scripted(base):
            return _begins_with_fraction(base)
        case Apply(function):
            return _begins_with_fraction(function)
    return isinstance(formula, Fraction) and not formula.small


def _has_fraction(formula: Formula) -> bool:
    return any(isinstance(node, Fraction) and not node.small for node in walk(formula))

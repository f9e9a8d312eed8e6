"""The layout of formulas in one line of text: for people, and as comments of code."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symgrad.mathematics import written as how
from symgrad.mathematics.matrices import LogAbsDeterminant
from symgrad.mathematics.reductions import select
from symgrad.writing.formula import (
    Apply,
    Fenced,
    Formula,
    Fraction,
    Function,
    Gap,
    Number,
    Row,
    Sign,
    Word,
    Words,
    beside,
    has,
    number,
    parenthesised,
    raised,
    related,
    scientific,
)
from symgrad.writing.functions import Arguments, FunctionWriter
from symgrad.writing.names import COMBINING, SUBSCRIPTS, barred
from symgrad.writing.parts import as_condition, ends_with_sum, scale_parts
from symgrad.writing.piece import Level, Piece
from symgrad.writing.writer import Writer, slashed

PARTIAL = Sign("∂")


class Code(Writer):
    """One line, with the names as they are in the spec."""

    half = Sign("½")
    commas = Gap.LIST
    """What is between the two indices of a δ."""

    def bracket(self, formula: Formula) -> Formula:
        return parenthesised(formula)

    # Names

    def letter(self, letter: str) -> Formula:
        return Word(letter)

    def size(self, name: str) -> Formula:
        return Word(self.names.sizes[name].plain if name in self.names.sizes else name)

    def symbol(self, name: str) -> Formula:
        return Word(name)

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        above: Sequence[sp.Expr] = ()
        value = name
        if name in self.names.adjoint_of:
            count = len(self.names.axes.get(self.names.output, ()))
            above, indices, value = indices[:count], indices[count:], self.names.adjoint_of[name]
        shown = [*self.names.shown(self.names.output, above), *self.names.shown(value, indices)]
        return Piece(self.at(Word(name), shown))

    def derivative(
        self, of: str, at: Sequence[sp.Expr], by: str, place: Sequence[sp.Expr]
    ) -> Piece:
        value, variable = self.entry(of, at).formula, self.entry(by, place).formula
        return Piece(rate([value], [variable]), Level.PRODUCT)

    def part(self, name: str, outer: Sequence[sp.Expr]) -> Formula:
        return self.at(self.symbol(name), outer)

    def at(self, array: Formula, indices: Sequence[sp.Expr]) -> Formula:
        if not indices:
            return array
        brackets = Fenced("[", beside(self.formulas(indices), Gap.COMMA), "]")
        return Row((array, brackets), Gap.NONE)

    # Fractions and powers

    def quotient(self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]) -> Piece:
        if below and ends_with_sum(above):
            return self.before_sum(self.quotient(scale, above[:-1], below), above[-1])
        top, bottom = scale_parts(scale, self.names.typed.as_decimal)
        divisors = [*([] if bottom == 1 else sp.Mul.make_args(bottom)), *below]
        multiples = [*([] if top == 1 else sp.Mul.make_args(top)), *above]
        if not divisors:
            return self.product(multiples)
        divisor = self._divisor(divisors)
        numerator = self.product(multiples) if multiples else Piece(Number("1"))
        is_log = bool(above) and isinstance(above[-1], (sp.log, LogAbsDeterminant))
        if (numerator.level == Level.OPEN or is_log) and not below:
            front = slashed(self.product(sp.Mul.make_args(top)).formula, divisor)
            return Piece(Row((front, self.product(above).formula)), Level.OPEN)
        return Piece(slashed(self._above(numerator), divisor), Level.PRODUCT)

    def _above(self, numerator: Piece) -> Formula:
        loose = numerator.level < Level.PRODUCT or isinstance(numerator.formula, Fraction)
        return self.bracket(numerator.formula) if loose else numerator.formula

    def _divisor(self, factors: Sequence[sp.Expr]) -> Formula:
        piece = self.product(factors)
        return piece.formula if piece.level >= Level.SCRIPTED else self.bracket(piece.formula)

    def fraction_of_numbers(self, above: Formula, below: Formula) -> Piece:
        under = self.bracket(below) if isinstance(below, Row) else below
        return Piece(slashed(above, under), Level.PRODUCT)

    def scientific(self, factor: str, exponent: int) -> Piece:
        return Piece(Number(f"{factor}e{exponent}"))

    def root(self, base: sp.Expr) -> Piece:
        return Piece(Apply(Function("sqrt"), parenthesised(self.formula(base))))

    def power(self, base: sp.Expr, exponent: sp.Expr) -> Piece:
        shown = raised(self.at_least(base, Level.ATOM), self.at_least(exponent, Level.ATOM))
        return Piece(shown, Level.SCRIPTED)

    def transposed(self, matrix: Formula) -> Formula:
        return raised(matrix, Sign("⊤"))

    # Functions

    def choice(self, expr: select) -> Piece:
        """As NumPy has it."""
        condition, *values = self.formulas(expr.args)
        shown = parenthesised(as_condition(condition), *values)
        return Piece(Apply(Function("where"), shown))

    def in_brackets(self, name: str, arguments: Arguments) -> Piece:
        """``name(x, y)``."""
        inside = self.formulas(list(arguments.values()))
        return Piece(Apply(Function(name), parenthesised(*inside)))

    def _prefix(self, written: how.Prefix, arguments: Arguments) -> Piece:
        name = Function(written.name + written.base)
        if isinstance(written.of, str):
            return self.prefixed(name, self.formula(arguments[written.of]))
        return Piece(Apply(name, self.inside(written.of, arguments), close=False))

    def primed(self, function: Formula) -> Formula:
        named = isinstance(function, Function) and function.letter
        return function if named else super().primed(function)

    def prefixed(self, function: Formula, argument: Formula) -> Piece:
        return Piece(Apply(function, parenthesised(argument)))

    def _exponential(self, written: how.Exponential, arguments: Arguments) -> Piece:
        exponent = arguments[written.of]
        if written.base == "e":
            return self.in_brackets("exp", {"x": exponent})
        power = raised(Number(written.base), self.at_least(exponent, Level.ATOM))
        return Piece(power, Level.SCRIPTED)

    def _radical(self, written: how.Radical, arguments: Arguments) -> Piece:
        return self.in_brackets(written.name, arguments)

    def _called(self, written: how.Called, arguments: Arguments) -> Piece:
        return self.in_brackets(written.name, arguments)

    # Signs

    def kronecker(self, first: Formula, second: Formula) -> Formula:
        if self.names.has_bracketed_deltas:
            return Fenced("[", related(first, second), "]")
        pair = Fenced("(", beside([first, second], self.commas), ")")
        return Apply(Function("δ"), pair)

    def unequal(self, one: Formula, other: Formula) -> Formula:
        return Row((one, Sign("≠"), other), Gap.NONE)

    def shape(self, sizes: Sequence[Formula]) -> Formula:
        items = [x for size in sizes for x in (Sign("×"), size)][1:]
        return beside(items, Gap.NONE) if items else Words("scalar")

    def range(self, letters: Sequence[str], size: int | None, last: Formula) -> Formula:
        names = beside([self.letter(c) for c in letters], Gap.LIST)
        return related(names, beside([Number("0"), Sign(".."), last], Gap.NONE))


class Line(Code):
    """One line, with symbols for names: ``∂L/∂z₁[n,i]``, ``α``."""

    commas = Gap.COMMA
    choice = FunctionWriter.choice

    def scientific(self, factor: str, exponent: int) -> Piece:
        found = scientific(factor, exponent)
        return Piece(found, Level.PRODUCT if isinstance(found, Row) else Level.SCRIPTED)

    def letter(self, letter: str) -> Formula:
        return Word(letter[0] + letter[1:].translate(SUBSCRIPTS))

    def size(self, name: str) -> Formula:
        symbol = self.names.sizes.get(name) or self.names.symbols.get(name)
        return Word(name if symbol is None else symbol.plain)

    def symbol(self, name: str) -> Formula:
        if name in self.names.derivatives:
            return self.entry(name, ()).formula
        return Word(self.names.symbols[name].plain)

    def part(self, name: str, outer: Sequence[sp.Expr]) -> Formula:
        symbol = self.symbol(name)
        return self.at(self.bracket(symbol) if has(symbol, Fraction) else symbol, outer)

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        if name in self.names.slopes:
            of, by = self.names.slopes[name]
            return self.derivative(of, (), by, indices)
        if name not in self.names.adjoint_of:
            high = not indices and "^" in self.names.symbols[name].plain
            shown = self.at(self.symbol(name), self.names.shown(name, indices))
            return Piece(shown, Level.SCRIPTED if high else Level.ATOM)
        value, output = self.names.adjoint_of[name], self.names.output_of(name)
        count = len(self.names.axes.get(output, ())) if indices else 0
        above, below = indices[:count], indices[count:]
        if self.names.mark(value) == "partial":
            return self.derivative(output, above, value, below)
        marked = Word(self._marked(name, self.names.symbols[value].plain))
        return Piece(self.at(marked, self.names.shown(value, below) if indices else []))

    def _marked(self, adjoint: str, symbol: str) -> str:
        """The derivative by a value as a symbol of its own, with an accent where it is a part."""
        accent = COMBINING[self.names.accent] if adjoint in self.names.parts else ""
        if self.names.mark(self.names.adjoint_of[adjoint]) == "delta":
            return f"δ{accent}{symbol}"
        marked = barred(symbol)
        return f"{marked[:2]}{accent}{marked[2:]}"

    def derivative(
        self, of: str, at: Sequence[sp.Expr], by: str, place: Sequence[sp.Expr]
    ) -> Piece:
        below = self._inline(by, place)
        if of not in self.names.slopes or by in self.names.slopes:
            return Piece(rate([self._inline(of, at)], [below]), Level.PRODUCT)
        first, other = self.names.slopes[of]
        if not at and self.names.is_vector(other) and self.names.is_vector(by):
            below = self.transposed(below)
        under = [self._inline(other, at), below]
        return Piece(rate([self._inline(first, ())], under), Level.PRODUCT)

    def _inline(self, name: str, indices: Sequence[sp.Expr]) -> Formula:
        shown = self.names.shown
        if name not in self.names.slopes:
            return self.at(self.symbol(name), shown(name, indices) if indices else [])
        of, by = self.names.slopes[name]
        above = self._inline(of, ())
        return parenthesised(rate([above], [self._inline(by, indices)]))


def rate(above: Sequence[Formula], below: Sequence[Formula]) -> Formula:
    """``∂above/∂below``: of second order where there are two below."""
    order = raised(PARTIAL, number(str(len(below)))) if len(below) > 1 else PARTIAL
    under = [part for b in below for part in (PARTIAL, b)]
    return Fraction(Row((order, *above), Gap.NONE), Row(tuple(under), Gap.NONE))

"""What every layout of expressions shares: order, signs, brackets and fractions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.indices import Index, indices_of, name_of
from symgrad.mathematics.infinity import INFINITY, Infinity
from symgrad.mathematics.known import Constant, Known
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.multiples import Multiple
from symgrad.mathematics.ordering import STANDINGS
from symgrad.mathematics.reductions import (
    LEAVES,
    REDUCTIONS,
    Norm,
)
from symgrad.mathematics.sizes import is_size
from symgrad.writing.formula import (
    Apply,
    Formula,
    Function,
    Gap,
    Letter,
    Number,
    Row,
    Sign,
    beside,
    parenthesised,
    raised,
    signed_terms,
    summed,
)
from symgrad.writing.functions import FunctionWriter
from symgrad.writing.naming import Names, Partial
from symgrad.writing.order import Order
from symgrad.writing.parts import (
    PRODUCTS,
    as_decimal,
    as_product,
    common_scale,
    divisor,
    is_reciprocal,
    open_ended,
    power_of_ten,
    recognised,
    signed,
    split_scale,
    with_numbers_in_front,
    with_one_root,
    without_logarithm,
)
from symgrad.writing.piece import Level, Piece


class Writer(FunctionWriter):
    """Turns expressions into formulas, as a person would set them; a layout says the rest."""

    def __init__(self, names: Names, letters: Mapping[Index, str]) -> None:
        self.names = names
        self.letters = letters
        self.order = Order(names, letters)
        self._pieces: dict[sp.Expr, Piece] = {}

    def formula(self, expr: sp.Expr) -> Formula:
        """The whole expression."""
        return self.piece(expr).formula

    def formulas(self, exprs: Iterable[sp.Expr]) -> list[Formula]:
        """Each of several expressions."""
        return [self.formula(e) for e in exprs]

    def piece(self, expr: sp.Expr) -> Piece:
        """The expression and how tightly it holds together."""
        known = self._pieces.get(expr)
        if known is None:
            known = self._pieces[expr] = self._written(expr)
        return known

    def _written(self, expr: sp.Expr) -> Piece:
        sign, positive = signed(expr)
        if sign == "-":
            body = self.at_least(positive, Level.OPEN)
            return Piece(summed([("-", body)]), Level.SUM)
        for kind in type(positive).__mro__:
            if kind in self.METHODS:
                piece: Piece = getattr(self, self.METHODS[kind])(positive)
                return piece
        raise SpecError(f"cannot write {type(expr).__name__} as mathematics: {expr}")

    def at_least(self, expr: sp.Expr, level: Level) -> Formula:
        """The expression, in brackets where it would fall apart."""
        piece = self.piece(expr)
        return piece.formula if piece.level >= level else self.bracket(piece.formula)

    # Sums

    def terms(self, expr: sp.Expr) -> tuple[Formula, ...]:
        """The terms in the order in which they are written, each with its sign."""
        return signed_terms(self._terms(expr))

    def _terms(self, expr: sp.Expr) -> list[tuple[str, Formula]]:
        if not expr.is_Add or common_scale(expr) != 1:
            sign, positive = signed(expr)
            return [(sign, self.formula(positive))]
        parts = sorted(
            (signed(a) for a in expr.args), key=lambda p: self.order.of_term(p[0], p[1], expr)
        )
        return [(sign, self.at_least(positive, Level.OPEN)) for sign, positive in parts]

    def add(self, expr: sp.Expr) -> Piece:
        scale = common_scale(expr)
        if scale != 1:
            rest = sp.Add(*(a / scale for a in expr.args))
            return self.scaled(scale, [rest])
        return Piece(summed(self._terms(expr)), Level.SUM)

    # Products

    def mul(self, expr: sp.Expr) -> Piece:
        if expr.has(*PRODUCTS):
            expr = sp.Mul(*map(as_product, expr.args))
            if not isinstance(expr, sp.Mul):
                return self.piece(expr)
        scale, factors = split_scale(sp.Mul(*map(with_numbers_in_front, expr.args)))
        return self.scaled(scale, factors)

    def scaled(self, scale: sp.Expr, factors: Sequence[sp.Expr]) -> Piece:
        scale, logarithm = without_logarithm(scale)
        scale, factors, over, under = with_one_root(scale, [*factors, *logarithm])
        above = [*over, *(f for f in factors if not is_reciprocal(f))]
        below = [*under, *(1 / f for f in factors if is_reciprocal(f))]
        return self.quotient(scale, self._ordered(above), self._ordered(below))

    def before_sum(self, factor: Piece, total: sp.Expr) -> Piece:
        """A fraction times a sum."""
        return Piece(beside([factor.formula, self.formula(total)]), Level.OPEN)

    def product(self, factors: Sequence[sp.Expr]) -> Piece:
        """Factors side by side, already in order."""
        if len(factors) == 1:
            return self.piece(factors[0])
        first = [self.at_least(f, Level.PRODUCT) for f in factors[:-1]]
        last = self.piece(factors[-1])
        end = last.formula if last.level >= Level.OPEN else self.bracket(last.formula)
        level = min(last.level, Level.PRODUCT) or Level.PRODUCT
        return Piece(self.joined([*first, end]), level)

    def _ordered(self, factors: Sequence[sp.Expr]) -> list[sp.Expr]:
        return sorted(factors, key=lambda f: self.order.of_factor(f, self.rank(f)))

    def rank(self, factor: sp.Expr) -> int:
        """What goes first: derivatives before values, what is open to the right near the end."""
        rank = self.order.rank(factor)
        if rank is not None:
            return rank
        return 3 if open_ended(factor) or self.piece(factor).level == Level.OPEN else 2

    # Powers

    def pow(self, expr: sp.Expr) -> Piece:
        base, exponent = expr.args
        if is_reciprocal(expr):
            return self.quotient(sp.S.One, [], [1 / expr])
        if isinstance(base, Norm):
            return self.piece(base.squared ** (exponent / 2))
        if exponent == sp.S.Half:
            return self.root(base)
        return self.power(base, exponent)

    # Atoms

    def symbol_atom(self, expr: sp.Expr) -> Piece:
        if isinstance(expr, Index):
            return Piece(self.letter(self.letters.get(expr, str(expr))))
        if is_size(expr):
            return Piece(self.size(expr.name))
        return self.entry(expr.name, ())

    def indexed(self, expr: sp.Expr) -> Piece:
        return self.entry(name_of(expr), tuple(expr.indices))

    def number(self, expr: sp.Expr) -> Piece:
        found = recognised(expr)
        if found is not None:
            return self.known(self.names.typed.as_written(found))
        decimal = self.names.typed.as_decimal(expr) or as_decimal(expr)
        if below := divisor(expr):
            return self.fraction_of_numbers(*self.formulas(below))
        if decimal is None:
            return self.fraction_of_numbers(Number(str(expr.p)), Number(str(expr.q)))
        scientific = power_of_ten(decimal)
        return Piece(Number(decimal)) if scientific is None else self.scientific(*scientific)

    def _multiple(self, found: Multiple) -> Piece:
        """A fraction of a constant: the numbers first."""
        p, q, is_below = found.scale.p, found.scale.q, found.below
        if isinstance(found.constant.expr, sp.log) and not is_below and found.scale != 1:
            scale = self.number(found.scale).formula
            return Piece(beside([scale, self._named(found.constant).formula]), Level.PRODUCT)
        if found.constant.expr == sp.sqrt(q) and not is_below:
            q, is_below = 1, True  # √2/2 is 1/√2
        if is_below and q == 1 and (n := _squared(found.constant.expr)) and p % n == 0:
            p, is_below = p // n, False  # 2/√2 is √2
        above: list[Formula] = [Number(str(p))] if p != 1 else []
        below: list[Formula] = [Number(str(q))] if q != 1 else []
        (below if is_below else above).append(self._named(found.constant).formula)
        if not below:
            return Piece(beside(above), Level.PRODUCT if len(above) > 1 else Level.SCRIPTED)
        return self.fraction_of_numbers(beside(above or [Number("1")]), beside(below))

    def known(self, found: Known | Multiple) -> Piece:
        """A number that is written by what it is."""
        if isinstance(found, Multiple):
            return self._multiple(found)
        first, *others = (self._named(x) for x in found.operands)
        if not others:
            return first
        scale = found.operands[0]
        if found.function == "multiply":
            if as_decimal(scale) is None:
                return self._multiple(Multiple(scale, found.constant))
            return Piece(beside([first.formula, others[0].formula]), Level.PRODUCT)
        return self._with_constant(scale, found)

    def _with_constant(self, scale: Constant | sp.Rational, found: Known) -> Piece:
        """A constant below a number, or over it."""
        first, *others = (self._named(x) for x in found.operands)
        root = _squared(found.constant.expr)
        if not isinstance(scale, Constant) and root and scale.p % root == 0:
            return self._multiple(Multiple(scale / root, found.constant))
        if isinstance(scale, Constant) or as_decimal(scale) is not None:
            return self.fraction_of_numbers(first.formula, others[0].formula)
        below = [Number(str(scale.q)), others[0].formula]
        return self.fraction_of_numbers(Number(str(scale.p)), beside(below))

    def _named(self, constant: Constant | sp.Rational) -> Piece:
        """A constant; of a logarithm the argument is in brackets, whatever follows."""
        if not isinstance(constant, Constant):
            return self.number(constant)
        if isinstance(constant.expr, sp.log):
            return self._logarithm(constant.expr)
        match constant.expr:
            case sp.Pow(args=(sp.log() as log, sp.Integer() as exponent)):
                shown = raised(self._logarithm(log).formula, Number(str(exponent)))
                return Piece(shown, Level.SCRIPTED)
        return self.piece(constant.expr)

    def _logarithm(self, log: sp.Expr) -> Piece:
        return Piece(Apply(Function("log"), parenthesised(self.formula(log.args[0]))))

    def constant(self, expr: sp.Expr) -> Piece:
        if expr == sp.E and "e" in self.names.letters:
            return Piece(Apply(Function("exp"), parenthesised(Number("1"))))
        return Piece(CONSTANTS[expr])

    def delta(self, expr: sp.Expr) -> Piece:
        order = self.order
        first, second = sorted(expr.args, key=lambda a: (not isinstance(a, Index), order.seen(a)))
        return Piece(self.kronecker(self.formula(first), self.formula(second)))

    def slope(self, expr: sp.Expr) -> Piece:
        (of, at), (by, place) = ((name_of(e), indices_of(e)) for e in expr.args)
        return self.derivative(of, at, by, place)

    METHODS: ClassVar[Mapping[type, str]] = {}

    # What layouts do differently

    def joined(self, factors: Sequence[Formula]) -> Formula:
        """Factors beside each other."""
        return beside(factors)

    def quotient(self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]) -> Piece:
        """A number times some factors over others."""
        raise NotImplementedError

    def root(self, base: sp.Expr) -> Piece:
        """A square root."""
        raise NotImplementedError

    def power(self, base: sp.Expr, exponent: sp.Expr) -> Piece:
        """A power that is no root and does not stand below a fraction bar."""
        raise NotImplementedError

    def derivative(
        self, of: str, at: Sequence[sp.Expr], by: str, place: Sequence[sp.Expr]
    ) -> Piece:
        """The derivative of one value by another, each as a whole or at some indices."""
        raise NotImplementedError

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        """A value, as a whole or at some indices."""
        raise NotImplementedError

    def letter(self, letter: str) -> Formula:
        """The letter of an index."""
        raise NotImplementedError

    def size(self, name: str) -> Formula:
        """A size, by its name."""
        raise NotImplementedError

    def symbol(self, name: str) -> Formula:
        """A whole value, by its name."""
        raise NotImplementedError

    def shape(self, sizes: Sequence[Formula]) -> Formula:
        """Sizes with a × between them."""
        raise NotImplementedError

    def range(self, letters: Sequence[str], size: int | None, last: Formula) -> Formula:
        """What the letters of indices run over, up to the last."""
        raise NotImplementedError

    def kronecker(self, first: Formula, second: Formula) -> Formula:
        """1 where both are equal, else 0."""
        raise NotImplementedError

    def fraction_of_numbers(self, above: Formula, below: Formula) -> Piece:
        """A fraction of two whole numbers."""
        raise NotImplementedError

    def scientific(self, factor: str, exponent: int) -> Piece:
        """A number times a power of ten."""
        raise NotImplementedError


CONSTANTS: Mapping[sp.Expr, Formula] = {
    sp.pi: Function("π", "π"),  # a value of this name is a letter
    sp.E: Letter("e"),
    INFINITY: Sign("∞"),
}


def _squared(root: sp.Expr) -> int:
    """What a root of a whole number is the root of; 0 for others."""
    return int(root**2) if root.is_Pow and root.exp == sp.S.Half and root.base.is_Integer else 0


def slashed(above: Formula, below: Formula) -> Formula:
    """A fraction in one line."""
    return Row((above, Sign("/"), below), Gap.NONE)


Writer.METHODS = {
    sp.Add: "add",
    sp.Mul: "mul",
    sp.Pow: "pow",
    sp.exp: "exp",
    sp.Symbol: "symbol_atom",
    sp.Indexed: "indexed",
    sp.Rational: "number",
    sp.NumberSymbol: "constant",
    Infinity: "constant",
    sp.KroneckerDelta: "delta",
    Partial: "slope",
    **{cls: "leaf" for cls in LEAVES if cls is not sp.exp},
    **dict.fromkeys(REDUCTIONS, "reduction"),
    **dict.fromkeys(STANDINGS, "standing"),
    **dict.fromkeys(MATRIX_FUNCTIONS, "matrix_function"),
}

"""Products and sums of matrices, as they are simplified while they are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symgrad.mathematics.multiples import settled
from symgrad.mathematics.sizes import with_numbers
from symgrad.program.program import UNIT, Axes
from symgrad.writing.display import Display, small_number
from symgrad.writing.formula import (
    Apply,
    Formula,
    Fraction,
    Function,
    Negative,
    Norm,
    Number,
    Ones,
    Root,
    Row,
    Scripted,
    Sign,
    Sum,
    Term,
    Word,
    beside,
    bracketed,
    has,
    length,
    number,
    raised,
    walk,
)
from symgrad.writing.names import is_high
from symgrad.writing.naming import Names
from symgrad.writing.parts import as_decimal, shared_constant
from symgrad.writing.piece import Level, Piece
from symgrad.writing.powers import as_powers, net_powers

TRANSPOSED = Sign("⊤")
INVERSE = number("-1")
TRACE = Function("tr")
INVERSE_TRANSPOSED = Negative(TRANSPOSED)


@dataclass(frozen=True)
class MatrixFormula:
    """A matrix that is written; a column where ``axes`` has one label only."""

    formula: Formula
    axes: Axes
    level: Level = Level.SCRIPTED
    factors: tuple[MatrixFormula, ...] = ()
    """What it is the matrix product of; scalars first."""
    back: MatrixFormula | None = None
    """What it is the transpose of."""
    positive: MatrixFormula | None = None
    """What it is the negative of."""
    terms: tuple[MatrixFormula, ...] = ()
    """What it is the sum of."""
    number: sp.Expr | None = None
    """What it is worth, where it is a number."""
    of_sizes: sp.Expr | None = None
    """What it is worth, where it is an expression of sizes."""
    symmetric: bool = False
    """Whether it is known to be its own transpose."""
    inverted: MatrixFormula | None = None
    """What it is the inverse of."""
    unit: bool = False
    """Whether it is the unit matrix."""
    raised: tuple[MatrixFormula, sp.Expr] | None = None
    """What it is a power of, entry by entry, and the exponent."""
    entries: tuple[Sequence[MatrixFormula], str] | None = None
    """What is multiplied or divided entry by entry, and the sign for that."""

    @property
    def parts(self) -> tuple[MatrixFormula, ...]:
        """The factors; a scalar that is a product of matrices stays whole."""
        if self.positive is not None:
            return (literal(sp.S(-1)), *self.positive.parts)
        whole = not self.axes and any(f.axes for f in self.factors)
        numbers = tuple(f for f in self.factors if not f.axes)
        if whole and numbers:
            return (*numbers, product([f for f in self.factors if f.axes], ()))
        return (self,) if whole or not self.factors else self.factors

    @cached_property
    def apart(self) -> tuple[sp.Expr, MatrixFormula]:
        """The number that it is a multiple of, and the matrix without it."""
        values = [p.number for p in self.parts if p.number is not None]
        rest = product([p for p in self.parts if p.number is None], self.axes)
        return sp.Mul(*values), rest

    @property
    def length(self) -> int:
        """About how many signs there are to read."""
        return length(self.formula)

    @property
    def has_ones(self) -> bool:
        """Whether columns of ones are needed to write it."""
        return has(self.formula, Ones)

    def at_least(self, level: Level) -> Formula:
        """In brackets where it would fall apart."""
        return self.formula if self.level >= level else bracketed(self.formula)

    @property
    def transposed(self) -> MatrixFormula:
        """The transpose; transposing twice gives the matrix back."""
        axes = (*self.axes, UNIT)[1::-1] if len(self.axes) < 2 else self.axes[::-1]
        if self.positive is not None:
            return negative(self.positive.transposed)
        if self.factors and (turned := self._turned_factors(axes)) is not None:
            return turned
        if self.symmetric:
            return replace(self, axes=axes)
        if self.back is not None:
            return replace(self.back, axes=axes)
        return self._turned_terms(axes) or self._turned_entries(axes) or self._marked(axes)

    @property
    def _turns(self) -> int:
        """How many transposes there are in it."""
        return sum(node in (TRANSPOSED, INVERSE_TRANSPOSED) for node in walk(self.formula))

    def _turned_factors(self, axes: Axes) -> MatrixFormula | None:
        """(A B)ᵀ = Bᵀ Aᵀ; with columns of ones only (𝟏 xᵀ)ᵀ = x 𝟏ᵀ, and numbers in front."""
        matrices = [f for f in self.factors if f.axes]
        ends = isinstance(matrices[-1].formula, Ones) if matrices else False
        turned = product((f.transposed if f.axes else f for f in reversed(self.factors)), axes)
        if len(matrices) == 1 or not self.has_ones or (len(matrices) == 2 and not ends):
            return turned
        if len(matrices) == 2 and turned._turns <= self._turns:
            return turned
        numbers = [f for f in self.factors if not f.axes]
        whole = product(matrices, self.axes)
        return product([*numbers, whole._marked(axes)], axes) if numbers else None

    def _turned_terms(self, axes: Axes) -> MatrixFormula | None:
        """The sum of the transposes of the terms, where that has no more transposes."""
        if not self.terms or not all(t.axes for t in self.terms):
            return None
        found = total((t.transposed for t in self.terms), axes)
        return found if found._turns <= self._turns else None

    def _turned_entries(self, axes: Axes) -> MatrixFormula | None:
        """What is worked out entry by entry of transposes, where that has no more of them."""
        found = None
        if self.raised is not None:
            base, exponent = self.raised
            found = power(base.transposed, exponent, axes, entrywise=bool(base.axes))
        if self.entries is not None:
            operands, sign = self.entries
            found = entrywise([m.transposed for m in operands], sign, axes)
        return found if found is not None and found._turns <= self._turns else None

    def _marked(self, axes: Axes) -> MatrixFormula:
        """The formula with the sign of a transpose."""
        inner = self.formula
        if isinstance(inner, Scripted) and inner.sup == INVERSE and self.level == Level.SCRIPTED:
            shown: Formula = replace(inner, sup=INVERSE_TRANSPOSED)
        else:
            shown = raised(self.at_least(Level.ATOM), TRANSPOSED)
        return MatrixFormula(shown, axes, Level.SCRIPTED, back=self)

    def inverse(self, axes: Axes) -> MatrixFormula:
        """The inverse; that of a transpose is the transpose of the inverse."""
        if self.inverted is not None:
            return replace(self.inverted, axes=axes)
        if self.back is not None:
            return self.back.inverse(axes).transposed
        symmetric = self.transposed.formula == self.formula
        shown = raised(self.at_least(Level.ATOM), INVERSE)
        return MatrixFormula(shown, axes, symmetric=symmetric, inverted=self)

    def is_inverse_of(self, other: MatrixFormula) -> bool:
        """Whether their product is I: one of them is written as the inverse of the other."""
        either = ((self, other), (other, self))
        return any(_is_inverted(a) and a.inverse(a.axes).formula == b.formula for a, b in either)


def _is_inverted(matrix: MatrixFormula) -> bool:
    return (matrix.back or matrix).inverted is not None


def named(symbol: Formula, axes: Axes, *, symmetric: bool = False) -> MatrixFormula:
    """A matrix by its symbol; one that is a fraction, or has a superscript, takes no other."""
    level = Level.SCRIPTED if is_high(symbol) else Level.ATOM
    return MatrixFormula(symbol, axes, level, symmetric=symmetric)


def ones(axes: Axes = (UNIT,)) -> MatrixFormula:
    """A column of ones."""
    return MatrixFormula(Ones(), axes, Level.ATOM)


def negative(matrix: MatrixFormula) -> MatrixFormula:
    """The same with the other sign."""
    if matrix.positive is not None:
        return matrix.positive
    shown = Negative(matrix.formula if _is_entrywise(matrix) else matrix.at_least(Level.PRODUCT))
    return MatrixFormula(shown, matrix.axes, Level.SUM, positive=matrix)


def _is_entrywise(matrix: MatrixFormula) -> bool:
    """Whether this is A ⊙ B, or A ⊘ B: -A ⊙ B is its negative, whatever is taken first."""
    row = matrix.formula
    return isinstance(row, Row) and row.items[1:2] in ((Sign("⊙"),), (Sign("⊘"),))


def product(factors: Iterable[MatrixFormula], axes: Axes) -> MatrixFormula:
    """The matrix product: its number first, then other scalars."""
    flat = _cancelled([g for f in factors for g in f.parts], axes)
    value = sp.Mul(*(f.number for f in flat if f.number is not None))
    if abs(value) != 1 and any(f.of_sizes is not None for f in flat):
        value *= sp.Mul(*(f.of_sizes for f in flat if f.of_sizes is not None))
        others = (f for f in flat if f.number is None and f.of_sizes is None)
        return product([literal(value), *others], axes)
    rest = sorted((f for f in flat if f.number is None), key=_place)
    if value != 1 and len(rest) == 1:
        common, rest[0] = _common(rest[0])
        value *= common
    if value < 0:
        return negative(product([literal(-value), *rest], axes))
    kept = [literal(value), *rest] if value != 1 or not rest else rest
    if len(kept) == 1:
        return replace(kept[0], axes=axes)
    return MatrixFormula(_beside(kept), axes, Level.PRODUCT, tuple(kept))


def inner(left: MatrixFormula, right: MatrixFormula) -> MatrixFormula:
    """The product of two columns: xᵀ A x for xᵀ Aᵀ x."""
    found, turned = product([left.transposed, right], ()), product([right.transposed, left], ())
    return turned if turned._turns < found._turns else found


def _place(factor: MatrixFormula) -> int:
    """Numbers stand before functions of numbers, these before traces, and these before matrices."""
    if factor.axes:
        return 3
    return _is_long(factor) + any(node == TRACE for node in walk(factor.formula))


def _is_long(scalar: MatrixFormula) -> bool:
    """Whether a number is a trace, a norm or a product of matrices: others stand before it."""
    return has(scalar.formula, Apply, Norm) or any(f.axes for f in scalar.factors)


def scalars_of(matrix: MatrixFormula) -> tuple[list[MatrixFormula], MatrixFormula]:
    """The numbers that a matrix is multiplied by, and the matrix without them."""
    if matrix.positive is not None:
        scalars, rest_ = scalars_of(matrix.positive)
        return [literal(sp.S(-1)), *scalars], rest_
    scalars = [f for f in matrix.factors if f.number is not None or not f.axes]
    rest = [f for f in matrix.factors if f.number is None and f.axes]
    if not scalars or not rest:
        return [], matrix
    return scalars, product(rest, matrix.axes)


def _cancelled(factors: Sequence[MatrixFormula], axes: Axes) -> Sequence[MatrixFormula]:
    """The factors without those that cancel: A⁻¹ A is I, and A I is A; s/s is 1."""
    kept: list[MatrixFormula] = []
    for factor in (f for f in _without_quotients(factors) if not f.unit):
        if kept and kept[-1].axes and factor.axes and factor.is_inverse_of(kept[-1]):
            kept.pop()
        else:
            kept.append(factor)
    gone = any(f.axes for f in factors) and not any(f.axes for f in kept)
    unit = MatrixFormula(Word("I", IDENTITY), axes, Level.ATOM, symmetric=True, unit=True)
    return [*kept, unit] if gone else kept


def _without_quotients(factors: Sequence[MatrixFormula]) -> Sequence[MatrixFormula]:
    """Factors of which no number is divided by itself."""
    scalars = [f for f in factors if not f.axes and f.number is None and f.of_sizes is None]
    left = net_powers([f.formula for f in scalars])
    if left is None:
        return factors
    others = [f for f in factors if f not in scalars]
    return [*(MatrixFormula(formula, ()) for formula in left), *others]


def _beside(factors: Sequence[MatrixFormula]) -> Formula:
    factors = _over_one_bar(factors)
    if len(factors) == 1:
        return factors[0].formula
    scalar = not any(f.axes for f in factors)
    loose = [bool(f.axes) or (scalar and f is factors[-1]) for f in factors]
    levels = (Level.PRODUCT if is_loose else Level.SCRIPTED for is_loose in loose)
    return Row(tuple(f.at_least(level) for f, level in zip(factors, levels, strict=True)))


def _over_one_bar(factors: Sequence[MatrixFormula]) -> Sequence[MatrixFormula]:
    """Numbers and their reciprocals in one fraction: -t/(2 s) for -1/2 t 1/s."""
    found = [x for f in factors if (x := _reciprocal_of(f)) is not None]
    values = [f.number for f in factors if f.number is not None]
    rest = [f for f in factors if f.number is None and _reciprocal_of(f) is None]
    plain = [f for f in rest if not f.axes and not _is_long(f)]
    if not found or len(found) + len(values) + len(plain) < 2:
        return factors
    rest = [f for f in rest if f not in plain]
    value, below = sp.Mul(*values), as_powers(found)
    above, under = _number(value), below
    if isinstance(above, Fraction):
        under = [above.below, *below]
        above = above.above
    elif as_decimal(value) is None:
        above, under = Number(str(value.p)), [*([Number(str(value.q))] * (value.q != 1)), *below]
    if plain:
        numbers = [] if above == Number("1") else [above]
        alone = plain[0].formula if len(plain) == 1 and not numbers else None
        above = alone or beside([*numbers, *(f.at_least(Level.PRODUCT) for f in plain)])
    return [MatrixFormula(Fraction(above, beside(under)), ()), *rest]


def fewer_transposes(matrix: MatrixFormula) -> MatrixFormula:
    """The matrix or its transpose: whichever is written with fewer of them."""
    turned = matrix.transposed
    return turned if turned._turns < matrix._turns else matrix


def _reciprocal_of(factor: MatrixFormula) -> Formula | None:
    """For the number 1/x its x, as it stands under the bar."""
    match factor.formula:
        case Fraction(Number("1"), below) if not factor.axes and factor.number is None:
            return bracketed(below) if isinstance(below, Sum) else below
    return None


def _common(matrix: MatrixFormula) -> tuple[sp.Expr, MatrixFormula]:
    """The whole number that divides all terms of a sum, and the sum without it."""
    values = [sp.Mul(*(p.number for p in t.parts if p.number is not None)) for t in matrix.terms]
    if not values or not all(n.is_Integer for n in values):
        return sp.S.One, matrix
    common = sp.Integer(sp.igcd(*values))
    smaller = (product([literal(1 / common), t], t.axes) for t in matrix.terms)
    return common, matrix if common == 1 else total(smaller, matrix.axes)


def total(terms: Iterable[MatrixFormula], axes: Axes) -> MatrixFormula:
    """The sum, equal terms as a multiple of one."""
    counts: dict[Formula, sp.Expr] = {}
    bare: dict[Formula, MatrixFormula] = {}
    for term in (t for f in terms for t in (f.terms or (f,))):
        value, rest = term.apart
        bare[rest.formula] = rest
        counts[rest.formula] = counts.get(rest.formula, 0) + value
    shared = shared_constant({abs(n) for n in counts.values()})
    if shared != 1 and len(counts) > 1:
        smaller = (product([literal(n / shared), bare[s]], axes) for s, n in counts.items())
        return product([literal(shared), total(smaller, axes)], axes)
    found = [_multiple(n, bare[shown], axes) for shown, n in counts.items() if n != 0]
    if len(found) < 2:
        return found[0] if found else MatrixFormula(Number("0"), axes)
    first, *others = found
    return MatrixFormula(
        Sum((first.formula, *map(_term, others))), axes, Level.SUM, terms=tuple(found)
    )


def _multiple(value: sp.Expr, matrix: MatrixFormula, axes: Axes) -> MatrixFormula:
    if value == 1 and matrix.number is None:  # what it is once: sums grow by one term at a time
        return matrix if matrix.axes == axes else replace(matrix, axes=axes)
    return product([literal(value), matrix], axes)


def _term(matrix: MatrixFormula) -> Formula:
    sign, plain = ("-", matrix.positive) if matrix.positive else ("+", matrix)
    return Term(sign, plain.at_least(Level.OPEN))


def entrywise(operands: Sequence[MatrixFormula], sign: str, axes: Axes) -> MatrixFormula:
    """Two matrices with the sign of what is done to their entries between them."""
    left, right = operands
    divides = any(node == Sign("⊘") for node in walk(left.formula))
    goes_on = sign == "⊙" and left.level == Level.OPEN and not divides
    first = left.formula if goes_on else left.at_least(Level.SCRIPTED)
    shown = Row((first, Sign(sign), right.at_least(Level.SCRIPTED)))
    return MatrixFormula(shown, axes, Level.OPEN, entries=(operands, sign))


def power(base: MatrixFormula, exponent: sp.Expr, axes: Axes, *, entrywise: bool) -> MatrixFormula:
    """Every entry raised to a number."""
    if base.raised is not None:
        inner, before = base.raised
        if -1 in (exponent, before):
            base, exponent = inner, before * exponent
    if isinstance(base.formula, Norm) and base.formula.squared and exponent.is_Integer:
        norm = replace(base.formula, squared=False)
        return MatrixFormula(raised(norm, small_number(2 * exponent)), axes)
    if entrywise and exponent == sp.S.Half:
        return MatrixFormula(Root(base.formula), axes, raised=(base, exponent))
    shown = small_number(exponent)
    shown = Row((Sign("∘"), shown)) if entrywise else shown
    return MatrixFormula(raised(base.at_least(Level.ATOM), shown), axes, raised=(base, exponent))


def as_quotient(
    left: MatrixFormula, right: MatrixFormula
) -> tuple[str, MatrixFormula, MatrixFormula]:
    """A ⊘ B for A ⊙ B^∘-1."""
    for one, other in ((left, right), (right, left)):
        base, exponent = other.raised or (other, 1)
        if exponent == -1 and not one.raised:
            return "⊘", one, base
    return "⊙", left, right


def literal(value: sp.Expr) -> MatrixFormula:
    """A number, or an expression of sizes."""
    value = settled(value)
    if value.is_Rational:
        return MatrixFormula(_number(value), (), number=value)
    if value.could_extract_minus_sign():
        return negative(MatrixFormula(_number(-value), ()))
    level = Level.SUM if with_numbers(value).is_Add else Level.SCRIPTED
    return MatrixFormula(_number(value), (), level, of_sizes=value)


def _number(expr: sp.Expr) -> Formula:
    """A number or an expression of sizes, whose names are marked as such."""
    return _Sizes(Names({}), {}).formula(with_numbers(expr))


class _Sizes(Display):
    """Marks the names of sizes: a value may have the same."""

    def size(self, name: str) -> Formula:
        return Word(name, SIZE)

    def constant(self, expr: sp.Expr) -> Piece:
        return Piece(Word("e", EULER)) if expr == sp.E else super().constant(expr)


SIZE = "size"
"""The style of a word that is the name of a size, to be written as a notation has it."""
EULER = "euler"
"""The style of the number e, which is written as exp(1) where a value is called e."""
IDENTITY = "identity"
"""The style of the identity, which is in bold letters where a value is called I."""

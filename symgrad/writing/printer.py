"""What every notation of expressions shares: order, signs, brackets and fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.errors import SpecError
from symgrad.mathematics.indices import Index, indices_of, name_of
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS, MatrixFunction
from symgrad.mathematics.reductions import (
    LEAVES,
    REDUCTIONS,
    AxisProduct,
    Norm,
    as_defined,
    normed,
    select,
)
from symgrad.mathematics.sizes import is_size
from symgrad.writing.letters import skeleton
from symgrad.writing.names import Name
from symgrad.writing.parts import (
    COMPARISONS,
    as_condition,
    as_decimal,
    common_scale,
    enclosed,
    index_atoms,
    is_entry,
    is_reciprocal,
    open_ended,
    power_of_ten,
    signed,
    softmax_of,
    split_scale,
)
from symgrad.writing.style import Adjoints, Style


class Level(IntEnum):
    """How tightly a printed expression holds together."""

    SUM = 0
    """Terms with + or - between them, or a leading minus."""
    OPEN = 1
    """Its last argument goes on to the right: a sum over an index, ``log x``."""
    PRODUCT = 2
    SCRIPTED = 3
    """Closed, but takes no further exponent: ``e^x``, a fraction."""
    ATOM = 4


@dataclass(frozen=True)
class Piece:
    """A printed expression."""

    text: str
    level: Level = Level.ATOM


class Partial(sp.Expr):
    """∂value/∂by as it stands in the chain rule: only written, never evaluated."""


@dataclass(frozen=True)
class Term:
    """A term of a sum, without its sign."""

    sign: str
    piece: Piece


@dataclass(frozen=True)
class Names:
    """How values are called: symbols, the value that an adjoint belongs to, axes of size 1."""

    symbols: Mapping[str, Name]
    adjoint_of: Mapping[str, str] = field(default_factory=dict)
    axes: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    """For each array, which of its axes have an index (the others have size 1)."""
    order: Mapping[str, int] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    """What is added last, as a person would: parameters (biases)."""
    output: str = ""
    slopes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The values that are derivatives, each with what it is the derivative of and by."""
    inputs: frozenset[str] = frozenset()
    style: Style = field(default_factory=Style)

    def mark(self, value: str) -> Adjoints:
        """How the derivative by a value is marked; a derivative of many values is a fraction."""
        if self.axes.get(self.output) or value == self.output:
            return "partial"
        if self.style.adjoints == "delta" and value in self.inputs:
            return "partial"
        return self.style.adjoints

    @property
    def derivatives(self) -> frozenset[str]:
        """What is written as a derivative: adjoints, and values that are derivatives."""
        return frozenset(self.adjoint_of) | frozenset(self.slopes)

    def is_vector(self, name: str) -> bool:
        """Whether a value has one index."""
        return sum(self.axes.get(name, ())) == 1

    def shown(self, name: str, indices: Sequence[sp.Expr]) -> list[sp.Expr]:
        """The indices that are written: none for an axis of size 1."""
        axes = self.axes.get(name, ())
        if len(axes) != len(indices):
            return [i for i in indices if i != 0]
        return [i for i, proper in zip(indices, axes, strict=True) if proper or i != 0]


def join_terms(terms: Sequence[Term]) -> str:
    """Terms with their signs between them."""
    first, *rest = terms
    head = first.piece.text if first.sign == "+" else "-" + first.piece.text
    return head + "".join(f" {t.sign} {t.piece.text}" for t in rest)


class Printer:
    """What the two notations share: order, signs, brackets and fractions as a person sets them."""

    def __init__(self, names: Names, letters: Mapping[Index, str]) -> None:
        self.names = names
        self.letters = letters
        self._places = {index: place for place, index in enumerate(letters)}

    def text(self, expr: sp.Expr) -> str:
        """The whole expression."""
        return self.piece(expr).text

    def piece(self, expr: sp.Expr) -> Piece:
        """The expression and how tightly it holds together."""
        sign, positive = signed(expr)
        if sign == "-":
            return Piece("-" + self.at_least(positive, Level.OPEN), Level.SUM)
        for kind in type(positive).__mro__:
            if kind in self.METHODS:
                piece: Piece = getattr(self, self.METHODS[kind])(positive)
                return piece
        raise SpecError(f"cannot write {type(expr).__name__} as mathematics: {expr}")

    def at_least(self, expr: sp.Expr, level: Level) -> str:
        """The expression, in brackets where it would fall apart."""
        piece = self.piece(expr)
        return piece.text if piece.level >= level else self.bracket(piece.text)

    # Sums

    def terms(self, expr: sp.Expr) -> list[Term]:
        """The terms in the order in which they are written, each with its sign."""
        if not expr.is_Add or common_scale(expr) != 1:
            sign, positive = signed(expr)
            return [Term(sign, self.piece(positive))]
        parts = sorted((signed(a) for a in expr.args), key=lambda part: self._term_key(part, expr))
        return [Term(sign, self._term(positive)) for sign, positive in parts]

    def _term(self, expr: sp.Expr) -> Piece:
        return Piece(self.at_least(expr, Level.OPEN), Level.OPEN)

    def _term_key(self, part: tuple[str, sp.Expr], whole: sp.Expr) -> tuple[object, ...]:
        sign, term = part
        if term.is_number:
            rank = 0.5 if whole.has(sp.exp) else 3.0
        elif isinstance(term, sp.Sum) or term.has(sp.Sum):
            rank = 0.0
        else:
            rank = 2.0 if is_entry(term) else 1.0
        late = is_entry(term) and name_of(term) in self.names.late
        return (sign == "-", late, rank, self._first_name(term), *self._tie(term))

    def add(self, expr: sp.Expr) -> Piece:
        scale = common_scale(expr)
        if scale != 1:
            rest = sp.Add(*(a / scale for a in expr.args))
            return self._scaled(scale, [rest])
        return Piece(join_terms(self.terms(expr)), Level.SUM)

    # Products

    def mul(self, expr: sp.Expr) -> Piece:
        if expr.has(normed):
            expr = sp.Mul(*(as_defined(f) if isinstance(f, normed) else f for f in expr.args))
            if not isinstance(expr, sp.Mul):
                return self.piece(expr)
        scale, factors = split_scale(expr)
        return self._scaled(scale, factors)

    def _scaled(self, scale: sp.Expr, factors: Sequence[sp.Expr]) -> Piece:
        above = [f for f in factors if not is_reciprocal(f)]
        below = [1 / f for f in factors if is_reciprocal(f)]
        return self.quotient(scale, self._ordered(above), self._ordered(below))

    def quotient(self, scale: sp.Expr, above: Sequence[sp.Expr], below: Sequence[sp.Expr]) -> Piece:
        raise NotImplementedError

    def product(self, factors: Sequence[sp.Expr]) -> Piece:
        """Factors side by side, already in order."""
        if len(factors) == 1:
            return self.piece(factors[0])
        first = [self.at_least(f, Level.PRODUCT) for f in factors[:-1]]
        last = self.piece(factors[-1])
        text = last.text if last.level >= Level.OPEN else self.bracket(last.text)
        return Piece(self.joined([*first, text]), min(last.level, Level.PRODUCT) or Level.PRODUCT)

    def _ordered(self, factors: Sequence[sp.Expr]) -> list[sp.Expr]:
        return sorted(factors, key=self._factor_key)

    def _factor_key(self, factor: sp.Expr) -> tuple[object, ...]:
        kind = 0 if is_entry(factor) else 1 if not factor.is_Add else 2
        return (self._factor_rank(factor), self._seen(factor), kind, *self._tie(factor))

    def _factor_rank(self, factor: sp.Expr) -> int:
        if is_entry(factor):
            return 0 if name_of(factor) in self.names.derivatives else 2
        if isinstance(factor, Partial):
            return 1
        if isinstance(factor, sp.Sum):
            return 4
        return 3 if open_ended(factor) or self.piece(factor).level == Level.OPEN else 2

    def _seen(self, expr: sp.Expr) -> tuple[int, ...]:
        """The places of the free indices in the order of their letters: A[i,j] goes before x[j]."""
        bound = {limit[0] for s in expr.atoms(ExprWithLimits) for limit in s.limits}
        entries = [expr] if is_entry(expr) else expr.atoms(sp.Indexed)
        inside = {a: [i for at in indices_of(a) for i in index_atoms(at)] for a in entries}
        atoms = sorted(inside, key=lambda a: (skeleton(a), [i.name for i in inside[a]]))
        found = dict.fromkeys(i for a in atoms for i in inside[a])
        return tuple(self._places.get(i, -1) for i in found if i not in bound)

    def _first_name(self, expr: sp.Expr) -> int:
        atoms = [expr] if is_entry(expr) else expr.atoms(sp.Indexed)
        return min((self.names.order.get(name_of(a), 0) for a in atoms), default=0)

    def _tie(self, expr: sp.Expr) -> tuple[str, ...]:
        return (skeleton(expr), ",".join(map(str, self._seen(expr))))

    # Powers and functions

    def pow(self, expr: sp.Expr) -> Piece:
        base, exponent = expr.args
        if is_reciprocal(expr):
            return self.quotient(sp.S.One, [], [1 / expr])
        if isinstance(base, Norm):
            return self.piece(base.squared ** (exponent / 2))
        if exponent == sp.S.Half:
            return self.root(base)
        return self.power(base, exponent)

    def root(self, base: sp.Expr) -> Piece:
        raise NotImplementedError

    def power(self, base: sp.Expr, exponent: sp.Expr) -> Piece:
        raise NotImplementedError

    def exp(self, expr: sp.Expr) -> Piece:
        normal = softmax_of(expr)
        if normal is None:
            return self.leaf(expr)
        body, index = normal
        if self._is_vector(body, index):
            inside = self.symbol(name_of(body))
            return Piece(f"{self.operator('softmax')}({inside}){self.subscript(index)}")
        operator = self.operator("softmax") + self.over(index)
        return Piece(f"{operator}({self.text(body)})")

    def _is_vector(self, expr: sp.Expr, index: sp.Expr) -> bool:
        """Whether this is the entry at ``index`` of an array that has no other index."""
        if not isinstance(expr, sp.Indexed):
            return False
        return self.names.shown(name_of(expr), expr.indices) == [index]

    def leaf(self, expr: sp.Expr) -> Piece:
        """A leaf's pattern, with brackets around what the pattern itself does not enclose."""
        if not LEAVES[type(expr)].latex:
            return self.piece(as_defined(expr))
        pattern = self.leaf_pattern(type(expr))
        fields = enclosed(pattern)
        shown = {
            name: self._argument(argument, inside=fields[name])
            for name, argument in zip("xyz", expr.args, strict=False)
            if name in fields
        }
        if isinstance(expr, select) and type(expr.args[0]).__name__ in COMPARISONS:
            shown["x"] = as_condition(shown["x"])
        text = pattern.format(**shown)
        if not list(fields.values())[-1]:
            return Piece(text, Level.OPEN)
        return Piece(text, Level.SCRIPTED if "^" in pattern else Level.ATOM)

    def _argument(self, expr: sp.Expr, *, inside: bool) -> str:
        if inside:
            return self.text(expr)
        return self.at_least(expr, Level.OPEN if isinstance(expr, sp.Sum) else Level.SCRIPTED)

    def reduction(self, expr: ExprWithLimits) -> Piece:
        if isinstance(expr, Norm):
            return self.piece(sp.sqrt(expr.squared))
        if isinstance(expr, AxisProduct) and expr.others is not None:
            return self._product_of_others(expr, *expr.others)
        scale, factors = split_scale(expr) if isinstance(expr, sp.Sum) else (sp.S.One, [])
        if scale != 1:
            return self._scaled(scale, factors)
        indices, body = self._merged(expr)
        fields = dict(enclosed(self.reduction_pattern(type(expr))))
        inside = self.text(body) if fields["x"] else self.at_least(body, Level.OPEN)
        text = self.reduction_pattern(type(expr)).format(x=inside, k=self.index_list(indices))
        return Piece(text, Level.OPEN)

    def _product_of_others(
        self, expr: sp.Expr, body: sp.Expr, left_out: Mapping[Index, Index]
    ) -> Piece:
        """The product of all factors but one: of those at j ≠ i."""
        order = sorted(left_out, key=lambda i: self._places.get(i, -1))
        here, there = self.index_tuple(order), self.index_tuple([left_out[i] for i in order])
        pattern = self.reduction_pattern(type(expr))
        inside = self.at_least(body, Level.OPEN)
        return Piece(pattern.format(x=inside, k=self.unequal(here, there)), Level.OPEN)

    def index_tuple(self, indices: Sequence[Index]) -> str:
        """One index, or several in brackets."""
        letters = ",".join(self.text(i) for i in indices)
        return letters if len(indices) == 1 else f"({letters})"

    def unequal(self, one: str, other: str) -> str:
        return f"{{{one}≠{other}}}"

    def _merged(self, expr: ExprWithLimits) -> tuple[list[Index], sp.Expr]:
        """The indices of directly nested sums together, in the order of their letters."""
        indices = [limit[0] for limit in expr.limits]
        body = expr.function
        while type(expr) is sp.Sum and type(body) is sp.Sum:
            indices += [limit[0] for limit in body.limits]
            body = body.function
        return sorted(indices, key=lambda i: self._places.get(i, -1)), body

    def matrix_function(self, expr: MatrixFunction) -> Piece:
        """A function of a matrix, or the entry of one."""
        matrix = self._matrix(expr)
        pattern = self.matrix_pattern(type(expr))
        if not expr.at:
            inside = all(enclosed(pattern).values())
            return Piece(pattern.format(x=matrix), Level.ATOM if inside else Level.OPEN)
        text = pattern.format(x=matrix)
        whole = text if text.endswith(")") else self.bracket(text)
        return Piece(whole + self.at(expr.at), Level.SCRIPTED)

    def _matrix(self, expr: MatrixFunction) -> str:
        """The name of the matrix where it has one, else its entry in brackets."""
        body, (row, column) = expr.function, (limit[0] for limit in expr.limits)
        if isinstance(body, sp.Indexed) and not any(i.has(row, column) for i in body.indices[:-2]):
            *outer, first, second = body.indices
            stem = self.part(name_of(body), outer)
            if (first, second) == (row, column):
                return stem
            if (first, second) == (column, row):
                return self.transposed(stem)
        return f"[{self.text(body)}]{self.at((row, column))}"

    # Atoms

    def symbol_atom(self, expr: sp.Expr) -> Piece:
        if isinstance(expr, Index):
            return Piece(self.letter(self.letters.get(expr, str(expr))))
        if is_size(expr) and expr.name not in self.names.symbols:
            return Piece(self.size(expr.name))
        return self.entry(expr.name, ())

    def indexed(self, expr: sp.Expr) -> Piece:
        return self.entry(name_of(expr), tuple(expr.indices))

    def number(self, expr: sp.Expr) -> Piece:
        decimal = as_decimal(expr)
        if decimal is None:
            return self.fraction_of_numbers(str(expr.p), str(expr.q))
        scientific = power_of_ten(decimal)
        return Piece(decimal) if scientific is None else self.scientific(*scientific)

    def constant(self, expr: sp.Expr) -> Piece:
        return Piece(self.CONSTANTS[expr])

    def delta(self, expr: sp.Expr) -> Piece:
        first, second = sorted(expr.args, key=lambda a: (not isinstance(a, Index), self._seen(a)))
        return Piece(self.kronecker(self.text(first), self.text(second)))

    def partial(self, expr: sp.Expr) -> Piece:
        raise NotImplementedError

    def entry(self, name: str, indices: Sequence[sp.Expr]) -> Piece:
        raise NotImplementedError

    # What the two notations write differently

    def at(self, indices: Sequence[sp.Expr]) -> str:
        """The place of an entry in a matrix."""
        raise NotImplementedError

    def part(self, name: str, outer: Sequence[sp.Expr]) -> str:
        """The matrix at some indices of a stack of matrices."""
        raise NotImplementedError

    def transposed(self, matrix: str) -> str:
        raise NotImplementedError

    def matrix_pattern(self, cls: type) -> str:
        raise NotImplementedError

    CONSTANTS: ClassVar[Mapping[sp.Expr, str]] = {}
    METHODS: ClassVar[Mapping[type, str]] = {}

    def bracket(self, text: str) -> str:
        return f"({text})"

    def joined(self, factors: Sequence[str]) -> str:
        return " ".join(factors)

    def letter(self, letter: str) -> str:
        return letter

    def size(self, name: str) -> str:
        return name

    def symbol(self, name: str) -> str:
        return name

    def operator(self, name: str) -> str:
        return name

    def shape(self, sizes: Sequence[str]) -> str:
        raise NotImplementedError

    def range(self, letters: str, size: int | None, last: str) -> str:
        raise NotImplementedError

    def subscript(self, index: sp.Expr) -> str:
        raise NotImplementedError

    def over(self, index: sp.Expr) -> str:
        """The axis that a function is taken along."""
        return self.subscript(index)

    def index_list(self, indices: Sequence[Index]) -> str:
        raise NotImplementedError

    def kronecker(self, first: str, second: str) -> str:
        raise NotImplementedError

    def fraction_of_numbers(self, above: str, below: str) -> Piece:
        raise NotImplementedError

    def scientific(self, factor: str, exponent: int) -> Piece:
        """A number times a power of ten."""
        raise NotImplementedError

    def leaf_pattern(self, cls: type) -> str:
        raise NotImplementedError

    def reduction_pattern(self, cls: type) -> str:
        raise NotImplementedError


Printer.METHODS = {
    sp.Add: "add",
    sp.Mul: "mul",
    sp.Pow: "pow",
    sp.exp: "exp",
    sp.Symbol: "symbol_atom",
    sp.Indexed: "indexed",
    sp.Rational: "number",
    sp.NumberSymbol: "constant",
    sp.KroneckerDelta: "delta",
    Partial: "partial",
    **{cls: "leaf" for cls in LEAVES if cls is not sp.exp},
    **dict.fromkeys(REDUCTIONS, "reduction"),
    **dict.fromkeys(MATRIX_FUNCTIONS, "matrix_function"),
}

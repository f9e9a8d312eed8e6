"""Functions as their records say that they are written: of numbers, over axes, of matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.mathematics import written as how
from symgrad.mathematics.indices import Index, name_of
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS, MatrixFunction
from symgrad.mathematics.ordering import STANDINGS, Standing
from symgrad.mathematics.reductions import (
    LEAVES,
    REDUCTIONS,
    AxisProduct,
    Norm,
    as_defined,
    logaddexp,
    select,
    softplus,
)
from symgrad.writing.cases import cases
from symgrad.writing.formula import (
    Apply,
    Fenced,
    Formula,
    Function,
    Gap,
    Negative,
    Number,
    Over,
    Row,
    Scripted,
    Sign,
    beside,
    number,
    parenthesised,
    related,
)
from symgrad.writing.naming import Names
from symgrad.writing.order import Order
from symgrad.writing.parts import softmax_of, split_scale, with_numbers_in_front
from symgrad.writing.piece import Level, Piece

Arguments = Mapping[str, sp.Expr]


class FunctionWriter:
    """The part of a writer that knows the records of functions."""

    names: Names
    order: Order

    # What the rest of a writer offers

    def formula(self, expr: sp.Expr) -> Formula:
        """The whole expression."""
        raise NotImplementedError

    def formulas(self, exprs: Sequence[sp.Expr]) -> list[Formula]:
        """Each of several expressions."""
        raise NotImplementedError

    def piece(self, expr: sp.Expr) -> Piece:
        """The expression and how tightly it holds together."""
        raise NotImplementedError

    def at_least(self, expr: sp.Expr, level: Level) -> Formula:
        """The expression, in brackets where it would fall apart."""
        raise NotImplementedError

    def bracket(self, formula: Formula) -> Formula:
        """Round brackets around a formula."""
        raise NotImplementedError

    def scaled(self, scale: sp.Expr, factors: Sequence[sp.Expr]) -> Piece:
        """A number times factors."""
        raise NotImplementedError

    def symbol(self, name: str) -> Formula:
        """A whole value, by its name."""
        raise NotImplementedError

    # Leaves

    def exp(self, expr: sp.Expr) -> Piece:
        if expr.args[0].is_Integer and "e" not in self.names.letters:
            return self.piece(sp.Pow(sp.E, expr.args[0], evaluate=False))
        normal = softmax_of(expr)
        if normal is None:
            return self.leaf(expr)
        body, index = normal
        name = Function("softmax")
        if self._is_vector(body, index):
            whole = Apply(name, parenthesised(self.symbol(name_of(body))))
            return Piece(self.at(whole, [index]))
        along = Scripted(name, self.formula(index))
        return Piece(Apply(along, parenthesised(self.formula(body))))

    def _is_vector(self, expr: sp.Expr, index: sp.Expr) -> bool:
        """Whether this is the entry at ``index`` of an array that has no other index."""
        if not isinstance(expr, sp.Indexed):
            return False
        return self.names.shown(name_of(expr), expr.indices) == [index]

    def leaf(self, expr: sp.Expr) -> Piece:
        """A function as its record says, with brackets around what it does not itself enclose."""
        record = LEAVES[type(expr)]
        if record.written is None:
            return self.piece(as_defined(expr))
        if len(exponents := _exponents(expr)) > 2:
            return self.piece(sp.log(sp.Add(*map(sp.exp, exponents))))
        arguments = dict(zip("xyz", expr.args, strict=False))
        if isinstance(expr, select):
            return self.choice(expr)
        return self.spelled(record.written, arguments)

    def choice(self, expr: select) -> Piece:
        """What is chosen by a condition."""
        return Piece(cases(expr, self.formula), Level.OPEN)

    def spelled(self, written: how.Written, arguments: Arguments) -> Piece:
        """Something written of arguments."""
        method = getattr(self, f"_{type(written).__name__.lower()}")
        piece: Piece = method(written, arguments)
        return piece

    def inside(self, of: how.Written | str, arguments: Arguments) -> Formula:
        """What stands where brackets are not needed."""
        return (
            self.formula(arguments[of])
            if isinstance(of, str)
            else self.spelled(of, arguments).formula
        )

    def argument(self, expr: sp.Expr) -> Formula:
        """The argument of a function whose name stands before it without brackets."""
        return self.at_least(expr, Level.OPEN if isinstance(expr, sp.Sum) else Level.SCRIPTED)

    def _call(self, written: how.Call, arguments: Arguments) -> Piece:
        inside = [self.inside(a, arguments) for a in (written.of or tuple(arguments))]
        brackets = Fenced("(", beside(inside, Gap.LIST), ")", high=bool(written.of))
        level = Level.SCRIPTED if written.of else Level.ATOM
        sign = "" if written.sign in self.names.letters else written.sign
        name: Formula = Function(written.name, sign)
        if written.base:
            name = Scripted(name, Number(written.base))
        return Piece(Apply(self.primed(name) if written.prime else name, brackets), level)

    def _comparison(self, written: how.Comparison, arguments: Arguments) -> Piece:
        left, right = (
            self.formula(arguments.get(side, sp.S.Zero)) for side in (written.left, written.right)
        )
        return Piece(Fenced("[", related(left, right, written.sign), "]"))

    def _bars(self, written: how.Bars, arguments: Arguments) -> Piece:
        return Piece(Fenced("|", self.inside(written.of, arguments), "|", high=True))

    def _plus(self, written: how.Plus, arguments: Arguments) -> Piece:
        left, right = (self.inside(side, arguments) for side in (written.left, written.right))
        return Piece(related(left, right, "+"), Level.SUM)

    def _difference(self, written: how.Difference, arguments: Arguments) -> Piece:
        return self.piece(arguments["x"] - arguments["y"])

    def _half(self, written: how.Half, arguments: Arguments) -> Piece:
        brackets = Fenced("(", self.inside(written.of, arguments), ")", high=True)
        return Piece(Row((self.half, brackets), Gap.NONE))

    # Reductions

    def reduction(self, expr: ExprWithLimits) -> Piece:
        if isinstance(expr, Norm):
            return self.piece(sp.sqrt(expr.squared))
        if isinstance(expr, AxisProduct) and expr.others is not None:
            return self._product_of_others(expr, *expr.others)
        if isinstance(expr, sp.Sum) and (in_front := with_numbers_in_front(expr)) != expr:
            return self.piece(in_front)
        scale, factors = split_scale(expr) if isinstance(expr, sp.Sum) else (sp.S.One, [])
        if scale != 1:
            return self.scaled(scale, factors)
        indices, body = self._merged(expr)
        return self._over(type(expr), body, self.index_list(indices))

    def _over(self, cls: type, body: sp.Expr, under: Formula) -> Piece:
        written = REDUCTIONS[cls].written
        assert written is not None
        if isinstance(written.of, str):
            inside = self.at_least(body, Level.OPEN)
        else:
            inside = self.inside(written.of, {"x": body})
        found = Apply(Over(written.sign, under), inside, close=False)
        if written.before:
            found = Apply(Function(written.before), found, close=False)
        return Piece(found, Level.OPEN)

    def _product_of_others(
        self, expr: sp.Expr, body: sp.Expr, left_out: Mapping[Index, Index]
    ) -> Piece:
        """The product of all factors but one: of those at j ≠ i."""
        order = sorted(left_out, key=self.order.of_index)
        here, there = self._tuple(order), self._tuple([left_out[i] for i in order])
        return self._over(type(expr), body, self.unequal(here, there))

    def _tuple(self, indices: Sequence[Index]) -> Formula:
        """One index, or several in brackets."""
        letters = beside(self.formulas(indices), Gap.COMMA)
        return letters if len(indices) == 1 else parenthesised(letters)

    def index_list(self, indices: Sequence[Index]) -> Formula:
        """Indices with commas between them."""
        return beside(self.formulas(indices), Gap.COMMA)

    def _merged(self, expr: ExprWithLimits) -> tuple[list[Index], sp.Expr]:
        """The indices of directly nested sums together, in the order of the axes they run along."""
        indices = [limit[0] for limit in expr.limits]
        body = expr.function
        while type(expr) is sp.Sum and type(body) is sp.Sum:
            indices += [limit[0] for limit in body.limits]
            body = body.function
        return sorted(indices, key=lambda i: self.order.of_bound(i, body)), body

    def standing(self, expr: Standing) -> Piece:
        """A position along an axis: argmaxⱼ xⱼ, and argsortⱼ(xⱼ)ᵢ, which has an entry."""
        index = self.index_list([limit[0] for limit in expr.limits])
        over = Scripted(Function(STANDINGS[type(expr)]), sub=index)
        found = Apply(over, parenthesised(self.formula(expr.function)))
        return Piece(self.at(found, expr.at), Level.SCRIPTED) if expr.at else Piece(found)

    # Functions of matrices

    def matrix_function(self, expr: MatrixFunction) -> Piece:
        """A function of a matrix, or the entry of one."""
        matrix = self._matrix(expr)
        found = self.of_matrix(MATRIX_FUNCTIONS[type(expr)].written, matrix)
        if not expr.at:
            return found
        ends = isinstance(found.formula, Apply) and found.formula.close
        whole = found.formula if ends else self.bracket(found.formula)
        return Piece(self.at(whole, expr.at), Level.SCRIPTED)

    def of_matrix(self, written: how.Written, matrix: Formula) -> Piece:
        """A function of a matrix that is written already."""
        match written:
            case how.Inverse():
                return Piece(inverse(matrix))
            case how.Call(name):
                return Piece(Apply(Function(name), parenthesised(matrix)))
            case how.Prefix(name, _, str()):
                return self.prefixed(Function(name), matrix)
            case how.Prefix(name, _, how.Bars(how.Written() as of)):
                inner = self.of_matrix(of, matrix)
                return self.before(name, Fenced("|", inner.formula, "|"), inner.level)
            case how.Prefix(name, _, how.Written() as of):
                inner = self.of_matrix(of, matrix)
                return self.before(name, inner.formula, inner.level)
        raise AssertionError(written)

    def before(self, name: str, formula: Formula, level: Level) -> Piece:
        """The name of a function before a formula that needs no brackets."""
        return Piece(Apply(Function(name), formula, close=False), level)

    def _matrix(self, expr: MatrixFunction) -> Formula:
        """The name of the matrix where it has one, else its entry in brackets."""
        body, (row, column) = expr.function, (limit[0] for limit in expr.limits)
        if isinstance(body, sp.Indexed) and not any(i.has(row, column) for i in body.indices[:-2]):
            *outer, first, second = body.indices
            stem = self.part(name_of(body), outer)
            if (first, second) == (row, column):
                return stem
            if (first, second) == (column, row):
                return self.transposed(stem)
        return self.at(Fenced("[", self.formula(body), "]"), (row, column))

    # What layouts do differently

    half: Formula

    def primed(self, function: Formula) -> Formula:
        """The derivative of a function."""
        return Row((function, Sign("′")), Gap.NONE)

    def prefixed(self, function: Formula, argument: Formula) -> Piece:
        """A function whose name stands before its argument."""
        raise NotImplementedError

    def unequal(self, one: Formula, other: Formula) -> Formula:
        """``one ≠ other``."""
        raise NotImplementedError

    def at(self, array: Formula, indices: Sequence[sp.Expr]) -> Formula:
        """The entry of an array."""
        raise NotImplementedError

    def part(self, name: str, outer: Sequence[sp.Expr]) -> Formula:
        """The matrix at some indices of a stack of matrices."""
        raise NotImplementedError

    def transposed(self, matrix: Formula) -> Formula:
        """The transpose of a matrix."""
        raise NotImplementedError


def _exponents(expr: sp.Expr) -> list[sp.Expr]:
    """u, v, … of the nested logarithm of a sum exp(u) + exp(v) + …"""
    if not isinstance(expr, (logaddexp, softplus)):
        return [expr]
    below = [u for part in expr.args for u in _exponents(part)]
    return [*below, sp.S.Zero] if isinstance(expr, softplus) else below


def inverse(matrix: Formula) -> Formula:
    """The inverse of a matrix; of a transpose it has one script for both."""
    if isinstance(matrix, Scripted) and matrix.sup == Sign("⊤"):
        return replace(matrix, sup=Negative(matrix.sup))
    return Scripted(matrix, sup=number("-1"))

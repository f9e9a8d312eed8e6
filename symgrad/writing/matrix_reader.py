"""A program of one equation, read as products and sums of matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.assumptions import Fact, giving
from symgrad.mathematics.indices import Index
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.program.program import UNIT, Axes, Literal, Op, Program, Ref, labels, size_of
from symgrad.writing.formula import (
    Apply,
    Fenced,
    Formula,
    Fraction,
    Function,
    Norm,
    Number,
    Root,
    Row,
    Scripted,
    Word,
    Words,
    beside,
    blocks,
    bracketed,
    walk,
)
from symgrad.writing.matrix_formula import (
    IDENTITY,
    MatrixFormula,
    as_quotient,
    entrywise,
    fewer_transposes,
    inner,
    literal,
    named,
    negative,
    ones,
    power,
    product,
    scalars_of,
    total,
)
from symgrad.writing.matrix_leaves import is_diagonal, leaf_of, matrix_leaf, softmax_of
from symgrad.writing.parts import COMPARISONS, as_condition
from symgrad.writing.piece import Level


class NoMatrixForm(SpecError):
    """Raised where an equation is no product of matrices."""


class Reader:
    """Reads a program of one equation as a matrix."""

    def __init__(
        self,
        program: Program,
        symbol: Callable[[str], Formula],
        written_in: Callable[[str], MatrixFormula | None],
    ) -> None:
        self.symbol = symbol
        self.written_in = written_in
        self.symmetric = {
            v.name for v in program.inputs if giving(Fact.IS_SYMMETRIC, v.assumptions)
        }
        self.found: dict[str, MatrixFormula] = {}
        self.ops = {op.name: op for op in program.ops}
        for op in program.ops:
            if op.kind != "iota" and not is_diagonal(op, self.ops):  # a trace may be made of these
                self.found[op.name] = self.matrix(op)
        if (output := program.outputs[0]) not in self.found:
            raise NoMatrixForm("the diagonal of a matrix")
        self.result = _term_by_term(self.found[output])

    def matrix(self, op: Op) -> MatrixFormula:
        """The value of an operation."""
        method = self.KINDS.get(op.kind)
        if method is None or len(labels(op.axes)) > 2 or len(op.axes) > 2:
            raise NoMatrixForm(f"{op.kind} is no operation of matrices")
        return method(self, op)

    def operand(self, ref: Ref) -> MatrixFormula:
        """What an operation reads, under the labels that it has there."""
        if len(ref.axes) > 2:
            raise NoMatrixForm(f"{ref.name} is no matrix")
        if ref.name in self.found:
            return _under(self.found[ref.name], ref.axes)
        if ref.name in self.ops:
            raise NoMatrixForm(f"{ref.name} is the diagonal of a matrix")
        whole = self.written_in(ref.name)
        if whole is not None:
            return _under(whole, ref.axes)
        return named(self.symbol(ref.name), ref.axes, symmetric=ref.name in self.symmetric)

    def full(self, operand: Ref | Literal, axes: Axes) -> MatrixFormula:
        """An operand of a sum, with all the axes of the result."""
        if isinstance(operand, Literal):
            return literal(operand.value)
        value = self.operand(operand)
        if not labels(operand.axes):
            return value
        kind = _along(operand.axes, axes)
        if kind == "columns":  # the same column again and again
            return product([value, ones().transposed], axes)
        if kind == "rows":
            row = value if len(operand.axes) == 2 else value.transposed
            return product([ones(), row], axes)
        return replace(value.transposed, axes=axes) if kind == "row" else value

    def spread(self, operand: Ref | Literal, axes: Axes) -> MatrixFormula:
        """As :meth:`full`; a number is repeated, as only arrays of one shape have a sum."""
        value = self.full(operand, axes)
        alone = isinstance(operand, Literal) or not labels(operand.axes)
        return product([value, *_everywhere(axes)], axes) if alone else value

    # Products and sums

    def view(self, op: Op) -> MatrixFormula:
        (source,) = op.reads
        value = self.operand(source)
        turned = _rows(source.axes) != _rows(op.axes)
        return replace(value.transposed if turned else value, axes=op.axes)

    def matmul(self, op: Op) -> MatrixFormula:
        left, right = (self.operand(r) for r in op.reads)
        first, second = op.reads
        if len(first.axes) == 1:
            if len(second.axes) == 2:  # a row times a matrix is a column again
                return product([right.transposed, left], op.axes)
            return inner(left, right)
        return product([left, right], op.axes)

    def reduce(self, op: Op) -> MatrixFormula:
        if op.function != "sum":
            return self.to_a_number(op)
        (source,) = op.reads
        inner = self.ops.get(source.name)
        if inner is not None and not labels(op.axes) and inner.kind == "map":
            found = self.inner_product(inner)
            if found is not None:
                return replace(found, axes=op.axes)
        if inner is not None and not labels(op.axes) and is_diagonal(inner, self.ops):
            return _trace(self.operand(inner.reads[0]))
        return self.times_ones(op, source)

    def times_ones(self, op: Op, source: Ref) -> MatrixFormula:
        """A sum along one axis or both, as products with columns of ones."""
        value, gone = self.operand(source), [a not in op.axes for a in source.axes]
        row = product([ones().transposed, value], op.axes or (UNIT,))
        if not labels(op.axes):
            if len([a for a in source.axes if isinstance(a, Index)]) == 2:
                return product([row, ones()], op.axes)
            rows = _rows(source.axes) is not None
            return replace(row, axes=()) if rows else product([value, ones()], op.axes)
        if len(op.axes) == 2:
            return row if gone[0] else product([value, ones()], op.axes)
        return product([value.transposed if gone[0] else value, ones()], op.axes)

    def to_a_number(self, op: Op) -> MatrixFormula:
        """A trace, or a norm."""
        (source,) = op.reads
        if op.kind == "trace":
            return _trace(self.operand(source))
        inside = self.operand(source).formula
        if op.function != "norm" or labels(op.axes):
            raise NoMatrixForm(f"{op.function} is no operation of matrices")
        return MatrixFormula(Norm(inside, len(labels(source.axes)) > 1), op.axes, Level.ATOM)

    def inner_product(self, op: Op) -> MatrixFormula | None:
        """The sum of all entries of an elementwise product or square."""
        flat = len(labels(op.axes)) < 2
        if op.function == "power" and op.args[1] == Literal(sp.S(2)):
            value = self.full(op.args[0], op.axes)
            return MatrixFormula(Norm(value.formula, frobenius=not flat, squared=True), ())
        whole = all(isinstance(a, Ref) and labels(a.axes) == labels(op.axes) for a in op.args)
        if op.function != "multiply" or not whole:
            return None
        left, right = (self.full(a, op.axes) for a in op.args)
        if flat and op.axes[:1] == (UNIT,) and len(op.axes) == 2:
            return product([left, right.transposed], ())
        found = product([left.transposed, right], ())
        return found if flat else _trace(found)

    # Elementwise functions

    def map(self, op: Op) -> MatrixFormula:
        if op.function in _ARITHMETIC:
            return _ARITHMETIC[op.function](self, op)
        if op.function in _AS_ARITHMETIC:
            function, first = _AS_ARITHMETIC[op.function]
            return self.map(replace(op, function=function, args=(*first, *op.args)))
        args = [self.full(a, op.axes) for a in op.args]
        if op.function == "select" and self.is_comparison(op.args[0]):
            args[0] = replace(args[0], formula=as_condition(args[0].formula))
        if op.function == "exp" and (softmax := softmax_of(args[0])) is not None:
            return MatrixFormula(softmax, op.axes)
        found = leaf_of(op.function, args, op.axes)
        if found is None:
            raise NoMatrixForm(f"{op.function} has no matrix form")
        return found

    def is_comparison(self, operand: Ref | Literal) -> bool:
        """Whether this is worked out here, by comparing values."""
        made = self.ops.get(operand.name) if isinstance(operand, Ref) else None
        return made is not None and made.function in COMPARISONS

    def added(self, op: Op) -> MatrixFormula:
        first, second = (self.spread(a, op.axes) for a in op.args)
        second = second if op.function == "add" else negative(second)
        return total([first, second], op.axes)

    def negated(self, op: Op) -> MatrixFormula:
        return replace(negative(self.full(op.args[0], op.axes)), axes=op.axes)

    def multiplied(self, op: Op) -> MatrixFormula:
        scalars = [a for a in op.args if isinstance(a, Literal) or not labels(a.axes)]
        if scalars:
            scale = self.full(scalars[0], ())
            others = [a for a in op.args if a is not scalars[0]]
            return product([scale, self.full(others[0], op.axes)], op.axes)
        return self.outer(op) or self.scaled_by(op) or self.elementwise(op, "⊙")

    def outer(self, op: Op) -> MatrixFormula | None:
        """A column times a row."""
        kinds = [_along(r.axes, op.axes) for r in op.reads]
        if sorted(kinds) != ["columns", "rows"]:
            return None
        values = [self.operand(r) for r in op.reads]
        column, row = values if kinds[0] == "columns" else values[::-1]
        is_row = len(op.reads[kinds.index("rows")].axes) == 2
        return product([column, row if is_row else row.transposed], op.axes)

    def scaled_by(self, op: Op) -> MatrixFormula | None:
        """A matrix whose rows or columns are multiplied by numbers: a diagonal matrix does it."""
        for k, ref in enumerate(op.reads):
            kind = _along(ref.axes, op.axes)
            if kind not in ("rows", "columns"):
                continue
            value = self.operand(ref)
            is_row = len(ref.axes) == 2 and kind == "rows"
            column = value.transposed if is_row else value
            before, column = scalars_of(column)
            scale = MatrixFormula(_call("diag", column.formula), op.axes, symmetric=True)
            other = self.full(op.reads[1 - k], op.axes)
            both = (scale, other) if kind == "columns" else (other, scale)
            return product([*before, *both], op.axes)
        return None

    def elementwise(self, op: Op, sign: str) -> MatrixFormula:
        left, right = (self.full(r, op.axes) for r in op.reads)
        before, left = scalars_of(left)
        if sign == "⊙":
            more, right = scalars_of(right)
            before = [*before, *more]
            once = product(_everywhere(op.axes), op.axes).formula
            if once in (left.formula, right.formula):  # 𝟏 ⊙ A is A
                return product([*before, right if left.formula == once else left], op.axes)
            sign, left, right = as_quotient(left, right)
        found = entrywise([left, right], sign, op.axes)
        return product([*before, found], op.axes) if before else found

    def divided(self, op: Op) -> MatrixFormula:
        over, under = op.args
        if isinstance(under, Literal) or not labels(under.axes):
            return self.divided_by_number(op, over, under)
        if isinstance(over, Literal) or not labels(over.axes):
            found = power(
                self.full(under, op.axes), sp.S(-1), op.axes, entrywise=bool(labels(op.axes))
            )
            scale = self.full(over, ())
            return found if scale.number == 1 else product([scale, found], op.axes)
        return self.elementwise(op, "⊘")

    def divided_by_number(self, op: Op, over: Ref | Literal, under: Ref | Literal) -> MatrixFormula:
        below = self.full(under, ()).formula
        above = self.full(over, op.axes)
        whole = above.level >= Level.SCRIPTED and not _has_round_brackets(above.formula)
        if not labels(op.axes) and whole and isinstance(under, Ref):
            return MatrixFormula(_over(above.formula, below), op.axes)
        scale = MatrixFormula(Fraction(Number("1"), below), ())
        if isinstance(under, Literal) and under.value.is_Rational:
            scale = literal(1 / under.value)
        return product([scale, self.full(over, op.axes)], op.axes)

    def raised(self, op: Op) -> MatrixFormula:
        base, exponent = op.args[0], op.args[1] if len(op.args) > 1 else Literal(sp.S.Half)
        if not isinstance(exponent, Literal) or not exponent.value.is_Rational:
            raise NoMatrixForm("a power with a variable exponent")
        if op.function == "sqrt" and not labels(op.axes):
            return MatrixFormula(Root(self.full(base, ()).formula), op.axes)
        entrywise = bool(labels(op.axes))
        return power(self.full(base, op.axes), exponent.value, op.axes, entrywise=entrywise)

    # The rest

    def softmax(self, op: Op) -> MatrixFormula:
        (source,) = op.reads
        name: Formula = Function("softmax")
        if len(labels(source.axes)) == 2 and len(op.detail) != 2:
            name = Scripted(name, Words("rows" if op.detail == (1,) else "columns"))
        shown: Formula = Apply(name, bracketed(self.operand(source).formula))
        if op.kind == "log_softmax":
            shown = Row((Function("log"), shown))
        return MatrixFormula(shown, op.axes)

    def logsumexp(self, op: Op) -> MatrixFormula:
        if labels(op.axes):
            raise NoMatrixForm("a log-sum-exp along an axis")
        (source,) = op.reads
        return MatrixFormula(_call("logsumexp", self.operand(source).formula), op.axes)

    def linalg(self, op: Op) -> MatrixFormula:
        matrix, *right = (self.operand(r) for r in op.reads)
        if len(op.reads[0].axes) > 2:
            raise NoMatrixForm("a stack of matrices")
        if op.function in DECOMPOSED:
            raise NoMatrixForm("a part of a decomposition")
        if op.function in ("inv", "regular_inverse", "solve"):
            inverse = matrix.inverse(op.axes)
            return product([inverse, right[0]], op.axes) if right else inverse
        written = _MATRIX_FUNCTIONS[op.function]
        return MatrixFormula(matrix_leaf(written, matrix.at_least(Level.SCRIPTED)), op.axes)

    def eye(self, op: Op) -> MatrixFormula:
        square = len(op.axes) == 2 and size_of(op.axes[0]) == size_of(op.axes[1])
        return MatrixFormula(Word("I", IDENTITY), op.axes, Level.ATOM, symmetric=square)

    def expand(self, op: Op) -> MatrixFormula:
        (source,) = op.args
        return replace(self.spread(source, op.axes), axes=op.axes)

    def fill(self, op: Op) -> MatrixFormula:
        (value,) = op.args
        assert isinstance(value, Literal)
        if value.value == 0:
            return MatrixFormula(Number("0"), op.axes, Level.PRODUCT)
        return product([literal(value.value), *_everywhere(op.axes)], op.axes)

    def join(self, op: Op) -> MatrixFormula:
        if op.function != "concatenate":
            raise NoMatrixForm("a stack of arrays")
        parts = [self.operand(r).formula for r in op.reads]
        return MatrixFormula(blocks(parts, beside=op.detail == (1,)), op.axes, Level.ATOM)

    KINDS: ClassVar[Mapping[str, Callable[[Reader, Op], MatrixFormula]]] = {
        "map": map,
        "matmul": matmul,
        "reduce": reduce,
        "trace": to_a_number,
        "view": view,
        "softmax": softmax,
        "log_softmax": softmax,
        "logsumexp": logsumexp,
        "fill": fill,
        "expand": expand,
        "linalg": linalg,
        "eye": eye,
        "join": join,
    }


_ARITHMETIC: dict[str, Callable[[Reader, Op], MatrixFormula]] = {
    "add": Reader.added,
    "subtract": Reader.added,
    "negative": Reader.negated,
    "multiply": Reader.multiplied,
    "divide": Reader.divided,
    "power": Reader.raised,
    "sqrt": Reader.raised,
}

_AS_ARITHMETIC: dict[str, tuple[str, tuple[Literal, ...]]] = {
    "inverse": ("divide", (Literal(sp.S.One),)),
    "ratio": ("divide", ()),
    "normed": ("divide", ()),
    "root": ("sqrt", ()),
}
"""Functions that are written as arithmetic, and the arguments that come before theirs."""

DECOMPOSED = {"eigvalsh", "eigenbasis", "eigenvectors", "svdvals", "left", "right"}
_MATRIX_FUNCTIONS = {leaf.name: leaf.written for leaf in MATRIX_FUNCTIONS.values()}


def _term_by_term(matrix: MatrixFormula) -> MatrixFormula:
    """A negative sum with the signs in it, as that of numbers is written: -A - B for -(A + B)."""
    if matrix.positive is None or not matrix.positive.terms:
        return matrix
    return total(map(negative, matrix.positive.terms), matrix.axes)


def _under(matrix: MatrixFormula, axes: Axes) -> MatrixFormula:
    """A matrix under other labels; a product that is one number stays whole in other products."""
    of_matrices = any(labels(f.axes) or f.has_ones for f in matrix.factors)
    return replace(matrix, axes=() if of_matrices and not labels(axes) else axes)


def _over(above: Formula, below: Formula) -> Formula:
    """A number over another; what is a fraction has one bar all the same."""
    if not isinstance(above, Fraction):
        return Fraction(above, below)
    return Fraction(above.above, beside([above.below, below]))


def _trace(matrix: MatrixFormula) -> MatrixFormula:
    """The trace, numbers before it; of a matrix or its transpose, whatever has fewer of these."""
    before, rest = scalars_of(fewer_transposes(matrix))
    trace = MatrixFormula(_call("tr", rest.formula), ())
    return product([*before, trace], ()) if before else trace


def _call(name: str, inside: Formula) -> Formula:
    return Apply(Function(name), bracketed(inside))


def _has_round_brackets(formula: Formula) -> bool:
    return any(isinstance(node, Fenced) and node.opening == "(" for node in walk(formula))


def _everywhere(axes: Axes) -> list[MatrixFormula]:
    """The factors of what is 1 everywhere: nothing for a number."""
    if not labels(axes):
        return []
    down = [ones()] if isinstance(axes[0], Index) else []
    across = [ones().transposed] if len(axes) == 2 and isinstance(axes[1], Index) else []
    return [*down, *across]


def _rows(axes: Axes) -> sp.Expr | None:
    """The label of the rows: the matrix is read from top to bottom along it."""
    return axes[0] if axes and isinstance(axes[0], Index) else None


def _along(axes: Axes, whole: Axes) -> str:
    """How an operand fills a matrix with the axes ``whole``: as it is, or repeated."""
    if len(whole) < 2:
        return ""
    mine = axes if len(axes) == 2 else (UNIT, *axes)
    if len(labels(mine)) < len(labels(whole)):
        return "columns" if isinstance(mine[0], Index) else "rows"
    return "row" if len(axes) == 1 else ""

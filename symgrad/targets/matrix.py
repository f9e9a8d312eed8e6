"""The matrix form of an equation in LaTeX: the operations that are run, as matrices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import ClassVar

import sympy as sp

from symgrad.equations import Equation, Variable
from symgrad.errors import SpecError
from symgrad.indices import Index
from symgrad.leaves import LEAVES
from symgrad.lower import lower, numbers
from symgrad.passes import alive, planned
from symgrad.program import UNIT, Axes, Literal, Op, Program, Ref, labels

ONES = r"\mathbf{1}"
TRANSPOSED = r"^{\top}"


class Level(IntEnum):
    """How tightly a formula holds together."""

    SUM = 0
    ODOT = 1
    PRODUCT = 2
    ATOM = 3
    CLOSED = 4
    """Takes an exponent."""


@dataclass(frozen=True)
class Formula:
    """A matrix in LaTeX; a column where ``axes`` has one label only."""

    text: str
    axes: Axes
    level: Level = Level.ATOM

    def at_least(self, level: Level) -> str:
        """In brackets where it would fall apart."""
        return self.text if self.level >= level else rf"\left({self.text}\right)"

    @property
    def transposed(self) -> Formula:
        """The transpose; transposing twice gives the matrix back."""
        axes = (*self.axes, UNIT)[1::-1] if len(self.axes) < 2 else self.axes[::-1]
        if self.text.endswith(TRANSPOSED) and self.level == Level.ATOM:
            return Formula(self.text.removesuffix(TRANSPOSED), axes, Level.CLOSED)
        return Formula(self.at_least(Level.CLOSED) + TRANSPOSED, axes, Level.ATOM)


class NoMatrixForm(SpecError):
    """Raised where an equation is no product of matrices."""


def matrix_forms(
    variables: Iterable[Variable],
    equations: Iterable[Equation],
    symbol: Callable[[str], str],
) -> Callable[[str], str | None]:
    """For the name of each equation its right-hand side in matrix form; None where it has none."""
    table = {e.name: e for e in equations}
    known = [*variables, *(Variable(e.name, e.shape, "data") for e in table.values())]

    def form(name: str) -> str | None:
        equation = table.get(name)
        return None if equation is None else matrix_form(equation, known, symbol)

    return form


def matrix_form(
    equation: Equation, variables: Iterable[Variable], symbol: Callable[[str], str]
) -> str | None:
    """The right-hand side of an equation as products of matrices; None where it has none."""
    inputs = [v for v in variables if v.name != equation.name]
    exact = replace(equation, decimals=None)
    try:
        program = alive(planned(lower(inputs, [exact], [equation.name])))
        return _Reader(program, symbol).result
    except NoMatrixForm:
        return None


class _Reader:
    """Reads a program of one equation as a formula."""

    def __init__(self, program: Program, symbol: Callable[[str], str]) -> None:
        self.symbol = symbol
        self.found: dict[str, Formula] = {}
        self.ops = {op.name: op for op in program.ops}
        for op in program.ops:
            self.found[op.name] = self.formula(op)
        self.result = self.found[program.outputs[0]].text

    def formula(self, op: Op) -> Formula:
        """The value of an operation."""
        method = self.KINDS.get(op.kind)
        if method is None or len(labels(op.axes)) > 2 or len(op.axes) > 2:
            raise NoMatrixForm(f"{op.kind} is no operation of matrices")
        return method(self, op)

    def operand(self, ref: Ref) -> Formula:
        """What an operation reads, under the labels that it has there."""
        if len(ref.axes) > 2:
            raise NoMatrixForm(f"{ref.name} is no matrix")
        if ref.name in self.found:
            return replace(self.found[ref.name], axes=ref.axes)
        text = self.symbol(ref.name)
        closed = not re.search(r"\\frac|\^", text)
        return Formula(text, ref.axes, Level.CLOSED if closed else Level.ATOM)

    def view(self, op: Op) -> Formula:
        (source,) = op.reads
        value = self.operand(source)
        turned = _rows(source.axes) != _rows(op.axes)
        return replace(value.transposed if turned else value, axes=op.axes)

    def matmul(self, op: Op) -> Formula:
        left, right = (self.operand(r) for r in op.reads)
        first, second = op.reads
        if len(first.axes) == 1:
            if len(second.axes) == 2:  # a row times a matrix is a column again
                return self.times(right.transposed, left, op.axes)
            left = left.transposed
        return self.times(left, right, op.axes)

    def times(self, left: Formula, right: Formula, axes: Axes) -> Formula:
        """A matrix product."""
        text = f"{left.at_least(Level.PRODUCT)} {right.at_least(Level.PRODUCT)}"
        return Formula(text, axes, Level.PRODUCT)

    def reduce(self, op: Op) -> Formula:
        if op.function != "sum":
            raise NoMatrixForm(f"{op.function} is no operation of matrices")
        (source,) = op.reads
        inner = self.ops.get(source.name)
        if inner is not None and not labels(op.axes) and inner.kind == "map":
            product = self.inner_product(inner)
            if product is not None:
                return replace(product, axes=op.axes)
        value, gone = self.operand(source), [a not in op.axes for a in source.axes]
        ones = Formula(ONES, (UNIT,), Level.CLOSED)
        row = self.times(ones.transposed, value, op.axes)
        if not labels(op.axes):
            columns = len([a for a in source.axes if isinstance(a, Index)]) == 2
            if columns:
                return self.times(row, ones, op.axes)
            return row if _rows(source.axes) is not None else self.times(value, ones, op.axes)
        if len(op.axes) == 2:
            return row if gone[0] else self.times(value, ones, op.axes)
        return self.times(value.transposed if gone[0] else value, ones, op.axes)

    def inner_product(self, op: Op) -> Formula | None:
        """The sum of all entries of an elementwise product or square."""
        flat = len(labels(op.axes)) < 2
        if op.function == "power" and op.args[1] == Literal(sp.S(2)):
            value = self.full(op.args[0], op.axes)
            kind = "" if flat else "_F"
            return Formula(rf"\left\lVert {value.text} \right\rVert{kind}^2", ())
        whole = all(isinstance(a, Ref) and labels(a.axes) == labels(op.axes) for a in op.args)
        if op.function != "multiply" or not whole:
            return None
        left, right = (self.full(a, op.axes) for a in op.args)
        if flat and op.axes[:1] == (UNIT,) and len(op.axes) == 2:
            return self.times(left, right.transposed, ())
        product = self.times(left.transposed, right, ())
        return product if flat else Formula(rf"\operatorname{{tr}}\left({product.text}\right)", ())

    # Elementwise functions

    def map(self, op: Op) -> Formula:
        if op.function in _ARITHMETIC:
            return _ARITHMETIC[op.function](self, op)
        leaf = _LATEX.get(op.function)
        if leaf is None:
            raise NoMatrixForm(f"{op.function} has no matrix form")
        args = [self.full(a, op.axes) for a in op.args]
        name = re.fullmatch(r"(\\[a-z]+|\\operatorname\{\{\w+\}\}) ?\(?\{x\}\)?", leaf)
        if op.function == "exp":
            name = re.fullmatch("(.*)", r"\exp")
        if name:
            inside = args[0].text
            return Formula(rf"{name[1].format()}\left({inside}\right)", op.axes)
        if labels(op.axes) and not re.fullmatch(r"\[.*\]|\\[a-z]+\(.*\)|\\operatorname.*\)", leaf):
            raise NoMatrixForm(f"{op.function} of a matrix has no form of its own")
        texts = dict(zip("xyz", (a.text for a in args), strict=False))
        return Formula(leaf.format(**texts), op.axes)

    def full(self, operand: Ref | Literal, axes: Axes) -> Formula:
        """An operand of a sum, with all the axes of the result."""
        if isinstance(operand, Literal):
            return Formula(_number(operand.value), (), Level.ATOM)
        value = self.operand(operand)
        if not labels(operand.axes):
            return value
        kind = _along(operand.axes, axes)
        ones = Formula(ONES, (UNIT,), Level.CLOSED)
        if kind == "columns":  # the same column again and again
            return self.times(value, ones.transposed, axes)
        if kind == "rows":
            row = value if len(operand.axes) == 2 else value.transposed
            return self.times(ones, row, axes)
        if kind == "row":
            return replace(value.transposed, axes=axes)
        return value

    def added(self, op: Op) -> Formula:
        first, second = (self.full(a, op.axes) for a in op.args)
        sign = "+" if op.function == "add" else "-"
        right = second.at_least(Level.ODOT)
        right = rf"\left({right}\right)" if right.startswith("-") else right
        return Formula(f"{first.text} {sign} {right}", op.axes, Level.SUM)

    def negated(self, op: Op) -> Formula:
        value = self.full(op.args[0], op.axes)
        return Formula(f"-{value.at_least(Level.PRODUCT)}", op.axes, Level.SUM)

    def multiplied(self, op: Op) -> Formula:
        scalars = [a for a in op.args if isinstance(a, Literal) or not labels(a.axes)]
        if scalars:
            scale = self.full(scalars[0], ())
            others = [a for a in op.args if a is not scalars[0]]
            value = self.full(others[0], op.axes)
            tight = Level.PRODUCT if isinstance(scalars[0], Literal) else Level.ATOM
            text = f"{scale.at_least(tight)} {value.at_least(Level.PRODUCT)}"
            return Formula(text, op.axes, Level.PRODUCT)
        return self.elementwise(op, r"\odot")

    def elementwise(self, op: Op, sign: str) -> Formula:
        first, second = op.reads
        kinds = [_along(r.axes, op.axes) for r in op.reads]
        values = [self.operand(r) for r in op.reads]
        if sign == r"\odot" and sorted(kinds) == ["columns", "rows"]:
            column, row = values if kinds[0] == "columns" else values[::-1]
            is_row = len(op.reads[kinds.index("rows")].axes) == 2
            return self.times(column, row if is_row else row.transposed, op.axes)
        if sign == r"\odot":
            for k, (ref, value) in enumerate(zip(op.reads, values, strict=True)):
                if kinds[k] in ("rows", "columns"):
                    is_row = len(ref.axes) == 2 and kinds[k] == "rows"
                    column = value.transposed if is_row else value
                    scale = Formula(rf"\operatorname{{diag}}\left({column.text}\right)", ())
                    other = self.full(op.reads[1 - k], op.axes)
                    pair = (scale, other) if kinds[k] == "columns" else (other, scale)
                    return self.times(*pair, op.axes)
        left, right = self.full(first, op.axes), self.full(second, op.axes)
        text = f"{left.at_least(Level.ATOM)} {sign} {right.at_least(Level.ATOM)}"
        return Formula(text, op.axes, Level.ODOT)

    def divided(self, op: Op) -> Formula:
        over, under = op.args
        if isinstance(under, Literal) or not labels(under.axes):
            below = self.full(under, ()).text
            if not labels(op.axes):
                return Formula(rf"\frac{{{self.full(over, ()).text}}}{{{below}}}", op.axes)
            value = self.full(over, op.axes).at_least(Level.PRODUCT)
            return Formula(rf"\frac{{1}}{{{below}}} {value}", op.axes, Level.PRODUCT)
        if isinstance(over, Literal):
            base = self.full(under, op.axes).at_least(Level.CLOSED)
            text = rf"{base}^{{\circ -1}}"
            scale = self.full(over, ()).text
            return Formula(text if scale == "1" else f"{scale} {text}", op.axes, Level.PRODUCT)
        return self.elementwise(op, r"\oslash")

    def raised(self, op: Op) -> Formula:
        base, exponent = op.args[0], op.args[1] if len(op.args) > 1 else Literal(sp.S.Half)
        if not isinstance(exponent, Literal) or not exponent.value.is_Rational:
            raise NoMatrixForm("a power with a variable exponent")
        circle = r"\circ " if labels(op.axes) else ""
        if op.function == "sqrt" and not labels(op.axes):
            return Formula(rf"\sqrt{{{self.full(base, ()).text}}}", op.axes)
        power = str(exponent.value)
        text = f"{self.full(base, op.axes).at_least(Level.CLOSED)}^{{{circle}{power}}}"
        return Formula(text, op.axes)

    # The rest

    def softmax(self, op: Op) -> Formula:
        (source,) = op.reads
        value = self.operand(source)
        along = ""
        if len(labels(source.axes)) == 2:
            along = r"_{\text{rows}}" if op.detail == (1,) else r"_{\text{columns}}"
            along = "" if len(op.detail) == 2 else along
        log = r"\log " if op.kind == "log_softmax" else ""
        text = rf"{log}\operatorname{{softmax}}{along}\left({value.text}\right)"
        return Formula(text, op.axes)

    def logsumexp(self, op: Op) -> Formula:
        if labels(op.axes):
            raise NoMatrixForm("a log-sum-exp along an axis")
        (source,) = op.reads
        text = rf"\operatorname{{logsumexp}}\left({self.operand(source).text}\right)"
        return Formula(text, op.axes)

    def fill(self, op: Op) -> Formula:
        (value,) = op.args
        assert isinstance(value, Literal)
        if value.value == 0 or not labels(op.axes):
            return Formula(_number(value.value), op.axes, Level.PRODUCT)
        ones = ONES if len(labels(op.axes)) == 1 else rf"{ONES} {ONES}{TRANSPOSED}"
        scale = _number(value.value)
        return Formula(ones if scale == "1" else f"{scale} {ones}", op.axes, Level.PRODUCT)

    KINDS: ClassVar[Mapping[str, Callable[[_Reader, Op], Formula]]] = {
        "map": map,
        "matmul": matmul,
        "reduce": reduce,
        "view": view,
        "softmax": softmax,
        "log_softmax": softmax,
        "logsumexp": logsumexp,
        "fill": fill,
    }


_ARITHMETIC: dict[str, Callable[[_Reader, Op], Formula]] = {
    "add": _Reader.added,
    "subtract": _Reader.added,
    "negative": _Reader.negated,
    "multiply": _Reader.multiplied,
    "divide": _Reader.divided,
    "power": _Reader.raised,
    "sqrt": _Reader.raised,
}

_LATEX = {leaf.cls.__name__: leaf.latex for leaf in LEAVES.values()}


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


def _number(expr: sp.Expr) -> str:
    """A number or an expression of sizes; the exponents of its powers in one line."""
    text: str = sp.latex(numbers(expr), fold_frac_powers=True)
    return text

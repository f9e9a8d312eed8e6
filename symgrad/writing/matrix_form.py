"""The matrix form of an equation in LaTeX: the operations that are run, as matrices."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import ClassVar

import sympy as sp

from symgrad.errors import SpecError, SymgradError
from symgrad.mathematics.assumptions import Fact, giving
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.reductions import LEAVES
from symgrad.mathematics.sizes import with_numbers
from symgrad.program.lower import lower
from symgrad.program.passes import alive, planned
from symgrad.program.program import UNIT, Axes, Literal, Op, Program, Ref, labels
from symgrad.writing.latex import bracketed, scientific
from symgrad.writing.parts import COMPARISONS, as_condition, as_decimal, power_of_ten

ONES = r"\mathbf{1}"
TRANSPOSED = r"^{\top}"
SHORT = 60
"""A formula with more signs keeps the names of values that the spec gave none."""
INVERSE = "^{-1}"
INVERSE_TRANSPOSED = r"^{-\top}"


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
    factors: tuple[Formula, ...] = ()
    """What it is the matrix product of; scalars first."""
    back: Formula | None = None
    """What it is the transpose of."""
    positive: Formula | None = None
    """What it is the negative of."""
    terms: tuple[Formula, ...] = ()
    """What it is the sum of."""
    number: sp.Expr | None = None
    """What it is worth, where it is a number."""
    symmetric: bool = False
    """Whether it is known to be its own transpose."""
    raised: tuple[Formula, sp.Expr] | None = None
    """What it is a power of, entry by entry, and the exponent."""

    @property
    def parts(self) -> tuple[Formula, ...]:
        """The factors; a scalar that is a product of matrices stays whole."""
        if self.positive is not None:
            return (_literal(sp.S(-1)), *self.positive.parts)
        whole = not self.axes and any(f.axes for f in self.factors)
        return (self,) if whole or not self.factors else self.factors

    @property
    def length(self) -> int:
        """About how many signs there are to read."""
        return signs(self.text)

    def at_least(self, level: Level) -> str:
        """In brackets where it would fall apart."""
        return self.text if self.level >= level else bracketed(self.text)

    @property
    def transposed(self) -> Formula:
        """The transpose; transposing twice gives the matrix back."""
        axes = (*self.axes, UNIT)[1::-1] if len(self.axes) < 2 else self.axes[::-1]
        if self.positive is not None:
            return negative(self.positive.transposed)
        alone = len([f for f in self.factors if f.axes]) == 1
        if alone or (self.factors and ONES not in self.text):  # (A B)ᵀ = Bᵀ Aᵀ
            turned = (f.transposed if f.axes else f for f in reversed(self.factors))
            return product(turned, axes)
        if self.symmetric:
            return replace(self, axes=axes)
        if self.back is not None:
            return replace(self.back, axes=axes)
        if self.terms and all(t.axes for t in self.terms):
            other = total((t.transposed for t in self.terms), axes)
            if other.length <= self.length + 3:
                return other
        if self.text.endswith(INVERSE) and self.level == Level.ATOM:
            text = self.text.removesuffix(INVERSE) + INVERSE_TRANSPOSED
        else:
            text = self.at_least(Level.CLOSED) + TRANSPOSED
        return Formula(text, axes, Level.ATOM, back=self)

    def inverse(self, axes: Axes) -> Formula:
        """The inverse; that of a transpose is the transpose of the inverse."""
        if self.back is not None:
            return self.back.inverse(axes).transposed
        symmetric = self.transposed.text == self.text
        return Formula(self.at_least(Level.CLOSED) + INVERSE, axes, symmetric=symmetric)


def signs(latex: str) -> int:
    """About how many signs of a formula there are to read."""
    return len(re.sub(r"\\[a-zA-Z]+|[{}^_ ]", "", latex))


def negative(formula: Formula) -> Formula:
    """The same with the other sign."""
    if formula.positive is not None:
        return formula.positive
    text = f"-{formula.at_least(Level.PRODUCT)}"
    return Formula(text, formula.axes, Level.SUM, positive=formula)


def product(factors: Iterable[Formula], axes: Axes) -> Formula:
    """The matrix product: its number first, then other scalars."""
    flat = [g for f in factors for g in f.parts]
    value = sp.Mul(*(f.number for f in flat if f.number is not None))
    rest = sorted((f for f in flat if f.number is None), key=lambda f: bool(f.axes))
    if value != 1 and len(rest) == 1:
        common, rest[0] = _common(rest[0])
        value *= common
    if value < 0:
        return negative(product([_literal(-value), *rest], axes))
    kept = [_literal(value), *rest] if value != 1 or not rest else rest
    if len(kept) == 1:
        return replace(kept[0], axes=axes)
    scalar = not any(f.axes for f in kept)
    loose = [bool(f.axes) or (scalar and f is kept[-1]) for f in kept]
    levels = (Level.PRODUCT if is_loose else Level.ATOM for is_loose in loose)
    text = " ".join(f.at_least(level) for f, level in zip(kept, levels, strict=True))
    return Formula(text, axes, Level.PRODUCT, tuple(kept))


def _common(formula: Formula) -> tuple[sp.Expr, Formula]:
    """The whole number that divides all terms of a sum, and the sum without it."""
    numbers = [sp.Mul(*(p.number for p in t.parts if p.number is not None)) for t in formula.terms]
    if not numbers or not all(n.is_Integer for n in numbers):
        return sp.S.One, formula
    common = sp.Integer(sp.igcd(*numbers))
    smaller = (product([_literal(1 / common), t], t.axes) for t in formula.terms)
    return common, formula if common == 1 else total(smaller, formula.axes)


def total(terms: Iterable[Formula], axes: Axes) -> Formula:
    """The sum, equal terms as a multiple of one."""
    counts: dict[str, sp.Expr] = {}
    bare: dict[str, Formula] = {}
    for term in (t for f in terms for t in (f.terms or (f,))):
        numbers = [p.number for p in term.parts if p.number is not None]
        rest = product([p for p in term.parts if p.number is None], term.axes)
        bare[rest.text] = rest
        counts[rest.text] = counts.get(rest.text, 0) + sp.Mul(*numbers)
    found = [product([_literal(n), bare[text]], axes) for text, n in counts.items() if n != 0]
    if len(found) < 2:
        return found[0] if found else Formula("0", axes)
    text = found[0].text
    for term in found[1:]:
        sign, plain = ("-", term.positive) if term.positive else ("+", term)
        text += f" {sign} {plain.at_least(Level.ODOT)}"
    return Formula(text, axes, Level.SUM, terms=tuple(found))


class NoMatrixForm(SpecError):
    """Raised where an equation is no product of matrices."""


def matrix_forms(
    variables: Iterable[Variable],
    equations: Iterable[Equation],
    symbol: Callable[[str], str],
    unnamed: Collection[str] = (),
) -> Callable[[str], str | None]:
    """For the name of each equation its right-hand side in matrix form; None where it has none.

    The ``unnamed`` values are written in where the whole stays short.
    """
    table = {e.name: e for e in equations}
    known = [*variables, *(Variable(e.name, e.shape, "data") for e in table.values())]

    @functools.cache
    def formula(name: str) -> Formula | None:
        plain = matrix_formula(table[name], known, symbol)
        if not unnamed:
            return plain
        whole = matrix_formula(table[name], known, symbol, written_in)
        return whole if whole is not None and whole.length <= SHORT else plain

    def written_in(name: str) -> Formula | None:
        with contextlib.suppress(SymgradError):
            return formula(name) if name in unnamed else None
        return None

    def form(name: str) -> str | None:
        found = formula(name) if name in table else None
        return None if found is None else found.text

    return form


def matrix_form(
    equation: Equation, variables: Iterable[Variable], symbol: Callable[[str], str]
) -> str | None:
    """The right-hand side of an equation as products of matrices; None where it has none."""
    found = matrix_formula(equation, variables, symbol)
    return None if found is None else found.text


def matrix_formula(
    equation: Equation,
    variables: Iterable[Variable],
    symbol: Callable[[str], str],
    written_in: Callable[[str], Formula | None] = lambda _: None,
) -> Formula | None:
    """As :func:`matrix_form`, with how it is made; some values are written in."""
    inputs = [v for v in variables if v.name != equation.name]
    exact = replace(equation, decimals=None)
    try:
        program = alive(planned(lower(inputs, [exact], [equation.name])))
        return _Reader(program, symbol, written_in).result
    except NoMatrixForm:
        return None


class _Reader:
    """Reads a program of one equation as a formula."""

    def __init__(
        self,
        program: Program,
        symbol: Callable[[str], str],
        written_in: Callable[[str], Formula | None],
    ) -> None:
        self.symbol = symbol
        self.written_in = written_in
        self.symmetric = {
            v.name for v in program.inputs if giving(Fact.IS_SYMMETRIC, v.assumptions)
        }
        self.found: dict[str, Formula] = {}
        self.ops = {op.name: op for op in program.ops}
        for op in program.ops:
            self.found[op.name] = self.formula(op)
        self.result = self.found[program.outputs[0]]

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
        whole = self.written_in(ref.name)
        if whole is not None:
            return replace(whole, axes=ref.axes)
        text = self.symbol(ref.name)
        closed = not re.search(r"\\frac|\^", text)
        level = Level.CLOSED if closed else Level.ATOM
        return Formula(text, ref.axes, level, symmetric=ref.name in self.symmetric)

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
        return product([left, right], axes)

    def reduce(self, op: Op) -> Formula:
        if op.function != "sum":
            return self.to_a_number(op)
        (source,) = op.reads
        inner = self.ops.get(source.name)
        if inner is not None and not labels(op.axes) and inner.kind == "map":
            product = self.inner_product(inner)
            if product is not None:
                return replace(product, axes=op.axes)
        value, gone = self.operand(source), [a not in op.axes for a in source.axes]
        ones = Formula(ONES, (UNIT,), Level.CLOSED)
        row = self.times(ones.transposed, value, op.axes or (UNIT,))
        if not labels(op.axes):
            columns = len([a for a in source.axes if isinstance(a, Index)]) == 2
            if columns:
                return self.times(row, ones, op.axes)
            rows = _rows(source.axes) is not None
            return replace(row, axes=()) if rows else self.times(value, ones, op.axes)
        if len(op.axes) == 2:
            return row if gone[0] else self.times(value, ones, op.axes)
        return self.times(value.transposed if gone[0] else value, ones, op.axes)

    def to_a_number(self, op: Op) -> Formula:
        """A trace, or a norm."""
        (source,) = op.reads
        inside = self.operand(source).text
        if op.kind == "trace":
            return Formula(rf"\operatorname{{tr}}{bracketed(inside)}", ())
        if op.function != "norm" or labels(op.axes):
            raise NoMatrixForm(f"{op.function} is no operation of matrices")
        kind = "_F" if len(labels(source.axes)) > 1 else ""
        text = rf"\left\lVert {inside} \right\rVert{kind}"
        return Formula(text, op.axes, Level.CLOSED)

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
        return product if flat else Formula(rf"\operatorname{{tr}}{bracketed(product.text)}", ())

    # Elementwise functions

    def map(self, op: Op) -> Formula:
        if op.function in _ARITHMETIC:
            return _ARITHMETIC[op.function](self, op)
        if op.function in _AS_ARITHMETIC:
            function, first = _AS_ARITHMETIC[op.function]
            return self.map(replace(op, function=function, args=(*first, *op.args)))
        leaf = _LATEX.get(op.function)
        if not leaf:
            raise NoMatrixForm(f"{op.function} has no matrix form")
        args = [self.full(a, op.axes) for a in op.args]
        name = re.fullmatch(r"(\\[a-z]+|\\operatorname\{\{\w+\}\}) ?\(?\{x\}\)?", leaf)
        if op.function == "exp":
            name = re.fullmatch("(.*)", r"\exp")
        if name:
            inside = args[0].text
            level = Level.ATOM if name[1] == r"\log" else Level.CLOSED  # log(x)^2 reads as log(x^2)
            return Formula(f"{name[1].format()}{bracketed(inside)}", op.axes, level)
        if labels(op.axes) and not re.fullmatch(r"\[.*\]|\\[a-z]+\(.*\)|\\operatorname.*\)", leaf):
            raise NoMatrixForm(f"{op.function} of a matrix has no form of its own")
        texts = dict(zip("xyz", (a.text for a in args), strict=False))
        if op.function == "select" and self.is_comparison(op.args[0]):
            texts["x"] = as_condition(texts["x"])
        return Formula(leaf.format(**texts), op.axes)

    def is_comparison(self, operand: Ref | Literal) -> bool:
        """Whether this is worked out here, by comparing values."""
        made = self.ops.get(operand.name) if isinstance(operand, Ref) else None
        return made is not None and made.function in COMPARISONS

    def full(self, operand: Ref | Literal, axes: Axes) -> Formula:
        """An operand of a sum, with all the axes of the result."""
        if isinstance(operand, Literal):
            return _literal(operand.value)
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
        first, second = (self.spread(a, op.axes) for a in op.args)
        second = second if op.function == "add" else negative(second)
        return total([first, second], op.axes)

    def spread(self, operand: Ref | Literal, axes: Axes) -> Formula:
        """As :meth:`full`; a number is repeated, as only arrays of one shape have a sum."""
        value = self.full(operand, axes)
        alone = isinstance(operand, Literal) or not labels(operand.axes)
        return product([value, *_ones(axes)], axes) if alone else value

    def negated(self, op: Op) -> Formula:
        return replace(negative(self.full(op.args[0], op.axes)), axes=op.axes)

    def multiplied(self, op: Op) -> Formula:
        scalars = [a for a in op.args if isinstance(a, Literal) or not labels(a.axes)]
        if scalars:
            scale = self.full(scalars[0], ())
            others = [a for a in op.args if a is not scalars[0]]
            return product([scale, self.full(others[0], op.axes)], op.axes)
        return self.elementwise(op, r"\odot")

    def elementwise(self, op: Op, sign: str) -> Formula:
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
                    scale = Formula(
                        rf"\operatorname{{diag}}{bracketed(column.text)}", op.axes, symmetric=True
                    )
                    other = self.full(op.reads[1 - k], op.axes)
                    pair = (scale, other) if kinds[k] == "columns" else (other, scale)
                    return self.times(*pair, op.axes)
        left, right = (self.full(r, op.axes) for r in op.reads)
        goes_on = sign == r"\odot" and left.level == Level.ODOT and r"\oslash" not in left.text
        first = left.text if goes_on else left.at_least(Level.ATOM)
        text = f"{first} {sign} {right.at_least(Level.ATOM)}"
        return Formula(text, op.axes, Level.ODOT)

    def divided(self, op: Op) -> Formula:
        over, under = op.args
        if isinstance(under, Literal) or not labels(under.axes):
            below = self.full(under, ()).text
            above = self.full(over, op.axes)
            whole = above.level >= Level.ATOM and "(" not in above.text
            if not labels(op.axes) and whole and isinstance(under, Ref):
                return Formula(rf"\frac{{{above.text}}}{{{below}}}", op.axes)
            scale = Formula(rf"\frac{{1}}{{{below}}}", ())
            if isinstance(under, Literal) and under.value.is_Rational:
                scale = _literal(1 / under.value)
            return product([scale, self.full(over, op.axes)], op.axes)
        if isinstance(over, Literal):
            found = _power(self.full(under, op.axes), sp.S(-1), op.axes)
            scale = self.full(over, ())
            return found if scale.text == "1" else product([scale, found], op.axes)
        return self.elementwise(op, r"\oslash")

    def raised(self, op: Op) -> Formula:
        base, exponent = op.args[0], op.args[1] if len(op.args) > 1 else Literal(sp.S.Half)
        if not isinstance(exponent, Literal) or not exponent.value.is_Rational:
            raise NoMatrixForm("a power with a variable exponent")
        if op.function == "sqrt" and not labels(op.axes):
            return Formula(rf"\sqrt{{{self.full(base, ()).text}}}", op.axes)
        return _power(self.full(base, op.axes), exponent.value, op.axes)

    # The rest

    def softmax(self, op: Op) -> Formula:
        (source,) = op.reads
        value = self.operand(source)
        along = ""
        if len(labels(source.axes)) == 2:
            along = r"_{\text{rows}}" if op.detail == (1,) else r"_{\text{columns}}"
            along = "" if len(op.detail) == 2 else along
        log = r"\log " if op.kind == "log_softmax" else ""
        text = rf"{log}\operatorname{{softmax}}{along}{bracketed(value.text)}"
        return Formula(text, op.axes)

    def logsumexp(self, op: Op) -> Formula:
        if labels(op.axes):
            raise NoMatrixForm("a log-sum-exp along an axis")
        (source,) = op.reads
        text = rf"\operatorname{{logsumexp}}{bracketed(self.operand(source).text)}"
        return Formula(text, op.axes)

    def linalg(self, op: Op) -> Formula:
        matrix, *right = (self.operand(r) for r in op.reads)
        if len(op.reads[0].axes) > 2:
            raise NoMatrixForm("a stack of matrices")
        if op.function in ("inv", "solve"):
            inverse = matrix.inverse(op.axes)
            return self.times(inverse, right[0], op.axes) if right else inverse
        leaf = _MATRIX_LATEX[op.function]
        return Formula(leaf.format(x=matrix.at_least(Level.ATOM)), op.axes)

    def eye(self, op: Op) -> Formula:
        return Formula("I", op.axes, Level.CLOSED)

    def expand(self, op: Op) -> Formula:
        (source,) = op.args
        return replace(self.spread(source, op.axes), axes=op.axes)

    def fill(self, op: Op) -> Formula:
        (value,) = op.args
        assert isinstance(value, Literal)
        if value.value == 0:
            return Formula("0", op.axes, Level.PRODUCT)
        return product([_literal(value.value), *_ones(op.axes)], op.axes)

    KINDS: ClassVar[Mapping[str, Callable[[_Reader, Op], Formula]]] = {
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

_AS_ARITHMETIC: dict[str, tuple[str, tuple[Literal, ...]]] = {
    "inverse": ("divide", (Literal(sp.S.One),)),
    "ratio": ("divide", ()),
    "normed": ("divide", ()),
    "root": ("sqrt", ()),
}
"""Functions that are written as arithmetic, and the arguments that come before theirs."""

_MATRIX_LATEX = {leaf.name: leaf.latex for leaf in MATRIX_FUNCTIONS.values()}
_LATEX = {leaf.cls.__name__: leaf.latex for leaf in LEAVES.values()}


def _ones(axes: Axes) -> list[Formula]:
    """The factors of what is 1 everywhere: nothing for a number."""
    column = Formula(ONES, (UNIT,), Level.CLOSED)
    if not labels(axes):
        return []
    down = [column] if isinstance(axes[0], Index) else []
    across = [column.transposed] if len(axes) == 2 and isinstance(axes[1], Index) else []
    return [*down, *across]


def _power(base: Formula, exponent: sp.Expr, axes: Axes) -> Formula:
    """Every entry raised to a number."""
    if base.raised is not None:
        inner, power = base.raised
        if -1 in (exponent, power):
            base, exponent = inner, power * exponent
    circle = r"\circ " if labels(axes) else ""
    text = f"{base.at_least(Level.CLOSED)}^{{{circle}{exponent}}}"
    return Formula(text, axes, raised=(base, exponent))


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


def _literal(value: sp.Expr) -> Formula:
    """A number, or an expression of sizes."""
    if value.is_Rational:
        return Formula(_number(value), (), number=value)
    if value.could_extract_minus_sign():
        return negative(Formula(_number(-value), ()))
    return Formula(_number(value), ())


def _number(expr: sp.Expr) -> str:
    """A number or an expression of sizes; the exponents of its powers in one line."""
    number = with_numbers(expr)
    decimal = as_decimal(number) if number.is_Rational else None
    if decimal is None:
        return str(sp.latex(number, fold_frac_powers=True))
    power = power_of_ten(decimal)
    return decimal if power is None else scientific(*power)

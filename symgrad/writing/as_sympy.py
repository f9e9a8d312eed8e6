"""The equations of a derivation as expressions of SymPy's matrices."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from symgrad.calculus.derivation import Derivation, forward_and_adjoints
from symgrad.errors import SpecError
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.reductions import LEAVES
from symgrad.mathematics.sizes import with_numbers
from symgrad.program.program import UNIT, Literal, Op, Ref, is_temporary, labels, size_of
from symgrad.writing.matrix_form import program_of


class Unwritten(SpecError):
    """Raised for what SymPy's matrices have no expression for."""


def in_matrices(derivation: Derivation, name: str, symbols: Mapping[str, sp.Symbol]) -> Any:
    """The right-hand side of an equation over the inputs: a matrix; a column; or a number.

    ``symbols``: the symbols for sizes and numbers, by name.
    """
    return _Written(derivation, symbols).value(name)


class _Written:
    """Values by their names, each with those that it reads written in."""

    def __init__(self, derivation: Derivation, symbols: Mapping[str, sp.Symbol]) -> None:
        self.equations = {e.name: e for e in forward_and_adjoints(derivation)}
        self.known = {v.name: v for v in derivation.system.variables}
        self.known |= {e.name: Variable(e.name, e.shape, "data") for e in self.equations.values()}
        self.symbols = symbols
        self.value = functools.cache(self._value)

    def _value(self, name: str) -> Any:
        if name in self.equations:
            return self._computed(name)
        variable = self.known[name]
        if variable.role == "constant":
            raise Unwritten(f"{name} is an array of numbers")
        if len(variable.shape) > 2:
            raise Unwritten(f"{name} has more than two axes")
        if not variable.shape:
            return self.symbols.get(name, sp.Symbol(name))
        rows, columns = (*variable.shape, UNIT)[:2]
        return sp.MatrixSymbol(name, self.size(rows), self.size(columns))

    def _computed(self, name: str) -> Any:
        program = program_of(self.equations[name], self.known)
        values: dict[str, Any] = {}
        for op in (o for o in program.ops if o.kind != "iota"):
            method = OPERATIONS.get(op.kind)
            if method is None or len(op.axes) > 2:
                raise Unwritten(f"{name} is no expression of matrices: {op.kind} is none")
            values[op.name] = method(_Operands(self, values, op), op)
        return values[program.outputs[0]]

    def size(self, size: sp.Expr) -> sp.Expr:
        """A size in the symbols of the reader."""
        written = with_numbers(size)
        symbols = {s: self.symbols.get(s.name, sp.Symbol(s.name)) for s in written.free_symbols}
        return written.xreplace(symbols)


class _Operands:
    """What an operation reads, as matrices that lie as its result does."""

    def __init__(self, written: _Written, values: Mapping[str, Any], op: Op) -> None:
        self.written, self.values = written, values
        self.axes = (*op.axes, UNIT, UNIT)[:2]

    def dims(self, axes: Any) -> tuple[sp.Expr, sp.Expr]:
        """The numbers of rows and columns."""
        rows, columns = (self.written.size(size_of(a)) for a in (*axes, UNIT, UNIT)[:2])
        return rows, columns

    def plain(self, operand: Ref | Literal) -> Any:
        """A value as it is: its first axis has the rows."""
        if isinstance(operand, Literal):
            return self.written.size(operand.value)
        if len(operand.axes) > 2:
            raise Unwritten(f"{operand.name} is no matrix")
        if operand.name in self.values:
            return self.values[operand.name]
        if is_temporary(operand.name):
            raise Unwritten("SymPy's matrices have no expression for positions")
        return self.written.value(operand.name)

    def number(self, operand: Ref | Literal) -> Any:
        """A value that is one number."""
        value = self.plain(operand)
        return value[0, 0] if _is_matrix(value) else value

    def laid(self, operand: Ref | Literal, axes: Any) -> Any:
        """A value as a matrix of these axes, repeated where it lacks one; a number as it is."""
        if isinstance(operand, Literal) or not labels(operand.axes):
            return self.number(operand)
        value, mine = self.plain(operand), (*operand.axes, UNIT)[:2]
        rows, columns = (*axes, UNIT)[:2]
        turned = mine[0] == columns != UNIT or mine[1] == rows != UNIT
        if turned or (len(operand.axes) == 1 and mine[0] != rows):
            value, mine = value.T, mine[::-1]
        if mine[0] != rows:
            value = sp.OneMatrix(self.dims(axes)[0], 1) * value
        return value if mine[1] == columns else value * sp.OneMatrix(1, self.dims(axes)[1])


def _is_matrix(value: Any) -> bool:
    return bool(getattr(value, "is_Matrix", False))


def _spread(read: _Operands, value: Any, op: Op) -> Any:
    """A number at every entry, where the result is a matrix."""
    if _is_matrix(value) or not labels(op.axes):
        return value
    return value * sp.OneMatrix(*read.dims(op.axes))


# -- entry by entry -------------------------------------------------------------------------------


def _map(read: _Operands, op: Op) -> Any:
    values = [read.laid(a, op.axes) for a in op.args]
    if not any(map(_is_matrix, values)):
        return _spread(read, function_of(op.function, *values), op)
    if op.function in ("add", "subtract"):
        values = [_spread(read, v, op) for v in values]
    if op.function in ENTRIES and not (op.function == "power" and _is_matrix(values[1])):
        return ENTRIES[op.function](*values)
    return _called(op, values)


def _called(op: Op, values: list[Any]) -> Any:
    """A function of one matrix and of numbers."""
    moving = [v for v in values if _is_matrix(v)]
    if len(moving) > 1:
        raise Unwritten(f"SymPy has no {op.function} of two matrices")
    x = sp.Dummy("x", real=True)
    body = function_of(op.function, *(x if _is_matrix(v) else v for v in values))
    plain = sp.Dummy("x")
    return moving[0].applyfunc(sp.Lambda(plain, body.xreplace({x: plain})))


def _multiplied(x: Any, y: Any) -> Any:
    if not (_is_matrix(x) and _is_matrix(y)):
        return x * y
    for column, row in ((x, y), (y, x)):
        left, right = sp.MatMul.make_args(column), sp.MatMul.make_args(row)
        if isinstance(left[-1], sp.OneMatrix) and isinstance(right[0], sp.OneMatrix):
            return sp.MatMul(*left[:-1], *right[1:])  # a column times a row
    return sp.hadamard_product(x, y)


def _divided(x: Any, y: Any) -> Any:
    return _multiplied(x, _raised(y, -1) if _is_matrix(y) else 1 / y)


def _raised(x: Any, exponent: Any) -> Any:
    return sp.HadamardPower(x, exponent)


ENTRIES: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "negative": lambda x: -x,
    "multiply": _multiplied,
    "divide": _divided,
    "ratio": _divided,
    "normed": _divided,
    "power": _raised,
    "sqrt": lambda x: _raised(x, sp.S.Half),
    "square": lambda x: _raised(x, 2),
    "inverse": lambda x: _raised(x, -1),
}
"""Arithmetic on the entries of matrices of one shape."""

_OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "negative": lambda x: -x,
    "multiply": lambda x, y: x * y,
    **dict.fromkeys(("divide", "ratio", "normed"), lambda x, y: x / y),
    "inverse": lambda x: 1 / x,
    "root": sp.sqrt,
    "power": lambda x, y: x**y,
    "sqrt": sp.sqrt,
    "square": lambda x: x**2,
    "greater": lambda x, y: sp.Piecewise((1, x > y), (0, True)),
    "select": lambda c, x, y: x * c + y * (1 - c),
}
_OF_NUMBERS |= {name: getattr(sp, name) for name in ("exp", "log", "sin", "cos", "sinh", "cosh",
                                                     "tanh", "erf")}  # fmt: skip
_DEFINED = {leaf.cls.__name__: leaf.definition or leaf.cls for leaf in LEAVES.values()}


def function_of(name: str, *args: Any) -> Any:
    """A function of numbers in SymPy's own functions."""
    function = _OF_NUMBERS.get(name) or _DEFINED.get(name)
    if function is None:
        raise Unwritten(f"SymPy has no {name}")
    return function(*args)


# -- of whole matrices ----------------------------------------------------------------------------


def _matmul(read: _Operands, op: Op) -> Any:
    first, second = op.reads
    left, right = read.plain(first), read.plain(second)
    left = left.T if len(first.axes) == 1 else left
    if not op.axes:
        return _entry(left * right)
    return (left * right).T if len(first.axes) == 1 and len(op.axes) == 1 else left * right


def _entry(matrix: Any) -> Any:
    """The number that a matrix of one entry holds: its trace, which stays a product."""
    return sp.Trace(matrix) if _is_matrix(matrix) else matrix


def _sum(read: _Operands, op: Op) -> Any:
    if op.function == "norm" and not labels(op.axes):
        value = read.plain(op.args[0])
        return sp.sqrt(sp.Trace(value.T * value))
    if op.function != "sum":
        raise Unwritten(f"SymPy's matrices have no {op.function}")
    (source,) = op.reads
    value = read.plain(source)
    if not labels(op.axes):
        return _spread(read, _total(read, value, source), op)
    rows, columns = read.dims(source.axes)
    gone = [a not in op.axes for a in (*source.axes, UNIT)[:2]]
    value = sp.OneMatrix(1, rows) * value if gone[0] and rows != 1 else value
    value = value * sp.OneMatrix(columns, 1) if gone[1] and columns != 1 else value
    return value.T if len(op.axes) == 1 and gone[0] else value


def _total(read: _Operands, value: Any, source: Ref) -> Any:
    """The sum of all entries."""
    rows, columns = read.dims(source.axes)
    if isinstance(value, sp.matrices.expressions.diagonal.DiagonalOf):
        return sp.Trace(value.arg)
    if isinstance(value, sp.HadamardProduct):
        return sp.Trace(value.args[0].T * sp.hadamard_product(*value.args[1:]))
    value = value if rows == 1 else sp.OneMatrix(1, rows) * value
    return _entry(value if columns == 1 else value * sp.OneMatrix(columns, 1))


def _picked(read: _Operands, op: Op) -> Any:
    """The diagonal of a matrix; entries at other places have no expression."""
    source, *places = op.reads
    if len(places) != 2 or places[0] != places[1] or op.detail != (1, 2):
        raise Unwritten("SymPy's matrices have no expression for entries that are picked")
    return sp.matrices.expressions.diagonal.DiagonalOf(read.plain(source))


def _view(read: _Operands, op: Op) -> Any:
    return _spread(read, read.laid(op.args[0], op.axes), op)


def _trace(read: _Operands, op: Op) -> Any:
    return sp.Trace(read.plain(op.args[0]))


def _eye(read: _Operands, op: Op) -> Any:
    return sp.Identity(read.dims(op.axes)[0])


def _diagonal(read: _Operands, op: Op) -> Any:
    return sp.DiagMatrix(read.plain(op.args[0]))


def _linalg(read: _Operands, op: Op) -> Any:
    matrix, *right = (read.plain(r) for r in op.reads)
    if op.function in ("inv", "regular_inverse", "solve"):
        return matrix.inv() * right[0] if right else matrix.inv()
    if op.function not in OF_MATRICES:
        raise Unwritten(f"SymPy's matrices have no {op.function}")
    return OF_MATRICES[op.function](matrix)


OF_MATRICES: dict[str, Callable[[Any], Any]] = {
    "det": sp.Determinant,
    "logdet": lambda a: sp.log(sp.Abs(sp.Determinant(a))),
    "sign": lambda a: sp.sign(sp.Determinant(a)),
    "adjugate": lambda a: sp.Determinant(a) * a.inv(),
}

OPERATIONS: dict[str, Callable[[_Operands, Op], Any]] = {
    "map": _map,
    "matmul": _matmul,
    "reduce": _sum,
    "trace": _trace,
    "view": _view,
    "fill": _view,
    "expand": _view,
    "linalg": _linalg,
    "eye": _eye,
    "diagonal": _diagonal,
    "gather": _picked,
}
"""How SymPy's matrices write each kind of operation that they have."""

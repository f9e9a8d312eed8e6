"""Functions in matrix forms: entry by entry, or of a whole matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from symgrad.mathematics import written as how
from symgrad.mathematics.reductions import LEAVES
from symgrad.program.program import Axes, Op, labels, size_of
from symgrad.writing.display import Display
from symgrad.writing.formula import Apply, Formula, Function, bracketed
from symgrad.writing.matrix_formula import MatrixFormula
from symgrad.writing.naming import Names
from symgrad.writing.piece import Level, Piece

_WRITTEN = {leaf.cls.__name__: leaf.written for leaf in LEAVES.values()}
_OF_MATRICES = (how.Comparison, how.Call)
"""What can be written of matrices as it is of numbers: ``[X > 0]``, ``max(X, Y)``."""


def leaf_of(name: str, args: Sequence[MatrixFormula], axes: Axes) -> MatrixFormula | None:
    """A leaf of matrices, entry by entry; None where it has no such form."""
    written = _WRITTEN.get(name)
    if written is None:
        return None
    function = _name(written) if len(args) == 1 else None
    if function is not None:
        log = function == Function("log")  # log(x)^2 reads as log(x^2)
        shown = Apply(function, bracketed(args[0].formula))
        return MatrixFormula(shown, axes, Level.SCRIPTED if log else Level.ATOM)
    if labels(axes) and not _is_of_matrices(written):
        return None
    return MatrixFormula(_Given(args).leaf_of(written), axes)


def _name(written: how.Written) -> Function | None:
    """The name of a function that is written as f(X), if it is."""
    match written:
        case how.Exponential("e"):
            return Function("exp")
        case how.Prefix(name, "", str()):
            return Function(name)
        case how.Call(name, sign, "", (), False):
            return Function(name, sign)
    return None


def _is_of_matrices(written: how.Written) -> bool:
    composed = isinstance(written, how.Call) and (written.of or written.prime)
    return isinstance(written, _OF_MATRICES) and not composed


def softmax_of(exponent: MatrixFormula) -> Formula | None:
    """For z - logsumexp(z) 𝟏, the exponent, what exp of it is: softmax(z)."""
    if len(exponent.terms) != 2:
        return None
    kept, taken = sorted(exponent.terms, key=lambda t: t.positive is not None)
    if taken.positive is None or kept.positive is not None:
        return None
    total_, *spread = taken.positive.factors or (taken.positive,)
    shown = bracketed(kept.formula)
    if total_.formula != Apply(Function("logsumexp"), shown) or not all(f.has_ones for f in spread):
        return None
    return Apply(Function("softmax"), shown)


class _Given(Display):
    """Writes a function of arguments that are written already."""

    def __init__(self, args: Sequence[MatrixFormula]) -> None:
        super().__init__(Names({}), {})
        self.arguments = dict(zip(sp.symbols("x y z"), args, strict=False))

    def leaf_of(self, written: how.Written) -> Formula:
        by_name = {symbol.name: symbol for symbol in self.arguments}
        return self.spelled(written, by_name).formula

    def piece(self, expr: sp.Expr) -> Piece:
        if expr not in self.arguments:
            return super().piece(expr)
        matrix = self.arguments[expr]
        return Piece(matrix.formula, matrix.level)


def matrix_leaf(written: how.Written, matrix: Formula) -> Formula:
    """A function of a matrix that is written already."""
    return Display(Names({}), {}).of_matrix(written, matrix).formula


def is_diagonal(op: Op, made: Mapping[str, Op]) -> bool:
    """Whether an operation takes the entries on the diagonal of a square matrix."""
    if op.kind != "gather" or len(op.reads) != 3:
        return False
    matrix, *at = op.reads
    places = made.get(at[0].name)
    whole = places is not None and places.kind == "iota" and len(places.axes) == 1
    return whole and at[0] == at[1] and len({size_of(a) for a in (*matrix.axes, *at[0].axes)}) == 1

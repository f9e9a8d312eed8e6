"""Functions of whole matrices that have a derivative rule of their own: inverse, determinant, …"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import mpmath
import sympy as sp

from symgrad.mathematics.indices import Index, fresh
from symgrad.mathematics.reductions import Reduction, equal, less_equal
from symgrad.mathematics.written import Bars, Call, Inverse, Prefix, Written


class MatrixFunction(Reduction):
    """A function of the matrix with entries ``body`` at row r and column c, itself at ``at``.

    ``InverseEntry(A[n, r, c], (r, 0, d - 1), (c, 0, d - 1), i, j)`` is the entry [i, j] of the
    inverse of the n-th matrix; a determinant has no ``at``.  The order of the limits matters.
    """

    ordered: ClassVar[bool] = True

    def __new__(cls, body: sp.Expr, rows: Any, columns: Any, *at: sp.Expr) -> MatrixFunction:
        limits = (sp.Tuple(*rows), sp.Tuple(*columns))
        self: MatrixFunction = sp.Expr.__new__(cls, body, *limits, *map(sp.sympify, at))
        return self

    @property
    def limits(self) -> tuple[sp.Tuple, sp.Tuple]:
        """The limits of the row and of the column."""
        rows, columns = self.args[1:3]
        return rows, columns

    @property
    def at(self) -> tuple[sp.Expr, ...]:
        """The indices of the entry."""
        return tuple(self.args[3:])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        """The symbols of the body but for the two indices that run, and those of ``at``."""
        outside = (i.free_symbols for i in self.at)
        return set(super().free_symbols).union(*outside)

    def elsewhere(self, cls: type[MatrixFunction], *at: sp.Expr) -> MatrixFunction:
        """Another function of the same matrix, or another entry of this one."""
        return cls(self.function, *self.limits, *at)

    def partial(self, row: Index, column: Index) -> sp.Expr:
        """The derivative with respect to the matrix's entry at this row and column."""
        raise NotImplementedError

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        row, column = (fresh(limit[0].size) for limit in self.limits)
        old = (limit[0] for limit in self.limits)
        inner = self.function.xreplace(dict(zip(old, (row, column), strict=True))).diff(s)
        if inner == 0:
            return sp.S.Zero
        return sp.Sum(self.partial(row, column) * inner, row.limits, column.limits)


class InverseEntry(MatrixFunction):
    """The inverse.  Petersen & Pedersen, The Matrix Cookbook, (60)."""

    def partial(self, row: Index, column: Index) -> sp.Expr:
        i, j = self.at
        return -self.elsewhere(InverseEntry, i, row) * self.elsewhere(InverseEntry, column, j)


class DeterminantValue(MatrixFunction):
    """The determinant of an invertible matrix.  The Matrix Cookbook, (49)."""

    def partial(self, row: Index, column: Index) -> sp.Expr:
        return self * self.elsewhere(InverseEntry, column, row)


class AdjugateEntry(MatrixFunction):
    """The adjugate, det(A) A⁻¹ where there is an inverse: what programs compute for the two."""


class LogAbsDeterminant(MatrixFunction):
    """log |det A|.  The Matrix Cookbook, (57)."""

    def partial(self, row: Index, column: Index) -> sp.Expr:
        return self.elsewhere(InverseEntry, column, row)


class DeterminantSign(MatrixFunction):
    """The sign of the determinant: constant wherever it has a derivative."""

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        return sp.S.Zero


class CholeskyEntry(MatrixFunction):
    """The lower factor L of a symmetric positive definite A = L Lᵀ.

    dL = L Φ(L⁻¹ dA L⁻ᵀ), where Φ keeps the lower triangle and halves the diagonal: Murray,
    Differentiation of the Cholesky decomposition, arXiv 1602.07527, equations (8) and (9).
    dA is taken as symmetric.
    """

    def partial(self, row: Index, column: Index) -> sp.Expr:
        i, j = self.at
        size = self.limits[0][0].size
        k = fresh(size)
        kept = less_equal(j, k) - equal(j, k) / 2
        left, right = self._inverse(k, row), self._inverse(j, column)
        mirrored = self._inverse(k, column) * self._inverse(j, row)
        both = (left * right + mirrored) / 2
        return sp.Sum(self.elsewhere(CholeskyEntry, i, k) * kept * both, k.limits)

    def _inverse(self, i: sp.Expr, j: sp.Expr) -> sp.Expr:
        row, column = (fresh(limit[0].size) for limit in self.limits)
        return InverseEntry(
            self.elsewhere(CholeskyEntry, row, column), row.limits, column.limits, i, j
        )


@dataclass(frozen=True)
class MatrixLeaf:
    """All that the project knows about one function of matrices.

    ``name`` is what a program calls it; ``written`` says how mathematics writes it; ``mpmath``
    computes it from an ``mpmath.matrix`` and ``exact`` from a SymPy one.
    """

    cls: type[MatrixFunction]
    name: str
    written: Written
    mpmath: Callable[[Any], Any]
    exact: Callable[[sp.Matrix], Any]


def _log_abs_det(a: Any) -> Any:
    return mpmath.log(abs(mpmath.det(a)))


MATRIX_FUNCTIONS: dict[type[sp.Expr], MatrixLeaf] = {
    leaf.cls: leaf
    for leaf in (
        MatrixLeaf(InverseEntry, "inv", Inverse(), mpmath.inverse, sp.Matrix.inv),
        MatrixLeaf(DeterminantValue, "det", Prefix("det"), mpmath.det, sp.Matrix.det),
        MatrixLeaf(
            LogAbsDeterminant,
            "logdet",
            Prefix("log", of=Bars(Prefix("det"))),
            _log_abs_det,
            lambda a: sp.log(sp.Abs(a.det())),
        ),
        MatrixLeaf(
            DeterminantSign,
            "sign",
            Prefix("sign", of=Prefix("det")),
            lambda a: mpmath.sign(mpmath.det(a)),
            lambda a: sp.sign(a.det()),
        ),
        MatrixLeaf(
            CholeskyEntry,
            "cholesky",
            Call("chol"),
            mpmath.cholesky,
            sp.Matrix.cholesky,
        ),
    )
}


def program_name(cls: type[sp.Expr]) -> str:
    """What a program calls a function of matrices."""
    return "adjugate" if cls is AdjugateEntry else MATRIX_FUNCTIONS[cls].name


def matrix_function(
    cls: type[MatrixFunction], body: sp.Expr, indices: Sequence[Index], *at: sp.Expr
) -> MatrixFunction:
    """``cls`` of the matrix whose entry at the two ``indices`` is ``body``."""
    row, column = indices
    return cls(body, row.limits, column.limits, *at)

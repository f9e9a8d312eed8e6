"""Functions of whole matrices that have a derivative rule of their own: inverse, determinant, …"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import mpmath
import numpy as np
import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.indices import Index, fresh
from symgrad.mathematics.reductions import Reduction, equal, less_equal
from symgrad.mathematics.sizes import Size, fixed
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

    @property
    def lengths(self) -> tuple[Size, ...]:
        """The sizes of the axes that ``at`` points into."""
        return tuple(limit[0].size for limit in self.limits)[: len(self.at)]

    def elsewhere(self, cls: type[MatrixFunction], *at: sp.Expr) -> MatrixFunction:
        """Another function of the same matrix, or another entry of this one."""
        return cls(self.function, *self.limits, *at)

    def partial(self, row: Index, column: Index) -> sp.Expr:
        """The derivative with respect to the matrix's entry at this row and column."""
        raise SpecError(
            "the derivative of eigenvectors or singular vectors in a derivative is not supported",
            hint="a first derivative of eigenvalues and singular values is",
        )

    def _eval_subs(self, old: sp.Expr, new: sp.Expr) -> sp.Expr:
        """``at`` as well, of which SymPy's way with limits knows nothing."""
        changed = super()._eval_subs(old, new)
        return changed.elsewhere(type(self), *(i.subs(old, new) for i in self.at))

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


class RegularInverseEntry(MatrixFunction):
    """The inverse of what has one, whatever the rounding: where it is made up for by det(A)."""


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


class EigenbasisEntry(MatrixFunction):
    """The eigenvectors of a symmetric matrix, as columns, where no derivative is taken of them."""


class EigenvalueEntry(MatrixFunction):
    """The eigenvalues of a symmetric matrix, the smallest first.  The Matrix Cookbook, (67)."""

    def partial(self, row: Index, column: Index) -> sp.Expr:
        (k,) = self.at
        return self.elsewhere(EigenbasisEntry, row, k) * self.elsewhere(EigenbasisEntry, column, k)


class EigenvectorEntry(MatrixFunction):
    """The eigenvectors of a symmetric matrix with distinct eigenvalues, as columns.

    dv_k = Σ_m v_m v_mᵀ dA v_k / (λ_k - λ_m) over all others: The Matrix Cookbook, (68).  dA is
    taken as symmetric.
    """

    def partial(self, row: Index, column: Index) -> sp.Expr:
        i, k = self.at
        m = fresh(self.limits[0][0].size)
        vector = functools.partial(self.elsewhere, EigenvectorEntry)
        both = vector(row, m) * vector(column, k) + vector(column, m) * vector(row, k)
        value = functools.partial(self.elsewhere, EigenvalueEntry)
        apart = value(k) - value(m) + equal(m, k)
        return sp.Sum(vector(i, m) * (1 - equal(m, k)) * both / (2 * apart), m.limits)


class SingularValueEntry(MatrixFunction):
    """The singular values of a matrix, the largest first: dσ_k = u_kᵀ dA v_k."""

    @property
    def lengths(self) -> tuple[Size, ...]:
        return (smaller(*(limit[0].size for limit in self.limits)),)

    def partial(self, row: Index, column: Index) -> sp.Expr:
        (k,) = self.at
        left = self.elsewhere(LeftSingularEntry, row, k)
        return left * self.elsewhere(RightSingularEntry, k, column)


class LeftSingularEntry(MatrixFunction):
    """The left singular vectors, as columns."""

    @property
    def lengths(self) -> tuple[Size, ...]:
        rows, columns = (limit[0].size for limit in self.limits)
        return rows, smaller(rows, columns)


class RightSingularEntry(MatrixFunction):
    """The right singular vectors, as rows."""

    @property
    def lengths(self) -> tuple[Size, ...]:
        rows, columns = (limit[0].size for limit in self.limits)
        return smaller(rows, columns), columns


def smaller(one: Size, other: Size) -> Size:
    """The smaller of two sizes; where it is not known which that is, they are the same."""
    known = fixed(one), fixed(other)
    return one if None in known or known[0] <= known[1] else other  # type: ignore[operator]


@dataclass(frozen=True)
class MatrixLeaf:
    """All that the project knows about one function of matrices.

    ``name`` is what a program calls it; ``written`` says how mathematics writes it; ``mpmath``
    computes it from an ``mpmath.matrix`` and ``exact`` from a SymPy one, where that has no roots.
    """

    cls: type[MatrixFunction]
    name: str
    written: Written
    mpmath: Callable[[Any], Any]
    exact: Callable[[sp.Matrix], Any] | None = None
    symmetric: bool = False
    """Whether the matrix is taken as symmetric."""


def _log_abs_det(a: Any) -> Any:
    return mpmath.log(abs(mpmath.det(a)))


def _eigen(a: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors; ValueError where the matrix is not symmetric."""
    if mpmath.mnorm(a - a.T) > mpmath.mpf(10) ** -9 * mpmath.mnorm(a):
        raise ValueError("it is not symmetric")
    values, vectors = mpmath.eigsy(a)
    return list(values), signed(a, vectors)


def signed(a: Any, vectors: Any) -> Any:
    """The eigenvectors with the signs that LAPACK gives them."""
    theirs = np.linalg.eigh(np.array(a.tolist(), dtype=float))[1]
    for k in range(a.rows):
        if mpmath.fdot((theirs[i, k], vectors[i, k]) for i in range(a.rows)) < 0:
            for i in range(a.rows):
                vectors[i, k] = -vectors[i, k]
    return vectors


def _singular(a: Any) -> tuple[Any, Any, Any]:
    left, values, right = mpmath.svd_r(a)
    return left, list(values), right


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
            symmetric=True,
        ),
        MatrixLeaf(
            EigenvalueEntry, "eigvalsh", Call("eig"), lambda a: _eigen(a)[0], symmetric=True
        ),
        MatrixLeaf(
            EigenbasisEntry, "eigenbasis", Call("eigvec"), lambda a: _eigen(a)[1], symmetric=True
        ),
        MatrixLeaf(
            EigenvectorEntry, "eigenvectors", Call("eigvec"), lambda a: _eigen(a)[1], symmetric=True
        ),
        MatrixLeaf(SingularValueEntry, "svdvals", Call("sing"), lambda a: _singular(a)[1]),
        MatrixLeaf(LeftSingularEntry, "left", Call("left"), lambda a: _singular(a)[0]),
        MatrixLeaf(RightSingularEntry, "right", Call("right"), lambda a: _singular(a)[2]),
    )
}


def program_name(cls: type[sp.Expr]) -> str:
    """What a program calls a function of matrices."""
    return _OF_PROGRAMS.get(cls) or MATRIX_FUNCTIONS[cls].name


_OF_PROGRAMS: Mapping[type[sp.Expr], str] = {
    AdjugateEntry: "adjugate",
    RegularInverseEntry: "regular_inverse",
}


def matrix_function(
    cls: type[MatrixFunction], body: sp.Expr, indices: Sequence[Index], *at: sp.Expr
) -> MatrixFunction:
    """``cls`` of the matrix whose entry at the two ``indices`` is ``body``."""
    row, column = indices
    return cls(body, row.limits, column.limits, *at)

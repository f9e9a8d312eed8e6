"""Linear algebra: inverses, determinants, solutions, Cholesky factors."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, describe
from symgrad.language.constants import as_array
from symgrad.language.contractions import matmul
from symgrad.language.elementwise import elementwise
from symgrad.language.reductions import sum_
from symgrad.language.registry import FUNCTIONS, function, unsupported
from symgrad.language.shapes import atleast_1d, moveaxis, ravel, reshape, structure
from symgrad.mathematics.indices import Index, axis_index
from symgrad.mathematics.matrices import (
    CholeskyEntry,
    DeterminantSign,
    DeterminantValue,
    EigenvalueEntry,
    EigenvectorEntry,
    InverseEntry,
    LogAbsDeterminant,
    MatrixFunction,
    SingularValueEntry,
    matrix_function,
    smaller,
)
from symgrad.mathematics.reductions import sign
from symgrad.mathematics.sizes import fixed

Alone = Callable[[Array], Array]
"""What a function of matrices is for a 1 by 1 matrix."""


def _square(a: Any, what: str) -> Array:
    array = as_array(a)
    if array.ndim < 2 or array.sizes[-1] != array.sizes[-2]:
        raise SpecError(
            f"np.linalg.{what} of {describe(array)}",
            where=caller(),
            hint="the last two axes have to be those of a square matrix",
        )
    return array


def _entrywise(a: Any, what: str, cls: type[MatrixFunction], alone: Alone) -> Array:
    """A matrix of the same shape; ``alone`` is the function of a 1 by 1 matrix."""
    array = _square(a, what)
    if array.sizes[-1] == 1:
        return alone(array)
    lead, row, column, i, j = _indices(array)
    value = matrix_function(cls, array.at([*lead, row, column]), (row, column), i, j)
    return structure([*lead, i, j], value, [array])


def _indices(array: Array) -> tuple[list[sp.Expr], Index, Index, Index, Index]:
    lead = [axis_index(s) for s in array.sizes[:-2]]
    row, column, i, j = (axis_index(array.sizes[-1]) for _ in range(4))
    return lead, row, column, i, j


def _scalar(a: Any, what: str, cls: type[MatrixFunction], alone: Alone) -> Array:
    """A number for each matrix; ``alone`` is the function of the entry of a 1 by 1 matrix."""
    array = _square(a, what)
    if array.sizes[-1] == 1:
        return alone(array[..., 0, 0])
    lead, row, column, _, _ = _indices(array)
    value = matrix_function(cls, array.at([*lead, row, column]), (row, column))
    # beside its determinant, the inverse of a matrix may be the adjugate: that has to have a name
    return (structure if cls is DeterminantValue else Array)(lead, value, [array])


@function("linalg.inv")
def inv(a: Any) -> Array:
    """The inverse of each matrix."""
    return _entrywise(a, "inv", InverseEntry, lambda x: elementwise("reciprocal", x))


@function("linalg.det")
def det(a: Any) -> Array:
    """The determinant of each matrix; its derivative needs the matrix to be invertible."""
    return _scalar(a, "det", DeterminantValue, lambda x: x)


class SlogdetResult(NamedTuple):
    """What ``np.linalg.slogdet`` answers with."""

    sign: Array
    logabsdet: Array


@function("linalg.slogdet")
def slogdet(a: Any) -> SlogdetResult:
    """The sign and the logarithm of the absolute value of the determinant of each matrix."""
    return SlogdetResult(
        _scalar(a, "slogdet", DeterminantSign, _sign),
        _scalar(
            a,
            "slogdet",
            LogAbsDeterminant,
            lambda x: elementwise("log", elementwise("absolute", x)),
        ),
    )


def _sign(array: Array) -> Array:
    inner = [axis_index(s) for s in array.sizes]
    return Array(inner, sign(array.at(inner)), [array])


@function("linalg.cholesky")
def cholesky(a: Any) -> Array:
    """The lower triangular factor of each symmetric positive definite matrix."""
    return _entrywise(a, "cholesky", CholeskyEntry, lambda x: elementwise("sqrt", x))


class EighResult(NamedTuple):
    """What ``np.linalg.eigh`` answers with."""

    eigenvalues: Array
    eigenvectors: Array


@function("linalg.eigvalsh")
def eigvalsh(a: Any, UPLO: str = "L") -> Array:
    """The eigenvalues of each symmetric matrix, the smallest first."""
    array = _square(a, "eigvalsh")
    if array.sizes[-1] == 1:
        return array[..., 0]
    lead, row, column, i, _ = _indices(array)
    value = matrix_function(EigenvalueEntry, array.at([*lead, row, column]), (row, column), i)
    return structure([*lead, i], value, [array])


@function("linalg.eigh")
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """Eigenvalues of symmetric matrices, and eigenvectors, where no two eigenvalues are equal."""
    vectors = _entrywise(a, "eigh", EigenvectorEntry, lambda x: elementwise("multiply", x, 0) + 1)
    return EighResult(eigvalsh(a), vectors)


@function("linalg.svdvals")
def svdvals(x: Any) -> Array:
    """The singular values of each matrix, the largest first."""
    array = as_array(x)
    if array.ndim < 2:
        raise SpecError(
            f"singular values of {describe(array)}",
            where=caller(),
            hint="the last two axes have to be those of a matrix",
        )
    rows, columns = array.sizes[-2:]
    if 1 in (rows, columns):
        squares = sum_(elementwise("square", array), -1 if rows == 1 else -2)
        return elementwise("sqrt", squares)
    if rows != columns and None in (fixed(rows), fixed(columns)):
        raise unsupported(
            f"singular values of {describe(array)}, of which it is not known which axis is longer,",
            "give both axes fixed sizes",
        )
    lead = [axis_index(s) for s in array.sizes[:-2]]
    row, column, k = axis_index(rows), axis_index(columns), axis_index(smaller(rows, columns))
    value = matrix_function(SingularValueEntry, array.at([*lead, row, column]), (row, column), k)
    return structure([*lead, k], value, [array])


@function("linalg.svd")
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True,
        hermitian: bool = False) -> Array:  # fmt: skip
    """The singular values of each matrix alone: with ``compute_uv=False``."""
    if compute_uv:
        raise unsupported("np.linalg.svd with singular vectors", OF_SVD)
    return svdvals(a)


@function("linalg.cond")
def cond(x: Any, p: Any = None) -> Array:
    """The largest singular value over the smallest; by another norm, that of a and its inverse."""
    if p in (None, 2, -2):
        values = svdvals(x)
        ends = values[..., 0], values[..., -1]
        return elementwise("divide", *(ends if p != -2 else ends[::-1]))
    sizes = (as_array(FUNCTIONS["linalg.norm"](a, p, (-2, -1))) for a in (x, inv(x)))
    return elementwise("multiply", *sizes)


OF_SVD = (
    "the singular values are np.linalg.svd(a, compute_uv=False); V is np.linalg.eigh(a.T @ a)[1]"
    "[:, ::-1] where they are distinct, and U is a @ V / s"
)


@function("linalg.solve")
def solve(a: Any, b: Any) -> Array:
    """The solution x of a x = b; a vector ``b`` has one axis, as NumPy has it."""
    matrix, right = _square(a, "solve"), as_array(b)
    vector = right.ndim == 1
    if matrix.sizes[-1] == 1:
        return elementwise("divide", right, matrix[..., 0] if vector else matrix)
    if right.sizes[-1 if vector else -2] != matrix.sizes[-1]:
        raise SpecError(
            f"cannot solve {describe(matrix)} x = {describe(right)}: the sizes don't fit",
            where=caller(),
            hint="b has as many rows as the matrix",
        )
    if not vector and right.sizes[:-2] != matrix.sizes[:-2]:
        raise unsupported(f"np.linalg.solve with {describe(matrix)} and {describe(right)}",
                          "the leading axes must be the same")  # fmt: skip
    lead, row, column, i, j = _indices(matrix)
    inverse = matrix_function(InverseEntry, matrix.at([*lead, row, column]), (row, column), i, j)
    last: Sequence[sp.Expr] = () if vector else [axis_index(right.sizes[-1])]
    inside = [j, *last] if vector else [*lead, j, *last]
    rhs = sp.Sum(inverse * right.at(inside), j.limits)
    return structure([*lead, i, *last], rhs, [matrix, right])


@function("linalg.tensorsolve")
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Array:
    """The solution x of np.tensordot(a, x, x.ndim) = b."""
    array, right = as_array(a), as_array(b)
    if axes is not None:
        array = moveaxis(array, axes, range(-len(axes), 0))
    inner = array.shape[right.ndim :]
    solution = solve(reshape(array, (right.size, -1)), ravel(right))
    return reshape(solution, inner)


@function("linalg.tensorinv")
def tensorinv(a: Any, ind: int = 2) -> Array:
    """The inverse of np.tensordot with an array, whose first ``ind`` axes are its rows."""
    array = as_array(a)
    rows, columns = array.shape[:ind], array.shape[ind:]
    return reshape(inv(reshape(array, (math.prod(rows), -1))), (*columns, *rows))


@function("linalg.lstsq")
def lstsq(a: Any, b: Any, rcond: Any = None) -> LstsqResult:
    """The x for which the sum of squares of a x - b is smallest, where ``a`` is numbers."""
    if isinstance(a, Array):
        raise unsupported("np.linalg.lstsq with a matrix of values", OF_LSTSQ)
    matrix, right = np.asarray(a, dtype=float), as_array(b)
    found = matmul(np.linalg.pinv(matrix), right)
    squares = sum_(elementwise("square", right - matmul(matrix, found)), 0)
    _, _, rank, singular = np.linalg.lstsq(matrix, np.zeros(len(matrix)), rcond)
    return LstsqResult(found, atleast_1d(squares), rank, singular)


class LstsqResult(NamedTuple):
    """What ``np.linalg.lstsq`` answers with."""

    x: Array
    residuals: Array
    rank: Any
    s: Any


OF_LSTSQ = "np.linalg.solve(a.T @ a, a.T @ b) is it where the columns of a are independent"


@function("linalg.multi_dot")
def multi_dot(arrays: Sequence[Any]) -> Array:
    """The product of several matrices; the order of the products is chosen later."""
    product = as_array(arrays[0])
    for array in arrays[1:]:
        product = matmul(product, array)
    return product


@function("linalg.matrix_power")
def matrix_power(a: Any, n: int) -> Array:
    """The n-th power of each matrix; of its inverse where n is negative."""
    array = _square(a, "matrix_power")
    if not isinstance(n, numbers.Integral) or n == 0:
        raise unsupported(f"np.linalg.matrix_power with n={n!r}", "an int other than 0 is")
    base = array if n > 0 else inv(array)
    return multi_dot([base] * abs(int(n)))


def multigammaln(a: Any, d: int) -> Array:
    """The logarithm of the gamma function of several variables, as scipy.special has it."""
    total = as_array(d * (d - 1) / 4 * math.log(math.pi))
    for j in range(d):
        total = total + elementwise("gammaln", as_array(a) - j / 2)
    return total

"""Kinds that make matrices, or are functions of whole ones."""

from __future__ import annotations

import itertools

import numpy as np

from symgrad.program.kinds.kind import EVERY, Kind, Result, always, nothing, same_axes
from symgrad.program.kinds.run import Array, Run, whole
from symgrad.program.program import UNIT, Axes, Op, Ref, broadcast, broadcasts, labels, size_of


def _check_eye(op: Op) -> str:
    fits = len(op.axes) == 2 and not op.args and len({size_of(a) for a in op.axes}) == 1
    return "" if fits else "a unit matrix is a square"


EYE = Kind(
    "eye",
    "1 on the diagonal",
    _check_eye,
    lambda run, op: np.eye(run.shape(op.axes)[0], dtype=run.dtype),
    cost=nothing,
    dtype=always("float"),
    own_labels=True,
    of_sizes=True,
)


def _check_diagonal(op: Op) -> str:
    (source,) = op.reads
    row, column = op.axes if len(op.axes) == 2 else (UNIT, UNIT)
    fits = source.axes == (row,) and row != column and size_of(row) == size_of(column)
    return "" if fits else "a vector goes on the diagonal of a matrix"


DIAGONAL = Kind(
    "diagonal",
    "a vector on the diagonal of a matrix of zeros",
    _check_diagonal,
    lambda run, op: np.diag(run.operand(op.args[0])),
    own_labels=True,
    computes_with=EVERY,
)


def _run_triangle(run: Run, op: Op) -> Array:
    value = run.operand(op.args[0])
    row, column = np.indices(value.shape[-2:])
    (offset,) = whole(op)
    above = column - row - offset
    kept = above <= 0 if op.function == "lower" else above >= 0
    return np.asarray(np.where(kept, value, np.zeros_like(value)))


TRIANGLE = Kind(
    "triangle",
    "the last two axes, 0 above (lower) or below (upper) the diagonal in detail",
    same_axes,
    _run_triangle,
    result=Result.EITHER,
    computes_with=EVERY,
)


# -- functions of matrices --------------------------------------------------------------------


_SINGULAR = {"svdvals": 1, "left": 0, "right": 2}
"""What is a part of a singular value decomposition, and which one."""


_OWN_AXES = {
    **dict.fromkeys(("inv", "regular_inverse", "adjugate", "cholesky"), 2),
    **dict.fromkeys(("eigenbasis", "eigenvectors"), 2),
    "eigvalsh": 1,
}
"""How many axes the result has for each square matrix, where it is no number."""


def _check_linalg(op: Op) -> str:
    matrix = op.args[0]
    if not isinstance(matrix, Ref) or len(labels(matrix.axes[-2:])) != 2:
        return "a function of matrices takes an array of them"
    *lead, row, column = matrix.axes
    if op.function in _SINGULAR:
        return "" if op.axes[: len(lead)] == tuple(lead) else "the result has other axes"
    if size_of(row) != size_of(column):
        return "the matrices are no squares"
    if op.function == "solve":
        return _check_solve(op, matrix.axes)
    own = len(op.axes) - _OWN_AXES.get(op.function, 0)
    good = op.axes[:own] == tuple(lead) and all(size_of(a) == size_of(row) for a in op.axes[own:])
    return "" if good else "the result has not the axes of its matrices"


def _check_solve(op: Op, matrix: Axes) -> str:
    right = op.args[1]
    if not isinstance(right, Ref):
        return "the right-hand side is an array"
    return of_solution(op.axes, matrix, right.axes)


def of_solution(axes: Axes, matrix: Axes, right: Axes) -> str:
    """What is wrong where these are to be the axes of the solution of systems of equations."""
    *lead, row, column = matrix
    if len(right) == 1:
        fits = right == (row,) and axes == (column,) and not lead
        return "" if fits else "a vector is the right-hand side of one matrix alone"
    *batch, mine, last = right
    together = broadcast([tuple(lead), tuple(batch)])
    lined_up = broadcasts(tuple(lead), together) and broadcasts(tuple(batch), together)
    fits = mine == row and lined_up and axes == (*together, column, last)
    return "" if fits else "the axes do not fit a system of equations"


def _run_linalg(run: Run, op: Op) -> Array:
    matrix, *right = [run.operand(a) for a in op.args]
    if op.function == "solve":
        inverse = np.linalg.inv(matrix)
        return np.asarray(inverse @ right[0])
    if op.function in ("sign", "logdet"):
        return np.asarray(np.linalg.slogdet(matrix)[op.function == "logdet"])
    if op.function in _SINGULAR:
        return np.asarray(np.linalg.svd(matrix, full_matrices=False)[_SINGULAR[op.function]])
    if op.function in ("eigenbasis", "eigenvectors"):
        return np.asarray(np.linalg.eigh(matrix)[1])
    if op.function == "adjugate":
        return _adjugate(matrix)
    name = "inv" if op.function == "regular_inverse" else op.function
    return np.asarray(getattr(np.linalg, name)(matrix))


def _adjugate(matrix: Array) -> Array:
    """The transpose of the matrix of cofactors, each the determinant of what is left."""
    value, places = np.empty_like(matrix), np.arange(matrix.shape[-1])
    for i, j in itertools.product(places, repeat=2):
        minor = np.delete(np.delete(matrix, i, -2), j, -1)
        value[..., j, i] = (-1) ** (i + j) * np.linalg.det(minor)
    return value


LINALG = Kind(
    "linalg",
    "inv, det, eigvalsh, … of the last two axes; solve: of two arrays",
    _check_linalg,
    _run_linalg,
    result=Result.EITHER,
    dtype=always("float"),
    own_labels=True,
    computes_with=EVERY,
    sums=True,
)

MATRICES = (EYE, DIAGONAL, TRIANGLE, LINALG)

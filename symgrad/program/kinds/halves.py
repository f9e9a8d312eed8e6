"""Kinds for what several functions of one symmetric matrix share."""

from __future__ import annotations

import numpy as np

from symgrad.program.kinds.kind import EVERY, Kind, always, same_axes
from symgrad.program.kinds.matrices import of_solution
from symgrad.program.kinds.run import Array, Run
from symgrad.program.program import Op, size_of


def _run_half(run: Run, op: Op) -> Array:
    matrix = run.values[op.reads[0].name]
    try:
        return np.asarray(np.linalg.inv(np.linalg.cholesky(matrix)))
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


HALF_INVERSE = Kind(
    "half_inverse",
    "L⁻¹ of symmetric matrices L Lᵀ, in the last two axes; NaN where not all are positive definite",
    same_axes,
    _run_half,
    dtype=always("float"),
    computes_with=EVERY,
    sums=True,
)


def _check_by_half(op: Op) -> str:
    if len(op.reads) != (3 if op.function == "solved_by_half" else 2):
        return "the half of an inverse goes before its matrix"
    half, matrix, *right = op.reads
    if half.axes != matrix.axes:
        return "the matrix has other axes than the half of its inverse"
    if right:
        return of_solution(op.axes, matrix.axes, right[0].axes)
    own = () if op.function == "logdet_by_half" else (size_of(matrix.axes[-1]),) * 2
    lead = len(op.axes) - len(own)
    fits = op.axes[:lead] == matrix.axes[:-2] and op.shape[lead:] == own
    return "" if fits else "the result has not the axes of its matrices"


def _run_by_half(run: Run, op: Op) -> Array:
    _, matrix, *right = (run.values[r.name] for r in op.reads)
    if op.function == "logdet_by_half":
        return np.asarray(np.linalg.slogdet(matrix)[1])
    inverse = np.linalg.inv(matrix)
    return np.asarray(inverse @ right[0] if right else inverse)


BY_HALF = Kind(
    "by_half",
    "inverse_by_half, solved_by_half and logdet_by_half: what inv, solve and logdet give, of the "
    "half of the inverse; then the matrix, which tells where it has none",
    _check_by_half,
    _run_by_half,
    dtype=always("float"),
    own_labels=True,
    computes_with=EVERY,
    sums=True,
)

HALVES = (HALF_INVERSE, BY_HALF)

"""What generated files define for several functions of one symmetric matrix."""

from __future__ import annotations

from typing import Any

import numpy as np


def _half_by_blocks(matrix: Any, found: Any) -> None:
    """Write L⁻¹ of symmetric matrices L Lᵀ, which may be over them, with little memory beside."""
    n = matrix.shape[-1]
    if n <= 32:
        found[...] = np.linalg.inv(np.linalg.cholesky(matrix))
        return
    a, b = slice(n // 2), slice(n // 2, n)
    first, last, side = found[..., a, a], found[..., b, b], found[..., a, b]
    _half_by_blocks(matrix[..., a, a], first)
    np.matmul(first, matrix[..., a, b], out=side)
    np.subtract(matrix[..., b, b], side.mT @ side, out=last)
    _half_by_blocks(last, last)
    np.matmul(-(last @ side.mT), first, out=found[..., b, a])
    side[...] = 0


def _half_inverse(matrix: Any, out: Any = None) -> Any:
    """L⁻¹ of symmetric matrices L Lᵀ; NaN where not all are positive definite."""
    found = np.empty_like(matrix) if out is None else out
    try:
        _half_by_blocks(matrix, found)
    except np.linalg.LinAlgError:
        found[...] = np.nan
    return found


def _has_none(half: Any) -> Any:
    """Whether there is no half of an inverse: then each entry is NaN."""
    return np.isnan(half[..., :1, :1]).any()


def _inverse_by_half(half: Any, matrix: Any, out: Any = None) -> Any:
    """The inverse of a matrix, by the half of it if it has one."""
    if not _has_none(half):
        return np.matmul(half.mT, half, out=out)
    found = np.empty_like(matrix) if out is None else out
    found[...] = np.linalg.inv(matrix)
    return found


def _solved_by_half(half: Any, matrix: Any, right: Any) -> Any:
    """The inverse of a matrix times the right-hand side, by the half of it if it has one."""
    if _has_none(half):
        return np.linalg.solve(matrix, right)
    return half.mT @ (half @ right)


def _logdet_by_half(half: Any, matrix: Any) -> Any:
    """The logarithm of |det|, by the half of the inverse if there is one."""
    if _has_none(half):
        return np.linalg.slogdet(matrix)[1]
    return -2 * np.log(half.diagonal(axis1=-2, axis2=-1)).sum(axis=-1)

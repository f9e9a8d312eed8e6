"""What generated files define for several functions of one symmetric matrix."""

from __future__ import annotations

from typing import Any

import numpy as np


def _lower_inverse(triangle: Any) -> Any:
    """The inverses of lower triangular matrices, by blocks."""
    n = triangle.shape[-1]
    if n <= 32:
        return np.linalg.inv(triangle)
    found, a, b = np.zeros_like(triangle), slice(n // 2), slice(n // 2, n)
    found[..., a, a] = _lower_inverse(triangle[..., a, a])
    found[..., b, b] = _lower_inverse(triangle[..., b, b])
    found[..., b, a] = -found[..., b, b] @ (triangle[..., b, a] @ found[..., a, a])
    return found


def _half_inverse(matrix: Any) -> Any:
    """L⁻¹ of symmetric matrices L Lᵀ; NaN where not all are positive definite."""
    try:
        return _lower_inverse(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def _inverse_by_half(half: Any, matrix: Any) -> Any:
    """The inverse of a matrix, by the half of it if it has one."""
    return np.linalg.inv(matrix) if np.isnan(half).any() else half.mT @ half


def _solved_by_half(half: Any, matrix: Any, right: Any) -> Any:
    """The inverse of a matrix times the right-hand side, by the half of it if it has one."""
    if np.isnan(half).any():
        return np.linalg.solve(matrix, right)
    return half.mT @ (half @ right)


def _logdet_by_half(half: Any, matrix: Any) -> Any:
    """The logarithm of |det|, by the half of the inverse if there is one."""
    if np.isnan(half).any():
        return np.linalg.slogdet(matrix)[1]
    return -2 * np.log(half.diagonal(axis1=-2, axis2=-1)).sum(axis=-1)

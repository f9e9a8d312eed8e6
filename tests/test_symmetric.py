"""What is told to be symmetric is, and what is not is not told to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.targets.numpy import halves

x, A = sg.param("x", (4,)), sg.param("A", (4, 4))
S, B = sg.param("S", (4, 4), assume=sg.symmetric), sg.param("B", (2, 4, 4))
row, column = x[:, None], x[None]

SYMMETRIC: list[Callable[[], Any]] = [
    lambda: S,
    lambda: np.exp(S) + 3,
    lambda: A + A.T,
    lambda: A @ A.T,
    lambda: np.einsum("nij,nkj->nik", B, B),
    lambda: (row - column) ** 2,
    lambda: np.abs(row - column),
    lambda: np.cos(row - column) * (row + column),
    lambda: np.sum((A[:, None] - A[None]) ** 2, axis=2),
    lambda: np.maximum(row, column) - 2 * np.eye(4),
    lambda: A * A.T + np.outer(x, x),
    lambda: A.T @ (A / column.T),
    lambda: np.linalg.inv(S) + np.diag(x),
]
OTHERS: list[Callable[[], Any]] = [
    lambda: A,
    lambda: A @ A,
    lambda: A @ S,
    lambda: np.linalg.inv(S) @ np.linalg.inv(A + A.T),
    lambda: np.linalg.inv(A),
    lambda: np.diag(x) @ S,
    lambda: A.T @ (A / column),
    lambda: A - A.T,
    lambda: (row - column) ** 3,
    lambda: (row - column) / 2,
    lambda: row - column - 2,
    lambda: np.abs(row - 2 * column),
    lambda: np.sin(row - column),
    lambda: np.einsum("nij,njk->nik", B, B),
    lambda: S + np.arange(16.0).reshape(4, 4),
    lambda: np.tril(S),
]


@pytest.mark.parametrize("made", SYMMETRIC)
def test_functions_of_a_symmetric_matrix_share_a_factor(
    made: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves, "MANY", 1)
    assert "= _half_inverse(" in _code(made())


@pytest.mark.parametrize("made", OTHERS)
def test_those_of_others_do_not(made: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "MANY", 1)
    assert "half" not in _code(made())


def test_small_matrices_have_functions_of_their_own() -> None:
    assert "half" not in _code(S + 0)


def _code(matrix: Any) -> str:
    loss = np.sum(np.linalg.slogdet(matrix)[1]) + np.sum(np.linalg.inv(matrix)[..., 0, :] * x)
    return str(sg.derive(loss, names={"x": x, "A": A, "S": S, "B": B}).source())


def test_a_kernel_of_distances_is_differentiated() -> None:
    """Signs are substituted in what has an entry of an inverse."""
    K = np.abs(x[:, None] - x) + np.eye(4)
    point = {"x": np.array([0.3, -0.7, 1.1, 2.0])}
    value = sg.derive(x @ np.linalg.solve(K, x), names={"x": x}).compile().loss_and_gradients
    exact, step = value(**point)[1].x, 1e-6 * np.eye(4)
    found = [value(point["x"] + h)[0] - value(point["x"] - h)[0] for h in step]
    np.testing.assert_allclose(exact, np.array(found) / 2e-6, rtol=1e-6)

"""The gradient of a determinant is its adjugate: right also where a matrix has no inverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg

det = np.linalg.det


def _named(A: Any) -> Any:
    d = det(A)
    return d**2 + 3 * d


LOSSES: dict[str, Callable[[Any], Any]] = {
    "alone": det,
    "squared": lambda A: det(A) ** 2,
    "cubed": lambda A: det(A) ** 3 + np.sum(A),
    "named": _named,
    "apart from 1": lambda A: (det(A) - 1) ** 2,
    "times a sum": lambda A: det(A) * np.sum(A**2),
    "in exp": lambda A: np.exp(det(A)),
    "of a product": lambda A: det(A @ A.T),
    "of a sum": lambda A: det(A @ np.ones(A.shape) + A),
    "of the transpose": lambda A: det(A.T) * np.trace(A),
    "times the matrix": lambda A: np.sum(det(2 * A + 1) * A),
}
MATRICES = [
    *([[1, 2], [2, 4]], [[0, 0], [0, 0]], [[1, 2], [3, 5]]),
    *([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, -1, 2], [2, -2, 4], [3, -3, 6]]),
    *([[2, 1, 0], [1, 3, 1], [0, 1, 1]], np.zeros((3, 3)), np.diag([1.0, 2, 3, 0])),
]


def slopes(loss: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    found = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        change = np.zeros(at.shape)
        change[place] = 1e-5
        found[place] = (loss(at + change) - loss(at - change)) / 2e-5
    return found


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_at_singular_matrices(loss: str) -> None:
    f = LOSSES[loss]
    for size in (2, 3, 4):
        module = sg.derive(f(A := sg.param("A", (size, size))), names={"A": A}).compile()
        for matrix in (np.asarray(m, float) for m in MATRICES if len(m) == size):
            wanted = slopes(f, matrix)
            for workspace in (None, module.Workspace()):
                found = module.gradients(A=matrix, workspace=workspace).A
                scale = max(1.0, np.abs(wanted).max())
                np.testing.assert_allclose(found, wanted, atol=1e-5 * scale)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_stacks_of_matrices(dtype: str) -> None:
    A = sg.param("A", ("N", 3, 3))
    module = sg.derive(np.sum(det(A) ** 2) + np.sum(det(A))).compile(dtype=dtype)
    stack = np.stack([np.asarray(m, dtype) for m in MATRICES if len(m) == 3])
    wanted = slopes(lambda x: np.sum(det(x) ** 2) + np.sum(det(x)), stack.astype(float))
    found = module.gradients(A=stack).A
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, atol=2e-4 if dtype == "float32" else 1e-7)


def test_what_is_printed_is_the_determinant_times_the_inverse() -> None:
    derivation = sg.derive(det(sg.param("A", (3, 3))))
    assert "A^{-\\top}" in derivation.gradients["A"].matrix_latex()


FAILING = {
    "slogdet": lambda A: np.linalg.slogdet(A)[1],
    "log of abs": lambda A: np.log(np.abs(det(A))),
    "inverse": lambda A: np.sum(np.linalg.inv(A)),
    "solution": lambda A: np.sum(np.linalg.solve(A @ A.T, np.ones(2))),
    "factor": lambda A: np.sum(np.linalg.cholesky(A @ A.T)),
}


@pytest.mark.parametrize("loss", FAILING)
def test_what_has_no_inverse_is_named(loss: str) -> None:
    derivation = sg.derive(FAILING[loss](A := sg.param("A", (2, 2))), names={"A": A})
    module = derivation.compile()
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    given = {"A": singular}
    calls = [(module.gradients, given), (module.loss_and_gradients, given)]
    for call, arguments in [*calls, (module.bind(A=singular * 0), {})]:
        with pytest.raises(ValueError, match=r"A: (Singular matrix|Matrix is not pos)"):
            call(**arguments)
    if "log" in loss:
        assert module.loss(A=singular) == -np.inf
        assert any("has no derivative" in remark for remark in derivation.remarks)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("loss", [
    lambda s, l, A: l + s,
    lambda s, l, A: s * l,
    lambda s, l, A: l**2 + s * A[0, 1],
])  # fmt: skip
def test_sign_and_logarithm_of_one_determinant(loss: Any, plain: bool, named: bool) -> None:
    A = sg.param("A", (3, 3))
    s, logdet = np.linalg.slogdet(A)
    d = sg.derive(loss(s, logdet, A), names={"s": s, "logdet": logdet} if named else {})
    module = d.compile(plain=plain)
    at = np.array([[1.0, 2, 0], [3, 1, 1], [0, 1, 2]])
    value, gradients = module.loss_and_gradients(A=at)

    def by_numpy(A: np.ndarray) -> Any:
        return loss(*np.linalg.slogdet(A), A)

    assert value == module.loss(A=at) == pytest.approx(by_numpy(at))
    np.testing.assert_allclose(gradients.A, slopes(by_numpy, at), atol=1e-8)


def test_second_derivatives_need_an_inverse_and_say_so() -> None:
    A = sg.param("A", (2, 2))
    loss = np.linalg.det(A)
    told = "the second derivatives of det(A) are those where A has an inverse"
    assert not any(told in r for r in sg.derive(loss).remarks)
    second = sg.hessian(loss, A)
    assert any(told in r for r in second.remarks)
    with pytest.raises(np.linalg.LinAlgError, match=r"A: Singular.*a second one of det; a little"):
        sg.hvp(loss).compile().gradients(A=[[1, 2], [2, 4]], v_A=np.eye(2))


def of_rank_two() -> np.ndarray:
    """A matrix that is singular but for rounding: NumPy finds an inverse of 1e16."""
    source = np.random.default_rng(0)
    first, second = (np.outer(source.normal(size=3), source.normal(size=3)) for _ in range(2))
    return first + second


@pytest.mark.parametrize("loss", [np.linalg.det, lambda A: np.linalg.det(A) * np.sum(A)])
def test_second_derivatives_of_what_is_singular_but_for_rounding_are_an_error(loss: Any) -> None:
    A = sg.param("A", (3, 3))
    module = sg.hessian(loss(A), A).compile()
    with pytest.raises(np.linalg.LinAlgError, match="A: Singular"):
        module.gradients(A=of_rank_two())


@pytest.mark.parametrize("target", ["c", "array-api"])
def test_second_derivatives_are_nan_there_where_a_target_has_no_errors(target: str) -> None:
    A = sg.param("A", (3, 3))
    second = sg.hessian(np.linalg.det(A), A)
    module, at = second.compile(target=target), np.array([[1.0, 2, 0], [3, 1, 1], [0, 1, 2]])
    assert np.isnan(module.gradients(A=of_rank_two()).A).any()
    np.testing.assert_allclose(
        module.gradients(A=at).A, second.compile().gradients(A=at).A, atol=1e-14
    )

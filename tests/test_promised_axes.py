"""What is assumed along one axis is used along that axis and along no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.derived import run

SHAPE = (3, 3)
"""Square: a wrong axis is not betrayed by its length."""

MADE: dict[str, tuple[Callable[..., Any], Callable[[np.ndarray, int], np.ndarray]]] = {
    "sums_to_one": (sg.sums_to_one, lambda x, k: x / x.sum(axis=k, keepdims=True)),
    "one_hot": (
        sg.one_hot,
        lambda x, k: np.asarray(x == x.max(axis=k, keepdims=True), dtype=float),
    ),
    "unit_norm": (sg.unit_norm, lambda x, k: x / np.linalg.norm(x, axis=k, keepdims=True)),
}
POWER = {"sums_to_one": 1, "one_hot": 1, "unit_norm": 2}

WHERE: dict[str, Callable[[Any, Any, int], Any]] = {
    "along it": lambda y, w, k: np.sum(np.sum(y, axis=k) * w),
    "along the other": lambda y, w, k: np.sum(np.sum(y, axis=1 - k) * w),
    "along both": lambda y, w, k: np.sum(y) * w[0],
    "of the transpose, along it": lambda y, w, k: np.sum(np.sum(y.T, axis=1 - k) * w),
    "of the transpose, along the other": lambda y, w, k: np.sum(np.sum(y.T, axis=k) * w),
    "of a diagonal": lambda y, w, k: np.sum(np.trace(y) * w),
    "of a part": lambda y, w, k: np.sum(np.sum(y[1:, 1:], axis=k) * w[1:]),
    "with weights that run along it": lambda y, w, k: np.sum(y @ w),
    "with weights that run along the other": lambda y, w, k: np.sum(w @ y),
    "with a square": lambda y, w, k: np.sum(np.sum(y**2 * y, axis=k) * w),
}


def numbers(kind: str, axis: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    x = np.random.default_rng(axis + 7).uniform(0.1, 1, shape)
    return MADE[kind][1](x, axis)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("where", WHERE)
def test_a_sum(where: str, kind: str, axis: int) -> None:
    """The derivative by w, of a y that keeps the promise, by hand: the loss is linear in w."""
    y, w = sg.data("y", SHAPE, assume=MADE[kind][0](axis=axis)), sg.param("w", (3,))
    power, plain = POWER[kind], axis % 2
    derivation = sg.derive(WHERE[where](y**power, w, plain), names={})
    assert all(check.passed for check in run(derivation))
    Y, W = numbers(kind, plain), np.array([0.3, -1.1, 0.7])
    value, (slope,) = derivation.compile().loss_and_gradients(y=Y, w=W)
    right = [WHERE[where](Y**power, unit, plain) for unit in np.eye(3)]
    np.testing.assert_allclose(slope, right, rtol=1e-12)
    np.testing.assert_allclose(value, np.dot(right, W), rtol=1e-12)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("other", range(3))
@pytest.mark.parametrize("kind", MADE)
def test_a_sum_of_three_axes(kind: str, axis: int, other: int) -> None:
    y = sg.data("y", (2, 2, 2), assume=MADE[kind][0](axis=axis))
    w = sg.param("w", (2, 2))
    derivation = sg.derive(np.sum(np.sum(y ** POWER[kind], axis=other) * w), names={})
    Y = numbers(kind, axis, (2, 2, 2))
    (slope,) = derivation.compile().gradients(y=Y, w=np.ones((2, 2)))
    np.testing.assert_allclose(slope, np.sum(Y ** POWER[kind], axis=other), rtol=1e-12)


@pytest.mark.parametrize("axis", range(2))
def test_it_is_used_where_it_holds(axis: int) -> None:
    """So that the tests above see a rule at work: no sum of y is left."""
    y, w = sg.data("y", SHAPE, assume=sg.sums_to_one(axis=axis)), sg.param("w", (3,))
    for along in range(2):
        derivation = sg.derive(np.sum(np.sum(y, axis=along) * w), names={})
        assert ("y" not in str(derivation.gradients["w"].equation.rhs)) == (along == axis)


@pytest.mark.parametrize("axis", range(2))
@pytest.mark.parametrize("softmax_axis", range(2))
def test_cross_entropy_of_labels_along_an_axis(axis: int, softmax_axis: int) -> None:
    """p - y where the labels sum to one along the softmax's axis, (Σ y) p - y elsewhere."""
    y, z = sg.data("y", SHAPE, assume=sg.one_hot(axis=axis)), sg.param("z", SHAPE)
    p = np.exp(z) / np.sum(np.exp(z), axis=softmax_axis, keepdims=True)
    derivation = sg.derive(-np.sum(y * np.log(p)), names={})
    Y, Z = numbers("one_hot", axis), np.random.default_rng(1).normal(size=SHAPE)
    Y = np.roll(Y, 1, axis=1 - axis) if axis else Y
    e = np.exp(Z)
    right = Y.sum(softmax_axis, keepdims=True) * e / e.sum(softmax_axis, keepdims=True) - Y
    (slope,) = derivation.compile().gradients(y=Y, z=Z)
    np.testing.assert_allclose(slope, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("transposed", [False, True])
def test_orthogonal_on_both_sides(transposed: bool) -> None:
    q, w = sg.data("q", SHAPE, assume=sg.orthogonal), sg.param("w", SHAPE)
    Q = np.linalg.qr(np.random.default_rng(2).normal(size=SHAPE))[0]
    losses: list[Callable[[Any], Any]] = [
        lambda q: q.T @ q if transposed else q @ q.T,  # the identity
        lambda q: q @ q,  # not the identity
        lambda q: q * q,
        lambda q: np.outer(q[0], q[1]) if transposed else np.outer(q[:, 0], q[:, 1]),
    ]
    for loss in losses:
        derivation = sg.derive(np.sum(loss(q) * w), names={})
        (slope,) = derivation.compile().gradients(q=Q, w=np.ones(SHAPE))
        np.testing.assert_allclose(slope, loss(Q), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "product", ["kij,kil->ijl", "kij,ljk->kil", "kij,kil->kjl", "kij,klj->kil"]
)
def test_a_stack_of_orthogonal_matrices(product: str) -> None:
    """The first axis counts matrices; along it nothing is promised."""
    q, w = sg.data("q", (2, 2, 2), assume=sg.orthogonal), sg.param("w", (2, 2, 2))
    Q = np.linalg.qr(np.random.default_rng(3).normal(size=(2, 2, 2)))[0]
    derivation = sg.derive(np.sum(np.einsum(product, q, q) * w), names={})
    (slope,) = derivation.compile().gradients(q=Q, w=np.ones((2, 2, 2)))
    np.testing.assert_allclose(slope, np.einsum(product, Q, Q), rtol=1e-12, atol=1e-12)

"""Products along axes: their derivative is the product of the others, zeros or not."""

from __future__ import annotations

import itertools
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.derived import run

AXES: list[Any] = [0, 1, 2, (0, 2), (1, 2), None]


def of_others(x: np.ndarray, axis: Any) -> np.ndarray:
    """∂prod/∂x, entry by entry."""
    found = np.empty_like(x)
    for place in np.ndindex(x.shape):
        one = x.copy()
        one[place] = 1
        kept = np.prod(one, axis=axis, keepdims=True)
        found[place] = np.broadcast_to(kept, x.shape)[place]
    return found


@pytest.mark.parametrize("zeros", [0, 1, 2, 9])
@pytest.mark.parametrize("axis", AXES)
def test_the_derivative_is_the_product_of_the_others(axis: Any, zeros: int) -> None:
    x = sg.param("x", ("a", 3, "c"))
    derivation = sg.derive(np.sum(np.prod(x, axis=axis)), names={})
    module = derivation.compile()
    for shape in ((2, 3, 4), (1, 3, 1)):
        point = np.random.default_rng(zeros).uniform(0.5, 2, shape)
        point.reshape(-1)[:zeros] = 0
        value, found = module.loss_and_gradients(x=point)
        np.testing.assert_allclose(value, np.prod(point, axis=axis).sum(), rtol=1e-14)
        np.testing.assert_allclose(found.x, of_others(point, axis), rtol=1e-14)
    text = derivation.source()
    assert "_others(" in text
    assert "np.where(rows" not in text
    assert [c for c in run(derivation) if not c.passed] == []


def test_it_is_written_as_one_does() -> None:
    x, y = sg.param("x", ("N", 4)), sg.param("y", (2, 3))
    loss = np.sum(np.prod(x, axis=1))
    derivation = sg.derive(loss)
    assert derivation.gradients["x"].latex().endswith(r"= \prod_{j \ne i} x_{nj}")
    assert "dx[n,i] = Π_{j≠i} x[n,j]" in derivation.source()
    product: Any = np.prod(y)
    whole = sg.derive(product, names={}).gradients["y"].latex()
    assert whole.endswith(r"= \prod_{(k,\ell) \ne (i,j)} y_{k \ell}")


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_second_derivatives(zeros: int) -> None:
    x = sg.param("x", (4,))
    point = np.array([0.5, 2.0, -3.0, 1.5])
    point[:zeros] = 0
    product: Any = np.prod(x)
    found = sg.hessian(product, x, names={}).compile().gradients(x=point).x
    for i, j in itertools.product(range(4), repeat=2):
        rest = [v for k, v in enumerate(point) if k not in (i, j)]
        assert abs(found[i, j] - (np.prod(rest) if i != j else 0)) < 1e-14


def test_of_an_expression_with_the_index_in_it() -> None:
    x, w = sg.param("x", (5,)), sg.param("w", (5, 3))

    def loss(np: Any, x: Any, w: Any) -> Any:
        return np.sum(np.prod(np.tanh(x)[:, None] * w + 1, axis=0) ** 2)

    rng = np.random.default_rng(3)
    point = {"x": rng.normal(size=5), "w": rng.normal(size=(5, 3))}
    found = sg.derive(loss(np, x, w), names={}).compile().gradients(**point)
    expected = autograd.grad(lambda p: loss(anp, p["x"], p["w"]))(point)
    np.testing.assert_allclose(found.x, expected["x"], rtol=1e-12)
    np.testing.assert_allclose(found.w, expected["w"], rtol=1e-12)

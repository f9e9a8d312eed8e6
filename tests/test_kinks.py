"""One convention a kink, however it is typed, and it is stated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import symgrad as sg


@dataclass(frozen=True)
class Kink:
    """What has derivatives ``slopes`` at ``at``, in each spelling, and a word of its remark."""

    name: str
    at: Sequence[Any]
    slopes: Sequence[Any]
    remark: str
    spellings: dict[str, Callable[[Any], Any]]


POINTS = [0.0, 2.0, -2.0]
KINKS = [
    Kink("relu", POINTS, [0, 1, 0], "", {
        "maximum": lambda x: np.maximum(x, 0),
        "from the left": lambda x: np.maximum(0.0, x),
        "sg": sg.relu,
        "where": lambda x: np.where(x > 0, x, 0),
        "where, the other way": lambda x: np.where(x <= 0, 0.0, x),
        "a mask": lambda x: x * (x > 0),
        "heaviside": lambda x: x * np.heaviside(x, 0),
        "half of both": lambda x: (x + abs(x)) / 2,
        "half of each": lambda x: 0.5 * x + 0.5 * np.abs(x),
        "fabs": lambda x: 0.5 * (np.fabs(x) + x),
        "of the opposite": lambda x: (np.abs(-x) - (-x)) / 2,
        "clip": lambda x: np.clip(x, 0, None),
        "clip to infinity": lambda x: np.clip(x, 0, np.inf),
        "minimum": lambda x: -np.minimum(-x, 0),
        "less the minimum": lambda x: x - np.minimum(x, 0),
        "zeros": lambda x: np.maximum(np.zeros(3), x),
        "one zero": lambda x: np.maximum(x, np.zeros(1)),
        "zeros_like": lambda x: np.maximum(x, np.zeros_like(x)),
    }),
    Kink("a bound below", [1.0, 2.0, 0.0], [0, 1, 0], "", {
        "maximum": lambda x: np.maximum(x, 1),
        "from the left": lambda x: np.maximum(1.0, x),
        "ones": lambda x: np.maximum(x, np.ones(3)),
        "ones_like": lambda x: np.maximum(np.ones_like(x), x),
        "clip": lambda x: np.clip(x, 1, None),
        "clip at ones": lambda x: np.clip(x, np.ones(3), None),
        "relu": lambda x: 1 + np.maximum(x - 1, 0),
        "minimum": lambda x: -np.minimum(-x, -1),
        "where": lambda x: np.where(x > 1, x, 1),
        "half of both": lambda x: (x + 1 + np.abs(x - 1)) / 2,
        "less the minimum": lambda x: x - np.minimum(x, 1) + 1,
    }),
    Kink("a bound above", [1.0, 2.0, 0.0], [0, 0, 1], "min and clip is 0", {
        "minimum": lambda x: np.minimum(x, 1),
        "from the left": lambda x: np.minimum(1, x),
        "clip": lambda x: np.clip(x, None, 1),
        "full": lambda x: np.minimum(x, np.full((3,), 1.0)),
    }),
    Kink("a bound above, in halves", [1.0, 2.0, 0.0], [0, 0, 1], "", {
        "half of both": lambda x: (x + 1 - np.abs(x - 1)) / 2,
        "half of each": lambda x: 0.5 * x + 0.5 - 0.5 * abs(1 - x),
        "relu": lambda x: 1 - np.maximum(1 - x, 0),
    }),
    Kink("root of a size", [0.0, 4.0, -4.0], [0, 0.25, -0.25], "", {
        "abs": lambda x: np.sqrt(np.abs(x)),
        "power": lambda x: np.abs(x) ** 0.5,
        "two roots": lambda x: np.sqrt(np.sqrt(x**2)),
    }),
    Kink("the mirror image of relu", POINTS, [0, 0, 1], "", {
        "minimum": lambda x: np.minimum(x, 0),
        "from the left": lambda x: np.minimum(0, x),
        "maximum": lambda x: -np.maximum(-x, 0),
        "clip": lambda x: np.clip(x, None, 0),
        "clip from infinity": lambda x: np.clip(x, -np.inf, 0),
        "where": lambda x: np.where(x < 0, x, 0),
        "half of both": lambda x: (x - abs(x)) / 2,
    }),
    Kink("absolute value", POINTS, [0, 1, -1], "", {
        "abs": abs,
        "np.abs": np.abs,
        "fabs": np.fabs,
        "root of a square": lambda x: np.sqrt(x**2),
        "root of a product": lambda x: np.sqrt(x * x),
        "times sign": lambda x: x * np.sign(x),
        "maximum": lambda x: np.maximum(x, -x),
        "two relus": lambda x: np.maximum(x, 0) + np.maximum(-x, 0),
        "hypot": lambda x: np.hypot(x, 0),
        "norm": lambda x: np.linalg.norm(x[:, None], axis=1),
    }),
    Kink("box", [-1.0, 0.0, 1.0], [0, 1, 0], "clip is 0", {
        "clip": lambda x: np.clip(x, -1, 1),
        "one by one": lambda x: np.clip(np.clip(x, -1, None), None, 1),
        "minimum and maximum": lambda x: np.minimum(np.maximum(x, -1), 1),
    }),
    Kink("maximum of an axis", [[1.0, 1, 0], [2, 2, 2]], [[0.5, 0.5, 0], [1 / 3] * 3], "equally", {
        "max": lambda x: np.max(x, axis=1),
        "amax": lambda x: np.amax(x, axis=1),
        "method": lambda x: x.max(axis=1),
        "reduce": lambda x: np.maximum.reduce(x, axis=1),
        "minimum": lambda x: -np.min(-x, axis=1),
        "norm": lambda x: np.linalg.norm(x, np.inf, axis=1),
    }),
    Kink("norms of other orders", [[0.0, 0, 0], [3, 0, 0]], [[0, 0, 0], [1, 0, 0]], "norm is 0", {
        "fourth powers": lambda x: np.sum(x**4, axis=1) ** 0.25,
        "cubes": lambda x: np.sum(np.abs(x) ** 3, axis=1) ** (1 / 3),
        "norm": lambda x: np.linalg.norm(x, 3, axis=1),
        "less than two": lambda x: np.power(np.sum(np.abs(x) ** 1.5, axis=1), 2 / 3),
        "cube root": lambda x: np.cbrt(np.sum(abs(x) ** 3, axis=1)),
        "two roots": lambda x: np.sqrt(np.sqrt(np.sum(x**4, axis=1))),
        "squares of squares": lambda x: np.sqrt(np.sum((x**2) ** 2, axis=1)) ** 0.5,
    }),
    Kink("elu", POINTS, [1, 1, np.exp(-2)], "what holds", {
        "where": lambda x: np.where(x > 0, x, np.exp(x) - 1),
        "pieces": lambda x: np.maximum(x, 0) + np.minimum(0, np.exp(x) - 1),
        "expm1": lambda x: np.minimum(np.expm1(x), 0) + np.maximum(0, x),
        "inside": lambda x: np.maximum(x, 0) + np.exp(np.minimum(x, 0)) - 1,
        "expm1 inside": lambda x: np.expm1(np.minimum(x, 0)) + np.maximum(x, 0),
        "celu": lambda x: 2 * (
            np.maximum(x / 2, 0) + 0.5 * np.minimum(0, 1.0 * (np.exp(2 * x / 2) - 1))),
    }),
    Kink("elu, scaled", POINTS, [3, 1.5, 3 * np.exp(-2)], "what holds", {
        "where": lambda x: 1.5 * np.where(x > 0, x, 2 * (np.exp(x) - 1)),
        "pieces": lambda x: 1.5 * (np.maximum(x, 0) + np.minimum(0, 2 * (np.exp(x) - 1))),
        "outside": lambda x: 1.5 * np.maximum(x, 0) + 3 * np.minimum(0, np.exp(x) - 1),
    }),
    Kink("the larger of two", [[1.0, 1.0], [2, 3]], [[1 / 2, 1 / 2], [0, 1]], "", {
        "maximum": lambda x: np.maximum(x[:, 0], x[:, 1]),
        "minimum": lambda x: -np.minimum(-x[:, 0], -x[:, 1]),
        "half": lambda x: (x[:, 0] + x[:, 1] + abs(x[:, 0] - x[:, 1])) / 2,
        "max": lambda x: np.max(x, axis=1),
    }),
]  # fmt: skip
SPELLINGS = [(k, s) for k in KINKS for s in k.spellings]


@pytest.mark.parametrize(("kink", "spelling"), SPELLINGS, ids=lambda x: getattr(x, "name", x))
def test_kinks(kink: Kink, spelling: str) -> None:
    at = np.asarray(kink.at)
    f = kink.spellings[spelling]
    x = sg.param("x", at.shape)
    derivation = sg.derive(np.sum(f(x)), names={"x": x})
    module = derivation.compile()
    for workspace in (None, module.Workspace()):
        value, gradients = module.loss_and_gradients(x=at, workspace=workspace)
        assert value == pytest.approx(np.sum(_by_numpy(f, at)))
        np.testing.assert_allclose(gradients.x, kink.slopes, atol=1e-15)
    assert any(kink.remark in remark for remark in derivation.remarks), derivation.remarks


def _by_numpy(f: Callable[[Any], Any], at: np.ndarray) -> Any:
    return np.maximum(at, 0) if f is sg.relu else f(at)


def test_a_comparison_of_labels_or_positions_has_no_kink() -> None:
    x, y = sg.param("x", ("N", "N")), sg.data("y", ("N",), dtype=int)
    below = sg.arange("N")[:, None] >= sg.arange("N")
    loss = np.sum(np.where(below, x, 0) ** 2 * (y > 1))
    assert sg.derive(loss, names={"x": x, "y": y}).remarks == ()


def apart(x: Any) -> Any:
    return x[:, None] - x[None]


def products(x: Any) -> Any:
    return np.diag(x @ x.T)[:, None] + np.diag(x @ x.T) - 2 * x @ x.T


DISTANCES: dict[str, Callable[[Any], Any]] = {
    "squares": lambda x: np.sqrt(np.sum(apart(x) ** 2, axis=-1)),
    "norm": lambda x: np.linalg.norm(apart(x), axis=-1),
    "einsum": lambda x: np.sqrt(np.einsum("ijk,ijk->ij", apart(x), apart(x))),
    "hypot": lambda x: np.hypot(apart(x)[..., 0], apart(x)[..., 1]),
    "products": lambda x: np.sqrt(products(x)),
    "at least 0": lambda x: np.sqrt(np.maximum(products(x), 0)),
    "clipped": lambda x: np.sqrt(np.clip(products(x), 0, None)),
    "sums": lambda x: np.sqrt(
        np.sum(x**2, 1)[:, None] + np.sum(x**2, 1) - 2 * np.sum(x[:, None] * x, 2)
    ),
}


@pytest.mark.parametrize("spelling", DISTANCES)
def test_distances_of_points_that_coincide(spelling: str) -> None:
    at = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    x = sg.param("x", (3, 2))
    d = sg.derive(np.sum(DISTANCES[spelling](x)), names={"x": x})
    value, gradients = d.compile().loss_and_gradients(x=at)
    assert value == pytest.approx(20)
    np.testing.assert_allclose(gradients.x, [[-1.2, -1.6], [2.4, 3.2], [-1.2, -1.6]], atol=1e-12)
    assert any("0 where the norm is 0" in r or "hypot" in r for r in d.remarks)


@pytest.mark.parametrize("wrong", [
    lambda x: np.maximum(x, 0) + np.minimum(0, np.exp(-x) - 1),
    lambda x: np.maximum(x, 0) - np.maximum(0, np.exp(x) - 1),
    lambda x: np.maximum(x, 0) + np.minimum(0.5, np.exp(x) - 1),
    lambda x: np.maximum(x + 0.1, 0) + np.minimum(0, np.exp(x) - 1),
])  # fmt: skip
def test_pieces_that_do_not_meet_are_not_taken_for_an_elu(wrong: Callable[[Any], Any]) -> None:
    x = sg.param("x", (3,))
    d = sg.derive(np.sum(wrong(x)), names={"x": x})
    at = np.array([0.5, -1.5, 0.07])
    value, gradients = d.compile().loss_and_gradients(x=at)
    assert value == pytest.approx(np.sum(wrong(at)))
    quotients = (wrong(at + 1e-6) - wrong(at - 1e-6)) / 2e-6
    np.testing.assert_allclose(gradients.x, quotients, atol=1e-8)


def test_a_sum_of_odd_powers_is_no_norm() -> None:
    x = sg.param("x", (3,))
    d = sg.derive(np.sum(x**3) ** 0.25 + np.sum(np.abs(x) ** 3) ** -0.5, names={"x": x})
    assert "norm" not in str(d.remarks)


def test_a_matrix_of_which_there_is_a_cholesky_factor() -> None:
    w = sg.param("w", (2, 2))
    a = w @ w.T + np.eye(2)
    d = sg.derive(np.sum(np.linalg.cholesky(a)), wrt=["w", "a"], names={"w": w, "a": a})
    assert any("taken as symmetric" in remark for remark in d.remarks)
    found = d.compile().gradients(w=[[1.0, 2.0], [0.5, -1.0]]).a
    np.testing.assert_array_equal(found, found.T)


def test_a_difference_that_is_no_distance_keeps_its_slope() -> None:
    x = sg.param("x", (2,))
    d = sg.derive(np.sqrt(x[0] ** 2 + x[1] ** 2 - 2.5 * x[0] * x[1]), names={"x": x})
    assert "norm" not in str(d.remarks)


@pytest.mark.parametrize("square", [lambda x: np.sum(x**2), lambda x: x @ x, lambda x: x[0] ** 2])
def test_a_norm_by_its_square(square: Callable[[Any], Any]) -> None:
    x = sg.param("x", (3,))
    v = square(x)
    d = sg.derive(np.sqrt(v), wrt=["x", "v"], names={"x": x, "v": v})
    gradients = d.compile().gradients(x=[0.0, 0.0, 0.0])
    np.testing.assert_array_equal(gradients.x, np.zeros(3))
    assert gradients.v == 0
    assert d.compile().gradients(x=[2.0, 0.0, 0.0]).v == pytest.approx(0.25)
    assert any("is 0 where the norm is 0" in remark for remark in d.remarks)

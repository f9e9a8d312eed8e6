"""The derivative by a value in between says how the loss moves when that value is moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from tests import losses
from tests.losses import SOME, Loss
from tests.test_losses import point
from tests.values_between import Between, apart, by_symgrad

CLOSE = 1e-6


# -- losses of a few lines ------------------------------------------------------------------------


def sigmoid_cross_entropy(np, z, Y):
    p = 1 / (1 + np.exp(-z))
    return -np.sum(Y * np.log(p) + (1 - Y) * np.log(1 - p))


def notebook(np, W, x, Y):
    z = W @ x
    a = np.exp(z) / np.sum(np.exp(z))
    return -np.sum(Y * np.log(a))


def entropy(np, z):
    e = np.exp(z)
    p = e / np.sum(e)
    return -np.sum(p * np.log(p))


def softmax_in_parts(np, z, Y):
    e = np.exp(z)
    s = np.sum(e)
    p = e / s
    return -np.sum(Y * np.log(p))


def softmax_shifted(np, z, Y):
    m = np.max(z)
    e = np.exp(z - m)
    s = np.sum(e)
    p = e / s
    return -np.sum(Y * np.log(p))


def s_log_s(np, z):
    s = 1 / (1 + np.exp(-z))
    return np.sum(s * np.log(s))


def softplus_in_parts(np, z, c):
    e = np.exp(z)
    t = 1 + e
    return np.sum(c * np.log(t))


def log_p(np, z, c):
    p = 1 / (1 + np.exp(-z))
    return np.sum(c * np.log(p))


def log_one_less_p(np, z, c):
    p = 1 / (1 + np.exp(-z))
    q = 1 - p
    return np.sum(c * np.log(q))


def root_squared(np, x, c):
    r = np.sqrt(x)
    return np.sum(c * r**2)


def exp_of_log(np, x, c):
    t = np.log(x)
    return np.sum(c * np.exp(t))


def log_of_exp(np, x, c):
    e = np.exp(x)
    return np.sum(c * np.log(e))


def length(np, x, c):
    q = np.sum(x**2)
    n = np.sqrt(q)
    return n**3 + np.sum(c * x / n)


def length_of_difference(np, x, c):
    d = x - c
    q = d @ d
    return np.sqrt(q) + q


def variance_as_difference(np, x, c):
    m = np.mean(x)
    s = np.mean(x**2)
    v = s - m**2
    return np.sum(c * (x - m) / np.sqrt(v + 0.1))


def standard_deviation(np, x, c):
    m = np.mean(x)
    v = np.mean((x - m) ** 2)
    s = np.sqrt(v)
    return np.sum(c * (x - m) / s) ** 2


def logsumexp_in_parts(np, z, c):
    e = np.exp(z)
    s = np.sum(e)
    t = np.log(s)
    return np.sum(c) * t - np.sum(c * z)


def logsumexp_shifted(np, z, c):
    m = np.max(z)
    d = z - m
    e = np.exp(d)
    s = np.sum(e)
    t = m + np.log(s)
    return t * c[0] + np.sum(c * d)


def tanh_by_exponentials(np, z, c):
    u = np.exp(z)
    v = np.exp(-z)
    t = (u - v) / (u + v)
    return np.sum(c * t**2)


def tanh_by_one(np, z, c):
    e = np.exp(2 * z)
    t = (e - 1) / (e + 1)
    return np.sum(c * t)


def log_sigmoid_by_parts(np, z, c):
    e = np.exp(-z)
    q = 1 + e
    return np.sum(c * -np.log(q))


def x_log_x(np, x, c):
    t = np.log(x)
    return np.sum(c * x * t)


def kullback_leibler(np, a, b):
    p = np.exp(a) / np.sum(np.exp(a))
    q = np.exp(b) / np.sum(np.exp(b))
    return np.sum(p * (np.log(p) - np.log(q)))


def kullback_leibler_ratio(np, a, b):
    p = np.exp(a) / np.sum(np.exp(a))
    q = np.exp(b) / np.sum(np.exp(b))
    r = p / q
    return np.sum(p * np.log(r))


def labelled(np, z, c):
    e = np.exp(z)
    p = e / np.sum(e, axis=1, keepdims=True)
    t = np.log(p)
    return -np.sum(t[np.arange(3), np.array([0, 2, 1])] * c)


def attention_weights(np, q, k, v):
    s = q @ k.T / 2
    e = np.exp(s)
    w = e / np.sum(e, axis=1, keepdims=True)
    o = w @ v
    return np.sum(o**2)


def batch_statistics(np, x, g):
    m = np.mean(x, axis=0)
    v = np.var(x, axis=0)
    s = np.sqrt(v + 1e-3)
    n = (x - m) / s
    return np.sum((g * n) ** 3)


def gaussian(np, x, l):
    s = np.exp(l)
    v = s**2
    q = x**2 / v
    return np.sum(0.5 * q + np.log(s))


def gaussian_of_log_variance(np, x, l):
    v = np.exp(l)
    t = np.log(v)
    return 0.5 * np.sum(t + x**2 / v)


def gaussian_mixture(np, x, l):
    d = -0.5 * (x[:, None] - l) ** 2
    e = np.exp(d)
    p = np.sum(e, axis=1)
    return -np.sum(np.log(p))


def odds(np, z, c):
    p = 1 / (1 + np.exp(-z))
    o = p / (1 - p)
    return np.sum(c * np.log(o))


def focal_binary(np, z, c):
    p = 1 / (1 + np.exp(-z))
    w = (1 - p) ** 2
    return -np.sum(c * w * np.log(p))


def silu(np, z, c):
    p = 1 / (1 + np.exp(-z))
    a = z * p
    return np.sum(c * a**2)


def poisson(np, z, c):
    r = np.exp(z)
    return np.sum(r - c * np.log(r))


def hyperbolic(np, z, c):
    h = (np.exp(z) + np.exp(-z)) / 2
    return np.sum(c * np.log(h))


def log_determinant(np, A, c):
    S = A @ A.T + 3 * np.eye(3)
    d = np.linalg.det(S)
    return np.log(d) * c[0]


def relu_twice(np, z, c):
    a = np.maximum(z, 0)
    b = np.maximum(a, 0)
    return np.sum(c * b**2)


def smoothed_absolute(np, z, c):
    q = z**2 + 0.1
    a = np.sqrt(q)
    return np.sum(c * a)


def one_less_tanh_squared(np, z, c):
    t = np.tanh(z)
    d = 1 - t**2
    return np.sum(c * np.log(d))


def quotient_of_itself(np, x, c):
    s = np.sum(x)
    r = x / s
    return np.sum(c * r * s)


def difference_of_exponentials(np, z, c):
    e = np.exp(z)
    d = e - 1
    return np.sum(c * d**2)


@dataclass(frozen=True)
class Case:
    """A function, its inputs' shapes (those of ``positive`` above 0)."""

    function: Callable[..., Any]
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"z": (3,), "c": (3,)})
    positive: tuple[str, ...] = ()

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """A point; what is called Y is one-hot."""
        rng = np.random.default_rng(4)
        found = {n: rng.uniform(-1.5, 1.5, s) for n, s in self.shapes.items()}
        found |= {n: rng.uniform(0.4, 2, self.shapes[n]) for n in self.positive}
        return found | ({"Y": np.array([0.0, 1.0, 0.0])} if "Y" in found else {})


X = {"x": (3,), "c": (3,)}
CASES = {
    case.function.__name__: case
    for case in (
        Case(sigmoid_cross_entropy, {"z": (3,), "Y": (3,)}),
        Case(notebook, {"W": (3, 2), "x": (2,), "Y": (3,)}),
        Case(entropy, {"z": (3,)}),
        Case(softmax_in_parts, {"z": (3,), "Y": (3,)}),
        Case(softmax_shifted, {"z": (3,), "Y": (3,)}),
        Case(s_log_s, {"z": (3,)}),
        *map(Case, (softplus_in_parts, log_p, log_one_less_p)),
        *(Case(f, X, ("x",)) for f in (root_squared, exp_of_log, x_log_x, quotient_of_itself)),
        *(Case(f, X) for f in (log_of_exp, length, length_of_difference)),
        *(Case(f, X) for f in (variance_as_difference, standard_deviation)),
        *map(Case, (logsumexp_in_parts, logsumexp_shifted, tanh_by_exponentials, tanh_by_one)),
        Case(log_sigmoid_by_parts),
        Case(kullback_leibler, {"a": (3,), "b": (3,)}),
        Case(kullback_leibler_ratio, {"a": (3,), "b": (3,)}),
        Case(labelled, {"z": (3, 3), "c": (3,)}),
        Case(attention_weights, {"q": (2, 2), "k": (3, 2), "v": (3, 2)}),
        Case(batch_statistics, {"x": (4, 2), "g": (2,)}),
        Case(gaussian, {"x": (3,), "l": (3,)}),
        Case(gaussian_of_log_variance, {"x": (3,), "l": (3,)}),
        Case(gaussian_mixture, {"x": (3,), "l": (2,)}),
        *map(Case, (odds, focal_binary, silu, poisson, hyperbolic)),
        Case(log_determinant, {"A": (3, 3), "c": (1,)}),
        *map(Case, (relu_twice, smoothed_absolute, one_less_tanh_squared)),
        Case(difference_of_exponentials),
    )
}


def values_of(case: Case) -> list[str]:
    symbols = {n: sg.param(n, s) for n, s in case.shapes.items()}
    return list(Between(case.function).named(symbols)[1])


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("case", "value"),
    [
        pytest.param(case, value, id=f"{name}.{value}")
        for name, case in CASES.items()
        for value in values_of(case)
    ],
)
def test_a_value(case: Case, value: str) -> None:
    between, at = Between(case.function), case.inputs
    symbols = {n: sg.param(n, s) for n, s in case.shapes.items()}
    right = between.gradient(value, at)
    assert np.isfinite(right).all()
    assert apart(by_symgrad(between, symbols, at)[value], right) < CLOSE


# -- losses as people write them ------------------------------------------------------------------

MIRRORED = {"gaussian_process_ard": {"square_2", "K_3"}}
"""Read by a Cholesky factor, which takes what it is given as symmetric."""


def faults(loss: Loss) -> set[str]:
    """The values whose derivative along a random direction is not that by moving them."""
    between, at = Between(loss.function, helpers=losses), point(loss)
    symbols = {n: sg.param(n, s) for n, s in loss.params.items()}
    symbols |= {n: sg.data(n, s) for n, s in loss.data.items()}
    symbols |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
    rng, wrong = np.random.default_rng(0), set()
    for name, slope in by_symgrad(between, symbols, at).items():
        direction = rng.normal(size=slope.shape)
        if name in MIRRORED.get(loss.name, ()):
            direction = direction + direction.T
        right = np.asarray(between.slope(name, direction, at))
        if apart(np.asarray(np.sum(slope * direction)), right) > 1e-5:
            wrong.add(name)
    return wrong


@pytest.mark.parametrize("loss", SOME)
def test_all_values_of_a_loss(loss: Loss) -> None:
    assert faults(loss) == set()


# -- the tester tested ----------------------------------------------------------------------------


def test_a_move_is_seen() -> None:
    at = CASES["softplus_in_parts"].inputs
    t = 1 + np.exp(at["z"])
    right = Between(softplus_in_parts).gradient("t_2", at)
    np.testing.assert_allclose(right, at["c"] / t, rtol=1e-8)


def test_a_kink_is_not_judged() -> None:
    at = {"z": np.zeros(3), "c": np.ones(3)}
    assert np.isnan(Between(largest).slope("t_1", np.ones(3), at))


def largest(np, z, c):
    t = z + c - 1
    return np.sum(np.sqrt(np.maximum(t, 0)))


# -- laws that are seen to go past a value only where numbers are not 0 ---------------------------


def less_than_its_size(np, z):
    e = np.exp(z)
    s = np.sum(e, axis=1, keepdims=True)
    return np.sum(np.cos(z) * ((z.shape[0] - 2) * e / s))


def triangle_of_softmax(np, z):
    e = np.exp(z)
    s = np.sum(e, axis=1, keepdims=True)
    return np.sum(np.tril(e / s) @ np.array([1.0, -2.0, 0.5]))


def negative_part_times_softmax(np, z):
    e = np.exp(z)
    s = np.sum(e, axis=1, keepdims=True)
    return np.sum(np.maximum(-z, 0) * e / s)


def compared_times_softmax(np, z):
    e = np.exp(z)
    s = np.sum(e, axis=1, keepdims=True)
    return np.sum((z < -0.1) * e / s)


@pytest.mark.parametrize(
    "function",
    [
        less_than_its_size,
        triangle_of_softmax,
        negative_part_times_softmax,
        compared_times_softmax,
    ],
)
def test_a_law_goes_past_a_value_also_where_its_sides_are_often_zero(function) -> None:
    case = Case(function, {"z": (4, 3)})
    between, at = Between(function), case.inputs
    symbols = {"z": sg.param("z", (4, 3))}
    found = by_symgrad(between, symbols, at)
    for value in values_of(case):
        assert apart(found[value], between.gradient(value, at)) < CLOSE, value

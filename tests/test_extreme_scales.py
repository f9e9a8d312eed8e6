"""Values and derivatives of quotients, roots and angles of numbers near the largest and least."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import symgrad as sg

SCALES = (1e300, 1e200, 1e160, 1e-150, 1e-200, 1e-300)
X, Y = 3.0, 2.5

OF_TWO: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "square": (lambda x, y: (x / y) ** 2, lambda x, y: (x / y) ** 2),
    "square of a product": (lambda x, y: x / y * (x / y), lambda x, y: (x / y) ** 2),
    "cube": (lambda x, y: (x / y) ** 3, lambda x, y: (x / y) ** 3),
    "reciprocal": (lambda x, y: 1 / (x / y) ** 2, lambda x, y: (y / x) ** 2),
    "gauss": (lambda x, y: np.exp(-((x / y) ** 2) / 2), lambda x, y: mp.exp(-((x / y) ** 2) / 2)),
    "lorentz": (lambda x, y: 1 / (1 + (x / y) ** 2), lambda x, y: 1 / (1 + (x / y) ** 2)),
    "likelihood": (
        lambda x, y: (x / y) ** 2 / 2 + np.log(y), lambda x, y: (x / y) ** 2 / 2 + mp.log(y),
    ),
    "cauchy": (lambda x, y: np.log1p((x / y) ** 2), lambda x, y: mp.log(1 + (x / y) ** 2)),
    "angle": (lambda x, y: np.arctan(x / y), lambda x, y: mp.atan(x / y)),
    "of two": (np.arctan2, mp.atan2),
    "hypotenuse": (
        lambda x, y: np.sqrt(1 + (x / y) ** 2) * y, lambda x, y: mp.sqrt(x * x + y * y),
    ),
    "share": (lambda x, y: x * (x / y), lambda x, y: x * x / y),
    "power": (
        lambda x, y: np.abs(x / y) ** 1.7, lambda x, y: mp.power(abs(x / y), mp.mpf(1.7)),
    ),
}  # fmt: skip


def true(function: Callable[..., Any], *at: float) -> list[float]:
    """The value and the slopes, in as many digits as it takes."""
    with mp.workdps(60):
        point = [mp.mpf(a) for a in at]
        found = [function(*point)]
        for k, a in enumerate(point):
            step = a * mp.mpf(10) ** -20
            ends = ([*point[:k], a + s, *point[k + 1 :]] for s in (step, -step))
            high, low = (function(*end) for end in ends)
            found.append((high - low) / (2 * step))
        return [float(f) for f in found]


@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize("name", OF_TWO)
def test_quotients_are_right_wherever_their_value_is_a_float(
    name: str, shape: tuple[int, ...]
) -> None:
    typed, exact = OF_TWO[name]
    module = sg.derive(np.sum(typed(sg.param("x", shape), sg.param("y", shape)))).compile()
    for scale in SCALES:
        x, y = np.full(shape, X * scale), np.full(shape, Y * scale)
        value, gradients = module.loss_and_gradients(x=x, y=y)
        want = true(exact, X * scale, Y * scale)
        found = [value / x.size, *(np.ravel(g)[0] for g in gradients)]
        np.testing.assert_allclose(found, want, rtol=1e-9, err_msg=f"at {scale:g}")


def _mean(values: list[Any]) -> Any:
    return mp.fsum(values) / len(values)


def _deviation(*x: Any) -> Any:
    return mp.sqrt(_mean([a * a for a in x]) - _mean([*x]) ** 2)


ROOTS: dict[str, tuple[Callable[[Any], Any], Callable[..., Any]]] = {
    "rms": (lambda x: np.sqrt(np.mean(x**2)), lambda *x: mp.sqrt(_mean([a * a for a in x]))),
    "half": (lambda x: np.mean(x * x) ** 0.5, lambda *x: mp.sqrt(_mean([a * a for a in x]))),
    "sum over n": (
        lambda x: np.sqrt(np.sum(x * x) / 4), lambda *x: mp.sqrt(_mean([a * a for a in x])),
    ),
    "std": (np.std, _deviation),
    "std as typed": (lambda x: np.sqrt(np.mean((x - np.mean(x)) ** 2)), _deviation),
    "hypotenuse": (
        lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2), lambda *x: mp.sqrt(x[0] ** 2 + x[1] ** 2),
    ),
    "of three": (
        lambda x: np.sqrt(x[0] * x[0] + x[1] * x[1] + 3 * x[2] * x[2]),
        lambda *x: mp.sqrt(x[0] ** 2 + x[1] ** 2 + 3 * x[2] ** 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROOTS)
def test_roots_of_squares_are_right_where_the_squares_are_no_floats(name: str) -> None:
    typed, exact = ROOTS[name]
    module = sg.derive(typed(sg.param("x", (4,)))).compile()
    for scale in SCALES:
        x = np.array([1.5, -2.25, 0.75, 3.0]) * scale
        value, gradients = module.loss_and_gradients(x=x)
        want, *slopes = true(exact, *map(float, x))
        assert value == pytest.approx(want, rel=1e-9, abs=0)
        np.testing.assert_allclose(gradients.x, slopes, rtol=1e-9, atol=1e-12)


def _share(x: Any, y: Any) -> Any:
    return x * (y / (x + y))


OF_PARTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "in a sum": (lambda x: np.sum(_share(x[:2], x[2:])),
                 lambda a, b, c, d: _share(a, c) + _share(b, d)),
    "of entries": (lambda x: _share(x[0], x[1]), lambda a, b, c, d: _share(a, b)),
    "angle": (lambda x: np.arctan2(x[0], x[1]), lambda a, b, c, d: mp.atan2(a, b)),
    "by a root": (lambda x: x[0] / np.sqrt(x[0] ** 2 + x[1] ** 2),
                  lambda a, b, c, d: a / mp.sqrt(a * a + b * b)),
    "sine and cosine": (lambda x: x[0] / np.hypot(x[0], x[1]) * (x[1] / np.hypot(x[0], x[1])),
                        lambda a, b, c, d: a * b / (a * a + b * b)),
    "deviations": (lambda x: np.sum(((x[:3] - x[3]) / x[3]) ** 2) + np.sum((x / x[3]) ** 3),
                   lambda a, b, c, d: sum(((v - d) / d) ** 2 for v in (a, b, c))
                   + sum((v / d) ** 3 for v in (a, b, c, d))),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_PARTS)
def test_products_over_products_are_products_of_quotients(name: str) -> None:
    typed, exact = OF_PARTS[name]
    module = sg.derive(typed(sg.param("x", (4,)))).compile()
    for scale in SCALES:
        x = np.array([1.5, 2.25, 0.75, 3.0]) * scale
        value, gradients = module.loss_and_gradients(x=x)
        want, *slopes = true(exact, *map(float, x))
        np.testing.assert_allclose(value, want, rtol=1e-9)
        np.testing.assert_allclose(gradients.x, slopes, rtol=1e-9, atol=1e-12 * abs(slopes[0]))


@pytest.mark.parametrize("scale", [1e100, 1.0, 1e-100])
def test_rayleigh_quotients_are_right_wherever_their_squares_are_floats(scale: float) -> None:
    x, w = sg.param("x", (3,)), sg.param("w", (3,))
    n = np.sum(x**2)
    q = np.sum(w * x**2) / n
    module = sg.derive(q**2).compile()
    at = {"x": np.array([1.5, -0.5, 2.0]) * scale, "w": np.array([0.5, 2.0, -1.0])}
    want = true(
        lambda *a: (mp.fsum(c * b * b for b, c in zip(a[:3], a[3:], strict=True))
                    / mp.fsum(b * b for b in a[:3])) ** 2, *at["x"], *at["w"],
    )  # fmt: skip
    value, gradients = module.loss_and_gradients(**at)
    found = [value, *gradients.x * scale, *gradients.w]
    right = [want[0], *np.array(want[1:4]) * scale, *want[4:]]
    np.testing.assert_allclose(found, right, rtol=1e-9)

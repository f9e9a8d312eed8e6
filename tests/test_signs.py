"""Laws hold for every sign for which the spec as typed has a value."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.calculus import logarithms
from symgrad.checks import derived as check
from symgrad.mathematics.reductions import rel_entr

rng = np.random.default_rng(3)

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "u log(u w)": lambda u, w: u * np.log(u * w),
    "u log(u / w)": lambda u, w: u * np.log(u / w),
    "-u log(-u)": lambda u, w: -u * np.log(-u) + w,
    "u log(w u²)": lambda u, w: u * np.log(-w * u**2),
    "u log(3 u / w)": lambda u, w: u * np.log(3 * u / w),
    "u w log(u w)": lambda u, w: u * w * np.log(u * w),
    "1 - exp": lambda u, w: (1 - np.exp(u)) * np.log(1 - np.exp(u)) + w,
    "u log(u² / w)": lambda u, w: u * np.log(u**2 / w),
    "w log(u / w) / u": lambda u, w: w * np.log(u / w) / u,
    "log(u / w) - log(w / u)": lambda u, w: np.log(u / w) - np.log(w / u),
    "log2": lambda u, w: u * np.log2(u * w),
    "log1p": lambda u, w: u * np.log1p(u * w),
    "root": lambda u, w: u * np.sqrt(u * w),
    "root of a quotient": lambda u, w: np.sqrt(u / w) * w,
    "power": lambda u, w: (u / w) ** 1.5,
    "powers of powers": lambda u, w: (u**2 * w**2) ** 0.5,
    "root of a square": lambda u, w: np.sqrt(u**2) * w,
    "log of a square": lambda u, w: np.log(u**2) * u * w,
    "product of exponentials": lambda u, w: np.log(u * w * np.exp(u)),
    "log of a cube": lambda u, w: np.log(u**3 * w**3),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_value_as_typed_is_a_value(name: str) -> None:
    u, w = sg.param("u", (3,)), sg.param("w", (3,))
    module = sg.derive(np.sum(LOSSES[name](u, w)), names={"u": u, "w": w}).compile()
    sizes = rng.uniform(0.3, 2.0, (2, 3))
    tried = 0
    for signs in itertools.product((1, -1), repeat=2):
        at = sizes * np.array(signs)[:, None]
        with np.errstate(all="ignore"):
            expected = np.sum(LOSSES[name](*at))
        if np.isnan(expected):
            continue
        tried += 1
        value, found = module.loss_and_gradients(u=at[0], w=at[1])
        assert value == pytest.approx(expected)
        for k, gradient in enumerate(found):
            for i in range(3):
                step = np.zeros((2, 3))
                step[k, i] = 1e-6
                above, below = (np.sum(LOSSES[name](*(at + s))) for s in (step, -step))
                assert gradient[i] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-7)
    assert tried


def test_a_law_for_positive_numbers_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """u log(u w) as u (log u - log(1 / w)) has no value where both are negative."""

    def taken_apart(x: sp.Expr, y: sp.Expr, known: object) -> sp.Expr:
        return rel_entr(x, x / y)

    monkeypatch.setattr(logarithms, "_x_log", taken_apart)
    u, w = sg.param("u", (3,)), sg.param("w", (3,))
    derivation = sg.derive(np.sum(u * np.log(u * w)), names={"u": u, "w": w})
    failed = [c for c in check.run(derivation) if not c.passed]
    assert {c.what for c in failed} == {"as written = as rewritten"}


KERNELS: dict[str, Callable[[Any], Any]] = {
    "|d|": np.abs,
    "|d|³": lambda d: np.abs(d) ** 3,
    "sin |d|": lambda d: np.sin(np.abs(d)),
    "1 - exp": lambda d: 1 - np.exp(-(d**2)),
    "d²": lambda d: d**2,
    "tanh d²": lambda d: np.tanh(d**2),
    "root": lambda d: np.sqrt(1 + d**2),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_is_zero_on_its_diagonal_divides_nothing(name: str) -> None:
    """K[i,j] = f(x[i] - x[j]) w[j] y[j] is no multiple of f(0) w[j] y[j]."""

    def loss(x: Any, w: Any, y: Any) -> Any:
        return np.sum((KERNELS[name](x[:, None] - x[None, :]) * w) @ y)

    point = {k: rng.uniform(-1, 1, 3) for k in "xwy"}
    names = {k: sg.param(k, (3,)) for k in point}
    found = sg.derive(loss(**names), names=names).compile().gradients(**point)
    for k, gradient in zip("xwy", found, strict=True):
        for i in range(3):
            step = {**point, k: point[k] + 1e-6 * np.eye(3)[i]}
            back = {**point, k: point[k] - 1e-6 * np.eye(3)[i]}
            slope = (loss(**step) - loss(**back)) / 2e-6
            assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-7)

"""What a loop or Python's ``sum`` adds up is derived as the sum over an axis that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.mathematics.reductions import LogSumExp
from tests.agreement import differences

RNG = np.random.default_rng(6)
POINT: dict[str, np.ndarray] = {
    "Z": RNG.normal(size=(4, 3)), "W": RNG.normal(size=(3, 5)), "v": RNG.normal(size=4),
    "S": RNG.normal(size=(4, 3, 3)) + 3 * np.eye(3), "y": np.array([4, 0, 2, 2]),
}  # fmt: skip


def loop(body: Callable[..., Any], count: int = 4) -> Callable[..., Any]:
    def loss(**values: Any) -> Any:
        total = 0.0
        for k in range(count):
            total += body(k, **values)
        return total

    return loss


def cross_entropy(k: int, Z: Any, W: Any, y: Any, **_: Any) -> Any:
    scores = Z[k] @ W
    scores = scores - np.max(scores)
    return -np.log((np.exp(scores) / np.sum(np.exp(scores)))[y[k]])


SUMS: dict[str, Callable[..., Any]] = {
    "rows": lambda Z, **_: np.sum(np.exp(Z) / sum(np.exp(Z)) * np.arange(12).reshape(4, 3)),
    "a generator": lambda Z, **_: np.sum(np.log(sum(np.exp(z) for z in Z))),
    "columns": lambda Z, **_: np.sum(np.log(sum(np.exp(Z[:, k]) for k in range(3)))),
    "entries": lambda v, **_: sum(v[k] ** 2 for k in range(4)),
    "pairs": lambda v, Z, **_: sum(v[k] * Z[k, 1] for k in range(4)),
    "squares": lambda v, Z, **_: np.sum(sum(np.outer(z, np.tanh(z)) for z in Z) ** 2) * v[0],
    "a loop": loop(cross_entropy),
    "quadratic forms": loop(lambda k, Z, S, v, **_: v[k] * (Z[k] @ S[k] @ Z[k])),
    "determinants": loop(lambda k, S, **_: np.linalg.slogdet(S[k])[1] + np.linalg.inv(S[k])[0, 1]),
    "windows": loop(lambda k, Z, **_: np.sum(np.convolve(Z[k], Z[k]) ** 2)),
    "choices": loop(lambda k, v, **_: np.where(v[k] > 0, v[k], 0.1 * v[k]) + max(k, 1)),
    "a constant": loop(lambda k, v, **_: v[k] * np.array([1.0, 2.0, 3.0, 5.0])[k]),
    "powers of the number": loop(lambda k, v, **_: v[k] * 0.5**k),
    "neighbours": loop(lambda k, v, **_: v[k] * v[k - 1]),
    "the same row": loop(lambda k, v, Z, **_: v[k] * np.sum(Z[0] ** 2)),
    "from the end": loop(lambda k, v, **_: v[3 - k] * v[k]),
    "held": loop(lambda k, v, **_: sg.stop_gradient(v[k]) * v[k] if hasattr(v, "rhs") else 0.0),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_sum_added_up(name: str) -> None:
    loss = SUMS[name]
    arrays = {n: sg.param(n, x.shape) if n != "y" else sg.data(n, x.shape, dtype=int)
              for n, x in POINT.items()}  # fmt: skip
    derivation = sg.derive(loss(**arrays))
    used = {v.name for v in derivation.system.variables if v.role != "constant"}
    point = {n: x for n, x in POINT.items() if n in used}
    value, found = derivation.compile().loss_and_gradients(**point)
    if name == "held":
        assert value == pytest.approx(np.sum(POINT["v"] ** 2))
        np.testing.assert_allclose(found.v, POINT["v"])
        return
    assert value == pytest.approx(loss(**POINT), rel=1e-12)
    at = {n: x for n, x in point.items() if n != "y"}
    expected = differences(lambda p: np.asarray(loss(**{**POINT, **p})), at, 1e-4)
    for n, slope in expected.items():
        np.testing.assert_allclose(getattr(found, n), slope, rtol=1e-6, atol=1e-7)
    same = {
        "rows": lambda Z, **_: np.sum(
            np.exp(Z) / np.sum(np.exp(Z), 0) * np.arange(12).reshape(4, 3)),
        "a generator": lambda Z, **_: np.sum(np.log(np.sum(np.exp(Z), 0))),
        "columns": lambda Z, **_: np.sum(np.log(np.sum(np.exp(Z), 1))),
        "entries": lambda v, **_: np.sum(v**2),
        "pairs": lambda v, Z, **_: np.sum(v * Z[:, 1]),
    }  # fmt: skip
    if name in same:
        assert derivation.source() == sg.derive(same[name](**arrays)).source()


def test_two_hundred_exponentials_are_one_log_sum_exp() -> None:
    typed = sg.param("Z", (200, 4))
    found = sg.derive(np.sum(np.log(sum(np.exp(z) for z in typed))))
    same = sg.derive(np.sum(np.log(np.sum(np.exp(typed), axis=0))))
    assert found.source() == same.source()
    assert any(e.rhs.has(LogSumExp) for e in found.system.equations)


def test_what_is_added_up_in_part_stays_as_it_is() -> None:
    v, point = sg.param("v", (5,)), np.arange(5.0) ** 2
    for few in ((0, 1, 2, 3), (0, 1), (0, 1, 2, 4, 4), (4, 3, 2, 1, 0)):
        loss = sg.derive(sum(v[k] for k in few) * 1.0).compile().loss(v=point)
        assert loss == sum(point[k] for k in few)

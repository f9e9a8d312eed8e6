"""Random specs: the generated module against every other way to compute the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.derived import run
from tests.agreement import check, derived
from tests.drawing import Spec
from tests.fuzz import agree

COUNTS = {0: 10, 1: 55, 2: 55, 3: 55}
"""How many random specs there are of each seed; ``make fuzz`` tries more."""


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.long) for s in (1, 2, 3))])
def test_random_specs_agree(seed: int) -> None:
    results = agree(COUNTS[seed], seed)
    assert results["equal"] > 0.7 * COUNTS[seed]


def written(inputs: dict[str, np.ndarray], *lines: str) -> Spec:
    return Spec([n for n, v in inputs.items() if v.dtype == float], inputs, list(lines))


RNG = np.random.default_rng(1)
A, K, V = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=4)
FOUND = {
    "an index times a size": written(
        {"a": A, "k": K}, "v = np.flip(a, axis=1)", "loss = np.vdot(v, k)"
    ),
    "axes of one size laid out as one": written(
        {"d": RNG.normal(size=(2, 3, 3)), "k": RNG.normal(size=18)}, "loss = np.vdot(d, k)"
    ),
    "a choice between two numbers": written(
        {"a": V, "k": V + 1}, "v = np.where((k > 0) & (a < 0.5), k, a)", "loss = np.sum(v)"
    ),
    "pieces of two lengths": written(
        {"a": A, "k": A[:, :2]},
        "p, q, r = np.array_split(a, 3, axis=1)",
        "loss = np.sum(p * k * q * r)",
    ),
    "a sum of squares beside a sum of products": written(
        {"a": V},
        "t = a ** 2",
        "u = np.einsum('i,j->j', t, t)",
        "loss = np.sum(np.sin(u)) + np.sum(np.einsum('i,k,k->i', a, t, t) ** 2)",
    ),
    "a triangle of a vector": written({"a": V}, "loss = np.sum(np.tril(a) ** 2)"),
    "a system whose right-hand side is truth values, in float32": written(
        {"a": RNG.normal(size=(3, 3)), "b": RNG.normal(size=(3, 3))},
        "loss = np.sum(np.tril(np.linalg.solve(0.1 * a + 2 * np.eye(3), b), -1))",
    ),
    "a matrix that is taken as symmetric": Spec(
        ["a"],
        {"a": A},
        [
            "s = a @ a.T + 2 * np.eye(3)",
            "loss = np.sum(np.linalg.inv(s) @ np.linalg.cholesky(s))",
        ],
        wrt=("s", "a"),
    ),
    "the negative of what is 1 at the maximum": written(
        {"a": A}, "loss = np.sum(-np.max(a, axis=1))"
    ),
}
"""What was found, each once more."""


def test_a_cholesky_factor_passes_its_own_checks() -> None:
    x, w = sg.param("x", (3, 3)), sg.data("w", (3, 3))
    loss = np.sum(np.linalg.cholesky(0.5 * (x @ x.T + 2 * np.eye(3))) * w)
    assert all(c.passed for c in run(sg.derive(loss, names={})))


def test_a_vector_of_length_one_passes_its_own_checks() -> None:
    u, q = sg.data("u", (3,), assume=sg.unit_norm(axis=0)), sg.param("q", (3,))
    assert all(c.passed for c in run(sg.derive(np.sum(np.outer(q, u) ** 2), names={})))


def test_a_square_at_a_kink_passes_its_own_checks() -> None:
    x, m = sg.param("x", (4,)), sg.data("m", (4,), dtype=bool)
    v = x * m
    assert all(c.passed for c in run(sg.derive(np.sum(np.maximum(v, 0) ** 2))))


def test_positions_along_a_named_size_pass_their_own_checks() -> None:
    x = sg.param("x", ("N",))
    assert all(c.passed for c in run(sg.derive(np.sum(x[[5, 0, 7]] ** 2), names={})))


def test_a_large_product_of_sums_passes_its_own_checks() -> None:
    x = sg.param("x", (4, 4, 3))
    loss = np.einsum("ijk,lmn,opq->", x, x, x)
    assert all(c.passed for c in run(sg.derive(loss, names={})))


def test_second_derivatives_of_two_maxima() -> None:
    lines = ["v = np.tanh(a) * a", "loss = np.max(v) ** 2 + np.min(v)"]
    spec = Spec(["a"], {"a": V}, lines, wrt=("a",), asked="hvp")
    assert "Sum(0" not in str([s.after for s in derived(spec).steps])
    check(spec)


@pytest.mark.parametrize(
    "change",
    [lambda y: y * y, lambda y: np.pad(y, 1), lambda y: y[:2] + y[1:]],
)
def test_labels_that_are_computed_are_refused(change: Callable[[Any], Any]) -> None:
    x, y = sg.param("x", (5,)), sg.data("y", (3,), dtype=int)
    k = change(y)
    with pytest.raises(sg.SpecError, match="an index that is computed"):
        sg.derive(np.sum(x[k] ** 2)).compile()


@pytest.mark.parametrize(
    "change", [lambda y: y[::-1], lambda y: np.concatenate([y, y]), lambda y: np.roll(y, 1)]
)
def test_labels_that_are_moved_are_checked(change: Callable[[Any], Any]) -> None:
    x, y = sg.param("x", (5,)), sg.data("y", (3,), dtype=int)
    k = change(y)
    module = sg.derive(np.sum(x[k] ** 2)).compile()
    assert module.loss(x=np.ones(5), y=np.array([0, 4, 4])) == change(np.ones(3)).size
    with pytest.raises(ValueError, match="labels from 0 to 4"):
        module.loss(x=np.ones(5), y=np.array([0, -1, 5]))


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_right(name: str) -> None:
    check(FOUND[name])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32"])
def test_labels_of_few_bits_do_not_overflow(dtype: str) -> None:
    x, y = sg.param("x", (120, 4)), sg.data("y", (2,), dtype=int)
    v, w = x[y, y[::-1]], x[y] * (3 * y[:, None])
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        sg.derive(np.sum(v)).compile().loss(x=np.ones((120, 4)), y=np.array([100, 3], dtype))
    module = sg.derive(np.sum(w**2) + np.sum(x.T[1, y] ** 2)).compile()
    at = {"x": RNG.normal(size=(120, 4)), "y": np.array([100, 3])}
    few = {**at, "y": at["y"].astype(dtype)}
    for one, other in zip(module.gradients(**few), module.gradients(**at), strict=True):
        np.testing.assert_array_equal(one, other)
    assert module.loss(**few) == module.loss(**at)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_last_entry_of_a_joined_axis_of_a_named_size(size: int) -> None:
    lines = ["v = np.concatenate([p, p ** 2])", "loss = np.sin(v[-1]) + np.sum(v[-3:] ** 2)"]
    check(Spec(["p"], {"p": RNG.normal(size=size)}, lines, named=frozenset({size})))


def test_a_place_in_a_joined_axis_of_a_named_size_is_refused() -> None:
    p = sg.param("p", ("N",))
    with pytest.raises(sg.SpecError, match=r"position -3 of an axis of the size 2\*N"):
        np.concatenate([p, p**2])[-3]

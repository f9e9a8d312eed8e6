"""Random specs: the generated module against every other way to compute the same."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import given, settings

import symgrad as sg
from symgrad.check import run
from tests.agreement import check
from tests.strategies import Spec, specs

CALM = settings(
    max_examples=300,
    deadline=None,
    database=None,
    derandomize=True,
    print_blob=False,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@CALM
@given(specs())
def test_a_random_spec_agrees(spec: Spec) -> None:
    try:
        check(spec)
    except sg.SpecError as error:
        assert "not supported" in error.what  # noqa: PT017 (a refusal names the operation)


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
}
"""What was found, each once more."""


def test_a_cholesky_factor_passes_its_own_checks() -> None:
    x, w = sg.param("x", (3, 3)), sg.data("w", (3, 3))
    loss = np.sum(np.linalg.cholesky(0.5 * (x @ x.T + 2 * np.eye(3))) * w)
    assert all(c.passed for c in run(sg.derive(loss, names={})))


def test_a_vector_of_length_one_passes_its_own_checks() -> None:
    u, q = sg.data("u", (3,), assume=sg.unit_norm(axis=0)), sg.param("q", (3,))
    assert all(c.passed for c in run(sg.derive(np.sum(np.outer(q, u) ** 2), names={})))


def test_a_triangle_of_a_vector_is_refused() -> None:
    with pytest.raises(sg.SpecError, match="triangle"):
        np.tril(sg.param("x", (3,)))


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_right(name: str) -> None:
    check(FOUND[name])

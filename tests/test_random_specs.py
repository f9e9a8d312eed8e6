"""Random specs: the generated module against every other way to compute the same."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import given, settings

import symgrad as sg
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
FOUND: dict[str, Spec] = {}
"""What random specs have found, each once more."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_right(name: str) -> None:
    check(FOUND[name])

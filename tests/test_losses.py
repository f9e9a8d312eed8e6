"""Losses as people write them: the generated module against automatic differentiation."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symgrad as sg
from tests.losses import LOSSES, Loss

Point = Mapping[str, np.ndarray]


def point(loss: Loss, seed: int = 0) -> dict[str, np.ndarray]:
    """Random numbers for every input of a loss."""
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in {**loss.params, **loss.data}.items():
        value = rng.normal(size=shape)
        if name in loss.positive:
            value = rng.uniform(0.5, 2, size=shape)
        if name in loss.definite:
            value = value @ np.swapaxes(value, -1, -2) + np.eye(shape[-1]) * shape[-1]
        values[name] = value
    for name, (shape, bound) in loss.labels.items():
        values[name] = rng.integers(0, bound, size=shape)
    return values


@functools.lru_cache(maxsize=8)  # tests of one loss follow each other
def derived(loss: Loss) -> sg.Derivation:
    """The derivation of a loss by all that it calls parameters."""
    arrays = {name: sg.param(name, shape) for name, shape in loss.params.items()}
    arrays |= {name: sg.data(name, shape) for name, shape in loss.data.items()}
    arrays |= {name: sg.data(name, s, dtype=int) for name, (s, _) in loss.labels.items()}
    return sg.derive(loss.function(np, **arrays), names=arrays)


def reference(loss: Loss, at: Point) -> tuple[float, dict[str, Any]]:
    """The value and the gradients that HIPS autograd computes."""
    names = list(loss.params)

    def value(*params: Any) -> Any:
        return loss.function(anp, **{**at, **dict(zip(names, params, strict=True))})

    gradients = autograd.grad(value, tuple(range(len(names))))(*(at[n] for n in names))
    return value(*(at[n] for n in names)), dict(zip(names, gradients, strict=True))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_generated_code_agrees_with_automatic_differentiation(loss: Loss) -> None:
    at = point(loss)
    module = derived(loss).compile()
    value, gradients = module.loss_and_gradients(**at)
    assert module.loss(**at) == value
    for one, other in zip(module.gradients(**at), gradients, strict=True):
        np.testing.assert_array_equal(one, other)
    expected, slopes = reference(loss, at)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    for name, slope in slopes.items():
        scale = np.abs(slope).max()
        np.testing.assert_allclose(getattr(gradients, name), slope, rtol=1e-8, atol=1e-9 * scale)


ROOT = Path(__file__).parent.parent
PRINTED = """
import symgrad as sg
from tests.losses import LOSSES
from tests.test_losses import derived

losses = {loss.name: loss for loss in LOSSES}
for name in ("mlp_columns", "batch_norm"):
    print(derived(losses[name]).render("text", choice=sg.Choice(detail="full")))
print(derived(losses["gaussian_process_ard"]).source())  # many rooms are free at once
"""


@pytest.mark.long
def test_every_process_prints_the_same() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINTED],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1

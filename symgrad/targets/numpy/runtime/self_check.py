"""The check that a generated file makes of itself: random points, and what is compared there."""

from __future__ import annotations

from typing import Any

import numpy as np


def _some_one_hot(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Any:
    numbers = rng.random(shape)
    return (numbers == numbers.max(axis, keepdims=True)).astype(float)


def _some_sums_to_one(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Any:
    numbers = rng.random(shape) + 0.1
    return numbers / numbers.sum(axis, keepdims=True)


def _some_unit_norm(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Any:
    numbers = rng.standard_normal(shape)
    return numbers / np.sqrt(np.square(numbers).sum(axis, keepdims=True))


def _some_orthogonal(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Any:
    return np.linalg.qr(rng.standard_normal(shape))[0]


def _some_symmetric(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Any:
    numbers = rng.standard_normal(shape) / max(shape) ** 0.5
    return (numbers + np.swapaxes(numbers, -1, -2)) / 2


def _some_positive_definite(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    numbers = rng.standard_normal(shape) / shape[-1] ** 0.5
    return numbers @ np.swapaxes(numbers, -1, -2) + np.eye(shape[-1])


def _some_positive(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Any:
    return rng.random(shape) + 0.5


def _some_labels(rng: np.random.Generator, shape: tuple[int, ...], ranges: Any) -> Any:
    """Random labels of which parts lie between a first and a last."""
    lowest, highest = np.full(shape, -(2**62)), np.full(shape, 2**62)
    for part, first, last in ranges:
        lowest[part] = np.maximum(lowest[part], first)
        highest[part] = np.minimum(highest[part], last)
    lowest[lowest == -(2**62)], highest[highest == 2**62] = 0, 2
    return np.asarray(rng.integers(lowest, highest + 1))

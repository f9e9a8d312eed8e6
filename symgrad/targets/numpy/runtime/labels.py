"""Random points for a file whose labels don't all count from 0 on one axis."""

# mypy: allow-untyped-defs, allow-untyped-calls
# Generated files have no types and few keywords, and these functions go into them as they stand.

from __future__ import annotations

import numpy as np

from symgrad.targets.numpy.runtime.given import (
    _ARGUMENTS,
    _SAMPLES,
    _SIZES,
    _data_labels,
    _labels,
)
from symgrad.targets.numpy.runtime.self_check import _sample


def _random_point(rng, positive):
    point = {}
    for name, (kind, shape) in _ARGUMENTS.items():
        shape = tuple(_SIZES.get(size, size) for size in shape)
        how, axis = _SAMPLES.get(name, ("positive" if positive else "normal", 0))
        if kind == "int":
            point[name] = _random_labels(rng, shape, name, _labels(_SIZES))
        elif kind == "bool":
            point[name] = rng.random(shape) < 0.5
        else:
            point[name] = _sample(rng, shape, how, axis)
    return point


def _random_arrays(rng, positive, arguments):
    point = {}
    for name, (kind, shape) in arguments.items():
        shape = tuple(_SIZES.get(size, size) for size in shape)
        how, axis = _SAMPLES.get(name, ("positive" if positive else "normal", 0))
        if kind == "int":
            ranges = [*_labels(_SIZES), *_data_labels(_SIZES)]
            point[name] = _random_labels(rng, shape, name, ranges)
        elif kind == "bool":
            point[name] = rng.random(shape) < 0.5
        else:
            point[name] = _sample(rng, shape, how, axis)
    return point


def _random_labels(rng, shape, name, ranges):
    """Random labels that point into their axes."""
    lowest, highest = np.full(shape, -(2**62)), np.full(shape, 2**62)
    for other, part, first, last in ranges:
        if other == name:
            lowest[part] = np.maximum(lowest[part], first)
            highest[part] = np.minimum(highest[part], last)
    lowest[lowest == -(2**62)], highest[highest == 2**62] = 0, 2
    return np.asarray(rng.integers(lowest, highest + 1))

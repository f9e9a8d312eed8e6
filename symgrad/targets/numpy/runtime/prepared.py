"""The same for a file that works inputs out of data: its checks take data too."""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: B905
# Generated files have no types and few keywords, and these functions go into them as they stand.

from __future__ import annotations

import numpy as np

from symgrad.targets.numpy.runtime.given import (
    _ARGUMENTS,
    _DATA,
    _DATA_LABELS,
    _DTYPE,
    _LABELS,
    _SAMPLES,
    _SIZES,
    prepare,
)
from symgrad.targets.numpy.runtime.self_check import _sample


def _dtype(given, arguments):
    """float64 where an argument is an array of it, else float32 where one is of that."""
    floats = {}
    for (name, (kind, _)), value in zip(arguments.items(), given):
        found = getattr(value, "dtype", None)
        if kind == "float" and isinstance(found, np.dtype) and found.kind == "f":
            floats[name] = found
    for name, found in floats.items():
        if found not in (np.float32, np.float64):
            raise ValueError(f"{name}: expected dtype float32 or float64, got {found}")
    return np.result_type(*floats.values()) if floats else np.dtype(_DTYPE)


def _random_point(rng, positive):
    point = _random_arrays(rng, positive, _DATA | _ARGUMENTS)
    ready = prepare(**{name: point[name] for name in _DATA})
    return {name: point[name] for name in _ARGUMENTS} | ready._asdict()


def _random_arrays(rng, positive, arguments):
    point = {}
    for name, (kind, shape) in arguments.items():
        shape = tuple(_SIZES.get(size, size) for size in shape)
        how, axis = _SAMPLES.get(name, ("positive" if positive else "normal", 0))
        if kind == "int":
            limit = min(_SIZES.get(size, size) for size in (_LABELS | _DATA_LABELS).get(name, (3,)))
            point[name] = rng.integers(0, limit, shape)
        elif kind == "bool":
            point[name] = rng.random(shape) < 0.5
        else:
            point[name] = _sample(rng, shape, how, axis)
    return point

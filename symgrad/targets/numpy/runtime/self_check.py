"""The check that a generated file makes of itself: points, and what is compared there."""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: B905
# Generated files have no types and few keywords, and these functions go into them as they stand.

from __future__ import annotations

import numpy as np

from symgrad.targets.numpy.runtime.given import (
    _ARGUMENTS,
    _EXAMPLE,
    _LABELS,
    _SAMPLES,
    _SIZES,
    Gradients,
    gradients,
    loss,
    loss_and_gradients,
)


def _point():
    """The example, else a random point at which all is finite and every gradient is felt."""
    if _EXAMPLE:
        kinds = {name: _DTYPES[_ARGUMENTS[name][0]] for name in _EXAMPLE}
        return {name: np.array(value, kinds[name]) for name, value in _EXAMPLE.items()}
    finite = None
    for seed in range(20):
        point = _random_point(np.random.default_rng(seed), positive=seed % 4 == 3)
        with np.errstate(all="ignore"):
            value, found = loss_and_gradients(**point)
        if np.isfinite(value).all() and all(np.isfinite(g).all() for g in found):
            finite = point
            if all(np.any(g) for g in found):
                break
    return finite


_DTYPES = {"float": np.float64, "int": np.int64, "bool": np.bool_}


def _random_point(rng, positive):
    point = {}
    for name, (kind, shape) in _ARGUMENTS.items():
        shape = tuple(_SIZES.get(size, size) for size in shape)
        how, axis = _SAMPLES.get(name, ("positive" if positive else "normal", 0))
        if kind == "int":
            limit = min(_SIZES.get(size, size) for size in _LABELS.get(name, (3,)))
            point[name] = rng.integers(0, limit, shape)
        elif kind == "bool":
            point[name] = rng.random(shape) < 0.5
        else:
            point[name] = _sample(rng, shape, how, axis)
    return point


def _sample(rng, shape, how, axis):
    """Random numbers that keep what the spec assumes of an argument."""
    if how in ("one_hot", "sums_to_one"):
        numbers = rng.random(shape) + 0.1
        if how == "one_hot":
            numbers = (numbers == numbers.max(axis, keepdims=True)).astype(float)
        return numbers / numbers.sum(axis, keepdims=True)
    if how == "positive":
        return rng.random(shape) + 0.5
    numbers = rng.standard_normal(shape)
    if how == "orthogonal":
        return np.linalg.qr(numbers)[0]
    if how == "unit_norm":
        return numbers / np.sqrt(np.square(numbers).sum(axis, keepdims=True))
    if len(shape) > 1:
        numbers /= max(shape) ** 0.5
    return (numbers + np.swapaxes(numbers, -1, -2)) / 2 if how == "symmetric" else numbers


def _same_numbers(point):
    """loss() and gradients() alone give what loss_and_gradients() gives."""
    value, found = loss_and_gradients(**point)
    yield "loss() and loss_and_gradients()", _relative(loss(**point), value), 1e-12
    for name, a, b in zip(Gradients._fields, gradients(**point), found):
        yield f"{name}: gradients() and loss_and_gradients()", _relative(a, b), 1e-12


def _apart(point, directions, value, exact):
    """How far a slope is from differences, and the size of the numbers."""
    slopes = [_slope(point, directions, h) for h in (1e-4, 1e-5, 1e-6)]
    error = min(np.max(np.abs(exact - slope)) for slope in slopes)
    return error, np.max(np.abs(exact)) + 1e-3 * (1.0 + np.max(np.abs(value)))


def _slope(point, directions, h):
    ahead = loss(**(point | {name: point[name] + h * v for name, v in directions.items()}))
    behind = loss(**(point | {name: point[name] - h * v for name, v in directions.items()}))
    return (ahead - behind) / (2 * h)


def _error(found, expected):
    """The largest difference; infinite where the shapes differ."""
    if np.shape(found) != np.shape(expected):
        return np.inf
    return float(np.max(np.abs(np.subtract(found, expected)), initial=0.0))


def _relative(found, expected):
    return _error(found, expected) / (1.0 + float(np.max(np.abs(expected), initial=0.0)))

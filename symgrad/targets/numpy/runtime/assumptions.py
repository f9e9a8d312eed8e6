"""Whether an input is what is assumed of it, up to the rounding of its dtype."""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: B905, RET503
# Generated files have no types and few keywords, and these functions go into them as they stand.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _first_wrong(shape, found, fits):
    """Where it is, and what; ``:`` stands for an axis over which it is a sum.  None if all fit."""
    for first in np.argwhere(~(fits & np.isfinite(found))).tolist():
        places = zip(first, shape, found.shape)
        at = ", ".join(":" if n != m else str(k) for k, n, m in places)
        return at, float(found[tuple(first)])


def _one_hot(x, axis, tolerance):
    """Entries, and their sums."""
    yield "{name}[{at}]", x, np.minimum(np.abs(x), np.abs(x - 1)) <= tolerance
    yield from _sums_to_one(x, axis, tolerance)


def _sums_to_one(x, axis, tolerance):
    """Sums, which are as exact as their largest terms."""
    total, size = x.sum(axis, keepdims=True), np.abs(x).sum(axis, keepdims=True)
    yield "the sum of {name}[{at}]", total, np.abs(total - 1) <= tolerance * size


def _unit_norm(x, axis, tolerance):
    """Sums of squares."""
    total = np.square(x).sum(axis, keepdims=True)
    yield "the sum of the squares of {name}[{at}]", total, np.abs(total - 1) <= tolerance


def _orthogonal(x, axis, tolerance):
    """Products of columns."""
    product = np.swapaxes(x, -1, -2) @ x
    fits = np.abs(product - np.eye(x.shape[-1])) <= tolerance
    yield "transpose times {name}, at [{at}],", product, fits


def _symmetric(x, axis, tolerance):
    """Entries and their mirror images, as exact as the largest entry of the matrix."""
    change = x - np.swapaxes(x, -1, -2)
    size = np.abs(x).max((-1, -2), keepdims=True, initial=0)
    yield "{name}[{at}] less its mirror image", change, np.abs(change) <= tolerance * size


def _positive(x, axis, tolerance):
    """Entries."""
    yield "{name}[{at}]", x, x > 0


CHECKS: dict[str, Callable[..., Any]] = {
    f.__name__.removeprefix("_"): f
    for f in (_one_hot, _sums_to_one, _unit_norm, _orthogonal, _symmetric, _positive)
}
"""For each assumption the text, the values, and whether they are right up to rounding.

``tolerance`` is for sums over ``axis``; sums and entries that are not finite are never right.
"""

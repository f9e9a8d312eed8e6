"""Whether an input is what is assumed of it, up to the rounding of its dtype."""

# ruff: noqa: B905
# Generated files have few keywords, and these functions go into them as they stand.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _assumed(name: str, array: Any, check: Any, axis: int | None, sentence: str) -> None:
    """ValueError where a check finds an entry or a sum of an array that does not fit."""
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    tolerance = 8 * (array.size if axis is None else array.shape[axis]) * float(np.finfo(dtype).eps)
    with np.errstate(all="ignore"):
        for text, found, fits in check(array.astype(np.float64), axis, tolerance):
            for first in np.argwhere(~(fits & np.isfinite(found))).tolist()[:1]:
                places = zip(first, array.shape, found.shape)
                at = ", ".join(":" if n != m else str(k) for k, n, m in places)
                what = text.format(name=name, at=at).replace("[]", "")
                told = f"{name}: expected that {sentence}; got {what} = {found[tuple(first)]}"
                raise ValueError(f"{told} (tolerance {tolerance:.1e} in {dtype})")


def _one_hot(x: Any, axis: Any, tolerance: float) -> Any:
    """Entries, and their sums."""
    yield "{name}[{at}]", x, np.minimum(np.abs(x), np.abs(x - 1)) <= tolerance
    yield from _sums_to_one(x, axis, tolerance)


def _sums_to_one(x: Any, axis: Any, tolerance: float) -> Any:
    """Sums, which are as exact as their largest terms."""
    total, size = x.sum(axis, keepdims=True), np.abs(x).sum(axis, keepdims=True)
    yield "the sum of {name}[{at}]", total, np.abs(total - 1) <= tolerance * size


def _unit_norm(x: Any, axis: Any, tolerance: float) -> Any:
    """Sums of squares."""
    total = np.square(x).sum(axis, keepdims=True)
    yield "the sum of the squares of {name}[{at}]", total, np.abs(total - 1) <= tolerance


def _orthogonal(x: Any, axis: Any, tolerance: float) -> Any:
    """Products of columns."""
    product = np.swapaxes(x, -1, -2) @ x
    fits = np.abs(product - np.eye(x.shape[-1])) <= tolerance
    yield "transpose times {name}, at [{at}],", product, fits


def _symmetric(x: Any, axis: Any, tolerance: float) -> Any:
    """Entries and their mirror images, as exact as the largest entry of the matrix."""
    change = x - np.swapaxes(x, -1, -2)
    size = np.abs(x).max((-1, -2), keepdims=True, initial=0)
    yield "{name}[{at}] less its mirror image", change, np.abs(change) <= tolerance * size


def _positive(x: Any, axis: Any, tolerance: float) -> Any:
    """Entries."""
    yield "{name}[{at}]", x, x > 0


CHECKS: dict[str, Callable[..., Any]] = {
    f.__name__.removeprefix("_"): f
    for f in (_one_hot, _sums_to_one, _unit_norm, _orthogonal, _symmetric, _positive)
}
"""For each assumption the text, the values, and whether they are right up to rounding.

``tolerance`` is for sums over ``axis``; sums and entries that are not finite are never right.
"""

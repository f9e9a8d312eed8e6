"""The memory of a generated file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def _empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array that begins at a cache line."""
    room = np.empty(math.prod(shape) * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    return np.ndarray(shape, dtype, room, start)


def _sigmoid(x: Any, mask: Any, e: Any, below: Any, out: Any) -> Any:
    """1 / (1 + exp(-x)) for any x, by e = exp(-|x|), which may lie where x does."""
    np.greater_equal(x, 0, out=mask)
    np.exp(np.negative(np.abs(x, out=e), out=e), out=e)
    np.maximum(mask, e, out=out)
    return np.divide(out, np.add(1, e, out=below), out=out)

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

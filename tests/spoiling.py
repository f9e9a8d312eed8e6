"""Workspaces whose memory holds what no result may contain."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np


class _Spoiling:
    """NumPy, of which the memory that it hands out is kept, and filled with NaN."""

    def __init__(self) -> None:
        self.made: list[np.ndarray] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = float) -> np.ndarray:
        self.made.append(np.empty(shape, dtype))
        fill(self.made[-1])
        return self.made[-1]


def fill(array: np.ndarray) -> None:
    """Numbers that no result may contain; bytes of which NaN are made."""
    array[...] = np.nan if array.dtype.kind == "f" else 255 if array.dtype == np.uint8 else 1


def spoilt_workspace(module: ModuleType, *sizes: int, **more: Any) -> Any:
    """A workspace that is full of it; ``spoil`` fills it again."""
    numpy, spoiling = module.np, _Spoiling()
    module.np = spoiling  # type: ignore[attr-defined]
    try:
        workspace = module.Workspace(*sizes, **more)
    finally:
        module.np = numpy  # type: ignore[attr-defined]
    workspace._made = spoiling.made
    return workspace


def spoil(workspace: Any) -> None:
    """Fill all that is not the same in every call."""
    for array in workspace._made:
        fill(array)

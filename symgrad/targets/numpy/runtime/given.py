"""What every generated file defines by itself, as far as the functions here read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_DTYPE: type[np.floating[Any]] = np.float64

_ARGUMENTS: dict[str, tuple[str, tuple[int | str, ...]]] = {}
_LABELS: dict[str, tuple[int | str, ...]] = {}
_DATA: dict[str, tuple[str, tuple[int | str, ...]]] = {}
_DATA_LABELS: dict[str, tuple[int | str, ...]] = {}

_SIZES: dict[int | str, Any] = {}
_SAMPLES: dict[str, tuple[str, int]] = {}
_EXAMPLE: dict[str, Any] = {}


class Gradients(tuple[Any, ...]):
    """The derivatives, each by its name."""

    _fields: Sequence[str] = ()


class Workspace:
    """Memory for what the functions compute."""

    _dtype: np.dtype[Any]


class _Found:
    """Room for the entries of all gradients."""

    row: Any
    gradients: Any


def _defined_there(*args: Any, **more: Any) -> Any:
    raise NotImplementedError("a generated file has its own")


loss: Callable[..., Any] = _defined_there
gradients: Callable[..., Any] = _defined_there
loss_and_gradients: Callable[..., Any] = _defined_there
prepare: Callable[..., Any] = _defined_there
_labels: Callable[..., Any] = _defined_there
_data_labels: Callable[..., Any] = _defined_there
_fit: Callable[..., Any] = _defined_there
_ready: Callable[..., Any] = _defined_there
_entries: Callable[..., Any] = _defined_there

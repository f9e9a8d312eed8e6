"""What every generated file defines by itself, as far as the functions here read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_SHAPES: dict[str, Any] = {}
_WANTED: list[Any] = []


class Gradients(tuple[Any, ...]):
    """The derivatives, each by its name."""


class Workspace:
    """Memory for what the functions compute."""

    _for: tuple[Any, ...]
    _thread: int
    _found: Any


class _Found:
    """Room for the entries of all gradients."""

    row: Any
    gradients: Any


def _defined_there(*args: Any, **more: Any) -> Any:
    raise NotImplementedError("a generated file has its own")


_ready: Callable[..., Any] = _defined_there
_both: Callable[..., Any] = _defined_there
_entries: Callable[..., Any] = _defined_there
loss: Callable[..., Any] = _defined_there

"""Where arrays are so small that single numbers of Python are faster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.targets.numpy.runtime.given import (
    _WANTED,
    Gradients,
    Workspace,
    _both,
    _entries,
    _Found,
)


def _by_entries(given: tuple[Any, ...], ws: Workspace | None) -> tuple[Any, Gradients] | None:
    """Loss and gradients in Python's own numbers; None where that would not do."""
    if [(a.shape, a.dtype) for a in given if type(a) is np.ndarray] != _WANTED[0]:
        return None
    if ws is not None and (ws._for[-1] != np.float64 or ws._thread != threading.get_ident()):
        return None
    found = _Found() if ws is None else ws._found
    try:
        return _entries(found.row, *[a.ravel() for a in given]), found.gradients
    except (ArithmeticError, ValueError):  # where NumPy goes on with inf and nan
        return None


def _bound_entries(arrays: Any, ws: Workspace) -> Callable[[], tuple[Any, Gradients]]:
    """Loss and gradients of arrays that are kept, in Python's own numbers where that will do."""
    rows, found = [a.reshape(-1) for a in arrays], ws._found

    def bound() -> tuple[Any, Gradients]:
        if ws._thread != threading.get_ident():
            raise ValueError("what bind() gave belongs to another thread: bind there")
        try:
            return _entries(found.row, *rows), found.gradients
        except (ArithmeticError, ValueError):  # where NumPy goes on with inf and nan
            result: tuple[Any, Gradients] = _both(arrays, ws)
            return result

    return bound

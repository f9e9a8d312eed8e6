"""The memory of a generated file, and a call whose arguments are known to fit."""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: B905
# Generated files have no types and few keywords, and these functions go into them as they stand.

from __future__ import annotations

import functools
import math

import numpy as np

from symgrad.targets.numpy.runtime.given import _ARGUMENTS, _ready, loss_and_gradients


def _empty(shape, dtype):
    """An array that begins at a cache line, where that matters."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < 4096:
        return np.empty(shape, dtype)
    room = np.empty(size + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    return np.ndarray(shape, dtype, room, start)


def _bound(workspace, given):
    """The function that bind() gives."""
    *arrays, workspace = _ready(workspace, *given)
    copies = [name for name, a, b in zip(_ARGUMENTS, arrays, given) if a is not b]
    if copies:
        raise ValueError(f"{', '.join(copies)}: expected an array of {workspace._dtype} to keep")
    return functools.partial(loss_and_gradients, *arrays, workspace=_Bound(workspace))


class _Bound:
    """A workspace for arrays that are known to fit."""

    def __init__(self, workspace):
        self.__dict__.update(workspace.__dict__)

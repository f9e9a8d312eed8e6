"""Where arrays are so small that single numbers of Python are faster."""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: B905
# Generated files have no types and few keywords, and these functions go into them as they stand.

from __future__ import annotations

import functools

import numpy as np

from symgrad.targets.numpy.runtime.given import (
    _ARGUMENTS,
    Gradients,
    Workspace,
    _entries,
    _fit,
    _Found,
    _ready,
    gradients,
    loss,
    loss_and_gradients,
)
from symgrad.targets.numpy.runtime.self_check import _relative
from symgrad.targets.numpy.runtime.workspace import _Bound


def _bound(workspace, given):
    """The function that bind() gives."""
    *arrays, workspace = _ready(workspace, *given)
    copies = [name for name, a, b in zip(_ARGUMENTS, arrays, given) if a is not b]
    if copies:
        raise ValueError(f"{', '.join(copies)}: expected an array of {workspace._dtype} to keep")
    bound = functools.partial(loss_and_gradients, *arrays, workspace=_Bound(workspace))
    if workspace._dtype != np.float64 or not all(a.flags.c_contiguous for a in arrays):
        return bound
    rows, found = [a.reshape(-1) for a in arrays], _Found()

    def by_entries():
        try:
            return _entries(found.row, *rows), found.gradients
        except (ArithmeticError, ValueError):  # where NumPy goes on with inf and nan
            return bound()

    return by_entries


def _by_entries(workspace, given):
    """Loss and gradients in Python's own numbers; None where that would not do."""
    if type(workspace) is _Bound or not _fit(given) or given[0].dtype != np.float64:
        return None
    if workspace is not None and workspace._dtype != np.float64:
        return None
    found = _Found() if workspace is None else workspace._found
    try:
        return _entries(found.row, *[a.ravel() for a in given]), found.gradients
    except (ArithmeticError, ValueError):  # where NumPy goes on with inf and nan
        return None


def _same_numbers(point):
    """loss() and gradients() alone give what loss_and_gradients() gives."""
    value, found = loss_and_gradients(**point)
    yield "loss() and loss_and_gradients()", _relative(loss(**point), value), 1e-12
    for name, a, b in zip(Gradients._fields, gradients(**point), found):
        yield f"{name}: gradients() and loss_and_gradients()", _relative(a, b), 1e-12
    arrays = [np.array(point[name], np.float64) for name in _ARGUMENTS]
    by_arrays, others = loss_and_gradients(*arrays, workspace=_Bound(Workspace()))
    yield "loss: entry by entry and by arrays", _relative(value, by_arrays), 1e-12
    for name, a, b in zip(Gradients._fields, found, others):
        yield f"{name}: entry by entry and by arrays", _relative(a, b), 1e-12

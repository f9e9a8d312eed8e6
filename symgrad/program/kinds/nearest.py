"""Kinds that are about the nearest rows of a matrix."""

from __future__ import annotations

import numpy as np

from symgrad.mathematics.sizes import fixed
from symgrad.program.kinds.kind import Kind, always, of_axes
from symgrad.program.kinds.run import Array, Run
from symgrad.program.program import Op, size_of


def _shares(run: Run, op: Op) -> Array:
    """For each row of the first matrix 1 over how many are nearest, at those of the second."""
    x, c = (run.values[r.name] for r in op.reads[:2])
    squares = np.square(x[:, None] - c).sum(axis=2)
    near = squares == squares.min(axis=1, keepdims=True)
    return np.asarray(near / near.sum(axis=1, keepdims=True))


def _are_matrices(op: Op) -> bool:
    """Whether two matrices have rows of one length."""
    x, c = (r.axes for r in op.reads[:2])
    return len(x) == len(c) == 2 and x[1] == c[1] and x[0] != c[0]


def _check_nearest(op: Op) -> str:
    if len(op.reads) != 3 or not _are_matrices(op):
        return "the rows of two matrices are compared"
    (n, _), (i, _), estimate = (r.axes for r in op.reads)
    fits = estimate == (n, i) and op.axes[1:] == (n,) and fixed(size_of(op.axes[0])) == 2
    return "" if fits else "the result is two numbers for each row"


def _run_nearest(run: Run, op: Op) -> Array:
    shares = _shares(run, op)
    return np.stack([shares.argmax(axis=1), np.count_nonzero(shares, axis=1)])


NEAREST = Kind(
    "nearest",
    "for each row of a matrix the first of the nearest rows of another, and how many these are; "
    "last an estimate: the square of each distance, less a number for each row",
    _check_nearest,
    _run_nearest,
    cost=lambda op: of_axes(op.reads[2].axes),
    dtype=always("int"),
    own_labels=True,
)


def _check_to_nearest(op: Op) -> str:
    if not _are_matrices(op):
        return "the rows of two matrices are compared"
    x, c, nearest, *weights = (r.axes for r in op.reads)
    rows = op.function.startswith("differences")
    fits = nearest[1:] == x[:1] and weights in ([], [x[:1]]) and not (rows and weights)
    return "" if fits and op.axes == (x if rows else c) else "the axes do not fit"


def _run_to_nearest(run: Run, op: Op) -> Array:
    x, c, _, *weights = (run.values[r.name] for r in op.reads)
    shares, differences = _shares(run, op), x[:, None] - c
    if op.function.startswith("differences"):
        return np.asarray(np.einsum("ni,nij->nj", shares, differences))
    factor = weights[0] if weights else np.ones(len(x), run.dtype)
    return np.asarray(np.einsum("n,ni,nij->ij", factor, shares, differences))


TO_NEAREST = Kind(
    "to_nearest",
    "differences_to_nearest: each row less that of another matrix which is nearest, of several the "
    "mean; sums_to_nearest: for each of these rows the sum of such differences, shared among "
    "several, with weights where there are any",
    _check_to_nearest,
    _run_to_nearest,
    cost=lambda op: 2 * of_axes(op.reads[0].axes),
    dtype=always("float"),
)

NEAREST_ROWS = (NEAREST, TO_NEAREST)

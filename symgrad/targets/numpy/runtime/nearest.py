"""What generated files define for the nearest rows of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np


def _squares(x: Any, c: Any) -> Any:
    """The square of the distance of each row of x to each row of c."""
    return np.square(x[:, None] - c).sum(axis=2)


def _nearest(x: Any, c: Any, estimate: Any) -> Any:
    """For each row of x the first of the nearest rows of c, and how many these are.

    ``estimate`` is the square of a distance less a number for each row; where it is too close to
    tell, the distances are computed.
    """
    first, count, rows = estimate.argmin(axis=1), np.ones(len(x), np.intp), np.arange(len(x))
    least = estimate[rows, first]
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.einsum("nj,nj->n", x, x) + np.einsum("ij,ij->i", c, c).max()
        error = 8 * (x.shape[1] + 2) * np.finfo(x.dtype).eps * size  # of two of them, at most
        close = estimate <= (least + error)[:, None]
    if np.count_nonzero(close) > len(x) or not np.isfinite(least).all():
        close[rows, first] = ~np.isfinite(least)
        (rows,) = close.any(axis=1).nonzero()
        squares = _squares(x[rows], c)
        first[rows] = squares.argmin(axis=1)
        count[rows] = (squares == squares.min(axis=1, keepdims=True)).sum(axis=1)
    return np.stack([first, count])


def _differences_to_nearest(x: Any, c: Any, nearest: Any) -> Any:
    """Each row of x less the nearest row of c; of several, less their mean."""
    first, count = nearest
    found = x - c[first]
    (rows,) = (count > 1).nonzero()
    if rows.size:
        squares = _squares(x[rows], c)
        near = squares == squares.min(axis=1, keepdims=True)
        found[rows] = x[rows] - near.astype(x.dtype) @ c / count[rows, None].astype(x.dtype)
    return found


def _sums_to_nearest(x: Any, c: Any, nearest: Any, weights: Any = None) -> Any:
    """For each row of c the sum of the rows of x to which it is nearest, each less that row.

    Rows of x with several such rows are shared among them.
    """
    first, count = nearest
    found = x - c[first]
    if weights is not None:
        found *= weights[:, None]
    (rows,) = (count > 1).nonzero()
    if rows.size:
        squares = _squares(x[rows], c)
        of, places = (squares == squares.min(axis=1, keepdims=True)).nonzero()
        found[rows] = 0
        rows = rows[of]
        share = (1 if weights is None else weights[rows]) / count[rows]
        found = np.concatenate([found, share[:, None] * (x[rows] - c[places])])
        first = np.concatenate([first, places])
    return np.stack([np.bincount(first, d, len(c)) for d in found.T], axis=1).astype(x.dtype)

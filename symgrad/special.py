"""Functions that NumPy lacks, as generated files define them for themselves."""

# mypy: allow-untyped-defs, allow-untyped-calls
# Generated files have no types, and these functions go into them as they stand.

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np


def _each(function, x):
    """A function of one float, on every entry."""
    x = np.asarray(x)
    values = np.fromiter(map(function, x.ravel().tolist()), float, x.size)
    return values.reshape(x.shape).astype(x.dtype if x.dtype.kind == "f" else float)[()]


def _erf(x):
    """The error function."""
    return _each(math.erf, x)


def _erfc(x):
    """1 - erf(x), without the cancellation."""
    return _each(math.erfc, x)


def _gammaln(x):
    """log |Γ(x)|, infinite at 0, -1, -2, …"""

    def entry(x):
        try:
            return math.log(math.gamma(x)) if 0.5 < x < 10 else math.lgamma(x)
        except (ValueError, OverflowError):  # a pole, or too large for a float
            return math.inf

    return _each(entry, x)


def _digamma(x):
    """ψ(x) by the recurrence and the series of Abramowitz and Stegun: 6.3.5, 6.3.7 and 6.3.18."""
    x = np.asarray(x) * 1.0
    reflected = x < 0
    y = np.where(reflected, 1 - x, x)
    shift = np.zeros_like(y)
    for _ in range(10):
        small = y < 10
        shift += small / np.where(small, y, 1)
        y = y + small
    inverse = 1 / y
    s = inverse * inverse
    series = 1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12))
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * series)))
    result = np.log(y) - inverse / 2 - series - shift
    turn = np.pi * np.where(reflected, x - np.round(x), 0.25)
    return np.where(reflected, result - np.pi / np.tan(turn), result).astype(x.dtype)[()]


def _trigamma(x):
    """ψ'(x) by the recurrence and the series of Abramowitz and Stegun: 6.4.6, 6.4.7 and 6.4.12."""
    x = np.asarray(x) * 1.0
    reflected = x < 0
    y = np.where(reflected, 1 - x, x)
    shift = np.zeros_like(y)
    for _ in range(10):
        small = y < 10
        shift += small / np.where(small, y, 1) / np.where(small, y, 1)
        y = y + small
    inverse = 1 / y
    s = inverse * inverse
    series = 1 / 30 - s * (5 / 66 - s * (691 / 2730 - s * (7 / 6)))
    series = s * inverse * (1 / 6 - s * (1 / 30 - s * (1 / 42 - s * series)))
    result = inverse + s / 2 + series + shift
    turn = np.pi * np.where(reflected, x - np.round(x), 0.25)
    return np.where(reflected, (np.pi / np.sin(turn)) ** 2 - result, result).astype(x.dtype)[()]


def _norm(x, axis=None, keepdims=False, out=None):
    """√Σ x²; where squares are too large or too small, of x over its largest entry."""
    gone = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis % x.ndim,)
    kept = [k for k in range(x.ndim) if k not in gone]
    float_ = np.finfo(x.dtype)
    with np.errstate(all="ignore"):
        squares = np.einsum(x, range(x.ndim), x, range(x.ndim), kept)
        norm = np.sqrt(squares)
        if not ((squares > float_.tiny / float_.eps) & (squares <= float_.max)).all():
            largest = np.abs(x).max(tuple(gone), keepdims=True, initial=0)
            largest = np.where((largest > 0) & (largest <= float_.max), largest, 1).astype(x.dtype)
            scaled = x / largest
            squares = np.einsum(scaled, range(x.ndim), scaled, range(x.ndim), kept)
            norm = largest.reshape(squares.shape) * np.sqrt(squares)
    if keepdims:
        norm = norm.reshape([n if k in kept else 1 for k, n in enumerate(x.shape)])
    if out is None:
        return norm
    out[...] = norm
    return out


HELPERS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (_each, _erf, _erfc, _gammaln, _digamma, _trigamma, _norm)
}
"""The functions that a leaf's NumPy text may call, by name."""


def source(*functions: Callable[..., Any]) -> str:
    """The text of functions as it goes into a generated file."""
    return "\n\n".join(map(inspect.getsource, functions))

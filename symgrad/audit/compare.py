"""Whether numbers of a program are those of the derivation, however they lie in memory."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]

TOLERANCE = {"f8": 1e-6, "f4": 2e-3, "f2": 5e-2}
"""What is right is off by less, of the largest entry, by the least exact floats in the program."""

NOISE = 1e-4
"""Of what is typical of gradients: below it, a value is compared with that and not with itself."""


@dataclass(frozen=True)
class Match:
    """How far numbers are from what they ought to be, the way they lie, their constant ratio."""

    error: float
    way: str
    ratio: float | None = None


def numbers(value: Any) -> Numbers | None:
    """Numbers as an array of floats; None where they are none."""
    if value is None or isinstance(value, (dict, str)):
        return None
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return array


def ways(got: Numbers, shape: tuple[int, ...]) -> Iterator[tuple[str, Numbers]]:
    """The numbers in a shape: as they are, transposed, or read in another way."""
    if got.shape == shape:
        yield "", got
    elif got.size == int(np.prod(shape)) and _squeezed(got.shape) == _squeezed(shape):
        yield "", got.reshape(shape)
    if got.ndim == 2 and got.shape[::-1] == shape:
        yield "transposed", got.T
    elif got.ndim > 1 and _squeezed(got.shape)[::-1] == _squeezed(shape):
        yield "transposed", got.T.reshape(shape)
    elif got.size == int(np.prod(shape)) and got.ndim != len(shape):
        yield "reshaped", got.reshape(shape)


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def compared(got: Any, ought: Numbers, typical: float) -> Match:
    """The way in which numbers are nearest to what they ought to be."""
    found = numbers(got)
    best = Match(np.inf, "shape")
    if found is None:
        return best
    scale = max(float(np.abs(ought).max(initial=0.0)), NOISE * typical)
    for way, arranged in ways(found, ought.shape):
        with np.errstate(invalid="ignore"):  # of infinities
            apart = np.abs(arranged - ought).max(initial=0.0)
        error = float(apart) / scale if np.isfinite(apart) and scale else float(apart)
        error = error if np.isfinite(error) else np.inf
        if error < best.error or best.way == "shape":
            best = Match(error, way, _ratio(arranged, ought))
    return best


def _ratio(got: Numbers, ought: Numbers) -> float | None:
    """The one number by which all entries are multiplied, if there is one."""
    square = float((ought * ought).sum())
    if ought.size < 2 or not square or not np.isfinite([got, ought]).all():
        return None
    ratio = float((got * ought).sum()) / square
    off = np.abs(got - ratio * ought).max(initial=0.0)
    return ratio if ratio and off <= 1e-7 * np.abs(got).max(initial=0.0) else None


def same_numbers(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Whether two arrays have the same entries."""
    same = one.shape == other.shape or one.size == other.size
    return same and bool(
        np.allclose(one.ravel(), other.ravel(), rtol=1e-9, atol=1e-12, equal_nan=True)
    )


def constant_ratios(pairs: Sequence[tuple[Any, Any]]) -> tuple[float | None, ...]:
    """The ratio of numbers to what they ought to be, where it is the same at all points."""
    arrays = [(numbers(got), numbers(ought)) for got, ought in pairs]
    known = [(a.ravel(), b.ravel()) for a, b in arrays if a is not None and b is not None]
    if len(known) < len(pairs) or any(a.size != 1 or b.size != 1 or not b.any() for a, b in known):
        return (None,) * len(pairs)
    ratios = [float(got[0] / ought[0]) for got, ought in known]
    same = max(ratios) - min(ratios) <= 1e-7 * abs(ratios[0])
    return tuple(ratios) if same and len(pairs) > 2 else (None,) * len(pairs)


def broadcasts(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether an array of a shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, whole) == whole
    except ValueError:
        return False


def is_turned(way: str, shape: tuple[int, ...]) -> bool:
    """Whether what is transposed can't be told by its shape."""
    return way == "transposed" and len(shape) == 2 and shape[0] == shape[1] > 1


def entry_read(whole: Any, key: ast.expr) -> Numbers | None:
    """The entry of a list or a dictionary that is read; one of them where it is not known which."""
    if isinstance(key, ast.Constant) and isinstance(whole, dict):
        entry = whole.get(key.value)
        return entry if isinstance(entry, np.ndarray) else None
    return None if isinstance(key, ast.Slice) else first_array(whole)


def first_array(whole: Any) -> Numbers | None:
    """One of the arrays in a list or a dictionary."""
    entries = list(whole.values() if isinstance(whole, dict) else whole)
    arrays = (v for v in entries if isinstance(v, np.ndarray) and v.ndim)
    return next(arrays, None)


def has_entry(whole: Any, key: Any) -> bool:
    """Whether a list or a dictionary has an entry."""
    if isinstance(whole, dict):
        return key in whole
    return isinstance(key, int) and key < len(whole)

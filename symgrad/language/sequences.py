"""Sequences of values: sampled, interpolated, convolved, differenced."""

from __future__ import annotations

import math
from typing import Any

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, describe
from symgrad.language.constants import as_array
from symgrad.language.contractions import of_conditions
from symgrad.language.elementwise import elementwise, where
from symgrad.language.indexing import arange, diff, sliding_window_view
from symgrad.language.joining import concatenate
from symgrad.language.padding import pad
from symgrad.language.reductions import cumsum, sum_
from symgrad.language.registry import function, unsupported
from symgrad.language.shapes import moveaxis, ravel, reshape
from symgrad.language.sizes import NotKnown, known_size


@function("linspace")
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *,
             retstep: bool = False, axis: int = 0) -> Any:  # fmt: skip
    """Numbers at equal distances from one to another."""
    first = as_array(start)
    gap = as_array(stop) - first
    count: Any = num if isinstance(num, NotKnown) else int(num)
    step = gap / (count - int(endpoint) if count != 1 else 1)
    counted = reshape(arange(count), (count,) + (1,) * gap.ndim)
    values = moveaxis(first + step * counted, 0, axis)
    return (values, step) if retstep else values


@function("logspace")
def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: float = 10.0, *,
             axis: int = 0) -> Array:  # fmt: skip
    """Powers whose exponents are at equal distances."""
    return elementwise("power", base, linspace(start, stop, num, endpoint, axis=axis))


@function("geomspace")
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *,
              axis: int = 0) -> Array:  # fmt: skip
    """Numbers from one positive number to another, each the same multiple of the one before."""
    first, last = elementwise("log", start), elementwise("log", stop)
    return elementwise("exp", linspace(first, last, num, endpoint, axis=axis))


@function("interp")
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None,
           period: Any = None) -> Array:  # fmt: skip
    """What is linear between the points (xp, fp), and constant outside; at a point, from above."""
    if period is not None:
        raise unsupported("np.interp with a period", "repeat the points yourself")
    at, points, values = as_array(x), as_array(xp), as_array(fp)
    low, high = points[:-1], points[1:]
    slopes = diff(values) / diff(points)
    wide = at[..., None]
    inside = (wide >= low) & (wide < high)
    between = sum_(where(inside, values[:-1] + slopes * (wide - low), 0.0), -1)
    below = values[0] if left is None else left
    above = values[-1] if right is None else right
    return where(
        at < points[0],
        below,
        where(at > points[-1], above, where(elementwise("equal", at, points[-1]),
                                            values[-1], between)),
    )  # fmt: skip


@function("convolve")
def convolve(a: Any, v: Any, mode: str = "full") -> Array:
    """The sums of products of one sequence with the other turned around."""
    x, y = as_array(a), as_array(v)
    if isinstance(x.shape[0], int) and isinstance(y.shape[0], int) and x.shape[0] < y.shape[0]:
        x, y = y, x
    if x.ndim != 1 or y.ndim != 1:
        raise unsupported(f"np.convolve of {describe(x)} and {describe(y)}", "vectors are")
    if x.kind == y.kind == "bool":
        raise of_conditions("np.convolve")
    count = known_size(y.shape[0], "np.convolve by a vector")
    around = {"full": (count - 1, count - 1), "same": (count // 2, (count - 1) // 2),
              "valid": (0, 0)}  # fmt: skip
    if mode not in around:
        raise unsupported(f"np.convolve with mode={mode!r}", "full, same and valid are")
    before, after = around[mode]
    wide = pad(x, ((before, after),))
    return sum_(sliding_window_view(wide, count) * y[::-1], -1)


@function("correlate")
def correlate(a: Any, v: Any, mode: str = "valid") -> Array:
    """The sums of products of one sequence with the other at each distance."""
    x, y = as_array(a), as_array(v)
    fits = isinstance(x.shape[0], int) and isinstance(y.shape[0], int) and x.shape[0] < y.shape[0]
    if fits and mode != "full":
        raise unsupported("np.correlate with the shorter sequence first", "exchange the two")
    return convolve(x, y[::-1], mode)


@function("gradient")
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The slopes along axes: of both neighbours inside, of one at the ends."""
    array = as_array(f)
    axes = axes_of(array, axis)
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and len(axes) > 1 and not as_array(spacings[0]).ndim:
        spacings *= len(axes)
    if len(spacings) != len(axes) or edge_order not in (1, 2):
        raise SpecError(
            f"np.gradient with {len(varargs)} spacings for {len(axes)} axes",
            where=caller(),
            hint="one number for all, or one spacing for each axis; edge_order is 1 or 2",
        )
    slopes = [
        moveaxis(_slopes(moveaxis(array, k, -1), as_array(h), edge_order), -1, k)
        for k, h in zip(axes, spacings, strict=True)
    ]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slopes(f: Array, spacing: Array, edge_order: int) -> Array:
    """The slopes along the last axis; the spacing is a number, or the coordinates."""
    if spacing.ndim:
        gaps = diff(spacing)
        a, b = gaps[:-1], gaps[1:]
        ends = (gaps[:1], gaps[1:2], gaps[-1:], gaps[-2:-1])
    else:
        a = b = spacing
        ends = (spacing,) * 4
    inner = _three_points(f[..., :-2], f[..., 1:-1], f[..., 2:], a, b)
    if edge_order == 1:
        first = (f[..., 1:2] - f[..., :1]) / ends[0]
        last = (f[..., -1:] - f[..., -2:-1]) / ends[2]
    else:
        first = _at_the_end(f[..., :1], f[..., 1:2], f[..., 2:3], ends[0], ends[1])
        last = -_at_the_end(f[..., -1:], f[..., -2:-1], f[..., -3:-2], ends[2], ends[3])
    return concatenate([first, inner, last], -1)


def _three_points(low: Array, mid: Array, high: Array, a: Array, b: Array) -> Array:
    """The slope in the middle of three points, the gaps before and after being a and b."""
    if a is b:
        return as_array((high - low) / (2 * a))
    return as_array((high * a**2 - low * b**2 + mid * (b**2 - a**2)) / (a * b * (a + b)))


def _at_the_end(end: Array, near: Array, far: Array, a: Array, b: Array) -> Array:
    """The slope at the first of three points, with an error of second order."""
    nearer = near * (a + b) / (a * b) - end * (2 * a + b) / (a * (a + b))
    return as_array(nearer - far * a / (b * (a + b)))


@function("ediff1d")
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Array:
    """The differences of neighbours, all entries in a row, between what stands at the ends."""
    parts = (to_begin, diff(ravel(ary)), to_end)
    return concatenate([ravel(p) for p in parts if p is not None])


@function("unwrap")
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Array:
    """Angles without their jumps: each step is at most half a period, up or down."""
    array, half = as_array(p), period / 2
    steps = diff(array, axis=axis)
    up = elementwise("ceil", (steps - half) / period)
    turns = where(steps > 0, up, elementwise("floor", (steps + half) / period))
    if discont is not None:
        turns = where(elementwise("absolute", steps) < discont, 0.0, turns)
    place = axes_of(array, axis)[0]
    widths = [(int(k == place), 0) for k in range(array.ndim)]
    return elementwise("subtract", array, period * pad(cumsum(turns, axis), widths))

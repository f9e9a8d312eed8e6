"""Operations on whole arrays that the standard lacks."""

from __future__ import annotations

import itertools
import math
from typing import Any

from array_api_compat import device


def _einsum(xp: Any, subscripts: str, x: Any, y: Any) -> Any:
    """What einsum is, by one product of matrices."""
    terms, result = subscripts.split("->")
    first, second = terms.split(",")
    x = xp.sum(x, axis=tuple(k for k, a in enumerate(first) if a not in second + result))
    y = xp.sum(y, axis=tuple(k for k, a in enumerate(second) if a not in first + result))
    first = "".join(a for a in first if a in second + result)
    second = "".join(a for a in second if a in first + result)
    both = [a for a in first if a in second and a in result]
    gone = [a for a in first if a in second and a not in result]
    left = [a for a in first if a not in second]
    right = [a for a in second if a not in first]
    size = dict(zip(first + second, (*x.shape, *y.shape), strict=True))
    width, height, depth = (math.prod(size[a] for a in some) for some in (right, left, gone))
    lead = [size[a] for a in both]
    x = xp.permute_dims(x, tuple(first.index(a) for a in both + left + gone))
    y = xp.permute_dims(y, tuple(second.index(a) for a in both + gone + right))
    product = xp.reshape(x, (*lead, height, depth)) @ xp.reshape(y, (*lead, depth, width))
    order = both + left + right
    product = xp.reshape(product, tuple(size[a] for a in order))
    return xp.permute_dims(product, tuple(order.index(a) for a in result))


def _rows(xp: Any, base: Any, places: Any) -> Any:
    """Where places index axes: these first and as one, the place of each row, their shape."""
    axes = [k for k, place in enumerate(places) if place is not None]
    rest = [k for k in range(base.ndim) if k not in axes]
    at, shape = 0, [base.shape[k] for k in rest]
    for k in axes:
        at = at * base.shape[k] + places[k]
    rows = xp.permute_dims(base, (*axes, *rest))
    count = math.prod(base.shape[k] for k in axes)
    together = axes == list(range(axes[0], axes[-1] + 1))
    before = axes[0] if together else 0
    return xp.reshape(rows, (count, *shape)), at, (axes, rest), before


def _entries(xp: Any, base: Any, *places: Any) -> Any:
    """base[places], where None is all of an axis: the axes of the places together, as in NumPy."""
    rows, at, (_, rest), before = _rows(xp, base, places)
    found = xp.take(rows, xp.reshape(at, (-1,)), axis=0)
    found = xp.reshape(found, (*at.shape, *(base.shape[k] for k in rest)))
    n = at.ndim
    order = (*range(n, n + before), *range(n), *range(n + before, found.ndim))
    return xp.permute_dims(found, order)


def _added(xp: Any, base: Any, values: Any, *places: Any) -> Any:
    """base with values added to base[places], some of them perhaps to the same entry."""
    rows, at, (axes, rest), before = _rows(xp, base, places)
    n, shape = at.ndim, [base.shape[k] for k in rest]
    values = xp.broadcast_to(_like(xp, values, base), (*shape[:before], *at.shape, *shape[before:]))
    order = (*range(before, before + n), *range(before), *range(before + n, values.ndim))
    values = xp.reshape(xp.permute_dims(values, order), (-1, *shape))
    found = _added_rows(xp, rows, xp.reshape(at, (-1,)), values)
    found = xp.reshape(found, tuple(base.shape[k] for k in (*axes, *rest)))
    back = [(*axes, *rest).index(k) for k in range(base.ndim)]
    return xp.permute_dims(found, tuple(back))


def _added_rows(xp: Any, rows: Any, places: Any, values: Any) -> Any:
    """The rows with others added at places: by what the arrays can, else by a product."""
    if hasattr(rows, "index_add"):  # PyTorch
        return rows.index_add(0, places, values)
    if hasattr(rows, "at"):  # JAX
        return rows.at[places].add(values)
    if hasattr(xp.add, "at"):  # NumPy, CuPy
        rows = xp.asarray(rows, copy=True)
        xp.add.at(rows, places, values)
        return rows
    count = xp.arange(rows.shape[0], dtype=places.dtype, device=device(rows))
    hits = xp.astype(count[:, None] == places[None, :], rows.dtype)
    return rows + xp.tensordot(hits, values, axes=1)


def _placed(xp: Any, how: str, base: Any, values: Any, *parts: Any) -> Any:
    """base with values set, added or subtracted at a part of each axis, of which None is all.

    A part is its first position, their step and their number, if the axis is not to go; of windows
    besides the step and the number of positions in each.
    """
    shape = [base.shape[k] if p is None else p[2] for k, p in enumerate(parts) if not _one(p)]
    inside = [p[4] for p in parts if p is not None and len(p) == 5]
    values = xp.broadcast_to(_like(xp, values, base), (*shape, *inside))
    if 0 in values.shape:
        return base
    for place in itertools.product(*map(range, inside)):
        steps = iter(place)
        cuts = [
            p if p is None or len(p) < 5 else (p[0] + p[3] * next(steps), *p[1:3]) for p in parts
        ]
        base = _placed_once(xp, how, base, values[(..., *place)] if place else values, cuts)
    return base


def _like(xp: Any, values: Any, base: Any) -> Any:
    """A number as an array of one."""
    if isinstance(values, (int, float)):
        return xp.full((), values, dtype=base.dtype, device=device(base))
    return values


def _one(part: Any) -> bool:
    """Whether a part is one position."""
    return part is not None and len(part) == 1


def _placed_once(xp: Any, how: str, base: Any, values: Any, cuts: Any) -> Any:
    """The same at cuts: each entry of the result takes the value that belongs there, if any."""
    mask = xp.full((1,) * base.ndim, True, device=device(base))
    for axis, cut in enumerate(cuts):
        if cut is None:
            continue
        if len(cut) == 1:
            values = xp.expand_dims(values, axis=axis)
        start, step, count = cut if len(cut) == 3 else (*cut, 1, 1)
        away = xp.arange(base.shape[axis], device=device(base)) - start
        of = away // step
        there = (of * step == away) & (of >= 0) & (of < count)
        values = xp.take(values, xp.where(there, of, 0), axis=axis)
        mask = mask & xp.reshape(there, (-1, *(1 for _ in base.shape[axis + 1 :])))
    if how == "set":
        return xp.where(mask, values, base)
    change = xp.where(mask, values, 0)
    return base + change if how == "add" else base - change


def _windows(xp: Any, x: Any, *parts: Any) -> Any:
    """Windows of axes, of which None has none: their positions stay in place, what is in them last.

    A part is its first position, their step and number, and the step and number in a window.
    """
    for axis, part in enumerate(parts):
        if part is not None:
            start, step, count, stride, length = part
            at = start + step * xp.arange(count, device=device(x))[:, None]
            at = at + stride * xp.arange(length, device=device(x))[None, :]
            found = xp.take(x, xp.reshape(at, (-1,)), axis=axis)
            shape = (*x.shape[:axis], count, length, *x.shape[axis + 1 :])
            x = xp.moveaxis(xp.reshape(found, shape), axis + 1, -1)
    return x


def _norm(xp: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """√Σ x², of x over its largest entry: no square is too large or too small."""
    if 0 in x.shape:
        return xp.sqrt(xp.sum(x * x, axis=axis, keepdims=keepdims))
    size = xp.max(xp.abs(x), axis=axis, keepdims=True)
    scale = xp.where((size > 0) & xp.isfinite(size), size, 1)
    norm = scale * xp.sqrt(xp.sum((x / scale) ** 2, axis=axis, keepdims=True))
    if keepdims:
        return norm
    gone = tuple(range(x.ndim)) if axis is None else axis
    return xp.squeeze(norm, axis=gone)


def _diagonal(xp: Any, x: Any) -> Any:
    """A matrix with a vector on its diagonal."""
    count = xp.arange(x.shape[0], device=device(x))
    return xp.where(count[:, None] == count[None, :], x[:, None], 0)


def _adjugate(xp: Any, a: Any) -> Any:
    """det(A) A⁻¹, also of matrices that have no inverse: by their singular values."""
    left, sizes, right = xp.linalg.svd(a)
    count = xp.arange(a.shape[-1], device=device(a))
    others = xp.where(count[:, None] == count[None, :], 1, sizes[..., None, :])
    others = xp.prod(others, axis=-1) * (xp.linalg.det(left) * xp.linalg.det(right))[..., None]
    return (xp.matrix_transpose(right) * others[..., None, :]) @ xp.matrix_transpose(left)


def _regular_inverse(xp: Any, a: Any) -> Any:
    """The inverse; NaN where it is known to a few digits only."""
    value = xp.linalg.inv(a)
    size = xp.max(xp.sum(xp.abs(a), axis=-1), axis=-1)
    size = size * xp.max(xp.sum(xp.abs(value), axis=-1), axis=-1)
    known = size * xp.finfo(a.dtype).eps ** 0.75 < 1
    return xp.where(known[..., None, None], value, xp.nan)


def _others(xp: Any, x: Any, axis: int) -> Any:
    """Along an axis, the product of all other entries: of those before and of those after each."""
    x = xp.moveaxis(x, axis, 0)
    ones = xp.ones_like(x[:1, ...])
    before = xp.cumulative_prod(xp.concat([ones, x[:-1, ...]]), axis=0)
    after = xp.cumulative_prod(xp.concat([ones, xp.flip(x, axis=0)[:-1, ...]]), axis=0)
    return xp.moveaxis(before * xp.flip(after, axis=0), 0, axis)


def _powers(xp: Any, x: Any, first: int, count: int) -> Any:
    """x ** first, x ** (first + 1), … along a new first axis."""
    exponents = xp.arange(first, first + count, dtype=x.dtype, device=device(x))
    return x[None, ...] ** xp.reshape(exponents, (-1, *(1 for _ in x.shape)))


def _steps(xp: Any, x: Any, axis: int, step: int) -> Any:
    """The parts of an array along an axis, from the last one on if the step is -1."""
    x = xp.moveaxis(x, axis, 0)
    return [x[k, ...] for k in range(x.shape[0])[::step]]


def _stacked(xp: Any, parts: Any, axis: int, step: int, like: Any) -> Any:
    """Parts along a new axis, the last one first if the step is -1; of none, what is ``like``."""
    if not parts:
        shape, dtype, at = like
        return xp.zeros((*shape[:axis], 0, *shape[axis:]), dtype=dtype, device=at)
    return xp.stack(parts[::step], axis=axis)

"""Kinds that read or write entries at positions that arrays of integers hold."""

from __future__ import annotations

import numpy as np

from symgrad.mathematics.indices import Index
from symgrad.program.kinds.kind import Kind, Result
from symgrad.program.kinds.run import Array, Run
from symgrad.program.program import Axes, Op, Ref, broadcasts, indexed_axes, labels


def _places(run: Run, op: Op, axes: Axes, layout: Axes) -> tuple[Array, ...]:
    """An index array for each axis, over the axes of the layout."""
    onto = labels(layout)
    arrays = []
    for axis, position in zip(axes, op.detail, strict=True):
        if isinstance(position, int):
            arrays.append(run.placed(op.args[position], onto).astype(int))
        elif isinstance(axis, Index):
            shape = tuple(-1 if a == axis else 1 for a in onto)
            arrays.append(np.arange(run.number(axis.size)).reshape(shape))
        else:
            arrays.append(np.zeros((1,) * len(onto), int))
    return tuple(arrays)


# -- by a position along each axis ------------------------------------------------------------


def _check_gather(op: Op) -> str:
    source = op.reads[0]
    return "" if indexed_axes(op, source.axes) == op.axes else "the result has other axes"


def _run_gather(run: Run, op: Op) -> Array:
    source = op.reads[0]
    places = _places(run, op, source.axes, op.axes)
    value = run.values[source.name][places]
    full: Array = np.broadcast_to(value, run.shape(tuple(labels(op.axes))))
    return full.reshape(run.shape(op.axes))


GATHER = Kind(
    "gather",
    "source[positions]; detail: for each axis None, or which argument indexes it",
    _check_gather,
    _run_gather,
    result=Result.EITHER,
)


def _check_scatter(op: Op) -> str:
    base, values = op.args[:2]
    if not isinstance(base, Ref) or base.axes != op.axes:
        return "the result has other axes than its base"
    if isinstance(values, Ref) and not broadcasts(values.axes, indexed_axes(op, op.axes)):
        return "the values do not line up with their places"
    return ""


def _run_scatter(run: Run, op: Op) -> Array:
    layout = indexed_axes(op, op.axes)
    places = np.broadcast_arrays(*_places(run, op, op.axes, layout))
    full = np.broadcast_shapes(places[0].shape, run.shape(tuple(labels(layout))))
    values = np.broadcast_to(run.placed(op.args[1], labels(layout)), full)
    base = run.values[op.reads[0].name].copy()
    function = getattr(np, op.function.partition("_")[0])
    function.at(base, tuple(np.broadcast_to(p, full) for p in places), values)
    return base


SCATTER = Kind(
    "scatter",
    "base with values added or subtracted at positions (add_repeatedly: which may be the same; "
    "add_rows: rows of nothing but zeros); detail as for gather",
    _check_scatter,
    _run_scatter,
    result=Result.CHANGED,
    computes_with=2,
)


# -- by a position among all entries ----------------------------------------------------------


def _check_take(op: Op) -> str:
    return "" if op.reads[1].axes == op.axes else "the result has not the axes of its places"


def _run_take(run: Run, op: Op) -> Array:
    source, places = op.reads
    flat = run.values[source.name].reshape(-1)
    return np.asarray(flat[run.values[places.name]])


TAKE = Kind(
    "take",
    "the entries at some places of the source, counted row by row",
    _check_take,
    _run_take,
)


def _check_put(op: Op) -> str:
    base, values, places = op.reads
    if base.axes != op.axes:
        return "the result has other axes than its base"
    return "" if values.axes == places.axes else "the values do not line up with their places"


def _run_put(run: Run, op: Op) -> Array:
    base, values, places = (run.values[r.name] for r in op.reads)
    flat = base.flatten()
    flat[places] = values
    return flat.reshape(base.shape)


PUT = Kind(
    "put",
    "base with such entries set",
    _check_put,
    _run_put,
    result=Result.CHANGED,
)

POSITIONS = (GATHER, SCATTER, TAKE, PUT)

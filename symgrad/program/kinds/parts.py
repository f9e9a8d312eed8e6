"""Kinds that read or write slices and windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symgrad.mathematics.positions import Cut, Detail, Window, fits
from symgrad.mathematics.sizes import same
from symgrad.program.kinds.kind import EVERY, Kind, Result, nothing
from symgrad.program.kinds.run import Array, Run
from symgrad.program.program import UNIT, Axes, Op, Ref, labels, rooms, size_of


def _stray(axes: Axes, detail: Sequence[Detail]) -> str:
    """What is wrong with the parts that an operation reads or writes."""
    if len(axes) != len(detail):
        return "there is not one part for each axis"
    parts = zip(axes, detail, strict=True)
    stray = any(isinstance(p, (Cut, Window)) and not fits(p, size_of(a)) for a, p in parts)
    return "a part lies outside of its axis" if stray else ""


def _positions(run: Run, part: Cut | Window) -> Array:
    """The positions of a part: along one axis, along two for windows, one number for one entry."""
    start = run.number(part.start)
    if part.count is None:
        return np.asarray(start)
    positions = start + run.number(part.step) * np.arange(run.number(part.count))
    if isinstance(part, Window):
        inside = run.number(part.stride) * np.arange(run.number(part.length))
        positions = positions[:, None] + inside
    assert positions.min(initial=0) >= 0, "a position before the first entry"
    return np.asarray(positions)


# -- what is read -----------------------------------------------------------------------------


def _check_part(op: Op) -> str:
    axes = op.reads[0].axes
    if problem := _stray(axes, op.detail):
        return problem
    found = rooms(axes, op.detail)
    good = len(found) == len(op.axes) and all(
        mine == kept if kept is not None else mine not in labels(axes) and same(size_of(mine), size)
        for mine, (kept, size) in zip(op.axes, found, strict=True)
    )
    return "" if good else "the result has other axes than its parts"


def _run_part(run: Run, op: Op) -> Array:
    value, axis = run.operand(op.args[0]), 0
    for part in op.detail:
        if isinstance(part, (Cut, Window)):
            value = np.take(value, _positions(run, part), axis)
        if isinstance(part, Window):
            value = np.moveaxis(value, axis + 1, -1)
        axis += not (isinstance(part, Cut) and part.count is None)
    return np.asarray(value.reshape(run.shape(op.axes)))


SLICE = Kind(
    "slice",
    "source[cuts]; detail: for each axis None or a Cut; a cut axis has a label of its own",
    _check_part,
    _run_part,
    cost=nothing,
    result=Result.VIEW,
    own_labels=True,
)
WINDOWS = Kind(
    "windows",
    "detail: for each axis None or a Window; positions stay in place, windows go last",
    _check_part,
    _run_part,
    cost=nothing,
    result=Result.VIEW,
    own_labels=True,
)


# -- what is written --------------------------------------------------------------------------


def _check_place(op: Op) -> str:
    base, values = op.args
    if not isinstance(base, Ref) or base.axes != op.axes:
        return "the result has other axes than its base"
    if problem := _stray(op.axes, op.detail):
        return problem
    mine = values.axes if isinstance(values, Ref) else ()
    found = rooms(op.axes, op.detail)[-len(mine) :] if mine else []
    good = len(found) == len(mine) and all(
        a is UNIT or (a == kept if kept is not None else same(size_of(a), size))
        for a, (kept, size) in zip(mine, found, strict=True)
    )
    return "" if good else "the values do not line up with their places"


def _run_place(run: Run, op: Op) -> Array:
    base = run.values[op.reads[0].name].copy()
    parts = [p if isinstance(p, (Cut, Window)) else None for p in op.detail]
    kept = [k for k, p in enumerate(parts) if p is None or p.count is not None]
    windows = [k for k, p in enumerate(parts) if isinstance(p, Window)]
    ndim = len(kept) + len(windows)
    places = []
    for k, part in enumerate(parts):
        positions = np.arange(base.shape[k]) if part is None else _positions(run, part)
        axes = [kept.index(k)] if k in kept else []
        axes += [len(kept) + windows.index(k)] if k in windows else []
        places.append(positions.reshape([positions.shape[axes.index(a)] if a in axes else 1
                                         for a in range(ndim)]))  # fmt: skip
    values = run.operand(op.args[1])
    if op.function == "set":
        base[tuple(places)] = values
    else:
        getattr(np, op.function).at(base, tuple(places), values)
    return base


PLACE = Kind(
    "place",
    "base with values set, added or subtracted at cuts or windows; detail for each axis",
    _check_place,
    _run_place,
    result=Result.CHANGED,
    computes_with=EVERY,
)

PARTS = (SLICE, WINDOWS, PLACE)

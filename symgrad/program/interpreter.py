"""The reference interpreter: every operation by labels, with none of the printers' shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.reductions import LEAVES
from symgrad.mathematics.sizes import with_numbers
from symgrad.program.program import (
    Axes,
    Literal,
    Op,
    Operand,
    Program,
    indexed_axes,
    is_temporary,
    labels,
    size_of,
)

Array = npt.NDArray[Any]


def interpret(program: Program, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
    """Every named value of a program, inputs included."""
    run = _Run(program, inputs)
    for op in program.ops:
        value = np.asarray(_KINDS[op.kind](run, op))
        run.values[op.name] = value
    return {name: value for name, value in run.values.items() if not is_temporary(name)}


class _Run:
    """The values so far, and the number behind each size."""

    def __init__(self, program: Program, inputs: Mapping[str, npt.ArrayLike]) -> None:
        self.values = {v.name: np.asarray(inputs[v.name]) for v in program.inputs}
        floats = [a.dtype for a in self.values.values() if a.dtype.kind == "f"]
        self.dtype = np.result_type(*floats) if floats else np.dtype(np.float64)
        self.sizes: dict[sp.Expr, sp.Integer] = {}
        for variable in program.inputs:
            value = self.values[variable.name]
            if variable.dtype != "int":
                self.values[variable.name] = value.astype(self.dtype)
            pairs = zip(variable.shape, value.shape, strict=True)
            self.sizes |= {s: sp.Integer(n) for s, n in pairs if s.is_Symbol}

    def number(self, expr: sp.Expr) -> Any:
        """A literal as a number of Python."""
        value = with_numbers(expr.xreplace(self.sizes))
        return int(value) if value.is_Integer else float(value)

    def operand(self, operand: Operand) -> Any:
        """An argument as it is."""
        return (
            self.number(operand.value)
            if isinstance(operand, Literal)
            else self.values[operand.name]
        )

    def shape(self, axes: Axes) -> tuple[int, ...]:
        """The lengths of axes."""
        return tuple(self.number(size_of(a)) for a in axes)

    def placed(self, operand: Operand, onto: Sequence[Index]) -> Array:
        """An argument with exactly the axes ``onto``, of length 1 where it lacks the label."""
        if isinstance(operand, Literal):
            return np.asarray(self.number(operand.value)).reshape((1,) * len(onto))
        mine = labels(operand.axes)
        value = self.values[operand.name].reshape(self.shape(tuple(mine)))
        order = [mine.index(a) for a in onto if a in mine]
        shape = tuple(self.number(a.size) if a in mine else 1 for a in onto)
        return value.transpose(order).reshape(shape)


def _map(run: _Run, op: Op) -> Array:
    """Truth values are the numbers 0 and 1 here."""
    onto = labels(op.axes)
    args = [run.placed(a, onto) for a in op.args]
    if op.function == "where":
        args[0] = args[0] != 0
    if op.function == "cast":
        value = args[0].astype(run.dtype)
    elif op.function == "round":
        (decimals,) = _whole(op)
        value = np.round(args[0], decimals)
    elif op.function in _LEAVES:
        value = np.vectorize(_LEAVES[op.function], otypes=[run.dtype])(*args)
    else:
        literal = [isinstance(a, Literal) for a in op.args]
        numbers = (
            a.item() if is_literal else a for a, is_literal in zip(args, literal, strict=True)
        )
        value = getattr(np, op.function)(*numbers)
    value = np.asarray(value)
    value = value.astype(run.dtype) if value.dtype == bool else value
    return np.asarray(value.reshape(run.shape(op.axes)))


def _product(run: _Run, op: Op) -> Array:
    number = {
        a: k for k, a in enumerate(dict.fromkeys(a for r in op.reads for a in labels(r.axes)))
    }
    terms: list[Any] = []
    for ref in op.reads:
        mine = labels(ref.axes)
        terms += [run.values[ref.name].reshape(run.shape(tuple(mine))), [number[a] for a in mine]]
    product: Array = np.einsum(*terms, [number[a] for a in labels(op.axes)])
    return product.reshape(run.shape(op.axes))


def _reduced(run: _Run, op: Op, function: Callable[..., Array]) -> Array:
    (source,) = op.reads
    gone = tuple(k for k, a in enumerate(source.axes) if a not in op.axes)
    return function(run.values[source.name], axis=gone).reshape(run.shape(op.axes))


def _reduce(run: _Run, op: Op) -> Array:
    if op.function == "trace":
        return np.asarray(np.trace(run.values[op.reads[0].name]))
    return _reduced(run, op, _norm if op.function == "norm" else getattr(np, op.function))


def _norm(x: Array, axis: tuple[int, ...]) -> Array:
    """√Σ x², entry after entry as in hypot: no square is too large or too small."""
    return np.asarray(np.hypot.reduce(_flattened(x, axis), axis=-1, initial=0))


def _view(run: _Run, op: Op) -> Array:
    return run.placed(op.reads[0], labels(op.axes)).reshape(run.shape(op.axes))


def _expand(run: _Run, op: Op) -> Array:
    onto = labels(op.axes)
    value = np.broadcast_to(run.placed(op.args[0], onto), run.shape(tuple(onto)))
    return value.reshape(run.shape(op.axes)).copy()


def _places(run: _Run, op: Op, axes: Axes, layout: Axes) -> tuple[Array, ...]:
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


def _gather(run: _Run, op: Op) -> Array:
    source = op.reads[0]
    places = _places(run, op, source.axes, op.axes)
    value = run.values[source.name][places]
    full: Array = np.broadcast_to(value, run.shape(tuple(labels(op.axes))))
    return full.reshape(run.shape(op.axes))


def _scatter(run: _Run, op: Op) -> Array:
    layout = indexed_axes(op, op.axes)
    places = np.broadcast_arrays(*_places(run, op, op.axes, layout))
    full = np.broadcast_shapes(places[0].shape, run.shape(tuple(labels(layout))))
    values = np.broadcast_to(run.placed(op.args[1], labels(layout)), full)
    base = run.values[op.reads[0].name].copy()
    function = getattr(np, op.function.removesuffix("_repeatedly"))
    function.at(base, tuple(np.broadcast_to(p, full) for p in places), values)
    return base


def _take(run: _Run, op: Op) -> Array:
    source, places = op.reads
    flat = run.values[source.name].reshape(-1)
    return np.asarray(flat[run.values[places.name]])


def _put(run: _Run, op: Op) -> Array:
    base, values, places = (run.values[r.name] for r in op.reads)
    flat = base.flatten()
    flat[places] = values
    return flat.reshape(base.shape)


# Parts


def _positions(run: _Run, part: Cut | Window) -> Array:
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


def _part(run: _Run, op: Op) -> Array:
    value, axis = run.operand(op.args[0]), 0
    for part in op.detail:
        if isinstance(part, (Cut, Window)):
            value = np.take(value, _positions(run, part), axis)
        if isinstance(part, Window):
            value = np.moveaxis(value, axis + 1, -1)
        axis += not (isinstance(part, Cut) and part.count is None)
    return np.asarray(value.reshape(run.shape(op.axes)))


def _place(run: _Run, op: Op) -> Array:
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


def _join(run: _Run, op: Op) -> Array:
    axis = op.detail[0]
    assert isinstance(axis, int)
    arrays = [run.operand(a) for a in op.args]
    if op.function == "stack":
        arrays = [np.expand_dims(a, axis) for a in arrays]
    return np.concatenate(arrays, axis)


# Matrices


def _cumsum(run: _Run, op: Op) -> Array:
    value, axis = run.operand(op.args[0]), op.detail[0]
    assert isinstance(axis, int)
    lower = np.tri(value.shape[axis], dtype=value.dtype)
    return np.asarray(np.moveaxis(np.tensordot(lower, value, (1, axis)), 0, axis))


def _products_of_others(run: _Run, op: Op) -> Array:
    value, axis = run.operand(op.args[0]), op.detail[0]
    assert isinstance(axis, int)
    others = [np.delete(value, k, axis).prod(axis) for k in range(value.shape[axis])]
    return np.stack(others, axis)


def _triangle(run: _Run, op: Op) -> Array:
    value = run.operand(op.args[0])
    row, column = np.indices(value.shape[-2:])
    (offset,) = _whole(op)
    above = column - row - offset
    kept = above <= 0 if op.function == "lower" else above >= 0
    return np.asarray(np.where(kept, value, np.zeros_like(value)))


def _linalg(run: _Run, op: Op) -> Array:
    matrix, *right = [run.operand(a) for a in op.args]
    if op.function == "solve":
        inverse = np.linalg.inv(matrix)
        return np.asarray(inverse @ right[0])
    if op.function in ("sign", "logdet"):
        return np.asarray(np.linalg.slogdet(matrix)[op.function == "logdet"])
    return np.asarray(getattr(np.linalg, op.function)(matrix))


def _whole(op: Op) -> tuple[int, ...]:
    """The numbers in the detail of an operation."""
    return tuple(k for k in op.detail if isinstance(k, int))


def _softmax(run: _Run, op: Op) -> Array:
    z = run.values[op.reads[0].name]
    axis = _whole(op)
    return np.asarray(np.exp(z - _log_sum_exp(z, axis, keepdims=True)))


def _log_softmax(run: _Run, op: Op) -> Array:
    z = run.values[op.reads[0].name]
    axis = _whole(op)
    return np.asarray(z - _log_sum_exp(z, axis, keepdims=True))


def _log_sum_exp(z: Array, axis: tuple[int, ...], *, keepdims: bool = False) -> Array:
    """Smaller terms first, each added in the logarithm."""
    total = np.logaddexp.reduce(np.sort(_flattened(z, axis), axis=-1), axis=-1)
    if not keepdims:
        return np.asarray(total)
    shape = tuple(1 if k in axis else n for k, n in enumerate(z.shape))
    return np.asarray(total).reshape(shape)


def _flattened(z: Array, axis: tuple[int, ...]) -> Array:
    others = [k for k in range(z.ndim) if k not in axis]
    return z.transpose([*others, *axis]).reshape([z.shape[k] for k in others] + [-1])


_LEAVES = {leaf.cls.__name__: leaf.mpmath for leaf in LEAVES.values()}

_KINDS: dict[str, Callable[[_Run, Op], Any]] = {
    "map": _map,
    "contract": _product,
    "matmul": _product,
    "reduce": _reduce,
    "view": _view,
    "expand": _expand,
    "copy": lambda run, op: run.operand(op.args[0]).copy(),
    "gather": _gather,
    "scatter": _scatter,
    "take": _take,
    "put": _put,
    "slice": _part,
    "windows": _part,
    "reshape": lambda run, op: run.operand(op.args[0]).reshape(run.shape(op.axes)),
    "place": _place,
    "join": _join,
    "eye": lambda run, op: np.eye(run.shape(op.axes)[0], dtype=run.dtype),
    "diagonal": lambda run, op: np.diag(run.operand(op.args[0])),
    "triangle": _triangle,
    "cumsum": _cumsum,
    "products_of_others": _products_of_others,
    "linalg": _linalg,
    "iota": lambda run, op: np.arange(run.number(size_of(op.axes[0]))),
    "fill": lambda run, op: np.full(run.shape(op.axes), run.operand(op.args[0]), run.dtype),
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": lambda run, op: _reduced(run, op, _log_sum_exp),
}

"""The kinds of operations: what each has to look like, and the check of a whole program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sympy as sp

from symgrad.errors import SymgradError
from symgrad.mathematics.equations import shapes_of
from symgrad.mathematics.positions import Cut, Detail, Window, fits
from symgrad.mathematics.sizes import Size, same
from symgrad.program.program import (
    CHECKS,
    UNIT,
    Axes,
    Literal,
    Op,
    Program,
    Ref,
    broadcast,
    broadcasts,
    indexed_axes,
    labels,
    matmul_axes,
    reshaped,
    rooms,
    shown,
    size_of,
)

# Verification


class ProgramError(SymgradError):
    """A program that is not well formed: a defect of a pass, not of a spec."""


def verified(program: Program) -> Program:
    """The program itself, after a look at every operation."""
    shapes = shapes_of(program.inputs)
    for op in program.ops:
        for problem in _problems(op, shapes):
            raise ProgramError(f"{problem}\n  in {op}\n{_around(program, op)}")
        shapes[op.name] = op.shape
    for name in program.outputs:
        if name not in shapes:
            raise ProgramError(f"the output {name} is never computed")
    return program


def _around(program: Program, op: Op, lines: int = 5) -> str:
    at = program.ops.index(op)
    return "\n".join(f"    {o}" for o in program.ops[max(0, at - lines) : at + lines])


def _problems(op: Op, shapes: Mapping[str, tuple[Size, ...]]) -> Iterator[str]:
    if op.name in shapes:
        yield f"{op.name} is computed twice"
    for ref in op.reads:
        if ref.name not in shapes:
            yield f"{ref.name} is read before it is computed"
        elif not _have_shape(ref.axes, shapes[ref.name]):
            yield f"{shown(ref)} has the shape {shapes[ref.name]}"
    if op.problem:
        yield op.problem


def _have_shape(axes: Axes, shape: Sequence[Size]) -> bool:
    sizes = tuple(map(size_of, axes))
    if sizes == shape:
        return True
    return len(sizes) == len(shape) and all(map(same, sizes, shape))


def _map(op: Op) -> str:
    shapes = [r.axes for r in op.reads]
    if not all(broadcasts(axes, op.axes) for axes in shapes):
        return "an argument does not line up with the result"
    return "" if broadcast(shapes) == op.axes else "the result has other axes than its arguments"


def _contract(op: Op) -> str:
    known = {a for r in op.reads for a in labels(r.axes)}
    return "" if known >= set(labels(op.axes)) else "the result has a label of no argument"


def _matmul(op: Op) -> str:
    if len(op.args) != 2 or not all(isinstance(a, Ref) and a.axes for a in op.args):
        return "a matrix product takes two arrays"
    x, y = op.reads
    return "" if matmul_axes(x.axes, y.axes) == op.axes else "the axes do not fit a matrix product"


def _reduce(op: Op) -> str:
    (source,) = op.reads
    gone = set(labels(source.axes)) - set(labels(op.axes))
    kept = tuple(UNIT if a in gone else a for a in source.axes)
    dropped = tuple(a for a in source.axes if a not in gone)
    whole = not labels(op.axes) and op.axes == ()
    fits = whole or op.axes in (kept, dropped)
    return "" if fits else "axes are reduced, and others changed"


def _same_labels(op: Op) -> str:
    (source,) = op.reads
    mine, theirs = labels(op.axes), labels(source.axes)
    same = len(mine) == len(theirs) and set(mine) == set(theirs)
    return "" if same else "a view has the labels of its source"


def _expand(op: Op) -> str:
    (source,) = op.reads
    return "" if broadcasts(source.axes, op.axes) else "the source does not line up"


def _same_axes(op: Op) -> str:
    return "" if op.reads[0].axes == op.axes else "the result has other axes than its argument"


def _gather(op: Op) -> str:
    source = op.reads[0]
    return "" if indexed_axes(op, source.axes) == op.axes else "the result has other axes"


def _scatter(op: Op) -> str:
    base, values = op.args[:2]
    if not isinstance(base, Ref) or base.axes != op.axes:
        return "the result has other axes than its base"
    if isinstance(values, Ref) and not broadcasts(values.axes, indexed_axes(op, op.axes)):
        return "the values do not line up with their places"
    return ""


def _take(op: Op) -> str:
    return "" if op.reads[1].axes == op.axes else "the result has not the axes of its places"


def _put(op: Op) -> str:
    base, values, places = op.reads
    if base.axes != op.axes:
        return "the result has other axes than its base"
    return "" if values.axes == places.axes else "the values do not line up with their places"


def _stray(axes: Axes, detail: Sequence[Detail]) -> str:
    """What is wrong with the parts that an operation reads or writes."""
    if len(axes) != len(detail):
        return "there is not one part for each axis"
    parts = zip(axes, detail, strict=True)
    stray = any(isinstance(p, (Cut, Window)) and not fits(p, size_of(a)) for a, p in parts)
    return "a part lies outside of its axis" if stray else ""


def _part(op: Op) -> str:
    """A slice, or windows."""
    axes = op.reads[0].axes
    if problem := _stray(axes, op.detail):
        return problem
    found = rooms(axes, op.detail)
    good = len(found) == len(op.axes) and all(
        mine == kept if kept is not None else mine not in labels(axes) and same(size_of(mine), size)
        for mine, (kept, size) in zip(op.axes, found, strict=True)
    )
    return "" if good else "the result has other axes than its parts"


def _place(op: Op) -> str:
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


def _reshape(op: Op) -> str:
    (source,) = op.reads
    pairs = reshaped(source.axes, op.axes)
    return "" if pairs is not None else "the result has not the entries of its argument in order"


def _join(op: Op) -> str:
    (axis,) = op.detail
    assert isinstance(axis, int)
    others = op.axes[:axis] + op.axes[axis + 1 :]
    stacked = op.function == "stack"
    total: sp.Expr = sp.S.Zero
    for ref in op.args:
        if not isinstance(ref, Ref):
            return "arrays are joined, not numbers"
        rest = ref.axes if stacked else ref.axes[:axis] + ref.axes[axis + 1 :]
        if rest != others or len(ref.axes) != len(op.axes) - stacked:
            return "the arrays have other axes than the result"
        total += 1 if stacked else size_of(ref.axes[axis])
    return "" if same(total, size_of(op.axes[axis])) else "the arrays do not fill the axis"


def _diagonal(op: Op) -> str:
    (source,) = op.reads
    row, column = op.axes if len(op.axes) == 2 else (UNIT, UNIT)
    fits = source.axes == (row,) and row != column and size_of(row) == size_of(column)
    return "" if fits else "a vector goes on the diagonal of a matrix"


def _eye(op: Op) -> str:
    fits = len(op.axes) == 2 and not op.args and len({size_of(a) for a in op.axes}) == 1
    return "" if fits else "a unit matrix is a square"


def _linalg(op: Op) -> str:
    matrix = op.args[0]
    if not isinstance(matrix, Ref) or len(labels(matrix.axes[-2:])) != 2:
        return "a function of matrices takes an array of them"
    *lead, row, column = matrix.axes
    if size_of(row) != size_of(column):
        return "the matrices are no squares"
    if op.function == "solve":
        return _solve(op, tuple(lead), row, column)
    if op.function in ("inv", "cholesky"):
        square = len({size_of(a) for a in (row, *op.axes[-2:])}) == 1
        good = op.axes[:-2] == tuple(lead) and square
        return "" if good else "the result has not the axes of its matrices"
    return "" if op.axes == tuple(lead) else "there is one number for each matrix"


def _solve(op: Op, lead: Axes, row: sp.Expr, column: sp.Expr) -> str:
    right = op.args[1]
    if not isinstance(right, Ref):
        return "the right-hand side is an array"
    if len(right.axes) == 1:
        fits = right.axes == (row,) and op.axes == (column,) and not lead
        return "" if fits else "a vector is the right-hand side of one matrix alone"
    *batch, mine, last = right.axes
    together = broadcast([lead, tuple(batch)])
    lined_up = broadcasts(lead, together) and broadcasts(tuple(batch), together)
    fits = mine == row and lined_up and op.axes == (*together, column, last)
    return "" if fits else "the axes do not fit a system of equations"


def _iota(op: Op) -> str:
    return "" if len(op.axes) == 1 and not op.args else "counting goes along one axis"


def _fill(op: Op) -> str:
    fits = len(op.args) == 1 and isinstance(op.args[0], Literal)
    return "" if fits else "an array is filled with one number"


CHECKS.update(
    {
        "map": _map,
        "contract": _contract,
        "matmul": _matmul,
        "reduce": _reduce,
        "view": _same_labels,
        "expand": _expand,
        "copy": _same_axes,
        "gather": _gather,
        "scatter": _scatter,
        "take": _take,
        "put": _put,
        "slice": _part,
        "windows": _part,
        "reshape": _reshape,
        "place": _place,
        "join": _join,
        "iota": _iota,
        "eye": _eye,
        "diagonal": _diagonal,
        "triangle": _same_axes,
        "cumsum": _same_axes,
        "products_of_others": _same_axes,
        "linalg": _linalg,
        "fill": _fill,
        "softmax": _same_axes,
        "log_softmax": _same_axes,
        "logsumexp": _reduce,
    }
)

"""The program: an ordered list of single array operations, every axis labelled with an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal as OneOf

import sympy as sp

from symgrad.affine import Cut, Detail, Window, fits, same
from symgrad.equations import DType, Variable
from symgrad.errors import SymgradError
from symgrad.indices import Index, Size

UNIT = sp.S.One
"""The label of an axis of size 1."""

Axes = tuple[sp.Expr, ...]
"""A label for each axis: an Index, or UNIT.  Labels mean something inside one operation only."""

Kind = OneOf[
    "map",  # one function of entries, broadcast as NumPy does; detail: more arguments, as numbers
    "contract",  # the sum of a product over the labels that the result does not have
    "matmul",  # such a sum in the form of NumPy's @
    "reduce",  # a function along axes, which are dropped or kept with size 1
    "view",  # the same entries, axes reordered, unit axes put in or taken out
    "expand",  # the same entries, repeated along new axes
    "copy",  # the same entries in an array of their own
    "gather",  # source[positions]; detail: for each axis None, or which argument indexes it
    "scatter",  # base with values added or subtracted at positions; detail as for gather
    "take",  # the entries at some places of the source, counted row by row
    "put",  # base with such entries set
    "slice",  # source[cuts]; detail: for each axis None or a Cut; a cut axis has a label of its own
    "windows",  # detail: for each axis None or a Window; positions stay in place, windows go last
    "reshape",  # the same entries in the same order, some axes taken apart or laid out as one
    "place",  # base with values set, added or subtracted at cuts or windows; detail for each axis
    "join",  # arrays one after the other along the axis in detail: concatenate or stack
    "iota",  # 0, 1, 2, ... along one axis
    "eye",  # 1 on the diagonal
    "diagonal",  # a vector on the diagonal of a matrix of zeros
    "triangle",  # tril or triu of the last two axes; detail: which diagonal
    "cumsum",  # along the axis in detail
    "linalg",  # inv, det, sign, logdet, cholesky of the last two axes; solve: of two arrays
    "fill",  # one number everywhere
    "softmax",  # along the axes in detail, as are the next two
    "log_softmax",
    "logsumexp",
]


CHANGES = frozenset({"scatter", "put", "place"})
"""Kinds that change their first argument in place."""


@dataclass(frozen=True)
class Ref:
    """A value that an operation reads, its axes labelled."""

    name: str
    axes: Axes = ()


@dataclass(frozen=True)
class Literal:
    """A number, or an expression over sizes."""

    value: sp.Expr


Operand = Ref | Literal


@dataclass(frozen=True)
class Op:
    """``name[axes] = kind(args)``; ``hint``: what to call a value that has no name of its own."""

    name: str
    kind: Kind
    args: tuple[Operand, ...]
    axes: Axes
    function: str = ""
    detail: tuple[Detail, ...] = ()
    dtype: DType = "float"
    hint: str = ""

    @cached_property
    def shape(self) -> tuple[Size, ...]:
        """The size along each axis."""
        return tuple(size_of(a) for a in self.axes)

    @cached_property
    def reads(self) -> tuple[Ref, ...]:
        """The values among the arguments."""
        return tuple(a for a in self.args if isinstance(a, Ref))

    @property
    def ref(self) -> Ref:
        """The value that it computes."""
        return Ref(self.name, self.axes)

    @cached_property
    def problem(self) -> str:
        """What is wrong with it, whatever it reads; passes that leave it alone need not look."""
        if len(set(labels(self.axes))) != len(labels(self.axes)):
            return "a label stands twice in the result"
        return _RULES[self.kind](self)

    def __str__(self) -> str:
        function = f".{self.function}" if self.function else ""
        detail = f" {list(self.detail)}" if self.detail else ""
        args = ", ".join(map(_shown, self.args))
        return f"{_shown(self.ref)} = {self.kind}{function}({args}){detail}"


@dataclass(frozen=True)
class Program:
    """Operations on inputs, in an order in which each reads only what comes before it."""

    inputs: tuple[Variable, ...]
    ops: tuple[Op, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*map(str, self.ops), f"return {', '.join(self.outputs)}"])

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    @property
    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shape of every value."""
        return {v.name: v.shape for v in self.inputs} | {o.name: o.shape for o in self.ops}

    @property
    def dtypes(self) -> dict[str, DType]:
        """The dtype of every value."""
        return {v.name: v.dtype for v in self.inputs} | {o.name: o.dtype for o in self.ops}

    @property
    def uses(self) -> Counter[str]:
        """How often each value is read; being an output counts as a use."""
        found = Counter(r.name for o in self.ops for r in o.reads)
        found.update(self.outputs)
        return found


def is_temporary(name: str) -> bool:
    """Whether a value has no name of its own: such names are no identifiers."""
    return name.startswith("%")


def is_subscript(op: Op) -> bool:
    """Whether an operation is a subscript of numbers, which copies nothing."""
    return op.kind == "gather" and len(op.reads) == 1


def read_by(op: Op, axes: Axes) -> list[Ref]:
    """What an operation reads, labelled as its reader labels the result."""
    new = dict(zip(op.axes, axes, strict=True))
    return [Ref(r.name, tuple(new.get(a, a) for a in r.axes)) for r in op.reads]


def size_of(axis: sp.Expr) -> Size:
    """The size of the axis that a label stands for."""
    return axis.size if isinstance(axis, Index) else UNIT


def labels(axes: Iterable[sp.Expr]) -> list[Index]:
    """The labels of the axes that are not unit axes."""
    return [a for a in axes if isinstance(a, Index)]


def drop_leading_units(axes: Axes) -> Axes:
    """The same axes as broadcasting sees them."""
    start = next((k for k, a in enumerate(axes) if isinstance(a, Index)), len(axes))
    return axes[start:]


def wanted(known: Iterable[Index], at: Axes) -> Axes:
    """The axes, lined up with ``at``, of a value that has only the labels ``known``."""
    mine = set(known)
    axes = tuple(a if a in mine else UNIT for a in at)
    return axes if mine >= set(labels(at)) else drop_leading_units(axes)


def broadcasts(axes: Axes, onto: Axes) -> bool:
    """Whether NumPy lines up ``axes`` with ``onto`` as the labels say."""
    if len(axes) > len(onto):
        return False
    pairs = zip(reversed(axes), reversed(onto), strict=False)
    return all(mine == theirs for mine, theirs in pairs if isinstance(mine, Index))


def broadcast(shapes: Iterable[Axes]) -> Axes:
    """The axes that arrays with these axes have together."""
    result: list[sp.Expr] = []
    for axes in shapes:
        short = len(axes) - len(result)
        result = [*axes[:short], *result] if short > 0 else result
        for k, axis in enumerate(axes, start=len(result) - len(axes)):
            if isinstance(axis, Index):
                result[k] = axis
    return tuple(result)


# Printing


def _shown(operand: Operand) -> str:
    if isinstance(operand, Literal):
        return str(operand.value)
    if not operand.axes:
        return operand.name
    return f"{operand.name}[{','.join(map(str, operand.axes))}]"


# Verification


class ProgramError(SymgradError):
    """A program that is not well formed: a defect of a pass, not of a spec."""


def verified(program: Program) -> Program:
    """The program itself, after a look at every operation."""
    shapes: dict[str, tuple[Size, ...]] = {v.name: v.shape for v in program.inputs}
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
            yield f"{_shown(ref)} has the shape {shapes[ref.name]}"
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


def matmul_axes(x: Axes, y: Axes) -> Axes | None:
    """The axes of ``x @ y``; None where their labels do not fit."""
    inner = y[-2] if len(y) > 1 else y[-1]
    if x[-1] != inner:
        return None
    rows = x[-2:-1] if len(x) > 1 else ()
    columns = y[-1:] if len(y) > 1 else ()
    batch = broadcast([x[:-2], y[:-2]])
    if not (broadcasts(x[:-2], batch) and broadcasts(y[:-2], batch)):
        return None
    return (*batch, *rows, *columns)


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


def indexed_axes(op: Op, axes: Axes) -> Axes:
    """The axes of ``array[positions]`` in a gather or scatter."""
    positions = [op.args[k] for k in op.detail if isinstance(k, int)]
    return positions_axes(axes, positions, op.detail)


def positions_axes(axes: Axes, positions: Sequence[Operand], detail: Sequence[Detail]) -> Axes:
    """The axes of ``array[positions]``, as NumPy orders them; None in ``detail`` is a slice."""
    places = [k for k, position in enumerate(detail) if position is not None]
    advanced = broadcast([a.axes for a in positions if isinstance(a, Ref)])
    rest = [a for k, a in enumerate(axes) if detail[k] is None]
    together = not places or places == list(range(places[0], places[-1] + 1))
    start = places[0] if places and together else 0
    return (*rest[:start], *advanced, *rest[start:])


# Parts of arrays

Room = tuple[sp.Expr | None, Size]
"""An axis of a part: the label that it keeps, or None where it is cut; and its size."""


def rooms(axes: Axes, detail: Sequence[Detail]) -> list[Room]:
    """The axes of ``array[cuts]``; those inside windows last."""
    found: list[Room] = []
    for axis, part in zip(axes, detail, strict=True):
        if part is None:
            found.append((axis, size_of(axis)))
        elif isinstance(part, (Cut, Window)) and part.count is not None:
            found.append((None, part.count))
    return found + [(None, part.length) for part in detail if isinstance(part, Window)]


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


def reshaped(source: Axes, target: Axes) -> list[tuple[list[Index], list[Index]]] | None:
    """The runs of axes that take each other's place; None where the entries change their order."""
    old, new = labels(source), labels(target)
    common = [a for a in old if a in new]
    if common != [a for a in new if a in old]:
        return None
    runs = []
    for label in [*common, None]:
        mine, theirs = _until(old, label), _until(new, label)
        if not same(sp.Mul(*map(size_of, mine)), sp.Mul(*map(size_of, theirs))):
            return None
        runs += [(mine, theirs)] if mine or theirs else []
    return runs


def _until(axes: list[Index], label: Index | None) -> list[Index]:
    """Take away all up to a label, and answer with what stood before it."""
    found = []
    while axes and (axis := axes.pop(0)) != label:
        found.append(axis)
    return found


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


_RULES: dict[str, Callable[[Op], str]] = {
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
    "linalg": _linalg,
    "fill": _fill,
    "softmax": _same_axes,
    "log_softmax": _same_axes,
    "logsumexp": _reduce,
}

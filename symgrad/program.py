"""The program: an ordered list of single array operations, every axis labelled with an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

import sympy as sp

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
    "iota",  # 0, 1, 2, ... along one axis
    "fill",  # one number everywhere
    "softmax",  # along the axes in detail, as are the next two
    "log_softmax",
    "logsumexp",
]


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
    detail: tuple[int | None, ...] = ()
    dtype: DType = "float"
    hint: str = ""

    @property
    def shape(self) -> tuple[Size, ...]:
        """The size along each axis."""
        return tuple(size_of(a) for a in self.axes)

    @property
    def reads(self) -> tuple[Ref, ...]:
        """The values among the arguments."""
        return tuple(a for a in self.args if isinstance(a, Ref))

    @property
    def ref(self) -> Ref:
        """The value that it computes."""
        return Ref(self.name, self.axes)

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
        elif tuple(size_of(a) for a in ref.axes) != shapes[ref.name]:
            yield f"{_shown(ref)} has the shape {shapes[ref.name]}"
    if len(set(labels(op.axes))) != len(labels(op.axes)):
        yield "a label stands twice in the result"
    problem = _RULES[op.kind](op)
    if problem:
        yield problem


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


def indexed_axes(op: Op, axes: Axes) -> Axes:
    """The axes of ``array[positions]`` in a gather or scatter."""
    return positions_axes(axes, [op.args[k] for k in op.detail if k is not None], op.detail)


def positions_axes(axes: Axes, positions: Sequence[Operand], detail: Sequence[int | None]) -> Axes:
    """The axes of ``array[positions]``, as NumPy orders them; None in ``detail`` is a slice."""
    places = [k for k, position in enumerate(detail) if position is not None]
    advanced = broadcast([a.axes for a in positions if isinstance(a, Ref)])
    rest = [a for k, a in enumerate(axes) if detail[k] is None]
    together = not places or places == list(range(places[0], places[-1] + 1))
    start = places[0] if places and together else 0
    return (*rest[:start], *advanced, *rest[start:])


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
    "iota": _iota,
    "fill": _fill,
    "softmax": _same_axes,
    "log_softmax": _same_axes,
    "logsumexp": _reduce,
}

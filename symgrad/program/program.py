"""The program: an ordered list of single array operations, every axis labelled with an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import sympy as sp

from symgrad.mathematics.equations import DType, Variable, shapes_of
from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Detail, Window
from symgrad.mathematics.sizes import Size, same, with_numbers

UNIT = sp.S.One
"""The label of an axis of size 1."""

Axes = tuple[sp.Expr, ...]
"""A label for each axis: an Index, or UNIT.  Labels mean something inside one operation only."""


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
    """``name[axes] = kind(args)``; ``hint``: what to call a value that has no name of its own.

    ``kind`` is one of :data:`symgrad.program.kinds.KINDS`, where it says what ``function`` and
    ``detail`` are.
    """

    name: str
    kind: str
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

    def __str__(self) -> str:
        function = f".{self.function}" if self.function else ""
        detail = f" {list(self.detail)}" if self.detail else ""
        args = ", ".join(map(shown, self.args))
        return f"{shown(self.ref)} = {self.kind}{function}({args}){detail}"


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

    @cached_property
    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shape of every value."""
        return shapes_of(self.inputs, self.ops)

    @cached_property
    def dtypes(self) -> dict[str, DType]:
        """The dtype of every value."""
        return {v.name: v.dtype for v in self.inputs} | {o.name: o.dtype for o in self.ops}

    @cached_property
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


def arguments_by(op: Op, axes: Axes) -> tuple[Operand, ...]:
    """The arguments of an operation, labelled as its reader labels the result."""
    refs = iter(read_by(op, axes))
    return tuple(a if isinstance(a, Literal) else next(refs) for a in op.args)


def stored(ops: Mapping[str, Op], ref: Ref) -> Ref:
    """The array that a view shows, or a view of it."""
    op = ops.get(ref.name)
    while op is not None and op.kind == "view":
        (ref,) = read_by(op, ref.axes)
        op = ops.get(ref.name)
    return ref


def size_of(axis: sp.Expr) -> Size:
    """The size of the axis that a label stands for."""
    return axis.size if isinstance(axis, Index) else UNIT


@lru_cache(maxsize=4096)
def count(shape: tuple[Size, ...]) -> sp.Expr:
    """How many entries an array has."""
    return with_numbers(sp.Mul(*shape))


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
    """Whether broadcasting lines up ``axes`` with ``onto`` as the labels say."""
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


def shown(operand: Operand) -> str:
    """An operand as messages show it."""
    if isinstance(operand, Literal):
        return str(operand.value)
    if not operand.axes:
        return operand.name
    return f"{operand.name}[{','.join(map(str, operand.axes))}]"


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


def indexed_axes(op: Op, axes: Axes) -> Axes:
    """The axes of ``array[positions]`` in a gather or scatter."""
    positions = [op.args[k] for k in op.detail if isinstance(k, int)]
    return positions_axes(axes, positions, op.detail)


def positions_axes(axes: Axes, positions: Sequence[Operand], detail: Sequence[Detail]) -> Axes:
    """The axes of ``array[positions]``, in the order of NumPy; None in ``detail`` is a slice."""
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

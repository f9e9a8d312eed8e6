"""Passes: functions from program to program, each verified before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import sympy as sp

from symgrad.mathematics.calls import evaluated, parsed
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.reductions import LEAVES
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import contracted
from symgrad.program.infinite import guarded
from symgrad.program.kinds import KINDS
from symgrad.program.kinds.entries import BOOLEAN
from symgrad.program.loop import inside, pruned
from symgrad.program.lower import lower
from symgrad.program.program import (
    UNIT,
    Literal,
    Op,
    Operand,
    Program,
    Ref,
    is_subscript,
    is_temporary,
    labels,
    size_of,
)
from symgrad.program.verification import verified

Rewrite = Callable[[Builder, Op], Ref | None]
"""The value of an operation in a new program; None where it stays as it is."""


def compiled(
    variables: Iterable[Variable], equations: Iterable[Equation], outputs: Iterable[str]
) -> Program:
    """The equations as operations on arrays, in functions that a target has or brings."""
    *_, (_, program) = stages(variables, equations, outputs)
    return program


def stages(
    variables: Iterable[Variable], equations: Iterable[Equation], outputs: Iterable[str]
) -> Iterator[tuple[str, Program]]:
    """The program as it is lowered, and after each pass, by the name of the pass."""
    program = lower(variables, equations, outputs)
    yield "lowered", program
    for transform in (alive, planned, traces, expanded, typed, alive, owned):
        program = everywhere(transform, program)
        yield transform.__name__, program


def everywhere(transform: Callable[[Program], Program], program: Program) -> Program:
    """A program and those inside of it, changed."""
    return transform(inside(program, lambda inner: everywhere(transform, inner)))


def for_outputs(program: Program, outputs: Iterable[str]) -> Program:
    """The part of a program that some outputs need."""
    return everywhere(owned, alive(replace(program, outputs=tuple(outputs))))


def rewritten(program: Program, rewrite: Rewrite) -> Program:
    """The program with each operation replaced by what ``rewrite`` builds for it."""
    builder = Builder(program.inputs)
    names: dict[str, str] = {}
    for op in program.ops:
        args = tuple(_renamed(a, names) for a in op.args)
        op = replace(op, args=args)
        value = rewrite(builder, op) or rebuilt(builder, op)
        value = builder.view(value, op.axes)
        if not is_temporary(op.name):
            value = builder.name(value, op.name)
        names[op.name] = value.name
    return builder.program(program.outputs)


def _renamed(operand: Operand, names: dict[str, str]) -> Operand:
    if isinstance(operand, Literal):
        return operand
    return Ref(names.get(operand.name, operand.name), operand.axes)


def rebuilt(builder: Builder, op: Op) -> Ref:
    """The operation as it is."""
    if op.kind == "view":
        return builder.view(op.reads[0], op.axes)
    return builder.add(
        op.kind, op.args, op.axes, function=op.function, detail=op.detail, hint=op.hint
    )


# Values that nobody needs


def alive(program: Program) -> Program:
    """Without the operations that no output needs."""
    needed = set(program.outputs)
    kept: list[Op] = []
    for op in reversed(program.ops):
        if op.name in needed:
            kept.append(op)
            needed.update(r.name for r in op.reads)
    found = replace(program, ops=tuple(reversed(kept)))
    if (fewer := pruned(found, alive)).ops != found.ops:
        return alive(fewer)
    return verified(found)


# Traces


def traces(program: Program) -> Program:
    """The sum of the entries of a matrix at equal positions, which has a function of its own."""
    uses = program.uses

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "reduce" or op.function != "sum" or op.axes:
            return None
        (source,) = op.reads
        matrix = _diagonal_of(builder, builder.ops.get(source.name))
        if matrix is None or uses[source.name] > 1:
            return None
        return builder.add("trace", (matrix,), ())

    return alive(rewritten(program, rewrite))


def _diagonal_of(builder: Builder, op: Op | None) -> Ref | None:
    """The square matrix of which an operation picks the whole diagonal."""
    if op is None or op.kind != "gather" or len(op.args) != 3 or op.args[1] != op.args[2]:
        return None
    matrix, rows, _ = op.reads
    places = builder.ops.get(rows.name)
    sizes = {size_of(a) for a in (*matrix.axes, *rows.axes)}
    whole = places is not None and places.kind == "iota" and len(sizes) == 1
    return matrix if whole and len(matrix.axes) == 2 else None


# Contractions


def planned(program: Program) -> Program:
    """Contractions as sums, products, and matrix products of two arrays, in a cheap order."""
    return rewritten(program, lambda b, op: contracted(b, op) if op.kind == "contract" else None)


# Functions


def expanded(program: Program) -> Program:
    """Leaf functions, softmax and its relatives written out in functions that a target has."""
    found = guarded(program, _OF_EXPONENTIALS)

    def expand(builder: Builder, op: Op) -> Ref | None:
        if op.kind in _OF_EXPONENTIALS:
            parts = _exponentials(builder, op, guard=op.name in found)
            return _OF_EXPONENTIALS[op.kind](builder, *parts)
        if op.kind == "map" and op.function in _TEXTS:
            return _function(builder, op)
        return None

    return rewritten(program, expand)


def _exponentials(builder: Builder, op: Op, *, guard: bool) -> tuple[Ref, Ref, Ref, Ref]:
    """The maximum, what is left without it, the exponentials of that, and their sum."""
    (z,) = op.reads
    gone = {a for a in labels(z.axes) if a not in labels(op.axes)} | {z.axes[k] for k in op.detail}  # type: ignore[index]
    kept = tuple(UNIT if a in gone else a for a in z.axes)
    kept = kept if labels(kept) else ()
    maximum = builder.add("reduce", (z,), kept, function="max", hint="m")
    finite = _is_finite(builder, maximum) if guard else None
    shift = maximum if finite is None else _shift(builder, maximum, finite)
    shifted = builder.add("map", (z, shift), z.axes, function="subtract", hint="shifted")
    e = builder.add("map", (shifted,), z.axes, function="exp", hint="e")
    s = builder.add("reduce", (e,), kept, function="sum", hint="s")
    if finite is not None:
        args = (finite, s, Literal(sp.S.One))
        s = builder.add("map", args, kept, function="where", hint="total")
    return maximum, shifted, e, s


def _is_finite(builder: Builder, maximum: Ref) -> Ref:
    size = builder.map("abs", maximum)
    args = (size, Literal(INFINITY))
    return builder.add("map", args, maximum.axes, function="less", hint="finite")


def _shift(builder: Builder, maximum: Ref, finite: Ref) -> Ref:
    """The maximum where it is finite; of nothing but -∞ all exponentials are to be 0.

    NaN in place of ∞, since ∞ - ∞ would be NaN with a warning.
    """
    nothing = builder.map("less", maximum, Literal(sp.S.Zero))
    other = builder.map("where", nothing, Literal(sp.S.Zero), Literal(sp.nan))
    args = (finite, maximum, other)
    return builder.add("map", args, maximum.axes, function="where", hint="shift")


def _softmax(builder: Builder, maximum: Ref, shifted: Ref, e: Ref, s: Ref) -> Ref:
    return builder.map("divide", e, s)


def _log_softmax(builder: Builder, maximum: Ref, shifted: Ref, e: Ref, s: Ref) -> Ref:
    return builder.map("subtract", shifted, builder.map("log", s))


def _logsumexp(builder: Builder, maximum: Ref, shifted: Ref, e: Ref, s: Ref) -> Ref:
    return builder.map("add", maximum, builder.map("log", s))


_OF_EXPONENTIALS = {"softmax": _softmax, "log_softmax": _log_softmax, "logsumexp": _logsumexp}
"""Kinds that share their parts: with all three, there are one maximum and one sum."""


_TEXTS = {leaf.cls.__name__: leaf.stable for leaf in LEAVES.values()}


def _function(builder: Builder, op: Op) -> Ref:
    """A leaf function as its record's text says."""
    given = dict(zip("xyz", op.args, strict=False))
    value = evaluated(
        parsed(_TEXTS[op.function]),
        given,
        call=lambda function, args: builder.map(function, *args),
        number=lambda value: Literal(sp.Rational(str(value))),
    )
    assert isinstance(value, Ref)
    return value


# Types


def typed(program: Program) -> Program:
    """Truth values and integers become numbers where they would be computed with as such."""
    program = rewritten(program, _cast_arguments)
    counted = {o for o in program.outputs if program.dtypes[o] != "float"}

    def cast_output(builder: Builder, op: Op) -> Ref | None:
        return builder.map("cast", rebuilt(builder, op)) if op.name in counted else None

    return rewritten(program, cast_output) if counted else program


def _cast_arguments(builder: Builder, op: Op) -> Ref | None:
    """Truth values beside floats may stay, but NumPy's linear algebra takes them as float64."""
    if op.function in BOOLEAN | _ANY or op.dtype == "int":
        return None
    kind = KINDS[op.kind]
    first, last = _FIRST_NUMBER.get(op.function, 0), min(kind.computes_with, len(op.args))
    types = [builder.dtypes[a.name] if isinstance(a, Ref) else "number" for a in op.args]
    if first >= last or (op.function == "multiply" and set(types) == {"bool"}):
        return None
    has_float = "float" in types[first:last] and not kind.changes and op.kind != "linalg"
    counted = {"int"} if has_float else {"int", "bool"}
    args = tuple(
        builder.map("cast", a) if isinstance(a, Ref) and found in counted else a
        for a, found in zip(op.args[first:last], types[first:last], strict=True)
    )
    return rebuilt(builder, replace(op, args=(*op.args[:first], *args, *op.args[last:])))


_FIRST_NUMBER = {"where": 1}
"""The first argument that is computed with, where it is not argument 0."""

_ANY = {"cast", "max", "min"}
"""Functions that take any type."""


# Memory


def owned(program: Program) -> Program:
    """Outputs that are no view of an input or of each other; arrays that may be written into."""
    uses, outputs = program.uses, frozenset(program.outputs)
    makers = {o.name: o for o in program.ops}
    taken = {v.name for v in program.inputs}
    copied: list[Op] = []
    taken_from: Counter[str] = Counter()
    for op in program.ops:
        if op.kind == "take":  # what it gives is in memory of its own
            taken_from[op.reads[0].name] += 1
        base = op.reads[0].name if KINDS[op.kind].changes else ""
        if base and not _is_fresh(base, makers, uses[base] - taken_from[base]):
            copied.append(_copy(op.reads[0], f"%{len(copied)}{op.reads[0].name}"))
            op = replace(op, args=(copied[-1].ref, *op.args[1:]))
        elif op.name in outputs:
            root = _storage(op.name, makers)
            if root in taken and op.axes:
                op = replace(op, name=f"%{op.name}")
                copied += [op, _copy(op.ref, op.name[1:])]
                continue
            taken.add(root)
        copied.append(op)
    return verified(replace(program, ops=tuple(copied)))


def _copy(source: Ref, name: str) -> Op:
    return Op(name, "copy", (source,), source.axes)


def _is_fresh(name: str, makers: dict[str, Op], uses: int) -> bool:
    op = makers.get(name)
    return op is not None and uses == 1 and not (KINDS[op.kind].is_view or op.kind == "gather")


def _storage(name: str, makers: dict[str, Op]) -> str:
    """The value whose memory a value is in."""
    op = makers.get(name)
    while op is not None and (KINDS[op.kind].is_view or is_subscript(op)):
        name = op.reads[0].name
        op = makers.get(name)
    return name

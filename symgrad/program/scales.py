"""Numbers and divisors where they cost least: on small arrays, and after sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.kinds import KINDS
from symgrad.program.passes import alive, owned, rebuilt, rewritten
from symgrad.program.program import Literal, Op, Program, Ref, is_temporary, labels, read_by, stored

MANY = 4096
"""Entries from which on one pass over an array less is worth a line more.

In µs, of 4,096 entries over a number for each row of 64 1.9 divided, 1.1 multiplied by its inverse;
of 262,144 150 and 75 (float64, one thread).
"""

SMALL = 8
"""So many times fewer entries has a small array."""


def divisors_of_rows_as_factors(program: Program) -> Program:
    """x / y is x (1/y) for a smaller y, and c (x y) is x (c y).

    Where y is known to be far from 0: the inverse of a number that is almost 0 is none.
    """
    if all(cost(o.axes) < MANY for o in program):
        return program
    uses = program.uses
    before: dict[str, str] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "map" or cost(op.axes) < MANY:
            return None
        factors = _inverted(builder, op) or _rescaled(builder, op, once)
        made = op if factors is None else replace(op, args=factors, function="multiply")
        found = rebuilt(builder, made)
        if is_temporary(op.name):
            before[found.name] = op.name
        return found

    def once(name: str) -> bool:
        return uses[before.get(name, "")] == 1

    return owned(alive(rewritten(program, rewrite)))


def _inverted(builder: Builder, op: Op) -> tuple[Ref, Ref] | None:
    """An array and the inverse of what it is divided by."""
    if op.function != "divide" or len(op.reads) != 2:
        return None
    x, y = op.reads
    good = _is_small(y, op) and _is_far_from_zero(builder, y)
    return (x, builder.map("divide", Literal(sp.S.One), y)) if good else None


def _rescaled(builder: Builder, op: Op, once: Callable[[str], bool]) -> tuple[Ref, ...] | None:
    """The arrays of a product that a number multiplies, the smaller one multiplied."""
    number = scale_of(op)
    inner = builder.ops.get(op.reads[0].name) if number is not None else None
    if number is None or inner is None or inner.function != "multiply" or not once(inner.name):
        return None
    factors = read_by(inner, op.reads[0].axes)
    small = next((k for k, f in enumerate(factors) if _is_small(f, op)), None)
    if small is None or len(factors) != 2:
        return None
    factors[small] = _times(builder, factors[small], number)
    return tuple(factors)


def _is_small(ref: Ref, op: Op) -> bool:
    return 0 < SMALL * cost(ref.axes) <= cost(op.axes) and bool(labels(ref.axes))


def scale_of(op: Op) -> sp.Expr | None:
    """The number by which an operation multiplies an array."""
    if op.kind != "map" or len(op.reads) != 1 or op.reads[0].axes != op.axes:
        return None
    if op.function == "negative":
        return sp.S.NegativeOne
    numbers = [a.value for a in op.args if isinstance(a, Literal)]
    if op.function == "multiply":
        return numbers[0]
    return 1 / numbers[0] if op.function == "divide" and op.args[0] == op.reads[0] else None


def _times(builder: Builder, ref: Ref, number: sp.Expr) -> Ref:
    if number == -1:
        return builder.map("negative", ref)
    return builder.map("multiply", ref, Literal(number))


# What is known not to be almost 0


def _is_far_from_zero(builder: Builder, ref: Ref) -> bool:
    """Whether a value is far from 0 for any finite inputs: √(x² + ε), or the sum of a softmax."""
    ref = stored(builder.ops, ref)
    op = builder.ops.get(ref.name)
    if op is None:
        return False
    if op.function == "sqrt":
        return _is_far_from_zero(builder, op.reads[0])
    if op.function == "add" and len(op.reads) == 1:
        (number,) = (a.value for a in op.args if isinstance(a, Literal))
        return bool(number.is_number and number >= LEAST) and _is_not_negative(builder, op.reads[0])
    return op.kind == "reduce" and op.function == "sum" and is_of_softmax(builder.ops, op.reads[0])


LEAST = sp.Float("1e-30")
"""Far from 0 in float32 too."""


def is_of_softmax(ops: Mapping[str, Op], ref: Ref) -> bool:
    """Whether an array is exp(z - max z): one of its entries along each row is 1."""
    power = ops.get(ref.name)
    shifted = ops.get(power.reads[0].name) if power and power.function == "exp" else None
    if shifted is None or shifted.function != "subtract" or len(shifted.reads) != 2:
        return False
    z, m = shifted.reads
    largest = ops.get(stored(ops, m).name)
    found = largest is not None and (largest.kind, largest.function) == ("reduce", "max")
    return found and largest is not None and largest.reads[0].name == z.name


def _is_not_negative(builder: Builder, ref: Ref) -> bool:
    ref = stored(builder.ops, ref)
    op = builder.ops.get(ref.name)
    if op is None:
        return False
    if op.function in ("square", "abs", "exp"):
        return True
    if op.function == "power" and len(op.reads) == 1:
        return bool(op.args[1] == Literal(sp.Integer(2)))
    if op.function == "multiply" and len(op.reads) == 2:
        return op.reads[0] == op.reads[1]
    number = sp.S.One if (op.kind, op.function) == ("reduce", "sum") else scale_of(op)
    return (
        number is not None and bool(number.is_positive) and _is_not_negative(builder, op.reads[0])
    )


# After sums


def scales_after_sums(program: Program) -> Program:
    """c Σ x in place of Σ (c x), where there are only sums, of far fewer entries."""
    readers: dict[str, list[Op]] = defaultdict(list)
    for op in program:
        for ref in op.reads:
            readers[ref.name].append(op)
    chosen = dict(_only_summed(program, readers))
    if not chosen:
        return program
    after = {r.name: number for name, number in chosen.items() for r in readers[name]}
    sources: dict[str, str] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name in chosen:
            value = rebuilt(builder, op)
            sources[value.name] = op.reads[0].name
            return value
        if op.name not in after:
            return None
        args = tuple(Ref(sources.get(r.name, r.name), r.axes) for r in op.reads)
        return _times(builder, rebuilt(builder, replace(op, args=args)), after[op.name])

    return owned(alive(rewritten(program, rewrite)))


def _only_summed(
    program: Program, readers: Mapping[str, Sequence[Op]]
) -> Iterator[tuple[str, sp.Expr]]:
    taken: set[str] = set()
    for op in program:
        number, mine = scale_of(op), readers[op.name]
        if number is None or op.name in program.outputs or not mine or cost(op.axes) < MANY:
            continue
        names = {r.name for r in mine}
        if all(_adds_up(r, op) for r in mine) and len(names) == len(mine) and not names & taken:
            taken |= names
            yield op.name, number


def _adds_up(op: Op, source: Op) -> bool:
    sums = KINDS[op.kind].product or (op.kind == "reduce" and op.function == "sum")
    return sums and SMALL * cost(op.axes) <= cost(source.axes)

"""Which axis of a value lies last in memory, where the program is free to choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symgrad.program.builder import Builder
from symgrad.program.contraction_order import contracted, cost
from symgrad.program.kinds import KINDS, Result
from symgrad.program.kinds.entries import BOOLEAN
from symgrad.program.less_work import turned_after
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import (
    Axes,
    Op,
    Program,
    Ref,
    is_temporary,
    labels,
    stored,
    wanted,
)

LONG = 4
"""So many times as long as the last axis, an axis lies last in its place.

In µs, value and gradients of a mixture of 25 components for 1,000 points of 10 numbers: 850 with
the numbers last, 600 with the points last (float64, one thread).
"""


def long_axes_last(program: Program) -> Program:
    """What is made of smaller arrays, and only summed after, has its longest axis last.

    And so has what is made of its sums: there too functions read their arguments in order.
    """
    chosen = set(_free(program))
    if not chosen:
        return program
    turned: set[str] = set()

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        made = _with_longest_last(builder, op) if op.name in chosen else None
        if made is None and any(stored(builder.ops, r).name in turned for r in op.reads):
            made = _as_stored(builder, op)
        if made is None:
            return turned_after(builder, op)
        if len(labels(made.axes)) > 1 and (op.name in chosen or not KINDS[op.kind].product):
            turned.add(made.name)
        return builder.view(made, op.axes)

    return owned(alive(rewritten(program, rewrite)))


SHORT = 2
"""So many times shorter than the other axis is one along which a softmax goes.

In µs, value and gradients of the same mixture with its squares multiplied out: 120 with 25
components last, 95 with 1,000 points last.
"""


def _free(program: Program) -> list[str]:
    outer = [o.name for o in program if _is_outer(program, o) and _is_only_summed(program, [o])]
    products = [o for o in program if _is_of_short_rows(program, o)]  # of one sum, most often
    return outer + [o.name for o in products if _is_only_summed(program, products)]


def _is_of_short_rows(program: Program, op: Op) -> bool:
    """Whether an operation is a product of matrices, and a softmax goes along its short rows."""
    if not KINDS[op.kind].product or len(op.axes) != 2 or len(labels(op.axes)) != 2:
        return False
    long, short = (cost((a,)) for a in op.axes)
    return long >= SHORT * short and any(
        o.kind == "reduce" and o.function == "max" and labels(o.axes) == labels(o.reads[0].axes[:1])
        for o in _made_of(program, op)
    )


def _is_outer(program: Program, op: Op) -> bool:
    """Whether an operation makes an array of smaller ones, of which one is long."""
    axes = labels(op.axes)
    if op.kind != "map" or len(axes) < 3 or len(op.reads) != 2 or op.dtype != "float":
        return False
    smaller = all(len(labels(r.axes)) < len(axes) for r in op.reads)
    return smaller and max(cost((a,)) for a in axes) >= LONG * cost(axes[-1:])


def _made_of(program: Program, op: Op) -> Iterator[Op]:
    """What is made of a value entry by entry, and what reads that."""
    made = {op.name}
    for reader in program:
        if not made.isdisjoint(r.name for r in reader.reads):
            yield reader
            made |= {reader.name} if _is_of_entries(reader) else set()


def _is_only_summed(program: Program, ops: Sequence[Op]) -> bool:
    """Whether all that reads values, or what is made of them and smaller arrays, adds it up."""
    made, most = {o.name for o in ops}, min(len(labels(o.axes)) for o in ops)
    for reader in program:
        if made.isdisjoint(r.name for r in reader.reads) or _adds_up(reader):
            continue
        whole = {r.name for r in reader.reads if len(labels(r.axes)) >= most}
        if not _is_of_entries(reader) or not whole <= made:
            return False
        made.add(reader.name)
    return made.isdisjoint(program.outputs)


def _adds_up(op: Op) -> bool:
    return KINDS[op.kind].product or KINDS[op.kind].any_layout


def _is_of_entries(op: Op) -> bool:
    """Whether an operation shows an array, or is a function of entries."""
    shown = KINDS[op.kind].result is Result.VIEW
    return shown or (op.kind == "map" and op.function not in BOOLEAN)


def _with_longest_last(builder: Builder, op: Op) -> Ref:
    axes = labels(op.axes)
    last = max(reversed(axes), key=lambda a: cost((a,)))
    at = (*(a for a in axes if a != last), last)
    if KINDS[op.kind].product:
        sources = tuple(stored(builder.ops, r) for r in op.reads)
        return contracted(builder, Op("", "contract", sources, at))
    args = tuple(_in_order(builder, a, at) if isinstance(a, Ref) else a for a in op.args)
    return builder.add("map", args, at, function=op.function, detail=op.detail, hint=hint_of(op))


def _in_order(builder: Builder, ref: Ref, at: Axes) -> Ref:
    """An argument lined up with axes; a copy where it would be read across its memory each time.

    In µs, 1,000 points of 10 numbers less each of 25 means: 584 across, 208 of a copy, which takes
    9 (float64, one thread).
    """
    source = stored(builder.ops, ref)
    mine = wanted(labels(ref.axes), at)
    ordered = tuple(labels(mine))
    if ordered != tuple(labels(source.axes)) and at[-1] in ordered:
        source = builder.add("copy", (builder.view(source, ordered),), ordered)
    return builder.view(source, mine)


def _as_stored(builder: Builder, op: Op) -> Ref | None:
    """An operation that reads arrays as they are stored."""
    kind = KINDS[op.kind]
    if kind.product:
        return _product_as_stored(builder, op)
    if kind.any_layout:
        return _reduced_as_stored(builder, op)
    return _map_as_stored(builder, op) if op.kind == "map" else None


def _map_as_stored(builder: Builder, op: Op) -> Ref | None:
    """A function in the order of the first argument that has all axes."""
    mine = {*labels(op.axes)}
    whole = (stored(builder.ops, r) for r in op.reads if {*labels(r.axes)} == mine)
    first = next(whole, None)
    if first is None:
        return None
    at = tuple(labels(first.axes))
    args = tuple(_in_order(builder, a, at) if isinstance(a, Ref) else a for a in op.args)
    return builder.add("map", args, at, function=op.function, detail=op.detail, hint=hint_of(op))


def _reduced_as_stored(builder: Builder, op: Op) -> Ref:
    source = stored(builder.ops, op.reads[0])
    axes = tuple(a for a in labels(source.axes) if a in op.axes)
    source = builder.view(source, tuple(labels(source.axes)))
    return builder.add(op.kind, (source,), axes, function=op.function, hint=hint_of(op))


def _product_as_stored(builder: Builder, op: Op) -> Ref:
    sources = (stored(builder.ops, r) for r in op.reads)
    args = tuple(builder.view(r, tuple(labels(r.axes))) for r in sources)
    return contracted(builder, Op("", "contract", args, tuple(labels(op.axes))))


def hint_of(op: Op) -> str:
    """What the same value in another order of its axes is called."""
    return op.hint if is_temporary(op.name) else op.name

"""Passes that save work whatever the language: fewer operations, and of fewer entries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import same
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.kinds import KINDS
from symgrad.program.passes import Rewrite, alive, owned, rebuilt, rewritten
from symgrad.program.program import (
    UNIT,
    Literal,
    Op,
    Operand,
    Program,
    Ref,
    broadcast,
    is_temporary,
    labels,
    read_by,
    size_of,
    stored,
)
from symgrad.program.scales import scale_of
from symgrad.program.symmetric import COMMUTATIVE, Symmetry


def remembering(rewrite: Rewrite, before: dict[str, str]) -> Rewrite:
    """The rewriting, and what each new value was called whose uses the old program counts."""

    def remembered(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "map" or not is_temporary(op.name):
            return rewrite(builder, op)
        found = rewrite(builder, op)
        if found is None:
            found = rebuilt(builder, op)
            before[found.name] = op.name
        return found

    return remembered


def has(program: Program, kinds: Collection[str], functions: Collection[str] = ()) -> bool:
    """Whether there is anything to do: a pass that has nothing to do leaves the program alone."""
    return any(o.kind in kinds and (not functions or o.function in functions) for o in program)


# Values that are there


def values_once(program: Program) -> Program:
    """What is computed in two layouts is computed in the first of them, and seen in the other.

    Sums of products too: (A B)ᵀ is Bᵀ Aᵀ.  Of symmetric matrices the order of axes is all one.
    """
    symmetry: list[Symmetry] = []
    known: dict[object, tuple[str, tuple[int | None, ...]]] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if not _has_layouts(op):
            return None
        found = turned_after(builder, op) or _doubled(builder, op) or _scaled_once(builder, op)
        if found is not None:
            return found
        if not symmetry:
            symmetry.append(Symmetry(builder.inputs, builder.ops))
        key, numbers = _without_layout(builder, op, symmetry[0])
        if key in known:
            name, axes = known[key]
            mine = {number: label for label, number in numbers.items()}
            found = Ref(name, tuple(UNIT if a is None else mine[a] for a in axes))
            return builder.view(found, op.axes)
        made = builder.add(
            op.kind, op.args, op.axes, function=op.function, detail=op.detail, hint=op.hint
        )
        known[key] = made.name, tuple(numbers.get(a) for a in made.axes)
        return made

    return owned(alive(rewritten(program, rewrite)))


def _has_layouts(op: Op) -> bool:
    """Whether an operation may give the same in another order of axes."""
    product = KINDS[op.kind].product and len(op.args) == 2
    total = op.kind == "reduce" and op.function == "sum" and len(op.reads[0].axes) > 1
    return product or total or (op.kind == "map" and len(labels(op.axes)) > 1)


def _doubled(builder: Builder, op: Op) -> Ref | None:
    """x + x is 2 x."""
    if op.function != "add" or len(op.reads) != 2 or op.reads[0] != op.reads[1]:
        return None
    return builder.add("map", (Literal(sp.Integer(2)), op.reads[0]), op.axes, function="multiply")


def _scaled_once(builder: Builder, op: Op) -> Ref | None:
    """c (d x) is (c d) x, of numbers."""
    inner = builder.ops.get(op.reads[0].name) if len(op.reads) == 1 else None
    if inner is None or "negative" in (op.function, inner.function):
        return None
    numbers = [scale_of(o) for o in (op, inner)]
    if None in numbers:
        return None
    (source,), number = read_by(inner, op.reads[0].axes), sp.Mul(*numbers)
    if number == 1 and source.axes == op.axes:
        return source
    args = (source,) if number == -1 else (Literal(number), source)
    function = "negative" if number == -1 else "multiply"
    return builder.add("map", args, op.axes, function=function, hint=op.hint)


def linear_once(program: Program) -> Program:
    """A⁻¹ (c b) is c (A⁻¹ b), A (c b) is c (A b), x (c y) is c (x y): where that is there."""
    if not has(program, ("map",), ("multiply", "divide")):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        product = op.function == "multiply" or KINDS[op.kind].product
        linear = op.function == "solve" or (product and len(op.reads) == 2)
        places = range(op.function == "solve", 2) if linear else ()
        return next(filter(None, (_of_unscaled(builder, op, k) for k in places)), None)

    return owned(alive(rewritten(program, rewrite)))


def _of_unscaled(builder: Builder, op: Op, place: int) -> Ref | None:
    """What a product or a solution is without the number that one array is scaled by, scaled."""
    array = op.reads[place]
    seen = stored(builder.ops, array)
    made = builder.ops.get(seen.name)
    if made is None or not _is_scale(made):
        return None
    whole = builder.view(read_by(made, seen.axes)[0], array.axes)
    args = tuple(whole if k == place else a for k, a in enumerate(op.args))
    orders = (args, args[::-1]) if op.function == "multiply" else (args,)
    for order in (o for o in orders if builder.knows(op.kind, o, op.axes, op.function)):
        found = builder.add(op.kind, order, op.axes, function=op.function)
        return builder.map(made.function, *(found if isinstance(a, Ref) else a for a in made.args))
    return None


def turned_after(builder: Builder, op: Op) -> Ref | None:
    """A function of one array in another order of its axes: of the array, and then turned."""
    if op.kind != "map" or len(op.reads) != 1:
        return None
    (seen,) = op.reads
    source = stored(builder.ops, seen)
    if source.axes == seen.axes or sorted(map(str, source.axes)) != sorted(map(str, seen.axes)):
        return None
    args = tuple(source if isinstance(a, Ref) else a for a in op.args)
    made = builder.add(
        op.kind, args, source.axes, function=op.function, detail=op.detail, hint=op.hint
    )
    return builder.view(made, op.axes)


def _without_layout(
    builder: Builder, op: Op, symmetry: Symmetry
) -> tuple[object, dict[sp.Expr, int]]:
    """What an operation computes in any order of axes, and the numbers that labels have there."""
    args = [stored(builder.ops, a) if isinstance(a, Ref) else a for a in op.args]
    if op.function in COMMUTATIVE or KINDS[op.kind].product:
        args.sort(key=lambda a: a.name if isinstance(a, Ref) else "")
    either = [isinstance(a, Ref) and symmetry.is_square(a) for a in args]
    refs = [(e, a) for e, a in zip(either, args, strict=True) if isinstance(a, Ref)]
    numbers: dict[sp.Expr, int] = {}
    for either_way, ref in sorted(refs, key=lambda pair: pair[0]):  # by others, if there are any
        found = labels(ref.axes)
        for label in sorted(found, key=lambda a: a not in op.axes) if either_way else found:
            numbers.setdefault(label, len(numbers))
    parts = tuple(
        (a.name, *_places(numbers, a, either=e)) if isinstance(a, Ref) else a.value
        for e, a in zip(either, args, strict=True)
    )
    kept = frozenset(numbers[a] for a in labels(op.axes))
    return (KINDS[op.kind].product, op.function, op.detail, parts, kept), numbers


def _places(numbers: Mapping[sp.Expr, int], ref: Ref, *, either: bool) -> tuple[object, ...]:
    """The numbers of the axes of an array; the last two in any order."""
    found = [numbers[a] for a in labels(ref.axes)]
    return (*found[:-2], frozenset(found[-2:])) if either else tuple(found)


# What can be told from an output


def masks_from_outputs(program: Program) -> Program:
    """z > 0 is max(z, 0) > 0: so z need not be kept."""
    if not any(map(_is_relu, program)):
        return program
    relus: dict[str, str] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if _is_relu(op):
            relu = builder.map("maximum", *op.args)
            relus[op.reads[0].name] = relu.name
            return relu
        seen = op.args[0] if op.function == "greater" and op.args[1] == _ZERO else None
        source = stored(builder.ops, seen) if isinstance(seen, Ref) else None
        if source is None or source.name not in relus:
            return None
        mask = builder.map("greater", Ref(relus[source.name], source.axes), _ZERO)
        return builder.view(mask, op.axes)

    return owned(alive(rewritten(program, rewrite)))


def _is_relu(op: Op) -> bool:
    return op.function == "maximum" and op.args[1] == _ZERO


_ZERO = Literal(sp.S.Zero)


# Signs


def signs(program: Program) -> Program:
    """-(-x) is x, |-x| is |x|, and -((-x) y) is x y where nothing else reads -x."""
    if not has(program, ("map",), ("negative",)):
        return program
    uses = program.uses

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        source = op.args[0] if op.function in ("negative", "abs") else None
        inner = builder.ops.get(source.name) if isinstance(source, Ref) else None
        if inner is None or not isinstance(source, Ref):
            return None
        read = read_by(inner, source.axes)
        if inner.function == "negative":
            return read[0] if op.function == "negative" else builder.map("abs", read[0])
        if op.function == "abs":
            return None
        for k, factor in enumerate(read if inner.function == "multiply" else ()):
            made = builder.ops.get(factor.name)
            once = made is not None and uses[before.get(made.name, "")] == 1
            if made is not None and once and made.function == "negative" and len(read) == 2:
                (read[k],) = read_by(made, factor.axes)
                return builder.map("multiply", *read)
        return None

    before: dict[str, str] = {}
    return owned(alive(rewritten(program, remembering(rewrite, before))))


# Scales


def scales_on_small_operands(program: Program) -> Program:
    """A number that multiplies a matrix product multiplies the smallest array of it instead."""
    chosen = dict(_small_operands(program))
    made: dict[str, int] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name in chosen:
            product = builder.add("matmul", op.args, op.axes, hint=op.hint)
            made[product.name] = chosen[op.name]
            return product
        place = made.get(op.reads[0].name) if _is_scale(op) else None
        return None if place is None else _scaled(builder, op, place)

    return owned(alive(rewritten(program, rewrite))) if chosen else program


def _small_operands(program: Program) -> Iterator[tuple[str, int]]:
    """Products that are only multiplied by a number, and which of their arrays is scaled instead.

    That is one with fewer entries than the product, or one that is scaled by it already.
    """
    ops = {o.name: o for o in program.ops}
    scales = [o for o in filter(_is_scale, program.ops) if _is_passed(program, ops, o)]
    known: set[object] = set()
    for op in scales:
        small = min(ops[op.reads[0].name].reads, key=lambda r: cost(r.axes))
        if _is_worth_scaling(ops, small, op):
            known.add(_scaling(ops, small, op))
    for op in scales:
        product = ops[op.reads[0].name]
        places = [k for k, r in enumerate(product.reads) if _scaling(ops, r, op) in known]
        if places:
            yield product.name, places[0]


def _is_passed(program: Program, ops: Mapping[str, Op], op: Op) -> bool:
    """Whether an operation scales a product that nothing else reads."""
    product = ops.get(op.reads[0].name)
    once = product is not None and product.kind == "matmul" and is_temporary(product.name)
    return once and program.uses[op.reads[0].name] == 1


def _is_worth_scaling(ops: Mapping[str, Op], small: Ref, op: Op) -> bool:
    """Whether an array is computed, and smaller; half as large where others may read it as it is.

    In µs, a number times 8 products of 128 rows by 128 7, times one of 128 by 256 3 (float32).
    """
    computed = stored(ops, small).name in ops
    kept = 1 if stored(ops, small) == small else 2
    return computed and kept * cost(small.axes) < cost(op.axes)


def _scaling(ops: Mapping[str, Op], ref: Ref, op: Op) -> object:
    return stored(ops, ref).name, op.function, *(a for a in op.args if isinstance(a, Literal))


def _is_scale(op: Op) -> bool:
    """Whether an operation is an array times or over a number."""
    return scale_of(op) is not None


def _scaled(builder: Builder, op: Op, place: int) -> Ref:
    """A scaled product as the product with one array scaled."""
    product = builder.ops[op.reads[0].name]
    args = read_by(product, op.reads[0].axes)
    source = stored(builder.ops, args[place])
    scaled = builder.map(op.function, *(source if isinstance(a, Ref) else a for a in op.args))
    args[place] = builder.view(scaled, args[place].axes)
    return builder.add("matmul", tuple(args), op.axes)


# Entries


def few_entries_first(program: Program) -> Program:
    """Of an array that is read at some entries only, only these are worked out."""
    if not has(program, ("gather",)):
        return program
    uses = program.uses

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "gather" or None in op.detail:
            return None
        base = op.reads[0]
        made = builder.ops.get(base.name)
        once = uses[before.get(base.name, "")] == 1
        if made is None or made.kind != "map" or not once or made.function not in _CHEAP:
            return None
        positions = dict(zip(made.axes, (op.args[k] for k in op.detail if isinstance(k, int)),
                             strict=True))  # fmt: skip
        args = (a if isinstance(a, Literal) else _picked(builder, a, positions) for a in made.args)
        return builder.map(made.function, *args)

    before: dict[str, str] = {}
    return owned(alive(rewritten(program, remembering(rewrite, before))))


_CHEAP = frozenset({"add", "subtract", "multiply", "divide", "negative"})
"""Functions that cost less for an entry than reading it at a position of its own."""


def _picked(builder: Builder, ref: Ref, positions: Mapping[sp.Expr, Operand]) -> Ref:
    """The entries of an argument that stand at positions of the result."""
    whole = builder.view(ref, tuple(labels(ref.axes)))
    mine = [positions[a] for a in whole.axes]
    counting = [
        p.axes[0]
        for p, a in zip(mine, whole.axes, strict=True)
        if isinstance(p, Ref) and _counts(builder, p, a)
    ]
    if len(set(counting)) == len(mine):  # with fewer, it is a diagonal
        return Ref(whole.name, tuple(counting))
    axes = broadcast(p.axes for p in mine if isinstance(p, Ref))
    detail = tuple(range(1, len(mine) + 1))
    return builder.add("gather", (whole, *mine), axes, detail=detail)


def _counts(builder: Builder, position: Ref, axis: Index) -> bool:
    """Whether a position is 0, 1, 2, ... along the whole of an axis."""
    maker = builder.ops.get(position.name)
    is_iota = maker is not None and maker.kind == "iota" and len(position.axes) == 1
    return is_iota and same(size_of(position.axes[0]), axis.size)

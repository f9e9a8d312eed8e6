"""Passes that make a program quicker in NumPy: each a function from program to program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from symgrad.mathematics import indices, sizes
from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import Size
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import contracted, cost
from symgrad.program.kinds import KINDS, Result
from symgrad.program.less_work import (
    few_entries_first,
    has,
    masks_from_outputs,
    remembering,
    scales_on_small_operands,
    signs,
)
from symgrad.program.passes import alive, everywhere, owned, rewritten
from symgrad.program.program import (
    UNIT,
    Axes,
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
)

Pass = Callable[[Program], Program]


def tuned(program: Program, *, plain: bool = False) -> Program:
    """The program after all passes; ``plain``: after those that leave it as easy to read."""
    for step in PLAIN_PASSES if plain else PASSES:
        program = everywhere(step, program)
    return program


# Numbers

NOT_FEW = 256
"""Entries from which on it matters that multiplying is quicker than dividing.

One call in µs, into a buffer, divided and multiplied: of 128 entries 0.58 and 0.58, of 256 0.62 and
0.59, of 1,024 0.93 and 0.72, of 4,096 1.9 and 1.2 (NumPy 2, float64, one thread, as all below).
"""


def divisors_as_factors(program: Program) -> Program:
    """An array over a number is the array times its inverse, which is quicker."""
    if not has(program, ("map",), ("divide", "negative")):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "map" or not op.axes or len(op.reads) != 1 or op.args[0] != op.reads[0]:
            return None
        (x,) = op.reads
        many = cost(op.axes) >= NOT_FEW and builder.dtypes[x.name] == "float"
        if op.function == "divide" and many:
            return builder.map("multiply", x, Literal(1 / op.args[1].value))  # type: ignore[union-attr]
        inner = builder.ops.get(x.name) if op.function == "negative" else None
        if inner is None or inner.function != "multiply" or len(inner.reads) != 1:
            return None
        (number,) = (a for a in inner.args if isinstance(a, Literal))
        (source,) = read_by(inner, x.axes)
        return builder.map("multiply", source, Literal(-number.value))

    return owned(alive(rewritten(program, rewrite)))


# Sums


def sums_as_products(program: Program) -> Program:
    """A sum along one axis of a matrix is its product with a vector of ones.

    In µs, summed and multiplied: 8×8 0.97 and 0.31; 128×64 3.8 and 1.0; 128×512 9.1 and 5.4.
    """
    if not has(program, ("reduce",), ("sum",)):
        return program
    made: dict[tuple[Size, ...], str] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "reduce" or op.function != "sum" or len(op.reads[0].axes) != 2:
            return None
        (source,) = op.reads
        gone = [a for a in labels(source.axes) if a not in op.axes]
        if len(gone) != 1 or len(labels(source.axes)) != 2:
            return None
        kept = len(op.axes) == 2
        first = source.axes[0] == gone[0]
        unit: Axes = (UNIT,) if kept else ()
        axes = (*unit, gone[0]) if first else (gone[0], *unit)
        shape = tuple(map(size_of, axes))
        if shape not in made:
            made[shape] = builder.add("fill", (Literal(sp.S.One),), axes, hint="ones").name
        ones = Ref(made[shape], axes)
        args = (ones, source) if first else (source, ones)
        return builder.add("matmul", args, op.axes)

    return rewritten(program, rewrite)


MANY = 32_768
"""Entries from which on a sum of products along an axis is quicker without the products.

In µs, the products made and summed, made and multiplied by ones, and ``np.einsum``: of 4,096
entries 3.8, 3.6 and 3.2, which is not worth a line that is harder to read; of 32,768 19, 14 and 12;
of 262,144, where the products leave the cache, 104, 94 and 66.
"""


def sums_of_products(program: Program) -> Program:
    """Sums of products as one operation that writes no product: of all entries, or of many.

    Of all entries it is ``np.vdot``, which is quicker for any number: 256 in 0.56 µs, not 1.3.
    """
    if not has(program, ("reduce",), ("sum",)):
        return program
    uses = program.uses
    makers = {o.name: o for o in program.ops}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "reduce" or op.function != "sum":
            return None
        product = makers.get(before.get(op.reads[0].name, ""))
        once = product is not None and uses[product.name] == 1
        if not once or (op.axes != () and cost(op.reads[0].axes) < MANY):
            return None
        pair = _whole_factors(builder, op.reads[0])
        return builder.add("contract", pair, tuple(labels(op.axes))) if pair else None

    before: dict[str, str] = {}
    return owned(alive(rewritten(program, remembering(rewrite, before))))


def _whole_factors(builder: Builder, ref: Ref) -> tuple[Ref, Ref] | None:
    """The arrays of floats of which one is the product, where neither is broadcast."""
    made = builder.ops[ref.name]
    pair = _factors(made)
    if pair is None or any(r.axes != made.axes for r in pair):
        return None
    if any(builder.dtypes[r.name] != "float" for r in pair):
        return None
    x, y = (Ref(r.name, ref.axes) for r in pair)
    return x, y


def _factors(op: Op) -> tuple[Ref, Ref] | None:
    """The two arrays of which an operation is the product."""
    if op.function == "multiply" and len(op.reads) == 2:
        return op.reads[0], op.reads[1]
    if op.function == "power" and op.args[1:] == (Literal(sp.S(2)),) and len(op.reads) == 1:
        return op.reads[0], op.reads[0]
    return None


# Stacks


def stacks_as_matrices(program: Program) -> Program:
    """Axes that stay side by side in a product are laid out as one: one product of two matrices."""
    products = (o for o in program if o.kind in ("matmul", "contract"))
    if all(len(r.axes) < 3 for o in products for r in o.reads):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind not in ("matmul", "contract") or len(op.reads) != 2:
            return None
        x, y = (_as_stored(builder, r) for r in op.reads)
        if any(
            KINDS[builder.ops[r.name].kind].result is Result.VIEW
            for r in (x, y)
            if r.name in builder.ops
        ):
            return None
        mine, theirs, out = (labels(axes) for axes in (x.axes, y.axes, op.axes))
        inner = [i for i in mine if i in theirs]
        groups = ([i for i in mine if i not in inner], inner, [i for i in theirs if i not in inner])
        rows, _, columns = groups
        if set(inner) & set(out) or {*rows, *columns} != set(out) or not inner:
            return None
        together = all(
            _side_by_side(group, axes) for group in groups for axes in (mine, theirs, out)
        )
        if not together or max(map(len, groups)) < 2:
            return None
        merged = [_merged(group) for group in groups]
        left, right = (_laid_out(builder, r, groups, merged) for r in (x, y))
        product = Op("", "contract", (left, right), tuple(i for i in (merged[0], merged[2]) if i))
        made = contracted(builder, product)
        return builder.view(_reshaped(builder, made, (*rows, *columns)), op.axes)

    return owned(alive(rewritten(program, rewrite)))


def _as_stored(builder: Builder, ref: Ref) -> Ref:
    """The array that a view is of."""
    op = builder.ops.get(ref.name)
    if op is None or op.kind != "view" or not is_temporary(op.name):
        return ref
    (source,) = read_by(op, ref.axes)
    return source


def _side_by_side(group: Sequence[Index], axes: Sequence[Index]) -> bool:
    """Whether axes have just these next to each other and in this order, or none of them."""
    found = [k for k, i in enumerate(axes) if i in group]
    return not found or [axes[k] for k in range(found[0], found[-1] + 1)] == list(group)


def _merged(group: Sequence[Index]) -> Index | None:
    """The label of all axes of a group together."""
    if len(group) < 2:
        return group[0] if group else None
    return indices.fresh(sizes.as_size(sp.Mul(*(i.size for i in group))))


def _laid_out(
    builder: Builder, ref: Ref, groups: Sequence[Sequence[Index]], merged: Sequence[Index | None]
) -> Ref:
    """An array with one axis for each group."""
    axes = tuple(
        new for group, new in zip(groups, merged, strict=True) if new and {*group} & {*ref.axes}
    )
    order = sorted(
        axes,
        key=lambda new: ref.axes.index(groups[merged.index(new)][0]),
    )
    return _reshaped(builder, builder.view(ref, tuple(labels(ref.axes))), tuple(order))


def _reshaped(builder: Builder, ref: Ref, axes: Axes) -> Ref:
    return ref if ref.axes == axes else builder.add("reshape", (ref,), axes)


# Labels


def labels_as_places(program: Program) -> Program:
    """Entries at labels by their places in the memory of an array: one index instead of several.

    In µs, by two indices and by one: a row's entry of 32×10 0.90 and 0.76, of 512×1000 2.4 and 1.3.
    """
    if not has(program, ("gather", "scatter")):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind not in ("gather", "scatter") or len(op.detail) < 2 or None in op.detail:
            return None
        base = op.reads[0]
        positions = [op.args[k] for k in op.detail if isinstance(k, int)]
        places = _places(builder, positions, [size_of(a) for a in base.axes])
        if places is None or op.function.endswith("_repeatedly"):
            return None
        hint = "picked" if op.kind == "gather" else "changed"
        taken = builder.add("take", (base, places), places.axes, hint=hint)
        if op.kind == "gather":
            return taken
        changed = builder.add(
            "map", (taken, op.args[1]), places.axes, function=op.function, hint="changed"
        )
        return builder.add("put", (base, changed, places), op.axes)

    return owned(alive(rewritten(program, rewrite)))


def _places(builder: Builder, positions: Sequence[Operand], sizes: Sequence[Size]) -> Ref | None:
    """Where entries lie in an array of some sizes, counted row by row."""
    number: sp.Expr = sp.S.Zero
    same: list[Operand] = []
    changing: list[Operand] = []
    for k, position in enumerate(positions):
        stride = sp.Mul(*sizes[k + 1 :])
        if isinstance(position, Literal):
            number += position.value * stride
            continue
        scaled = position
        if stride != 1:
            args = (position, Literal(stride))
            scaled = builder.add("map", args, position.axes, function="multiply", hint="starts")
        maker = builder.ops.get(position.name)
        is_same = maker is not None and maker.kind == "iota"
        (same if is_same else changing).append(scaled)
    terms = [*same, *([Literal(number)] if number != 0 else []), *changing]
    while len(terms) > 1:
        axes = broadcast(t.axes for t in terms[:2] if isinstance(t, Ref))
        terms[:2] = [builder.add("map", tuple(terms[:2]), axes, function="add", hint="places")]
    total = terms[0] if terms else None
    return total if isinstance(total, Ref) and builder.dtypes[total.name] == "int" else None


# Powers


def powers_as_products(program: Program) -> Program:
    """Small powers are products: of 4,096 entries x³ takes 1.9 µs, not 226; x² 1.0, not 2.1."""
    if not has(program, ("map",), ("power",)):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.function != "power" or len(op.reads) != 1 or not isinstance(op.args[1], Literal):
            return None
        base, exponent = op.reads[0], op.args[1].value
        if exponent not in (2, 3, 4) or builder.dtypes[base.name] != "float" or not base.axes:
            return None
        square = builder.map("square", base)
        if exponent == 3:
            return builder.map("multiply", square, base)
        return square if exponent == 2 else builder.map("square", square)

    return owned(alive(rewritten(program, rewrite)))


PLAIN_PASSES: tuple[Pass, ...] = (signs, masks_from_outputs)
PASSES: tuple[Pass, ...] = (
    signs,
    masks_from_outputs,
    stacks_as_matrices,
    divisors_as_factors,
    scales_on_small_operands,
    sums_of_products,
    sums_as_products,
    few_entries_first,
    labels_as_places,
    powers_as_products,
)
"""In order."""

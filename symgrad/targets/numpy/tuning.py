"""Passes that make a program cheaper: each a function from program to program."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import sympy as sp

from symgrad.mathematics import indices, sizes
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import Size, same
from symgrad.program import passes
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import contracted, cost
from symgrad.program.kinds import KINDS, Result
from symgrad.program.passes import Rewrite, alive, owned, rewritten
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
        program = step(program)
    return program


def stages(
    variables: Iterable[Variable], equations: Iterable[Equation], outputs: Iterable[str]
) -> Iterator[tuple[str, Program]]:
    """The program as it is lowered, and after each pass, by the name of the pass."""
    program = None
    for name, program in passes.stages(variables, equations, outputs):
        yield name, program
    assert program is not None
    for step in PASSES:
        program = step(program)
        yield step.__name__, program


def _remembering(rewrite: Rewrite, before: dict[str, str]) -> Rewrite:
    """The rewriting, and what each new value was called whose uses the old program counts."""

    def remembering(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "map" or not is_temporary(op.name):
            return rewrite(builder, op)
        found = builder.add(
            op.kind, op.args, op.axes, function=op.function, detail=op.detail, hint=op.hint
        )
        before[found.name] = op.name
        return found

    return remembering


def _has(program: Program, kinds: Collection[str], functions: Collection[str] = ()) -> bool:
    """Whether there is anything to do: a pass that has nothing to do leaves the program alone."""
    return any(o.kind in kinds and (not functions or o.function in functions) for o in program)


# What can be told from an output


def masks_from_outputs(program: Program) -> Program:
    """z > 0 is max(z, 0) > 0: so z need not be kept."""
    relus = {
        op.reads[0].name: op
        for op in program.ops
        if op.function == "maximum" and len(op.reads) == 1 and op.args[1] == Literal(sp.S.Zero)
    }

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.function != "greater" or op.args[1:] != (Literal(sp.S.Zero),):
            return None
        source = op.args[0]
        relu = done.get(source.name) if isinstance(source, Ref) else None
        if relu is None or not isinstance(source, Ref):
            return None
        return builder.map("greater", Ref(relu, source.axes), op.args[1])

    done: dict[str, str] = {}

    def with_memory(builder: Builder, op: Op) -> Ref | None:
        found = rewrite(builder, op)
        if found is None and op.function == "maximum" and len(op.reads) == 1:
            if op.args[1] != Literal(sp.S.Zero):
                return None
            source = op.reads[0]
            found = builder.map("maximum", source, op.args[1])
            done[source.name] = found.name
        return found

    return owned(alive(rewritten(program, with_memory))) if relus else program


# Signs


def signs(program: Program) -> Program:
    """-(-x) is x."""
    if not _has(program, ("map",), ("negative",)):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        source = op.args[0] if op.function == "negative" else None
        inner = builder.ops.get(source.name) if isinstance(source, Ref) else None
        if inner is None or inner.function != "negative" or not isinstance(source, Ref):
            return None
        (found,) = read_by(inner, source.axes)
        return found

    return owned(alive(rewritten(program, rewrite)))


# Numbers

NOT_FEW = 256
"""Entries from which on it matters that multiplying is quicker than dividing."""


def divisors_as_factors(program: Program) -> Program:
    """An array over a number is the array times its inverse, which is quicker."""
    if not _has(program, ("map",), ("divide", "negative")):
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
    """A sum along one axis of a matrix is its product with a vector of ones."""
    if not _has(program, ("reduce",), ("sum",)):
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
"""Entries from which on a sum of products along an axis is quicker without the products."""


def sums_of_products(program: Program) -> Program:
    """Sums of products as one operation that writes no product: of all entries, or of many."""
    if not _has(program, ("reduce",), ("sum",)):
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
    return owned(alive(rewritten(program, _remembering(rewrite, before))))


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
    """Products that are only multiplied by a number, and which of their arrays is small."""
    uses, makers = program.uses, {o.name: o for o in program.ops}
    for op in filter(_is_scale, program.ops):
        product = makers.get(op.reads[0].name)
        if product is None or product.kind != "matmul" or uses[product.name] > 1:
            continue
        small = min(product.reads, key=lambda r: cost(r.axes))
        maker = makers.get(small.name)
        computed = maker is not None and maker.kind != "view"
        if is_temporary(product.name) and computed and cost(small.axes) < cost(op.axes):
            yield product.name, product.reads.index(small)


def _is_scale(op: Op) -> bool:
    """Whether an operation is an array times or over a number."""
    if op.kind != "map" or len(op.reads) != 1 or op.reads[0].axes != op.axes:
        return False
    by = op.function in ("negative", "multiply")
    return by or (op.function == "divide" and op.args[0] == op.reads[0])


def _scaled(builder: Builder, op: Op, place: int) -> Ref:
    """A scaled product as the product with one array scaled."""
    product = builder.ops[op.reads[0].name]
    args = read_by(product, op.reads[0].axes)
    numbers = (args[place] if isinstance(a, Ref) else a for a in op.args)
    args[place] = builder.map(op.function, *numbers)
    return builder.add("matmul", tuple(args), op.axes)


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
    """Entries at labels by their places in the memory of an array: one index instead of several."""
    if not _has(program, ("gather", "scatter")):
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


def few_entries_first(program: Program) -> Program:
    """Of an array that is read at some entries only, only these are worked out."""
    if not _has(program, ("gather",)):
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
    return owned(alive(rewritten(program, _remembering(rewrite, before))))


_CHEAP = frozenset({"add", "subtract", "multiply", "divide", "negative"})


def _picked(builder: Builder, ref: Ref, positions: Mapping[sp.Expr, Operand]) -> Ref:
    """The entries of an argument that stand at positions of the result."""
    whole = builder.view(ref, tuple(labels(ref.axes)))
    mine = [positions[a] for a in whole.axes]
    counting = [
        p.axes[0]
        for p, a in zip(mine, whole.axes, strict=True)
        if isinstance(p, Ref) and _counts(builder, p, a)
    ]
    if len(counting) == len(mine):
        return Ref(whole.name, tuple(counting))
    axes = broadcast(p.axes for p in mine if isinstance(p, Ref))
    detail = tuple(range(1, len(mine) + 1))
    return builder.add("gather", (whole, *mine), axes, detail=detail)


def _counts(builder: Builder, position: Ref, axis: Index) -> bool:
    """Whether a position is 0, 1, 2, ... along the whole of an axis."""
    maker = builder.ops.get(position.name)
    is_iota = maker is not None and maker.kind == "iota" and len(position.axes) == 1
    return is_iota and same(size_of(position.axes[0]), axis.size)


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
    """Small powers are products: NumPy's power takes ten times as long."""
    if not _has(program, ("map",), ("power",)):
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

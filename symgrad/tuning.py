"""Passes that make a program cheaper: each a function from program to program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import sympy as sp

from symgrad import passes
from symgrad.builder import Builder
from symgrad.equations import Equation, Variable
from symgrad.indices import Size
from symgrad.passes import alive, owned, rewritten
from symgrad.planning import weight
from symgrad.program import UNIT, Axes, Literal, Op, Program, Ref, is_temporary, labels, size_of

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

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        source = op.args[0] if op.function == "negative" else None
        inner = builder.ops.get(source.name) if isinstance(source, Ref) else None
        if inner is None or inner.function != "negative" or not isinstance(source, Ref):
            return None
        (found,) = inner.reads
        renamed = dict(zip(inner.axes, source.axes, strict=True))
        return Ref(found.name, tuple(renamed.get(a, a) for a in found.axes))

    return owned(alive(rewritten(program, rewrite)))


# Sums


def sums_as_products(program: Program) -> Program:
    """A sum along one axis of a matrix is its product with a vector of ones."""
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


def sums_of_products(program: Program) -> Program:
    """The sum of all entries of a product, as one operation that writes no product."""
    uses = program.uses
    makers = {o.name: o for o in program.ops}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "reduce" or op.function != "sum" or op.axes != ():
            return None
        product = makers.get(before.get(op.reads[0].name, ""))
        if product is None or uses[product.name] != 1 or not is_temporary(product.name):
            return None
        made = builder.ops[op.reads[0].name]
        pair = _factors(made)
        if pair is None or any(r.axes != made.axes for r in pair):
            return None
        if any(builder.dtypes[r.name] != "float" for r in pair):
            return None
        renamed = dict(zip(made.axes, op.reads[0].axes, strict=True))
        args = tuple(
            Ref(r.name, tuple(renamed[a] if a != UNIT else a for a in r.axes)) for r in pair
        )
        return builder.add("contract", args, ())

    before: dict[str, str] = {}

    def remembering(builder: Builder, op: Op) -> Ref | None:
        found = rewrite(builder, op)
        if op.kind == "map" and is_temporary(op.name):
            found = builder.add(op.kind, op.args, op.axes, function=op.function,
                                detail=op.detail, hint=op.hint)  # fmt: skip
            before[found.name] = op.name
        return found

    return owned(alive(rewritten(program, remembering)))


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
        small = min(product.reads, key=lambda r: _weight(r.axes))
        maker = makers.get(small.name)
        computed = maker is not None and maker.kind != "view"
        if is_temporary(product.name) and computed and _weight(small.axes) < _weight(op.axes):
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
    renamed = dict(zip(product.axes, op.reads[0].axes, strict=True))
    args = [Ref(r.name, tuple(renamed.get(a, a) for a in r.axes)) for r in product.reads]
    numbers = (args[place] if isinstance(a, Ref) else a for a in op.args)
    args[place] = builder.map(op.function, *numbers)
    return builder.add("matmul", tuple(args), op.axes)


def _weight(axes: Axes) -> int:
    total = 1
    for axis in labels(axes):
        total *= weight(size_of(axis))
    return total


PLAIN_PASSES: tuple[Pass, ...] = (signs, masks_from_outputs)
PASSES: tuple[Pass, ...] = (
    signs,
    masks_from_outputs,
    scales_on_small_operands,
    sums_of_products,
    sums_as_products,
)
"""In order."""

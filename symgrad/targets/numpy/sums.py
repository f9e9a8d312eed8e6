"""Sums as products: with ones, and without the products that are summed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import Size, fixed
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.less_work import has, remembering
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import (
    UNIT,
    Axes,
    Literal,
    Op,
    Program,
    Ref,
    labels,
    size_of,
)
from symgrad.targets.numpy.merging import as_one, as_stored, in_axes, laid_out


def sums_as_products(program: Program) -> Program:
    """A sum along axes that lie together in memory is a product with a vector of ones.

    In µs, summed and multiplied: 8×8 0.97 and 0.31; 128×64 3.8 and 1.0; 128×512 9.1 and 5.4.  Of
    64×30×64, along the first axis 18 and 13, the first two 45 and 13, the last two 23 and 13, the
    second 47 and 16; of 4×4×4 not slower either.
    """
    if not has(program, ("reduce",), ("sum",)):
        return program
    made: dict[tuple[Size, ...], str] = {}

    def ones(builder: Builder, axes: Axes) -> Ref:
        shape = tuple(map(size_of, axes))
        if shape not in made:
            made[shape] = builder.add("fill", (Literal(sp.S.One),), axes, hint="ones").name
        return Ref(made[shape], axes)

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "reduce" or op.function != "sum":
            return None
        if not labels(op.axes):
            return None if op.axes else _sum_of_vector(builder, op, ones)
        if len(op.reads[0].axes) == 2:
            return _sum_of_matrix(builder, op, ones)
        return _sum_of_stack(builder, op, ones)

    return owned(alive(rewritten(program, rewrite)))


SHORT = 1024
"""Numbers of a vector up to which its sum is a product.

In µs, summed and multiplied: 20 0.68 and 0.28, 1,000 0.83 and 0.34; but with a longer one, halves
of halves are added more exactly.
"""


def _sum_of_vector(builder: Builder, op: Op, ones: Callable[[Builder, Axes], Ref]) -> Ref | None:
    """Of few numbers, however many there may be when it runs."""
    (source,) = op.reads
    sizes = [fixed(size_of(a)) for a in source.axes]
    is_short = len(sizes) == 1 and sizes[0] is not None and sizes[0] <= SHORT
    if not is_short or builder.dtypes[source.name] != "float" or not labels(source.axes):
        return None
    return builder.add("matmul", (source, ones(builder, source.axes)), ())


def _sum_of_matrix(builder: Builder, op: Op, ones: Callable[[Builder, Axes], Ref]) -> Ref | None:
    (source,) = op.reads
    gone = [a for a in labels(source.axes) if a not in op.axes]
    if len(gone) != 1 or len(labels(source.axes)) != 2:
        return None
    unit: Axes = (UNIT,) if len(op.axes) == 2 else ()
    if source.axes[0] == gone[0]:
        return builder.add("matmul", (ones(builder, (*unit, gone[0])), source), op.axes)
    return builder.add("matmul", (source, ones(builder, (gone[0], *unit))), op.axes)


def _sum_of_stack(builder: Builder, op: Op, ones: Callable[[Builder, Axes], Ref]) -> Ref | None:
    """Of an array as it is stored, run of axes after run of axes, the last one first."""
    total = as_stored(builder, op.reads[0])
    gone = [a for a in labels(total.axes) if a not in op.axes]
    for run in reversed(_runs(labels(total.axes), gone)):
        total = _sum_of_run(builder, total, run, ones)
    return builder.view(total, op.axes)


def _runs(axes: Sequence[Index], chosen: Sequence[Index]) -> list[list[Index]]:
    """The axes that are chosen, those that are neighbours together."""
    runs: list[list[Index]] = []
    for k, axis in enumerate(axes):
        if axis in chosen:
            if not k or axes[k - 1] not in chosen:
                runs.append([])
            runs[-1].append(axis)
    return runs


def _sum_of_run(
    builder: Builder, source: Ref, run: list[Index], ones: Callable[[Builder, Axes], Ref]
) -> Ref:
    """The axes that go are laid out as one, and so are those before or after them."""
    axes = labels(source.axes)
    start = axes.index(run[0])
    before, after = axes[:start], axes[start + len(run) :]
    first = [[a] for a in before] if after else [before]
    groups = [group for group in (*first, run, after) if group]
    merged = [as_one(group) for group in groups]
    whole = laid_out(builder, source, groups, merged)
    gone = merged[groups.index(run)]
    assert gone is not None
    row = ones(builder, (gone,))
    args = (row, whole) if after else (whole, row)
    made = builder.add("matmul", args, tuple(a for a in whole.axes if a != gone))
    return in_axes(builder, made, (*before, *after))


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

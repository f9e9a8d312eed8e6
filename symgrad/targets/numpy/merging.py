"""Axes of arrays taken together: stacks of matrices as one matrix."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symgrad.mathematics import indices, sizes
from symgrad.mathematics.indices import Index
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import contracted
from symgrad.program.kinds import KINDS, Result
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import (
    Axes,
    Op,
    Program,
    Ref,
    is_temporary,
    labels,
    read_by,
    reshaped,
    size_of,
)


def stacks_as_matrices(program: Program) -> Program:
    """Axes that stay side by side in a product are laid out as one: one product of two matrices."""
    products = (o for o in program if o.kind in ("matmul", "contract"))
    if all(len(r.axes) < 3 for o in products for r in o.reads):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind not in ("matmul", "contract") or len(op.reads) != 2:
            return None
        x, y = (as_stored(builder, r) for r in op.reads)
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
            side_by_side(group, axes) for group in groups for axes in (mine, theirs, out)
        )
        if not together or max(map(len, groups)) < 2:
            return None
        merged = [as_one(group) for group in groups]
        left, right = (laid_out(builder, r, groups, merged) for r in (x, y))
        product = Op("", "contract", (left, right), tuple(i for i in (merged[0], merged[2]) if i))
        made = contracted(builder, product)
        return builder.view(in_axes(builder, made, (*rows, *columns)), op.axes)

    return owned(alive(rewritten(program, rewrite)))


def as_stored(builder: Builder, ref: Ref) -> Ref:
    """The array that a view is of."""
    op = builder.ops.get(ref.name)
    if op is None or op.kind != "view" or not is_temporary(op.name):
        return ref
    (source,) = read_by(op, ref.axes)
    return source


def side_by_side(group: Sequence[Index], axes: Sequence[Index]) -> bool:
    """Whether axes have just these next to each other and in this order, or none of them."""
    found = [k for k, i in enumerate(axes) if i in group]
    return not found or [axes[k] for k in range(found[0], found[-1] + 1)] == list(group)


def as_one(group: Sequence[Index]) -> Index | None:
    """The label of all axes of a group together."""
    if len(group) < 2:
        return group[0] if group else None
    return indices.fresh(sizes.as_size(sp.Mul(*(i.size for i in group))))


def laid_out(
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
    return in_axes(builder, builder.view(ref, tuple(labels(ref.axes))), tuple(order))


def in_axes(builder: Builder, ref: Ref, axes: Axes) -> Ref:
    """An array with its axes taken together or apart; of what is such an array itself, at once."""
    if ref.axes == axes:
        return ref
    made = builder.ops.get(ref.name)
    if made is not None and made.kind == "reshape" and is_temporary(made.name):
        (source,) = made.reads
        if source.axes and tuple(map(size_of, source.axes)) == tuple(map(size_of, axes)):
            return Ref(source.name, axes)
        if reshaped(source.axes, axes) is not None:
            ref = source
    return builder.add("reshape", (ref,), axes)

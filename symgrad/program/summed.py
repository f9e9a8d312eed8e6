"""Sums of products without the products: what does not depend on the summed index stays outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.contraction_order import contracted
from symgrad.program.less_work import has
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import Literal, Op, Program, Ref, labels, read_by


def sums_before_products(program: Program) -> Program:
    """Σ x y of arrays that are broadcast together is one sum of products: Σₙ c xₙ yₙᵢ = c xᵀ y.

    In µs, the product and its sum, and the sum of products: of 8×4 entries 1.5 and 0.3, of 512×64
    90 and 2.7; of stacks of 64×5×2 entries 2.9 and 1.4, of 1,000×25×10 1,090 and 110.
    """
    if not has(program, ("reduce",), ("sum",)):
        return program
    only = set(_only_summed(program))
    before: dict[str, str] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind == "reduce" and op.function == "sum":
            found = _factors(builder, op.reads[0], before)
            return None if found is None else _summed(builder, op, *found)
        if op.name not in only:
            return None
        made = builder.add("map", op.args, op.axes, function=op.function, hint=op.hint)
        before[made.name] = op.name
        return made

    return owned(alive(rewritten(program, rewrite))) if only else program


def _summed(builder: Builder, op: Op, scale: sp.Expr, pair: tuple[Ref, Ref]) -> Ref:
    total = contracted(builder, Op("", "contract", pair, tuple(labels(op.axes))))
    if scale == -1:
        total = builder.map("negative", total)
    elif scale != 1:
        total = builder.map("multiply", total, Literal(scale))
    return builder.view(total, op.axes)


def _only_summed(program: Program) -> Iterator[str]:
    """The products of two arrays, one of them smaller, of which there are only sums."""
    readers: dict[str, list[Op]] = defaultdict(list)
    for op in program:
        for ref in op.reads:
            readers[ref.name].append(op)
    for op in program:
        if _is_product(program, op) and _adds_up(program, readers, op.name):
            yield op.name


def _is_product(program: Program, op: Op) -> bool:
    """Whether an operation multiplies two arrays of which one is smaller."""
    if op.kind != "map" or op.function != "multiply" or len(op.reads) != 2:
        return False
    if any(program.dtypes[r.name] != "float" for r in op.reads):
        return False
    sizes = [len(labels(r.axes)) for r in op.reads]
    return min(sizes) > 0 and sizes[0] != sizes[1]


def _adds_up(program: Program, readers: Mapping[str, Sequence[Op]], name: str) -> bool:
    """Whether all that reads a product, or a number times it, adds it up."""
    if name in program.outputs or not readers[name]:
        return False
    return all(
        (r.kind == "reduce" and r.function == "sum")
        or (_is_scaled(r) and _adds_up(program, readers, r.name))
        for r in readers[name]
    )


def _is_scaled(op: Op) -> bool:
    """Whether an operation is a number times an array."""
    one = op.kind == "map" and len(op.reads) == 1 and op.reads[0].axes == op.axes
    return one and op.function in ("negative", "multiply")


def _factors(
    builder: Builder, ref: Ref, before: Mapping[str, str]
) -> tuple[sp.Expr, tuple[Ref, Ref]] | None:
    """The number and the arrays of which one is the product."""
    scale: sp.Expr = sp.S.One
    op = builder.ops.get(ref.name)
    while op is not None and op.name not in before and (_is_scaled(op) or op.kind == "view"):
        if op.kind == "map":
            scale *= next((a.value for a in op.args if isinstance(a, Literal)), -1)
        (ref,) = read_by(op, ref.axes)
        op = builder.ops.get(ref.name)
    if op is None or op.name not in before:
        return None
    x, y = read_by(op, ref.axes)
    return scale, (x, y)

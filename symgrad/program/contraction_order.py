"""Planning a contraction: which two arrays first, and in what form they are multiplied."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import prod

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.sizes import Size, fixed
from symgrad.program.builder import Builder
from symgrad.program.program import (
    UNIT,
    Axes,
    Op,
    Ref,
    broadcasts,
    drop_leading_units,
    labels,
    matmul_axes,
    wanted,
)

FREE_SIZE = 64
"""What a size that is known at run time only counts as.

A guess at a batch or a width, which seldom matters: of 12 test losses with every size named, 9 are
the same program with 8, and 9 with 1,024.
"""

EXHAUSTIVE = 5
"""Up to so many arrays, every order is compared: of 5 in 1 ms, of 6 in 50 ms, of 7 in 3 s."""

Labels = frozenset[Index]


def contracted(builder: Builder, op: Op) -> Ref:
    """The operations for an n-ary contraction."""
    args = list(op.reads)
    keep = frozenset(labels(op.axes))
    while len(args) > 2:
        a, b = _best_pair([frozenset(labels(r.axes)) for r in args], keep)
        others = [r for k, r in enumerate(args) if k not in (a, b)]
        needed = keep.union(*(labels(r.axes) for r in others))
        args = [_pair(builder, args[a], args[b], needed, None), *others]
    if len(args) == 1:
        return _summed(builder, args[0], op.axes)
    return _pair(builder, args[0], args[1], keep, op.axes)


# Order


@lru_cache(maxsize=1024)
def weight(size: Size) -> int:
    """A number that stands for a size when costs are compared."""
    known = fixed(size)
    if known is None:
        free = {s: sp.Integer(FREE_SIZE if fixed(s) is None else s.name) for s in size.free_symbols}
        known = int(size.xreplace(free))
    return known


def cost(axes: Iterable[sp.Expr]) -> int:
    """How many entries axes have together, free sizes being what they count as."""
    return prod(weight(label.size) for label in labels(axes))


def _best_pair(sets: Sequence[Labels], keep: Labels) -> tuple[int, int]:
    pairs = list(itertools.combinations(range(len(sets)), 2))
    if len(sets) > EXHAUSTIVE:
        return min(pairs, key=lambda pair: cost(sets[pair[0]] | sets[pair[1]]))
    return min(pairs, key=lambda pair: (_total(sets, keep, pair), _unlike(sets, pair)))


def _unlike(sets: Sequence[Labels], pair: tuple[int, int]) -> int:
    """How many axes only one of two arrays has: what is alike may be a product elsewhere too."""
    return len(sets[pair[0]] ^ sets[pair[1]])


def _total(sets: Sequence[Labels], keep: Labels, pair: tuple[int, int]) -> int:
    """The cost of a whole order that begins with a pair."""
    a, b = pair
    others = [s for k, s in enumerate(sets) if k not in pair]
    together = sets[a] | sets[b]
    rest = [together & keep.union(*others), *others]
    if len(rest) == 1:
        return cost(together)
    pairs = itertools.combinations(range(len(rest)), 2)
    return cost(together) + min(_total(rest, keep, p) for p in pairs)


# Two arrays


def _pair(builder: Builder, a: Ref, b: Ref, needed: Labels, out: Axes | None) -> Ref:
    """The product of two arrays, summed over what is not ``needed``; laid out as ``out``."""
    a, b = _alone(builder, a, b, needed), _alone(builder, b, a, needed)
    mine, theirs = frozenset(labels(a.axes)), frozenset(labels(b.axes))
    gone = (mine & theirs) - needed
    if not gone:
        return _multiplied(builder, a, b, out)
    if mine == theirs and not (len(a.axes) == len(b.axes) == 1):
        axes = out if out is not None else _without(a.axes, gone)
        return _summed(builder, _multiplied(builder, a, b, None), axes)
    if len(gone) == 1:
        return _matmul(builder, a, b, next(iter(gone)), out)
    a, b = (builder.view(r, tuple(labels(r.axes))) for r in (a, b))
    axes = tuple(dict.fromkeys(x for x in (*a.axes, *b.axes) if x not in gone))
    value = builder.add("contract", (a, b), axes)
    return value if out is None else builder.view(value, out)


def _without(axes: Axes, gone: Labels) -> Axes:
    return tuple(a for a in axes if a not in gone)


def _alone(builder: Builder, a: Ref, b: Ref, needed: Labels) -> Ref:
    """``a``, summed over the labels that nothing else has."""
    gone = frozenset(labels(a.axes)) - set(labels(b.axes)) - needed
    return _summed(builder, a, _without(a.axes, gone)) if gone else a


def _summed(builder: Builder, a: Ref, out: Axes) -> Ref:
    """The sum over the labels that ``out`` lacks."""
    gone = frozenset(labels(a.axes)) - set(labels(out))
    if not gone:
        return builder.view(a, out)
    kept = tuple(UNIT if x in gone else x for x in a.axes)
    axes = kept if kept == out else _without(a.axes, gone)
    if not labels(axes) and axes != out:
        axes = ()
    return builder.view(builder.add("reduce", (a,), axes, function="sum"), out)


def _multiplied(builder: Builder, a: Ref, b: Ref, out: Axes | None) -> Ref:
    mine, theirs = frozenset(labels(a.axes)), frozenset(labels(b.axes))
    outer = mine - theirs and theirs - mine
    if outer and len(mine | theirs) == 2:
        form = _best_form(a, b, UNIT, out)
        if form is not None and form[0] <= 1:
            return _apply(builder, a, b, form, out)
    if out is None:
        larger = a if mine >= theirs else b
        out = larger.axes if not outer else tuple(dict.fromkeys(labels((*a.axes, *b.axes))))
    args = [_lined_up(builder, r, out) for r in (a, b)]
    return builder.view(builder.map("multiply", *args), out)


def _lined_up(builder: Builder, a: Ref, at: Axes) -> Ref:
    return a if broadcasts(a.axes, at) else builder.view(a, wanted(labels(a.axes), at))


# Matrix products

Form = tuple[float, bool, Axes, Axes, Axes]
"""Cost, whether the arrays change places, and the axes of both and of the product."""


def _matmul(builder: Builder, a: Ref, b: Ref, inner: Index, out: Axes | None) -> Ref:
    form = _best_form(a, b, inner, out)
    assert form is not None
    return _apply(builder, a, b, form, out)


def _apply(builder: Builder, a: Ref, b: Ref, form: Form, out: Axes | None) -> Ref:
    _, swapped, x, y, axes = form
    first, second = (b, a) if swapped else (a, b)
    args = (builder.view(first, x), builder.view(second, y))
    value = builder.add("matmul", args, axes)
    return value if out is None else builder.view(value, out)


def _best_form(a: Ref, b: Ref, inner: sp.Expr, out: Axes | None) -> Form | None:
    forms = [_priced(a, b, form, out) for form in _forms(a, b, inner, out)]
    return min(forms, key=lambda form: form[0], default=None)


def _priced(a: Ref, b: Ref, form: tuple[bool, Axes, Axes, Axes], out: Axes | None) -> Form:
    swapped, x, y, axes = form
    first, second = (b, a) if swapped else (a, b)
    after = 0 if out is None else 3 * viewcost(axes, out)
    return viewcost(first.axes, x) + viewcost(second.axes, y) + after, *form


def viewcost(source: Axes, target: Axes) -> float:
    """How much a view hurts the reader, and BLAS; more so where it is of the product.

    The weights only rank forms: a transposed matrix is read by BLAS as it is, unit axes cost a
    subscript, other orders of axes a copy.  They were chosen by what comes out, not timed.
    """
    if source == target:
        return 0
    if len(source) == 2 and source[::-1] == target:
        return 1
    turned = labels(source) != labels(target)
    return 3 if turned else 1.5


def _forms(
    a: Ref, b: Ref, inner: sp.Expr, out: Axes | None
) -> Iterator[tuple[bool, Axes, Axes, Axes]]:
    """All ways to write the product with ``@``."""
    order = labels(out if out is not None else dict.fromkeys((*a.axes, *b.axes)))
    order = [label for label in order if label != inner]
    for swapped, (first, second) in ((False, (a, b)), (True, (b, a))):
        mine, theirs = set(labels(first.axes)), set(labels(second.axes))
        rows = [label for label in order if label in mine - theirs] or [UNIT]
        columns = [label for label in order if label in theirs - mine] or [UNIT]
        for row, column in itertools.product(rows, columns):
            batch = [label for label in order if label not in (row, column)]
            for x in _sides(mine, batch, (row, inner), vector=row is UNIT):
                for y in _sides(theirs, batch, (inner, column), vector=column is UNIT):
                    axes = matmul_axes(x, y)
                    if axes is not None:
                        yield swapped, x, y, axes


def _sides(mine: set[Index], batch: list[Index], matrix: Axes, *, vector: bool) -> list[Axes]:
    """The axes of one side: a matrix, a stack of them, or a vector."""
    stack = drop_leading_units(tuple(label if label in mine else UNIT for label in batch))
    inner = tuple(label for label in matrix if isinstance(label, Index))
    vectors = [inner] if vector and len(inner) == 1 and not stack else []
    return [(*stack, *matrix), *vectors]

"""The same values by calls that NumPy has quicker loops for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp

from symgrad.mathematics.infinity import as_number
from symgrad.mathematics.sizes import Size, fixed
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.less_work import has
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import (
    Axes,
    Literal,
    Op,
    Program,
    Ref,
    count,
    is_subscript,
    labels,
    size_of,
    stored,
    wanted,
)
from symgrad.program.scales import MANY
from symgrad.targets.numpy.at_labels import places_of

ROWS = 16
"""Rows from which on the largest entry of each is found quicker by where it stands.

In µs, by ``np.maximum.reduce``, and by ``argmax`` with the entries there taken: of 32×10 2.0 and
0.9, of 128×10 5.8 and 1.5, of 1000×25 42 and 12, of 1024×128 70 and 14, of 256×1000 25 and 16
(float32, one thread; float64 is alike).
"""


def largest_by_place(program: Program) -> Program:
    """The largest or smallest entry of each row is the one at the place where it stands.

    Also where one is no number: it is the first of them that stands there.
    """
    if not has(program, ("reduce",), _PLACES):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        return _taken(builder, op) if _is_of_rows(builder, op) else None

    return owned(alive(rewritten(program, rewrite)))


_PLACES = {"max": ("argmax", "largest"), "min": ("argmin", "least")}


def _is_of_rows(builder: Builder, op: Op) -> bool:
    """Whether many rows, as they lie in memory, are reduced to the largest or smallest entry."""
    if op.kind != "reduce" or op.function not in _PLACES or cost(op.axes) < ROWS:
        return False
    (source,) = op.reads
    kept = [a for a in source.axes[:-1] if a in op.axes]
    made = builder.ops.get(source.name)
    whole = made is None or not is_subscript(made)
    dense = stored(builder.ops, source) == source and whole
    is_rows = tuple(kept) == source.axes[:-1] == tuple(labels(op.axes))
    return dense and is_rows and builder.dtypes[source.name] == "float"


def _taken(builder: Builder, op: Op) -> Ref:
    (source,) = op.reads
    rows = source.axes[:-1]
    function, hint = _PLACES[op.function]
    place = builder.add("standing", (source,), rows, function=function, hint=hint)
    counted = (builder.view(builder.add("iota", (), (a,)), wanted((a,), rows)) for a in rows)
    places = places_of(builder, [*counted, place], [size_of(a) for a in source.axes], hint)
    assert places is not None
    return builder.view(builder.add("take", (source, places), rows, hint=op.hint), op.axes)


def bounds_as_arrays(program: Program) -> Program:
    """max(x, 0) with zeros that are made once: of an array and a number NumPy has a slow loop."""
    if not has(program, ("map",), _BOUNDED):
        return program
    made: dict[tuple[sp.Expr, tuple[Size, ...]], str] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        number = next((a.value for a in op.args if isinstance(a, Literal)), None)
        axes = _of_bounds(op.axes)
        bounded = op.kind == "map" and op.function in _BOUNDED and op.dtype == "float"
        if not bounded or number is None or not axes:
            return None
        key = number, tuple(map(size_of, axes))
        if key not in made:
            hint = _CALLED.get(number, "bounds")
            made[key] = builder.add("fill", (Literal(number),), axes, hint=hint).name
        args = tuple(Ref(made[key], axes) if isinstance(a, Literal) else a for a in op.args)
        return builder.add("map", args, op.axes, function=op.function, hint=op.hint)

    return owned(alive(rewritten(program, rewrite)))


_BOUNDED = frozenset({"maximum", "minimum"})
_CALLED: dict[sp.Expr, str] = {sp.S.Zero: "zeros", sp.S.One: "ones"}

WIDE = 32
"""Entries of a row from which on a row of bounds is quicker than a number.

In µs, with a number, with a row, and with as many bounds as entries: of 32×16 0.74, 0.89 and 0.34,
of 128×32 1.8, 1.4 and 0.5, of 128×512 20, 6.7 and 3.6 (float32, one thread; float64 is alike).
"""

MOST = 65_536
"""Up to so many entries, there is a bound for each: of 20000×200 1,040 µs by rows, 1,310 so."""


def _of_bounds(axes: Axes) -> Axes:
    """The axes of an array of bounds, the last ones; none where a number does as well."""
    entries = (fixed(count(tuple(map(size_of, axes[k:])))) for k in range(len(axes)))
    few = next((k for k, n in enumerate(entries) if n is not None and n <= MOST), len(axes))
    if few == len(axes) and len(axes) > 1:
        few -= 1  # a row of a named size
    return axes[few:] if not few or cost(axes[few:]) >= WIDE else ()


FILLED = -1000
"""A number below this is there so that the exponential of what is left is none."""

OFTEN = 1 / 12
"""The part of the entries from which on it pays: one takes 4.4 ns, two passes 0.35 ns an entry."""

SMALLEST = sp.Integer(-707)
"""Its exponential is 9e-308: in float64 few smaller numbers have all digits; in float32 it is 0.

In µs, exponentials of 131,072 numbers 70, where half of them are below -746 357, and where they are
between that and -708 560 to 4,000 (float64, one thread): NumPy takes these one by one.
"""


def exponentials_of_filled(program: Program) -> Program:
    """exp(max(x, -707)) - exp(-707) for exp(x), where x is -1e9 or the like in many places.

    That is 0 there as well, and elsewhere as near as a number without all digits is.
    """
    chosen = set(_of_filled(program))

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name not in chosen:
            return None
        (x,) = op.reads
        least = builder.add("fill", (Literal(SMALLEST),), _of_bounds(op.axes), hint="least")
        smallest = builder.add("map", (least,), least.axes, function="exp", hint="smallest")
        made: Ref = x
        for function, args in (("maximum", (least,)), ("exp", ()), ("subtract", (smallest,))):
            made = builder.add("map", (made, *args), op.axes, function=function, hint=op.hint)
        return made

    return owned(alive(rewritten(program, rewrite))) if chosen else program


def _of_filled(program: Program) -> Iterator[str]:
    """The exponentials of what is left of arrays with such numbers when others are taken away."""
    ops = {o.name: o for o in program}
    constants = {v.name: np.asarray(v.values) for v in program.inputs if v.role == "constant"}
    filled = {name for name, a in constants.items() if np.mean(a < FILLED) >= OFTEN}
    for op in program:
        added = op.function == "add" and not filled.isdisjoint(r.name for r in op.reads)
        if added or (op.function == "where" and _fills(op, constants)):
            filled.add(op.name)
        less = ops.get(op.reads[0].name) if op.function == "exp" and op.reads else None
        shifted = less is not None and less.function == "subtract" and less.reads[0].name in filled
        if shifted and cost(op.axes) >= MANY and _of_bounds(op.axes):
            yield op.name


def _fills(op: Op, constants: Mapping[str, Any]) -> bool:
    """Whether such a number is written often; of what is not known, it is taken to be."""
    condition, *choices = op.args
    known = constants.get(condition.name) if isinstance(condition, Ref) else None
    part = None if known is None else np.mean(known != 0)
    parts = (1, 1) if part is None else (part, 1 - part)
    numbers = (as_number(a.value) if isinstance(a, Literal) else sp.S.Zero for a in choices)
    return any(
        n.is_extended_negative and bool(n < FILLED) and often >= OFTEN
        for n, often in zip(numbers, parts, strict=True)
    )

"""The nearest rows of a matrix without all distances: by one product, and only theirs exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import sympy as sp

from symgrad.mathematics.indices import Index, fresh
from symgrad.mathematics.positions import Cut
from symgrad.mathematics.sizes import as_size
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.kinds import KINDS
from symgrad.program.passes import alive, owned, rebuilt, rewritten
from symgrad.program.program import (
    Axes,
    Literal,
    Op,
    Operand,
    Program,
    Ref,
    labels,
    read_by,
    stored,
)

MANY = 16_384
"""Differences of entries from which on the nearest rows are found by a product.

In µs, by all distances and by the product, float64, one thread: of 64 rows to 32 of 8 entries 38
and 57, of 300 rows 123 and 87, of 1,000 322 and 183; of 64 rows to 100 of 8 entries 110 and 68, of
300 rows 513 and 125.  A named number of rows counts as 64.
"""

ROW, CENTRE, ENTRY = "n", "i", "j"
"""What axes are for: rows, the rows that they are compared with, and their entries."""

Roles = tuple[str, ...]
Factor = tuple[str, Operand]
"""Multiply or divide, and by what: a number, or one for each row."""


@dataclass(frozen=True)
class Value:
    """What a value is in the backward pass of a minimum, what its axes are for, and its factors."""

    what: str
    roles: Roles
    factors: tuple[Factor, ...] = ()


@dataclass
class Nearest:
    """``scale * min_i Σ_j (x[n,j] - c[i,j])²``, the least of the squared distances of rows.

    ``x`` and ``c`` have the labels of ``axes``, which say what these are for; ``turned``: it is
    c - x that is squared.  ``products``: what sums differences to the nearest, by name.
    """

    x: Ref
    c: Ref
    axes: Mapping[str, sp.Expr]
    turned: bool
    scale: sp.Expr
    products: dict[str, Value] = field(default_factory=dict)

    def placed(self, roles: Roles) -> Axes:
        """The labels of axes that are for these."""
        return tuple(self.axes.get(role, sp.S.One) for role in roles)


def nearest_by_product(program: Program) -> Program:
    """min_i |xₙ - cᵢ|² is that to the row with the least |cᵢ|² - 2 xₙ·cᵢ; only it has a derivative.

    Where rounding of that product may have chosen another, the distances themselves choose, so that
    no digit is lost; rows that are as near share the derivative, as in all programs.
    """
    found = dict(_nearest(program))
    if not found:
        return program
    products = {name: one for one in found.values() for name in one.products}
    new = {v.name: v.name for v in program.inputs}
    made: dict[int, Ref] = {}

    def renamed(one: Nearest) -> Nearest:
        x, c = (Ref(new[r.name], r.axes) for r in (one.x, one.c))
        return replace(one, x=x, c=c)

    def rewrite(builder: Builder, op: Op) -> Ref:
        one = found.get(op.name) or products.get(op.name)
        if one is None:
            value = rebuilt(builder, op)
        elif op.name in found:
            made[id(one)] = _places(builder, renamed(one))
            value = _least(builder, renamed(one), made[id(one)], op)
        else:
            value = _summed(builder, renamed(one), made[id(one)], one.products[op.name], op, new)
        new[op.name] = value.name
        return value

    return owned(alive(rewritten(program, rewrite)))


# What is to be found


def _nearest(program: Program) -> Iterator[tuple[str, Nearest]]:
    ops = {o.name: o for o in program}
    for op in program:
        way = _way(ops, op) if op.kind == "reduce" and op.function == "min" else None
        if way is None:
            continue
        one, values = way
        if not {*values} & {*program.outputs} and _followed(program, op, one, values):
            yield op.name, one


def _way(ops: Mapping[str, Op], op: Op) -> tuple[Nearest, dict[str, Value]] | None:
    """From the least back to the rows, and the values on the way."""
    distance = op.reads[0]
    gone = [a for a in labels(distance.axes) if a not in op.axes]
    if len(labels(distance.axes)) != 2 or len(gone) != 1:
        return None
    role: dict[sp.Expr, str] = {a: CENTRE if a in gone else ROW for a in labels(distance.axes)}
    scale, total = _unscaled(ops, stored(ops, distance))
    square = _made(ops, total, "reduce", "sum")
    difference = _made(ops, square, *_SQUARES) if square else None
    pair = _reads(ops, difference, "map", "subtract") if difference else []
    if len(pair) != 2 or square is None or difference is None:
        return None
    entries = [a for a in labels(difference.axes) if a not in role]
    if len(entries) != 1 or cost(difference.axes) < MANY:
        return None
    role[entries[0]] = ENTRY
    sides = [frozenset(role[a] for a in labels(r.axes)) for r in pair]
    if {*sides} != {_OF_ROWS, _OF_CENTRES}:
        return None
    axes = {what: a for a, what in role.items()}
    turned = sides[0] == _OF_CENTRES
    x, c = pair[::-1] if turned else pair
    values = {
        ref.name: Value(what, tuple(role.get(a, "") for a in ref.axes))
        for what, ref in (
            ("distance", stored(ops, distance)),
            ("square", square),
            ("difference", difference),
        )
    }
    return Nearest(x, c, axes, turned, scale), values


def _unscaled(ops: Mapping[str, Op], ref: Ref) -> tuple[sp.Expr, Ref]:
    """A number above 0 and what it multiplies."""
    op = ops.get(ref.name)
    if op is None or op.function not in ("multiply", "divide") or len(op.reads) != 1:
        return sp.S.One, ref
    (number,) = (a.value for a in op.args if isinstance(a, Literal))
    (inner,) = read_by(op, ref.axes)
    if not number.is_positive or (op.args[0] != op.reads[0] and op.function == "divide"):
        return sp.S.One, ref
    return (1 / number if op.function == "divide" else number), stored(ops, inner)


_SQUARES = ("map", "square", "power", "multiply")
_OF_ROWS, _OF_CENTRES = frozenset((ROW, ENTRY)), frozenset((CENTRE, ENTRY))


def _reads(ops: Mapping[str, Op], ref: Ref, kind: str, *functions: str) -> list[Ref]:
    """What makes a value, as it is stored, where it is one of some functions."""
    op = ops.get(ref.name)
    if op is None or op.kind != kind or op.function not in functions:
        return []
    return [stored(ops, r) for r in read_by(op, ref.axes)]


def _made(ops: Mapping[str, Op], ref: Ref, kind: str, *functions: str) -> Ref | None:
    """The only value that makes another; of powers that of squares."""
    reads = _reads(ops, ref, kind, *functions)
    if not reads or any(r != reads[0] for r in reads):
        return None
    numbers = [a.value for a in ops[ref.name].args if isinstance(a, Literal)]
    return reads[0] if numbers == ([2] if ops[ref.name].function == "power" else []) else None


# What follows of it


def _followed(program: Program, least: Op, one: Nearest, values: dict[str, Value]) -> bool:
    """Whether all that weighs with the choice is understood; notes the products with it."""
    values[least.name] = Value("least", (ROW,) if len(least.axes) == 1 else ())
    for op in program:
        mine = [r for r in op.reads if r.name in values]
        if not mine or op.name in values:
            continue
        seen = [values[r.name] for r in mine]
        role = {a: w for r, v in zip(mine, seen, strict=True) for a, w in _roles(r, v)}
        whats = frozenset(v.what for v in seen)
        value = _understood(op, mine, seen, whats, role)
        if value is None and whats & {"mask", "count", "share", "terms"}:
            return False
        if value is not None and value.what == "product":
            one.products[op.name] = value
        elif value is not None:
            values[op.name] = value
    return True


def _roles(ref: Ref, value: Value) -> Iterator[tuple[sp.Expr, str]]:
    if value.what == "least":
        return ((a, ROW) for a in labels(ref.axes))
    return ((a, w) for a, w in zip(ref.axes, value.roles, strict=True) if isinstance(a, Index))


def _understood(
    op: Op, mine: list[Ref], seen: list[Value], whats: frozenset[str], role: dict[sp.Expr, str]
) -> Value | None:
    roles = tuple(role.get(a, "") for a in op.axes)
    if len({*role.values()}) != len(role):
        return None
    if op.kind == "view":
        return replace(seen[0], roles=roles)
    if KINDS[op.kind].product and whats == _BOTH and len(op.args) == 2:
        share = next(v for v in seen if v.what == "share")
        return _product(share, roles)
    rule = _RULES.get((op.kind, op.function, whats))
    return None if rule is None else rule(op, mine, seen, roles, role)


Rule = Callable[[Op, list[Ref], list[Value], Roles, Mapping[sp.Expr, str]], Value | None]


def _becomes(what: str) -> Rule:
    return lambda op, mine, seen, roles, role: Value(what, roles)


def _product(share: Value, roles: Roles) -> Value | None:
    of_two = {*roles} - {""} in ({ROW, ENTRY}, {CENTRE, ENTRY})
    return Value("product", roles, share.factors) if of_two else None


def _counted(
    op: Op, mine: list[Ref], seen: list[Value], roles: Roles, role: Mapping[sp.Expr, str]
) -> Value | None:
    return Value("count", roles) if {*roles} - {""} == {ROW} and not seen[0].factors else None


def _shared(
    op: Op, mine: list[Ref], seen: list[Value], roles: Roles, role: Mapping[sp.Expr, str]
) -> Value | None:
    return replace(seen[0], what="share", roles=roles) if seen[0].what == "mask" else None


def _spread(
    op: Op, mine: list[Ref], seen: list[Value], roles: Roles, role: Mapping[sp.Expr, str]
) -> Value | None:
    share = next(v for v in seen if v.what == "share")
    return replace(share, what="terms", roles=roles)


def _added(
    op: Op, mine: list[Ref], seen: list[Value], roles: Roles, role: Mapping[sp.Expr, str]
) -> Value | None:
    return _product(seen[0], roles)


def _weighed(
    op: Op, mine: list[Ref], seen: list[Value], roles: Roles, role: Mapping[sp.Expr, str]
) -> Value | None:
    """Times or over what is the same for all centres."""
    others = [a for a in op.args if a not in mine]
    if (op.function == "divide" and op.args[0] not in mine) or len(mine) != 1:
        return None
    known = {*labels(mine[0].axes)}
    for other in others:
        if isinstance(other, Ref) and {role.get(a, "") for a in labels(other.axes)} - {ROW}:
            return None
    if {*labels(op.axes)} - known:
        return None
    factors = tuple((op.function, other) for other in others)
    factors = factors or (("multiply", Literal(sp.S.NegativeOne)),)
    return replace(seen[0], roles=roles, factors=(*seen[0].factors, *factors))


_BOTH = frozenset(("share", "difference"))
_RULES: dict[tuple[str, str, frozenset[str]], Rule] = {
    ("map", "equal", frozenset(("distance", "least"))): _becomes("mask"),
    ("map", "cast", frozenset(("mask",))): _becomes("mask"),
    ("reduce", "sum", frozenset(("mask",))): _counted,
    ("map", "divide", frozenset(("mask", "count"))): _shared,
    ("map", "multiply", _BOTH): _spread,
    ("reduce", "sum", frozenset(("terms",))): _added,
    **{
        ("map", f, frozenset((what,))): _weighed
        for f in ("multiply", "divide", "negative")
        for what in ("mask", "share", "terms")
    },
}
"""What the operations of the backward pass make of what."""


# What is built


def _places(builder: Builder, one: Nearest) -> Ref:
    """The nearest of each row, and how many there are."""
    n, i, j = one.placed((ROW, CENTRE, ENTRY))
    x, c = builder.view(one.x, (n, j)), builder.view(one.c, (i, j))
    twice = builder.map("multiply", c, Literal(sp.Integer(-2)))
    product = builder.add("matmul", (x, builder.view(twice, (j, i))), (n, i))
    norms = builder.add("contract", (c, c), (i,))
    estimate = builder.map("add", product, norms)
    both = fresh(as_size(2))
    return builder.add("nearest", (x, c, estimate), (both, n), hint="nearest")


def _least(builder: Builder, one: Nearest, places: Ref, op: Op) -> Ref:
    """The square of the distance to the nearest, as it is defined."""
    n, i, j = one.placed((ROW, CENTRE, ENTRY))
    x, c = builder.view(one.x, (n, j)), builder.view(one.c, (i, j))
    first = builder.add("slice", (places,), (n,), detail=(Cut(sp.S.Zero), None))
    chosen = builder.add("gather", (c, first), (n, j), detail=(1, None))
    difference = builder.map("subtract", x, chosen)
    square = builder.map("power", difference, Literal(sp.Integer(2)))
    total = builder.add("reduce", (square,), (n,), function="sum")
    if one.scale != 1:
        total = builder.map("multiply", total, Literal(one.scale))
    mine = labels(op.axes)
    return builder.view(Ref(total.name, tuple(mine)), op.axes)


def _summed(
    builder: Builder, one: Nearest, places: Ref, value: Value, op: Op, new: Mapping[str, str]
) -> Ref:
    """The sum of the differences to the nearest with their factors."""
    n, i, j = one.placed((ROW, CENTRE, ENTRY))
    x, c = builder.view(one.x, (n, j)), builder.view(one.c, (i, j))
    scale, weights = _folded(builder, value.factors, n, new)
    scale = -scale if one.turned else scale
    if ROW in value.roles:
        found = builder.add("to_nearest", (x, c, places), (n, j), function="differences_to_nearest")
        if weights is not None:
            found = builder.map("multiply", found, builder.view(weights, (n, sp.S.One)))
    else:
        args = (x, c, places, *(() if weights is None else (weights,)))
        found = builder.add("to_nearest", args, (i, j), function="sums_to_nearest")
    scaled = found if scale == 1 else builder.map("multiply", found, Literal(scale))
    role = dict(zip(one.placed(value.roles), op.axes, strict=True))
    labelled = Ref(scaled.name, tuple(role[a] for a in scaled.axes))
    return builder.view(labelled, op.axes)


def _folded(
    builder: Builder, factors: tuple[Factor, ...], n: sp.Expr, new: Mapping[str, str]
) -> tuple[sp.Expr, Ref | None]:
    """Factors as a number, and one for each row."""
    scale: sp.Expr = sp.S.One
    weights: Ref | None = None
    for function, other in factors:
        if isinstance(other, Literal):
            scale = scale / other.value if function == "divide" else scale * other.value
            continue
        seen = Ref(new[other.name], tuple(n if isinstance(a, Index) else a for a in other.axes))
        mine = builder.view(seen, tuple(labels(seen.axes)))
        if weights is not None or function == "divide":
            mine = builder.map(function, weights or Literal(sp.S.One), mine)
        weights = mine
    return scale, weights

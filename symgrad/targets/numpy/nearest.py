"""The nearest rows of a matrix without all distances: by one product, and only theirs exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

ROW, CENTRE, ENTRY = _ALL = ("n", "i", "j")
"""What axes are for: rows, the rows that they are compared with, and their entries."""

Roles = tuple[str, ...]
Factor = tuple[str, Operand]
"""Multiply or divide, and by what: a number, or one for each row."""
Factors = tuple[sp.Expr, tuple[Ref, ...]]
"""A number, and one for each row if there are any."""


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

    def renamed(self, new: Mapping[str, str]) -> Nearest:
        """The same of values with other names."""
        x, c = (Ref(new[r.name], r.axes) for r in (self.x, self.c))
        return replace(self, x=x, c=c)

    def matrices(self, builder: Builder) -> tuple[Ref, Ref]:
        """The rows as matrices."""
        n, i, j = self.placed(_ALL)
        return builder.view(self.x, (n, j)), builder.view(self.c, (i, j))

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
    products = {name: least for least, one in found.items() for name in one.products}
    new = {v.name: v.name for v in program.inputs}
    places: dict[str, Ref] = {}

    def rewrite(builder: Builder, op: Op) -> Ref:
        value = rebuilt(builder, op) if op.name not in {*found, *products} else made(builder, op)
        new[op.name] = value.name
        return value

    def made(builder: Builder, op: Op) -> Ref:
        least = products.get(op.name, op.name)
        one = found[least].renamed(new)
        if op.name == least:
            places[least] = _places(builder, one)
            return _least(builder, one, places[least], op)
        value = one.products[op.name]
        sign = (("multiply", Literal(sp.Integer(-1 if one.turned else 1))),)
        factors = _folded(builder, (*value.factors, *sign), one.axes[ROW], new)
        return _summed(builder, one, places[least], op, value, factors)

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
    distance = stored(ops, op.reads[0])
    scale, total = _unscaled(ops, distance)
    square = _made(ops, total, "reduce", "sum")
    difference = _made(ops, square, *_SQUARES) if square else None
    pair = _reads(ops, difference, "map", "subtract") if difference else []
    role = _roles_of(op, distance, difference) if difference else {}
    sides = [frozenset(role.get(a, "") for a in labels(r.axes)) for r in pair]
    if {*sides} != {_OF_ROWS, _OF_CENTRES} or square is None or difference is None:
        return None
    x, c = pair[::-1] if (turned := sides[0] == _OF_CENTRES) else pair
    way = (("distance", distance), ("square", square), ("difference", difference))
    values = {r.name: Value(what, tuple(role.get(a, "") for a in r.axes)) for what, r in way}
    return Nearest(x, c, {what: a for a, what in role.items()}, turned, scale), values


def _roles_of(op: Op, distance: Ref, difference: Ref) -> dict[sp.Expr, str]:
    """What the axes of differences are for, where there are just those three, and many entries."""
    both = labels(distance.axes)
    entries = [a for a in labels(difference.axes) if a not in both]
    gone = [a for a in both if a not in op.axes]
    if (len(both), len(gone), len(entries)) != (2, 1, 1) or cost(difference.axes) < MANY:
        return {}
    return {a: CENTRE if a in gone else ROW for a in both} | {entries[0]: ENTRY}


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
    values[least.name] = Value("least", tuple(ROW for _ in labels(least.axes)))
    for op in program:
        seen = _seen(op, values) if op.name not in values else None
        if seen is None:
            continue
        value = _understood(seen)
        if value is not None:
            (one.products if value.what == "product" else values)[op.name] = value
        elif seen.whats & {"mask", "count", "share", "terms"}:
            return False
    return True


@dataclass(frozen=True)
class Seen:
    """An operation, which of its arguments are such values, and what its axes are for."""

    op: Op
    args: Sequence[Ref]
    values: Sequence[Value]
    role: Mapping[sp.Expr, str]

    @property
    def whats(self) -> frozenset[str]:
        """What the values are."""
        return frozenset(v.what for v in self.values)

    @property
    def roles(self) -> Roles:
        """What the axes of the result are for."""
        return tuple(self.role.get(a, "") for a in self.op.axes)

    @property
    def share(self) -> Value:
        """The value that has the factors."""
        return next((v for v in self.values if v.what == "share"), self.values[0])


def _seen(op: Op, values: Mapping[str, Value]) -> Seen | None:
    mine = [r for r in op.reads if r.name in values]
    seen = [values[r.name] for r in mine]
    role = {a: w for r, v in zip(mine, seen, strict=True) for a, w in _roles(r, v)}
    return Seen(op, mine, seen, role) if mine and len({*role.values()}) == len(role) else None


def _roles(ref: Ref, value: Value) -> Iterator[tuple[sp.Expr, str]]:
    if value.what == "least":
        return ((a, ROW) for a in labels(ref.axes))
    return ((a, w) for a, w in zip(ref.axes, value.roles, strict=True) if isinstance(a, Index))


def _understood(seen: Seen) -> Value | None:
    op = seen.op
    if op.kind == "view":
        return replace(seen.values[0], roles=seen.roles)
    if KINDS[op.kind].product and seen.whats == _BOTH and len(op.args) == 2:
        return _product(seen)
    rule = _RULES.get((op.kind, op.function, seen.whats))
    return None if rule is None else rule(seen)


def _becomes(what: str) -> Rule:
    return lambda seen: replace(seen.share, what=what, roles=seen.roles)


def _product(seen: Seen) -> Value | None:
    of_two = {*seen.roles} - {""} in ({ROW, ENTRY}, {CENTRE, ENTRY})
    return Value("product", seen.roles, seen.share.factors) if of_two else None


def _counted(seen: Seen) -> Value | None:
    along_row = {*seen.roles} - {""} == {ROW}
    return Value("count", seen.roles) if along_row and not seen.share.factors else None


def _shared(seen: Seen) -> Value | None:
    mask, *_ = seen.values
    return replace(mask, what="share", roles=seen.roles) if mask.what == "mask" else None


def _weighed(seen: Seen) -> Value | None:
    """Times or over what is the same for all centres."""
    op, (mine, *_) = seen.op, seen.args
    others = [a for a in op.args if a != mine]
    if (op.function == "divide" and op.args[0] != mine) or len(seen.args) != 1:
        return None
    more = (a for o in others if isinstance(o, Ref) for a in labels(o.axes))
    if any(seen.role.get(a) != ROW for a in more):
        return None
    factors = [(op.function, o) for o in others] or [("multiply", Literal(sp.S.NegativeOne))]
    return replace(seen.share, roles=seen.roles, factors=(*seen.share.factors, *factors))


Rule = Callable[[Seen], Value | None]
_BOTH = frozenset(("share", "difference"))
_RULES: dict[tuple[str, str, frozenset[str]], Rule] = {
    ("map", "equal", frozenset(("distance", "least"))): lambda seen: Value("mask", seen.roles),
    ("map", "cast", frozenset(("mask",))): _becomes("mask"),
    ("reduce", "sum", frozenset(("mask",))): _counted,
    ("map", "divide", frozenset(("mask", "count"))): _shared,
    ("map", "multiply", _BOTH): _becomes("terms"),
    ("reduce", "sum", frozenset(("terms",))): _product,
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
    (x, c), (n, i, j) = one.matrices(builder), one.placed(_ALL)
    twice = builder.map("multiply", c, Literal(sp.Integer(-2)))
    product = builder.add("matmul", (x, builder.view(twice, (j, i))), (n, i))
    estimate = builder.map("add", product, builder.add("contract", (c, c), (i,)))
    return builder.add("nearest", (x, c, estimate), (fresh(as_size(2)), n), hint="nearest")


def _least(builder: Builder, one: Nearest, places: Ref, op: Op) -> Ref:
    """The square of the distance to the nearest, as it is defined."""
    (x, c), (n, _, j) = one.matrices(builder), one.placed(_ALL)
    first = builder.add("slice", (places,), (n,), detail=(Cut(sp.S.Zero), None))
    chosen = builder.add("gather", (c, first), (n, j), detail=(1, None))
    square = builder.map("power", builder.map("subtract", x, chosen), Literal(sp.Integer(2)))
    total = builder.add("reduce", (square,), (n,), function="sum")
    if one.scale != 1:
        total = builder.map("multiply", total, Literal(one.scale))
    return builder.view(Ref(total.name, tuple(labels(op.axes))), op.axes)


_DIFFERENCES, _SUMS = "differences_to_nearest", "sums_to_nearest"


def _summed(
    builder: Builder, one: Nearest, places: Ref, op: Op, value: Value, scaled: Factors
) -> Ref:
    """The sum of the differences to the nearest with their factors."""
    (x, c), (n, i, j), (scale, weights) = one.matrices(builder), one.placed(_ALL), scaled
    if ROW in value.roles:
        found = builder.add("to_nearest", (x, c, places), (n, j), function=_DIFFERENCES)
        for weight in weights:
            found = builder.map("multiply", found, builder.view(weight, (n, sp.S.One)))
    else:
        found = builder.add("to_nearest", (x, c, places, *weights), (i, j), function=_SUMS)
    if scale != 1:
        found = builder.map("multiply", found, Literal(scale))
    return _labelled(builder, found, dict(zip(one.placed(value.roles), op.axes, strict=True)), op)


def _labelled(builder: Builder, ref: Ref, new: Mapping[sp.Expr, sp.Expr], op: Op) -> Ref:
    """A value with the axes of an operation, whose labels are other ones."""
    return builder.view(Ref(ref.name, tuple(new[a] for a in ref.axes)), op.axes)


def _folded(
    builder: Builder, factors: Sequence[Factor], n: sp.Expr, new: Mapping[str, str]
) -> Factors:
    scale: sp.Expr = sp.S.One
    weights: tuple[Ref, ...] = ()
    for function, other in factors:
        if isinstance(other, Literal):
            scale = scale / other.value if function == "divide" else scale * other.value
            continue
        seen = Ref(new[other.name], tuple(n if isinstance(a, Index) else a for a in other.axes))
        mine = builder.view(seen, tuple(labels(seen.axes)))
        if weights or function == "divide":
            mine = builder.map(function, *(weights or (Literal(sp.S.One),)), mine)
        weights = (mine,)
    return scale, weights

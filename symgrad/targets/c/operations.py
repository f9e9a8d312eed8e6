"""Operations as loops that write into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.program.kinds.run import whole
from symgrad.program.program import UNIT, Op, Ref, indexed_axes, labels
from symgrad.targets.c.entries import At, Entries, exactly, part_place, there
from symgrad.targets.c.kept import length, shape_of
from symgrad.targets.c.loops import Block, Either, Loop, Node, looped, scoped
from symgrad.targets.c.matrices import Matrices
from symgrad.targets.c.places import HERE, Place, at, flat
from symgrad.targets.c.products import Products
from symgrad.targets.expressions import OPERATORS, Text

_SAFE = {"float": ("1.0e-30", "1.0e37"), "double": ("1.0e-290", "1.0e300")}
"""Between these a sum of squares has lost nothing, and did not overflow."""

_SIGNS = {"add": "+=", "subtract": "-=", "set": "="}

LANES = 16
"""From so many numbers on a sum is worth to be computed in parts, where a compiler can."""


class Operations(Matrices):
    """Writes each operation whose value has memory as loops."""

    def __init__(self, entries: Entries, letters: Sequence[str], prefix: str) -> None:
        """``letters``: what loops count with; ``prefix``: what names of the file begin with."""
        super().__init__(entries, letters, prefix)
        entries.combined = self.combined
        self.products = Products(entries, self._loops, prefix)

    def written(self, op: Op) -> list[Node]:
        """The loops that compute a value."""
        self.entries.parts = 0
        self.entries.counts = {}
        self.writes = {}
        if self.kept.is_alias(op):
            return []
        if op.kind in _ALONG:
            return _ALONG[op.kind](self, op)
        return self.entrywise(op)

    # Entry by entry

    def entrywise(self, op: Op) -> list[Node]:
        where, pairs = self.loops(op.axes)
        value = self.entries.computed(op, there(op.axes, where))
        value = self.entries.converted(value, self.entries.dtypes[op.name], op.dtype)
        return self.around(pairs, [self.store(op, where, value.code)])

    def join(self, op: Op) -> list[Node]:
        (axis,), found, start = whole(op), [], 0
        for ref in op.reads:
            where, pairs = self.loops(ref.axes)
            value = self.entries.operand(ref, where, op.dtype)
            places = there(ref.axes, where)
            if op.function == "stack":
                places.insert(axis, Place(start))
            else:
                places[axis] = places[axis] + Place(start)
            start += 1 if op.function == "stack" else length(ref.axes[axis])
            line = self.store_at(op, flat(places, shape_of(op.axes)), value.code)
            found += self.around(pairs, [line])
        return found

    # Sums

    def product(self, op: Op) -> list[Node]:
        """A sum of products: in one number, or row after row into the result."""
        gone, _, factors = self._combining(op)
        if gone and self._goes_along(op, gone):
            nodes = self._by_rows(op, gone, factors)
        else:
            nodes = self.reduced(op, gone, "sum", factors)
        called = self.products.called(op, self.targets[op.name])
        return [Either(self.products.name, called, nodes)] if called else nodes

    def combined(self, op: Op, places: Sequence[Place]) -> Text:
        """A sum, or the like, where it is read: a loop before the line that reads it."""
        depth, before = self.entries.depth, self.entries.before
        where = {a: p for a, p in zip(op.axes, places, strict=True) if isinstance(a, Index)}
        gone, function, of = self._combining(op)
        inner, inside = self._loops(gone, depth)
        self.entries.before = []
        value = of({**where, **inner})
        start, line = _COMBINED[op.dtype == "bool", function]
        name = self.entries.part()
        body = self.around(inside, [line.format(name=name, x=value.code)])
        first = f"{self.entries.type(op.dtype)} {name} = {start};"
        self.entries.depth = depth
        self.entries.before = [*before, first, *(body if inside else self._flat(body))]
        return Text(name)

    def _flat(self, nodes: Sequence[Node]) -> list[Node]:
        """The lines of a block as they stand."""
        return [n for node in nodes for n in (node.body if isinstance(node, Block) else [node])]

    def _combining(self, op: Op) -> tuple[list[Index], str, Callable[[At], Text]]:
        """The labels along which entries are combined, how, and what they are."""
        if op.kind == "reduce":
            (source,) = op.reads
            dtype = "bool" if op.dtype == "bool" else "float"
            gone = [a for a in labels(source.axes) if a not in op.axes]
            return gone, op.function, lambda at: self.entries.operand(source, at, dtype)
        if op.kind == "trace":
            (source,) = op.reads
            label = labels(source.axes)[0]
            diagonal = Ref(source.name, (label, label))
            return [label], "sum", lambda at: self.entries.operand(diagonal, at)
        together = dict.fromkeys(a for r in op.reads for a in labels(r.axes))
        gone = [a for a in together if a not in op.axes]
        return gone, "sum", lambda at: self._factors(op, at)

    def _factors(self, op: Op, where: At) -> Text:
        found, *others = [self.entries.operand(a, where) for a in op.args]
        for other in others:
            found = OPERATORS["multiply"](found, other)
        return found

    def _goes_along(self, op: Op, gone: Sequence[Index]) -> bool:
        """Whether memory is read in order if the last axis of the result is the innermost."""
        last = labels(op.axes)[-1] if labels(op.axes) else None
        if last is None or length(last) == 1:
            return False
        where, _ = self.loops([*op.axes, *gone])
        found = [self.entries.touched(ref, where) for ref in op.reads]
        if None in found:
            return False
        places = [p for some in found for p in some or ()]
        mine = {_step(p, where[last]) for p in places}
        return mine <= {0, 1} and any(_step(p, where[k]) > 1 for p in places for k in gone)

    def _by_rows(self, op: Op, gone: Sequence[Index], of: Callable[[At], Text]) -> list[Node]:
        """The result is cleared, and what is summed is added row after row."""
        *others, last = labels(op.axes)
        outer, before = self.loops(others)
        letter = self.letters[len(before)]
        cleared = self._cleared(op, {**outer, last: at(letter)}, letter, length(last))
        summed, inside = self.loops([*gone, last], before)
        where = {**outer, **summed}
        place = flat(there(op.axes, where), shape_of(op.axes))
        value = of(where)
        line = f"{self.target(op, place)} += {value.code};"
        return looped(before, [*cleared, *self.around(inside, [line])])

    def _cleared(self, op: Op, where: At, letter: str, count: int) -> list[Node]:
        place = flat(there(op.axes, where), shape_of(op.axes))
        nodes = looped([(letter, count)], [f"{self.target(op, place)} = 0.0;"])
        return [Block(nodes, "if (!add)")] if self.targets[op.name].added else nodes

    def reduced(
        self, op: Op, gone: Sequence[sp.Expr], function: str, of: Callable[[At], Text]
    ) -> list[Node]:
        """One number for each entry of the result, combined from those along other labels."""
        outer, pairs = self.loops(op.axes)
        inner, inside = self.loops(gone, pairs)
        where = {**outer, **inner}
        if not inside:
            return self.around(pairs, [self.store(op, where, of(where).code)])
        start, combined = _COMBINED[op.dtype == "bool", function]
        alone = not op.axes and not self.targets[op.name].added
        self.target(op, HERE if not op.axes else flat(there(op.axes, outer), shape_of(op.axes)))
        name = self.targets[op.name].name if alone else _NAMES[function]
        value = of(where)
        body = self.around(inside, [combined.format(name=name, x=value.code)])
        if function == "sum" and inside[-1][1] >= LANES:
            body = self._in_lanes(body, name)
        if alone:
            return [f"{name} = {start};", *body]
        first = f"{self.entries.type(op.dtype)} {name} = {start};"
        return self.around(pairs, [first, *body, self.store(op, where, name)])

    def _in_lanes(self, nodes: list[Node], name: str) -> list[Node]:
        """The innermost loop of nodes, after a word that lets its sum be computed in parts."""
        (loop,) = nodes
        assert isinstance(loop, Loop)
        if not any(isinstance(n, Loop) for n in loop.body):
            return [f"{self.prefix}_SUM({name})", loop]
        loop.body = self._in_lanes(loop.body, name)
        return [loop]

    def reduce(self, op: Op) -> list[Node]:
        gone, function, entry = self._combining(op)
        if function == "norm":
            return self.norm(op, op.reads[0], gone)
        if function == "sum" and self._goes_along(op, gone):
            return self._by_rows(op, gone, entry)
        return self.reduced(op, gone, function, entry)

    def norm(self, op: Op, source: Ref, gone: Sequence[Index]) -> list[Node]:
        """The root of the sum of squares; of scaled entries where squares are out of range."""
        outer, pairs = self.loops(op.axes)
        inner, inside = self.loops(gone, pairs)
        x = self.entries.operand(source, {**outer, **inner}).code
        before, self.entries.before = self.entries.before, []
        largest, total = "largest", "sum"

        def each(line: str) -> list[Node]:
            return looped(inside, [*before, line])

        scaled = f"(({x}) / {largest})"
        low, high = (
            ("1.0e-30", "1.0e37") if self.entries.real == "float" else ("1.0e-290", "1.0e300")
        )
        kind = self.entries.real
        body: list[Node] = [
            f"{kind} {total} = 0.0;",
            *each(f"{total} += ({x}) * ({x});"),
            Block(
                [
                    f"{kind} {largest} = 0.0;",
                    *each(f"{largest} = larger({largest}, fabs({x}));"),
                    f"{total} = {largest};",
                    Block(
                        [
                            f"{total} = 0.0;",
                            *each(f"{total} += {scaled} * {scaled};"),
                            f"{total} = {largest} * sqrt({total});",
                        ],
                        f"if (({largest} > 0.0) && ({largest} < INFINITY))",
                    ),
                ],
                f"if (({total} < {low}) || ({total} > {high}))",
            ),
            Block([f"{total} = sqrt({total});"], "else"),
            self.store(op, {**outer, **inner}, total),
        ]
        return scoped(pairs, body)

    def trace(self, op: Op) -> list[Node]:
        return self.reduced(op, *self._combining(op))

    # Along one axis

    def cumsum(self, op: Op) -> list[Node]:
        (axis,) = whole(op)
        others = [a for k, a in enumerate(op.axes) if k != axis]
        outer, pairs = self.loops(others)
        inner, inside = self.loops(op.axes[axis : axis + 1], pairs)
        where = {**outer, **inner}
        total = "sum"
        value = self.entries.operand(op.reads[0], where)
        body = [f"{total} += {value.code};", self.store(op, where, total)]
        inner_nodes = self.around(inside, body)
        return scoped(pairs, [f"{self.entries.real} {total} = 0.0;", *inner_nodes])

    def products_of_others(self, op: Op) -> list[Node]:
        """Of those before, then of those after each: there and back."""
        (axis,) = whole(op)
        outer, pairs = self.loops([a for k, a in enumerate(op.axes) if k != axis])
        inner, inside = self.loops(op.axes[axis : axis + 1], pairs)
        count = length(op.axes[axis])
        product = "product"
        label, shape = op.axes[axis], shape_of(op.axes)
        back = {**outer, label: Place(count - 1) + inner[label].times(-1)}
        ahead = {**outer, **inner}
        nodes: list[Node] = [f"{self.entries.real} {product} = 1.0;"]
        for where, sign in ((ahead, "="), (back, "*=")):
            value = self.entries.operand(op.reads[0], where)
            target = self.target(op, flat(there(op.axes, where), shape))
            body = [f"{target} {sign} {product};", f"{product} *= {value.code};"]
            nodes += [*self.around(inside, body), f"{product} = 1.0;"]
        return scoped(pairs, nodes[:-1])

    # Changes

    def place(self, op: Op) -> list[Node]:
        """Values at slices and windows of a base."""
        values = op.args[1]
        outer = [*_outer(op)]
        inside = [exactly(p.length) for p in op.detail if isinstance(p, Window)]
        counts = [*outer, *inside]
        letters = iter(self.letters)
        pairs, places = [], []
        for count in counts:
            letter = next(letters) if count > 1 else ""
            places.append(at(letter) if letter else HERE)
            pairs += [(letter, count)] if letter else []
        ahead, within = iter(places[: len(outer)]), iter(places[len(outer) :])
        target = [part_place(part, ahead, within) for part in op.detail]
        where: dict[sp.Expr, Place] = {}
        if isinstance(values, Ref):
            mine = places[len(places) - len(values.axes) :]
            where = {a: p for a, p in zip(values.axes, mine, strict=True) if a is not UNIT}
        value = self.entries.operand(values, where, op.dtype)
        line = self._changed(op, op.function, flat(target, shape_of(op.axes)), value)
        return self.around(pairs, [line])

    def _changed(self, op: Op, function: str, place: Place, value: Text) -> str:
        return f"{self.target(op, place)} {_SIGNS[function]} {value.code};"

    def scatter(self, op: Op) -> list[Node]:
        """Values at positions of a base."""
        where, pairs = self.loops(labels(indexed_axes(op, op.axes)))
        places = self.entries.positions(op, op.axes, where)
        value = self.entries.operand(op.args[1], where, op.dtype)
        function = op.function.removesuffix("_repeatedly")
        line = self._changed(op, function, flat(places, shape_of(op.axes)), value)
        return self.around(pairs, [line])

    def put(self, op: Op) -> list[Node]:
        """Values at places among all entries of a base."""
        _, values, positions = op.reads
        where, pairs = self.loops(positions.axes)
        place = self.entries.position(positions, where, 0)
        value = self.entries.operand(values, where, op.dtype)
        return self.around(pairs, [self._changed(op, "set", place, value)])


_ALONG: Mapping[str, Callable[[Operations, Op], list[Node]]] = {
    "contract": Operations.product,
    "matmul": Operations.product,
    "reduce": Operations.reduce,
    "trace": Operations.trace,
    "cumsum": Operations.cumsum,
    "products_of_others": Operations.products_of_others,
    "join": Operations.join,
    "place": Operations.place,
    "scatter": Operations.scatter,
    "put": Operations.put,
    "linalg": Operations.linalg,
}
"""Kinds that need more than one line for each entry of the result."""

_NAMES = {"sum": "sum", "prod": "product", "max": "largest", "min": "smallest"}
_COMBINED = {
    (False, "sum"): ("0.0", "{name} += {x};"),
    (False, "prod"): ("1.0", "{name} *= {x};"),
    (False, "max"): ("-INFINITY", "{name} = larger({name}, {x});"),
    (False, "min"): ("INFINITY", "{name} = smaller({name}, {x});"),
    (True, "max"): ("false", "{name} = {name} || {x};"),
    (True, "min"): ("true", "{name} = {name} && {x};"),
    (True, "prod"): ("true", "{name} = {name} && {x};"),
}
"""What a reduction begins with, and how it goes on; of truth values, and of numbers."""


def _outer(op: Op) -> Iterator[int]:
    """The lengths of the axes of a part, without those inside windows."""
    for axis, part in zip(op.axes, op.detail, strict=True):
        if part is None:
            yield length(axis)
        elif isinstance(part, Cut | Window) and part.count is not None:
            yield exactly(part.count)


def _step(place: Place, of: Place) -> int:
    """How far a place moves with a loop."""
    return abs(place.step(of.code)) if of.steps else 0

"""Operations as loops that write into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.program.kinds.run import whole
from symgrad.program.program import UNIT, Op, Ref, indexed_axes, labels
from symgrad.targets.c.entries import exactly, part_place, there
from symgrad.targets.c.kept import length, shape_of
from symgrad.targets.c.lanes import marked
from symgrad.targets.c.loops import Block, Node, looped, scoped
from symgrad.targets.c.places import HERE, Place, at, flat
from symgrad.targets.c.sums import Sums
from symgrad.targets.expressions import Text

_SAFE = {"float": ("1.0e-30", "1.0e37"), "double": ("1.0e-290", "1.0e300")}
"""Between these a sum of squares has lost nothing, and did not overflow."""

_SIGNS = {"add": "+=", "subtract": "-=", "set": "="}


class Operations(Sums):
    """Writes each operation whose value has memory as loops."""

    def written(self, op: Op) -> list[Node]:
        """The loops that compute a value."""
        self.entries.parts = 0
        self.entries.counts = {}
        self.writes, self.writing = {}, (op.name,)
        if self.kept.is_alias(op):
            return []
        nodes = _ALONG[op.kind](self, op) if op.kind in _ALONG else self.entrywise(op)
        return marked(nodes, f"{self.prefix}_EACH")

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

    # Reductions

    def reduce(self, op: Op) -> list[Node]:
        gone, function, _ = self._combining(op)
        return self.norm(op, op.reads[0], gone) if function == "norm" else self.summed(op)

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
        kind = self.entries.real
        low, high = _SAFE[kind]
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
    "standing": Operations.standing,
}
"""Kinds that need more than one line for each entry of the result."""


def _outer(op: Op) -> Iterator[int]:
    """The lengths of the axes of a part, without those inside windows."""
    for axis, part in zip(op.axes, op.detail, strict=True):
        if part is None:
            yield length(axis)
        elif isinstance(part, Cut | Window) and part.count is not None:
            yield exactly(part.count)

"""Operations as loops that write into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.program.kinds.run import whole
from symgrad.program.program import UNIT, Op, Ref, indexed_axes, labels
from symgrad.targets.c.entries import At, Entries, exactly, part_place, there
from symgrad.targets.c.kept import length, shape_of
from symgrad.targets.c.loops import Block, Node, looped, scoped
from symgrad.targets.c.places import HERE, Place, at, flat
from symgrad.targets.expressions import OPERATORS, Text

_SIGNS = {"add": "+=", "subtract": "-=", "set": "="}

Pairs = list[tuple[str, int]]


@dataclass(frozen=True)
class Target:
    """Where a value is written: ``added``, whether what is there may have to stay."""

    name: str
    added: bool = False


class Operations:
    """Writes each operation whose value has memory as loops."""

    def __init__(self, entries: Entries, letters: Sequence[str]) -> None:
        """``letters``: what loops count with, from the outermost."""
        self.entries, self.kept, self.letters = entries, entries.kept, letters
        self.targets: dict[str, Target] = {}
        """Where each value with memory lies."""
        self.scratch: dict[str, tuple[str, int]] = {}
        """Memory that an operation needs for itself: its type, and how much, by its name."""

    def written(self, op: Op) -> list[Node]:
        """The loops that compute a value."""
        if self.kept.is_alias(op):
            return []
        if op.kind in _ALONG:
            return _ALONG[op.kind](self, op)
        return self.entrywise(op)

    # Loops

    def loops(
        self, axes: Sequence[sp.Expr], outside: Pairs | None = None
    ) -> tuple[dict[sp.Expr, Place], Pairs]:
        """A loop for each label, inside others; where each label is, and the loops."""
        start = len(outside or [])
        found: dict[sp.Expr, Place] = {}
        pairs: Pairs = []
        for label in dict.fromkeys(a for a in axes if isinstance(a, Index)):
            if length(label) == 1:
                found[label] = HERE
                continue
            letter = self.letters[start + len(pairs)]
            found[label] = at(letter)
            pairs.append((letter, length(label)))
        return found, pairs

    def around(self, pairs: Pairs, body: Sequence[Node]) -> list[Node]:
        """Loops around lines, and before these what they need."""
        before, self.entries.before = self.entries.before, []
        return scoped(pairs, [*before, *body])

    def target(self, op: Op, place: Place) -> str:
        """The memory of an entry."""
        name = self.targets[op.name].name
        return f"{name}[{place.code}]" if op.axes else name

    def store(self, op: Op, where: At, value: str) -> str:
        """The line that writes an entry of the result."""
        return self.store_at(op, flat(there(op.axes, where), shape_of(op.axes)), value)

    def store_at(self, op: Op, place: Place, value: str) -> str:
        """The same, by the place of the entry among all."""
        target = self.target(op, place)
        if self.targets[op.name].added:
            return f"{target} = add ? ({target} + {value}) : {value};"
        return f"{target} = {value};"

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
        gone = [a for a in dict.fromkeys(a for r in op.reads for a in labels(r.axes))
                if a not in op.axes]  # fmt: skip
        if gone and self._goes_along(op, gone):
            return self._by_rows(op, gone)
        return self.reduced(op, gone, "sum", lambda where: self._factors(op, where))

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
        steps = []
        for ref in op.reads:
            place = self.entries.place(ref, where)
            steps.append((_step(place, where[last]), max(_step(place, where[k]) for k in gone)))
        return all(mine in (0, 1) for mine, _ in steps) and any(other > 1 for _, other in steps)

    def _by_rows(self, op: Op, gone: Sequence[Index]) -> list[Node]:
        *others, last = labels(op.axes)
        outer, before = self.loops(others)
        letter = self.letters[len(before)]
        cleared = self._cleared(op, {**outer, last: at(letter)}, letter, length(last))
        summed, inside = self.loops([*gone, last], before)
        where = {**outer, **summed}
        place = flat(there(op.axes, where), shape_of(op.axes))
        value = self._factors(op, where)
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
        name = self.targets[op.name].name if alone else _NAMES[function]
        value = of(where)
        body = self.around(inside, [combined.format(name=name, x=value.code)])
        if alone:
            return [f"{name} = {start};", *body]
        first = f"{self.entries.type(op.dtype)} {name} = {start};"
        return self.around(pairs, [first, *body, self.store(op, where, name)])

    def reduce(self, op: Op) -> list[Node]:
        (source,) = op.reads
        gone = [a for a in labels(source.axes) if a not in op.axes]
        if op.function == "norm":
            return self.norm(op, source, gone)
        dtype = "bool" if op.dtype == "bool" else "float"
        return self.reduced(op, gone, op.function,
                            lambda where: self.entries.operand(source, where, dtype))  # fmt: skip

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
        low, high = ("1e-30", "1e37") if self.entries.real == "float" else ("1e-290", "1e300")
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
        (source,) = op.reads
        diagonal = source.axes[0]

        def entry(where: At) -> Text:
            return self.entries.operand(Ref(source.name, (diagonal, diagonal)), where)

        return self.reduced(op, [diagonal], "sum", entry)

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

    # Matrices

    def linalg(self, op: Op) -> list[Node]:
        """A function of each matrix of a stack."""
        last = {"solve": len(op.reads[-1].axes[-2:])}.get(op.function, 2)
        lead = op.axes if op.function in _OF_DETERMINANT else op.axes[: len(op.axes) - last]
        outer, pairs = self.loops(lead)
        n = length(op.reads[0].axes[-1])
        start = flat([*there(lead, outer), *[HERE] * (len(op.axes) - len(lead))], shape_of(op.axes))
        return looped(pairs, [*_LINALG[op.function](self, op, outer, pairs, n, start)])

    def _copied(
        self, ref: Ref, to: str, outer: At, pairs: Pairs, last: int, start: Place = HERE
    ) -> list[Node]:
        """A copy of a matrix, or of what else is in the last axes."""
        axes = ref.axes[len(ref.axes) - last :]
        inner, inside = self.loops(axes, pairs)
        where = {**outer, **inner}
        value = self.entries.operand(ref, where)
        place = start + flat(there(axes, where), shape_of(axes))
        return self.around(inside, [f"{to}[{place.code}] = {value.code};"])

    def _room(self, wish: str, type_: str, count: int) -> str:
        name = self.entries.new(wish)
        self.scratch[name] = (type_, count)
        return name

    def _result(self, op: Op, start: Place) -> str:
        """Where a matrix of the result begins."""
        name = self.targets[op.name].name
        return f"&{name}[{start.code}]" if start != HERE else name

    def _factors_of(self, op: Op, outer: At, pairs: Pairs, n: int) -> tuple[str, list[Node]]:
        matrix = self._room("factors", self.entries.real, n * n)
        order = self._room("order", "size_t", n)
        return f"{matrix}, {order}", self._copied(op.reads[0], matrix, outer, pairs, 2)

    def _solve(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        factors, copied = self._factors_of(op, outer, pairs, n)
        right = op.reads[1]
        last = len(right.axes[-2:])
        columns = length(right.axes[-1]) if last == 2 else 1
        yield from copied
        yield from self._copied(right, self.targets[op.name].name, outer, pairs, last, start)
        yield f"solve({factors}, {self._result(op, start)}, {n}U, {columns}U);"

    def _inverse(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        factors, copied = self._factors_of(op, outer, pairs, n)
        yield from copied
        yield f"inverted({factors}, {self._result(op, start)}, {n}U);"

    def _cholesky(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        name = self.targets[op.name].name
        yield from self._copied(op.reads[0], name, outer, pairs, 2, start)
        yield f"cholesky({self._result(op, start)}, {n}U);"

    def _adjugate(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        matrix = self._room("matrix", self.entries.real, n * n)
        part = self._room("part", self.entries.real, max((n - 1) ** 2, 1))
        order = self._room("order", "size_t", n)
        yield from self._copied(op.reads[0], matrix, outer, pairs, 2)
        yield f"adjugate({matrix}, {part}, {order}, {self._result(op, start)}, {n}U);"

    def _number(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        factors, copied = self._factors_of(op, outer, pairs, n)
        yield from copied
        yield self.store(op, outer, f"{_OF_DETERMINANT[op.function]}({factors}, {n}U)")


_OF_DETERMINANT = {
    "det": "determinant",
    "sign": "sign_of_determinant",
    "logdet": "log_determinant",
}
_LINALG: Mapping[str, Callable[[Operations, Op, At, Pairs, int, Place], Iterator[Node]]] = {
    "solve": Operations._solve,
    "inv": Operations._inverse,
    "cholesky": Operations._cholesky,
    "adjugate": Operations._adjugate,
    **dict.fromkeys(_OF_DETERMINANT, Operations._number),
}
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


def _step(place: Place | None, of: Place) -> int:
    """How far a place moves with a loop; 2 where it is not known."""
    if place is None:
        return 2
    return abs(place.step(of.code)) if of.steps else 0

"""The entry of a value at a place, as an expression of C."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.sizes import with_numbers
from symgrad.program.kinds.entries import BOOLEAN
from symgrad.program.kinds.run import whole
from symgrad.program.program import Axes, Literal, Op, Operand, Program, Ref
from symgrad.targets.c import numbers
from symgrad.targets.c.kept import Kept, length, shape_of
from symgrad.targets.c.loops import Node
from symgrad.targets.c.places import HERE, Place, at, flat
from symgrad.targets.expressions import OPERATORS, Precedence, Text

LONG = 60
"""An expression that is longer has a line of its own, before that in which it is read."""

At = Mapping[sp.Expr, Place]
"""Where each label of an operation is."""


def there(axes: Axes, where: At) -> list[Place]:
    """The places along axes."""
    return [where[a] if isinstance(a, Index) else HERE for a in axes]


def exactly(expr: sp.Expr) -> int:
    """An expression of sizes, all of which are numbers."""
    return int(with_numbers(sp.sympify(expr)))


class Entries:
    """Writes entries of values; remembers what is read, and lines that have to stand before."""

    def __init__(
        self,
        program: Program,
        kept: Kept,
        local: Callable[[str], str],
        integer: str,
        real: str,
        new: Callable[[str], str],
    ) -> None:
        """``local``: what a value with memory is called; ``integer``, ``real``: types."""
        self.program, self.kept = program, kept
        self.ops, self.dtypes = kept.ops, program.dtypes
        self.shapes = {n: tuple(exactly(s) for s in shape) for n, shape in program.shapes.items()}
        self.local, self.integer, self.real, self.new = local, integer, real, new
        self.reads: dict[str, set[Place]] = {}
        self.rows: Mapping[str, str] = {}
        """Values of which one row is in memory at a time, and what counts the rows."""
        self.near: frozenset[str] = frozenset()
        """Values that are in no memory: a number in the loops in which they are needed."""
        self.before: list[Node] = []
        self.depth = 0
        """How many loops are around what is written."""
        self.counts: dict[str, int] = {}
        """How far the variables of the loops of one value count."""
        self.parts = 0
        """How many names the loops of one value have for parts of an expression."""
        self.combined: Callable[[Op, Sequence[Place]], Text]
        """Writes a loop before what is written, that combines entries; gives its result."""
        self.turned: Callable[[str, Place], tuple[str, Place] | None] | None = None
        """The copy that is read in place of an entry, where there is one in another order."""

    def type(self, dtype: str) -> str:
        """The type of C for a kind of entries."""
        return {"float": self.real, "int": self.integer, "bool": "bool"}[dtype]

    def entry(self, name: str, places: Sequence[Place]) -> Text:
        """An entry of a value."""
        if name not in self.kept.lazy:
            return self.read(name, places)
        op = self.ops[name]
        text = self.computed(op, places)
        if len(text.code) <= LONG or op.kind != "map":
            return text
        return self.held(text, self.type(op.dtype))

    def held(self, text: Text, type_: str) -> Text:
        """A name for an expression, which has a line of its own before that in which it is read."""
        name = self.part()
        self.before.append(f"const {type_} {name} = {text.code};")
        return Text(name)

    def part(self) -> str:
        """A name for a part of an expression."""
        self.parts += 1
        return f"part_{self.parts}"

    def summed(self, op: Op, places: Sequence[Place]) -> Text:
        return self.combined(op, places)

    def computed(self, op: Op, places: Sequence[Place]) -> Text:
        """An entry of the result of an operation, from those of its arguments."""
        return self.KINDS[op.kind](self, op, places)

    def read(self, name: str, places: Sequence[Place]) -> Text:
        """An entry that is in memory."""
        root = self.kept.root[name]
        if not self.shapes[name]:
            self.reads.setdefault(root, set()).add(HERE)
            return Text(self.local(root))
        return self._read_at(root, flat(places, self.shapes[name]))

    def _read_at(self, root: str, place: Place) -> Text:
        self.reads.setdefault(root, set()).add(place)
        name = self.local(root)
        if root in self.near:
            return Text(name)
        if self.turned is not None and (found := self.turned(root, place)) is not None:
            name, place = found
        else:
            place = self.in_row(root, place)
        return Text(f"{name}[{place.code}]")

    def in_row(self, root: str, place: Place) -> Place:
        """The place in memory of an entry: of some values there is one row at a time."""
        return place.without(self.rows[root]) if root in self.rows else place

    def place(self, ref: Ref, where: At) -> Place | None:
        """Where the entry lies in memory that is read; None where it is computed."""
        name, places = ref.name, there(ref.axes, where)
        while name in self.kept.lazy:
            if (seen := self._seen(self.ops[name], places)) is None:
                return None
            name, places = seen
        return flat(places, self.shapes[name])

    def touched(self, ref: Ref, where: At) -> list[Place] | None:
        """The places in memory that an entry is computed from; None where they are not known."""
        if (found := self.place(ref, where)) is not None:
            return [found]
        op, places = self.ops[ref.name], there(ref.axes, where)
        while (seen := self._seen(op, places)) is not None:
            op, places = self.ops[seen[0]], seen[1]
        if op.kind != "map":
            return None
        inner = dict(zip(op.axes, places, strict=True))
        each = [self.touched(r, inner) for r in op.reads]
        return None if None in each else [p for some in each for p in some or ()]

    def operand(self, operand: Operand, where: At, dtype: str = "float") -> Text:
        """An argument as an entry of a kind."""
        if isinstance(operand, Literal):
            if dtype != "float" and operand.value.is_Integer:
                return numbers.whole_number(int(operand.value))
            return numbers.number(operand.value)
        text = self.entry(operand.name, there(operand.axes, where))
        return self.converted(text, self.dtypes[operand.name], dtype)

    def converted(self, x: Text, have: str, want: str) -> Text:
        """An entry of one kind as one of another."""
        if have == want:
            return x
        if want == "bool":
            zero = Text("0.0" if have == "float" else "0")
            return OPERATORS["not_equal"](x, zero)
        if have == "bool":
            values = ("1.0", "0.0") if want == "float" else ("1", "0")
            return numbers.chosen(x, *map(Text, values))
        if x.level < Precedence.UNARY:
            x = self.held(x, self.type(have))
        return numbers.cast(x, self.type(want))

    # Kinds

    def map(self, op: Op, places: Sequence[Place]) -> Text:
        where = dict(zip(op.axes, places, strict=True))
        dtype = self._computed_in(op)
        if op.function in ("where", "select"):
            condition, *values = op.args
            texts = (self.operand(a, where, op.dtype) for a in values)
            return numbers.chosen(self.operand(condition, where, "bool"), *texts)
        args = [self.operand(a, where, dtype) for a in op.args]
        if op.function == "power" and args[1].code == "2.0" and args[0].level < Precedence.ATOM:
            args[0] = self.held(args[0], self.real)
        if op.function == "cast":
            return args[0]
        if op.function == "round":
            return numbers.rounded(args[0], whole(op)[0])
        function = {"bool": _OF_TRUTH, "int": _OF_INTEGERS}.get(dtype, {}).get(op.function)
        return function(*args) if function else numbers.called(op.function, args)

    def _computed_in(self, op: Op) -> str:
        """The kind of numbers that a function computes with."""
        if op.function not in BOOLEAN:
            return op.dtype
        if op.function.startswith("logical"):
            return "bool"
        kinds = {self.dtypes[a.name] for a in op.reads}
        whole_ = all(a.value.is_Integer for a in op.args if isinstance(a, Literal))
        return "float" if "float" in kinds or not whole_ else "int"

    def powers(self, op: Op, places: Sequence[Place]) -> Text:
        base = self.entry(op.reads[0].name, places[1:])
        (first,) = whole(op)
        exponent = _sum(places[0] + Place(first))
        return numbers.called("power", [base, numbers.cast(exponent, self.real)])

    def copy(self, op: Op, places: Sequence[Place]) -> Text:
        return self.entry(op.reads[0].name, places)

    def _seen(self, op: Op, places: Sequence[Place]) -> tuple[str, list[Place]] | None:
        """The value of which an operation shows entries, and where; None where it computes."""
        found = _SHOWN.get(op.kind)
        return None if found is None else (op.reads[0].name, found(op, places))

    def seen(self, op: Op, places: Sequence[Place]) -> Text:
        """An entry of the argument, at another place."""
        found = self._seen(op, places)
        assert found is not None
        return self.entry(*found)

    def reshape(self, op: Op, places: Sequence[Place]) -> Text:
        """The argument has memory: the entry is at the same place there."""
        return self.read(self.ops[op.name].reads[0].name, [*_unflattened(self, op, places)])

    def fill(self, op: Op, places: Sequence[Place]) -> Text:
        return self.operand(op.args[0], {}, op.dtype)

    def iota(self, op: Op, places: Sequence[Place]) -> Text:
        return numbers.cast(Text(f"({places[0].code})"), self.integer)

    def eye(self, op: Op, places: Sequence[Place]) -> Text:
        same = self._same(*places)
        return self.converted(same, "bool", op.dtype)

    def _same(self, row: Place, column: Place) -> Text:
        return OPERATORS["equal"](_sum(row), _sum(column))

    def diagonal(self, op: Op, places: Sequence[Place]) -> Text:
        entry = self.entry(op.reads[0].name, places[:1])
        return numbers.chosen(self._same(*places), entry, numbers.number(sp.S.Zero))

    def triangle(self, op: Op, places: Sequence[Place]) -> Text:
        (offset,) = whole(op)
        row, column = places[-2:]
        row = row + Place(max(offset, 0))
        column = column + Place(max(-offset, 0))
        sign = "less_equal" if op.function == "lower" else "greater_equal"
        inside = OPERATORS[sign](_sum(column), _sum(row))
        entry = self.entry(op.reads[0].name, places)
        return numbers.chosen(inside, entry, numbers.number(sp.S.Zero))

    def gather(self, op: Op, places: Sequence[Place]) -> Text:
        where = dict(zip(op.axes, places, strict=True))
        return self.entry(op.reads[0].name, self.positions(op, op.reads[0].axes, where))

    def positions(self, op: Op, axes: Axes, where: At) -> list[Place]:
        """The places along axes that the detail of an operation gives positions for."""
        found = []
        for axis, position in zip(axes, op.detail, strict=True):
            if isinstance(position, int):
                found.append(self.position(op.args[position], where, length(axis)))
            else:
                found += there((axis,), where)
        return found

    def position(self, operand: Operand, where: At, size: int) -> Place:
        """An argument as a place along an axis."""
        if isinstance(operand, Literal):
            value = exactly(operand.value)
            return Place(value if value >= 0 else value + size)
        op, places = self.ops.get(operand.name), there(operand.axes, where)
        name = operand.name
        while op is not None and name in self.kept.lazy and (found := self._seen(op, places)):
            name, places = found
            op = self.ops.get(name)
        if op is not None and op.kind == "iota" and name in self.kept.lazy:
            return places[0]
        text = self.converted(self.entry(name, places), self.dtypes[name], "int")
        if text.level < Precedence.UNARY:
            text = self.held(text, self.integer)
        return at(numbers.cast(text, "size_t").code)

    def take(self, op: Op, places: Sequence[Place]) -> Text:
        source, positions = op.reads
        place = self.position(positions, dict(zip(positions.axes, places, strict=True)), 0)
        return self.flat_entry(source.name, place)

    def flat_entry(self, name: str, place: Place) -> Text:
        """An entry of a value that has memory, by its place among all."""
        return self._read_at(self.kept.root[name], place)

    KINDS: ClassVar[Mapping[str, Callable[[Entries, Op, Sequence[Place]], Text]]] = {
        "map": map,
        "powers": powers,
        "copy": copy,
        "view": seen,
        "expand": seen,
        "slice": seen,
        "windows": seen,
        "reshape": reshape,
        "fill": fill,
        "iota": iota,
        "eye": eye,
        "diagonal": diagonal,
        "triangle": triangle,
        "gather": gather,
        "take": take,
        **dict.fromkeys(("contract", "matmul", "reduce", "trace"), summed),
    }


def _unflattened(entries: Entries, op: Op, places: Sequence[Place]) -> list[Place]:
    """The places of an argument with as many entries: all in the last axis, row by row."""
    axes = len(entries.shapes[op.reads[0].name])
    return [HERE] * (axes - 1) + [flat(places, shape_of(op.axes))] if axes else []


def _sum(place: Place) -> Text:
    several = len(place.steps) + bool(place.start) > 1
    return Text(place.code, Precedence.SUM if several else Precedence.PRODUCT)


def _labelled(op: Op, places: Sequence[Place]) -> list[Place]:
    where = dict(zip(op.axes, places, strict=True))
    return there(op.reads[0].axes, where)


def _parts(op: Op, places: Sequence[Place]) -> list[Place]:
    """The places of slices and windows; those inside windows are last."""
    count = sum(not (isinstance(p, Cut) and p.count is None) for p in op.detail)
    outer, inside = iter(places[:count]), iter(places[count:])
    return [part_place(part, outer, inside) for part in op.detail]


def part_place(part: object, outer: object, inside: object) -> Place:
    """The place along one axis; ``outer`` and ``inside`` give the next places of the part."""
    if isinstance(part, Cut) and part.count is None:
        return Place(exactly(part.start))
    place: Place = next(outer)  # type: ignore[call-overload]
    if isinstance(part, Cut | Window):
        place = Place(exactly(part.start)) + place.times(exactly(part.step))
    if isinstance(part, Window):
        place = place + next(inside).times(exactly(part.stride))  # type: ignore[call-overload]
    return place


_SHOWN: Mapping[str, Callable[[Op, Sequence[Place]], list[Place]]] = {
    "view": _labelled,
    "expand": _labelled,
    "slice": _parts,
    "windows": _parts,
}
"""Where the entries are in the argument that an operation shows."""


def _larger(x: Text, y: Text) -> Text:
    return numbers.chosen(OPERATORS["greater_equal"](x, y), x, y)


def _smaller(x: Text, y: Text) -> Text:
    return numbers.chosen(OPERATORS["less_equal"](x, y), x, y)


def _absolute(x: Text) -> Text:
    return numbers.chosen(OPERATORS["less"](x, Text("0")), numbers.called("negative", [x]), x)


_OF_INTEGERS: Mapping[str, Callable[..., Text]] = {
    "maximum": _larger,
    "minimum": _smaller,
    "absolute": _absolute,
    "abs": _absolute,
}
_OF_TRUTH: Mapping[str, Callable[..., Text]] = {
    "multiply": numbers.both,
    "logical_and": numbers.both,
    "logical_or": numbers.either,
    "logical_not": numbers.opposite,
}
"""Functions of integers, and of truth values, that C writes in another way than of floats."""

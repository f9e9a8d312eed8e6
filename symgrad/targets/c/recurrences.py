"""Recurrences: a loop over the steps, in which the values of one step are computed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from symgrad.program.loop import Carry, Loop, loop_of, plain, results
from symgrad.program.program import Axes, Op, Ref
from symgrad.targets.c import loops
from symgrad.targets.c.computing import Computing, Piece
from symgrad.targets.c.entries import Entries, exactly, there
from symgrad.targets.c.fused import Computed
from symgrad.targets.c.kept import Kept, length, shape_of
from symgrad.targets.c.lanes import marked
from symgrad.targets.c.loops import Node
from symgrad.targets.c.operations import Operations
from symgrad.targets.c.places import ANYWHERE, Place, at, flat
from symgrad.targets.c.words import in_ascii

Reads = dict[str, set[Place]]
Memory = dict[str, tuple[str, int]]


class Recurring(Computing):
    """The values of a program, some of which are computed step by step."""

    def compute(self) -> None:
        self._steps: dict[str, tuple[list[Node], Reads, Memory]] = {}
        super().compute()

    def _nodes(self, op: Op) -> list[Node]:
        loop = loop_of(op)
        if loop is None:
            return super()._nodes(op)
        made = results(self.program, loop)
        if loop.name not in self._steps:
            nodes = Step(self, loop, made).nodes()
            reads = {name: {ANYWHERE} for name in self.entries.reads}
            self._steps[loop.name] = nodes, reads, self.operations.scratch
        nodes, self.entries.reads, self.operations.scratch = self._steps[loop.name]
        self.operations.writes = {self.kept.root[o.name]: {ANYWHERE} for o in made}
        return nodes


@dataclass(frozen=True)
class _Result:
    """A value of each step, and the array that those of all steps lie in.

    ``axis``: which axis the steps run along; ``ahead``: whether the part of a step is one later,
    as the first is the start.
    """

    op: Op
    name: str
    axis: int
    ahead: bool


class Step(Recurring):
    """The values of one step: its own in scratch memory, results where they belong."""

    def __init__(self, outer: Recurring, loop: Loop, made: Sequence[Op]) -> None:
        self.outer, self.loop, self.program = outer, loop, loop.program
        self.formulas, self.names = outer.formulas, outer.names
        self.kept = Kept(self.program)
        self.stage = {o.name: "" for o in self.program.ops}
        self.variable = self.names.new("t")
        self.local, self.external = {}, {}
        mine, theirs = outer.entries, outer.operations
        self.entries = Entries(
            self.program, self.kept, self.called, mine.integer, mine.real, mine.new
        )
        self.operations = Operations(self.entries, theirs.letters, theirs.prefix)
        self.before: list[Node] = []
        """What is done before the first step."""
        self.opening: list[Node] = []
        """What each step begins with."""
        self.results = [self._result(op) for op in made]
        self._given(made[0])
        self.copied = [*self._placed()]
        """The results that are copied to where they belong."""
        self.compute()
        self._claim_memory()

    def wanted(self) -> Iterator[tuple[str, str]]:
        for name in self.program.outputs:
            if name in self.kept.root:
                yield "", name

    # Where parts of arrays are

    def _result(self, op: Op) -> _Result:
        carry = self.loop.befores.get(op.function)
        name = carry.after if carry else op.function
        return _Result(op, name, self.loop.place(op.function), carry is not None)

    def _at(self, *, ahead: bool) -> Place:
        """The place of a step's part along the axis of the steps; ``ahead``: of the next step."""
        return at(self.variable) + Place(int(ahead))

    def _is_first(self, axes: Axes, axis: int) -> bool:
        """Whether parts are in one piece."""
        shape = shape_of(axes)
        return all(n == 1 for n in shape[:axis])

    def _scratch(self, wish: str, dtype: str, count: int) -> str:
        """Memory for the whole loop."""
        name = self.names.new(wish)
        self.outer.operations.scratch[name] = (self.entries.type(dtype), count)
        return name

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.entries.shapes[name]

    def _pointer(self, name: str, array: str, value: str, step: Place, *, constant: bool) -> str:
        """What a part of an array is called in a step, which begins with a line for that."""
        count = math.prod(self._shape(value))
        place = step.times(count)
        if not self._shape(value):
            return f"{array}[{place.code}]"
        kind, local = self.entries.type(self.program.dtypes[value]), self.names.new(name)
        first = "const " if constant else ""
        self.opening.append(f"{first}{kind} *const {local} = &{array}[{place.code}];")
        return local

    # What goes in

    def _given(self, op: Op) -> None:
        sliced, whole, starts = self.loop.sorted_args(op)
        for name, ref in whole:
            self.local[name] = self._whole(name, ref)
        for name, ref in sliced:
            self.local[name] = self._part(name, ref)
        for name, ref in starts:
            self.local[name] = self._carried(name, ref)

    def _memory(self, ref: Ref) -> str:
        """The array that a value of outside is; '' where it has no memory of its own."""
        kept = self.outer.kept
        if ref.name in kept.lazy:
            return ""
        root = kept.root[ref.name]
        self.outer.entries.reads.setdefault(root, set()).add(ANYWHERE)
        return self.outer.called(root)

    def _whole(self, name: str, ref: Ref) -> str:
        """What is the same in all steps."""
        array, dtype = self._memory(ref), self.program.dtypes[name]
        if array and (ref.axes or re.fullmatch(r"\w+", array)):
            return array
        if not ref.axes:
            value = self._outside(ref, [])
            local = self.names.new(_wish(name))
            self.before.append(f"const {self.entries.type(dtype)} {local} = {value};")
            return local
        local = self._scratch(_wish(name), dtype, math.prod(shape_of(ref.axes)))
        self.before += self._copy(local, ref)
        return local

    def _part(self, name: str, ref: Ref) -> str:
        """What a step sees of an array."""
        axis, dtype = self.loop.place(name), self.program.dtypes[name]
        array, now = self._memory(ref), self._at(ahead=False)
        if array and self._is_first(ref.axes, axis):
            return self._pointer(f"{_wish(name)}_t", array, name, now, constant=True)
        if not self._shape(name):
            local = self.names.new(f"{_wish(name)}_t")
            value = self._outside(ref, [now])
            self.opening.append(f"const {self.entries.type(dtype)} {local} = {value};")
            return local
        local = self._scratch(f"{_wish(name)}_t", dtype, math.prod(self._shape(name)))
        self.opening += self._copy(local, ref, axis)
        return local

    def _copy(self, to: str, ref: Ref, axis: int = -1) -> list[Node]:
        """Loops that copy a value of outside, or the part of it at a step."""
        axes = _but(ref.axes, axis)

        def line(here: list[Place]) -> str:
            places = here if axis < 0 else _with(here, axis, self._at(ahead=False))
            value = self.outer.entries.entry(ref.name, places)
            return f"{to}[{flat(here, shape_of(axes)).code}] = {value.code};"

        return marked(self._each(axes, line), f"{self.outer.operations.prefix}_EACH")

    def _each(self, axes: Axes, line: Callable[[list[Place]], str]) -> list[Node]:
        """Loops over the entries of an array, with the line for one that is at some place."""
        where, pairs = self.outer.operations.loops(axes)
        return self.outer.operations.around(pairs, [line(there(axes, where))])

    def _outside(self, ref: Ref, places: list[Place]) -> str:
        """A number of outside."""
        entries = self.outer.entries
        value = entries.entry(ref.name, places).code
        (self.opening if places else self.before).extend(entries.before)
        entries.before = []
        return value

    def _carried(self, name: str, ref: Ref) -> str:
        """What a step reads of the one before: in the array of all, or in memory of its own."""
        stored = [r for r in self.results if r.op.function == name]
        for result in stored:
            array = self.outer.called(self.outer.kept.root[result.op.name])
            first = Place(0 if self.loop.step > 0 else length(result.op.axes[result.axis]) - 1)
            self.before += self._from_start(array, ref, result, first)
            if self._is_first(result.op.axes, result.axis):
                before = self._at(ahead=self.loop.step < 0)
                wish = _suffixed(_wish(name), "before")
                return self._pointer(wish, array, name, before, constant=True)
        local = self._memory_for(name, "before")
        if self._shape(name):
            self.before += self._copy(local, ref)
        else:
            self.before.append(f"{local} = {self._outside(ref, [])};")
        return local

    def _from_start(self, array: str, ref: Ref, result: _Result, first: Place) -> list[Node]:
        """Loops that copy the start into the array of all."""

        def line(here: list[Place]) -> str:
            value = self.outer.entries.entry(ref.name, here)
            place = flat(_with(here, result.axis, first), shape_of(result.op.axes))
            return f"{array}[{place.code}] = {value.code};"

        return self._each(ref.axes, line)

    # What comes out

    def _placed(self) -> Iterator[_Result]:
        """Give values the memory that they belong to; those for which that can't be."""
        external: dict[str, str] = {}
        roots = [self.kept.root.get(n, "") for n in self.program.outputs]
        for result in self.results:
            root = self.kept.root.get(result.name, "")
            direct = root in self.kept.ops and roots.count(root) == 1 and root not in external
            if not direct or not self._is_first(result.op.axes, result.axis):
                yield result
                continue
            array = self.outer.called(self.outer.kept.root[result.op.name])
            ahead = result.ahead and self.loop.step > 0
            external[root] = ""
            step = self._at(ahead=ahead)
            self.local[root] = self._pointer(
                f"{_wish(result.name)}_t", array, result.name, step, constant=False
            )
        self.external = external

    def _target(self, op: Op, root: str) -> str:
        return self.called(root)

    def _claim_memory(self) -> None:
        """What a step needs is scratch memory of the loop."""
        found = self.outer.operations.scratch
        for room in self.rooms.values():
            found[self.local[room.values[0]]] = (self.entries.type(room.dtype), room.count)
        found |= self.scratch

    def _declared(self, part: Computed, root: str, nodes: list[Node]) -> list[Node]:
        op = self.kept.ops[root]
        if not op.axes or root in self.entries.near:
            return super()._declared(part, root, nodes)
        name, member = self.local[root], self.member(root)
        alias = f"{self.entries.type(op.dtype)} *const {name} = {member};"
        return nodes if name == member else [alias, *nodes]

    def _with_scratch(self, part: Computed, nodes: list[Node]) -> list[Node]:
        return nodes

    # The lines

    def nodes(self) -> list[Node]:
        """The loop, and what is done before it."""
        body = [*self.opening, *self._body(), *self._ending()]
        count, variable = exactly(self.loop.size), self.variable
        if self.loop.step < 0:
            variable = self.names.new("step")
            body = [f"const size_t {self.variable} = {count - 1}U - {variable};", *body]
        return [*self.before, loops.Loop(variable, count, body)]

    def _body(self) -> Iterator[Node]:
        made: set[str] = set()
        for group in self.groups:
            yield from self._lines(self.pieces(group, made))

    def _lines(self, pieces: Sequence[Piece]) -> Iterator[Node]:
        """The loops of pieces, those that lead to one value after what it is."""
        opened: loops.Loop | None = None
        told = self._headings(pieces)
        for piece in pieces:
            note = told.get(piece.op.name, [])
            if piece.loop is None:
                yield from [*note, *piece.head, *piece.body]
                continue
            if piece.opens:
                yield from piece.head
                opened = loops.Loop(piece.loop.variable, piece.loop.count)
            assert opened is not None
            opened.body += [*note, *piece.body]
            if piece.closes:
                yield opened

    def _headings(self, pieces: Sequence[Piece]) -> Mapping[str, list[Node]]:
        """What is told before a piece: the first of those that lead to one value."""
        found: dict[str, list[Node]] = {}
        for _, run in groupby(pieces, lambda piece: self.telling.owner[piece.op.name]):
            first, *others = [piece.op for piece in run]
            found[first.name] = [node for op in (first, *others)[::-1] for node in self.told(op)]
        return found

    def _ending(self) -> Iterator[Node]:
        """What ends a step: results that are copied, and what the next one reads."""
        for result in self.copied:
            yield from self._copied_out(result)
        handed = {c: self.local[c.before] for c in self.loop.carries if not self._is_stored(c)}
        early = {c.before for c in handed}
        sources = {c.after: self._source(c.after) for c in handed}
        for name in sources:
            if name in early:  # another of these is written before it is read
                sources[name] = saved = self._memory_for(name, "before")
                yield from self._assigned(saved, self.local[name], name)
        for carry, to in handed.items():
            yield from self._assigned(to, sources[carry.after], carry.before)

    def _is_stored(self, carry: Carry) -> bool:
        """Whether a step finds what is carried in the array of all."""
        return any(
            r.op.function == carry.before and self._is_first(r.op.axes, r.axis)
            for r in self.results
        )

    def _memory_for(self, name: str, wish: str) -> str:
        """Memory for a value of a step, or a variable of the whole loop."""
        dtype, wish = self.program.dtypes[name], _suffixed(_wish(name), wish)
        if self._shape(name):
            return self._scratch(wish, dtype, math.prod(self._shape(name)))
        local = self.names.new(wish)
        self.before.append(f"{self.entries.type(dtype)} {local} = 0.0;")
        return local

    def _assigned(self, to: str, source: str, name: str) -> list[Node]:
        """The lines that make memory what another is."""
        if not self._shape(name):
            return [f"{to} = {source};"]
        i, prefix = self.operations.letters[0], self.operations.prefix
        nodes = loops.looped([(i, math.prod(self._shape(name)))], [f"{to}[{i}] = {source}[{i}];"])
        return marked(nodes, f"{prefix}_EACH")

    def _copied_out(self, result: _Result) -> list[Node]:
        """Loops that copy a result of a step into the array of all."""
        axes = _but(result.op.axes, result.axis)
        array = self.outer.called(self.outer.kept.root[result.op.name])
        source = self._source(result.name)
        step = self._at(ahead=result.ahead and self.loop.step > 0)

        def line(here: list[Place]) -> str:
            value = f"{source}[{flat(here, shape_of(axes)).code}]" if axes else source
            place = flat(_with(here, result.axis, step), shape_of(result.op.axes))
            return f"{array}[{place.code}] = {value};"

        return self._each(axes, line)

    def _source(self, name: str) -> str:
        return self.called(self.kept.root[name])


def _but(axes: Axes, place: int) -> Axes:
    """The axes without one of them, or all."""
    return tuple(a for k, a in enumerate(axes) if k != place)


def _with(places: list[Place], axis: int, place: Place) -> list[Place]:
    """Places along all axes, of those along all but one."""
    return [*places[:axis], place, *places[axis:]]


def _wish(name: str) -> str:
    return in_ascii(plain(name))


def _suffixed(name: str, end: str) -> str:
    return name if name.endswith(f"_{end}") else f"{name}_{end}"

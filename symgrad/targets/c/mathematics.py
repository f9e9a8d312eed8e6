"""The functions that compute: the forward pass, the rest of the output, and the backward pass."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from symgrad.program.kinds import KINDS
from symgrad.program.program import Op, Program, is_temporary
from symgrad.targets.c.entries import Entries
from symgrad.targets.c.fused import Computed, Group, grouped, rowed, rows_of
from symgrad.targets.c.kept import Kept
from symgrad.targets.c.loops import Block, Loop, Node, looped, scoped
from symgrad.targets.c.nests import Target
from symgrad.targets.c.numbers import TYPES
from symgrad.targets.c.operations import Operations
from symgrad.targets.c.rooms import Life, Room, shared_out
from symgrad.targets.c.runtime import functions
from symgrad.targets.c.words import FIELDS, WORDS, in_ascii, letters
from symgrad.targets.module import Module
from symgrad.targets.stages import BACKWARD, FORWARD, OUTPUT, in_stages

STAGES = {FORWARD: "forward", OUTPUT: "rest", BACKWARD: "backward"}
"""What the functions are called, in order: each reads what those before it have computed."""

_EACH = frozenset({"map", "copy", "gather", "take", "triangle"})
"""Kinds that are computed entry by entry: each may take the place of what it is computed from."""

ADDABLE = frozenset({"view", "expand", "slice", "windows", "fill", "eye", "map", "gather", "take",
                     "diagonal", "triangle", "copy", "contract", "matmul", "reduce", "trace",
                     "cumsum", "join", "reshape"})  # fmt: skip
"""Kinds whose result may be added to what is there, without an array in between."""


@dataclass
class Piece:
    """The lines of a value: ``head`` before a loop that it may share, and what opens and closes it.

    ``inside``: whether the loop was opened before.
    """

    op: Op
    head: list[Node]
    body: list[Node]
    opens: bool = False
    closes: bool = False

    @property
    def inside(self) -> bool:
        """Whether the lines stand in a loop that another value has opened."""
        return self.loop is not None and not self.opens

    loop: Loop | None = None


@dataclass
class Function:
    """A function of a stage: its lines by the value that they compute."""

    name: str
    first: list[str] = field(default_factory=list)
    parts: list[Piece] = field(default_factory=list)
    last: list[Node] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)


class Mathematics:
    """The functions of a module, and the memory that they share."""

    def __init__(
        self, module: Module, program: Program, name: str, *, at_once: bool = False
    ) -> None:
        """``at_once``: whether one function computes all, derivatives where they are wanted."""
        self.module, self.at_once = module, at_once
        self.real = TYPES[module.dtype]
        self.integer, prefix = f"{name}_integer", name.upper()
        gradients = list(dict.fromkeys(module.gradients.values()))
        self.program, stages = in_stages(program, module.output, gradients, ())
        self.late = {n for n, stage in stages.items() if at_once and stage == BACKWARD}
        """What is computed only where derivatives are wanted."""
        self.stage = dict.fromkeys(stages, FORWARD) if at_once else stages
        self.kept = Kept(self.program)
        self.names = WORDS.locals([*STAGES.values(), *functions()])
        self.inputs = {v.name: self.names.new(in_ascii(v.name)) for v in self.program.inputs}
        self.local: dict[str, str] = dict(self.inputs)
        self.external = self._external()
        self.entries = Entries(
            self.program, self.kept, self._called, self.integer, self.real, self.names.new
        )
        self.operations = Operations(self.entries, letters(self._spoken()), prefix)
        self.scratch: dict[str, tuple[str, int]] = {}
        """Memory for a moment: its type, and how many entries."""
        self.computed = [*self._computed()]
        self.groups = grouped(self.computed)
        self.entries.rows = rowed(self.groups, filter(self._is_passing, self.kept.ops))
        if self.entries.rows:
            self.scratch = {}
            self.computed = [*self._computed()]
            self.groups = grouped(self.computed)
        self.begun = {self.kept.root[c.op.name]: c.stage for c in reversed(self.computed)}
        """The stage in which a value with memory is first computed."""
        self.rooms = self._rooms()

    # What values are called, and where they are

    def _spoken(self) -> set[str]:
        """The names of all values, whether they have memory or not."""
        named = (o.name for o in self.program.ops if not is_temporary(o.name))
        hints = (o.hint for o in self.program.ops)
        return {in_ascii(n) for n in (*self.inputs, *named, *hints, "t")}

    def _external(self) -> dict[str, str]:
        """Values that are written straight to where the caller wants them, and what these are."""
        wanted: dict[str, list[str]] = {}
        for name, value in self._wanted():
            wanted.setdefault(value, []).append(name)
        found = {}
        for value, names in wanted.items():
            stage = self._stage_of(value)
            alone = len(names) == 1 and self.program.uses[value] == 1
            if alone and self._is_addable(value, stage):
                found[self.kept.root.get(value, value)] = names[0]
        return found

    def _wanted(self) -> Iterator[tuple[str, str]]:
        """The pointers that a caller gives, and the values that go there."""
        yield from self.module.gradients.items()
        if self.program.shapes[self.module.output]:
            yield "", self.module.output

    def _is_addable(self, value: str, stage: str) -> bool:
        """Whether the loops of a value, and of what is changed to it, can add to what is there."""
        name = value
        while name in self.kept.ops:
            op = self.kept.ops[name]
            if self.program.uses[name] != 1 or self.stage[name] != stage:
                return False
            if not KINDS[op.kind].changes:
                return op.kind in ADDABLE and not self.kept.is_alias(op)
            if op.function == "set" or op.kind == "put":
                return False
            name = op.reads[0].name
        return False

    def _called(self, root: str) -> str:
        """What a value with memory is called."""
        if root not in self.local:
            self.local[root] = self._new_name(root)
        name = self.local[root]
        return f"work->{name}" if root in self.shared else name

    def _new_name(self, root: str) -> str:
        chain = self._chains[root]
        named = [o for o in chain if not is_temporary(o.name)]
        last = (named or chain)[-1]
        usual = "mask" if last.dtype == "bool" else "t"
        return self.names.new(in_ascii(last.name if named else last.hint or usual))

    @cached_property
    def shared(self) -> set[str]:
        """Numbers that one stage computes and another reads: they are in the workspace."""
        return {*self._numbers_between()}

    @cached_property
    def _chains(self) -> Mapping[str, list[Op]]:
        """The operations whose results lie in each memory, in order."""
        found: dict[str, list[Op]] = {}
        for op in self.program.ops:
            if op.name in self.kept.root:
                found.setdefault(self.kept.root[op.name], []).append(op)
        return found

    @cached_property
    def _at(self) -> Mapping[str, int]:
        return {op.name: k for k, op in enumerate(self.program.ops)}

    def _numbers_between(self) -> Iterator[str]:
        lazy = self.kept.lazy
        for op in self.program.ops:
            if op.axes or op.name in lazy:
                continue
            readers = {*self._stages_reading(op.name)}
            if readers - {self.stage[op.name]} or self._is_returned(op):
                yield op.name

    def _is_returned(self, op: Op) -> bool:
        return op.name == self.module.output and self.stage[op.name] != OUTPUT

    def _stages_reading(self, name: str) -> Iterator[str]:
        for op in self.kept.readers[name]:
            if op.name in self.kept.lazy:
                yield from self._stages_reading(op.name)
            else:
                yield self.stage[op.name]

    # What is computed

    def _computed(self) -> Iterator[Computed]:
        targets = self.operations.targets
        for op in self.program.ops:
            if op.name in self.kept.lazy or self.kept.is_alias(op):
                continue
            root = self.kept.root[op.name]
            called = self._called(root)
            added = self.external.get(root, "") != "" and not KINDS[op.kind].changes
            outside = root in self.external and not op.axes
            targets[op.name] = Target(f"{called}[0]" if outside else called, added)
            self.entries.reads, self.operations.scratch = {}, {}
            nodes = self.operations.written(op)
            self.scratch |= self.operations.scratch
            yield Computed(
                op,
                self.stage[op.name],
                nodes,
                {name: frozenset(places) for name, places in self.entries.reads.items()},
                {name: frozenset(places) for name, places in self.operations.writes.items()},
                self.entries.counts,
                [*self.operations.scratch],
                op.name in self.late,
            )

    # Memory

    def _rooms(self) -> Mapping[str, Room]:
        first: dict[str, int] = {}
        last: dict[str, int] = {}
        made: dict[str, Computed] = {}
        for at, group in enumerate(self.groups):
            for found in group:
                root = self.kept.root[found.op.name]
                first.setdefault(root, at)
                made.setdefault(root, found)
                for name in (root, *found.reads):
                    last[name] = at
        for _, value in self._wanted():
            last[self.kept.root[value]] = len(self.groups)
        roomed = [name for name in first if self._is_roomed(name)]
        return shared_out([self._life(made[n], first[n], last) for n in roomed])

    @property
    def memory(self) -> int:
        """How many entries are in the workspace."""
        rooms = {id(room): room.count for room in self.rooms.values()}
        return sum(rooms.values()) + sum(count for _, count in self.scratch.values())

    def _is_passing(self, name: str) -> bool:
        """Whether a value is in memory for nobody but other values."""
        wanted = {self.kept.root[v] for _, v in self._wanted()}
        mine = self.kept.root.get(name) == name and self._is_roomed(name) and name not in wanted
        return mine and not any(self.kept.is_alias(o) for o in self._chains[name])

    def _is_roomed(self, root: str) -> bool:
        return root not in self.external and bool(self.kept.ops[root].axes)

    def _life(self, found: Computed, at: int, last: Mapping[str, int]) -> Life:
        root, group = self.kept.root[found.op.name], self.groups[at]
        count = self.count(root)
        over = [n for n in found.reads if last[n] == at and self._is_written_over(n, found, group)]
        return Life(root, found.op.dtype, count, at, last[root], over)

    def count(self, root: str) -> int:
        """How many entries of a value are in memory at the same time."""
        shape = self.entries.shapes[root]
        return math.prod(shape[1:] if root in self.entries.rows else shape)

    def _is_written_over(self, name: str, found: Computed, group: Group) -> bool:
        """Whether a value may take the place of one that it is computed from, entry by entry."""
        if found.op.kind not in _EACH or name not in self.kept.ops:
            return False
        root, shapes = self.kept.root[found.op.name], self.entries.shapes
        alike = math.prod(shapes[name]) == math.prod(shapes[root])
        same = found.reads[name] == found.writes.get(root)
        if (name in self.entries.rows) != (root in self.entries.rows):
            return False
        if not alike or not same or self.program.dtypes[name] != found.op.dtype:
            return False
        after = group[group.index(found) + 1 :]
        if any(name in part.reads for part in after):
            return False
        rows = rows_of(group, name) | rows_of(group, root)
        return len(group) == 1 or (len(rows) == 1 and rows != {0})

    # The functions

    def function(self, stage: str) -> Function:
        """The function of a stage."""
        found = Function(STAGES[stage])
        made: set[str] = set()
        for group in (g for g in self.groups if g[0].stage == stage):
            pieces = []
            for part in group:
                nodes, root = _if_wanted(part), self.kept.root[part.op.name]
                found.reads |= {*part.reads, root}
                if root not in made and self.begun[root] == stage and root not in self.external:
                    nodes = self._declared(part.op, root, nodes)
                made.add(root)
                nodes = self._with_scratch(part, nodes)
                pieces.append(Piece(part.op, nodes[:-1], nodes[-1:]))
            found.parts += _in_one_loop(pieces) if len(pieces) > 1 else pieces
        found.last = [*self._given_out(stage)]
        if self.at_once and found.last:
            found.last = [Block(found.last, WANTED)]
        found.reads |= {self.kept.root[v] for _, v in self._wanted() if self._goes_out(stage, v)}
        found.first = [*self._pointers(stage, found.reads, made)]
        return found

    def member(self, root: str) -> str:
        """The part of the workspace in which a value is."""
        return self.local[self.rooms[root].values[0]]

    def _declared(self, op: Op, root: str, nodes: list[Node]) -> list[Node]:
        """Loops, and before them a name for the memory of their result."""
        name, type_ = self.local[root], self.entries.type(op.dtype)
        if op.axes:
            return [f"{type_} *const {name} = work->{self.member(root)};", *nodes]
        if root in self.shared:
            return nodes
        if isinstance(nodes[0], str) and nodes[0].startswith(f"{name} = "):
            constant = "const " if len(nodes) == 1 else ""
            return [f"{constant}{type_} {nodes[0]}", *nodes[1:]]
        start = " = 0.0" if op.name in self.late else ""
        return [f"{type_} {name}{start};", *nodes]

    def _with_scratch(self, part: Computed, nodes: list[Node]) -> list[Node]:
        found = [(name, self.scratch[name][0]) for name in part.scratch]
        return [*(f"{type_} *const {name} = work->{name};" for name, type_ in found), *nodes]

    def _goes_out(self, stage: str, value: str) -> bool:
        """Whether a value is copied to the caller's memory at the end of a stage."""
        if self.kept.root[value] in self.external:
            return False
        return stage == self._stage_of(value)

    def _stage_of(self, wanted: str) -> str:
        """The stage that gives out what a caller wants."""
        if self.at_once:
            return FORWARD
        return OUTPUT if wanted == self.module.output else BACKWARD

    def _given_out(self, stage: str) -> Iterator[Node]:
        """The loops that copy results to where the caller wants them."""
        for name, value in self._wanted():
            if self._goes_out(stage, value):
                yield from self._copied_out(name, value)

    def _copied_out(self, name: str, value: str) -> Iterator[Node]:
        shape = self.entries.shapes[value]
        source = self.entries.local(self.kept.root[value])
        target = f"derived->{self.fields[name]}" if name else "value"
        count = math.prod(shape)
        place = "[i]" if shape else "[0]"
        x = f"{source}[i]" if shape else source
        line = f"{target}{place} = add ? ({target}{place} + {x}) : {x};"
        line = line if name else f"{target}{place} = {x};"
        yield from looped([("i", count)] if shape else [], [line])

    def _pointers(self, stage: str, read: set[str], written: set[str]) -> Iterator[str]:
        """Names for what a function reads, or writes for its caller."""
        for variable in self.program.inputs:
            if variable.name in read and variable.role != "constant":
                type_ = self.entries.type(variable.dtype)
                star = "*restrict const " if variable.shape else ""
                name = self.inputs[variable.name]
                yield f"const {type_} {star}{name} = given->{self.fields[variable.name]};"
        for root in sorted(read & {*self.kept.ops}, key=self._order):
            name, type_ = self.local[root], self.entries.type(self.kept.ops[root].dtype)
            if root in self.external:
                to = self.external[root]
                target = f"derived->{self.fields[to]}" if to else "value"
                target = f"(derived != NULL) ? {target} : NULL" if self.at_once else target
                yield f"{type_} *restrict const {name} = {target};"
            elif self.kept.ops[root].axes and self.begun[root] != stage:
                constant = "" if root in written else "const "
                yield f"{constant}{type_} *const {name} = work->{self.member(root)};"

    def _order(self, name: str) -> int:
        return self._at[name]

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """What inputs, and values that are differentiated by, are called in the structs."""
        names = FIELDS.locals([])
        found = {}
        for name in dict.fromkeys([*(v.name for v in self.module.arguments),
                                   *self.module.gradients]):  # fmt: skip
            found[name] = names.new(in_ascii(name))
        return found


WANTED = "if (derived != NULL)"
"""Before what is computed for a caller who wants derivatives."""


def _if_wanted(part: Computed) -> list[Node]:
    """The lines of a value, which are left out where only derivatives that nobody wants need it."""
    if not part.late:
        return list(part.nodes)
    if part.loop is None:
        return [Block([*part.nodes], WANTED)]
    *before, loop = part.nodes
    assert isinstance(loop, Loop)
    inside = Loop(loop.variable, loop.count, [Block(loop.body, WANTED)])
    return [*([Block(before, WANTED)] if before else []), inside]


def _in_one_loop(pieces: list[Piece]) -> list[Piece]:
    """The pieces inside one loop, which the first opens after the heads of all."""
    heads = [node for piece in pieces for node in piece.head]
    found = []
    for k, piece in enumerate(pieces):
        (loop,) = piece.body
        assert isinstance(loop, Loop)
        head = heads if k == 0 else []
        body = scoped([], loop.body) if isinstance(loop.body[0], str) else loop.body
        found.append(Piece(piece.op, head, body, k == 0, k == len(pieces) - 1, loop))
    return found


def uses(lines: Sequence[str], name: str) -> bool:
    """Whether lines mention a name."""
    return any(re.search(rf"\b{name}\b", line) for line in lines)

"""What computes the values of a program: loops that share rows, and the memory that they share."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

from symgrad.program.kinds import KINDS
from symgrad.program.loop import loop_of
from symgrad.program.program import Op, Program, is_temporary
from symgrad.targets.c.entries import Entries
from symgrad.targets.c.fused import Computed, Group, grouped, rowed, rows_of, touched
from symgrad.targets.c.kept import Kept
from symgrad.targets.c.loops import Block, Loop, Node, Note, scoped
from symgrad.targets.c.merging import Nest, is_combining, is_plain, join, nest
from symgrad.targets.c.nests import Target
from symgrad.targets.c.operations import Operations
from symgrad.targets.c.places import ANYWHERE
from symgrad.targets.c.rooms import Life, Room, shared_out
from symgrad.targets.c.telling import Telling
from symgrad.targets.c.words import in_ascii
from symgrad.targets.identifiers import Locals

_EACH = frozenset({"map", "copy", "gather", "take", "triangle"})
"""Kinds that are computed entry by entry: each may take the place of what it is computed from."""

WANTED = "if (derived != NULL)"
"""Before what is computed for a caller who wants derivatives."""


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


class Computing:
    """The values of a program: what they are called, where they lie, and the loops that make them.

    ``external``: values that lie in memory of others; ``stage``: in which function each is
    computed; ``late``: what is computed only where derivatives are wanted; ``formulas``: what
    values are, as comments tell it.
    """

    program: Program
    kept: Kept
    entries: Entries
    operations: Operations
    names: Locals
    formulas: Mapping[str, str]
    local: dict[str, str]
    external: Mapping[str, str]
    stage: Mapping[str, str]
    late: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    """Numbers that are in the workspace."""

    def compute(self) -> None:
        """Find the loops, which of them share rows, and the memory of all values."""
        self._find()
        self.entries.rows = rowed(self.groups, filter(self._is_passing, self.kept.ops))
        if self.entries.rows:
            self._find()
        self.rooms = self._rooms()
        if held := frozenset(self._held()):
            self._hold(held)
            if not held <= {*self._held()}:  # in other memory, loops may not be one any more
                self._hold(frozenset())

    def _find(self) -> None:
        """Find the loops."""
        self.computed = [*self._computed()]
        self.groups = grouped(self.computed)
        self.begun = {r: c.stage for c in reversed(self.computed) for r in self._roots(c)}
        """The stage in which a value with memory is first computed."""

    def _hold(self, names: frozenset[str]) -> None:
        self.entries.near = names
        self._find()
        self.rooms = self._rooms()

    def _held(self) -> Iterator[str]:
        """The values that are only needed in one turn of the innermost of loops."""
        for group in self.groups:
            for parts, loops in self._nests(deepcopy(group)):
                mine = {root for part in parts for root in self._roots(part)}
                yield from (r for r in mine if self._is_held(r, parts, loops))

    def _is_held(self, root: str, parts: Sequence[Computed], loops: Nest) -> bool:
        chain = self._chains[root]
        passing = root in self.entries.near or self._is_passing(root)
        if len(chain) > 1 or chain[0].kind not in _EACH or not passing:
            return False
        touching = [c.op.name for c in self.computed if touched(c, root)]
        if not {*touching} <= {part.op.name for part in parts}:
            return False
        places = frozenset().union(*(touched(part, root) for part in parts))
        inner = loops.innermost.variable
        return loops.goes_along(places) and all(p.step(inner) == 1 for p in places)

    def _nests(self, group: Group) -> Iterator[tuple[list[Computed], Nest]]:
        """What is computed in loops that are one, and these."""
        parts: list[Computed] = []
        last: Nest | None = None
        for part in group if len(group) > 1 else ():
            loop = _if_wanted(part)[-1]
            assert isinstance(loop, Loop)
            mine = nest(part, loop.body, self._memory_of)
            if last is not None and mine is not None and join(last, mine, []):
                parts.append(part)
                continue
            if last is not None:
                yield parts, last
            parts, last = [part], mine
        if last is not None:
            yield parts, last

    def wanted(self) -> Iterator[tuple[str, str]]:
        """What others read of the values, and what it is called there."""
        raise NotImplementedError

    # What values are called

    def called(self, root: str) -> str:
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
    def _chains(self) -> Mapping[str, list[Op]]:
        """The operations whose results lie in each memory, in order."""
        found: dict[str, list[Op]] = {}
        for op in self.program.ops:
            if op.name in self.kept.root:
                found.setdefault(self.kept.root[op.name], []).append(op)
        return found

    # What is computed

    def _computed(self) -> Iterator[Computed]:
        self.scratch: dict[str, tuple[str, int]] = {}
        """Memory for a moment: its type, and how many entries."""
        stepped: set[str] = set()
        for op in self.program.ops:
            if op.name in self.kept.lazy or self.kept.is_alias(op):
                continue
            if (loop := loop_of(op)) is not None and loop.name in stepped:
                continue
            self.entries.reads, self.entries.counts = {}, {}
            self.operations.scratch, self.operations.writes = {}, {}
            if loop is not None:
                stepped.add(loop.name)
            yield self._made(op, self._nodes(op))

    def _nodes(self, op: Op) -> list[Node]:
        """The loops of an operation."""
        root = self.kept.root[op.name]
        added = self.external.get(root, "") != "" and not KINDS[op.kind].changes
        self.operations.targets[op.name] = Target(self._target(op, root), added)
        return self.operations.written(op)

    def _target(self, op: Op, root: str) -> str:
        called = self.called(root)
        return f"{called}[0]" if root in self.external and not op.axes else called

    def _made(self, op: Op, nodes: list[Node]) -> Computed:
        self.scratch |= self.operations.scratch
        self.operations.writes.setdefault(self.kept.root[op.name], {ANYWHERE})
        return Computed(
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

    def _roots(self, found: Computed) -> list[str]:
        """The values with memory that loops write."""
        return [*dict.fromkeys([self.kept.root[found.op.name], *found.writes])]

    def _rooms(self) -> Mapping[str, Room]:
        first: dict[str, int] = {}
        last: dict[str, int] = {}
        made: dict[str, Computed] = {}
        for at, group in enumerate(self.groups):
            for found in group:
                roots = self._roots(found)
                for root in roots:
                    first.setdefault(root, at)
                    made.setdefault(root, found)
                for name in (*roots, *found.reads):
                    last[name] = at
        for _, value in self.wanted():
            last[self.kept.root[value]] = len(self.groups)
        roomed = [name for name in first if self._is_roomed(name)]
        return shared_out([self._life(n, made[n], first[n], last) for n in roomed])

    @property
    def memory(self) -> int:
        """How many entries are in the workspace."""
        rooms = {id(room): room.count for room in self.rooms.values()}
        return sum(rooms.values()) + sum(count for _, count in self.scratch.values())

    def _is_passing(self, name: str) -> bool:
        """Whether a value is in memory for nobody but other values."""
        wanted = {self.kept.root[v] for _, v in self.wanted()}
        mine = self.kept.root.get(name) == name and self._is_roomed(name) and name not in wanted
        return mine and not any(self.kept.is_alias(o) for o in self._chains[name])

    def _is_roomed(self, root: str) -> bool:
        held = root in self.entries.near
        return root not in self.external and not held and bool(self.kept.ops[root].axes)

    def _life(self, root: str, found: Computed, at: int, last: Mapping[str, int]) -> Life:
        group, dtype = self.groups[at], self.kept.ops[root].dtype
        over = [n for n in found.reads if last[n] == at and self._is_written_over(n, found, group)]
        return Life(root, dtype, self.count(root), at, last[root], over)

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

    def member(self, root: str) -> str:
        """The part of the workspace in which a value is."""
        return self.local[self.rooms[root].values[0]]

    # The lines

    def pieces(self, group: Group, made: set[str]) -> list[Piece]:
        """The lines of a group of values; ``made``: what has memory by now."""
        found = []
        for part in group:
            nodes = _if_wanted(part)
            for root in reversed(self._roots(part)):
                if root not in made and root not in self.external:
                    nodes = self._declared(part, root, nodes)
                made.add(root)
            nodes = self._with_scratch(part, nodes)
            found.append(Piece(part.op, nodes[:-1], nodes[-1:]))
        return self._merged(group, _in_one_loop(found)) if len(found) > 1 else found

    def _merged(self, group: Group, pieces: list[Piece]) -> list[Piece]:
        """The pieces of a loop, those as one whose own loops can be one."""
        found: list[Piece] = []
        last: Nest | None = None
        for part, piece in zip(group, pieces, strict=True):
            mine = nest(part, piece.body, self._memory_of)
            if last is not None and mine is not None and join(last, mine, self.told(part.op)):
                found[-1].body, found[-1].closes = last.nodes(), piece.closes
                continue
            found.append(piece)
            last = mine
        return found

    def _memory_of(self, name: str) -> Hashable:
        """What tells whether two values lie in one place."""
        return id(self.rooms[name]) if name in self.rooms else name

    @cached_property
    def telling(self) -> Telling:
        """What comments say of the values."""
        return Telling(self.program, self.kept, self.formulas, self.stage)

    def told(self, op: Op) -> list[Node]:
        """What comments say of a value where it is computed."""
        return [*map(Note, self.telling.equation(op))]

    def _declared(self, part: Computed, root: str, nodes: list[Node]) -> list[Node]:
        """Loops, and before them a name for the memory of a result."""
        if self.begun[root] != part.stage or root in self.entries.near:
            return nodes
        op = self.kept.ops[root]
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
    heads = [node for piece in pieces for node in piece.head if not is_combining(node)]
    heads += _word(pieces)
    found = []
    for k, piece in enumerate(pieces):
        (loop,) = piece.body
        assert isinstance(loop, Loop)
        head = heads if k == 0 else []
        body = scoped([], loop.body) if isinstance(loop.body[0], str) else loop.body
        found.append(Piece(piece.op, head, body, k == 0, k == len(pieces) - 1, loop))
    return found


def _word(pieces: Sequence[Piece]) -> list[Node]:
    """What stands before the loop of pieces: that of one, if the others are computed by entries."""
    words = [node for piece in pieces for node in piece.head if is_combining(node)]
    others = [piece for piece in pieces if not any(map(is_combining, piece.head))]
    plain = all(is_plain(node) for piece in pieces for node in piece.body)
    each = all(piece.op.kind in _EACH for piece in others)
    return words if len(words) == 1 and plain and each else []


def spoken(program: Program) -> Iterable[str]:
    """The names of all values, whether they have memory or not, those of steps too."""
    yield from (v.name for v in program.inputs)
    for op in program.ops:
        yield from [op.hint] if is_temporary(op.name) else [op.hint, op.name]
        if (loop := loop_of(op)) is not None:
            yield from spoken(loop.program)

"""Where values are kept: which share room because they don't live together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import sympy as sp

from symgrad.mathematics.equations import DType
from symgrad.mathematics.sizes import Size
from symgrad.program.kinds import KINDS
from symgrad.program.program import Op, Operand, Program, Ref, count, is_subscript, is_temporary

NEAR = 3
"""A number is computed inside its use if that is at most so many operations away.

What it reads has to live until there.  In 16 test losses no workspace depends on it; with 1 there
are five lines more than with 3, with any distance one less.
"""


@dataclass(frozen=True)
class Abilities:
    """What a target can do with memory that it is given.

    ``fills``: whether it can write the result of an operation into an array that is there;
    ``writes_over``: the arguments over which it can write the result, entry by entry.
    """

    fills: Callable[[Op], bool]
    writes_over: Callable[[Op], Sequence[Operand]]


@dataclass
class Plan:
    """The memory of a program.

    ``rooms``: for each value that is written into a buffer, the value that had it first;
    ``places``: the argument in whose place a value is computed, entry by entry; ``inlined``:
    values that are computed inside their only use; ``constant``: values made with the workspace.
    """

    program: Program
    rooms: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    inlined: frozenset[str] = frozenset()
    constant: frozenset[str] = frozenset()

    @property
    def buffers(self) -> list[Op]:
        """The values for which memory is taken."""
        return [o for o in self.program if self.rooms.get(o.name) == o.name]

    @property
    def allocating(self) -> list[Op]:
        """The operations for whose result memory is taken in each call."""
        kept = {*self.rooms, *self.constant}
        return [o for o in self.program if o.axes and o.name not in kept and not _shares(o)]

    def bytes(self, itemsize: int) -> sp.Expr:
        """The size of all buffers, as a polynomial in the sizes."""
        found: Counter[sp.Expr] = Counter()
        for op in self.buffers:
            found[count(op.shape)] += item(op.dtype, itemsize)
        return total(found)


def _shares(op: Op) -> bool:
    """Whether the result of an operation lies where an argument does."""
    kind = KINDS[op.kind]
    return kind.is_view or kind.changes or is_subscript(op)


def total(counts: Mapping[sp.Expr, int]) -> sp.Expr:
    """The sum of products of sizes, each so many times."""
    return sp.expand(sp.Add(*(size * times for size, times in counts.items())))


def item(dtype: DType, itemsize: int) -> int:
    """The bytes of an entry."""
    return {"float": itemsize, "int": 8, "bool": 1}[dtype]


def plan_of(program: Program, target: Abilities, apart: Collection[str] = ()) -> Plan:
    """The plan for a program that a target runs; ``apart``: what gets memory of its own."""
    return _Planner(program, target, apart).plan


class _Planner:
    """One walk over the operations, in the order in which their lines are written."""

    def __init__(self, program: Program, target: Abilities, apart: Collection[str]) -> None:
        self.program = program
        self.apart = apart
        self.target = target
        self.ops = {o.name: o for o in program.ops}
        self.at = {o.name: k for k, o in enumerate(program.ops)}
        self.uses = program.uses
        self.changed = {o.reads[0].name for o in program.ops if KINDS[o.kind].changes}
        inlined = frozenset(o.name for o in program.ops if self._is_inlined(o))
        constant = self._constants()
        self.plan = Plan(program, inlined=inlined, constant=constant)
        self.until: dict[str, int] = {}  # where what lies in a buffer is last read
        self.roots = self._roots()
        self.last = self._last_uses()
        self.free: list[Op] = []
        for op in program.ops:
            if op.name not in inlined | constant:
                self._place(op)

    # What gets a line

    def _is_inlined(self, op: Op) -> bool:
        if not is_temporary(op.name) or op.name in self.changed:
            return False
        if op.kind == "view":
            return True
        small = (
            not op.axes or op.kind == "slice" or (op.kind == "gather" and not self.target.fills(op))
        )
        return self.uses[op.name] == 1 and small and self._is_read_soon(op.name)

    def _is_read_soon(self, name: str) -> bool:
        after = self.at[name] + 1
        return any(r.name == name for o in self.program.ops[after : after + NEAR] for r in o.reads)

    def _constants(self) -> frozenset[str]:
        """Values that depend on sizes alone."""
        found: set[str] = set()
        views: set[str] = set()
        for op in self.program.ops:
            of_constants = all(r.name in found | views for r in op.reads)
            if op.kind == "view" and of_constants:
                views.add(op.name)
            elif KINDS[op.kind].of_sizes or (op.kind == "map" and of_constants):
                found |= {op.name} if self._may_be_kept(op) else set()
        return frozenset(found)

    def _may_be_kept(self, op: Op) -> bool:
        named = not is_temporary(op.name) or op.name in self.program.outputs
        return bool(op.axes) and not named and op.name not in self.changed

    # How long it lives

    def _roots(self) -> dict[str, frozenset[str]]:
        """The values in whose memory a value may lie, itself among them."""
        roots: dict[str, frozenset[str]] = {}
        for op in self.program.ops:
            found = {op.name}
            if KINDS[op.kind].may_alias:
                found |= {x for r in op.reads for x in roots.get(r.name, ())}
            elif KINDS[op.kind].changes:
                found |= roots.get(op.reads[0].name, frozenset())
            roots[op.name] = frozenset(found)
        return roots

    def _last_uses(self) -> dict[str, int]:
        """Where each value is read for the last time."""
        position: dict[str, int] = {}  # an inlined value reads its arguments in its reader's line
        last: dict[str, int] = {}
        for op in reversed(self.program.ops):
            here = position.get(op.name, self.at[op.name])
            for ref in op.reads:
                if ref.name in self.plan.inlined:
                    position[ref.name] = max(here, position.get(ref.name, 0))
                for root in self.roots.get(ref.name, ()):
                    last[root] = max(last.get(root, 0), here)
        for name in self.program.outputs:
            for root in self.roots.get(name, ()):
                last[root] = len(self.program.ops)
        return last

    # Where it lies

    def _place(self, op: Op) -> None:
        here = self.at[op.name]
        dying = [
            root
            for root in dict.fromkeys(x for r in self._read(op) for x in self._rooms_of(r.name))
            if self.last[root] == here
        ]
        target = None if op.name in self.apart else self._in_place(op, dying)
        if target is not None:
            self.plan.places[op.name] = target
            self.plan.rooms[op.name] = self.plan.rooms[target]
            dying = [d for d in dying if self.plan.rooms[d] != self.plan.rooms[target]]
        elif KINDS[op.kind].changes:
            base = op.reads[0].name
            if base in self.plan.rooms:
                self.plan.rooms[op.name] = self.plan.rooms[base]
                dying = [d for d in dying if self.plan.rooms[d] != self.plan.rooms[base]]
        elif self.target.fills(op):
            self.plan.rooms[op.name] = self._room(op)
        if (room := self.plan.rooms.get(op.name)) is not None:
            self.until[room] = max(self.until.get(room, 0), self.last.get(op.name, 0))
        for root in dying:
            self._release(root, here)

    def _release(self, root: str, here: int) -> None:
        """Others may have the buffer once nothing in it is needed."""
        room = self.plan.rooms[root]
        if self.until[room] <= here and self.ops[room] not in self.free:
            self.free.append(self.ops[room])

    def _read(self, op: Op) -> Iterator[Ref]:
        """What the line of an operation reads, inside too."""
        for ref in op.reads:
            yield ref
            if ref.name in self.plan.inlined:
                yield from self._read(self.ops[ref.name])

    def _rooms_of(self, name: str) -> list[str]:
        found = (r for r in self.roots.get(name, ()) if r in self.plan.rooms)
        return sorted(found, key=self.at.__getitem__)  # a set's order is not the same in every run

    def _in_place(self, op: Op, dying: list[str]) -> str | None:
        """The argument over which the result is written."""
        over = self.target.writes_over(op) if op.axes else ()
        for ref in (a for a in over if isinstance(a, Ref)):
            fits = ref.axes == op.axes and ref.name in dying
            same = fits and self.ops[ref.name].dtype == op.dtype
            if same and not any(self._overlaps(other, ref) for other in op.reads):
                return ref.name
        return None

    def _overlaps(self, other: Ref, ref: Ref) -> bool:
        """Whether another argument sees the same buffer in another layout."""
        mine = self.plan.rooms[ref.name]
        shared = any(self.plan.rooms[r] == mine for r in self._rooms_of(other.name))
        return shared and other != ref

    def _room(self, op: Op) -> str:
        """A buffer that is free and large enough, else one of its own."""
        if op.name in self.apart:
            return op.name
        best, share = None, sp.S.Zero
        for candidate in self.free:
            if candidate.dtype == op.dtype:
                ratio = _share(op.shape, candidate.shape)
                if ratio is not None and share < ratio <= 1:
                    best, share = candidate, ratio
        if best is None:
            return op.name
        self.free.remove(best)
        return best.name


@lru_cache(maxsize=4096)
def _share(mine: tuple[Size, ...], room: tuple[Size, ...]) -> sp.Rational | None:
    """The part of a room that an array takes, where that is a number."""
    ratio = count(mine) / count(room)
    return ratio if ratio.is_Rational else None


def owners(plan: Plan) -> Mapping[str, Op]:
    """The operation that made each buffer, by the values in it."""
    ops = {o.name: o for o in plan.program}
    return {name: ops[room] for name, room in plan.rooms.items()}

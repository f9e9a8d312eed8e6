"""Loops inside of a row that follow one another as one: all is done while an entry is near."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from symgrad.targets.c.fused import Computed, touched
from symgrad.targets.c.loops import Block, Loop, Node
from symgrad.targets.c.places import Place

_SUM = re.compile(r"^\w+_(?:SUM|LARGEST|SMALLEST)\(\w+\)$")
"""What stands before a loop whose sum, or extreme, may be computed in parts."""

_PART = re.compile(r"\bpart_(\d+)\b")
"""What a part of an expression is called: each value begins with 1."""


@dataclass
class Nest:
    """Loops in each other around lines alone.

    ``head``: what stands before a block around them; ``first`` and ``last``: lines before and after
    them; ``word``: what stands before the innermost.  ``touches``: of each memory the places;
    ``changes``: that which is written.  ``other``: the loops that are done where what ``head``
    asks for is not so.
    """

    loop: Loop
    head: str = ""
    first: list[Node] = field(default_factory=list)
    last: list[Node] = field(default_factory=list)
    word: str = ""
    touches: dict[Hashable, frozenset[Place]] = field(default_factory=dict)
    changes: set[Hashable] = field(default_factory=set)
    other: Nest | None = None

    @property
    def turns(self) -> tuple[tuple[str, int], ...]:
        """The variables of the loops, and how far they count."""
        return tuple((loop.variable, loop.count) for loop in self._loops())

    @property
    def innermost(self) -> Loop:
        """The loop with the lines."""
        return self._loops()[-1]

    def _loops(self) -> list[Loop]:
        found = [self.loop]
        while isinstance(inner := found[-1].body[0], Loop):
            found.append(inner)
        return found

    def rename_parts(self, other: Nest) -> None:
        """Give parts of expressions names that another nest has not."""
        taken = max(map(int, _PART.findall("\n".join(map(str, other.innermost.body)))), default=0)
        for nodes in (self.first, self.innermost.body, self.last):
            nodes[:] = [_later(n, taken) if isinstance(n, str) else n for n in nodes]

    def goes_along(self, places: frozenset[Place]) -> bool:
        """Whether there is one place, another in each turn."""
        return _is_one(places, [v for v, _ in self.turns])

    def touch(self, memory: Hashable, places: frozenset[Place]) -> None:
        """Note down places."""
        self.touches[memory] = self.touches.get(memory, frozenset()) | places

    def nodes(self) -> list[Node]:
        """The lines of all."""
        sums = bool(_SUM.match(self.word))
        self.innermost.word = "" if sums else self.word
        word: list[Node] = [self.word] if sums else []
        body = [*self.first, *word, self.loop, *self.last]
        others = [Block(_inside(self.other.nodes()), "else")] if self.other else []
        return [Block(body, self.head), *others] if self.head or len(body) > 1 else body

    def split(self, head: str) -> None:
        """Do the same whether or not what ``head`` asks for is so, each in loops of its own."""
        self.other = Nest(_copied(self.loop), word=self.word)
        self.head = head

    def add(self, other: Nest, told: Sequence[Node]) -> None:
        """Do what another nest does too, after what is told of it."""
        other.rename_parts(self)
        self.innermost.body += [*told, *other.innermost.body]
        self.first, self.last = other.first, other.last
        self.word = other.word if _SUM.match(other.word) else self.word


def _inside(nodes: list[Node]) -> list[Node]:
    """The lines of a block."""
    return nodes[0].body if isinstance(nodes[0], Block) and not nodes[0].head else nodes


def _copied(loop: Loop) -> Loop:
    body = [_copied(node) if isinstance(node, Loop) else node for node in loop.body]
    return Loop(loop.variable, loop.count, body, loop.word)


def nest(part: Computed, nodes: Sequence[Node], memory: Callable[[str], Hashable]) -> Nest | None:
    """The loops of a value, where they are nothing else, and compute several numbers at once.

    ``memory``: in what a value lies, as others may that take its place.
    """
    head, found = "", [*nodes]
    while len(found) == 1 and isinstance(found[0], Block) and not (head and found[0].head):
        head, found = head or found[0].head, [*found[0].body]
    loops = [k for k, node in enumerate(found) if isinstance(node, Loop)]
    others = [node for node in found if not isinstance(node, Loop | str)]
    if len(loops) != 1 or others or part.scratch:
        return None
    (at,) = loops
    loop = found[at]
    assert isinstance(loop, Loop)
    if not _is_plain(loop):
        return None
    made = Nest(loop, head, found[:at], found[at + 1 :], changes={*map(memory, part.writes)})
    for name in part.reads.keys() | part.writes.keys():
        made.touch(memory(name), touched(part, name))
    if made.first and _SUM.match(str(made.first[-1])) and len(made.turns) == 1:
        made.word = str(made.first.pop())
    else:
        made.word = made.innermost.word
    return made if made.word else None


def _later(line: str, by: int) -> str:
    """A line, its parts of expressions so many numbers later."""
    return _PART.sub(lambda found: f"part_{int(found[1]) + by}", line)


def is_combining(node: Node) -> bool:
    """Whether a line lets the loop after it be computed in parts."""
    return isinstance(node, str) and _SUM.match(node) is not None


def is_plain(node: Node) -> bool:
    """Whether there are lines in a loop, and no other loop."""
    return isinstance(node, Loop) and all(isinstance(line, str) for line in node.body)


def _is_plain(loop: Loop) -> bool:
    """Whether there are lines in the innermost of loops alone."""
    if len(loop.body) == 1 and isinstance(loop.body[0], Loop):
        return _is_plain(loop.body[0])
    return is_plain(loop)


def join(one: Nest, other: Nest, told: Sequence[Node]) -> bool:
    """Do what a nest does in the loops of one before it, after what is told of it; if that may be.

    That is so where what both touch, and one of them changes, is touched entry by entry.
    """
    if not _fit(one, other) or not _are_apart(one, other):
        return False
    if one.other and not other.head:
        one.other.add(Nest(_copied(other.loop), word=other.word), told)
    elif other.head and not one.head:
        one.split(other.head)
    one.add(other, told)
    one.changes |= other.changes
    for memory, places in other.touches.items():
        one.touch(memory, places)
    return True


def _fit(one: Nest, other: Nest) -> bool:
    """Whether the loops are alike, and done under one condition or one of them in any case."""
    sums = bool(_SUM.match(one.word)) + bool(_SUM.match(other.word))
    if one.turns != other.turns or one.last or one.first or sums > 1:
        return False
    if one.head == other.head:
        return True
    if one.head and other.head:
        return False
    return not one.head or (one.other is not None and not other.first and not other.last)


def _are_apart(one: Nest, other: Nest) -> bool:
    for memory in one.changes | other.changes:
        places = one.touches.get(memory), other.touches.get(memory)
        if all(places) and not one.goes_along(frozenset().union(*filter(None, places))):
            return False
    return True


def _is_one(places: frozenset[Place], variables: Sequence[str]) -> bool:
    """Whether there is one place, another in each turn."""
    if len(places) > 1:
        return False
    (place,) = places
    hidden = (t for t, _ in place.steps if t not in variables)
    seen = any(re.search(rf"\b{v}\b", t) for t in hidden for v in variables)
    return all(place.step(v) > 0 for v in variables) and not seen

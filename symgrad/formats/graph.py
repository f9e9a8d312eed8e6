"""A picture of the computation: values as nodes, forward and backward as edges, in SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from symgrad.calculus.derivation import Derivation
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.recurrences import Carried, Final, source_of

NARROWEST, HIGH = 100, 54
BETWEEN, APART = 44, 22
"""The size of a node, the space between layers and the space between nodes of one layer."""

LANE, CLOSE = 16, 8
"""The room that a line takes where it passes a layer, and the space to another line."""


@dataclass(frozen=True)
class Node:
    """A value at its place; ``kind`` is its role."""

    name: str
    x: float
    y: float
    kind: str

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return self.y + HIGH / 2


@dataclass(frozen=True)
class Edge:
    """A line from one value to another; ``backward``: what its derivative goes to."""

    start: str
    end: str
    path: str
    backward: bool


@dataclass(frozen=True)
class Picture:
    """Nodes and edges, how wide nodes are, and the size of the whole."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    wide: float
    width: float
    height: float


ARCH, TURN, ROUND = 22, 14, 8
"""The room above all nodes for what goes from one step to the next; how far from a node it turns,
and how round.
"""

Slot = tuple[str, str]
"""What stands in a layer: a value ``(name, "")``, or a line ``(from, to)`` that passes."""


def picture(
    derivation: Derivation, shown: Callable[[str], bool], letters: int, *, tall: bool = False
) -> Picture:
    """The values of a derivation, from the inputs at the left to the output at the right.

    ``letters``: the length of the longest text in a node.  ``tall``: from the top to the bottom.
    """
    typed = {e.name: _reads(e) for e in derivation.local}  # what is gone past is there
    both = {e.name: _reads(e) | typed.get(e.name, set()) for e in derivation.system}
    reads = {
        name: [n for n in _sorted_reads(derivation, names) if shown(n)]
        for name, names in both.items()
        if shown(name)
    }
    sources = ((e.name, source_of(e)) for e in derivation.system)
    loops = {c: s for c, s in sources if s is not None and c in reads and s in reads}
    loops = {c: s for c, s in loops.items() if isinstance(derivation.system[c].rhs, Carried)}
    drawing = _Drawing(reads, max(NARROWEST, 8 * letters + 18), tall=tall, loops=len(loops))
    kinds: dict[str, str] = {v.name: v.role for v in derivation.system.variables}
    kinds[derivation.system.output] = "output"
    nodes = [Node(name, *drawing.corner(name), kinds.get(name, "value")) for name in drawing.depth]
    edges = [
        Edge(a, b, drawing.line(a, b), backward=False)
        for b in reads
        for a in reads[b]
        if a in typed.get(b, reads[b])
    ]
    edges += _loops(derivation, loops, drawing)
    edges += [
        Edge(c, a.value, drawing.line(a.value, c, backward=True), backward=True)
        for a in derivation.adjoints
        for c in dict.fromkeys((*a.chain, *(a.part.chain if a.part else ())))
        if c in reads and a.value in reads[c]
    ]
    return Picture(tuple(nodes), tuple(edges), drawing.wide, drawing.width, drawing.height)


def _reads(equation: Equation) -> set[str]:
    """What a value is made of; of the last of all steps, what these make."""
    source = {equation.rhs.source} if isinstance(equation.rhs, Final) else set()
    return {*equation.reads, *source}


def _loops(derivation: Derivation, loops: Mapping[str, str], drawing: _Drawing) -> Iterator[Edge]:
    """What goes to the next step, and back from it."""
    back = {a.value for a in derivation.adjoints}
    for above, (carried, source) in enumerate(loops.items()):
        yield Edge(source, carried, drawing.arch(source, carried, above), backward=False)
        if {carried, source} <= back:
            path = drawing.arch(source, carried, above, backward=True)
            yield Edge(carried, source, path, backward=True)


def _sorted_reads(derivation: Derivation, names: Iterable[str]) -> list[str]:
    system = derivation.system
    order = [v.name for v in system.variables] + [e.name for e in system]
    return sorted(names, key=order.index)


def _depths(reads: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Each value right of all that it reads; an input just left of what first reads it."""
    depth: dict[str, int] = {}
    for name, sources in reads.items():
        depth[name] = 1 + max((depth.get(s, 0) for s in sources), default=0)
    for name, sources in reads.items():
        for source in sources:
            if source not in reads:
                depth[source] = min(depth.get(source, depth[name] - 1), depth[name] - 1)
    first = min(depth.values())
    return {name: at - first for name, at in depth.items()}


class _Drawing:
    """The places of nodes, and of the lines that pass between them."""

    def __init__(
        self,
        reads: Mapping[str, Sequence[str]],
        wide: float,
        *,
        tall: bool = False,
        loops: int = 0,
    ) -> None:
        self.reads = reads
        self.wide = wide
        self.tall = tall
        self.along: float = HIGH if tall else wide
        self.across: float = wide if tall else HIGH
        self.depth = _depths(reads)
        self.layers = self._layers()
        self.middles: dict[tuple[Slot, int], float] = {}
        for at, layer in enumerate(self.layers):
            self._place(layer, at)
        tops = [middle - self._room(slot) / 2 for (slot, _), middle in self.middles.items()]
        ends = [middle + self._room(slot) / 2 for (slot, _), middle in self.middles.items()]
        self.top = min(tops) - ARCH * loops
        self.margin = 8 + (TURN if loops else 0)
        size = (
            len(self.layers) * (self.along + BETWEEN) - BETWEEN + self.margin + 8,
            max(ends) - self.top + 16,
        )
        self.width, self.height = self._turned(*size)

    def _room(self, slot: Slot) -> float:
        return LANE if slot[1] else self.across

    def _turned(self, along: float, across: float) -> tuple[float, float]:
        """A point, or a size: from the left to the right, or from the top to the bottom."""
        return (across, along) if self.tall else (along, across)

    def _layers(self) -> list[list[Slot]]:
        layers: list[list[Slot]] = [[] for _ in range(max(self.depth.values()) + 1)]
        for name, at in self.depth.items():
            layers[at].append((name, ""))
        for name, sources in self.reads.items():
            for source in sources:
                for at in range(self.depth[source] + 1, self.depth[name]):
                    layers[at].append((source, name))
        return layers

    def _place(self, layer: list[Slot], at: int) -> None:
        """Values in the middle, lines where they come from, inputs around them."""
        fed = [slot for slot in layer if slot[1] or slot[0] in self.reads]
        given = [slot for slot in layer if slot not in fed]
        fed.sort(key=lambda slot: self._wanted(slot, at))
        half = len(given) // 2
        ordered = [*given[:half], *fed, *given[half:]]
        gaps = [CLOSE if a[1] and b[1] else APART for a, b in pairwise(ordered)]
        edge = -(sum(map(self._room, ordered)) + sum(gaps)) / 2
        for slot, gap in zip(ordered, [*gaps, 0], strict=True):
            self.middles[slot, at] = edge + self._room(slot) / 2
            edge += self._room(slot) + gap

    def _wanted(self, slot: Slot, at: int) -> float:
        """The height at which a line is level."""
        before = (
            [self._left_of(slot[0], slot, at)]
            if slot[1]
            else [self._left_of(s, (s, slot[0]), at) for s in self.reads[slot[0]]]
        )
        return sum(before) / len(before) if before else 0.0

    def _left_of(self, source: str, line: Slot, at: int) -> float:
        return self.middles.get((line, at - 1), self._middle(source))

    def _middle(self, name: str) -> float:
        return self.middles[(name, ""), self.depth[name]]

    def corner(self, name: str) -> tuple[float, float]:
        """The upper left corner of a node."""
        return self._turned(
            self._start(self.depth[name]), self._middle(name) - self.top - self.across / 2 + 8
        )

    def _start(self, depth: int) -> float:
        return depth * (self.along + BETWEEN) + self.margin

    def line(self, start: str, end: str, *, backward: bool = False) -> str:
        """A curve between the sides of two nodes; the way back is a bit lower."""
        shift = (9 if backward else -5) - self.top + 8
        first, last = self.depth[start], self.depth[end]
        points = [(self._start(first) + self.along, self._middle(start) + shift)]
        for at in range(first + 1, last):
            x, y = self._start(at), self.middles[(start, end), at] + shift
            points += [(x, y), (x + self.along, y)]
        points.append((self._start(last), self._middle(end) + shift))
        return self._path(points[::-1] if backward else points)

    def arch(self, start: str, end: str, above: int, *, backward: bool = False) -> str:
        """Over all nodes, between layers, from one back to one before it: the ``above``-th."""
        shift, low = (9, 6) if backward else (-5, 0)
        right, left = self._start(self.depth[start]) + self.along, self._start(self.depth[end])
        from_y, to_y = (self._middle(n) + shift - self.top + 8 for n in (start, end))
        over = 4 + ARCH * above + low
        out, back = right + TURN - low, left - TURN + low
        line = [
            (right, from_y),
            (out, from_y),
            (out, over),
            (back, over),
            (back, to_y),
            (left, to_y),
        ]
        return self._rounded(line[::-1] if backward else line)

    def _rounded(self, points: Sequence[tuple[float, float]]) -> str:
        """Straight lines with round corners."""
        parts = ["M" + self._point(*points[0])]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            first, last = (_towards(corner, to) for to in (before, after))
            bend = f"{self._point(*corner)} {self._point(*last)}"
            parts.append(f"L{self._point(*first)} Q{bend}")
        return " ".join([*parts, f"L{self._point(*points[-1])}"])

    def _path(self, points: Sequence[tuple[float, float]]) -> str:
        parts = ["M" + self._point(*points[0])]
        for (x0, y0), (x1, y1) in pairwise(points):
            bend = (x1 - x0) / 2
            curve = ((x0 + bend, y0), (x1 - bend, y1), (x1, y1))
            parts.append("C" + " ".join(self._point(x, y) for x, y in curve))
        return " ".join(parts)

    def _point(self, along: float, across: float) -> str:
        x, y = self._turned(along, across)
        return f"{x:g},{y:g}"


def _towards(corner: tuple[float, float], to: tuple[float, float]) -> tuple[float, float]:
    """Where a corner begins to be round, on the way to another point."""
    (x, y), (to_x, to_y) = corner, to
    far = abs(to_x - x) + abs(to_y - y)
    part = min(ROUND, far / 2) / far if far else 0
    return x + part * (to_x - x), y + part * (to_y - y)

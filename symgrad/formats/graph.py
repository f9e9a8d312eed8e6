"""A picture of the computation: values as nodes, forward and backward as edges, in SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from symgrad.derivation import Derivation

WIDE, HIGH = 116, 54
BETWEEN, APART = 44, 22
"""The size of a node, the space between layers and the space between nodes of one layer."""


@dataclass(frozen=True)
class Node:
    """A value at its place."""

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
    """Nodes and edges, and the size of the whole."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float


def picture(derivation: Derivation, shown: Callable[[str], bool] = lambda name: True) -> Picture:
    """The values of a derivation, from the inputs at the left to the output at the right."""
    reads = {
        e.name: [n for n in _sorted_reads(derivation, e.reads) if shown(n)]
        for e in derivation.system
        if shown(e.name)
    }
    layers = _ordered(_layers(reads), reads)
    kinds = {v.name: v.role for v in derivation.system.variables}
    tallest = max(map(len, layers))
    nodes = {}
    for column, layer in enumerate(layers):
        top = (tallest - len(layer)) * (HIGH + APART) / 2
        for row, name in enumerate(layer):
            x, y = column * (WIDE + BETWEEN) + 8, top + row * (HIGH + APART) + 8
            kind = "output" if name == derivation.system.output else kinds.get(name, "value")
            nodes[name] = Node(name, x, y, kind)
    edges = [_edge(nodes[a], nodes[b]) for b, sources in reads.items() for a in sources]
    edges += [
        _edge(nodes[c], nodes[a.value], backward=True)
        for a in derivation.adjoints
        for c in a.chain
        if c in nodes and a.value in nodes
    ]
    width = len(layers) * (WIDE + BETWEEN) - BETWEEN + 16
    return Picture(
        tuple(nodes.values()), tuple(edges), width, tallest * (HIGH + APART) - APART + 16
    )


def _sorted_reads(derivation: Derivation, names: Iterable[str]) -> list[str]:
    system = derivation.system
    order = [v.name for v in system.variables] + [e.name for e in system]
    return sorted(names, key=order.index)


def _layers(reads: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each value right of all that it reads; an input just left of what first reads it."""
    depth: dict[str, int] = {}
    for name, sources in reads.items():
        depth[name] = 1 + max((depth.get(s, 0) for s in sources), default=0)
    for name, sources in reads.items():
        for source in sources:
            if source not in reads:
                depth[source] = min(depth.get(source, depth[name] - 1), depth[name] - 1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, at in depth.items():
        layers[at].append(name)
    return [layer for layer in layers if layer]


def _ordered(layers: list[list[str]], reads: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The layers with values in the middle and inputs around them, near what reads them."""
    place: dict[str, float] = {}
    result = []
    for layer in layers:
        computed = [n for n in layer if n in reads]
        given = [n for n in layer if n not in reads]
        computed.sort(key=lambda n: _mean([place[s] for s in reads[n] if s in place]))
        half = len(given) // 2
        ordered = [*given[:half], *computed, *given[half:]]
        result.append(ordered)
        place |= {n: k - (len(ordered) - 1) / 2 for k, n in enumerate(ordered)}
    return result


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _edge(start: Node, end: Node, *, backward: bool = False) -> Edge:
    """A curve between the sides of two nodes; the backward one runs a little below."""
    shift = 9 if backward else -5
    x0, x1 = (start.x, end.x + WIDE) if backward else (start.x + WIDE, end.x)
    y0, y1 = start.middle + shift, end.middle + shift
    bend = (x1 - x0) / 2
    path = f"M{x0:g},{y0:g} C{x0 + bend:g},{y0:g} {x1 - bend:g},{y1:g} {x1:g},{y1:g}"
    return Edge(start.name, end.name, path, backward)

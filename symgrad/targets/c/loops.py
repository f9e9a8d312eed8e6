"""What a function of C does, as a tree: loops, and the lines in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

STEP = "    "


@dataclass
class Loop:
    """A loop that counts from 0; ``word``: what stands before it, for a compiler."""

    variable: str
    count: int
    body: list[Node] = field(default_factory=list)
    word: str = ""


@dataclass
class Block:
    """Lines with names of their own; ``head``: what stands before them, such as a condition."""

    body: list[Node] = field(default_factory=list)
    head: str = ""


@dataclass
class Either:
    """Lines where a name is defined when the file is compiled, and others where it is not."""

    name: str
    defined: list[Node]
    other: list[Node]


Node = str | Loop | Block | Either


def looped(pairs: Sequence[tuple[str, int]], body: Iterable[Node]) -> list[Node]:
    """Loops in each other around a body: the first is the outermost."""
    found = list(body)
    for variable, count in reversed(pairs):
        found = [Loop(variable, count, found)]
    return found


def scoped(pairs: Sequence[tuple[str, int]], body: Sequence[Node]) -> list[Node]:
    """The same, where the body has names of its own: it is a block even without loops."""
    return looped(pairs, body) if pairs or len(body) == 1 else [Block([*body])]


def opening(loop: Loop) -> str:
    """The line that begins a loop."""
    k = loop.variable
    return f"for (size_t {k} = 0U; {k} < {loop.count}U; ++{k}) {{"


def lines(nodes: Iterable[Node], indent: str = STEP) -> Iterator[str]:
    """The lines of nodes."""
    for node in nodes:
        if isinstance(node, str):
            yield indent + node
            continue
        if isinstance(node, Either):
            yield f"#if defined({node.name})"
            yield from lines(node.defined, indent)
            yield "#else"
            yield from lines(node.other, indent)
            yield "#endif"
            continue
        if isinstance(node, Loop):
            yield from [indent + node.word] if node.word else []
            yield indent + opening(node)
        else:
            yield f"{indent}{node.head} {{" if node.head else f"{indent}{{"
        yield from lines(node.body, indent + STEP)
        yield f"{indent}}}"

"""What a function of C does, as a tree: loops, and the lines in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from symgrad.targets.c.written import comment

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


@dataclass
class Note:
    """What is told of the lines after it."""

    text: str


Node = str | Loop | Block | Either | Note


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


def lines(
    nodes: Iterable[Node], indent: str = STEP, changed: Callable[[str], str] = str
) -> Iterator[str]:
    """The lines of nodes; ``changed``: what is done to those that compute."""
    for node in nodes:
        if isinstance(node, str):
            yield indent + changed(node)
        elif isinstance(node, Note):
            yield from comment(node.text, indent)
        elif isinstance(node, Either):
            yield f"#if defined({node.name})"
            yield from lines(node.defined, indent, changed)
            yield "#else"
            yield from lines(node.other, indent, changed)
            yield "#endif"
        else:
            yield from (indent + changed(line) for line in _opened(node))
            yield from lines(node.body, indent + STEP, changed)
            yield f"{indent}}}"


def _opened(node: Loop | Block) -> Iterator[str]:
    """The lines that begin a loop or a block."""
    if isinstance(node, Loop):
        yield from [node.word] if node.word else []
        yield opening(node)
    else:
        yield f"{node.head} {{" if node.head else "{"

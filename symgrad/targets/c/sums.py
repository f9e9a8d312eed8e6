"""Sums, products and extremes along axes, in the order in which memory is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.program.program import Op, Ref, labels
from symgrad.targets.c.entries import At, Entries, there
from symgrad.targets.c.extremes import is_rare
from symgrad.targets.c.kept import length, shape_of, size
from symgrad.targets.c.loops import Block, Either, Loop, Node, looped, scoped
from symgrad.targets.c.matrices import Matrices
from symgrad.targets.c.nests import Pairs
from symgrad.targets.c.places import HERE, Place, at, flat
from symgrad.targets.c.products import Products
from symgrad.targets.expressions import OPERATORS, Precedence, Text

LANES = 16
"""From so many numbers on a sum is worth to be computed in parts, where a compiler can."""

FEWEST, MOST = 4, 64
"""So many sums at once are kept in numbers of their own, which compilers keep in registers."""

TURNED = 2
"""What is copied in another order is at most so small a part of what is computed from it."""

SHORT = 64
"""A sum of more numbers than these is as quick along its own axis."""


@dataclass(frozen=True)
class Lane:
    """An axis of a result along which sums are computed at once.

    ``inside``: whether the sums are in numbers of their own meanwhile.
    """

    label: Index
    inside: bool


class Sums(Matrices):
    """Writes what combines entries along axes."""

    def __init__(self, entries: Entries, letters: Sequence[str], prefix: str) -> None:
        """``letters``: what loops count with; ``prefix``: what names of the file begin with."""
        super().__init__(entries, letters, prefix)
        entries.combined = self.combined
        self.products = Products(entries, self._loops, prefix)

    def product(self, op: Op) -> list[Node]:
        """A sum of products."""
        if (factor := self._rare(op)) is not None:
            return self._at_places(op, factor)
        called = self.products.called(op, self.targets[op.name])
        nodes = self.summed(op, turns=not called)
        return [Either(self.products.name, called, nodes)] if called else nodes

    def trace(self, op: Op) -> list[Node]:
        """The sum of a diagonal."""
        return self.summed(op)

    def summed(self, op: Op, *, turns: bool = True) -> list[Node]:
        """A sum: of many at once where the memory lies so, else each in a number.

        ``turns``: whether what does not lie so may be copied.
        """
        gone, function, of = self._combining(op)
        counts, self.entries.counts = self.entries.counts, {}
        lane = self._lane(op, gone, of, turns=turns) if gone and function == "sum" else None
        self.entries.counts = counts
        if lane is None:
            return self.reduced(op, gone, function, of)
        return (self._in_numbers if lane.inside else self._by_rows)(op, gone, lane.label, of)

    # What is combined

    def combined(self, op: Op, places: Sequence[Place]) -> Text:
        """A sum, or the like, where it is read: a loop before the line that reads it."""
        depth, before = self.entries.depth, self.entries.before
        where = {a: p for a, p in zip(op.axes, places, strict=True) if isinstance(a, Index)}
        gone, function, of = self._combining(op)
        inner, inside = self._loops(gone, depth)
        self.entries.before = []
        value = of({**where, **inner})
        start, line = _COMBINED[op.dtype == "bool", function]
        name = self.entries.part()
        body = self.around(inside, [line.format(name=name, x=value.code)])
        first = f"{self.entries.type(op.dtype)} {name} = {start};"
        self.entries.depth = depth
        self.entries.before = [*before, first, *(body if inside else self._flat(body))]
        return Text(name)

    def _flat(self, nodes: Sequence[Node]) -> list[Node]:
        """The lines of a block as they stand."""
        return [n for node in nodes for n in (node.body if isinstance(node, Block) else [node])]

    def _combining(self, op: Op) -> tuple[list[Index], str, Callable[[At], Text]]:
        """The labels along which entries are combined, how, and what they are."""
        if op.kind == "reduce":
            (source,) = op.reads
            dtype = "bool" if op.dtype == "bool" else "float"
            gone = [a for a in labels(source.axes) if a not in op.axes]
            return gone, op.function, lambda at: self.entries.operand(source, at, dtype)
        if op.kind == "trace":
            (source,) = op.reads
            label = labels(source.axes)[0]
            diagonal = Ref(source.name, (label, label))
            return [label], "sum", lambda at: self.entries.operand(diagonal, at)
        together = dict.fromkeys(a for r in op.reads for a in labels(r.axes))
        gone = [a for a in together if a not in op.axes]
        return gone, "sum", lambda at: self._factors(op, at)

    def _factors(self, op: Op, where: At) -> Text:
        found, *others = [self.entries.operand(a, where) for a in op.args]
        for other in others:
            found = OPERATORS["multiply"](found, other)
        return found

    # The axis of the result along which sums are computed at once

    def _lane(
        self, op: Op, gone: Sequence[Index], of: Callable[[At], Text], *, turns: bool
    ) -> Lane | None:
        """The axis along which memory is read in order; None where that is one that is summed."""
        axes = [a for a in dict.fromkeys(labels(op.axes)) if length(a) > 1]
        if not axes:
            return None
        where, pairs = self.loops([*op.axes, *gone])
        letters = {a: where[a].code for a in (*axes, *gone) if length(a) > 1}
        known = {v for v, _ in pairs}
        read = self._read_by(lambda: of(where))
        places = [p for _, p in read]
        last = axes[-1]
        far = any(_moves(p, letters[k]) for p in places for k in gone if k in letters)
        fitting = [a for a in axes if far and _fits(letters[a], places, known)]
        inside = [a for a in fitting if FEWEST <= length(a) <= MOST and len(axes) > 1]
        if inside:
            return Lane(max(inside, key=lambda a: (_filled(length(a)), a is last)), inside=True)
        if last in fitting or (turns and self._turns(op, gone, letters[last], read, known)):
            return Lane(last, inside=len(axes) > 1 and FEWEST <= length(last) <= MOST)
        return None

    def _turns(self, op: Op, gone: Sequence[Index], lane: str, read: Sequence[tuple[str, Place]],
               known: set[str]) -> bool:  # fmt: skip
        """Whether what does not lie along the lane is small enough to be copied in that order."""
        if size(gone) >= SHORT or len(labels(op.axes)) < 2:
            return False
        bad = [(root, p) for root, p in read if p.step(lane) not in (0, 1)]
        counts = self.entries.counts
        return all(
            {t for t, _ in p.steps} <= known - {self.letters[0]}
            and TURNED * math.prod(counts[t] for t, _ in p.steps) <= size(op.axes)
            for _, p in bad
        ) and not any(_hidden(p, lane, known) for _, p in read)

    def _read_by(self, write: Callable[[], object]) -> list[tuple[str, Place]]:
        """What would be read of memory by what is written, which is forgotten."""
        entries, scratch = self.entries, self.scratch
        kept = entries.reads, entries.before, entries.parts, entries.depth
        entries.reads, entries.before, self.scratch = {}, [], {}
        write()
        found = [(root, p) for root, places in entries.reads.items() for p in places]
        entries.reads, entries.before, entries.parts, entries.depth = kept
        self.scratch = scratch
        return found

    # The loops

    def _by_rows(
        self, op: Op, gone: Sequence[Index], last: Index, of: Callable[[At], Text]
    ) -> list[Node]:
        """The result is cleared, and what is summed is added row after row."""
        others = [a for a in labels(op.axes) if a is not last]
        outer, before = self.loops(others)
        letter = self.letters[len(before)]
        cleared = self._cleared(op, {**outer, last: at(letter)}, letter, length(last))
        summed, inside = self.loops([*gone, last], before)
        where = {**outer, **summed}
        place = flat(there(op.axes, where), shape_of(op.axes))
        value, copies = self._along([*before, *inside], lambda: of(where))
        line = f"{self.target(op, place)} += {value.code};"
        return [*copies, *looped(before, [*cleared, *self.around(inside, [line])])]

    def _rare(self, op: Op) -> Ref | None:
        """A factor that is mostly zero, where that spares loops along other axes."""
        gone, _, _ = self._combining(op)
        together = size([*dict.fromkeys(labels((*op.axes, *gone)))])
        for ref in op.reads:
            if together >= FEWEST * size(labels(ref.axes)) and is_rare(self.kept, ref):
                return ref
        return None

    def _at_places(self, op: Op, factor: Ref) -> list[Node]:
        """The result is cleared, and products are added where a factor is not zero."""
        cleared = self._all_cleared(op)
        gone, _, of = self._combining(op)
        outer, before = self.loops(self._in_memory(factor))
        truth = self.entries.dtypes[factor.name] == "bool"
        found = self.entries.operand(factor, outer, "bool" if truth else "float")
        first, self.entries.before = self.entries.before, []
        inner, inside = self.loops([a for a in (*gone, *op.axes) if a not in outer], before)
        where = {**outer, **inner}
        place = flat(there(op.axes, where), shape_of(op.axes))
        added = self.around(inside, [f"{self.target(op, place)} += {of(where).code};"])
        condition = found.code if truth else f"{found.at_least(Precedence.SUM)} != 0.0"
        return [*cleared, *looped(before, [*first, Block(added, f"if ({condition})")])]

    def _all_cleared(self, op: Op) -> list[Node]:
        """Loops that make the result zero."""
        where, pairs = self.loops(op.axes)
        place = flat(there(op.axes, where), shape_of(op.axes))
        nodes = looped(pairs, [f"{self.target(op, place)} = 0.0;"])
        return [Block(nodes, "if (!add)")] if self.targets[op.name].added else nodes

    def _in_memory(self, ref: Ref) -> list[Index]:
        """The labels of a value, those first along which its entries are farthest apart."""
        found = [*dict.fromkeys(labels(ref.axes))]
        counts, self.entries.counts = self.entries.counts, {}
        where, _ = self.loops(found)
        place, self.entries.counts = self.entries.place(ref, where), counts
        return sorted(found, key=lambda a: -place.step(where[a].code)) if place else found

    def _cleared(self, op: Op, where: At, letter: str, count: int) -> list[Node]:
        place = flat(there(op.axes, where), shape_of(op.axes))
        nodes = looped([(letter, count)], [f"{self.target(op, place)} = 0.0;"])
        return [Block(nodes, "if (!add)")] if self.targets[op.name].added else nodes

    def _in_numbers(
        self, op: Op, gone: Sequence[Index], lane: Index, of: Callable[[At], Text]
    ) -> list[Node]:
        """The sums along one axis at once, in numbers of their own until all is added."""
        outer, before = self.loops([a for a in labels(op.axes) if a is not lane])
        first, count = self.letters[len(before)], length(lane)
        summed, inside = self.loops([*gone, lane], before)
        value, copies = self._along([*before, *inside], lambda: of({**outer, **summed}))
        body = self.around(inside, [f"sums[{inside[-1][0]}] += {value.code};"])
        store = self.store(op, {**outer, lane: at(first)}, f"sums[{first}]")
        kind = self.entries.type(op.dtype)
        nodes: list[Node] = [
            f"{kind} sums[{count}];",
            Loop(first, count, [f"sums[{first}] = 0.0;"]),
            *body,
            Loop(first, count, [store]),
        ]
        return [*copies, *scoped(before, nodes)]

    def _along(self, loops: Pairs, write: Callable[[], Text]) -> tuple[Text, list[Node]]:
        """What is written inside loops; others that copy what does not lie along the last."""
        copies: dict[tuple[str, Place], tuple[str, Place, list[Node]]] = {}

        def turned(root: str, place: Place) -> tuple[str, Place] | None:
            if place.step(loops[-1][0]) in (0, 1):
                return None
            if (root, place) not in copies:
                copies[root, place] = self._copy(root, place, loops)
            return copies[root, place][:2]

        self.entries.turned = turned
        value = write()
        self.entries.turned = None
        return value, [node for _, _, nodes in copies.values() for node in nodes]

    def _copy(self, root: str, place: Place, loops: Pairs) -> tuple[str, Place, list[Node]]:
        """Entries in the order of loops: what they are called, where one is, and the loops."""
        pairs = [(t, n) for t, n in loops if place.step(t)]
        to = flat([at(t) for t, _ in pairs], [n for _, n in pairs])
        type_, local = self.entries.type(self.entries.dtypes[root]), self.entries.local(root)
        name = self._room(f"{local}_turned", type_, math.prod(n for _, n in pairs))
        line = f"{name}[{to.code}] = {local}[{place.code}];"
        return name, to, looped(pairs, [line])

    def reduced(
        self, op: Op, gone: Sequence[sp.Expr], function: str, of: Callable[[At], Text]
    ) -> list[Node]:
        """One number for each entry of the result, combined from those along other labels."""
        outer, pairs = self.loops(op.axes)
        inner, inside = self.loops(gone, pairs)
        where = {**outer, **inner}
        if not inside:
            return self.around(pairs, [self.store(op, where, of(where).code)])
        start, combined = _COMBINED[op.dtype == "bool", function]
        target = self.targets[op.name]
        alone = not op.axes and not target.added and target.name.isidentifier()
        self.target(op, HERE if not op.axes else flat(there(op.axes, outer), shape_of(op.axes)))
        name = target.name if alone else _NAMES[function]
        value = of(where)
        body = self.around(inside, [combined.format(name=name, x=value.code)])
        word = _WORDS.get((op.dtype, function))
        if word and inside[-1][1] >= LANES:
            body = self._in_lanes(body, f"{self.prefix}_{word}({name})")
        if alone:
            return [f"{name} = {start};", *body]
        first = f"{self.entries.type(op.dtype)} {name} = {start};"
        return self.around(pairs, [first, *body, self.store(op, where, name)])

    def _in_lanes(self, nodes: list[Node], word: str) -> list[Node]:
        """The innermost loop of nodes, after a word that lets it be computed in parts."""
        (loop,) = nodes
        assert isinstance(loop, Loop)
        if not any(isinstance(n, Loop) for n in loop.body):
            return [word, loop]
        if len(loop.body) == 1:  # else what is combined is itself computed in a loop
            loop.body = self._in_lanes(loop.body, word)
        return [loop]


def _fits(letter: str, places: Sequence[Place], known: set[str]) -> bool:
    """Whether entries along an axis are one after the other in what is read."""
    steps = {p.step(letter) for p in places}
    return steps <= {0, 1} and 1 in steps and not any(_hidden(p, letter, known) for p in places)


def _hidden(place: Place, letter: str, known: set[str]) -> bool:
    """Whether a place moves with a loop in a way that is not known: by labels that are read."""
    return any(re.search(rf"\b{letter}\b", t) for t, _ in place.steps if t not in known)


def _moves(place: Place, letter: str) -> bool:
    """Whether a place moves by more than one entry with a loop."""
    return any(abs(s) > 1 and re.search(rf"\b{letter}\b", t) for t, s in place.steps)


def _filled(count: int) -> float:
    """How much of a processor's vectors is used, that have 8 numbers, or parts of 8."""
    return count / (8 * math.ceil(count / 8))


_NAMES = {"sum": "sum", "prod": "product", "max": "largest", "min": "smallest"}
_COMBINED = {
    (False, "sum"): ("0.0", "{name} += {x};"),
    (False, "prod"): ("1.0", "{name} *= {x};"),
    (False, "max"): ("-INFINITY", "{name} = larger({name}, {x});"),
    (False, "min"): ("INFINITY", "{name} = smaller({name}, {x});"),
    (True, "max"): ("false", "{name} = {name} || {x};"),
    (True, "min"): ("true", "{name} = {name} && {x};"),
    (True, "prod"): ("true", "{name} = {name} && {x};"),
}
"""What a reduction begins with, and how it goes on; of truth values, and of numbers."""

_WORDS = {("float", "sum"): "SUM", ("float", "max"): "LARGEST", ("float", "min"): "SMALLEST"}
"""What stands before the loop of a reduction that a compiler may compute in parts."""

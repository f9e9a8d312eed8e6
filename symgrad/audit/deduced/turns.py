"""Statements in loops: what all their turns together ought to give, or each of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgrad.audit.compare import broadcasts, numbers
from symgrad.audit.deduced.frames import Frames
from symgrad.audit.deduced.inverse import Ought, oughts
from symgrad.audit.deduced.library import Library, Rows, slopes
from symgrad.audit.deduced.matching import Asked, asked_of
from symgrad.audit.deduced.repairs import View, added, instead, multiplied, repairs
from symgrad.audit.deduced.terms import Term
from symgrad.audit.grammar import Edit
from symgrad.audit.program import Program
from symgrad.audit.reference import Truth
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of
from symgrad.audit.targets import holder

Numbers = np.ndarray[Any, Any]

LARGEST = 3_000_000
"""How many numbers the terms of all turns may have together."""


@dataclass(frozen=True)
class Turns:
    """A statement that changes an array in each turn: which entries, and what it gives there."""

    site: Site
    frames: Frames
    places: Sequence[Numbers]

    @classmethod
    def of(cls, program: Program, site: Site, truth: Truth, frames: Frames) -> Turns | None:
        """None where it is not known which entries are changed."""
        target = targets_of(site.statement)[0]
        held = holder(target)
        if held is None or frames.times < 2:
            return None
        name = ast.unparse(held)
        index = ast.unparse(target).removeprefix(name)
        text = f"__import__('numpy').arange({name}.size).reshape({name}.shape){index}"
        seen = program.seen(site.statement, [text], truth)
        found = [numbers(row[0]) for row in seen]
        known = [f.astype(int) for f in found if f is not None]
        return cls(site, frames, known) if len(known) == frames.times else None

    def edits(self, lacks: Numbers) -> Iterator[tuple[float, Edit]]:
        """The repairs, where an array lacks some numbers at last."""
        root = self.site.text(self.site.roots[0])
        given = self.frames.nodes.get(root)
        if given is None or not all(_fits(g.shape, p.shape) for g, p in self._pairs(given)):
            return
        lacks = -lacks if _subtracts(self.site) else lacks
        if self._each_once():
            yield from self._in_each(lacks.ravel())
        if isinstance(self.site.statement, ast.AugAssign):
            yield from self._in_total(lacks.ravel())

    def _pairs(self, given: Sequence[Numbers]) -> Iterator[tuple[Numbers, Numbers]]:
        return zip(given, self.places, strict=True)

    def _each_once(self) -> bool:
        """Whether no entry is changed in two turns."""
        every = np.concatenate([p.ravel() for p in self.places])
        same = len({p.shape for p in self.places}) == 1
        return same and len(set(every.tolist())) == every.size

    def _in_each(self, lacks: Numbers) -> Iterator[tuple[float, Edit]]:
        """What a statement lacks so that all entries that it changes are right."""
        whole = stacked(self.frames, self.places[0].ndim)
        view = View(self.site, whole, Library(whole))
        if view.got is None:
            return
        off = np.stack([lacks[p] for p in self.places]).reshape(len(self.places), -1)
        flat = (len(self.places), *(self.places[0].shape or (1,)))
        got = np.broadcast_to(view.got, flat).copy()
        known = {t: a[0] for t, a in whole.nodes.items()}
        known[self.site.text(self.site.roots[0])] = got
        whole_ought = Ought(self.site.roots[0], got, got + off.reshape(flat))
        for part in oughts(self.site, known, whole_ought):
            for price, edit in repairs(view, part, guessed=False):
                yield price + 0.06 * part.depth, edit

    def _in_total(self, lacks: Numbers) -> Iterator[tuple[float, Edit]]:
        """What a statement lacks that adds up to what an array lacks."""
        site, root = self.site, self.site.roots[0]
        frames = laid(self.frames, self.places[0].ndim)
        library = Library(frames)
        rows = self._summed(library, library.rows(self.places[0].shape or (1,)), lacks.size)
        for term in asked_of(library, lacks, rows):
            yield 1.5 + term.cost, added(site, root, term)
        for part in _summands(root):
            own = frames.nodes.get(site.text(part))
            if own is None or not all(_fits(g.shape, p.shape) for g, p in self._pairs(own)):
                continue
            wanted = self._scattered(own, lacks.size) + lacks
            for term in asked_of(library, wanted, rows):
                yield 1.6 + term.cost, instead(site, part, term)
            yield from self._by_factors(library, frames, part, wanted)

    def _by_factors(
        self, library: Library, frames: Frames, part: ast.expr, wanted: Numbers
    ) -> Iterator[tuple[float, Edit]]:
        """The factor that a term lacks, or another in place of one that it has."""
        own = frames.nodes[self.site.text(part)]
        for factor in [None, *_factors(part)]:
            old = frames.nodes.get(self.site.text(factor)) if factor is not None else None
            if factor is not None and (old is None or not all(np.all(a) for a in old)):
                continue
            terms = [t for a in library.atoms for t in (a, *slopes(a))]
            products = [_times(own, t, old) for t in terms]
            fine = [
                k
                for k, found in enumerate(products)
                if found and all(_fits(g.shape, p.shape) for g, p in self._pairs(found))
            ]
            kept = [terms[k] for k in fine]
            matrix = [self._scattered(products[k] or (), wanted.size) for k in fine]
            rows = Rows(kept, np.array(matrix) if matrix else np.zeros((0, 1)))
            for term in asked_of(library, wanted, rows):
                yield from self._with_factor(part, factor, term)

    def _with_factor(
        self, part: ast.expr, factor: ast.expr | None, term: Asked
    ) -> Iterator[tuple[float, Edit]]:
        site, text = self.site, term.text if term.whole else f"({term.text})"
        if factor is not None:
            yield 1.7 + term.cost, instead(site, factor, term)
        elif not term.negative:
            yield 1.6 + term.cost, multiplied(site, part, term, text)

    def _summed(self, library: Library, rows: Rows, size: int) -> Rows:
        """Terms, added up over all turns where they belong."""
        if not rows.terms or rows.matrix.size > LARGEST or library.frames.times < 2:
            return Rows((), np.zeros((0, size)))
        if len({p.shape for p in self.places}) > 1:
            return Rows((), np.zeros((0, size)))
        places = np.concatenate([p.ravel() for p in self.places])
        spread = np.zeros((places.size, size))
        np.add.at(spread, (np.arange(places.size), places), 1.0)
        return Rows(rows.terms, rows.matrix @ spread)

    def _scattered(self, given: Sequence[Numbers], size: int) -> Numbers:
        whole = np.zeros(size)
        for numbers_, places in zip(given, self.places, strict=True):
            shape = places.shape or (1,)
            np.add.at(whole, places.reshape(shape), np.broadcast_to(numbers_, shape))
        return whole


def _subtracts(site: Site) -> bool:
    return isinstance(getattr(site.statement, "op", None), ast.Sub)


def _fits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether an array broadcasts to a shape; a number may be an array of one."""
    return broadcasts(shape, whole or (1,))


def _times(
    own: Sequence[Numbers], term: Term, old: Sequence[Numbers] | None
) -> tuple[Numbers, ...] | None:
    """A term of all turns times another, or with it in place of a factor."""
    try:
        made = [a * b for a, b in zip(own, term.arrays, strict=True)]
        return tuple(made if old is None else [a / b for a, b in zip(made, old, strict=True)])
    except ValueError:
        return None


def stacked(frames: Frames, dims: int) -> Frames:
    """All turns at once: each array with an axis more, but for numbers that are always the same."""
    inner = {t: _together(a, dims) for t, a in frames.nodes.items()}
    atoms = tuple(replace(a, arrays=_together(a.arrays, dims)) for a in frames.atoms)
    return Frames(inner, atoms, (None,), 1)


def _together(arrays: Sequence[Numbers], dims: int) -> tuple[Numbers]:
    first = arrays[0]
    if not first.ndim and all(a == first for a in arrays):
        return (first,)
    axes = (1,) * (max(1, dims) - first.ndim)
    return (np.stack(arrays).reshape(len(arrays), *axes, *first.shape),)


def laid(frames: Frames, dims: int) -> Frames:
    """Numbers that are others in each turn as arrays of one entry."""
    axes = (1,) * max(1, dims)
    inner = {t: _as_arrays(a, axes) for t, a in frames.nodes.items()}
    atoms = tuple(replace(a, arrays=_as_arrays(a.arrays, axes)) for a in frames.atoms)
    return replace(frames, nodes=inner, atoms=atoms)


def _as_arrays(arrays: Sequence[Numbers], axes: tuple[int, ...]) -> tuple[Numbers, ...]:
    varies = not arrays[0].ndim and any(a != arrays[0] for a in arrays)
    return tuple(a.reshape(axes) for a in arrays) if varies else tuple(arrays)


def _factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(node.left), *_factors(node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _factors(node.left)
    return [node]


def _summands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_summands(node.left), *_summands(node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return _summands(node.left)
    return [node]

"""Expressions that a line may lack: products and sums of what is known there, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symgrad.audit.compare import broadcasts
from symgrad.audit.deduced.frames import Atom, Frames
from symgrad.audit.deduced.layouts import laid
from symgrad.audit.deduced.terms import Numbers, Shape, Term

MOST_ROWS = 30_000
"""Expressions of one shape that are made at most."""

MOST_FACTORS = 10
"""Of how many arrays of the forward pass all products of three are made."""


MOST_DIVIDED = 24
"""How many arrays are divided by how many others."""


@dataclass(frozen=True)
class Rows:
    """Terms of one shape, and their numbers as rows."""

    terms: Sequence[Term]
    matrix: Numbers

    @cached_property
    def squares(self) -> Numbers:
        """The sum of the squares of each."""
        return np.asarray(np.einsum("ij,ij->i", self.matrix, self.matrix))


class Library:
    """The terms that can be made of the atoms of some frames."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.made: dict[tuple[Shape, bool], Rows] = {}

    @cached_property
    def atoms(self) -> list[Term]:
        """The arrays that have entries."""
        full = (a for a in self.frames.atoms if all(np.size(array) for array in a.arrays))
        return [_term(a) for a in full if a.arrays[0].ndim]

    @cached_property
    def scalars(self) -> list[tuple[str, float]]:
        """Numbers and sizes by which a term may be multiplied, and the texts of these factors."""
        found = [(a.text, float(a.arrays[0])) for a in self.frames.atoms if not a.arrays[0].ndim]
        for atom in self.frames.atoms:
            found += [(f"{atom.text}.shape[{k}]", float(n)) for k, n in enumerate(atom.shape)]
        unlike = {round(v, 12): t for t, v in reversed(found) if v not in (0.0, 1.0, 2.0)}
        return [(t, v) for v, t in reversed(unlike.items())][:10]

    def rows(self, shape: Shape, *, deep: bool = False) -> Rows:
        """The terms of a shape: arrays and products of two, or ``deep``, of three."""
        key = (shape, deep)
        if key not in self.made:
            terms = list(self._deep(shape) if deep else self._terms(shape))[:MOST_ROWS]
            flat = [np.concatenate([a.ravel() for a in t.arrays]) for t in terms]
            self.made[key] = Rows(terms, np.array(flat) if flat else np.zeros((0, 1)))
        return self.made[key]

    def _terms(self, shape: Shape) -> Iterator[Term]:
        arrays = [t for t in self.atoms if broadcasts(t.shape, shape)]
        yield from (broadcast(t, shape) for t in arrays)
        short = list(self.short(shape))
        yield from (broadcast(t, shape) for t in short if t.cost)
        yield from pairs([t for t in short if t.cost < 0.5], shape)
        flat = [t for t in self.atoms if len(t.shape) < 3]
        yield from products(flat, flat, shape)
        yield from summed_beside(self.atoms, shape)
        yield from (broadcast(t, shape) for t in self._summed(shape))
        yield from (turned(t) for t in self.atoms if t.shape == shape[::-1] and len(shape) == 2)
        yield from self._at_indices(shape)

    def _at_indices(self, shape: Shape) -> Iterator[Term]:
        """Rows of arrays by their indices, and sums of rows by where they belong."""
        indices = [t for t in self.atoms if len(t.shape) == 1 and is_of_indices(t)]
        whole = next((t.text for t in self.atoms if t.shape == shape), None)
        for index in indices:
            for term in self.atoms:
                rest = term.shape[1:] == shape[1:] and term is not index
                if rest and index.shape == shape[:1] and largest(index) < len(term.arrays[0]):
                    yield taken(term, index)
                if rest and index.shape == term.shape[:1] and whole and largest(index) < shape[0]:
                    yield scattered(term, index, whole, shape[0])

    def _deep(self, shape: Shape) -> Iterator[Term]:
        yield from self._triples([t for t in self.short(shape) if t.cost < 0.5], shape)
        yield from quotients([t for t in self.short(shape) if t.cost < 0.3], shape)
        yield from self._contracted(shape)
        yield from self.projected(shape)
        yield from (broadcast(t, shape) for t in self._summed_products(shape))
        yield from self._weighted(shape)
        for atom in self.atoms:
            yield from laid(atom, shape)

    def short(self, shape: Shape) -> Iterator[Term]:
        """Arrays that broadcast to a shape, and what derivatives are made of them."""
        for atom in self.atoms:
            for wide in expanded(atom, shape):
                yield wide
                yield from () if wide.gradient else slopes(wide)

    def _triples(self, factors: Sequence[Term], shape: Shape) -> Iterator[Term]:
        """A gradient, and two factors of the forward pass."""
        forward = [f for f in factors if not f.gradient][:24]
        for g in [f for f in factors if f.gradient][:10]:
            yield from (times(g, p, 0.4) for p in pairs(forward, shape, square=True))
        for p in pairs(forward[:MOST_FACTORS], shape):
            yield from (times(p, f, 0.6) for f in forward[:MOST_FACTORS])

    def _contracted(self, shape: Shape) -> Iterator[Term]:
        """Matrix products of which one side is a product itself."""
        inner = [t for t in self.atoms if len(t.shape) < 3]
        forward = [t for t in inner if not t.gradient][:16]
        same = list(alike(forward))
        gradients = [t for t in inner if t.gradient][:10] or forward
        yield from products(gradients, same, shape)
        yield from products(same, gradients, shape)
        flat = [t for t in inner if len(t.shape) == 2]
        few = [t for t in flat if t.gradient][:8] + [t for t in flat if not t.gradient][:8]
        if len(shape) == 2:
            double = [p for p in products(few, few, None) if len(p.shape) == 2][:250]
            yield from products(double, few, shape)

    def projected(self, shape: Shape) -> Iterator[Term]:
        """An array times the sum of a product of arrays: a part of a norm's, or softmax's."""
        arrays = [t for t in self.atoms if t.shape == shape]
        forward = [t for t in arrays if not t.gradient][:14]
        for g in [t for t in arrays if t.gradient][:8]:
            for x in forward:
                for axis in range(len(shape)):
                    part = summed(times(g, x), axis, "sum")
                    yield from (projection(y, part) for y in forward)

    def _weighted(self, shape: Shape) -> Iterator[Term]:
        """A matrix times a number for each row, which is a matrix product."""
        if len(shape) != 2:
            return
        flat = [t for t in self.atoms if len(t.shape) in (1, 2)]
        weights = list(products(flat, [t for t in flat if t.gradient], shape[:1]))
        for whole in [t for t in self.atoms if t.shape == shape and not t.gradient]:
            for weight in weights:
                laid = tuple(a[:, None] for a in weight.arrays)
                column = Term(f"({weight.text})[:, None]", laid, weight.cost + 0.15, True)
                yield times(whole, column)

    def _summed(self, shape: Shape) -> Iterator[Term]:
        """Sums over an axis."""
        for dim in (len(shape), len(shape) + 1):
            arrays = [t for t in self.atoms if len(t.shape) == dim]
            yield from sums(arrays, dim, shape)

    def _summed_products(self, shape: Shape) -> Iterator[Term]:
        """Sums over an axis of products of two."""
        for dim in (len(shape), len(shape) + 1):
            yield from sums(alike([t for t in self.atoms if len(t.shape) == dim]), dim, shape)


def _term(atom: Atom) -> Term:
    return Term(atom.text, atom.arrays, atom.cost, atom.gradient)


def alike(terms: Sequence[Term]) -> Iterator[Term]:
    """Products of two of the same shape."""
    for k, one in enumerate(terms):
        for other in terms[k:]:
            if one.shape == other.shape and not (one.gradient and other.gradient):
                yield times(one, other)


def sums(terms: Iterable[Term], dim: int, shape: Shape) -> Iterator[Term]:
    """Sums over one axis that broadcast to a shape."""
    for term in terms:
        for axis in range(dim):
            part = summed(term, axis, "sum", keep=dim == len(shape))
            if broadcasts(part.shape, shape):
                yield part


def broadcast(term: Term, shape: Shape) -> Term:
    """A term with the numbers of a shape."""
    if term.shape == shape:
        return term
    laid = tuple(np.broadcast_to(a, shape) for a in term.arrays)
    return Term(term.text, laid, term.cost + 0.1, term.gradient, term.jacobian, term.whole)


def turned(term: Term) -> Term:
    """A matrix transposed."""
    return Term(f"{term.text}.T", tuple(a.T for a in term.arrays), term.cost + 0.2, term.gradient)


def expanded(term: Term, shape: Shape) -> Iterator[Term]:
    """A term laid out so that it broadcasts to a shape."""
    if broadcasts(term.shape, shape):
        yield term
    missing = len(shape) - len(term.shape)
    if missing != 1:
        return
    for axis in range(1, len(shape)):
        laid = tuple(np.expand_dims(a, axis) for a in term.arrays)
        if broadcasts(laid[0].shape, shape):
            index = ", ".join("None" if k == axis else ":" for k in range(len(shape)))
            index = index.removesuffix(", :" * (len(shape) - 1 - axis)) if axis > 1 else index
            yield Term(f"{term.text}[{index}]", laid, term.cost + 0.15, term.gradient)


def slopes(term: Term) -> Iterator[Term]:
    """What derivatives are made of an array: 1 - a, 1 - a², a (1 - a), where it is positive."""
    arrays, text = term.arrays, term.text
    low, high = min(a.min() for a in arrays), max(a.max() for a in arrays)
    if low >= -1 and high <= 1:
        yield _of(f"(1 - {text}**2)", [1 - a**2 for a in arrays], term, 0.15)
    if low >= 0 and high <= 1:
        yield _of(f"(1 - {text})", [1 - a for a in arrays], term, 0.1)
        yield _of(f"{text} * (1 - {text})", [a * (1 - a) for a in arrays], term, 0.2)
    if low > 1e-3 and high > 1:
        yield _of(f"(1 / {text})", [1 / a for a in arrays], term, 0.25)
    if low < 0 < high:
        yield _of(f"({text} > 0)", [1.0 * (a > 0) for a in arrays], term, 0.1)


def _of(text: str, arrays: Iterable[Numbers], term: Term, cost: float) -> Term:
    return Term(text, tuple(arrays), term.cost + cost, term.gradient)


def times(one: Term, other: Term, cost: float = 0.2) -> Term:
    """A product, entry by entry."""
    arrays = tuple(a * b for a, b in zip(one.arrays, other.arrays, strict=True))
    text = f"{one.text}**2" if one is other else f"{one.factor} * {other.factor}"
    either = one.gradient or other.gradient
    return Term(text, arrays, one.cost + other.cost + cost, either, False, False)


def pairs(factors: Sequence[Term], shape: Shape, *, square: bool = False) -> Iterator[Term]:
    """Products of two that have a shape; of two gradients none."""
    for k, one in enumerate(factors):
        for other in factors[k if square else k + 1 :]:
            apart = not (one.gradient and other.gradient) and (square or one.text != other.text)
            if apart and np.broadcast_shapes(one.shape, other.shape) == shape:
                yield times(one, other) if one.gradient or square else times(other, one)


def quotients(factors: Sequence[Term], shape: Shape) -> Iterator[Term]:
    """Arrays through others that are never small."""
    divisors = [f for f in factors if all(np.abs(a).min(initial=1.0) > 1e-3 for a in f.arrays)]
    for one in factors[:MOST_DIVIDED]:
        for other in divisors[:MOST_DIVIDED]:
            if one is not other and np.broadcast_shapes(one.shape, other.shape) == shape:
                arrays = tuple(a / b for a, b in zip(one.arrays, other.arrays, strict=True))
                cost = one.cost + other.cost + 0.3
                text = f"{one.factor} / {other.factor}"
                yield Term(text, arrays, cost, one.gradient or other.gradient, whole=False)


def products(ones: Sequence[Term], others: Sequence[Term], shape: Shape | None) -> Iterator[Term]:
    """Matrix products of a shape, or of any; of two gradients none."""
    for one in ones:
        for other in others:
            if one is not other and not (one.gradient and other.gradient):
                yield from _matrix_products(one, other, shape)


def _matrix_products(one: Term, other: Term, shape: Shape | None) -> Iterator[Term]:
    a, b = one.shape, other.shape
    if len(a) == len(b) == 1:
        if shape == (*a, *b):
            text = f"np.outer({one.text}, {other.text})"
            yield _joined(text, np.outer, one, other, whole=True)
        return
    for left, turned_left in _both(one, len(a)):
        for right, turned_right in _both(other, len(b)):
            la, rb = left.shape, right.shape
            if la[-1] != rb[0] or (shape is not None and (*la[:-1], *rb[1:]) != shape):
                continue
            extra = 0.05 * (turned_left + turned_right)
            yield _joined(f"{left.factor} @ {right.factor}", np.matmul, left, right, extra)


def _both(term: Term, dim: int) -> Iterator[tuple[Term, bool]]:
    yield term, False
    if dim == 2:
        whole = Term(term.factor, term.arrays, term.cost - 0.2, term.gradient)
        yield turned(whole), True


def _joined(
    text: str, how: Any, one: Term, other: Term, extra: float = 0.0, *, whole: bool = False
) -> Term:
    arrays = tuple(how(a, b) for a, b in zip(one.arrays, other.arrays, strict=True))
    cost = one.cost + other.cost + 0.2 + extra
    return Term(text, arrays, cost, one.gradient or other.gradient, False, whole)


def summed(term: Term, axis: int, how: str, *, keep: bool = True) -> Term:
    """A sum over an axis."""
    arrays = tuple(a.sum(axis=axis, keepdims=keep) for a in term.arrays)
    over = "" if len(term.shape) == 1 and not keep else f", axis={axis}"
    kept = ", keepdims=True" if keep and len(term.shape) > 1 else ""
    over = "" if len(term.shape) == 1 else over
    return Term(f"np.{how}({term.text}{over}{kept})", arrays, term.cost + 0.25, term.gradient)


def projection(array: Term, part: Term) -> Term:
    """An array times a sum."""
    made = times(array, part, 0.1)
    return Term(made.text, made.arrays, made.cost, made.gradient, True, False)


def summed_beside(atoms: Sequence[Term], shape: Shape) -> Iterator[Term]:
    """Sums over the second axis of one of three axes times one of two."""
    for g in [t for t in atoms if len(t.shape) == 2]:
        for u in [t for t in atoms if len(t.shape) == 3 and t.shape[:2] == g.shape]:
            if (u.shape[0], u.shape[2]) == shape and not (g.gradient and u.gradient):
                arrays = tuple(
                    np.einsum("ij,ijk->ik", a, b) for a, b in zip(g.arrays, u.arrays, strict=True)
                )
                text = f"np.sum({g.text}[:, :, None] * {u.text}, axis=1)"
                yield Term(text, arrays, 0.5, g.gradient or u.gradient)


def is_of_indices(term: Term) -> bool:
    """Whether an array may be one of indices."""
    return all((a >= 0).all() and (a == np.floor(a)).all() and a.any() for a in term.arrays)


def largest(index: Term) -> float:
    """The largest of some indices."""
    return max(float(a.max()) for a in index.arrays)


def taken(term: Term, index: Term) -> Term:
    """The rows of an array at indices."""
    pairs_ = zip(term.arrays, index.arrays, strict=True)
    arrays = tuple(a[i.astype(int)] for a, i in pairs_)
    return Term(f"{term.text}[{index.text}]", arrays, term.cost + 0.3, term.gradient)


def scattered(term: Term, index: Term, whole: str, size: int) -> Term:
    """The rows of an array, added up where their indices say, in the shape of another."""
    pairs_ = zip(term.arrays, index.arrays, strict=True)
    arrays = tuple(np.tensordot(np.eye(size)[i.astype(int)].T, a, 1) for a, i in pairs_)
    text = f"np.eye(len({whole}))[{index.text}].T @ {term.text}"
    return Term(text, arrays, term.cost + 0.4, term.gradient, whole=False)

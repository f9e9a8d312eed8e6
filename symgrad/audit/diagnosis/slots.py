"""Places in the equations of a backward pass where something else may stand, and what."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.parts import Term, everywhere, free_indices, sums_in
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import (
    Index,
    entries,
    entry,
    indices_of,
    is_entry,
    name_of,
    replaced,
)

Numbers = np.ndarray[Any, Any]

MOST_ENTRIES = 60_000
"""How many entries the summands of a term may have for its sums to be looked at."""

MOST_OTHERS = 24
"""How many arrays are tried in the place of one."""


@dataclass(frozen=True)
class Place:
    """A place in a term of an equation: its role, and how the term is with something else there."""

    equation: Equation
    term: Term
    role: str
    part: sp.Expr
    axes: tuple[sp.Expr, ...]
    """The indices of what is put there; () where it is the whole array of an entry."""
    key: tuple[Any, ...]
    """What it has in common with the places that are alike in other turns."""

    through: tuple[str, ...] = ()
    """The values that its derivatives are by."""

    array: tuple[str, ...] = ()
    """What it has in common with all places where the same array is read."""

    def other(self, name: str, whole: sp.Expr | None = None) -> sp.Expr:
        """The term, where an array of that name stands there; or what it has become already."""
        expr = self.term.expr if whole is None else whole
        if is_entry(self.part) and self.role not in PARTS:
            axes = (BATCH, *indices_of(self.part))
            return replaced(expr, {self.part: entry(name, axes, integer=self.role == "index")})
        put = entry(name, (BATCH, *self.axes))
        if self.role in PARTS:
            return replaced(expr, {self.part: put})
        mine = sp.Mul.make_args(self.part)
        return self.term.with_factors([*(f for f in self.term.factors if f not in mine), put])


@dataclass(frozen=True)
class Other:
    """What may stand at a place: how it comes of what does, and how unlikely it is."""

    change: str
    detail: str
    cost: float


PARTS = ("sum", "function", "compared", "entry")
"""The roles of parts of factors: with something else there the rest of a factor stays."""


def places(backward: Backward, equation: Equation, term: Term, mark: Any) -> Iterator[Place]:
    """The places in a term; ``mark`` says what arrays have in common in all turns."""
    slopes = backward.slopes
    alike = tuple(sorted(str(mark(n)) for n in term.reads()))
    through = tuple(sorted({backward.value_of.get(n, "") for n in term.reads() & slopes}))
    for atom in sorted(entries(term.expr), key=str):
        if indices_of(atom) or name_of(atom) in slopes:
            role = _role_of_entry(backward, equation, term, atom)
            own = (role, str(mark(name_of(atom))))
            yield Place(equation, term, role, atom, (), (alike, *own), through, own)
    for number, factor in enumerate(_factors(term, slopes)):
        role = _role(backward, equation, term, factor)
        key, axes = (alike, role, "factor", number), free_indices(factor)
        yield Place(equation, term, role, factor, axes, key, through)
    for number, part in enumerate(sums_in(term)):
        yield Place(equation, term, "sum", part, free_indices(part), (alike, "sum", number))
    for number, (role, part) in enumerate(_parts(backward, term)):
        yield Place(equation, term, role, part, free_indices(part), (alike, role, number))


def _parts(backward: Backward, term: Term) -> Iterator[tuple[str, sp.Expr]]:
    """The functions inside a term, with what they are read by; and its entries that are picked."""
    for part in sorted(entries(term.expr), key=str):
        plain = [i for i in indices_of(part) if isinstance(i, Index) or i.is_number]
        if len(plain) < len(indices_of(part)) and name_of(part) not in backward.slopes:
            yield "entry", part
    for factor in term.factors:
        for part in sp.preorder_traversal(factor):
            if isinstance(part, sp.Function) and len(part.args) == 1 and not part.has(sp.Sum):
                around = (n for n in sp.preorder_traversal(factor) if n != part and n.has(part))
                compared = any(_is_compared(backward, n) for n in around)
                yield "compared" if compared else "function", part


def _is_compared(backward: Backward, expr: sp.Expr) -> bool:
    """Whether an expression is a comparison: 0 or 1 at each entry."""
    if not isinstance(expr, sp.Function):
        return False
    return bool(np.isin(backward.array(expr, free_indices(expr), 0), (0.0, 1.0)).all())


def _role_of_entry(backward: Backward, equation: Equation, term: Term, atom: sp.Expr) -> str:
    """The role of what an entry is: inside a mask, or the slope of a function, the same."""
    if name_of(atom) in backward.slopes:
        return "gradient"
    if np.asarray(backward.numbers(0)[name_of(atom)]).dtype.kind == "i":
        return "index"
    around = (f for f in term.factors if atom in entries(f) and not is_entry(f))
    found = next((_role(backward, equation, term, f) for f in around), "")
    role = found or _standing(backward, equation, atom)
    array = np.asarray(backward.numbers(0)[name_of(atom)])
    each = not set(free_indices(atom)) & term.bound
    if role in ARRAYS and each and array.size > 2 and _is_mask(array):
        return "mask"
    return "cached" if role in ARRAYS and _is_cached(backward, term, atom) else role


def _is_cached(backward: Backward, term: Term, atom: sp.Expr) -> bool:
    """Whether an array is multiplied by another, and the product by a derivative elsewhere."""
    same = {name_of(a) for a in entries(term.expr) if indices_of(a) == indices_of(atom)}
    return len(same) > 1 and not same & backward.slopes


def _ways(array: Numbers) -> list[tuple[int, ...]]:
    """The axes along which an array may be turned round: all, one, or two, as a kernel's are."""
    count = array.ndim
    several = [
        tuple(range(count)),
        *((k,) for k in range(count)),
        *itertools.pairwise(range(count)),
    ]
    return list(dict.fromkeys(several))


def _has_two(array: Numbers) -> bool:
    """Whether an array has at most two different numbers, which are no two signs."""
    return bool(np.unique(array).size <= 2 and array.min() != -array.max())


def _is_mask(array: Numbers) -> bool:
    """Whether an array has zeros and one other number."""
    return bool((array == 0).any()) and np.unique(array).size == 2


def _factors(term: Term, slopes: Any) -> Iterator[sp.Expr]:
    """The factors that read no derivative: each that is no entry, and all of them together."""
    own = [f for f in term.factors if not f.is_number and not _names(f) & set(slopes)]
    own = [f for f in own if free_indices(f) or entries(f)]
    yield from (f for f in own if not is_entry(f) and not isinstance(f, sp.Sum))
    inner = [f for f in own if not set(free_indices(f)) & term.bound]
    if len(inner) > 1:
        yield sp.Mul(*inner)


def _names(expr: sp.Expr) -> set[str]:
    return {name_of(a) for a in entries(expr)}


def _role(backward: Backward, equation: Equation, term: Term, factor: sp.Expr) -> str:
    """Whether a factor is a mask, the slope of a function, or an array."""
    arrays = [backward.array(factor, free_indices(factor), k) for k in range(2)]
    if all(_has_two(a) for a in arrays) and any(a.size > 2 for a in arrays):
        return "mask"
    parts = sp.Mul.make_args(factor)
    if len(parts) > 1 and {_role(backward, equation, term, p) for p in parts} == {"mask"}:
        return "mask"  # few entries are between two bounds, at some points none
    own = backward.value_of.get(equation.name, "")
    slopes = [a for a in entries(term.expr) if name_of(a) in backward.slopes]
    values = {own, *(backward.value_of.get(name_of(a), "") for a in slopes)}
    each = not slopes or any(_is_each(equation, term, a) for a in slopes)
    curved = factor.has(sp.Function) or any(isinstance(f, sp.Add) for f in sp.Mul.make_args(factor))
    curved = curved and not factor.has(sp.Sum)
    is_slope = each and curved and not is_summed(equation, term) and bool(_names(factor) & values)
    return "slope" if is_slope else _standing(backward, equation, factor)


def own_or_tied(equation: Equation, term: Term) -> set[sp.Expr]:
    """The indices of a derivative, and those that are one of these but for where a part begins."""
    own = set(equation.indices)
    deltas = [d for f in term.factors for d in f.atoms(sp.KroneckerDelta)]
    tied = {i for d in deltas if d.free_symbols & own for i in d.free_symbols}
    return own | (tied & term.bound)


def _is_each(equation: Equation, term: Term, slope: sp.Expr) -> bool:
    """Whether a derivative is read at the entry itself, or where a part has it."""
    if indices_of(slope) == equation.indices:
        return True
    free = set(free_indices(slope))
    known = own_or_tied(equation, term)
    return bool(free & term.bound) and free <= known and len(free) == len(equation.indices)


def is_summed(equation: Equation, term: Term) -> bool:
    """Whether a term sums up what belongs to several entries of a derivative."""
    return not term.bound <= own_or_tied(equation, term)


ARRAYS = ("number", "norm", "own", "operand")
"""What an array is that is no mask and no slope of a function: a number, a mean or a norm, what is
differentiated by, or what that is multiplied by."""


def _standing(backward: Backward, equation: Equation, part: sp.Expr) -> str:
    """What an array is, or what is made of arrays."""
    names = _names(part)
    own = backward.value_of.get(equation.name, "")
    if all(np.size(backward.numbers(0)[n]) == 1 for n in names):
        return "number"
    if backward.statistics & names:
        return "norm"
    return "own" if own in names else "operand"


# -- what may stand there -------------------------------------------------------------------------

MADE: Mapping[str, Callable[[Numbers], Numbers]] = {
    "its square": lambda a: a * a,
    "its inverse": lambda a: 1 / a,
    "its root": lambda a: np.sqrt(np.abs(a)),
    "its cube": lambda a: a**3,
    "its complement": lambda a: 1 - a,
}
"""What may come of an array of the forward pass."""

OF_BOTH_SIGNS: Mapping[str, Callable[[Numbers], Numbers]] = {
    "its size": np.abs,
    "its sign": np.sign,
}
"""What may come of one that has entries of both signs."""

FUNCTIONS: Mapping[str, Callable[[Numbers], Numbers]] = {
    "{0}": lambda v: v,
    "{0}**2": lambda v: v * v,
    "1 - {0}": lambda v: 1 - v,
    "1 + {0}": lambda v: 1 + v,
    "1 - {0}**2": lambda v: 1 - v * v,
    "{0} * (1 - {0})": lambda v: v * (1 - v),
    "{0} * (1 + {0})": lambda v: v * (1 + v),
    "{0} > 0": lambda v: 1.0 * (v > 0),
    "{0} >= 0": lambda v: 1.0 * (v >= 0),
    "{0} < 0": lambda v: 1.0 * (v < 0),
    "{0} > 0.5": lambda v: 1.0 * (v > 0.5),
    "{0} != 0": lambda v: 1.0 * (v != 0),
    "1 / {0}": lambda v: 1 / v,
    "exp({0})": np.exp,
    "exp(-{0})": lambda v: np.exp(-v),
    "tanh({0})": np.tanh,
    "1 - tanh({0})**2": lambda v: 1 - np.tanh(v) ** 2,
    "sigmoid({0})": lambda v: 1 / (1 + np.exp(-v)),
    "sigmoid'({0})": lambda v: np.exp(-v) / (1 + np.exp(-v)) ** 2,
    "maximum({0}, 0)": lambda v: np.maximum(v, 0),
    "sign({0})": np.sign,
    "abs({0})": np.abs,
    "cos({0})": np.cos,
    "sin({0})": np.sin,
    "1 / (1 + {0}**2)": lambda v: 1 / (1 + v * v),
    "1 / (1 + {0})**2": lambda v: 1 / (1 + v) ** 2,
    "sqrt({0})": lambda v: np.sqrt(np.abs(v)),
}
"""Slopes that people write, of an array of the forward pass."""

OF_GRADIENTS: Mapping[str, Callable[[Numbers], Numbers]] = {
    "cut at 0": lambda g: np.maximum(g, 0),
    "where it is positive": lambda g: 1.0 * (g > 0),
    "its sign": np.sign,
    "its size": np.abs,
    "its square": lambda g: g * g,
}


class Contents:
    """What may stand at the places of one backward pass, at a point."""

    def __init__(
        self,
        backward: Backward,
        point: int,
        names: Sequence[str],
        label: Callable[[str, str], str],
    ) -> None:
        self.backward = backward
        self.label = label
        self.point = point
        self.names = names
        """The arrays that may be read by mistake, those of the forward pass and derivatives."""

    def of(self, place: Place) -> dict[Other, Numbers]:
        """What may stand at a place, with its numbers."""
        with np.errstate(all="ignore"):
            if place.role in PARTS:
                makers = {"sum": self._sums, "entry": self._entries}
                return dict(makers.get(place.role, self._without_function)(place))
            return dict(self._arrays(place) if is_entry(place.part) else self._factors(place))

    def now(self, place: Place) -> Numbers:
        """What stands there."""
        if is_entry(place.part) and place.role not in PARTS:
            array = np.asarray(self.backward.numbers(self.point)[name_of(place.part)])
            return array if place.role == "index" else array.astype(float)
        return self.backward.array(place.part, place.axes, self.point)

    def _arrays(self, place: Place) -> Iterator[tuple[Other, Numbers]]:
        """Other arrays in the place of one, or what is made of it."""
        own = self.now(place)
        if place.role == "index":
            yield from self._named(own, place, "i")
            return
        if own.ndim == 2 and own.shape[0] == own.shape[1] > 1:
            yield Other("transposed", "", 0.3), own.T
            if place.role in ARRAYS and not self._is_each(place):
                yield Other("left out", "", 0.6), np.eye(len(own))
        if place.role in ARRAYS and own.ndim:
            yield from ((Other("turned round", f"{k}", 0.5), np.flip(own, k)) for k in _ways(own))
        if place.role != "gradient":
            if any(f.as_base_exp()[0] == place.part for f in place.term.factors):
                cost = 0.2 if self._is_each(place) or own.ndim < 2 else 0.5
                yield Other("left out", "", cost), np.ones_like(own, dtype=float)
            made = {**MADE, **(OF_BOTH_SIGNS if own.min() < 0 < own.max() else {})}
            yield from ((Other(n, "", 0.8), f(own)) for n, f in made.items())
        else:
            yield from ((Other(n, "", 0.8), f(own)) for n, f in OF_GRADIENTS.items())
            yield Other("left out", "", 0.6), np.ones_like(own, dtype=float)
        yield from self._named(own, place)

    def _is_each(self, place: Place) -> bool:
        """Whether an array is multiplied entry by entry, and not contracted."""
        return not set(free_indices(place.part)) & place.term.bound

    def _named(
        self, own: Numbers, place: Place, kinds: str = "fib"
    ) -> Iterator[tuple[Other, Numbers]]:
        """The arrays of a shape, by their names: those of the same role first."""
        slopes, name = self.backward.slopes, name_of(place.part)
        stem = self.label(name, name)
        turn = {n: self.label(n, name).startswith(stem) for n in self.names}
        same = sorted(self.names, key=lambda n: ((n in slopes) != (name in slopes), not turn[n]))
        pairs = ((n, np.asarray(self.backward.numbers(self.point).get(n))) for n in same)
        fine = (p for p in pairs if p[1].shape == own.shape and p[1].dtype.kind in kinds)
        for other, array in itertools.islice(fine, MOST_OTHERS):
            if other != name:
                laid = array if kinds == "i" else array.astype(float)
                yield Other("another array", self.label(other, name), 0.5), laid

    def _factors(self, place: Place) -> Iterator[tuple[Other, Numbers]]:
        """Other factors in the place of one, or of all that are not derivatives."""
        own = self.now(place)
        yield Other("left out", "", 0.1), np.ones_like(own)
        yield from ((Other(n, "", 0.7), f(own)) for n, f in MADE.items())
        if place.role == "mask":
            yield Other("without its size", "", 0.3), 1.0 * (own != 0)
            yield Other("only its size", "", 0.3), np.full_like(own, own.max())
            yield Other("its opposite", "", 0.3), own.max() + own.min() - own
        if own.ndim and place.role not in ARRAYS:
            yield from self._functions(place, own)

    def _functions(self, place: Place, own: Numbers) -> Iterator[tuple[Other, Numbers]]:
        """Functions of what has as many entries: of what is differentiated by first."""
        value = self.backward.value_of.get(place.equation.name, "")
        arrays = [("what it is of", self._of_size(value, place, own))]
        arrays += [("what it gives", self._of_size(n, place, own)) for n in place.through]
        member = place.equation.name
        names = [n for n in self.names if n not in self.backward.slopes]
        arrays += [(self.label(n, member), self._of_size(n, place, own)) for n in names]
        fine = [(n, a) for n, a in arrays if a is not None]
        for name, array in fine[: MOST_OTHERS // 2]:
            for text, function in FUNCTIONS.items():
                yield Other("another function", text.format(name), 0.6), function(array)

    def _of_size(self, name: str, place: Place, own: Numbers) -> Numbers | None:
        """An array whose entries stand where those of a factor do; None where it has others."""
        array = np.asarray(self.backward.numbers(self.point).get(name))
        if array.dtype.kind not in "fib" or array.size != own.size:
            return None
        same = array.shape == _shape(place, own)
        return array.astype(float).reshape(own.shape) if same else None

    def _without_function(self, place: Place) -> Iterator[tuple[Other, Numbers]]:
        """What a function is of, in place of what it gives."""
        (inner,) = place.part.args
        yield Other("left out", "", 0.4), self.backward.array(inner, place.axes, self.point)

    def _entries(self, place: Place) -> Iterator[tuple[Other, Numbers]]:
        """Another entry that something in the spec reads, in the place of one that is picked."""
        atoms = {*entries(place.equation.rhs), *self.backward.read}
        several = {replaced(a, at) for a in atoms if (at := _on_axes(a, place.axes)) is not None}
        for atom in sorted(several - {place.part}, key=str)[:MOST_OTHERS]:
            if name_of(atom) not in self.backward.slopes:
                array = self.backward.array(atom, place.axes, self.point)
                yield Other("another array", name_of(atom), 0.4), array

    def _sums(self, place: Place) -> Iterator[tuple[Other, Numbers]]:
        """A sum inside a term over all that its summand depends on, or another way."""
        part, free = place.part, place.axes
        bound = tuple(limit[0] for limit in part.limits)
        whole = self.backward.array(part.function, (*free, *bound), self.point)
        if whole.size > MOST_ENTRIES:
            return
        shape = whole.shape[: len(free)]
        last = tuple(range(len(free), whole.ndim))
        term = Term(sp.Mul.make_args(part.function), tuple(map(tuple, part.limits)))
        whole_term = everywhere(term, free)
        if whole_term is not None:
            yield Other("everywhere", "", 0.2), self.backward.array(whole_term, free, self.point)
        yield Other("over all", "", 0.3), np.broadcast_to(whole.sum(), shape)
        yield Other("over all, a mean", "", 0.4), np.broadcast_to(whole.mean(), shape)
        yield Other("a mean", "", 0.3), whole.mean(axis=last)
        yield Other("left out", "", 0.5), np.ones(shape)


def _on_axes(atom: sp.Expr, axes: Sequence[sp.Expr]) -> dict[sp.Expr, sp.Expr] | None:
    """Which of some indices those of an entry are, by their sizes; None where none is as long."""
    if set(free_indices(atom)) <= set(axes):
        return {}
    found = {i: [a for a in axes if a.size == i.size] for i in free_indices(atom)}
    fine = found and all(len(several) == 1 for several in found.values())
    return {i: several[0] for i, several in found.items()} if fine else None


def _shape(place: Place, own: Numbers) -> tuple[int, ...]:
    """The shape of arrays whose entries stand where a factor does: axes of length 1 in."""
    sizes = dict(zip(place.axes, own.shape, strict=True))
    if not set(place.axes) <= set(place.equation.indices):
        return tuple(own.shape)
    return tuple(sizes.get(i, 1) for i in place.equation.indices)

"""Sums that may be any: whether a derivative is right but for what it has of means and norms."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.explanation import Explanation
from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.parts import free_indices
from symgrad.audit.diagnosis.wanted import Wanted
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

MOST = 80
"""How many numbers may be unknown."""

SPARE = 4
"""How many more numbers there have to be than unknown ones, so that these follow from them."""


Axes = tuple[Index, ...]


def other_sums(backward: Backward, wanted: Wanted, names: Sequence[str]) -> Iterator[Explanation]:
    """Derivatives that are right but for sums: over other entries, or of something else."""
    for name in names:
        equation, value = backward.equations[name], backward.value_of.get(name, "")
        own, picked = _of_norms(backward, equation), _of_picked(backward, equation)
        for change, sums in (("", {**own, **_inside(backward, equation)}), ("picked", picked)):
            for axes in _axes(equation, sums):
                given = Free(backward, wanted, equation, sums, axes).explained()
                if given:
                    norm = bool(own) and not change
                    yield Explanation(value, "sums", change, "", 1.0, given, norm=norm)


def _axes(equation: Equation, sums: Mapping[sp.Expr, Axes]) -> Sequence[Mapping[sp.Expr, Axes]]:
    """The axes along which sums may differ: their own, or others of the derivative."""
    found = [dict(sums)] if sums else []
    own = [i for i in equation.indices if isinstance(i, Index)]
    if len({len(axes) for axes in sums.values()}) == 1:
        least = len(next(iter(sums.values())))
        for count in range(least, max(least + 1, len(own))):
            found += [dict.fromkeys(sums, axes) for axes in itertools.combinations(own, count)]
    return found


def _of_norms(backward: Backward, equation: Equation) -> dict[sp.Expr, Axes]:
    """The derivatives by means and norms that a derivative is worked out of."""
    atoms = sorted(entries(equation.rhs), key=str)
    slopes = [a for a in atoms if name_of(a) in backward.slopes]
    found = [a for a in slopes if backward.value_of.get(name_of(a)) in backward.statistics]
    own = set(equation.indices)
    return {a: axes for a in found if set(axes := free_indices(a)) < own}


def _of_picked(backward: Backward, equation: Equation) -> dict[sp.Expr, Axes]:
    """The derivatives by what labels pick that a derivative is worked out of."""
    rhs = {e.name: e.rhs for e in backward.derivation.typed}
    atoms = [a for a in sorted(entries(equation.rhs), key=str) if name_of(a) in backward.slopes]
    values = {a: rhs.get(backward.value_of.get(name_of(a), ""), sp.S.Zero) for a in atoms}
    return {a: free_indices(a) for a, v in values.items() if is_picked(v) and free_indices(a)}


def is_picked(expr: sp.Expr) -> bool:
    """Whether an expression is one entry of an array, that labels say which."""
    return is_entry(expr) and any(entries(i) for i in indices_of(expr))


def _inside(backward: Backward, equation: Equation) -> dict[sp.Expr, Axes]:
    """The sums of derivatives inside a derivative that have fewer entries than it has."""
    own, found = set(equation.indices), {}
    for part in sorted(equation.rhs.atoms(sp.Sum), key=str):
        reads = {name_of(a) for a in entries(part)} & backward.slopes
        if reads and set(free_indices(part)) < own:
            found[part] = free_indices(part)
    return found


@dataclass(frozen=True)
class Free:
    """An equation in which sums may be any."""

    backward: Backward
    wanted: Wanted
    equation: Equation
    sums: Mapping[sp.Expr, Axes]
    axes: Mapping[sp.Expr, Axes]

    def explained(self) -> int:
        """How many of the wrong values follow from some numbers for the sums, at all points."""
        counts = []
        for point in self.wanted.points:
            solved = self._solved(point)
            if solved is None:
                return 0
            predicted = self.backward.variants(self._changed, solved, point)
            fine, given = self.wanted.explained(predicted, point)
            if not fine[0]:
                return 0
            counts.append(int(given[0]))
        return min(counts)

    @property
    def _changed(self) -> dict[str, sp.Expr]:
        """The equation with arrays in the place of its sums."""
        change = {
            part: entry(f"_put{k}", (BATCH, *self.axes[part])) for k, part in enumerate(self.sums)
        }
        return {self.equation.name: replaced(self.equation.rhs, change)}

    def _shapes(self, point: int) -> list[tuple[int, ...]]:
        """The shapes of the sums."""
        whole = np.shape(self.backward.numbers(point)[self.equation.name])
        lengths = dict(zip(self.equation.indices, whole, strict=True))
        for part in (p for p in self.sums if is_entry(p)):
            shape = np.shape(self.backward.numbers(point)[name_of(part)])
            lengths |= dict(zip(indices_of(part), shape, strict=True))
        return [tuple(lengths[i] for i in self.axes[part]) for part in self.sums]

    def _solved(self, point: int) -> dict[str, Numbers] | None:
        """The sums that the first wrong value asks for, if they follow from it."""
        shapes, wanted = self._shapes(point), self.wanted
        counts = [int(np.prod(s)) for s in shapes]
        laid = next(iter(wanted.laid(wanted.first, point)), None)
        if laid is None or sum(counts) > MOST or laid.size < sum(counts) + SPARE:
            return None
        rows = np.vstack([np.zeros((1, sum(counts))), np.eye(sum(counts))])
        predicted = self.backward.variants(self._changed, _put(rows, shapes), point)
        own = predicted.get(wanted.adjoint[wanted.first])
        if own is None or not np.isfinite(own).all():
            return None
        flat = own.reshape(len(rows), -1)
        found, *_ = np.linalg.lstsq((flat[1:] - flat[0]).T, laid.ravel() - flat[0], rcond=1e-10)
        return _put(found[None], shapes)


def _put(rows: Numbers, shapes: Sequence[tuple[int, ...]]) -> dict[str, Numbers]:
    """Rows of numbers as arrays of all variants."""
    ends = np.cumsum([int(np.prod(s)) for s in shapes])
    parts = zip(np.split(rows, ends[:-1], axis=1), shapes, strict=True)
    return {f"_put{k}": part.reshape(len(rows), *shape) for k, (part, shape) in enumerate(parts)}

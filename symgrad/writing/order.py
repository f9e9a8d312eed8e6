"""In which order a person writes terms and factors."""

from __future__ import annotations

import math
from collections.abc import Mapping

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.mathematics.indices import Index, entries, indices_of, name_of
from symgrad.mathematics.piecewise import less_equal
from symgrad.writing.letters import skeleton
from symgrad.writing.naming import Names, Partial
from symgrad.writing.parts import index_atoms, is_entry

Key = tuple[object, ...]


class Order:
    """What terms and factors are sorted by, where indices have these letters."""

    def __init__(self, names: Names, letters: Mapping[Index, str]) -> None:
        self.names = names
        self._places = {index: place for place, index in enumerate(letters)}

    def of_index(self, index: Index) -> int:
        """Indices are written in the order in which they got their letters."""
        return self._places.get(index, -1)

    def of_bound(self, index: Index, body: sp.Expr) -> tuple[int, int]:
        """Rows before columns: Σ over n, i of X[n,i]; what stands in one axis by its letter."""
        axes = (indices_of(a) for a in body.atoms(sp.Indexed))
        places = (k for at in axes for k, i in enumerate(at) if i == index or i.has(index))
        return (max(places, default=0), self.of_index(index))

    def of_term(self, sign: str, term: sp.Expr, whole: sp.Expr) -> Key:
        """Positive terms first, derivatives in the order of the values that they are by.

        What is made of parameters alone stands after what it is added to: biases, penalties.
        """
        if term.is_number:
            rank = 0.5 if whole.has(sp.exp) else 3.0
        elif not entries(term):
            rank = 3.0
        elif isinstance(term, sp.Sum) or term.has(sp.Sum):
            rank = 0.0
        else:
            rank = 2.0 if is_entry(term) else 1.0
        late = self._is_late(term, whole)
        through = self._derivative(term)
        first = (_start(term), self._first_name(term), len(entries(term)))
        return (sign == "-", late, through, rank, *first, *self._tie(term))

    def of_factor(self, factor: sp.Expr, rank: int) -> Key:
        """Factors of one rank: in the order of their indices, entries first, sums last."""
        kind = 0 if is_entry(factor) else 1 if not factor.is_Add else 2
        return (rank, self.seen(factor), kind, *self._tie(factor))

    def rank(self, factor: sp.Expr) -> int | None:
        """Derivatives stand first, sums last; None where it depends on how a factor is written."""
        if is_entry(factor):
            return 0 if name_of(factor) in self.names.derivatives else 2
        if isinstance(factor, Partial):
            return 1
        return 4 if isinstance(factor, sp.Sum) else None

    def seen(self, expr: sp.Expr) -> tuple[int, ...]:
        """The places of the free indices in the order of their letters: A[i,j] goes before x[j]."""
        bound = {limit[0] for s in expr.atoms(ExprWithLimits) for limit in s.limits}
        entries = [expr] if is_entry(expr) else expr.atoms(sp.Indexed)
        inside = {a: [i for at in indices_of(a) for i in index_atoms(at)] for a in entries}
        atoms = sorted(inside, key=lambda a: (skeleton(a), [i.name for i in inside[a]]))
        found = dict.fromkeys(i for a in atoms for i in inside[a])
        return tuple(self.of_index(i) for i in found if i not in bound)

    def _derivative(self, term: sp.Expr) -> float:
        """The place of the value that a derivative in a term is by; beyond all where none is."""
        names = self.names
        atoms = [term] if is_entry(term) else term.atoms(sp.Indexed)
        by = (names.adjoint_of.get(name_of(a), "") for a in atoms)
        return min((names.order[value] for value in by if value in names.order), default=math.inf)

    def _first_name(self, expr: sp.Expr) -> int:
        return min((self.names.order.get(name_of(a), 0) for a in entries(expr)), default=0)

    def _is_late(self, term: sp.Expr, whole: sp.Expr) -> bool:
        """Whether a term is a parameter, or made of one in a sum that has more than parameters."""
        if is_entry(term):
            return name_of(term) in self.names.late
        inside = set(map(name_of, entries(term)))
        others = set(map(name_of, entries(whole))) - self.names.late
        return len(inside) == 1 and bool(others) and inside <= self.names.late

    def _tie(self, expr: sp.Expr) -> tuple[str, ...]:
        return (skeleton(expr), ",".join(map(str, self.seen(expr))))


def _start(term: sp.Expr) -> float:
    """From where on there is a term: what a condition says of the positions on an axis."""
    starts = (f.args[0] for f in sp.Mul.make_args(term) if isinstance(f, less_equal))
    return max((float(s) for s in starts if s.is_number), default=0.0)

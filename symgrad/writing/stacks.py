"""MatrixFormula forms of stacks: an equation for each matrix, or each vector, of an array."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from symgrad.errors import SymgradError
from symgrad.mathematics.assumptions import Fact, giving
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of
from symgrad.writing.formula import Apply, Formula, Gap, Over, beside
from symgrad.writing.matrix_form import as_matrix
from symgrad.writing.matrix_formula import MatrixFormula, product, total
from symgrad.writing.piece import Level

LONGEST = 60
"""A formula with more signs is no easier to read than the index form."""

Symbol = Callable[[str, Sequence[sp.Expr]], Formula]
"""How an array is written at its first indices."""

Letter = Callable[[Index], Formula]
"""How an index is written."""


@dataclass(frozen=True)
class Stacked:
    """``name`` at the indices ``at`` is ``matrix``."""

    at: tuple[Index, ...]
    matrix: MatrixFormula


def stacked_form(
    equation: Equation,
    variables: Mapping[str, Variable],
    symbol: Symbol,
    letter: Letter,
) -> Stacked | None:
    """The form of an equation for few fixed first indices; None where there is none.

    To fix one index more is better than vectors of ones.
    """
    if isinstance(equation.rhs, sp.Indexed):
        return None
    found = [
        Stacked(at, matrix)
        for at in _beginnings(equation)
        if (matrix := _form(equation, at, variables, symbol, letter)) is not None
        and matrix.length <= LONGEST
    ]
    return min(
        found, key=lambda s: (len(s.at) + s.matrix.has_ones, s.matrix.has_ones), default=None
    )


def _beginnings(equation: Equation) -> Iterator[tuple[Index, ...]]:
    """The first indices that leave a matrix, a vector or a number."""
    for count in range(max(0, len(equation.indices) - 2), len(equation.indices) + 1):
        at = equation.indices[:count]
        if all(isinstance(i, Index) for i in at):
            yield at


def _form(
    equation: Equation,
    at: tuple[Index, ...],
    variables: Mapping[str, Variable],
    symbol: Symbol,
    letter: Letter,
) -> MatrixFormula | None:
    """The sum of the forms of all terms, those without a sum of their own together."""
    groups: dict[tuple[Index, ...], list[sp.Expr]] = {}
    for term in sp.Add.make_args(equation.rhs):
        outer = _outer(term, at)
        if outer is None:
            return None
        groups.setdefault(outer, []).append(term)
    found = []
    for outer, terms in sorted(groups.items(), key=lambda group: bool(group[0])):
        slices = _Slices({*at, *outer}, variables, symbol)
        inner = slices.form(equation, len(at), [_without(term, outer) for term in terms])
        if inner is None:
            return None
        found.append(_summed(inner, outer, letter))
    return total(found, found[0].axes)


def _outer(term: sp.Expr, at: Sequence[Index]) -> tuple[Index, ...] | None:
    """The indices of a term's own sum that have to be fixed too; None where that does not help."""
    _, total = _sum_of(term)
    bound = {limit[0] for limit in total.limits} if total is not None else set()
    outer: dict[Index, None] = {}
    while True:
        more = [_needed(atom, {*at, *outer}) for atom in term.atoms(sp.Indexed)]
        needed = [i for found in more for i in found]
        if not needed:
            return tuple(outer)
        if not bound.issuperset(needed):
            return None
        outer |= dict.fromkeys(sorted(needed, key=str))


def _needed(atom: sp.Expr, fixed: Collection[Index]) -> Sequence[sp.Expr]:
    """What stands in the way of reading an entry as one of a matrix, or of a vector."""
    indices = indices_of(atom)
    count = max((k + 1 for k, i in enumerate(indices) if i in fixed), default=0)
    count = max(count, len(indices) - 2)
    return [i for i in indices[:count] if i not in fixed]


def _sum_of(term: sp.Expr) -> tuple[sp.Expr, sp.Sum | None]:
    """The factors beside the one sum that a term is, and that sum."""
    sums = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.Sum)]
    if len(sums) != 1:
        return term, None
    return sp.Mul(*(f for f in sp.Mul.make_args(term) if f is not sums[0])), sums[0]


def _without(term: sp.Expr, outer: Collection[Index]) -> sp.Expr:
    """The term without the sum over these indices."""
    beside, whole = _sum_of(term)
    if not outer or whole is None:
        return term
    limits = [limit for limit in whole.limits if limit[0] not in outer]
    return beside * (sp.Sum(whole.function, *limits) if limits else whole.function)


def _summed(inner: MatrixFormula, outer: Sequence[Index], letter: Letter) -> MatrixFormula:
    if not outer:
        return inner
    numbers = [f for f in inner.parts if f.number is not None]
    body = product([f for f in inner.parts if f.number is None], inner.axes)
    sign = Over("∑", beside([letter(i) for i in outer], Gap.COMMA))
    whole = Apply(sign, body.at_least(Level.OPEN), close=False)
    return product([*numbers, MatrixFormula(whole, inner.axes)], inner.axes)


@dataclass
class _Slices:
    """Names for what is left of arrays where some indices are fixed."""

    fixed: Collection[Index]
    arrays: Mapping[str, Variable]
    symbol: Symbol
    variables: dict[str, Variable] = field(default_factory=dict)
    symbols: dict[str, Formula] = field(default_factory=dict)

    def form(
        self, equation: Equation, count: int, terms: Sequence[sp.Expr]
    ) -> MatrixFormula | None:
        """The sum of the terms as a formula."""
        rhs = sp.Add(*terms)
        rhs = rhs.xreplace({atom: self.slice(atom) for atom in sorted(entries(rhs), key=str)})
        if rhs.has(*self.fixed):
            return None
        rest = replace(equation, indices=equation.indices[count:], rhs=rhs, backward=None)
        with contextlib.suppress(SymgradError):
            return as_matrix(rest, self.variables, self.symbols.__getitem__)
        return None

    def slice(self, atom: sp.Expr) -> sp.Expr:
        """The entry of the matrix, of the vector or of the number that is left."""
        name, indices = name_of(atom), indices_of(atom)
        count = sum(i in self.fixed for i in indices)
        shown = self.symbol(name, indices[:count])
        array = self.arrays[name]
        known = next((n for n, other in self.symbols.items() if other == shown), None)
        sliced = known or f"slice{len(self.symbols)}"
        self.symbols[sliced] = shown
        promises = array.assumptions if len(indices) - count == 2 else ()
        kept = tuple(giving(Fact.IS_SYMMETRIC, promises))
        self.variables[sliced] = replace(
            array, name=sliced, shape=array.shape[count:], assumptions=kept
        )
        return entry(sliced, indices[count:], integer=array.dtype == "int")

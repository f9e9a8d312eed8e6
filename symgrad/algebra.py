"""The algebra of index notation: sums of products, Kronecker deltas, and names of bound indices."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.equations import Equation
from symgrad.indices import (
    Index,
    axis_index,
    entries,
    fresh,
    indices_of,
    is_size,
    made,
    name_of,
    proper_indices,
    replaced,
)
from symgrad.leaves import Reduction, select

BINDERS = (sp.Sum, Reduction)


# -- bound indices ----------------------------------------------------------------------------


@functools.lru_cache(maxsize=1 << 14)
def height(expr: sp.Basic) -> int:
    """How deep sums and reductions are nested in an expression."""
    inside = max(map(height, expr.args), default=0)
    return inside + 1 if isinstance(expr, BINDERS) else inside


Moved = Mapping[Index, sp.Expr]
"""What stands in the place of each free index."""


def rename_bound(
    expr: sp.Expr, rename: Callable[[sp.Expr], dict[Index, Index]], moved: Moved | None = None
) -> sp.Expr:
    """``expr`` with bound indices renamed; ``rename`` answers with new names for those of a sum.

    The new names must not occur in ``expr`` or ``moved`` where they would be captured.
    """

    def walk(e: sp.Basic, names: dict[Index, sp.Expr]) -> sp.Basic:
        if isinstance(e, Index):
            return names.get(e, e)
        if not e.args or (not names and not height(e)):
            return e
        if isinstance(e, BINDERS):
            mine = rename(e)
            bound = bound_of(e)
            if len(set(bound)) < len(bound):  # Σ_k Σ_k f = d Σ_k f: only the first k is f's
                once = dict.fromkeys(bound)
                again = [k.size for k in once for _ in range(bound.count(k) - 1)]
                return walk(sp.Mul(*again, e.func(e.function, *(k.limits for k in once))), names)
            inside = walk(e.function, names | mine)
            if isinstance(e, sp.Sum) and inside == 0:
                return sp.S.Zero
            limits = [(mine[k], a, b) for k, a, b in e.limits]
            if not getattr(e, "ordered", False):
                limits.sort(key=lambda limit: limit[0].name)
            at = (walk(i, names) for i in e.args[1 + len(limits) :])
            return made(e.func, (inside, *limits, *at))
        parts = [walk(a, names) for a in e.args]
        return e if all(map(operator.is_, parts, e.args)) else made(e.func, tuple(parts))

    return walk(expr, dict(moved or {}))


def bound_of(binder: sp.Expr) -> tuple[Index, ...]:
    """The indices that a sum or reduction runs over."""
    return tuple(limit[0] for limit in binder.limits)


def freshen(expr: sp.Expr, moved: Moved | None = None) -> sp.Expr:
    """``expr`` with a fresh name for each bound index, so that nothing can be captured."""
    return rename_bound(expr, lambda e: {k: fresh(k.size) for k in bound_of(e)}, moved)


def canonical(expr: sp.Expr, moved: Moved | None = None) -> sp.Expr:
    """``expr`` with names of bound indices that depend on nothing but its structure.

    A bound index is named by the height of its sum, so that nested sums never share a name.
    """

    def rename(e: sp.Expr) -> dict[Index, Index]:
        order: Sequence[Index] = bound_of(e)
        if len(order) > 1 and not getattr(e, "ordered", False):
            order = sorted(order, key=lambda k: _signature(e.function, k))
        return {k: Index(f"~{height(e)}.{n}", k.size) for n, k in enumerate(order)}

    return rename_bound(expr, rename, moved)


def _signature(body: sp.Expr, index: Index) -> list[tuple[str, int]]:
    """Where an index occurs, told without the names of indices."""
    return sorted(
        (name_of(atom), place)
        for atom in body.atoms(sp.Indexed)
        for place, i in enumerate(atom.indices)
        if i.has(index)
    )


def axis_name(position: int, size: sp.Expr) -> sp.Expr:
    """The canonical index of an equation's axis."""
    return sp.Integer(0) if size == 1 else Index(f"@{position}", size)


def canonical_equation(equation: Equation) -> Equation:
    """The equation over canonical names for its own and its bound indices."""
    indices = tuple(axis_name(k, size) for k, size in enumerate(equation.shape))
    moved = equation.moved(indices)
    rhs = canonical(equation.rhs, moved)
    backward = None if equation.backward is None else canonical(equation.backward, moved)
    return Equation(equation.name, indices, rhs, equation.decimals, backward, equation.where)


def instance(equation: Equation, indices: Sequence[sp.Expr], rhs: sp.Expr | None = None) -> sp.Expr:
    """The right-hand side (or ``rhs``) at ``indices``, its bound indices fresh."""
    return freshen(equation.rhs if rhs is None else rhs, equation.moved(indices))


# -- sums of products -------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """The sum over ``bound`` of the product of ``factors``."""

    factors: tuple[sp.Expr, ...]
    bound: tuple[Index, ...] = ()

    def __mul__(self, other: Term) -> Term:
        return Term(self.factors + other.factors, self.bound + other.bound)

    def map(self, f: Callable[[sp.Expr], sp.Expr]) -> Term:
        """``f`` applied to every factor, and products taken apart again."""
        return Term(tuple(a for e in self.factors for a in sp.Mul.make_args(f(e))), self.bound)

    @property
    def expr(self) -> sp.Expr:
        """The term as an expression: what is free of a sum stands outside of it."""
        outside, groups = _connected(self.factors, self.bound)
        used = {i for indices, _ in groups for i in indices}
        lone = [k.size for k in self.bound if k not in used]
        sums = [sp.Sum(sp.Mul(*f), *(k.limits for k in indices)) for indices, f in groups]
        return sp.Mul(*lone, *outside, *sums)


def _connected(
    factors: Iterable[sp.Expr], bound: Sequence[Index]
) -> tuple[list[sp.Expr], list[tuple[list[Index], list[sp.Expr]]]]:
    """Factors free of ``bound``; and the others, grouped so that groups share no index."""
    outside: list[sp.Expr] = []
    groups: list[tuple[list[Index], list[sp.Expr]]] = []
    for factor in factors:
        mine = [k for k in bound if k in factor.free_symbols]
        if not mine:
            outside.append(factor)
            continue
        linked = [g for g in groups if any(k in g[0] for k in mine)]
        groups = [g for g in groups if g not in linked]
        indices = [k for k in bound if k in mine or any(k in g[0] for g in linked)]
        groups.append((indices, [f for g in linked for f in g[1]] + [factor]))
    return outside, groups


@functools.lru_cache(maxsize=4096)
def has_delta(expr: sp.Expr) -> bool:
    """Whether a Kronecker delta stands where the algebra can reach it."""
    if isinstance(expr, Delta):
        return True
    if isinstance(expr, (sp.Add, sp.Mul)):
        return any(has_delta(a) for a in expr.args)
    if isinstance(expr, sp.Sum):
        return has_delta(expr.function)
    return isinstance(expr, select) and any(has_delta(a) for a in expr.args[1:])


def terms(expr: sp.Expr) -> list[Term]:
    """``expr`` as a sum of terms; sums in it are multiplied out only where a delta is inside."""
    if isinstance(expr, sp.Add):
        return [t for a in expr.args for t in terms(a)]
    if isinstance(expr, sp.Sum):
        bound = bound_of(expr)
        return [Term(t.factors, bound + t.bound) for t in _factors(expr.function)]
    return _factors(expr)


def _factors(expr: sp.Expr) -> list[Term]:
    if isinstance(expr, sp.Mul):
        products = [Term(())]
        for a in expr.args:
            products = [p * t for p in products for t in _factors(a)]
        return products
    if isinstance(expr, sp.Sum) or (isinstance(expr, sp.Add) and has_delta(expr)):
        return terms(expr)
    if isinstance(expr, select) and has_delta(expr):
        return _selected(expr)
    return [Term((expr,))]


def _selected(expr: sp.Expr) -> list[Term]:
    """select(c, x, y) = select(c, x, 0) + select(c, 0, y), deltas and sums taken outside."""
    condition, yes, no = expr.args
    zero = sp.S.Zero
    split = [(t, True) for t in terms(yes)] + [(t, False) for t in terms(no)]
    result = []
    for term, first in split:
        deltas = tuple(f for f in term.factors if isinstance(f, Delta))
        rest = sp.Mul(*(f for f in term.factors if not isinstance(f, Delta)))
        if rest != 0:
            kept = select(condition, *((rest, zero) if first else (zero, rest)))
            result.append(Term((*deltas, kept), term.bound))
    return result


def from_terms(items: Iterable[Term]) -> sp.Expr:
    """The sum of the terms, like ones merged."""
    return sp.Add(*(canonical(t.expr) for t in items))


# -- deltas -----------------------------------------------------------------------------------


def contract_deltas(term: Term) -> Term:
    """Σ_j f(j) δ(j, q) = f(q), as often as it applies."""
    while (match := next(_contractions(term), None)) is not None:
        index, value = match
        bound = tuple(k for k in term.bound if k != index)
        term = Term(term.factors, bound).map(lambda e: replaced(e, {index: value}))  # noqa: B023
    return term


def _contractions(term: Term) -> Iterator[tuple[Index, sp.Expr]]:
    for factor in term.factors:
        if isinstance(factor, Delta):
            for one, other in (factor.args, factor.args[::-1]):
                yield from _solutions(term, one, other)


def _solutions(term: Term, one: sp.Expr, other: sp.Expr) -> Iterator[tuple[Index, sp.Expr]]:
    """A bound index and its only value, where ``one = other`` has one and it is in range."""
    if one in term.bound and not other.has(one) and in_range(one, other):
        yield one, other
        return
    for index in term.bound:
        if index in other.free_symbols and other.diff(index) in (1, -1):
            value = sp.expand((one - other) * other.diff(index) + index)
            if not value.has(index) and in_range(index, value):
                yield index, value


def in_range(index: Index, value: sp.Expr) -> bool:
    """Whether ``value`` surely lies where ``index`` runs; labels are promised to."""
    if isinstance(value, Index) and value.size == index.size:
        return True
    return isinstance(value, sp.Indexed) or _fits(index, value)


@functools.lru_cache(maxsize=1 << 14)
def _fits(index: Index, value: sp.Expr) -> bool:
    """Whether an affine expression over indices stays between 0 and the size of ``index``."""
    if not value.free_symbols or all(
        isinstance(s, Index) or is_size(s) for s in value.free_symbols
    ):
        low, high = bounds(value)
        room = numbers_for(index.size - 1 - high)
        return bool(numbers_for(low).is_nonnegative and room.is_nonnegative)
    return False


def bounds(value: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The least and the greatest value of an affine expression over indices."""
    if isinstance(value, Index):
        return sp.S.Zero, value.size - 1
    low = high = value
    for index in sorted(value.atoms(Index), key=str):
        slope = value.diff(index)
        ends = (sp.Integer(0), index.size - 1)
        low = low.xreplace({index: ends[bool(slope.is_negative)]})
        high = high.xreplace({index: ends[not slope.is_negative]})
    return low, high


@functools.lru_cache(maxsize=1 << 14)
def numbers_for(expr: sp.Expr) -> sp.Expr:
    """An expression over sizes with the fixed ones as numbers."""
    if isinstance(expr, Index):
        return expr
    known = {s: sp.Integer(s.name) for s in expr.free_symbols if is_size(s) and s.name.isdigit()}
    return sp.expand(expr.xreplace(known))


# -- common factors ---------------------------------------------------------------------------


def collect(expr: sp.Expr) -> sp.Expr:
    """a b + a c = a (b + c), for the factors that all terms of a sum share."""
    if not isinstance(expr, sp.Add):
        return expr
    powers = [_powers(a) for a in expr.args]
    shared = {b: e for b, e in powers[0].items() if all(p.get(b) == e for p in powers[1:])}
    if not shared:
        return expr
    common = sp.Mul(*(b**e for b, e in shared.items()))
    rest = [
        sp.Mul(*(b**e for b, e in p.items() if b not in shared), _number(a))
        for p, a in zip(powers, expr.args, strict=True)
    ]
    return sp.Mul(common, sp.Add(*rest), evaluate=not common.is_Number)


def _powers(product: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    """The factors that are no numbers, as powers; an exponential is a base of its own."""
    powers: dict[sp.Expr, sp.Expr] = {}
    for factor in sp.Mul.make_args(product):
        if not factor.is_Number:
            one = (factor, sp.S.One)
            base, power = one if isinstance(factor, sp.exp) else factor.as_base_exp()
            powers[base] = powers.get(base, sp.S.Zero) + power
    return powers


def _number(product: sp.Expr) -> sp.Expr:
    return product.as_coeff_Mul()[0]


def merge_selects(expr: sp.Expr) -> sp.Expr:
    """a select(c, x, 0) + a select(c, 0, y) = a select(c, x, y)."""
    merged: dict[tuple[sp.Expr, sp.Expr], sp.Tuple] = {}
    rest = []
    for addend in sp.Add.make_args(expr):
        choices = [f for f in sp.Mul.make_args(addend) if isinstance(f, select)]
        if len(choices) != 1:
            rest.append(addend)
            continue
        condition, yes, no = choices[0].args
        key = condition, addend / choices[0]
        merged[key] = sp.Tuple(yes, no) if key not in merged else _both(merged[key], yes, no)
    whole = [factor * select(c, *branches) for (c, factor), branches in merged.items()]
    return sp.Add(*rest, *whole)


def _both(branches: sp.Tuple, yes: sp.Expr, no: sp.Expr) -> sp.Tuple:
    return sp.Tuple(branches[0] + yes, branches[1] + no)


# -- names for what has one already -----------------------------------------------------------


FOLDED = (sp.Function, Reduction, sp.Sum, sp.Pow)
"""What is recognised as the right-hand side of a named value."""


class Names:
    """Values whose right-hand side may be recognised inside another expression."""

    def __init__(self, equations: Iterable[Equation]) -> None:
        self._by_kind: dict[tuple[type, frozenset[str]], list[Equation]] = {}
        self._reading: dict[str, list[tuple[frozenset[str], Equation]]] = {}
        for e in equations:
            if e.backward is None and isinstance(e.rhs, FOLDED) and not isinstance(e.rhs, Delta):
                _, read = kind = _kind(e.rhs)
                self._by_kind.setdefault(kind, []).append(e)
                self._reading.setdefault(min(read, default=""), []).append((read, e))

    def among(self, names: Iterable[str]) -> list[Equation]:
        """The values that may be recognised in an expression with these names."""
        known = frozenset(names)
        return [e for n in ("", *names) for read, e in self._reading.get(n, ()) if read <= known]

    def fold(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every part that is a named value replaced by its entry."""
        if not expr.args or isinstance(expr, sp.Indexed):
            return expr
        if isinstance(expr, FOLDED):
            for equation in self._by_kind.get(_kind(expr), ()):
                found = _match(equation, expr)
                if found is not None:
                    return found
        parts = [self.fold(a) for a in expr.args]
        return expr if parts == list(expr.args) else expr.func(*parts)


def _kind(expr: sp.Expr) -> tuple[type, frozenset[str]]:
    return expr.func, frozenset(map(name_of, entries(expr)))


def _match(equation: Equation, expr: sp.Expr) -> sp.Expr | None:
    """The entry of the equation's value that equals ``expr``, or a power of it."""
    pattern, power = equation.rhs, sp.S.One
    if isinstance(expr, sp.Pow) and expr.exp != pattern.exp:
        power = expr.exp / pattern.exp
        if not power.is_Integer:
            return None
        expr = sp.Pow(expr.base, pattern.exp)
    wanted = canonical(expr)
    for indices in _candidates(equation, expr):
        if canonical(equation.at(indices)) == wanted:
            return Equation(equation.name, indices, pattern).lhs ** power
    return None


def _candidates(equation: Equation, expr: sp.Expr) -> Iterator[tuple[sp.Expr, ...]]:
    """Indices at which ``equation`` might read like ``expr``: places in it laid on others.

    What a sum in ``expr`` runs over has no meaning outside of it.
    """
    proper = {i for i in equation.indices if isinstance(i, Index)}
    if not proper:
        yield equation.indices
        return
    theirs = _places(expr)
    mine = _covering(_places(equation.rhs), proper)
    choices = ([at for other, at in sorted(theirs, key=str) if other == name] for name, _ in mine)
    for chosen in itertools.islice(itertools.product(*choices), MOST_CHOICES):
        pairs = zip(mine, chosen, strict=True)
        laid = (zip(place, at, strict=True) for (_, place), at in pairs)
        found = dict(_laid_on(p, t) for pair in laid for p, t in pair)
        indices = tuple(found.get(i, i) for i in equation.indices)
        outside = sp.Tuple(*indices).atoms(Index) <= expr.free_symbols
        if proper <= found.keys() and outside and _reaches(equation, indices):
            yield indices


MOST_CHOICES = 64
"""So many ways to lay several places on others are tried."""


def _covering(
    places: Iterable[tuple[str, tuple[sp.Expr, ...]]], wanted: Set[Index]
) -> list[tuple[str, tuple[sp.Expr, ...]]]:
    """A few places in which all the indices stand: those with most of them first."""
    left, found = set(wanted), []
    inside = {place: sp.Tuple(*place[1]).atoms(Index) for place in places}
    while any(left & atoms for atoms in inside.values()):
        ranks = {p: (len(left & set(p[1])), len(left & inside[p]), str(p)) for p in inside}
        best = max(inside, key=ranks.__getitem__)
        found.append(best)
        left -= inside[best]
    return found


def _laid_on(pattern: sp.Expr, index: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """What the index in ``pattern`` is where ``pattern`` (i, or i + a number) equals ``index``."""
    inside = list(pattern.atoms(Index))
    if len(inside) != 1 or pattern.diff(inside[0]) not in (1, -1):
        return pattern, index
    slope = pattern.diff(inside[0])
    return inside[0], sp.expand((index - pattern) * slope + inside[0])


def _reaches(equation: Equation, indices: Sequence[sp.Expr]) -> bool:
    """Whether the value has entries wherever ``indices`` run."""
    pairs = zip(equation.indices, indices, strict=True)
    return all(in_range(mine, i) for mine, i in pairs if isinstance(mine, Index))


def _places(expr: sp.Expr) -> set[tuple[str, tuple[sp.Expr, ...]]]:
    """Where indices stand in an expression: at entries, and at functions that have entries."""
    found = {(name_of(a), indices_of(a)) for a in entries(expr)}
    functions = (e for e in expr.atoms(Reduction) if getattr(e, "at", ()))
    return found | {(type(e).__name__, e.at) for e in functions}


def weight(expr: sp.Expr) -> int:
    """How much there is to read: the number of nodes, entries counted once."""
    return 1 if not expr.args or isinstance(expr, sp.Indexed) else 1 + sum(map(weight, expr.args))


def fresh_indices(equation_shape: Iterable[sp.Expr]) -> tuple[sp.Expr, ...]:
    """A fresh index for each axis."""
    return tuple(axis_index(s) for s in equation_shape)


def limits(indices: Iterable[sp.Expr]) -> list[tuple[Index, sp.Expr, sp.Expr]]:
    """The limits of a sum over all proper indices among ``indices``."""
    return [i.limits for i in proper_indices(indices)]

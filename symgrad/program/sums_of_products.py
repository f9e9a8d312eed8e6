"""Sums of products taken apart for lowering: scale, factors, bound indices, places of deltas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.errors import SpecError
from symgrad.mathematics.indices import Index, fresh, is_entry
from symgrad.mathematics.infinity import Infinity
from symgrad.mathematics.positions import affine, is_within
from symgrad.mathematics.ranges import in_range, labels_in
from symgrad.mathematics.sizes import is_size


@dataclass
class Product:
    """``scale * Σ_bound Π factors * Π δ(place, where)``; ``scale`` holds numbers and sizes."""

    scale: sp.Expr = sp.S.One
    factors: list[sp.Expr] = field(default_factory=list)
    bound: list[Index] = field(default_factory=list)
    places: dict[Index, sp.Expr] = field(default_factory=dict)

    @property
    def negative(self) -> bool:
        """Whether it is written with a minus."""
        return bool(self.scale.could_extract_minus_sign())

    @property
    def size(self) -> sp.Expr:
        """The scale without its sign."""
        return -self.scale if self.negative else self.scale

    @property
    def free(self) -> frozenset[Index]:
        """The indices on which the value depends."""
        inside = (*self.factors, *self.places.values())
        return all_labels(inside) - set(self.bound) | set(self.places)

    def owns(self, axis: Index) -> bool:
        """Whether the indices that move a place are summed over, and move no other."""
        mine = free_labels(self.places[axis])
        others = all_labels(where for a, where in self.places.items() if a != axis)
        return mine <= set(self.bound) and not mine & others


@lru_cache(maxsize=1 << 14)
def free_labels(expr: sp.Basic) -> frozenset[Index]:
    """The indices that are free in an expression."""
    return frozenset(s for s in expr.free_symbols if isinstance(s, Index))


def all_labels(exprs: Iterable[sp.Basic]) -> frozenset[Index]:
    """The indices that are free in any of the expressions."""
    return frozenset().union(*(free_labels(e) for e in exprs))


@lru_cache(maxsize=1 << 14)
def is_literal(expr: sp.Basic) -> bool:
    """Whether an expression holds numbers and sizes alone."""
    if isinstance(expr, sp.Symbol):
        return not isinstance(expr, Index) and is_size(expr)
    if isinstance(expr, (sp.Number, sp.NumberSymbol, Infinity)):
        return True
    ordinary = isinstance(expr, (sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log))
    return ordinary and all(map(is_literal, expr.args))


def bound_by(binder: sp.Expr) -> list[Index]:
    """The indices that a sum or reduction runs over, each over its whole axis."""
    for index, low, high in binder.limits:
        if not isinstance(index, Index) or low != 0 or high != index.size - 1:
            raise SpecError(f"a sum over part of an axis is not supported: {binder}")
    return [limit[0] for limit in binder.limits]


def product_of(expr: sp.Expr) -> Product:
    """A product, or a sum of one, with nested sums opened and deltas applied."""
    found = Product()
    _open(expr, found)
    _apply_deltas(found)
    unused = [
        k for k in found.bound if k not in all_labels((*found.factors, *found.places.values()))
    ]
    found.scale *= sp.Mul(*(k.size for k in unused))
    found.bound = [k for k in found.bound if k not in unused]
    return found


def _open(expr: sp.Expr, into: Product) -> None:
    if is_literal(expr):
        into.scale *= expr
    elif isinstance(expr, sp.Mul):
        for factor in ordered_factors(expr.args):
            _open(factor, into)
    elif isinstance(expr, sp.Sum):
        _open_sum(expr, into)
    elif isinstance(expr, sp.Pow) and isinstance(expr.base, Delta) and expr.exp.is_positive:
        into.factors.append(expr.base)
    else:
        into.factors.append(expr)


def _open_sum(expr: sp.Sum, into: Product) -> None:
    bound = bound_by(expr)
    parts = _spread(expr.function)
    if len(parts) > 1 and _grows(parts):
        into.factors.append(sp.Add(*(sp.Sum(p, *expr.limits) for p in parts)))
        return
    renamed = {k: fresh(k.size) for k in bound if k in into.bound}
    into.bound += [renamed.get(k, k) for k in bound]
    _open(expr.function.xreplace(renamed), into)


def _spread(body: sp.Expr) -> list[sp.Expr]:
    """The addends of a body, also where they stand in one of its factors as outer products."""
    for factor in sp.Mul.make_args(body):
        if isinstance(factor, sp.Add) and all(map(_is_outer, factor.args)):
            return [body / factor * a for a in factor.args]
    return list(sp.Add.make_args(body))


def _is_outer(addend: sp.Expr) -> bool:
    """Whether a product has more than two indices, and more than any factor of it."""
    most = max(len(free_labels(f)) for f in sp.Mul.make_args(addend))
    return max(most, 2) < len(free_labels(addend))


def _grows(addends: Sequence[sp.Expr]) -> bool:
    """Whether the terms of a sum are better summed one by one: they need fewer axes then."""
    alone = max(len(free_labels(a)) for a in addends) < len(all_labels(addends))
    return alone or all(map(_is_outer, addends))


# Kronecker deltas


def _apply_deltas(product: Product) -> None:
    """δ with a bound index is substituted; other deltas become places, where that is possible."""
    waiting = [f for f in product.factors if isinstance(f, Delta)]
    product.factors = [f for f in product.factors if not isinstance(f, Delta)]
    while waiting:
        bound = set(product.bound)
        delta = next((d for d in waiting if bound & free_labels(d)), waiting[0])
        waiting.remove(delta)
        source, target = _direction(delta, product)
        if source is None:
            product.factors.append(delta)
            continue
        product.places = {k: v.xreplace({source: target}) for k, v in product.places.items()}
        if source in bound:
            product.bound.remove(source)
        else:
            product.places[source] = target
        waiting = _substituted(waiting, source, target, product)


def _substituted(
    waiting: list[sp.Expr], source: Index, target: sp.Expr, product: Product
) -> list[sp.Expr]:
    change = {source: target}
    product.factors = [f.xreplace(change) for f in product.factors]
    changed = [d.xreplace(change) for d in waiting]
    product.factors += [d for d in changed if not isinstance(d, Delta) and d != 1]
    return [d for d in changed if isinstance(d, Delta)]


def _direction(delta: sp.Expr, product: Product) -> tuple[Index | None, sp.Expr]:
    """The index that a delta replaces, and by what, which must lie where the index runs.

    None where there is no such index: the delta is then computed entry by entry.
    """
    sides = [s for s in _solutions(delta) if s[0] not in product.places]
    sides.sort(key=lambda side: (side[0] not in product.bound, index_key(side[0])))
    for source, target in sides:
        strictly = source in product.bound or labels_in(target)
        fits = in_range(source, target) if strictly else _is_place(source, target)
        if fits and source not in free_labels(target):
            return source, target
    return None, sp.S.Zero


def _is_place(axis: Index, where: sp.Expr) -> bool:
    return affine(where) is not None and is_within(where, axis.size)


def _solutions(delta: sp.Expr) -> Iterator[tuple[Index, sp.Expr]]:
    """Each index of a delta, and what it is where the delta is 1."""
    a, b = delta.args
    if isinstance(a, Index) or isinstance(b, Index):
        yield from ((x, y) for x, y in ((a, b), (b, a)) if isinstance(x, Index))
    for index in sorted(free_labels(delta) - {a, b}, key=index_key):
        slope = sp.expand(a - b).coeff(index)
        if slope in (1, -1):
            yield index, sp.expand(index - slope * (a - b))


# Order: as a person writes, and the same whatever the names of bound indices are


def index_key(index: Index) -> tuple[int, str]:
    """Indices in the order in which they were made."""
    return len(index.name), index.name


@lru_cache(maxsize=1 << 14)
def structure_key(expr: sp.Basic) -> tuple[str, tuple[tuple[int, str], ...]]:
    """What expressions are sorted by: their structure, then the order of their indices."""
    if isinstance(expr, Index):
        return "#", (index_key(expr),)
    if not expr.args or isinstance(expr, sp.IndexedBase):
        return str(expr), ()
    parts = [structure_key(a) for a in expr.args]
    if isinstance(expr, (sp.Add, sp.Mul)):
        parts.sort()
    skeleton = f"{type(expr).__name__}({','.join(part for part, _ in parts)})"
    return skeleton, tuple(key for _, keys in parts for key in keys)


def ordered_factors(factors: Iterable[sp.Expr]) -> list[sp.Expr]:
    """Entries first, then functions of entries."""
    return sorted(factors, key=lambda f: (not is_entry(f), structure_key(f)))

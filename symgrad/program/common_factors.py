"""Factors that several products have in common are multiplied once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from symgrad.mathematics.indices import Index
from symgrad.program.builder import Builder
from symgrad.program.passes import alive, owned, rebuilt, rewritten
from symgrad.program.program import UNIT, Axes, Op, Program, Ref, is_temporary, labels, read_by


@dataclass(frozen=True)
class Leaf:
    """An array, and which axes of the product its own are; -1 is an axis of size 1."""

    name: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Pair:
    """The product of two factors."""

    first: Factor
    second: Factor


Factor = Leaf | Pair


@dataclass(frozen=True)
class Product:
    """The factors of a value, and the names of all products that they are made with today."""

    factors: tuple[Factor, ...]
    made: frozenset[str]

    @property
    def pairs(self) -> dict[Pair, None]:
        """Each two of the factors."""
        return dict.fromkeys(Pair(*both) for both in combinations(self.factors, 2))

    def having(self, pair: Pair) -> Product:
        """The product with two of its factors as one, if it has them."""
        left = list(self.factors)
        for factor in (pair.first, pair.second):
            if factor not in left:
                return self
            left.remove(factor)
        return Product((pair, *left), self.made)

    @property
    def inside(self) -> set[Pair]:
        """The pairs that are multiplied first."""
        return {pair for factor in self.factors for pair in _inside(factor)}


def _inside(factor: Factor) -> Iterator[Pair]:
    if isinstance(factor, Pair):
        yield factor
        yield from _inside(factor.first)
        yield from _inside(factor.second)


def common_factors_once(program: Program) -> Program:
    """a b c and a b d are (a b) c and (a b) d, where that is less to multiply."""
    chosen = dict(_chosen(program))
    if not chosen:
        return program
    new = {v.name: v.name for v in program.inputs}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name in chosen:
            first, *rest = (_built(builder, f, op.axes, new) for f in chosen[op.name].factors)
            for factor in rest:
                first = builder.map("multiply", first, factor)
            found = builder.view(first, op.axes)
        else:
            found = rebuilt(builder, op)
        new[op.name] = found.name
        return found

    return owned(alive(rewritten(program, rewrite)))


def _built(builder: Builder, factor: Factor, axes: Axes, new: Mapping[str, str]) -> Ref:
    if isinstance(factor, Pair):
        both = (_built(builder, f, axes, new) for f in (factor.first, factor.second))
        return builder.map("multiply", *both)
    return Ref(new[factor.name], tuple(UNIT if k < 0 else axes[k] for k in factor.places))


# What is multiplied


def _chosen(program: Program) -> Iterator[tuple[str, Product]]:
    """The products that have factors in common, by the name of what they are."""
    products = _products(program)
    for group in _groups(products):
        shared = _shared([products[name] for name in group])
        changed = {n: p for n, p in zip(group, shared, strict=True) if p != products[n]}
        before = frozenset[str]().union(*(p.made for p in changed.values()))
        pairs = set[Pair]().union(*(p.inside for p in changed.values()))
        if len(pairs) + sum(len(p.factors) - 1 for p in changed.values()) < len(before):
            yield from changed.items()


def _products(program: Program) -> dict[str, Product]:
    """The products that are more than factors of others, by their names."""
    ops = {o.name: o for o in program if _is_product(program, o)}
    inner = _only_factors(program, ops)
    found = {}
    for name, op in ops.items():
        if name not in inner:
            made = {name}
            factors = _factors(ops, inner, op, op.axes, made)
            leaves = tuple(Leaf(r.name, _places(r.axes, op.axes)) for r in factors)
            found[name] = Product(leaves, frozenset(made))
    return found


def _is_product(program: Program, op: Op) -> bool:
    two = op.kind == "map" and op.function == "multiply" and len(op.reads) == 2
    return two and program.dtypes[op.name] == "float" and len(labels(op.axes)) > 0


def _only_factors(program: Program, products: Mapping[str, Op]) -> set[str]:
    """The products that are nothing but factors of others with the same axes."""
    found = {n for n in products if is_temporary(n)} - {*program.outputs}
    for op in program:
        whole = {*labels(op.axes)} if op.name in products else None
        found -= {r.name for r in op.reads if {*labels(r.axes)} != whole}
    return found


def _factors(
    products: Mapping[str, Op], inner: set[str], op: Op, axes: Axes, made: set[str]
) -> Iterator[Ref]:
    """The factors of a product, and of the products among them; ``made``: all of these."""
    for ref in read_by(op, axes):
        if ref.name in inner:
            made.add(ref.name)
            yield from _factors(products, inner, products[ref.name], ref.axes, made)
        else:
            yield ref


def _places(axes: Axes, whole: Axes) -> tuple[int, ...]:
    return tuple(whole.index(a) if isinstance(a, Index) else -1 for a in axes)


# What they have in common


def _groups(products: Mapping[str, Product]) -> Iterator[list[str]]:
    """Products that have two factors in common, or are together with such as have."""
    having: dict[Pair, list[str]] = defaultdict(list)
    for name, product in products.items():
        for pair in product.pairs:
            having[pair].append(name)
    group = {name: [name] for name in products}
    for names in having.values():
        for other in names[1:]:
            if group[names[0]] is not group[other]:
                group[names[0]] += group[other]
                group |= dict.fromkeys(group[other], group[names[0]])
    yield from {id(g): g for g in group.values() if len(g) > 1}.values()


def _shared(products: Sequence[Product]) -> list[Product]:
    """The products with the most frequent pair as one factor, and so on."""
    found = [*products]
    while True:
        count: dict[Pair, int] = defaultdict(int)
        for product in found:
            for pair in product.pairs:
                count[pair] += 1
        pair = max(count, key=lambda p: count[p])
        if count[pair] < 2:
            return found
        found = [product.having(pair) for product in found]

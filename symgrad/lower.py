"""Lowering: equations in index notation become a program of array operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.algebra import freshen
from symgrad.builder import Builder
from symgrad.equations import Equation, Variable
from symgrad.errors import SpecError
from symgrad.indices import Index, Size, entry, indices_of, name_of
from symgrad.leaves import LEAVES, REDUCTIONS, LogSumExp, Reduction
from symgrad.products import (
    Product,
    all_labels,
    bound_by,
    free_labels,
    index_key,
    is_entry,
    is_literal,
    product_of,
    structure_key,
)
from symgrad.program import (
    UNIT,
    Axes,
    Kind,
    Literal,
    Operand,
    Program,
    Ref,
    broadcasts,
    labels,
    positions_axes,
    size_of,
    wanted,
)


def lower(
    variables: Iterable[Variable], equations: Iterable[Equation], outputs: Iterable[str]
) -> Program:
    """The program that computes the equations from the variables."""
    lowering = _Lowering(tuple(variables))
    for equation in equations:
        lowering.equation(equation)
    return lowering.builder.program(outputs)


class _Lowering:
    """One pass over the equations.

    An expression is lowered for axes ``at``: the value's axes line up with them as NumPy
    broadcasts, so that elementwise functions need no more.
    """

    def __init__(self, variables: tuple[Variable, ...]) -> None:
        self.builder = Builder(variables)
        self.shapes: dict[str, tuple[Size, ...]] = {v.name: v.shape for v in variables}
        self.late = {v.name for v in variables if v.role == "param"}
        self.log_sums: dict[str, Equation] = {}
        """The values that are the log-sum-exp of something, under a name."""
        self.values: dict[str, str] = {}
        """What the builder calls a value of this name."""

    def equation(self, equation: Equation) -> None:
        """Compute a value under its name."""
        at: Axes = tuple(i if isinstance(i, Index) else UNIT for i in equation.indices)
        try:
            value = self.full(self.expr(freshen(equation.rhs), at), at)
        except SpecError as error:
            where = error.where or equation.where
            raise SpecError(error.what, where=where, hint=error.hint) from error
        if equation.decimals is not None:
            value = self.builder.add(
                "map", (value,), at, function="round", detail=(equation.decimals,)
            )
        if isinstance(equation.rhs, LogSumExp) and equation.decimals is None:
            self.log_sums[equation.name] = equation
        self.shapes[equation.name] = equation.shape
        self.values[equation.name] = self.builder.name(value, equation.name).name

    # Layout

    def aligned(self, value: Operand, at: Axes) -> Operand:
        """The value, its axes lined up with ``at``."""
        if isinstance(value, Literal) or broadcasts(value.axes, at):
            return value
        return self.builder.view(value, wanted(labels(value.axes), at))

    def full(self, value: Operand, at: Axes) -> Ref:
        """The value with exactly the axes ``at``."""
        if isinstance(value, Literal):
            return self.builder.add("fill", (value,), at)
        if set(labels(value.axes)) == set(labels(at)):
            return self.builder.view(value, at)
        lined_up = self.aligned(value, at)
        assert isinstance(lined_up, Ref)
        return self.builder.add("expand", (lined_up,), at)

    def layout(self, expr: sp.Expr, at: Axes = ()) -> Axes:
        """The axes in which a part of a larger expression is best computed by itself."""
        free = free_labels(expr)
        for atom in sorted(expr.atoms(sp.Indexed), key=structure_key) if free else ():
            mine = labels(atom.indices)
            if len(mine) == len(free) == len(free & set(mine)) and _is_plain(atom):
                return tuple(UNIT if i == 0 else i for i in atom.indices)
        known = [a for a in at if a in free]
        return (*known, *sorted(free - set(known), key=index_key))

    # Expressions

    def expr(self, expr: sp.Expr, at: Axes) -> Operand:
        """The value of any expression, lined up with ``at``."""
        if is_literal(expr):
            return Literal(expr)
        for kind in type(expr).__mro__:
            if kind in self.METHODS:
                return self.METHODS[kind](self, expr, at)
        if type(expr) in LEAVES:
            return self.leaf(expr, at)
        raise SpecError(f"{type(expr).__name__} can't be computed with arrays: {expr}")

    def ref(self, expr: sp.Expr, at: Axes) -> Ref:
        """As :meth:`expr`, where the value can't be a number."""
        value = self.expr(expr, at)
        return self.full(value, ()) if isinstance(value, Literal) else value

    def leaf(self, expr: sp.Expr, at: Axes) -> Operand:
        args = [self.expr(a, at) for a in expr.args]
        if all(isinstance(a, Literal) for a in args):
            args[0] = self.full(args[0], ())
        return self.builder.map(type(expr).__name__, *args)

    def entry(self, expr: sp.Expr, at: Axes) -> Operand:
        return self.aligned(self.read(expr), at)

    def index(self, expr: Index, at: Axes) -> Operand:
        """An index used as a number."""
        return self.aligned(self.builder.add("iota", (), (expr,), hint="rows"), at)

    def delta(self, expr: sp.Expr, at: Axes) -> Operand:
        """A delta that could not be placed, entry by entry."""
        return self.builder.map("equal", *(self.expr(a, at) for a in expr.args))

    # Entries

    def read(self, expr: sp.Expr) -> Ref:
        """An entry in the layout of its own array, or gathered from it."""
        name, indices = name_of(expr), indices_of(expr)
        if name not in self.shapes:
            raise SpecError(f"{name} is used before it is defined")
        shape = self.shapes[name]
        if len(shape) != len(indices):
            raise SpecError(f"{expr} has {len(indices)} indices; {name} has {len(shape)} axes")
        plain = [i for i in indices if isinstance(i, Index)]
        zeros = sum(1 for i, size in zip(indices, shape, strict=True) if i == 0 and size == 1)
        for index, size in zip(indices, shape, strict=True):
            _check_index(expr, index, size)
        actual = self.values.get(name, name)
        if len(plain) + zeros == len(indices) and len(set(plain)) == len(plain):
            return Ref(actual, tuple(UNIT if i == 0 else i for i in indices))
        return self.gather(actual, shape, indices)

    def gather(self, name: str, shape: Sequence[Size], indices: Sequence[sp.Expr]) -> Ref:
        """``array[positions]`` where an index is an entry, a number, or stands twice."""
        special = {i for i in indices if not isinstance(i, Index) and i != 0}
        twice = {i for i in indices if isinstance(i, Index) and indices.count(i) > 1}
        advanced = self.in_order(all_labels(special) | twice)
        axes: list[sp.Expr] = []
        args: list[Operand] = []
        detail: list[int | None] = []
        for place, (index, size) in enumerate(zip(indices, shape, strict=True)):
            picked = index in special or index in advanced or (index == 0 and size != 1)
            axes.append(_dummy(place, size) if picked else UNIT if index == 0 else index)
            detail.append(len(args) + 1 if picked else None)
            if picked:
                args.append(self.aligned(self.expr(index, advanced), advanced))
        found = positions_axes(tuple(axes), args, detail)
        return self.builder.add(
            "gather", (Ref(name, tuple(axes)), *args), found, detail=tuple(detail)
        )

    def in_order(self, indices: Iterable[Index]) -> Axes:
        """Labels in a fixed order."""
        return tuple(sorted(indices, key=index_key))

    # Sums of terms

    def add(self, expr: sp.Expr, at: Axes) -> Operand:
        expr = self.normalised(expr)
        if not isinstance(expr, sp.Add):
            return self.expr(expr, at)
        at = wanted(free_labels(expr), at)
        number = sp.Add(*filter(is_literal, expr.args))
        products = [product_of(a) for a in expr.args if not is_literal(a)]
        placed = [p for p in products if p.places]
        plain = [p for p in products if not p.places] + [Product(number)] * (number != 0)
        plain.sort(key=self.term_key)
        if not placed:
            return self.terms(plain, at)
        base = self.full(self.terms(plain, at), at)
        for product in sorted(placed, key=self.term_key):
            base = self.scatter(base, product)
        return base

    def term_key(self, product: Product) -> tuple[object, ...]:
        """Contractions first, biases last, what is subtracted after what is added."""
        late = len(product.factors) == 1 and self.is_late(product.factors[0])
        structure = sorted(map(structure_key, product.factors))
        return (product.negative, late, not product.factors, not product.bound, structure)

    def is_late(self, factor: sp.Expr) -> bool:
        return is_entry(factor) and name_of(factor) in self.late

    def terms(self, products: Sequence[Product], at: Axes) -> Operand:
        """The sum of terms that are in order; their common scale is taken out."""
        if not products:
            return Literal(sp.S.Zero)
        sizes = {p.size for p in products}
        common = sizes.pop() if len(sizes) == 1 else sp.S.One
        flip = all(p.negative for p in products)
        total: Operand | None = None
        for product in products:
            bare = Product(product.size / common, product.factors, product.bound)
            value = self.value(bare, at)
            if total is None:
                total = value
            else:
                total = self.builder.map(
                    "add" if flip or not product.negative else "subtract", total, value
                )
        assert total is not None
        return self.scaled(-common if flip else common, total)

    def scaled(self, scale: sp.Expr, value: Operand) -> Operand:
        """The value times a number."""
        if isinstance(value, Literal):
            return Literal(scale * value.value)
        if scale.could_extract_minus_sign():
            return self.builder.map("negative", self.scaled(-scale, value))
        if scale == 1:
            return value
        over, under = numbers(scale).as_numer_denom()
        if over == 1 and not is_decimal(scale):
            return self.builder.map("divide", value, Literal(under))
        return self.builder.map("multiply", Literal(scale), value)

    # Products

    def product(self, expr: sp.Expr, at: Axes) -> Operand:
        product = product_of(expr)
        if not product.places:
            return self.signed(product, at)
        at = wanted(product.free, at)
        return self.scatter(self.full(Literal(sp.S.Zero), at), product)

    def signed(self, product: Product, at: Axes) -> Operand:
        value = self.value(Product(sp.S.One, product.factors, product.bound), at)
        return self.scaled(product.scale, value)

    def value(self, product: Product, at: Axes) -> Operand:
        """The sum of products, without places."""
        over, under = self.fraction(product)
        if not over:
            return self.quotient(product.scale, under, at)
        bound = frozenset(product.bound)
        sets = [free_labels(f) for f in over]
        if bound or not all(a <= b or b <= a for a in sets for b in sets):
            result: Operand = self.contraction(over, bound, at)
        else:
            result = self.elementwise("multiply", over, at)
        for factor in under:
            result = self.builder.map("divide", result, self.expr(factor, at))
        return self.scaled(product.scale, result)

    def fraction(self, product: Product) -> tuple[list[sp.Expr], list[sp.Expr]]:
        """The factors above and below; what is summed over stays above."""
        below = [
            f
            for f in product.factors
            if _is_reciprocal(f) and not free_labels(f) & set(product.bound)
        ]
        return [f for f in product.factors if f not in below], [1 / f for f in below]

    def quotient(self, scale: sp.Expr, under: Sequence[sp.Expr], at: Axes) -> Operand:
        if not under:
            return Literal(scale)
        return self.builder.map("divide", Literal(scale), self.elementwise("multiply", under, at))

    def elementwise(self, function: str, factors: Sequence[sp.Expr], at: Axes) -> Ref:
        small_first = sorted(factors, key=lambda f: len(free_labels(f)) > 0)
        total = self.ref(small_first[0], at)
        for factor in small_first[1:]:
            total = self.builder.map(function, total, self.expr(factor, at))
        return total

    def contraction(self, factors: Sequence[sp.Expr], bound: frozenset[Index], at: Axes) -> Ref:
        """The sum over ``bound`` of the product of the factors."""
        args = tuple(self.factor(f, at) for f in factors)
        free = {a for r in args for a in labels(r.axes)} - bound
        return self.builder.add("contract", args, wanted(free, at))

    def factor(self, factor: sp.Expr, at: Axes) -> Ref:
        return self.read(factor) if is_entry(factor) else self.ref(factor, self.layout(factor, at))

    def power(self, expr: sp.Expr, at: Axes) -> Operand:
        base, exponent = expr.base, expr.exp
        if isinstance(base, Delta) and exponent.is_positive:
            return self.expr(base, at)
        if _is_reciprocal(expr):
            return self.builder.map("divide", Literal(sp.S.One), self.expr(1 / expr, at))
        if exponent == sp.S.Half:
            return self.builder.map("sqrt", self.expr(base, at))
        return self.builder.map("power", self.expr(base, at), self.expr(exponent, at))

    # Deltas

    def scatter(self, base: Ref, product: Product) -> Ref:
        """``base`` with the product's values added at the places where its deltas are 1."""
        wheres = product.places.values()
        moving = all_labels(wheres)
        advanced = (
            *(a for a in base.axes if a in moving),
            *self.in_order(moving & set(product.bound)),
        )
        positions: list[Operand] = []
        detail: list[int | None] = []
        for axis in base.axes:
            where = product.places.get(axis, axis if axis in moving else None)
            detail.append(None if where is None else len(positions) + 2)
            if where is not None:
                positions.append(self.aligned(self.expr(where, advanced), advanced))
        layout = positions_axes(base.axes, positions, detail)
        rest = Product(product.size, product.factors, [k for k in product.bound if k not in moving])
        values = self.aligned(self.value(rest, layout), layout)
        function = "subtract" if product.negative else "add"
        repeats = "_at" if moving & set(product.bound) else ""
        return self.builder.add(
            "scatter",
            (base, values, *positions),
            base.axes,
            function=function + repeats,
            detail=tuple(detail),
        )

    # Reductions

    def reduction(self, expr: sp.Expr, at: Axes) -> Operand:
        bound = bound_by(expr)
        source = self.over(expr.function, bound, at)
        function = REDUCTIONS[type(expr)].numpy.removeprefix("np.").partition("(")[0]
        return self.reduced("reduce", function, source, bound, at)

    def over(self, body: sp.Expr, bound: Sequence[Index], at: Axes) -> Ref:
        """The body of a reduction with all axes that it runs over."""
        axes = self.layout(body, at)
        axes = (*axes, *(k for k in bound if k not in axes))
        value = self.expr(body, axes)
        whole = isinstance(value, Ref) and set(bound) <= set(labels(value.axes))
        return value if whole and isinstance(value, Ref) else self.full(value, axes)

    def reduced(
        self, kind: Kind, function: str, source: Ref, bound: Sequence[Index], at: Axes
    ) -> Operand:
        kept = tuple(UNIT if a in bound else a for a in source.axes)
        dropped = tuple(a for a in source.axes if a not in bound)
        if kind == "logsumexp" or kept == at:
            axes = kept
        else:
            axes = dropped if broadcasts(dropped, at) or not broadcasts(kept, at) else kept
        if not labels(axes) and axes != at:
            axes = ()
        value = self.builder.add(kind, (source,), axes, function=function)
        return self.aligned(value, at)

    def log_sum_exp(self, expr: sp.Expr, at: Axes) -> Operand:
        bound = bound_by(expr)
        return self.reduced("logsumexp", "", self.over(expr.function, bound, at), bound, at)

    def exp(self, expr: sp.Expr, at: Axes) -> Operand:
        (exponent,) = expr.args
        for found in self.normalisations(exponent):
            if not found.rest and found.scale == 1:
                return self.expr(self.normal("softmax", found), at)
        return self.leaf(expr, at)

    # Softmax

    def normalised(self, expr: sp.Expr) -> sp.Expr:
        """A sum of terms with each ``z - logsumexp(z)`` in it as one value."""
        for found in self.normalisations(expr):
            value = found.scale * self.normal("log_softmax", found)
            return self.normalised(sp.Add(value, *found.rest))
        return expr

    def normalisations(self, expr: sp.Expr) -> Iterator[_Normalisation]:
        """Where a sum of terms holds a log-sum-exp and what it belongs to."""
        terms = [self.spelled_out(t) for t in sp.Add.make_args(expr)]
        for term in terms:
            for lse in (f for f in sp.Mul.make_args(term) if isinstance(f, LogSumExp)):
                found = _normalisation(lse, -term / lse, [t for t in terms if t != term])
                if found is not None:
                    yield found

    def spelled_out(self, term: sp.Expr) -> sp.Expr:
        """A term of a sum with the log-sum-exp itself in the place of its name."""
        if not self.log_sums:
            return term
        named = [f for f in sp.Mul.make_args(term) if is_entry(f) and name_of(f) in self.log_sums]
        change = {}
        for factor in named:
            equation = self.log_sums[name_of(factor)]
            change[factor] = equation.at(indices_of(factor), freshen(equation.rhs))
        return term.xreplace(change)

    def normal(self, kind: Kind, found: _Normalisation) -> sp.Expr:
        """An entry of softmax or log-softmax, computed along the axes of the log-sum-exp."""
        source = self.over(found.body, list(found.at), ())
        detail = tuple(k for k, a in enumerate(source.axes) if a in found.at)
        value = self.builder.add(kind, (source,), source.axes, detail=detail)
        self.shapes[value.name] = tuple(map(size_of, value.axes))
        places = (found.at.get(a, a) if isinstance(a, Index) else sp.S.Zero for a in value.axes)
        return entry(value.name, tuple(places))

    METHODS: ClassVar[Mapping[type, Callable[[_Lowering, Any, Axes], Operand]]] = {
        sp.Symbol: entry,
        sp.Indexed: entry,
        Index: index,
        Delta: delta,
        sp.Add: add,
        sp.Mul: product,
        sp.Sum: product,
        sp.Pow: power,
        sp.exp: exp,
        LogSumExp: log_sum_exp,
        Reduction: reduction,
    }


@dataclass(frozen=True)
class _Normalisation:
    """``scale * (body[at] - logsumexp(body))`` in a sum of terms, and the other terms."""

    scale: sp.Expr
    body: sp.Expr
    at: Mapping[Index, sp.Expr]
    rest: Sequence[sp.Expr]


def _normalisation(lse: sp.Expr, scale: sp.Expr, terms: Sequence[sp.Expr]) -> _Normalisation | None:
    """Whether ``scale`` times the body of a log-sum-exp, at some index, is among the terms."""
    bound, body = bound_by(lse), lse.function
    inside = [a for a in body.atoms(sp.Indexed) if set(bound) <= set(a.indices)]
    for atom in sorted(inside, key=structure_key)[:1]:
        others = (a for t in terms for a in t.atoms(sp.Indexed) if a.base == atom.base)
        for other in sorted(set(others), key=structure_key):
            at = {k: other.indices[atom.indices.index(k)] for k in bound}
            for parts in (sp.Add.make_args(body), (body,)):
                needed = [(scale * part).xreplace(at) for part in parts]
                if len(set(needed)) == len(needed) and all(n in terms for n in needed):
                    rest = [t for t in terms if t not in needed]
                    return _Normalisation(scale, body, at, rest)
    return None


def _check_index(expr: sp.Expr, index: sp.Expr, size: Size) -> None:
    if isinstance(index, Index):
        if index.size != size:
            raise SpecError(f"an index of size {index.size} on an axis of size {size}: {expr}")
    elif not (index.is_Integer or is_entry(index)):
        raise SpecError(f"this index is not supported: {index} in {expr}")


def _dummy(place: int, size: Size) -> sp.Expr:
    """The label of an axis that an index array takes away."""
    return UNIT if size == 1 else Index(f"_at{place}", size)


def _is_plain(atom: sp.Expr) -> bool:
    return all(i == 0 or isinstance(i, Index) for i in atom.indices)


def _is_reciprocal(expr: sp.Expr) -> bool:
    return bool(expr.is_Pow and expr.exp.is_Rational and expr.exp.is_negative)


def numbers(expr: sp.Expr) -> sp.Expr:
    """An expression of sizes, with the known ones as numbers."""
    return expr.xreplace({s: sp.Integer(s.name) for s in expr.free_symbols if s.name.isdigit()})


def is_decimal(number: sp.Expr) -> bool:
    """Whether a rational number is written with a decimal point: 0.1, not 1/3."""
    return bool(number.is_Rational and 10**9 % number.q == 0)

"""Lowering: equations in index notation become a program of array operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.affine import (
    Affine,
    Cut,
    Detail,
    Window,
    affine,
    are_apart,
    cut,
    in_row_major_order,
    tiles,
    window,
)
from symgrad.affine import product as product_of_sizes
from symgrad.algebra import freshen, numbers_for
from symgrad.builder import Builder
from symgrad.equations import Equation, Variable
from symgrad.errors import SpecError
from symgrad.factors import Inner, running_sums, systems, taken_apart, triangles
from symgrad.indices import Index, Size, entry, fresh, indices_of, name_of
from symgrad.leaves import LEAVES, REDUCTIONS, LogSumExp, Reduction, select
from symgrad.matrices import (
    CholeskyEntry,
    DeterminantSign,
    DeterminantValue,
    InverseEntry,
    LogAbsDeterminant,
    MatrixFunction,
)
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
    drop_leading_units,
    labels,
    positions_axes,
    size_of,
    wanted,
)
from symgrad.reading import opened, plan


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
        if isinstance(expr, select) and all(isinstance(a, Literal) for a in args[1:]):
            return self.one_of_two(*args)
        return self.builder.map(type(expr).__name__, *args)

    def one_of_two(self, condition: Operand, yes: Operand, no: Operand) -> Operand:
        """A choice between numbers, of the type that is computed in."""
        kind = self.builder.dtypes[condition.name] if isinstance(condition, Ref) else "float"
        if kind == "bool" and (yes, no) == (Literal(sp.S.One), Literal(sp.S.Zero)):
            return condition
        return self.builder.map("select", condition, self.full(yes, ()), no)

    def entry(self, expr: sp.Expr, at: Axes) -> Operand:
        return self.aligned(self.read(expr), at)

    def index(self, expr: Index, at: Axes) -> Operand:
        """An index used as a number."""
        return self.aligned(self.builder.add("iota", (), (expr,), hint="rows"), at)

    def delta(self, expr: sp.Expr, at: Axes) -> Operand:
        """A delta that could not be placed, entry by entry."""
        a, b = expr.args
        if isinstance(a, Index) and isinstance(b, Index) and a.size == b.size:
            return self.aligned(self.builder.add("eye", (), (a, b)), at)
        return self.builder.map("equal", *(self.ref(x, at) for x in expr.args))

    # Entries

    def read(self, expr: sp.Expr) -> Ref:
        """An entry in the layout of its own array, or gathered from it."""
        name, indices = name_of(expr), indices_of(expr)
        if name not in self.shapes:
            raise SpecError(f"{name} is used before it is defined")
        shape = self.shapes[name]
        if len(shape) != len(indices):
            raise SpecError(f"{expr} has {len(indices)} indices; {name} has {len(shape)} axes")
        reading = plan(shape, indices)
        source = opened(self.builder, self.values.get(name, name), reading)
        return self.gather(source, reading.waiting) if reading.waiting else source

    def gather(self, source: Ref, waiting: Mapping[sp.Expr, sp.Expr]) -> Ref:
        """``array[positions]``, for the positions that axes wait for."""
        advanced = self.in_order(all_labels(waiting.values()))
        args: list[Operand] = []
        detail: list[int | None] = []
        for axis in source.axes:
            detail.append(len(args) + 1 if axis in waiting else None)
            if axis in waiting:
                where = numbers_for(waiting[axis])
                args.append(self.aligned(self.expr(where, advanced), advanced))
        found = positions_axes(source.axes, args, detail)
        return self.builder.add("gather", (source, *args), found, detail=tuple(detail))

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
        return self.sum_of(products + [Product(number)] * (number != 0), at)

    def sum_of(self, products: Sequence[Product], at: Axes) -> Operand:
        """The sum of products that have all axes together."""
        products = [self.laid_out(p, at) for p in products]
        placed = sorted((p for p in products if p.places), key=self.term_key)
        plain = sorted((p for p in products if not p.places), key=self.term_key)
        if not placed:
            return self.terms(plain, at)
        joined = None if plain else self.joined(placed, at)
        if joined is not None:
            return joined
        base = self.full(self.terms(plain, at), at)
        done: list[tuple[Detail, ...]] | None = None if plain else []
        for product in placed:
            base = self.placed(base, product, done)
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
        if is_decimal(1 / numbers(scale)) and not is_decimal(numbers(scale)):  # typed as x / 2.828
            return self.builder.map("divide", value, Literal(1 / numbers(scale)))
        return self.builder.map("multiply", Literal(scale), value)

    # Products

    def product(self, expr: sp.Expr, at: Axes) -> Operand:
        product = product_of(expr)
        if not product.places:
            return self.signed(product, at)
        return self.sum_of([product], wanted(product.free, at))

    def signed(self, product: Product, at: Axes) -> Operand:
        value = self.value(Product(sp.S.One, product.factors, product.bound), at)
        return self.scaled(product.scale, value)

    def value(self, product: Product, at: Axes) -> Operand:
        """The sum of products, without places."""
        over, under = self.fraction(product)
        over = over if product.bound else self.in_triangles(over)
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
        factors, bound = self.simpler(list(factors), bound)
        factors, split = self.in_one(factors, bound)
        args = tuple(self.factor(f, at) for f in factors)
        free = {a for r in args for a in labels(r.axes)} - bound
        merged = _with_merged(at, split)
        value = self.builder.add("contract", args, wanted(free, merged))
        if not split:
            return value
        axes = tuple(a for label in value.axes for a in split.get(label, (label,)))
        apart = self.aligned(self.builder.add("reshape", (value,), axes), at)
        assert isinstance(apart, Ref)
        return apart

    def in_one(
        self, factors: list[sp.Expr], bound: frozenset[Index]
    ) -> tuple[list[sp.Expr], dict[sp.Expr, tuple[Index, ...]]]:
        """Axes that are only taken apart left in one; what they are to be taken apart into."""
        split: dict[sp.Expr, tuple[Index, ...]] = {}
        for k, factor in enumerate(factors):
            taken = bound | all_labels(f for f in factors if f is not factor)
            shape = self.shapes.get(name_of(factor), ()) if is_entry(factor) else ()
            found = taken_apart(factor, shape, taken)
            if found is not None and len(factors) > 1:
                place, position = found
                whole = fresh(shape[place])
                split[whole] = position.labels
                indices = list(indices_of(factor))
                indices[place] = whole
                factors = [*factors[:k], factor.func(factor.base, *indices), *factors[k + 1 :]]
        return factors, split

    # Factors that NumPy has a function for

    def simpler(
        self, factors: list[sp.Expr], bound: frozenset[Index]
    ) -> tuple[list[sp.Expr], frozenset[Index]]:
        """Factors with systems solved and running sums taken, each a value of its own."""
        for found in (*systems(factors, bound), *running_sums(factors, bound)):
            value = self.inner(found)
            if value is not None:
                left = bound - found.summed - {found.inner}
                return self.simpler([*found.rest, value], left)
        return self.in_triangles(factors), bound

    def inner(self, found: Inner) -> sp.Expr | None:
        if isinstance(found.factor, InverseEntry):
            matrix = self.matrix(found.factor)
            return None if self.has_inverse(matrix) else self.solved(found, matrix)
        return self.running_sum(found)

    def right(self, found: Inner) -> Ref | None:
        """The factors that a factor is summed with, as one value."""
        axes = self.in_order(all_labels(found.right) - found.summed)
        if len(found.right) == 1 and not found.summed:
            value: Operand = self.factor(found.right[0], ())
        else:
            value = self.value(Product(sp.S.One, list(found.right), list(found.summed)), axes)
        return value if isinstance(value, Ref) and found.inner in value.axes else None

    def in_triangles(self, factors: list[sp.Expr]) -> list[sp.Expr]:
        """Factors with masks along a diagonal applied."""
        for found in triangles(factors):
            source = self.factor(found.masked, ())
            if source.axes[-2:] in ((found.high, found.low), (found.low, found.high)):
                lower = source.axes[-2:] == (found.high, found.low)
                function, sign = ("tril", 1) if lower else ("triu", -1)
                detail = (int(sign * found.offset),)
                value = self.builder.add(
                    "triangle", (source,), source.axes, function=function, detail=detail
                )
                rest = [f for f in factors if f is not found.mask and f is not found.masked]
                return self.in_triangles([*rest, self.as_entry(value)])
        return factors

    def running_sum(self, found: Inner) -> sp.Expr | None:
        source = self.right(found)
        if source is None:
            return None
        axis = source.axes.index(found.inner)
        backwards = found.factor.args[0] == found.outer
        if backwards:
            source = self.reversed(source, axis)
        value = self.builder.add("cumsum", (source,), source.axes, detail=(axis,))
        value = self.reversed(value, axis) if backwards else value
        axes = tuple(found.outer if k == axis else a for k, a in enumerate(value.axes))
        return self.as_entry(Ref(value.name, axes))

    def reversed(self, source: Ref, axis: int) -> Ref:
        """The entries in reverse along an axis, under a label of its own."""
        size = size_of(source.axes[axis])
        label = fresh(size)
        axes = tuple(label if k == axis else a for k, a in enumerate(source.axes))
        part = Cut(numbers_for(size - 1), sp.S.NegativeOne, size)
        detail = tuple(part if k == axis else None for k in range(len(axes)))
        return self.builder.add("slice", (source,), axes, detail=detail)

    def as_entry(self, value: Ref) -> sp.Expr:
        """A value without a name as an entry, so that it may stand in an expression."""
        self.shapes[value.name] = tuple(map(size_of, value.axes))
        return entry(
            value.name, tuple(a if isinstance(a, Index) else sp.S.Zero for a in value.axes)
        )

    # Matrices

    def matrix(self, expr: MatrixFunction) -> Ref:
        """The matrices that a function is taken of, in the last two axes."""
        row, column = bound_by(expr)
        batch = self.in_order(free_labels(expr.function) - {row, column})
        axes = (*batch, row, column)
        return self.full(self.expr(expr.function, axes), axes)

    def has_inverse(self, matrix: Ref) -> bool:
        axes = (*matrix.axes[:-2], *(fresh(size_of(a)) for a in matrix.axes[-2:]))
        return self.builder.knows("linalg", (matrix,), axes, "inv")

    def matrix_function(self, expr: MatrixFunction, at: Axes) -> Operand:
        """An entry of a function of matrices."""
        matrix = self.matrix(expr)
        function = LINALG[type(expr)]
        batch = matrix.axes[:-2]
        inside = tuple(fresh(size_of(a)) for a in matrix.axes[-2:]) if expr.at else ()
        value = self.builder.add(
            "linalg", (matrix,), (*batch, *inside), function=function, hint=_HINTS[function]
        )
        self.shapes[value.name] = tuple(map(size_of, value.axes))
        return self.expr(entry(value.name, (*batch, *expr.at)), at)

    def solved(self, found: Inner, matrix: Ref) -> sp.Expr | None:
        """The solution of a system, in place of the inverse times the right-hand side."""
        right = self.right(found)
        if right is None:
            return None
        *batch, _, _ = matrix.axes
        turned = found.factor.at == (found.inner, found.outer)
        pair = (found.outer, found.inner) if turned else (found.inner, found.outer)
        square = (*batch, found.inner, found.outer)
        left = self.builder.view(Ref(matrix.name, (*batch, *pair)), square)
        columns = [a for a in labels(right.axes) if a not in (*batch, found.inner)]
        if not batch and not columns:
            right = self.builder.view(right, (found.inner,))
            axes: Axes = (found.outer,)
            return self.as_entry(self.builder.add("linalg", (left, right), axes, function="solve"))
        return self.solved_columns(left, right, columns, found)

    def solved_columns(
        self, left: Ref, right: Ref, columns: Sequence[Index], found: Inner
    ) -> sp.Expr:
        """The solution for several right-hand sides, which are the columns of a matrix."""
        batch = left.axes[:-2]
        lead = drop_leading_units(tuple(a if a in right.axes else UNIT for a in batch))
        right = self.builder.view(right, (*lead, found.inner, *(columns or (UNIT,))))
        last: sp.Expr = columns[0] if columns else UNIT
        if len(columns) > 1:
            last = fresh(product_of_sizes(a.size for a in columns))
            right = self.builder.add("reshape", (right,), (*lead, found.inner, last))
        axes = (*batch, found.outer, last)
        value = self.builder.add("linalg", (left, right), axes, function="solve")
        if len(columns) > 1:
            value = self.builder.add("reshape", (value,), (*axes[:-1], *columns))
        return self.as_entry(value)

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

    def laid_out(self, product: Product, at: Axes) -> Product:
        """A product without those of its places that are another shape, or a diagonal."""
        for axis, where in product.places.items():
            position = affine(where)
            ordered = None if position is None else in_row_major_order(position)
            if ordered is not None and len(ordered.steps) > 1 and _owns(product, axis):
                return self.laid_out(self.merged(product, axis, ordered, at), at)
        return self.on_diagonal(product, at)

    def merged(self, product: Product, axis: Index, position: Affine, at: Axes) -> Product:
        """The axes of some indices laid out as one: Σ_ij x[i, j] δ(m, i d + j)."""
        run = position.labels
        mine = [f for f in product.factors if free_labels(f) & set(run)]
        rest = [f for f in product.factors if f not in mine]
        places = {a: where for a, where in product.places.items() if a != axis}
        private = set(product.bound) - all_labels((*rest, *places.values())) - set(run)
        value = self.in_run(mine, private if len(mine) > 1 else set(), run, axis, at)
        found = Cut(position.start, position.steps[-1][1], product_of_sizes(i.size for i in run))
        whole = found.is_whole(axis.size)
        label = axis if whole else fresh(found.count)
        start = value.axes.index(run[0])
        axes = (*value.axes[:start], label, *value.axes[start + len(run) :])
        flat = self.builder.add("reshape", (value,), axes)
        gone = set(run) | (private if len(mine) > 1 else set())
        bound = [k for k in product.bound if k not in gone]
        if not whole:
            places[axis] = found.start + found.step * label
            bound.append(label)
        return Product(product.scale, [*rest, self.as_entry(flat)], bound, places)

    def in_run(
        self, factors: list[sp.Expr], summed: set[Index], run: Axes, axis: Index, at: Axes
    ) -> Ref:
        """A product with the axes ``run`` side by side, where ``axis`` is to be."""
        if len(factors) == 1:
            natural = self.factor(factors[0], at).axes
            first = next(a for a in natural if a in run)
            axes = [a for a in natural if a not in run or a == first]
        else:
            free = all_labels(factors) - summed - set(run)
            known = [a for a in at if a in free]
            axes = [a for a in at if a in free or a == axis]
            first = axis
            axes = [*self.in_order(free - set(known)), *axes]
        axes = [b for a in axes for b in (run if a == first else (a,))]
        value = self.value(Product(sp.S.One, factors, list(summed)), tuple(axes))
        return self.full(value, tuple(axes))

    def on_diagonal(self, product: Product, at: Axes) -> Product:
        """A product without its place where that is the diagonal of a matrix."""
        ((axis, where), *others) = product.places.items() or ((None, None),)
        mine = all_labels(product.factors) - set(product.bound)
        if others or not (isinstance(axis, Index) and isinstance(where, Index)):
            return product
        whole = set(labels(at)) == {axis, where} and axis.size == where.size
        if not whole or where in product.bound:
            return product
        if not mine:
            return Product(product.scale, [*product.factors, Delta(axis, where)], product.bound)
        vector = self.value(Product(sp.S.One, product.factors, product.bound), (where,))
        value = self.builder.add("diagonal", (self.full(vector, (where,)),), (where, axis))
        return Product(product.scale, [self.as_entry(value)])

    def parts(self, axes: Axes, product: Product) -> tuple[tuple[Detail, ...], Axes] | None:
        """The slices or windows that the places of a product are, and the axes of its values."""
        detail: list[Detail] = []
        layout: list[sp.Expr] = []
        inside: list[sp.Expr] = []
        for axis in axes:
            if axis not in product.places:
                detail.append(None)
                layout.append(axis)
                continue
            position = affine(product.places[axis])
            if position is None or not _owns(product, axis):
                return None
            found = window(position, axis.size)
            if len(position.steps) > 1 and found is None:
                return None
            detail.append(found[0] if found else cut(position))
            layout += [found[1]] if found else position.labels
            inside += [found[2]] if found else []
        return tuple(detail), (*layout, *inside)

    def joined(self, products: Sequence[Product], at: Axes) -> Ref | None:
        """Products whose places fill an axis, one after the other."""
        (axis, *others) = dict.fromkeys(a for p in products for a in p.places)
        if others or len(products) < 2:
            return None
        place = at.index(axis)
        pieces = [self.parts(at, p) for p in products]
        cuts = [(k, p[0][place]) for k, p in enumerate(pieces) if p is not None]
        if len(cuts) < len(pieces) or not all(isinstance(c, Cut) for _, c in cuts):
            return None
        order = tiles([(k, c) for k, c in cuts if isinstance(c, Cut)], axis.size)
        if order is None:
            return None
        single = all(isinstance(c, Cut) and c.count is None for _, c in cuts)
        args = [self.piece(products[k], pieces[k], place, single) for k in order]
        function = "stack" if single else "concatenate"
        return self.builder.add("join", tuple(args), at, function=function, detail=(place,))

    def piece(self, product: Product, part: Any, place: int, single: bool) -> Ref:
        """One of the arrays that fill an axis."""
        detail, layout = part
        dropped = detail[place].count is None
        if dropped and not single:
            layout = (*layout[:place], UNIT, *layout[place:])
        moving = set() if dropped else {layout[place]}
        bound = [k for k in product.bound if k not in moving]
        return self.full(
            self.signed(Product(product.scale, product.factors, bound), layout), layout
        )

    def placed(self, base: Ref, product: Product, done: list[tuple[Detail, ...]] | None) -> Ref:
        """``base`` with the product's values at the places where its deltas are 1.

        ``done``: what was placed before, where all else is 0.
        """
        found = self.parts(base.axes, product)
        if found is None or (any(isinstance(p, Window) for p in found[0]) and not labels(found[1])):
            if done is not None:
                done.append((None,) * len(base.axes))
            return self.scatter(base, product)
        detail, layout = found
        apart = done is not None and all(are_apart(detail, other) for other in done)
        new = apart and not any(isinstance(part, Window) for part in detail)
        if done is not None:
            done.append(detail)
        moving = set(layout) - set(base.axes)
        bound = [k for k in product.bound if k not in moving]
        rest = Product(product.scale if new else product.size, product.factors, bound)
        values = self.aligned(self.signed(rest, layout), layout)
        if any(isinstance(part, Window) for part in detail):
            values = self.full(values, layout)
        function = "set" if new else "subtract" if product.negative else "add"
        return self.builder.add(
            "place", (base, values), base.axes, function=function, detail=detail
        )

    def scatter(self, base: Ref, product: Product) -> Ref:
        """As :meth:`placed`, with the places as arrays of positions."""
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
                where = numbers_for(where)
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
        MatrixFunction: matrix_function,
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


LINALG: dict[type, str] = {
    InverseEntry: "inv",
    DeterminantValue: "det",
    DeterminantSign: "sign",
    LogAbsDeterminant: "logdet",
    CholeskyEntry: "cholesky",
}
"""What the functions of matrices are called in a program."""

_HINTS = {"inv": "inverse", "det": "det", "sign": "sign", "logdet": "logdet", "cholesky": "L"}


def _owns(product: Product, axis: Index) -> bool:
    """Whether the indices that move a place are summed over, and move no other."""
    mine = free_labels(product.places[axis])
    others = all_labels(where for a, where in product.places.items() if a != axis)
    return mine <= set(product.bound) and not mine & others


def _with_merged(at: Axes, split: Mapping[sp.Expr, tuple[Index, ...]]) -> Axes:
    """Axes in which runs of labels are still one."""
    first = {run[0]: whole for whole, run in split.items()}
    later = {a for run in split.values() for a in run[1:]}
    return tuple(first.get(a, a) for a in at if a not in later)


def _is_plain(atom: sp.Expr) -> bool:
    return all(i == 0 or isinstance(i, Index) for i in atom.indices)


def _is_reciprocal(expr: sp.Expr) -> bool:
    return bool(expr.is_Pow and expr.exp.is_Rational and expr.exp.is_negative)


def numbers(expr: sp.Expr) -> sp.Expr:
    """An expression of sizes, with the known ones as numbers."""
    return expr.xreplace({s: sp.Integer(s.name) for s in expr.free_symbols if s.name.isdigit()})


def is_decimal(number: sp.Expr) -> bool:
    """Whether a rational number is written with a decimal point: 0.1, not 1/3."""
    return bool(number.is_Rational and 10**17 % number.q == 0)

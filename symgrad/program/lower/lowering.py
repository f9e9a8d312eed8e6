"""Expressions become operations on arrays: entries, functions, and what all kinds share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.algebra import freshen
from symgrad.mathematics.equations import Equation, Variable, shapes_of
from symgrad.mathematics.indices import Index, entry, indices_of, is_entry, name_of
from symgrad.mathematics.matrices import DeterminantValue
from symgrad.mathematics.ordering import InOrder
from symgrad.mathematics.reductions import LEAVES, LogSum, LogSumExp, select
from symgrad.mathematics.sizes import normal_form
from symgrad.program.builder import Builder
from symgrad.program.lower.determinants import beside_determinants
from symgrad.program.lower.scales import scaled
from symgrad.program.program import (
    UNIT,
    Axes,
    Literal,
    Operand,
    Ref,
    broadcasts,
    labels,
    positions_axes,
    size_of,
    wanted,
)
from symgrad.program.subscripts import opened, plan
from symgrad.program.sums_of_products import (
    Product,
    all_labels,
    free_labels,
    index_key,
    is_literal,
    structure_key,
)

Method = Callable[["Lowering", Any, Axes], Operand]
"""How one kind of expression is computed for axes."""


class Lowering:
    """One pass over the equations.

    An expression is lowered for axes ``at``: the value's axes line up with them by
    broadcasting, so that elementwise functions need no more.
    """

    def __init__(
        self,
        variables: tuple[Variable, ...],
        equations: tuple[Equation, ...],
        methods: Mapping[type, Method],
        *,
        as_written: bool = False,
    ) -> None:
        self.methods = methods
        self.as_written = as_written
        self.builder = Builder(variables)
        self.shapes = shapes_of(variables)
        """Of the inputs, and of what has been computed so far."""
        self.late = {v.name for v in variables if v.role == "param"}
        self.log_sums: dict[str, Equation] = {}
        """The values that are the log-sum-exp of something, under a name."""
        self.determinants: dict[str, Equation] = {}
        """The values that are determinants, under a name."""
        self.sums: dict[str, Equation] = {}
        """The values that have sums in them, under a name."""
        self.quotients: set[tuple[sp.Expr, sp.Expr]] = set()
        """What has been divided by what: powers of these quotients are taken before others."""
        self.orders: dict[str, int] = {}
        """The values that say where entries stand in order, each place once along this axis."""
        self.values: dict[str, str] = {}
        """What the builder calls a value of this name."""

    def equation(self, equation: Equation) -> None:
        """Compute a value under its name."""
        at: Axes = tuple(i if isinstance(i, Index) else UNIT for i in equation.indices)
        try:
            rhs = beside_determinants(freshen(equation.rhs), self.determinants)
            value = self.full(self.expr(rhs, at), at)
        except SpecError as error:
            where = error.where or equation.where
            raise SpecError(error.what, where=where, hint=error.hint) from error
        if equation.decimals is not None:
            value = self.builder.add(
                "map", (value,), at, function="round", detail=(equation.decimals,)
            )
        if isinstance(equation.rhs, (LogSum, LogSumExp)) and equation.decimals is None:
            self.log_sums[equation.name] = equation
        if isinstance(equation.rhs, DeterminantValue) and equation.decimals is None:
            self.determinants[equation.name] = equation
        if equation.rhs.has(sp.Sum) and equation.decimals is None:
            self.sums[equation.name] = equation
        if isinstance(equation.rhs, InOrder):
            self.orders[equation.name] = equation.indices.index(equation.rhs.at[0])
        self.named(equation, value)

    def named(self, equation: Equation, value: Ref) -> None:
        """Give a value the name of an equation."""
        self.shapes[equation.name] = equation.shape
        self.values[equation.name] = self.builder.name(value, equation.name).name

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

    def expr(self, expr: sp.Expr, at: Axes) -> Operand:
        """The value of any expression, lined up with ``at``."""
        if is_literal(expr):
            return Literal(expr)
        for kind in type(expr).__mro__:
            if kind in self.methods:
                return self.methods[kind](self, expr, at)
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
        advanced = in_order(all_labels(waiting.values()))
        args: list[Operand] = []
        detail: list[int | None] = []
        for axis in source.axes:
            detail.append(len(args) + 1 if axis in waiting else None)
            if axis in waiting:
                where = normal_form(waiting[axis])
                args.append(self.aligned(self.expr(where, advanced), advanced))
        found = positions_axes(source.axes, args, detail)
        return self.builder.add("gather", (source, *args), found, detail=tuple(detail))

    def value(self, product: Product, at: Axes) -> Operand:
        """The sum of products, without places."""
        return self.methods[Product](self, product, at)

    def signed(self, product: Product, at: Axes) -> Operand:
        value = self.value(Product(sp.S.One, product.factors, product.bound), at)
        return scaled(self.builder, product.scale, value)

    def as_entry(self, value: Ref) -> sp.Expr:
        """A value without a name as an entry, so that it may stand in an expression."""
        self.shapes[value.name] = tuple(map(size_of, value.axes))
        return entry(
            value.name, tuple(a if isinstance(a, Index) else sp.S.Zero for a in value.axes)
        )

    def factor(self, factor: sp.Expr, at: Axes) -> Ref:
        return self.read(factor) if is_entry(factor) else self.ref(factor, self.layout(factor, at))


def in_order(indices: Iterable[Index]) -> Axes:
    """Labels in a fixed order."""
    return tuple(sorted(indices, key=index_key))


def _is_plain(atom: sp.Expr) -> bool:
    return all(i == 0 or isinstance(i, Index) for i in atom.indices)

"""The algebra of index notation: sums of products, Kronecker deltas, and names of bound indices."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence

import sympy as sp

from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import (
    Index,
    axis_index,
    entries,
    fresh,
    indices_of,
    made,
    name_of,
    proper_indices,
)
from symgrad.mathematics.reductions import Reduction, select

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
                limits.sort(key=lambda limit: limit[0].name)  # Σ_i Σ_j is Σ_j Σ_i
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


def written_in(expr: sp.Expr, equations: Mapping[str, Equation]) -> sp.Expr:
    """``expr`` with what these equations say in the place of their values."""
    while inside := [a for a in entries(expr) if name_of(a) in equations]:
        expr = expr.xreplace({a: instance(equations[name_of(a)], indices_of(a)) for a in inside})
    return expr


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
    """a select(c, x, 0) + a select(c, 0, y) = a select(c, x, y), and so of products of such."""
    merged: dict[tuple[sp.Expr, sp.Expr], sp.Tuple] = {}
    rest = []
    for addend in map(_chosen_at_once, sp.Add.make_args(expr)):
        choices = [f for f in sp.Mul.make_args(addend) if isinstance(f, select)]
        if len(choices) != 1:
            rest.append(addend)
            continue
        condition, yes, no = choices[0].args
        key = condition, addend / choices[0]
        merged[key] = sp.Tuple(yes, no) if key not in merged else _both(merged[key], yes, no)
    whole = [factor * select(c, *branches) for (c, factor), branches in merged.items()]
    return sp.Add(*rest, *whole)


def _chosen_at_once(product: sp.Expr) -> sp.Expr:
    """select(c, u, v) select(c, x, y) = select(c, u x, v y)."""
    factors = sp.Mul.make_args(product)
    choices = [f for f in factors if isinstance(f, select)]
    if len(choices) < 2 or len({f.args[0] for f in choices}) > 1:
        return product
    condition = choices[0].args[0]
    yes, no = (sp.Mul(*(f.args[k] for f in choices)) for k in (1, 2))
    return sp.Mul(*(f for f in factors if f not in choices), select(condition, yes, no))


def _both(branches: sp.Tuple, yes: sp.Expr, no: sp.Expr) -> sp.Tuple:
    return sp.Tuple(merge_selects(branches[0] + yes), merge_selects(branches[1] + no))


def weight(expr: sp.Expr) -> int:
    """How much there is to read: the number of nodes, entries counted once."""
    return 1 if not expr.args or isinstance(expr, sp.Indexed) else 1 + sum(map(weight, expr.args))


def fresh_indices(equation_shape: Iterable[sp.Expr]) -> tuple[sp.Expr, ...]:
    """A fresh index for each axis."""
    return tuple(axis_index(s) for s in equation_shape)


def summed(product: sp.Expr, indices: Iterable[sp.Expr]) -> sp.Expr:
    """The sum of a product over all proper indices among ``indices``, single numbers in front."""
    bound = limits(indices)
    if product == 0 or not bound:
        return product
    factors = sp.Mul.make_args(product)
    inside = [f for f in factors if f.has(Index)]
    return sp.Mul(*(f for f in factors if f not in inside), sp.Sum(sp.Mul(*inside), *bound))


def limits(indices: Iterable[sp.Expr]) -> list[tuple[Index, sp.Expr, sp.Expr]]:
    """The limits of a sum over all proper indices among ``indices``."""
    return [i.limits for i in proper_indices(indices)]

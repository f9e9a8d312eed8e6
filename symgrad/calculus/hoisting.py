"""What can be worked out of the data once: a loss in moments of its data, and other hoisting.

Least squares, ``Σ_n (Σ_i X[n,i] w[i] - y[n])²``, is ``Σ_{i,j} XX[i,j] w[i] w[j] - 2 Σ_i Xy[i] w[i]
+ yy`` with the sums over the data ``XX[i,j] = Σ_n X[n,i] X[n,j]`` and so on: no step of a descent
needs the data again, only these.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.algebra import canonical, canonical_equation, freshen, instance, limits
from symgrad.mathematics.assumptions import Assumption, symmetric
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import Index, entries, indices_of, is_entry, name_of
from symgrad.mathematics.recurrences import Recurrent

MOST_TERMS = 200
"""A product that would have more addends than this is left as it is."""


@dataclass(frozen=True)
class Preparation:
    """``equations`` give what is prepared, ``names``, and what leads there, out of ``variables``;
    ``before`` is the system that reads the data itself.
    """

    before: System
    variables: tuple[Variable, ...]
    equations: tuple[Equation, ...]
    names: tuple[str, ...]


def prepared(
    system: System, is_possible: Callable[[str], bool] = str.isidentifier
) -> tuple[System, Preparation]:
    """The system with what depends on data alone as inputs of its own, and how to get these.

    ``is_possible``: whether an input may be called so.  SpecError where no part depends on data
    alone.
    """
    if carried := next((e for e in system if isinstance(e.rhs, Recurrent)), None):
        raise SpecError(
            "prepare does not know recurrences", where=carried.where, hint="leave it out"
        )
    worker = _Worker(system, is_possible)
    equations = worker.run()
    if not worker.names:
        raise SpecError(
            "there is nothing to prepare: no part of the loss is worked out of data alone",
            hint="leave prepare out, or write the loss so that its sums over the data are"
            " polynomials of the parameters",
        )
    read = {name_of(a) for e in equations for a in entries(e.rhs)}
    kept = [v for v in system.variables if v.role == "param" or v.name in read]
    made = [
        Variable(e.name, e.shape, "data", assumptions=worker.assumptions(e))
        for e in worker.made
        if e.name in worker.names
    ]
    names = {e.name for e in equations}
    after = replace(
        system,
        variables=(*made, *kept),
        equations=tuple(equations),
        invented=system.invented & names,
        nameless=system.nameless & names,
    )
    needed = {name_of(a) for e in worker.made for a in entries(e.rhs)}
    taken = tuple(
        v for v in system.variables if v.role != "param" and (v.name in needed or v not in kept)
    )
    return after, Preparation(system, taken, tuple(worker.made), worker.names)


@dataclass(frozen=True)
class _Term:
    """``number * Σ_bound Π factors``."""

    number: sp.Expr
    bound: tuple[Index, ...]
    factors: tuple[sp.Expr, ...]


class _Worker:
    """One walk over the equations."""

    def __init__(self, system: System, is_possible: Callable[[str], bool]) -> None:
        self.system = system
        self.is_possible = is_possible
        self.values = {e.name: e for e in system.equations}
        self.data = {v.name for v in system.variables if v.role != "param"}
        mine = {s for v in system.variables if v.role == "param" for s in v.shape}
        self.rows = {
            s
            for v in system.variables
            for s in v.shape
            if v.role == "data" and s not in mine and s != 1
        }
        self.hoists_sizes = False

    def run(self) -> list[Equation]:
        """The equations of the new system."""
        of_data = set(self.data)
        for equation in self.system.equations:  # values that are worked out of data alone
            if all(name_of(a) in of_data for a in entries(equation.rhs)):
                of_data.add(equation.name)
        self.data = of_data
        self._start()
        found = {e.name: self._in_moments(e) for e in self.system.equations}
        live = [e for e in _live(found, self.system.output) if e.name not in self.data]
        first = [self._hoisted(e) for e in live]
        if not any(self._has_rows(e) for e in first):
            self.hoists_sizes = True
            self._start()
            first = [self._hoisted(e) for e in live]
        read = {name_of(a) for e in first for a in entries(e.rhs)}
        self.names = tuple(e.name for e in self.made if e.name in read)
        return first

    def _start(self) -> None:
        """Nothing is prepared yet but the values that are worked out of data alone."""
        self.taken = {v.name for v in self.system.variables} | set(self.values)
        self.made = [e for e in self.system.equations if e.name in self.data]
        self.known: dict[object, Equation] = {}

    def assumptions(self, equation: Equation) -> tuple[Assumption, ...]:
        """A matrix that is its own transpose is called symmetric."""
        if len(equation.indices) != 2 or equation.shape[0] != equation.shape[1]:
            return ()
        i, j = equation.indices
        turned = canonical_equation(replace(equation, indices=(j, i)))
        same = turned.rhs == canonical_equation(equation).rhs
        return (symmetric,) if same else ()

    # Sums over the data as sums of products

    def _in_moments(self, equation: Equation) -> Equation:
        """The equation with its sums over rows of data written as sums of products."""
        if any(s in self.rows for s in equation.shape) or equation.backward is not None:
            return equation
        return replace(equation, rhs=self._walked(equation.rhs))

    def _walked(self, expr: sp.Expr) -> sp.Expr:
        if not expr.args or isinstance(expr, sp.Indexed) or self._is_of_data(expr):
            return expr
        parts = expr.args if isinstance(expr, sp.Mul) else (expr,)  # with the 1/N before a sum
        if any(isinstance(p, sp.Sum) and self._is_over_rows(p) for p in parts):
            found = self._polynomial(freshen(expr))
            if found is not None:
                written = [self._written(t) for t in found]
                if all(w is not None for w in written):
                    return sp.Add(*map(canonical, written))
        return expr.func(*map(self._walked, expr.args))

    def _is_over_rows(self, expr: sp.Sum) -> bool:
        return any(k.size in self.rows for k, *_ in expr.limits)

    def _polynomial(self, expr: sp.Expr) -> list[_Term] | None:
        """An expression as a sum of products; None where it is not one of the parameters."""
        if not entries(expr):
            return [_Term(sp.S.One, (), (expr,)) if expr.atoms(Index) else _Term(expr, (), ())]
        if isinstance(expr, sp.Add):
            return _sum_of(self._polynomial(a) for a in expr.args)
        if isinstance(expr, sp.Sum):
            return self._of_sum(expr)
        if isinstance(expr, (sp.Mul, sp.Pow)) and (factors := _factors(expr)):
            return _product_of(self._polynomial(f) for f in factors)
        value = self.values.get(name_of(expr)) if is_entry(expr) else None
        if value is not None and any(s in self.rows for s in value.shape):
            held = value.backward is not None or value.decimals is not None
            return None if held else self._polynomial(instance(value, indices_of(expr)))
        known = self._is_of_data(expr) or not self._rows_in(expr)
        return [_Term(sp.S.One, (), (expr,))] if known else None

    def _of_sum(self, expr: sp.Sum) -> list[_Term] | None:
        bound = tuple(k for k, *_ in expr.limits)
        inner = self._polynomial(expr.function)
        whole = all(limit == k.limits for limit, k in zip(expr.limits, bound, strict=True))
        if inner is None or not whole:
            return None
        return [replace(t, bound=(*bound, *t.bound)) for t in inner]

    def _written(self, term: _Term) -> sp.Expr | None:
        """A product with what is summed over rows inside; None where that has parameters in it."""
        inside = [f for f in term.factors if self._is_of_data(f)]
        outside = [f for f in term.factors if f not in inside]
        outer = {i for f in outside for i in f.free_symbols}
        hidden = [k for k in term.bound if k not in outer]
        if any(k.size in self.rows for k in term.bound if k not in hidden):
            return None
        groups: list[tuple[list[Index], list[sp.Expr]]] = []
        for factor in inside:
            mine = [k for k in hidden if k in factor.free_symbols]
            joined = [g for g in groups if set(g[0]) & set(mine)]
            groups = [g for g in groups if g not in joined]
            indices = list(dict.fromkeys([*(k for g in joined for k in g[0]), *mine]))
            groups.append((indices, [*(f for g in joined for f in g[1]), factor]))
        used = {k for found, _ in groups for k in found}
        number = term.number * sp.Mul(*(k.size for k in hidden if k not in used))
        sums = [sp.Sum(sp.Mul(*fs), *limits(ks)) if ks else sp.Mul(*fs) for ks, fs in groups]
        body = sp.Mul(number, *sums, *outside)
        visible = [k for k in term.bound if k not in hidden]
        return sp.Sum(body, *limits(visible)) if visible else body

    def _rows_in(self, expr: sp.Expr) -> bool:
        if any(i.size in self.rows for i in expr.atoms(Index)):
            return True
        read = (self.values.get(name_of(a)) for a in entries(expr))
        return any(s in self.rows for e in read if e is not None for s in e.shape)

    # What is of data alone

    def _is_of_data(self, expr: sp.Expr) -> bool:
        read = [name_of(a) for a in entries(expr)]
        return bool(read) and all(name in self.data for name in read)

    def _hoisted(self, equation: Equation) -> Equation:
        if equation.backward is not None:
            return equation
        return canonical_equation(replace(equation, rhs=self._visited(equation.rhs)))

    def _visited(self, expr: sp.Expr) -> sp.Expr:
        if self._is_worth_it(expr):
            return self._variable(expr)
        if not expr.args or isinstance(expr, (sp.Indexed, sp.Tuple)):
            return expr
        if isinstance(expr, (sp.Mul, sp.Add)):
            mine = [a for a in expr.args if self._is_of_data(a) or self._is_size(a)]
            together = expr.func(*mine)
            if self._is_worth_it(together):
                others = [self._visited(a) for a in expr.args if a not in mine]
                return expr.func(self._variable(together), *others)
        return expr.func(*map(self._visited, expr.args))

    def _is_size(self, expr: sp.Expr) -> bool:
        """Whether an expression is made of numbers of rows, which nobody gives any more."""
        return self.hoists_sizes and not entries(expr) and bool(expr.free_symbols & self.rows)

    def _is_worth_it(self, expr: sp.Expr) -> bool:
        if self._is_size(expr):
            return not expr.atoms(Index)
        if not self._is_of_data(expr) or is_entry(expr):
            return False
        _, rest = expr.as_coeff_Mul()
        return not is_entry(rest)

    def _variable(self, expr: sp.Expr) -> sp.Expr:
        """The entry of a new input in place of an expression."""
        number, rest = expr.as_coeff_Mul()
        free = sorted((i for i in rest.free_symbols if isinstance(i, Index)), key=_by_name)
        free = sorted(free, key=lambda i: _first_place(rest, i))
        for order in itertools.permutations(free):
            known = self.known.get(_key(order, rest))
            if known is not None:
                return number * replace(known, indices=order).lhs
        equation = Equation(self._name(rest), tuple(free), rest)
        equation = canonical_equation(equation)
        self.made.append(equation)
        self.known[_key(tuple(free), rest)] = equation
        return number * replace(equation, indices=tuple(free)).lhs

    def _name(self, expr: sp.Expr) -> str:
        """A name made of those of the data, each as often as it stands there."""
        read = sorted(_names_in(expr))
        sizes = "_".join(sorted(str(s) for s in expr.free_symbols & self.rows))
        joint = "" if all(len(n) == 1 for n in read) else "_"
        kind = "mean" if sizes else "sum"
        name = joint.join(read) if len(read) > 1 else f"{kind}_{read[0]}" if read else f"of_{sizes}"
        while name in self.taken or not self.is_possible(name):
            name += "_"
        self.taken.add(name)
        return name

    def _has_rows(self, equation: Equation) -> bool:
        return any(i.size in self.rows for i in (equation.lhs + equation.rhs).atoms(Index))


def _key(order: Sequence[Index], expr: sp.Expr) -> object:
    equation = canonical_equation(Equation("prepared", tuple(order), expr))
    return equation.shape, equation.rhs


def _by_name(index: Index) -> str:
    return str(index.name)


def _first_place(expr: sp.Expr, index: Index) -> tuple[str, int]:
    """Where an index stands first, told by the names of arrays."""
    places = (
        (name_of(atom), place)
        for atom in expr.atoms(sp.Indexed)
        for place, i in enumerate(atom.indices)
        if i.has(index)
    )
    return min(places, default=("", 0))  # in no array: in a delta of a part that is cut


def _names_in(expr: sp.Expr) -> Iterator[str]:
    """The names of what an expression reads, as often as it does."""
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0:
        for _ in range(int(expr.exp)):
            yield from _names_in(expr.base)
    elif is_entry(expr) and entries(expr):
        yield name_of(expr)
    elif not isinstance(expr, sp.Indexed):
        for argument in expr.args:
            yield from _names_in(argument)


def _factors(expr: sp.Expr) -> list[sp.Expr]:
    """The factors of a product or a power, each with bound indices of its own; else none."""
    if isinstance(expr, sp.Mul):
        return list(expr.args)
    whole = expr.exp.is_Integer and expr.exp > 0
    return [freshen(expr.base) for _ in range(int(expr.exp))] if whole else []


def _sum_of(parts: Iterator[list[_Term] | None]) -> list[_Term] | None:
    found: list[_Term] = []
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def _product_of(parts: Iterator[list[_Term] | None]) -> list[_Term] | None:
    found = [_Term(sp.S.One, (), ())]
    for part in parts:
        if part is None or len(found) * len(part) > MOST_TERMS:
            return None
        found = [
            _Term(a.number * b.number, (*a.bound, *b.bound), (*a.factors, *b.factors))
            for a in found
            for b in part
        ]
    return found


def _live(equations: dict[str, Equation], output: str) -> list[Equation]:
    """The equations that the output needs."""
    needed = {output}
    for equation in reversed(equations.values()):
        if equation.name in needed:
            needed |= {name_of(a) for a in entries(equation.rhs)}
            needed |= {name_of(a) for a in entries(equation.differentiated)}
    return [e for e in equations.values() if e.name in needed]

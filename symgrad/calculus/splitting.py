"""Losses that are sums over rows: proved from the equations, and what each chunk of rows gives.

A loss splits over N where it is a function of *totals* over n, numbers that are a sum (or the
logarithm of a sum of exponentials) of terms that each read one row.  The totals of two chunks
together are then worked out of those of each, and so are their derivatives, by linearity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symgrad.calculus.derivation import Derivation
from symgrad.calculus.reverse_mode import derive
from symgrad.errors import SpecError
from symgrad.mathematics.algebra import (
    BINDERS,
    bound_of,
    canonical,
    canonical_equation,
    freshen,
    instance,
)
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of
from symgrad.mathematics.norms import root
from symgrad.mathematics.recurrences import Recurrent
from symgrad.mathematics.reductions import REDUCTIONS, LogSumExp, Norm
from symgrad.mathematics.sizes import Size, as_size, named
from symgrad.mathematics.steps import Step


@dataclass(frozen=True)
class Total:
    """A number, or an array without parameters in it, that is added up over the rows.

    ``derivation``: of it and of its derivatives, over the rows of a chunk alone.
    """

    equation: Equation
    derivation: Derivation

    @property
    def name(self) -> str:
        """What it is called."""
        return self.equation.name

    @property
    def is_logarithm(self) -> bool:
        """Whether it is the logarithm of what is added up, carried with its maximum."""
        return isinstance(self.equation.rhs, LogSumExp)


@dataclass(frozen=True)
class Splitting:
    """How a loss over rows is put together from chunks of them.

    ``finish``: the derivation of the loss as a function of its totals, of their ``count`` and of
    what has no rows.
    """

    size: str
    count: str
    totals: tuple[Total, ...]
    finish: Derivation
    whole: Derivation

    @cached_property
    def step(self) -> Step:
        """That the loss is a function of the totals, as a step of its derivation."""
        output = self.whole.system.output
        after = self.finish.system[output].rhs
        rule = f"additive over {self.size}"
        because = "each term reads one row, so what chunks of rows give is added up"
        return Step(
            rule, self.whole.system[output].rhs, canonical(self._written_out(after)), because
        )

    def _written_out(self, expr: sp.Expr) -> sp.Expr:
        """An expression over the totals with these written in, and the count as the size."""
        known = {e.name: e for e in (t.equation for t in self.totals)}
        known |= {e.name: e for e in self.finish.system if e.name not in self.whole.system.shapes}
        while found := [a for a in entries(expr) if name_of(a) in known]:
            expr = expr.xreplace({a: instance(known[name_of(a)], indices_of(a)) for a in found})
        return expr.xreplace({entry(self.count, ()): as_size(self.size)})


def split(derivation: Derivation, size: str) -> Splitting:
    """The proof that a loss splits over a named size; SpecError, which names the term, if not."""
    return _Split(derivation, size).splitting()


class _Split:
    """The search for the totals of one loss."""

    def __init__(self, derivation: Derivation, size: str) -> None:
        self.whole, self.system = derivation, derivation.system
        self.label, self.size = size, as_size(size)
        self.row_axis = {v.name: self._axis(v) for v in self.system.variables}
        self._check_inputs()
        self.moving = set(derivation.wrt)
        self.of_rows = {name for name, axis in self.row_axis.items() if axis is not None}
        self.kept: list[Equation] = []
        self.written: dict[str, Equation] = {}
        self.totals: dict[sp.Expr, Equation] = {}
        self.after: list[Equation] = []

    def _check_inputs(self) -> None:
        if self.system.shapes[self.system.output] or self.whole.tangents:
            raise SpecError("only a scalar and its gradients are split")
        if self.whole.preparation is not None:
            raise SpecError("what is prepared needs its rows no more: there is nothing to split")
        if all(axis is None for axis in self.row_axis.values()):
            sizes = named(s for v in self.system.variables for s in v.shape)
            raise SpecError(
                f"no input has an axis of the size {self.label}",
                hint=f"named sizes are {', '.join(sizes)}" if sizes else "there is no named size",
            )
        for name in self.whole.wrt:
            if name not in self.row_axis:
                raise SpecError(f"{name} is no input: its derivative is not split")
            if self.row_axis[name] is not None:
                raise SpecError(
                    f"{name} has a row for each of {self.label}, and so has its derivative",
                    hint="what is differentiated by is the same for all rows",
                )

    def _axis(self, value: Variable | Equation) -> int | None:
        """Which axis runs over the rows; SpecError where there are two."""
        axes = [k for k, s in enumerate(value.shape) if self.size in s.free_symbols]
        if len(axes) > 1 or any(value.shape[k] != self.size for k in axes):
            where = f"{value.name} has the shape {'×'.join(map(str, value.shape))}"
            raise self.refused(value, f"{where}: its entries are not each of one row")
        return axes[0] if axes else None

    def refused(self, value: Variable | Equation, why: str) -> SpecError:
        """The error for what does not split."""
        return SpecError(
            f"the loss does not split over {self.label}: {why}",
            where=value.where,
            hint="a loss splits where it is a function of sums of terms that each read one row",
        )

    def splitting(self) -> Splitting:
        """The totals, and the loss as a function of them."""
        for equation in self.system.equations:
            self._take(equation)
        if not self.totals:
            raise self.refused(self.system[self.system.output], "it has no sum over its rows")
        count = self._name("count")
        totals = tuple(self._total(e) for e in self.totals.values())
        return Splitting(self.label, count, totals, self._finish(count), self.whole)

    # -- the equations, one after the other -------------------------------------------------------

    def _take(self, equation: Equation) -> None:
        if equation.rhs.has(Recurrent):
            raise self.refused(equation, f"{equation.name} is carried from step to step")
        reads = {name_of(a) for a in entries(equation.rhs)}
        if reads & self.moving or (equation.backward is not None and equation.reads & self.moving):
            self.moving.add(equation.name)
        self.row_axis[equation.name] = axis = self._axis(equation)
        if axis is not None:
            self._check_row(equation, equation.indices[axis])
            self.of_rows.add(equation.name)
            self.kept.append(equation)
        elif reads & (self.of_rows | {e.name for e in self.after} | self.written.keys()):
            self._put_together(equation)
        elif self._counts(equation.rhs):
            self.after.append(equation)
        else:
            self.kept.append(equation)

    def _counts(self, expr: sp.Expr) -> bool:
        """Whether the number of rows stands in an expression."""
        return self.size in expr.free_symbols

    def _put_together(self, equation: Equation) -> None:
        """An equation over all rows: it, or the loss that reads it, is one of totals."""
        if equation.decimals is not None or equation.backward is not None:
            raise self.refused(equation, f"{equation.name} is of all rows and is held otherwise")
        rhs = self._with_arrays_written(equation.rhs)
        if equation.indices and equation.name in self.moving:
            self.written[equation.name] = replace(equation, rhs=rhs)
            return
        self.after.append(replace(equation, rhs=self._in_totals(_spread(rhs, self.size), equation)))

    def _with_arrays_written(self, expr: sp.Expr) -> sp.Expr:
        while found := [a for a in entries(expr) if name_of(a) in self.written]:
            expr = expr.xreplace(
                {a: instance(self.written[name_of(a)], indices_of(a)) for a in found}
            )
        return expr

    # -- what reads one row -----------------------------------------------------------------------

    def _check_row(self, equation: Equation, row: sp.Expr) -> None:
        """SpecError where an entry reads more than its own row."""
        later = {e.name for e in self.after} | self.written.keys()
        for expr in {equation.rhs, equation.differentiated}:
            for atom in entries(expr):
                if name_of(atom) in later:
                    what = f"{equation.name} reads {name_of(atom)} in every row, and that is"
                    raise self.refused(equation, f"{what} worked out of all rows")
            self._check_term(expr, row, equation)

    def _check_term(self, expr: sp.Expr, row: sp.Expr, equation: Equation) -> None:
        """As :meth:`_check_row`, for a term of a sum over the rows."""
        name = equation.name
        if over := [
            b for b in expr.atoms(*BINDERS) if any(k.size == self.size for k in bound_of(b))
        ]:
            kind = next((r.name for c, r in REDUCTIONS.items() if type(over[0]) is c), "sum")
            raise self.refused(equation, f"{name} has a {kind} over {self.label} in every row")
        for atom in entries(expr):
            axis = self.row_axis[name_of(atom)]
            if axis is not None and indices_of(atom)[axis] != row:
                raise self.refused(equation, f"{name} reads another row of {name_of(atom)}")
        bare = expr.xreplace(dict.fromkeys(expr.atoms(sp.Indexed), sp.S.One))
        if row in bare.free_symbols:
            raise self.refused(equation, f"{name} depends on where in {self.label} a row is")
        if self.size in bare.free_symbols:
            raise self.refused(equation, f"{name} has {self.label} itself in every row")

    # -- totals -----------------------------------------------------------------------------------

    def _in_totals(self, expr: sp.Expr, equation: Equation) -> sp.Expr:
        """An expression with each sum over the rows as a total."""
        if isinstance(expr, BINDERS) and any(k.size == self.size for k in bound_of(expr)):
            return self._as_total(expr, equation)
        if not expr.args or isinstance(expr, sp.Indexed):
            self._check_free(expr, equation)
            return expr
        return expr.func(*(self._in_totals(a, equation) for a in expr.args))

    def _check_free(self, expr: sp.Expr, equation: Equation) -> None:
        """SpecError for an entry of a row that nothing sums."""
        rows = {name_of(a) for a in entries(expr)} & self.of_rows
        if rows:
            why = f"{equation.name} reads single rows of {min(rows)}"
            raise self.refused(equation, why)

    def _as_total(self, binder: sp.Expr, equation: Equation) -> sp.Expr:
        kind = type(binder)
        if isinstance(binder, Norm):
            return root(self._as_total(binder.squared, equation))
        if self._later(binder):
            return self._apart(binder, equation)
        if kind not in (sp.Sum, LogSumExp):
            name = REDUCTIONS[kind].name if kind in REDUCTIONS else kind.__name__
            raise self.refused(equation, f"{equation.name} has a {name} over {self.label}")
        (row,) = (k for k in bound_of(binder) if k.size == self.size)
        factor, body = (
            self._without_count(binder.function) if kind is sp.Sum else (1, binder.function)
        )
        self._check_term(body, row, equation)
        binder = kind(body, *binder.limits)
        free = sorted(_free(binder), key=lambda k: k.name)
        if free and (kind is not sp.Sum or {name_of(a) for a in entries(binder)} & self.moving):
            what = f"{equation.name} needs all of a sum over {self.label} for each"
            raise self.refused(equation, f"{what} {free[0].size}, and is no sum over rows of it")
        made = canonical_equation(Equation("", tuple(free), binder, where=equation.where))
        known = self.totals.get(sp.Tuple(*made.indices, made.rhs))
        if known is None:
            known = replace(made, name=self._name("total"))
            self.totals[sp.Tuple(*made.indices, made.rhs)] = known
            self.row_axis[known.name] = None
        return factor * entry(known.name, free)

    def _later(self, expr: sp.Expr) -> set[str]:
        """What an expression reads that is worked out of all rows."""
        return {name_of(a) for a in entries(expr)} & {e.name for e in self.after}

    def _apart(self, binder: sp.Expr, equation: Equation) -> sp.Expr:
        """Σ_n (x[n] - m)² = Σ_n x[n]² - 2 m Σ_n x[n] + N m², where m is a number of all rows."""
        found = sp.S.Zero
        (row,) = (k for k in bound_of(binder) if k.size == self.size)
        for term in sp.Add.make_args(sp.expand(binder.function, deep=False)):
            factors = sp.Mul.make_args(term)
            outer = [f for f in factors if self._later(f) and not f.atoms(Index)]
            body = sp.Mul(*(f for f in factors if f not in outer))
            if type(binder) is not sp.Sum or self._later(body):
                read = min(self._later(binder))
                why = (
                    f"{equation.name} reads {read} in every row, and that is worked out of all rows"
                )
                raise self.refused(equation, why)
            if row in body.free_symbols:
                total = self._in_totals(sp.Sum(body, *binder.limits), equation)
            else:
                rest = [k for k in binder.limits if k[0] != row]
                total = self.size * (sp.Sum(body, *rest) if rest else body)
            found += sp.Mul(*outer) * total
        return found

    def _without_count(self, body: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """What of a term has the number of rows alone in it, and the rest."""
        parts = sp.Mul.make_args(body)
        counts = [f for f in parts if self._counts(f) and not entries(f) and not f.atoms(Index)]
        return sp.Mul(*counts), sp.Mul(*(f for f in parts if f not in counts))

    def _name(self, base: str) -> str:
        taken = {*self.system.shapes, *(e.name for e in self.totals.values()), self.label}
        number, name = 1, base
        while name in taken:
            number, name = number + 1, f"{base}{number + 1}"
        return name

    # -- what is derived --------------------------------------------------------------------------

    def _total(self, equation: Equation) -> Total:
        """A total over the rows of a chunk, and its derivatives."""
        system = self._of([*self.kept, equation], equation.name)
        read = {v.name for v in system.variables}
        wrt = [n for n in self.whole.wrt if n in read] if equation.name in self._moving() else []
        return Total(equation, derive(system, wrt))

    def _moving(self) -> set[str]:
        """The totals that have a derivative."""
        found = self.totals.values()
        return {e.name for e in found if {name_of(a) for a in entries(e.rhs)} & self.moving}

    def _finish(self, count: str) -> Derivation:
        """The loss as a function of its totals, and its derivatives by them and by parameters."""
        moving = self._moving()
        mine = [
            Variable(e.name, e.shape, "param" if e.name in moving else "data", where=e.where)
            for e in self.totals.values()
        ]
        number = entry(count, ())
        last = [replace(e, rhs=e.rhs.xreplace({self.size: number})) for e in self.after]
        free = [
            e for e in self.kept if self.row_axis[e.name] is None and e.name not in self.of_rows
        ]
        rows = Variable(count, (), "data")
        system = self._of([*free, *last], self.system.output, [*mine, rows])
        read = {v.name for v in system.variables}
        direct = [n for n in self.whole.wrt if n in read]
        return derive(system, [*(v.name for v in mine if v.name in moving & read), *direct])

    def _of(
        self, equations: Sequence[Equation], output: str, more: Iterable[Variable] = ()
    ) -> System:
        """The system of what an output needs of some equations."""
        needed, wanted = [], {output}
        for equation in reversed(equations):
            if equation.name in wanted:
                needed.append(equation)
                both = {equation.rhs, equation.differentiated}
                wanted |= {name_of(a) for expr in both for a in entries(expr)}
        variables = [v for v in (*self.system.variables, *more) if v.name in wanted]
        there = {e.name for e in needed} | {v.name for v in variables}
        domain = tuple(
            c for c in self.system.domain if {name_of(a) for a in entries(c.of)} <= there
        )
        return replace(
            self.system,
            variables=tuple(variables),
            equations=tuple(reversed(needed)),
            output=output,
            invented=self.system.invented & there,
            nameless=self.system.nameless & there,
            domain=domain,
        )


def _free(binder: sp.Expr) -> set[Index]:
    """The indices of a sum that it does not bind itself."""
    found: set[Index] = set()
    for node in _nodes(binder, frozenset()):
        found |= node
    return found


def _nodes(expr: sp.Expr, bound: frozenset[Index]) -> Iterator[set[Index]]:
    if isinstance(expr, Index):
        yield {expr} - bound
    elif isinstance(expr, BINDERS):
        inside = bound | set(bound_of(expr))
        for part in (expr.function, *expr.args[1 + len(expr.limits) :]):
            yield from _nodes(part, inside)
    else:
        for part in expr.args:
            yield from _nodes(part, bound)


def _spread(expr: sp.Expr, size: Size) -> sp.Expr:
    """Σ_k c[k] Σ_n x[n,k] = Σ_{k,n} c[k] x[n,k]: sums over rows taken out of other sums."""
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    if not isinstance(expr, sp.Sum) or any(k.size == size for k in bound_of(expr)):
        if isinstance(expr, BINDERS):
            return expr
        return expr.func(*(_spread(a, size) for a in expr.args))
    return sp.Add(*(_taken_out(t, expr.limits, size) for t in _terms(_spread(expr.function, size))))


def _terms(expr: sp.Expr) -> Sequence[sp.Expr]:
    """The addends of an expression, multiplied out where sums stand in brackets."""
    if isinstance(expr, sp.Mul) and any(isinstance(f, sp.Add) and f.has(sp.Sum) for f in expr.args):
        expr = sp.expand_mul(expr)
    return list(sp.Add.make_args(expr))


def _taken_out(term: sp.Expr, limits: Sequence[sp.Expr], size: Size) -> sp.Expr:
    factors = sp.Mul.make_args(term)
    for k, factor in enumerate(factors):
        if isinstance(factor, sp.Sum) and any(i.size == size for i in bound_of(factor)):
            inner = freshen(factor)
            rest = sp.Mul(*factors[:k], inner.function, *factors[k + 1 :])
            return sp.Sum(rest, *inner.limits, *limits)
    return sp.Sum(term, *limits)

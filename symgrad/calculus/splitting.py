"""Losses that are sums over rows: proved from the equations, and what each chunk of rows gives.

A loss splits over N where it is a function of *totals* over n, numbers that are a sum (or the
logarithm of a sum of exponentials) of terms that each read one row.  The totals of two chunks
together are then worked out of those of each, and so are their derivatives, by linearity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    instance,
)
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of
from symgrad.mathematics.norms import root
from symgrad.mathematics.outer_sums import free_of, spread
from symgrad.mathematics.recurrences import (
    Final,
    Recurrent,
    depending_on,
    leading_to,
    source_of,
)
from symgrad.mathematics.reductions import REDUCTIONS, LogSumExp, Norm
from symgrad.mathematics.sizes import as_size, is_size, named
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


_TOGETHER = {2: "pair", 3: "triple"}
"""What so many rows are together."""


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
        self.moving = depending_on(self.system.equations, derivation.wrt)
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
            shape = "×".join(map(str, value.shape))
            why = f"an entry for each {_TOGETHER.get(len(axes), 'few')} of rows"
            why = f"not a row for each of {self.label}" if len(axes) == 1 else why
            raise self.refused(value, f"{value.name} has the shape {shape}, {why}")
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
        self._check_loops()
        if not self.totals:
            raise self.refused(self.system[self.system.output], "it has no sum over its rows")
        count = self._name("count")
        totals = tuple(self._total(e) for e in self.totals.values())
        return Splitting(self.label, count, totals, self._finish(count), self.whole)

    # -- the equations, one after the other -------------------------------------------------------

    def _take(self, equation: Equation) -> None:
        if isinstance(equation.rhs, Recurrent):
            self._check_steps(equation, equation.rhs)
        reads = {name_of(a) for a in entries(equation.rhs)}
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

    def _check_steps(self, equation: Equation, read: Recurrent) -> None:
        """SpecError where a value goes from row to row, or its steps are worked out of all rows."""
        steps = read.size if isinstance(read, Final) else read.time.size
        if self.size in steps.free_symbols:
            raise self.refused(equation, f"{read.source} goes from step to step over {self.label}")
        if read.source in self.written:
            self._refuse_loop(equation, read)

    def _refuse_loop(self, equation: Equation, read: Recurrent) -> None:
        why = f"the steps of {read.source} depend on parameters, and need all of a sum over"
        raise self.refused(equation, f"{why} {self.label}")

    def _check_loops(self) -> None:
        """SpecError where a step before is read of what is written into other equations."""
        for equation in (*self.kept, *self.after):
            if source_of(equation) in self.written:
                self._refuse_loop(equation, equation.rhs)

    def _counts(self, expr: sp.Expr) -> bool:
        """Whether the number of rows stands in an expression."""
        return self.size in expr.free_symbols

    def _put_together(self, equation: Equation) -> None:
        """An equation over all rows: it, or the loss that reads it, is one of totals."""
        if equation.decimals is not None or equation.backward is not None:
            raise self.refused(equation, f"{equation.name} is of all rows and is held otherwise")
        rhs = self._with_arrays_written(equation.rhs)
        if equation.indices and equation.name in self.moving:
            if isinstance(equation.rhs, Recurrent):
                self._refuse_loop(equation, equation.rhs)
            self.written[equation.name] = replace(equation, rhs=rhs)
            return
        self.after.append(replace(equation, rhs=self._in_totals(spread(rhs, self.size), equation)))

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
            self._check_term(expr.start if isinstance(expr, Recurrent) else expr, row, equation)

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
        args = self._with_sizes_inside(expr.args) if expr.is_Mul else expr.args
        return expr.func(*(self._in_totals(a, equation) for a in args))

    def _with_sizes_inside(self, factors: Sequence[sp.Expr]) -> Sequence[sp.Expr]:
        """1/T Σ_n,t x[n,t] = Σ_n,t x[n,t]/T: the rows know a size that nothing else has."""
        place = next((k for k, f in enumerate(factors) if self._sums_rows(f)), None)
        apart = [f for f in factors if not entries(f) and not f.atoms(Index) and self._unknown(f)]
        if place is None or not apart:
            return factors
        rest = [f for k, f in enumerate(factors) if k != place and f not in apart]
        total = factors[place]
        return [*rest, sp.Sum(sp.Mul(*apart, total.function), *total.limits)]

    def _sums_rows(self, expr: sp.Expr) -> bool:
        return isinstance(expr, sp.Sum) and any(k.size == self.size for k in bound_of(expr))

    def _unknown(self, expr: sp.Expr) -> set[str]:
        """The sizes in an expression that only inputs with rows have."""
        without = (v for v in self.system.variables if self.row_axis[v.name] is None)
        known = {self.label, *named(k for v in without for k in v.shape)}
        return {*named(k for k in expr.free_symbols if is_size(k))} - known

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
        free = sorted(free_of(binder), key=lambda k: k.name)
        if free and (kind is not sp.Sum or {name_of(a) for a in entries(binder)} & self.moving):
            many = "×".join(str(k.size) for k in free)
            what = (
                f"{equation.name} needs a sum over {self.label} as an array ({many}) that depends"
            )
            raise self.refused(equation, f"{what} on parameters, whole, before it goes on")
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
        for equation in self.after:
            if unknown := self._unknown(equation.rhs):
                why = f"{equation.name} has {min(unknown)} in it, the size of nothing without rows"
                raise self.refused(equation, why)
        number = entry(count, ())
        last = [replace(e, rhs=e.rhs.xreplace({self.size: number})) for e in self.after]
        free = [
            e for e in self.kept if self.row_axis[e.name] is None and e.name not in self.of_rows
        ]
        place = {e.name: k for k, e in enumerate(self.system.equations)}
        both = sorted([*free, *last], key=lambda e: place[e.name])
        rows = Variable(count, (), "data")
        system = self._of(both, self.system.output, [*mine, rows])
        read = {v.name for v in system.variables}
        direct = [n for n in self.whole.wrt if n in read]
        return derive(system, [*(v.name for v in mine if v.name in moving & read), *direct])

    def _of(
        self, equations: Sequence[Equation], output: str, more: Iterable[Variable] = ()
    ) -> System:
        """The system of what an output needs of some equations."""
        wanted = leading_to(equations, {output}, _needed)
        needed = [e for e in equations if e.name in wanted]
        variables = [v for v in (*self.system.variables, *more) if v.name in wanted]
        there = {e.name for e in needed} | {v.name for v in variables}
        domain = tuple(
            c for c in self.system.domain if {name_of(a) for a in entries(c.of)} <= there
        )
        return replace(
            self.system,
            variables=tuple(variables),
            equations=tuple(needed),
            output=output,
            invented=self.system.invented & there,
            nameless=self.system.nameless & there,
            domain=domain,
        )


def _needed(equation: Equation) -> set[str]:
    """What an equation and its derivative read, of other steps too."""
    found = {name_of(a) for e in (equation.rhs, equation.differentiated) for a in entries(e)}
    source = source_of(equation)
    return found if source is None else found | {source}

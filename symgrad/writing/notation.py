"""How a system of equations is written: symbols for names, letters for indices."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import sympy as sp

from symgrad.calculus.derivation import Derivation, as_computed
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import Index, entries, indices_of, name_of, proper_indices
from symgrad.mathematics.multiples import settled
from symgrad.mathematics.recurrences import Carried, Recurrent
from symgrad.mathematics.reductions import ratio
from symgrad.mathematics.sizes import fixed, is_fixed, named, with_numbers
from symgrad.mathematics.steps import Step
from symgrad.writing.apart import apart
from symgrad.writing.bounded import bounded
from symgrad.writing.display import Display
from symgrad.writing.formula import Formula, Letter, related, walk
from symgrad.writing.letters import Letters, unshadowed
from symgrad.writing.line import Code
from symgrad.writing.names import Name, accented, before, parse, symbols
from symgrad.writing.naming import Names
from symgrad.writing.own import own_symbols
from symgrad.writing.own_signs import set_apart
from symgrad.writing.printings.latex import latex
from symgrad.writing.printings.text import code
from symgrad.writing.style import Style
from symgrad.writing.typed import Typed
from symgrad.writing.writer import Writer

Written = TypeVar("Written", sp.Expr, Equation)


class Notation:
    """The notation of one system; ``adjoints``: name of the adjoint of each value; ``parts``: those
    of what the backward pass goes on with, by values that the forward pass goes past; ``computed``:
    the values that are other functions as they are computed than as they were typed.

    One index letter means one axis size throughout.  Letters are given out in the order of the
    equations (``more``: the adjoint equations), so that equal systems are written equally.
    """

    def __init__(
        self,
        system: System,
        adjoints: Mapping[str, str] | None = None,
        more: Iterable[Equation] = (),
        style: Style | None = None,
        parts: Mapping[str, str] | None = None,
        computed: Iterable[str] = (),
    ) -> None:
        self.system = system
        self.adjoints = dict(adjoints or {})
        self.parts = dict(parts or {})
        values = [v.name for v in system.variables] + [e.name for e in system.equations]
        # A derivative may be read where what it is by is not: a sum inside a softmax.
        by = (by for name, _, by in system.slopes if name in system.shapes)
        values = [*dict.fromkeys([*values, *by])]
        sizes = named(s for shape in system.shapes.values() for s in shape)
        apart = {*computed, *([system.output] if self.parts else [])}
        more = tuple(more)
        style = style or Style()
        words = set_apart([*values, *sizes], (*system.equations, *more))
        chosen = words | own_symbols(style.symbols)
        self.names = _names(system, self.adjoints, self.parts, apart, values, sizes, style, chosen)
        subscripts = {
            name.sub.char for name in self.names.symbols.values() if isinstance(name.sub, Letter)
        }
        own = (self.names.symbols[n] for n in self.names.style.symbols if n in self.names.symbols)
        subscripts |= {x.char for n in own for x in walk(n.formula) if isinstance(x, Letter)}
        if Letter("ℓ") in self.names.stems:  # which is how an index l is written
            subscripts.add("l")
        derivatives = {*self.adjoints.values(), *self.parts.values()}
        self.letters = Letters({*values, *derivatives, *sizes, *subscripts})
        self.letters.reserve(system.equations)
        self.letters.reserve(more)
        self.steps = {e.name: e for e in (*system.equations, *more) if isinstance(e.rhs, Recurrent)}
        """What is read of another step."""

    @classmethod
    def of(cls, derivation: Derivation, style: Style | None = None) -> Notation:
        """The notation of a derivation; every printing of it uses the same letters."""
        more = (e for a in derivation.adjoints for e in a.equations)
        parts = {value: part.equation.name for value, part in derivation.parts.items()}
        return cls(
            derivation.system, derivation.adjoint_name, more, style, parts, apart(derivation)
        )

    @property
    def transposes(self) -> bool:
        """Whether derivatives are written transposed: those of a scalar, in numerator layout."""
        scalar = not self.names.axes.get(self.system.output)
        return scalar and self.names.style.layout == "numerator"

    def symbol(self, name: str) -> str:
        """LaTeX of a whole value, adjoint or size: ``z_{1}``, a partial derivative, ``N``."""
        return latex(Display(self.names, {}).symbol(name))

    def latex(self, expr: sp.Expr, free: Iterable[sp.Expr] = ()) -> str:
        """LaTeX of an expression; the indices ``free`` get their letters first."""
        return latex(self.formula(Display, expr, free))

    def text(self, expr: sp.Expr, free: Iterable[sp.Expr] = ()) -> str:
        """One line of text with the names of the spec."""
        return code(self.formula(Code, expr, free))

    def formula(self, layout: type[Writer], expr: sp.Expr, free: Iterable[sp.Expr] = ()) -> Formula:
        """The expression as a formula in this layout."""
        writer, plain = self._writer(layout, expr, free)
        return writer.formula(plain)

    def terms(
        self, layout: type[Writer], expr: sp.Expr, free: Iterable[sp.Expr] = ()
    ) -> tuple[Formula, ...]:
        """The terms of a sum, each with its sign, for whoever breaks it into lines."""
        writer, plain = self._writer(layout, expr, free)
        return writer.terms(plain)

    def _writer(
        self, layout: type[Writer], expr: sp.Expr, free: Iterable[sp.Expr]
    ) -> tuple[Writer, sp.Expr]:
        expr = _plain(unshadowed(self.at_steps(expr)))
        return layout(self.names, self.letters.assign(expr, free)), expr

    def at_steps(self, expr: sp.Expr) -> sp.Expr:
        """An expression with entries of other steps as such: h[t - 1, i]."""
        if isinstance(expr, Recurrent):
            return expr.read
        if not self.steps:
            return expr
        atoms = (a for a in entries(expr) if name_of(a) in self.steps)
        read = {a: self.steps[name_of(a)].at(indices_of(a)) for a in atoms}
        return expr.xreplace(
            {
                a: r.read
                for a, r in read.items()
                if isinstance(r, Carried) or self.is_of_another_step(name_of(a))
            }
        )

    def is_of_another_step(self, name: str) -> bool:
        """Whether a value is read of another step, and has no other name."""
        return name in self.steps and name not in self.system.shapes

    def as_read(self, equation: Equation) -> Equation:
        """What goes from step to step as what it is before the first of them: h[-1, i] = h0[i]."""
        rhs = equation.rhs
        if not isinstance(rhs, Carried):
            return equation
        return replace(equation, name=rhs.source, indices=rhs.outside, rhs=rhs.start)

    def equation(self, layout: type[Writer], equation: Equation) -> Formula:
        """``left = right``."""
        equation = self.as_read(equation)
        left, right = (
            self.formula(layout, side, equation.indices) for side in (equation.lhs, equation.rhs)
        )
        return related(left, right)

    def latex_equation(self, equation: Equation) -> str:
        """``left = right`` in LaTeX."""
        return latex(self.equation(Display, equation))

    def text_equation(self, equation: Equation) -> str:
        """``left = right``, such as ``z1[n,i] = Σ_j X[n,j] W1[i,j] + b1[i]``."""
        return code(self.equation(Code, equation))

    def relabel(self, what: Written) -> Written:
        """The same equation or expression with its indices named by their letters."""
        if isinstance(what, Equation):
            what = replace(what, rhs=unshadowed(what.rhs))
            letters = self.letters.assign(what.rhs, what.indices)
            return _renamed(what, {i: Index(name, i.size) for i, name in letters.items()})
        what = unshadowed(what)
        letters = self.letters.assign(what)
        return what.xreplace({i: Index(name, i.size) for i, name in letters.items()})

    def public(self, what: Written) -> Written:
        """As :meth:`relabel`, with sizes such as 784 as numbers."""
        pretty = self.relabel(what)
        rhs = pretty.rhs if isinstance(pretty, Equation) else pretty
        symbols_ = rhs.free_symbols | rhs.atoms(sp.Symbol)
        if isinstance(pretty, Equation):
            symbols_ |= set(proper_indices(pretty.indices))
        numbers = {s: with_numbers(s) for s in symbols_ if is_fixed(s)}
        for index in symbols_:
            if isinstance(index, Index):
                size = fixed(index.size)
                numbers[index] = Index(index.name, index.size if size is None else sp.Integer(size))
        if isinstance(pretty, Equation):
            return _renamed(pretty, numbers)
        return pretty.xreplace(numbers)

    def public_step(self, step: Step) -> Step:
        """The same of both sides of a step."""
        return replace(step, before=self.public(step.before), after=self.public(step.after))


def transposed_axes(axes: Sequence[sp.Expr], unit: sp.Expr = sp.S.Zero) -> tuple[sp.Expr, ...]:
    """The axes of the transpose; ``unit`` stands for the row that a vector becomes."""
    if len(axes) == 1:
        return (unit, axes[0])
    return (axes[1], axes[0]) if len(axes) == 2 else tuple(axes)


def _renamed(equation: Equation, new: Mapping[sp.Expr, sp.Expr]) -> Equation:
    backward = equation.backward
    return replace(
        equation,
        indices=tuple(new.get(i, i) for i in equation.indices),
        rhs=equation.rhs.xreplace(new),
        backward=None if backward is None else backward.xreplace(new),
    )


def _plain(expr: sp.Expr) -> sp.Expr:
    """Sizes that are known are written as numbers; a quotient by its convention as a quotient."""
    expr = bounded(settled(expr))
    if expr.has(ratio):
        expr = expr.replace(ratio, lambda x, y: x / y)
    numbers = {s: with_numbers(s) for s in expr.atoms(sp.Symbol) if is_fixed(s)}
    return expr.xreplace(numbers) if numbers else expr


def _names(
    system: System,
    adjoints: Mapping[str, str],
    parts: Mapping[str, str],
    apart: Collection[str],
    values: list[str],
    sizes: list[str],
    style: Style,
    own: Mapping[str, Name],
) -> Names:
    table = symbols([*values, *(s for s in sizes if s not in values)], _turns(system), own)
    carried = {e.name: e.rhs.source for e in system if isinstance(e.rhs, Carried)}
    table |= {name: before(table[of]) for name, of in carried.items() if of in table}
    of_slopes = {of for _, of, _ in system.slopes}
    outputs = {system.output, *of_slopes}
    if "L" not in table:
        table |= _loss(outputs - own.keys(), table)
    axes = {name: tuple(s != 1 for s in shape) for name, shape in system.shapes.items()}
    computed = {name: as_computed(name) for name in system.shapes
                if name in apart or as_computed(name) in of_slopes}  # fmt: skip
    accent = _accent([table[name] for name in computed], table.values())
    table |= {computed[name]: accented(table[name], accent) for name in computed}
    axes |= {computed[name]: axes[name] for name in computed}
    return Names(
        symbols=table,
        adjoint_of={a: value for names in (adjoints, parts) for value, a in names.items()},
        parts=frozenset(parts.values()),
        computed=computed,
        accent=accent,
        axes=axes,
        sizes={s: replace(parse(f"n_{s}"), plain=f"n_{s}") for s in sizes if s in values},
        order={name: place for place, name in enumerate(values)},
        late=frozenset(v.name for v in system.variables if v.role == "param"),
        output=system.output,
        slopes={name: (of, by) for name, of, by in system.slopes},
        inputs=frozenset(v.name for v in system.variables),
        style=style,
        typed=Typed.of(system),
    )


def _loss(outputs: Collection[str], table: Mapping[str, Name]) -> dict[str, Name]:
    """An output called loss is an L, and its derivative along a direction has a dot."""
    name = next((o for o in sorted(outputs) if o.strip("_") == "loss"), "")
    if not name:
        return {}
    found, rate = Name(Letter("L"), plain="L"), f"{name}_dot"
    return {name: found} | ({rate: accented(found, "dot")} if rate in table else {})


def _turns(system: System) -> dict[str, str]:
    """The values of the last turn of a loop, numbered as those of the turns before: a₃ after a₂."""
    before = system.invented - system.nameless
    found = {}
    for name in (e.name for e in system.equations if e.name not in before):
        turn = next(k for k in itertools.count(1) if f"{name}{k}" not in before)
        is_read = any(f"{name}{k}" in system.shapes for k in range(1, turn))
        if is_read and f"{name}{turn}" not in system.shapes:
            found[name] = f"{name}{turn}"
    return found


def _accent(names: Sequence[Name], taken: Iterable[Name]) -> str:
    """A tilde, or another accent where a name of the spec has that already."""
    others = {name.formula for name in taken}
    free = (a for a in ACCENTS if others.isdisjoint(accented(n, a).formula for n in names))
    return next(free, ACCENTS[0])


ACCENTS = ("tilde", "hat", "dot")
"""Accents of values as they are computed, the first that is free."""

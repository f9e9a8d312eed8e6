"""What the sections of a derivation share: its formulas, its rules, its sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.calculus.derivation import Adjoint, Derivation, Tangent
from symgrad.calculus.rules import CONTRACT, REARRANGE
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, indices_of, name_of
from symgrad.mathematics.infinity import as_constant
from symgrad.mathematics.sizes import Size
from symgrad.mathematics.steps import Step
from symgrad.mathematics.told import Told
from symgrad.writing.choice import Choice
from symgrad.writing.document import (
    Math,
    Prose,
    Result,
    Row,
)
from symgrad.writing.equation_forms import MatrixForm
from symgrad.writing.formula import Formula, Function, related, terms_of, walk, whole
from symgrad.writing.in_parts import sides
from symgrad.writing.letters import unshadowed
from symgrad.writing.notation import Notation, transposed_axes
from symgrad.writing.quoted import Quoted
from symgrad.writing.sections.sentences import capital, listed
from symgrad.writing.way import Way
from symgrad.writing.writer import Writer

SHORT = 48
"""A reason of so many characters stands beside its step, a longer one under the equations."""


@dataclass(frozen=True)
class Author:
    """Writes sections about one derivation; its formulas are set as in ``layout``."""

    derivation: Derivation
    notation: Notation
    layout: type[Writer]
    matrix: MatrixForm = field(default=lambda name: None)
    choice: Choice = field(default_factory=Choice)
    shown: frozenset[str] | None = None
    """The values that are to be shown, where these are not all."""

    @cached_property
    def way(self) -> Way | None:
        """The way to the value that is explained; None where all are shown."""
        return Way(self.derivation, self.choice.explain) if self.choice.explain else None

    def is_mentioned(self, name: str) -> bool:
        """Whether a value is to be shown."""
        if self.shown is not None:
            return name in self.shown
        return self.way is None or name in self.way.mentioned

    def as_computed(self, value: str, adjoint: Adjoint | Tangent) -> str:
        """The name of a value as the function that a derivative goes through."""
        names = self.notation.names
        typed = isinstance(adjoint, Adjoint) and adjoint.past
        is_part = adjoint.equation.name in names.parts
        if typed or not (is_part or value in self.derivation.rewritten):
            return value
        return names.computed.get(value, value)

    def symbols(self, names: Iterable[str]) -> Prose:
        """Several values: a, b and c."""
        return listed([Math(self.symbol(name)) for name in names])

    def whole(self, equation: Equation) -> tuple[Formula, Formula] | None:
        """The equation in matrix form, where it has one that says more and it is asked for."""
        between_numbers = not equation.indices and not equation.rhs.atoms(Index)
        if self.choice.form == "index" or between_numbers:
            return None
        found = self.matrix(equation.name)
        return None if found and _only_repeats(found[1], equation.rhs) else found

    @property
    def wrt(self) -> Sequence[str]:
        """What the derivatives are asked for by."""
        return [self.choice.explain] if self.choice.explain else self.derivation.wrt

    def rule(self, step: Step) -> Prose:
        """The rule, and what it rests on; a step that brings in a name says which.

        It is called after what is to be seen: ``step.before`` is what stands on the line before.
        """
        before, after = (Counter(_occurring(x)) for x in (step.before, step.after))
        order = self.notation.names.order
        introduced = sorted({*(after - before)}, key=lambda name: order.get(name, 0))
        if introduced and step.rule == "definition":
            return ("definition of ", *self.symbols(introduced))
        short = 0 < len(step.because) <= SHORT
        name = self._called(step)
        return (f"{name}: ", *self.prose(step.because)) if short else (name,)

    def _called(self, step: Step) -> str:
        """What the rule of a step is called: a δ is contracted where one is to be seen."""
        if step.rule == "definition":  # whose names stand in the local derivatives already
            return REARRANGE
        if step.rule != CONTRACT:
            return step.rule
        if not step.before.has(sp.KroneckerDelta):
            return REARRANGE
        return "contract" if self.notation.names.has_bracketed_deltas else CONTRACT

    def becauses(self, steps: Iterable[Step]) -> list[Prose]:
        """The reasons that are too long to stand beside their steps, and conventions."""
        long = [step for step in steps if len(step.because) > SHORT]
        return [
            (f"{step.rule}, because ".capitalize(), *self.prose(step.because), ".")
            if isinstance(step.because, Told)
            else self.sentence(step.because)
            for step in long
        ]

    def reasons(self, steps: Iterable[Step]) -> list[Prose]:
        """All that steps rest on, where these are not shown."""
        short = [s for s in steps if 0 < len(s.because) <= SHORT]
        told = [(f"{s.rule}, because ".capitalize(), *self.prose(s.because), ".") for s in short]
        return [*told, *self.becauses(steps)]

    def in_matrices(self, equation: Equation) -> bool:
        """Whether only matrix forms are asked for, and an equation has one."""
        brief = self.choice.form == "matrix" and self.choice.detail != "full"
        return brief and self.whole(equation) is not None

    def line(self, adjoint: Adjoint | Tangent) -> Row:
        """The derivative on one line: in index form, and in matrix form at the right."""
        first, *others = self.forms(adjoint)
        says = tuple(Math(related(row.left, whole(row.terms))) for row in others if row.left)
        name, shape = adjoint.equation.name, self.shape_of(adjoint)
        return Row(first.left, first.terms, says, name=name, shape=shape)

    def beyond(self, adjoint: Adjoint | Tangent) -> list[Row]:
        """What a derivative reads where there is no further step."""
        read = map(self.notation.as_read, getattr(adjoint, "before", ()))
        return [Row(self.written(e.lhs, e.indices), self.terms(e.rhs, e)) for e in read]

    def result(self, adjoint: Adjoint | Tangent) -> Result:
        """The derivative as what a section ends with."""
        shape = self.shape_of(adjoint)
        return Result(self.forms(adjoint), shape, adjoint.equation.name)

    def shape_of(self, adjoint: Adjoint | Tangent) -> Formula:
        """The shape of a derivative as it is laid out in matrix form."""
        sizes: Sequence[Size] = adjoint.equation.shape
        if self.notation.transposes:
            sizes = transposed_axes(sizes, unit=sp.S.One)
        return self.shape(sizes)

    def forms(self, adjoint: Adjoint | Tangent) -> tuple[Row, ...]:
        """The derivative in index form and in matrix form, as far as asked for and known."""
        equation = adjoint.equation
        matrix = self.whole(equation)
        index = self.in_index_form(equation)
        whole = [] if matrix is None else [Row(matrix[0], terms_of(matrix[1]))]
        return tuple(whole) if self.choice.form == "matrix" and whole else (index, *whole)

    def in_index_form(self, equation: Equation) -> Row:
        """An equation for each entry, or for the parts that an index is made of."""
        equation = replace(equation, rhs=unshadowed(equation.rhs))
        left, right = sides(equation)
        free: Iterable[sp.Expr] = equation.indices
        if left != equation.lhs:  # where the letters are those of the steps before
            free = self.notation.letters.assign(equation.rhs, equation.indices)
        return Row(self.written(left, free), self.write_terms(right, free))

    def made_of_parts(self, equation: Equation) -> Iterator[Prose]:
        """Which indices are written as what they are made of."""
        equation = replace(equation, rhs=unshadowed(equation.rhs))
        left, _ = sides(equation)
        letters = self.notation.letters.assign(equation.rhs, equation.indices)
        for index, parts in zip(indices_of(equation.lhs), indices_of(left), strict=True):
            if index != parts:
                shown, made = (self.written(x, letters) for x in (index, parts))
                yield (Math(related(shown, made)), " gives each ", Math(shown), " once.")

    def symbol(self, name: str) -> Formula:
        """A whole value."""
        return self.layout(self.notation.names, {}).symbol(name)

    def shape(self, shape: Sequence[Size]) -> Formula:
        """Sizes with a × between them."""
        writer = self.layout(self.notation.names, {})
        return writer.shape(writer.formulas(shape))

    def prose(self, text: str) -> Prose:
        """A sentence in which the names of values are formulas, and equations."""
        if isinstance(text, Quoted):
            shown = Math(text.notation.equation(self.layout, text.equation))
            return tuple(p for p in (text.before, shown, text.after) if p)
        pieces = text.pieces if isinstance(text, Told) else (text,)
        parts = [Math(self.symbol(p)) if k % 2 else p for k, p in enumerate(pieces)]
        return tuple(p for p in parts if p)

    def sentence(self, text: str) -> Prose:
        """The same with a full stop, and a capital where it begins with a word."""
        first, *others = self.prose(text)
        stop = () if text.endswith(".") else (".",)
        return (capital(first) if isinstance(first, str) else first, *others, *stop)

    def written(self, expr: sp.Expr, free: Iterable[sp.Expr]) -> Formula:
        """An expression; the indices ``free`` get their letters first."""
        return self.notation.formula(self.layout, expr, free)

    def number(self, value: float) -> Formula:
        """A number of a constant; a truth value is 0 or 1."""
        exact = sp.Rational(repr(value + 0)) if math.isfinite(value) else sp.sympify(value)
        return self.written(as_constant(exact), ())

    def equation(self, equation: Equation) -> Formula:
        """An equation in index form."""
        return self.notation.equation(self.layout, equation)

    def terms(self, expr: sp.Expr, equation: Equation) -> tuple[Formula, ...]:
        """What one side of an equation is, or was, term by term."""
        return self.write_terms(expr, equation.indices)

    def write_terms(self, expr: sp.Expr, free: Iterable[sp.Expr]) -> tuple[Formula, ...]:
        """As :meth:`written`, term by term."""
        return self.notation.terms(self.layout, expr, free)


def _occurring(expr: sp.Expr) -> Iterator[str]:
    """The names of values, as often as they stand in an expression."""
    atoms = entries(expr)
    return (name_of(e) for e in sp.preorder_traversal(expr) if e in atoms)


def _only_repeats(matrix: Formula, entries: sp.Expr) -> bool:
    """Whether a matrix form says entry by entry what stands there as cases."""
    chosen = any(x == Function("where") for x in walk(matrix))
    return chosen and not entries.has(ExprWithLimits)

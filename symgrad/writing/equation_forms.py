"""The matrix forms of a derivation's equations, in the notation and the layout that are chosen."""

from __future__ import annotations

import contextlib
import functools
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from symgrad.calculus.derivation import Derivation, forward_and_adjoints, promises
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation, Variable, shapes_of
from symgrad.mathematics.indices import entries, entry, indices_of, name_of
from symgrad.mathematics.known import FAMILIES, Constant, Known
from symgrad.mathematics.proved import proved
from symgrad.mathematics.recurrences import Recurrent
from symgrad.writing.cuts import Cuts
from symgrad.writing.formula import (
    Apply,
    Fenced,
    Formula,
    Fraction,
    Function,
    Norm,
    Number,
    Ones,
    Root,
    Scripted,
    Sum,
    Term,
    Word,
    has,
    length,
    mapped,
    walk,
)
from symgrad.writing.in_order import Reads, in_order, sums_in
from symgrad.writing.letters import unshadowed
from symgrad.writing.matrix_form import NAMELESS, OFTEN, Form, matrix_forms
from symgrad.writing.matrix_formula import EULER, IDENTITY, SIZE, TRANSPOSED
from symgrad.writing.matrix_shapes import recording, wrong_shape
from symgrad.writing.notation import Notation, transposed_axes
from symgrad.writing.order import Order
from symgrad.writing.own_signs import identity
from symgrad.writing.stacks import stacked_form
from symgrad.writing.writer import Writer

LONGEST = 100
"""A matrix form with more signs is no easier to read than the index form."""

CLOSED = 160
"""What has more signs is not written in inputs alone."""

MatrixForm = Callable[[str], tuple[Formula, Formula] | None]
"""The two sides of a named equation in matrix form, or None where it has none."""


def forms_of(
    derivation: Derivation, notation: Notation, layout: type[Writer], *, alone: bool = False
) -> MatrixForm:
    """The matrix form of an equation, with names as in ``layout``; else that of its slices.

    ``alone``: it has to be understood by itself, so values that have no name are written in.
    """
    return functools.cache(MadeForms(derivation, notation, layout, alone=alone).written)


class MadeForms:
    """The matrix forms of one derivation as they are made, and whether they conform.

    ``alone``: as in :func:`forms_of`; ``closed``: all values are written in, whether named or not,
    but for those that are ``kept``.
    """

    def __init__(
        self,
        derivation: Derivation,
        notation: Notation,
        layout: type[Writer],
        *,
        alone: bool = False,
        closed: bool = False,
        kept: frozenset[str] = frozenset(),
    ) -> None:
        self.derivation, self.notation = derivation, notation
        self.alone, self.closed, self.kept = alone or closed, closed, kept
        self.table = {e.name: e for e in _equations(derivation, notation)}
        arrays = shapes_of(derivation.system.variables, self.table.values())
        self.plain = layout(notation.names, {})
        self.layout, self.shapes = recording(layout, arrays)
        self.writer = self.layout(notation.names, {})
        self.known = {v.name: v for v in derivation.system.variables}
        facts = proved(self.table.values(), promises(derivation.system))
        self.known |= {
            e.name: Variable(e.name, e.shape, "data", assumptions=facts.get(e.name, ()))
            for e in self.table.values()
        }
        typed = {name: step.before for name, step in reversed(derivation.forward_steps)}
        self.typed = typed
        # written in the inputs alone, a computed array has to be there as a whole
        computed = self.table.keys() if self.closed else ()
        self.cuts = Cuts({n: v for n, v in self.known.items() if n not in computed})
        self.form = self._forms(self.cuts(self.table.values()))
        as_typed = [replace(e, rhs=typed.get(e.name, e.rhs)) for e in self.table.values()]
        self.form_as_typed = self._forms(self.cuts(as_typed))
        self.form_apart = self._forms(self.cuts(derivation.local))
        vectors = notation.names.axes.get(derivation.system.output)
        self.stacks = not vectors and not notation.transposes
        self.made = functools.cache(self._made)
        self.sums = functools.cache(self._sums)

    def symbol(self, name: str) -> Formula:
        """A whole value; SymgradError for what is another one of another step."""
        of, at = self.cuts.origin.get(name, (name, ()))
        if self.notation.is_of_another_step(of):
            raise SymgradError(f"{of} has no symbol as a whole")
        return self.writer.entry(of, at).formula if at else self.writer.symbol(name)

    def _forms(self, equations: Iterable[Equation]) -> Form:
        equations = list(equations)
        known = [*self.known.values(), *self.cuts.variables.values()]
        if self.closed:
            every = self.table.keys() - self.kept
            often = read_often(self.derivation)
            return matrix_forms(known, equations, self.symbol, every, CLOSED, often)
        nameless = self.derivation.system.nameless if self.alone else frozenset()
        adjoints = self.derivation.adjoint_name.items()
        unnamed = nameless | {name for value, name in adjoints if value in nameless}
        return matrix_forms(known, equations, self.symbol, unnamed)

    def written(self, name: str) -> tuple[Formula, Formula] | None:
        """Both sides of an equation, if they conform."""
        return None if self.wrong(name) else self.made(name)

    def wrong(self, name: str) -> str:
        """What does not conform in the matrix form of an equation; empty where all does."""
        sides = self.made(name)
        return "" if sides is None else wrong_shape(sides, self.shapes)

    def _made(self, name: str) -> tuple[Formula, Formula] | None:
        """Both sides of an equation."""
        if name not in self.table or self._reads_another_step(name):
            return None
        whole = self._shorter(name)
        if whole is None:
            return self._sliced(name) if self.stacks else None
        sliced = self._sliced(name) if has(whole, Ones) and self.stacks else None
        if sliced and has(sliced[1], Norm) and not has(sliced[1], Ones):
            return sliced  # u[n] = 1/‖U[n]‖ U[n]
        if not self.alone and length(whole) > LONGEST:
            return None
        return self.symbol(name), whole

    def _reads_another_step(self, name: str) -> bool:
        """Whether what is read of another step has no name of its own."""
        equation = self.table[name]
        nameless = any(map(self.notation.is_of_another_step, equation.reads))
        return nameless or isinstance(equation.rhs, Recurrent)

    def _shorter(self, name: str) -> Formula | None:
        """Of the equation as it is typed and as it is computed, where these are one function."""
        found = []
        for form in self._forms_of(name):
            with contextlib.suppress(SymgradError):  # nothing that can be computed as one matrix
                found.append(form(name))
        shortest = min((f for f in found if f is not None), key=_nodes, default=None)
        return None if shortest is None else in_turn(self._ordered(name, shortest))

    def _ordered(self, name: str, formula: Formula) -> Formula:
        """A form with the terms and the names of the index form."""
        return mapped(in_order(formula, self.sums(name), *self.symbols), self._named)

    def _sums(self, name: str) -> Sequence[Sequence[Reads]]:
        """The terms of the sums in an equation, as typed and as computed, in order."""
        equation = self.table[name]
        found: list[Sequence[Reads]] = []
        for rhs in dict.fromkeys((equation.rhs, self.typed.get(name, equation.rhs))):
            letters = self.notation.letters.assign(rhs, equation.indices)
            found += sums_in(rhs, Order(self.notation.names, letters))
        return found

    @functools.cached_property
    def symbols(self) -> tuple[Mapping[Formula, str], Collection[str]]:
        """The names of values by their symbols, and those of derivatives."""
        names = self.notation.names
        every = (*names.symbols, *names.derivatives)
        return {self.plain.symbol(name): name for name in every}, names.derivatives

    def _named(self, node: Formula) -> Formula:
        """A function by its name, where the letter for it is that of a value; a size as it is."""
        if isinstance(node, Word) and node.style == SIZE:
            return self.layout(self.notation.names, {}).size(node.text)
        if isinstance(node, Word) and node.style == EULER:
            return self.layout(self.notation.names, {}).formula(sp.E)
        if isinstance(node, Word) and node.style == IDENTITY:
            return identity(self.notation.names.letters)
        if isinstance(node, Function) and node.letter in self.notation.names.letters - {node.name}:
            return replace(node, letter="")
        return self._as_typed(node)

    def _as_typed(self, node: Formula) -> Formula:
        """A number as the spec has it: 0.02 for 1/50, 2√6 for √24."""
        typed = self.notation.names.typed
        match node:
            case Fraction(Number(above), Number(below)) if (above + below).isdigit():
                decimal = typed.as_decimal(sp.Rational(int(above), int(below)))
                return Number(decimal) if decimal else node
            case Root(Number(inside)) if inside.isdigit():
                return self._constant(FAMILIES[0].member(int(inside)))
            case Apply(Function("log"), Fenced("(", Number(inside), ")")) if inside.isdigit():
                return self._constant(FAMILIES[1].member(int(inside)))
        return node

    def _constant(self, constant: Constant) -> Formula:
        written = self.notation.names.typed.as_written(Known((constant,)))
        return self.layout(self.notation.names, {}).known(written).formula

    def _forms_of(self, name: str) -> tuple[Form, ...]:
        if name in self.derivation.rewritten:
            apart = (self.form_as_typed, self.form_apart)
            return (self.form,) if self.closed and not self._is_past(name) else apart
        return (self.form_as_typed, self.form) if name in self.typed else (self.form,)

    def _is_past(self, name: str) -> bool:
        """Whether a value is computed past one that a derivative is shown by."""
        now, typed = (entries(rhs) for rhs in (self.table[name].rhs, self.typed[name]))
        return bool({name_of(a) for a in typed - now} & self.kept)

    def _sliced(self, name: str) -> tuple[Formula, Formula] | None:
        """The form of the matrices, or vectors, that an array is made of."""
        equation = replace(self.table[name], rhs=unshadowed(self.table[name].rhs))
        letters = self.notation.letters.assign(equation.rhs, equation.indices)
        writer = self.layout(self.notation.names, letters)
        found = stacked_form(
            equation, self.known, lambda name, at: writer.entry(name, at).formula, writer.formula
        )
        whole = None if found is None else self._ordered(name, found.matrix.formula)
        if found is None or whole is None or whole == writer.formula(equation.rhs):
            return None
        if found.at == equation.indices and not _has_vectors(whole):
            return None  # an entry, written as it is
        return writer.entry(name, found.at).formula, whole


def read_often(derivation: Derivation) -> dict[str, int]:
    """How long the values that several equations read may be to be written in, by their names."""
    reads = Counter(n for e in forward_and_adjoints(derivation) for n in e.reads)
    invented = derivation.system.invented
    return {n: NAMELESS if n in invented else OFTEN for n, k in reads.items() if k > 1}


def _has_vectors(formula: Formula) -> bool:
    """Whether a number is made of vectors: a norm, or a product with a transpose."""
    return any(isinstance(node, Norm) or node == TRANSPOSED for node in walk(formula))


def _nodes(formula: Formula) -> int:
    return sum(1 for _ in walk(formula))


def _equations(derivation: Derivation, notation: Notation) -> Iterable[Equation]:
    equations: Iterable[Equation] = forward_and_adjoints(derivation)
    if notation.transposes:
        return [_transposed(e, notation.names.adjoint_of) for e in equations]
    return equations


def _transposed(equation: Equation, adjoints: Iterable[str]) -> Equation:
    """The equation with every derivative transposed; a vector becomes a row."""
    names = frozenset(adjoints)
    found = (a for a in equation.rhs.atoms(sp.Indexed) if name_of(a) in names)
    rhs = equation.rhs.xreplace(
        {a: entry(name_of(a), transposed_axes(indices_of(a))) for a in found}
    )
    if equation.name not in names:
        return equation
    return replace(equation, indices=transposed_axes(equation.indices), rhs=rhs)


def in_turn(formula: Formula) -> Formula:
    """A sum of terms that differ by the turns of a loop alone, the first turn first."""
    if not isinstance(formula, Sum) or not all(
        getattr(t, "sign", "+") == "+" for t in formula.terms
    ):
        return formula
    bodies = [t.body if isinstance(t, Term) else t for t in formula.terms]
    if len({_without_turns(body) for body in bodies}) > 1:
        return formula
    first, *others = sorted(bodies, key=_turns_in)
    return Sum((first, *(Term("+", body) for body in others)))


def _without_turns(body: Formula) -> Formula:
    return mapped(body, lambda node: (_turn(node) or (node, 0))[0])


def _turns_in(body: Formula) -> list[int]:
    return [turn[1] for node in walk(body) if (turn := _turn(node)) is not None]


def _turn(node: Formula) -> tuple[Formula, int] | None:
    """A name without the number at its end, and that number."""
    match node:
        case Scripted(_, Number(digits)):
            return replace(node, sub=None), int(digits)
        case Word(text) if (stem := text.rstrip("₀₁₂₃₄₅₆₇₈₉")) != text:
            return replace(node, text=stem), int(unicodedata.normalize("NFKC", text[len(stem) :]))
    return None

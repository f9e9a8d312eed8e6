"""The forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.steps import Step
from symgrad.writing.document import (
    Block,
    Equations,
    Math,
    Prose,
    Row,
    Section,
)
from symgrad.writing.formula import length, related, terms_of
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.sentences import chained, paragraph


def forward(author: Author, signs: Sequence[Block] = ()) -> Section:
    """Every equation in order, with the rewrites that keep its numbers finite.

    ``signs``: what is said of the signs for values as they are computed.
    """
    tangents = {t.equation.name for t in author.derivation.tangents}
    forward = (e for e in author.derivation.system.equations if e.name not in tangents)
    shown = [e for e in forward if all(map(author.is_mentioned, (e.name, *e.reads)))]
    rows = [row for e in shown for row in _forward_rows(author, e)]
    steps = [s for name, s in author.derivation.forward_steps if author.is_mentioned(name)]
    notes = author.becauses(steps) if author.choice.detail != "brief" else []
    shown_rows = [Equations(tuple(rows))] if rows else []  # none lead to what the loss is not of
    blocks: tuple[Block, ...] = (*shown_rows, *paragraph(notes), *signs)
    return Section(("The forward pass",), blocks, key="forward")


def _forward_rows(author: Author, equation: Equation) -> list[Row]:
    steps = [s for name, s in author.derivation.forward_steps if name == equation.name]
    if author.choice.detail == "brief":
        steps = _brief(author, equation, steps)
    matrix = author.whole(equation)
    if (
        matrix is not None
        and author.choice.form == "matrix"
        and (author.in_matrices(equation) or not steps)
    ):
        return [Row(matrix[0], terms_of(matrix[1]), _held(equation), name=equation.name)]
    says, name = _matrix_note(author, equation), equation.name
    equation = author.notation.as_read(equation)
    if not steps:
        row = author.in_index_form(equation)
        return [replace(row, note=says + _held(equation), name=name)]
    left = author.written(equation.lhs, equation.indices)
    rows = [
        Row(None, author.terms(s.before, equation), author.rule(steps[k - 1]) if k else ())
        for k, s in enumerate(steps)
    ]
    last = author.rule(steps[-1])
    if between := _as_typed(author, equation, steps):
        rows.append(Row(None, author.terms(between, equation), last))
        last = _past(author, between, equation)
    rows.append(Row(None, author.terms(equation.rhs, equation), last + _held(equation)))
    if says:
        rows[0] = Row(None, rows[0].terms, says)
    return chained(left, rows, name)


def _brief(author: Author, equation: Equation, steps: Sequence[Step]) -> list[Step]:
    """How it was typed and how it is computed, where these are other functions; else nothing."""
    if not steps or equation.name not in author.derivation.rewritten:
        return []
    return [replace(steps[-1], before=steps[0].before)]


SHORTER = 3
"""By how many signs a line has to be shorter than the one before: a softmax is by 5."""


def _as_typed(author: Author, equation: Equation, steps: Sequence[Step]) -> sp.Expr | None:
    """What a value is of those that it was typed of, where one step goes past these, in short."""
    typed = {e.name: e.rhs for e in author.derivation.local}.get(equation.name)
    if len(steps) != 1 or typed is None or typed == equation.rhs:
        return None
    now, before = (sum(map(length, author.terms(x, equation))) for x in (typed, steps[0].before))
    return typed if now + SHORTER <= before else None


def _past(author: Author, typed: sp.Expr, equation: Equation) -> Prose:
    """That a value is of other values by the definitions of those that it was typed of."""
    gone = {name_of(a) for a in entries(typed)} - equation.reads
    return ("definition of ", *author.symbols(sorted(gone)))


def _matrix_note(author: Author, equation: Equation) -> Prose:
    matrix = author.whole(equation)
    return () if matrix is None else (Math(related(*matrix)),)


def _held(equation: Equation) -> Prose:
    """How a value is held, where it is rounded."""
    if equation.decimals is None:
        return ()
    return (f", rounded to {equation.decimals} decimal{'s' if equation.decimals != 1 else ''}",)

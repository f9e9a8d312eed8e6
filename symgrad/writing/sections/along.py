"""The derivatives along a direction."""

from __future__ import annotations

import sympy as sp

from symgrad.calculus.derivation import Tangent
from symgrad.mathematics.indices import Index, axis_index, entry
from symgrad.writing.document import (
    Block,
    Equations,
    Math,
    Paragraph,
    Prose,
    Row,
    Section,
)
from symgrad.writing.naming import Partial
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.sentences import chained, paragraph
from symgrad.writing.worth_showing import tidy


def along(author: Author) -> Section:
    """The derivative of each value along the direction, in the order of the values."""
    title: Prose = ("The derivative along the direction",)
    shown = shown_tangents(author)
    if author.choice.detail == "brief":
        rows = tuple(author.line(t) for t in shown)
        return Section(title, (Equations(rows),), key="along")
    parts = tuple(_tangent(author, t) for t in shown)
    return Section(title, (Paragraph(_directions(author)),), parts, key="along")


def shown_tangents(author: Author) -> list[Tangent]:
    """The derivatives along the direction that are shown."""
    only = author.choice.only
    return [t for t in author.derivation.tangents if not only or t.value in only]


def _directions(author: Author) -> Prose:
    pairs = author.derivation.directions.items()
    moves: list[str | Math] = []
    for place, (name, direction) in enumerate(pairs):
        joint = "" if not place else " and " if place == len(pairs) - 1 else ", "
        along = " along " if place else " moves along "
        moves += [joint, Math(author.symbol(name)), along, Math(author.symbol(direction))]
    last = author.derivation.tangents[-1]
    return (
        "When ", *moves, ", ",
        Math(author.symbol(last.value)), " changes at the rate ",
        Math(author.symbol(last.equation.name)), ". Values are taken in their order, so that "
        "each rate is made of those before it.",
    )  # fmt: skip


def _tangent(author: Author, tangent: Tangent) -> Section:
    title: Prose = ("The derivative of ", Math(author.symbol(tangent.value)))
    blocks: list[Block] = [Equations(tuple(_tangent_rows(author, tangent)))]
    blocks += paragraph(author.becauses(tangent.steps))
    blocks.append(author.result(tangent))
    return Section(title, tuple(blocks), value=tangent.value, key=tangent.equation.name)


def _tangent_rows(author: Author, tangent: Tangent) -> list[Row]:
    equation = tangent.equation
    chain = sp.Add(*(_moved(author, tangent, name) for name in tangent.along))
    first = tangent.steps[0].before if tangent.steps else equation.rhs
    first = first if author.choice.detail == "full" else tidy(first)
    rows = [Row(None, author.terms(chain, equation), ("chain rule",))] if tangent.along else []
    rows.append(Row(None, author.terms(first, equation), ("local derivatives",)))
    rows += [Row(None, author.terms(s.after, equation), author.rule(s)) for s in tangent.steps]
    return chained(author.written(equation.lhs, equation.indices), rows)


def _moved(author: Author, tangent: Tangent, name: str) -> sp.Expr:
    """Σ ∂z/∂x times the rate of x, for one x that the value z reads."""
    inner = tuple(axis_index(s) for s in author.derivation.system.shapes[name])
    above = entry(author.as_computed(tangent.value, tangent), tangent.equation.indices)
    product = Partial(above, entry(name, inner)) * entry(tangent.along[name], inner)
    bound = [i.limits for i in inner if isinstance(i, Index)]
    return sp.Sum(product, *bound) if bound else product

"""The terms of a matrix form in the order in which the index form has them, derivatives first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import sympy as sp

from symgrad.mathematics.indices import entries, name_of
from symgrad.writing.formula import (
    Formula,
    Negative,
    Row,
    Sign,
    Sum,
    Term,
    mapped,
    parts,
    summed,
)
from symgrad.writing.order import Order
from symgrad.writing.parts import signed

Reads = frozenset[str]
"""The values that a term is made of, which tell it from others in both forms."""


def sums_in(expr: sp.Expr, order: Order) -> list[Sequence[Reads]]:
    """What the terms of each sum in an expression read, in the order in which it is written."""
    return [
        [_reads(term) for _, term in _written(node, order)]
        for node in sp.preorder_traversal(expr)
        if isinstance(node, sp.Add)
    ]


def _written(total: sp.Add, order: Order) -> list[tuple[str, sp.Expr]]:
    return sorted(map(signed, total.args), key=lambda p: order.of_term(p[0], p[1], total))


def _reads(term: sp.Expr) -> Reads:
    return frozenset(name_of(a) for a in entries(term))


def in_order(
    formula: Formula,
    sums: Sequence[Sequence[Reads]],
    symbols: Mapping[Formula, str],
    derivatives: Collection[str],
) -> Formula:
    """The formula with its terms as in ``sums``; of ``symbols`` the names are known."""

    def changed(node: Formula) -> Formula:
        if isinstance(node, Sum):
            return _in_order(node, sums, symbols)
        return _derivatives_first(node, symbols, derivatives) if isinstance(node, Row) else node

    return mapped(formula, changed)


def _in_order(
    total: Sum, sums: Sequence[Sequence[Reads]], symbols: Mapping[Formula, str]
) -> Formula:
    terms = [_signed(term) for term in total.terms]
    found = [frozenset(_names(body, symbols)) for _, body in terms]
    for reads in sums:
        if set(found) <= set(reads):
            places = sorted(range(len(terms)), key=lambda k: reads.index(found[k]))
            return summed(_without_minus([terms[k] for k in places]))
    return summed(_without_minus(terms)) if terms[0][0] == "-" else total


def _without_minus(terms: list[tuple[str, Formula]]) -> list[tuple[str, Formula]]:
    """Terms of which the first has no minus, where there is one without: 1 - x for -x + 1."""
    first = next((k for k, (sign, _) in enumerate(terms) if sign == "+"), 0)
    return [terms[first], *terms[:first], *terms[first + 1 :]]


def _signed(term: Formula) -> tuple[str, Formula]:
    match term:
        case Term(sign, body):
            return sign, body
        case Negative(body):
            return "-", body
    return "+", term


def _names(formula: Formula, symbols: Mapping[Formula, str]) -> Iterator[str]:
    if formula in symbols:
        yield symbols[formula]
        return
    for part in parts(formula):
        yield from _names(part, symbols)


def _derivatives_first(
    row: Row, symbols: Mapping[Formula, str], derivatives: Collection[str]
) -> Formula:
    """Factors entry by entry: a derivative before what it is multiplied by."""
    factors, signs = row.items[::2], row.items[1::2]
    if not signs or any(sign != Sign("⊙") for sign in signs):
        return row
    first = sorted(factors, key=lambda x: symbols.get(x) not in derivatives)
    pairs = zip(signs, first[1:], strict=True)
    return Row((first[0], *(x for pair in pairs for x in pair)), row.gap)

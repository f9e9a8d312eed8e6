"""Sums of which some terms are smaller than the sum: these are added first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.kinds import KINDS
from symgrad.program.passes import alive, owned, rebuilt, rewritten
from symgrad.program.program import Literal, Op, Program, Ref, labels, read_by
from symgrad.program.scales import scale_of

MANY = 1024
"""Entries from which on a pass over an array less is worth that a sum has another order.

In µs, a - (p + b)/2 - c of 1,000 rows of 25 with rows a, b and c: 27 as typed, 9 with a - b/2 - c
first (float64, one thread).
"""


@dataclass(frozen=True)
class Term:
    """A number times an array."""

    number: sp.Expr
    array: Ref


def small_terms_first(program: Program) -> Program:
    """a + (p + b) c + d is p c + (a + b c + d), where p is a product and larger than all others.

    A product is known to as many digits as it has: what cancels in another order cancels in its
    last digits.  So is no array that is given, or what a maximum is taken of.
    """
    chosen = dict(_chosen(program))
    if not chosen:
        return program
    new = {v.name: v.name for v in program.inputs}

    def rewrite(builder: Builder, op: Op) -> Ref:
        if op.name in chosen:
            terms = (Term(t.number, Ref(new[t.array.name], t.array.axes)) for t in chosen[op.name])
            found = _built(builder, op, [*terms])
        else:
            found = rebuilt(builder, op)
        new[op.name] = found.name
        return found

    return owned(alive(rewritten(program, rewrite)))


def _chosen(program: Program) -> Iterator[tuple[str, list[Term]]]:
    """The terms of each sum that is computed in fewer passes so."""
    inner: set[str] = set()
    for op in reversed(program.ops):
        if op.name in inner or cost(op.axes) < MANY or not _parts(op):
            continue
        found = _Opened(program, op)
        if found.is_shorter:
            inner |= found.sums
            yield op.name, found.terms


def _parts(op: Op) -> list[tuple[sp.Expr, int]]:
    """The numbers that multiply what an operation adds, by place; none if it adds nothing."""
    if op.kind != "map" or op.dtype != "float":
        return []
    if op.function in ("add", "subtract") and len(op.reads) == 2:
        return [(sp.S.One, 0), (sp.Integer(1 if op.function == "add" else -1), 1)]
    number = scale_of(op)
    return [] if number is None else [(number, 0)]


class _Opened:
    """The terms of a sum, and the sums as large among them that nothing else reads."""

    def __init__(self, program: Program, op: Op) -> None:
        self.ops = {o.name: o for o in program}
        self.uses, self.outputs = program.uses, {*program.outputs}
        self.whole = {*labels(op.axes)}
        self.sums = {op.name}
        self.terms = [*self._of(op, op.ref, sp.S.One)]

    def _of(self, op: Op, ref: Ref, number: sp.Expr) -> Iterator[Term]:
        self.sums.add(op.name)
        arrays = read_by(op, ref.axes)
        for factor, place in _parts(op):
            array = arrays[place]
            made = self.ops.get(array.name)
            if made is not None and self._is_inner(made):
                yield from self._of(made, array, number * factor)
            else:
                yield Term(number * factor, array)

    def _is_inner(self, op: Op) -> bool:
        alone = self.uses[op.name] == 1 and op.name not in self.outputs
        return alone and {*labels(op.axes)} == self.whole and bool(_parts(op))

    @property
    def is_shorter(self) -> bool:
        """Whether the larger terms are products, and there are fewer passes over them so."""
        small, large = _by_size(self.terms, self.whole)
        if not large or not all(self._is_product(t.array.name) for t in large):
            return False
        scaled = sum(t.number not in (1, -1) for t in large)
        return bool(small) and len(large) - 1 + len(small) + scaled < len(self.sums)

    def _is_product(self, name: str) -> bool:
        return name in self.ops and KINDS[self.ops[name].kind].product and self.uses[name] == 1


def _by_size(terms: Sequence[Term], whole: Set[sp.Expr]) -> tuple[list[list[Term]], list[Term]]:
    """The smaller terms, those with the same axes together, and the larger ones."""
    groups: dict[frozenset[sp.Expr], list[Term]] = {}
    for term in terms:
        groups.setdefault(frozenset(labels(term.array.axes)), []).append(term)
    large = groups.pop(frozenset(whole), [])
    numbers = groups.pop(frozenset(), [])
    small = [*groups.values()] or ([[]] if numbers else [])
    return [[*small[0], *numbers], *small[1:]] if small else [], large


def _built(builder: Builder, op: Op, terms: Sequence[Term]) -> Ref:
    """The larger terms, and to these what the smaller ones are together."""
    small, large = _by_size(terms, {*labels(op.axes)})
    total = _sum(builder, large)
    for group in small:
        total = builder.map("add", total, _sum(builder, group))
    return builder.view(total, op.axes)


def _sum(builder: Builder, terms: Sequence[Term]) -> Ref:
    """A sum, first what is added as it is."""
    first, *rest = sorted(terms, key=lambda t: (t.number != 1, bool(t.number.is_negative)))
    total = _times(builder, first.array, first.number)
    for term in rest:
        less = bool(term.number.is_negative)
        size = -term.number if less else term.number
        function = "subtract" if less else "add"
        total = builder.map(function, total, _times(builder, term.array, size))
    return total


def _times(builder: Builder, array: Ref, number: sp.Expr) -> Ref:
    if number in (1, -1):
        return array if number == 1 else builder.map("negative", array)
    return builder.map("multiply", Literal(number), array)

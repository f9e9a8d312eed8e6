"""Quotients by one number for many entries, as products with its reciprocal."""

from __future__ import annotations

import sympy as sp

from symgrad.program.builder import Builder
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import (
    Literal,
    Op,
    Operand,
    Program,
    Ref,
    arguments_by,
    labels,
    stored,
)

_ONE = Literal(sp.S.One)


def products_with_reciprocals(program: Program) -> Program:
    """x / s is x (1/s), where nothing is lost by that and s is the same for many entries of x.

    A truth value times a number is exact.  The reciprocal of a root is finite and at full
    precision, or what divides by the root is as infinite, or NaN, as the product.
    """
    changed = False

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        nonlocal changed
        found = _product(builder, *op.args) if op.function == "divide" else None
        changed |= found is not None
        return found

    found = rewritten(program, rewrite)
    return owned(alive(found)) if changed else program


def _product(builder: Builder, x: Operand, below: Operand) -> Ref | None:
    """The product that is the quotient; None where it stays one."""
    if not isinstance(x, Ref):
        return None
    if isinstance(below, Literal):
        return _by_number(builder, x, below)
    if not _is_repeated(below, x) or not (_is_truth(builder, x) or _is_root(builder, below)):
        return None
    return builder.map("multiply", x, builder.map("divide", _ONE, below))


def _by_number(builder: Builder, x: Ref, number: Literal) -> Ref | None:
    """The quotient of a truth value and several numbers: that of the numbers comes first."""
    op = builder.ops.get(x.name)
    if op is None or op.function != "multiply":
        return None
    truth, factor = arguments_by(op, x.axes)
    if not isinstance(truth, Ref) or not isinstance(factor, Ref) or not _is_truth(builder, truth):
        return None
    if not _is_repeated(factor, truth):
        return None
    return builder.map("multiply", truth, builder.map("divide", factor, number))


def _is_repeated(x: Ref, among: Ref) -> bool:
    """Whether a value has fewer labels than another: it is the same for several entries."""
    return {*labels(x.axes)} < {*labels(among.axes)}


def _is_truth(builder: Builder, x: Ref) -> bool:
    return builder.dtypes[x.name] == "bool"


def _is_root(builder: Builder, x: Ref) -> bool:
    op = builder.ops.get(stored(builder.ops, x).name)
    return op is not None and op.function == "sqrt"

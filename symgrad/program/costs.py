"""What a program costs, as polynomials in the sizes: operations on numbers, and memory traffic."""

from __future__ import annotations

from collections import Counter

import sympy as sp

from symgrad.program.memory import count, item, total
from symgrad.program.program import Op, Program, labels, size_of

_FREE = ("view", "expand", "slice", "windows", "reshape", "iota", "fill", "eye")
"""Kinds that compute nothing."""


def flops(program: Program) -> sp.Expr:
    """Operations on single numbers: a product of matrices counts its multiplications and sums."""
    return total(Counter(map(_flops, program)))


def moved(program: Program, itemsize: int) -> sp.Expr:
    """Bytes that are read and written, as if no cache held any."""
    dtypes, shapes = program.dtypes, program.shapes
    found: Counter[sp.Expr] = Counter()
    for op in program:
        if op.kind not in _FREE:
            found[count(op.shape)] += item(op.dtype, itemsize)
            for ref in op.reads:
                shape = shapes[ref.name][:1] if op.function == "trace" else shapes[ref.name]
                found[count(shape)] += item(dtypes[ref.name], itemsize)
    return total(found)


def _flops(op: Op) -> sp.Expr:
    if op.kind in _FREE:
        return sp.S.Zero
    if op.function == "trace":
        return count((size_of(op.reads[0].axes[0]),))
    if op.kind in ("matmul", "contract"):
        found = dict.fromkeys(a for r in op.reads for a in labels(r.axes))
        return 2 * count(tuple(size_of(a) for a in found))
    largest = max((r.axes for r in op.reads), key=lambda axes: len(labels(axes)), default=op.axes)
    axes = largest if op.kind in ("reduce", "cumsum", "products_of_others") else op.axes
    return count(tuple(map(size_of, axes)))


def polynomial(expr: sp.Expr) -> str:
    """A polynomial in sizes as text, highest powers first: ``98,432 N + 1,024``."""
    coefficients = [t.as_coeff_Mul()[0] for t in sp.Add.make_args(expr)]
    if not expr.is_polynomial(*expr.free_symbols) or not all(c.is_Integer for c in coefficients):
        return str(expr)
    terms = sorted(sp.Add.make_args(expr), key=lambda t: (-_degree(t), str(t)))
    return " + ".join(map(_term, terms))


def _degree(term: sp.Expr) -> int:
    return sum(int(e) for _, e in _powers(term))


def _powers(term: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
    _, rest = term.as_coeff_Mul()
    found = [f.as_base_exp() for f in sp.Mul.make_args(rest) if f != 1]
    return sorted(found, key=str)


def _term(term: sp.Expr) -> str:
    number = f"{int(term.as_coeff_Mul()[0]):,}"
    sizes = " ".join(
        f"{base}^{power}" if power != 1 else str(base) for base, power in _powers(term)
    )
    return sizes if sizes and number == "1" else f"{number} {sizes}".strip()

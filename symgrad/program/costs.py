"""What a program costs, as polynomials in the sizes: operations on numbers, and memory traffic."""

from __future__ import annotations

from collections import Counter

import sympy as sp

from symgrad.program.kinds import KINDS
from symgrad.program.kinds.kind import of_axes
from symgrad.program.loop import loops
from symgrad.program.memory import item, total
from symgrad.program.program import Program, count


def flops(program: Program) -> sp.Expr:
    """Operations on single numbers: a product of matrices counts its multiplications and sums."""
    found = sp.Add(*(count((loop.size,)) * flops(loop.program) for loop in loops(program)))
    return sp.expand(found + total(Counter(KINDS[op.kind].cost(op) for op in program)))


def moved(program: Program, itemsize: int) -> sp.Expr:
    """Bytes that are read and written, as if no cache held any."""
    dtypes = program.dtypes
    found: Counter[sp.Expr] = Counter()
    for op in program:
        kind = KINDS[op.kind]
        if not kind.is_free:
            found[of_axes(op.axes)] += item(op.dtype, itemsize)
            for ref in op.reads:
                found[of_axes(kind.read(ref))] += item(dtypes[ref.name], itemsize)
    return total(found)


def polynomial(expr: sp.Expr) -> str:
    """A polynomial in sizes as text, highest powers first: ``98,432 N + 1,024``."""
    coefficients = [t.as_coeff_Mul()[0] for t in sp.Add.make_args(expr)]
    if not expr.is_polynomial(*expr.free_symbols) or not all(c.is_Integer for c in coefficients):
        return str(expr)
    terms = sorted(sp.Add.make_args(expr), key=lambda t: (-_degree(t), str(t)))
    return " + ".join(map(_term, terms)).replace("+ -", "- ")


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

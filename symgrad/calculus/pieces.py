"""Functions that are typed as a sum of their pieces."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from symgrad.calculus.definitions import Known, resolved
from symgrad.mathematics.algebra import canonical
from symgrad.mathematics.reductions import clip_above, expm1, relu, select, step


def elu(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """max(x, 0) + min(exp(x) - 1, 0), each times a number, as one choice.

    Its pieces meet at 0, where each of them has a kink and the whole may have none.
    """
    rests = [sp.Add(*(a for a in expr.args if a is not addend)) for addend in expr.args]
    for addend, rest in zip(expr.args, rests, strict=True):
        scale, above = addend.as_coeff_Mul()
        above = resolved(above, known)
        if isinstance(above, relu):
            for below, left in _below(above.args[0], rest, known):
                return select(step(above.args[0]), scale * above.args[0], below) + left
    return None


def _below(x: sp.Expr, rest: sp.Expr, known: Known) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """What the function is where x is below 0, and what is left of the sum."""
    for addend in sp.Add.make_args(rest):
        scale, below = addend.as_coeff_Mul()
        inner, below = resolved(below, known).as_coeff_Mul()
        if isinstance(below, clip_above) and below.args[1] == 0:
            height, curve = resolved(below.args[0], known).as_coeff_Mul()
            curve = _grown(resolved(curve, known), known)
            if height > 0 and isinstance(curve, expm1) and _rate(curve.args[0], x) > 0:
                yield scale * inner * height * curve, rest - addend
        elif isinstance(below, (sp.exp, expm1)) and (power := _power_below(below, x, known)) != 0:
            whole, less = expm1(power), sp.Integer(isinstance(below, sp.exp))
            yield scale * inner * whole, rest - addend + scale * inner * less


def _grown(expr: sp.Expr, known: Known) -> sp.Expr:
    """exp(x) - 1 as expm1(x)."""
    if isinstance(expr, sp.Add) and len(expr.args) == 2 and expr.args[0] == -1:
        power = resolved(expr.args[1], known)
        return expm1(power.args[0]) if isinstance(power, sp.exp) else expr
    return expr


def _power_below(power: sp.Expr, x: sp.Expr, known: Known) -> sp.Expr:
    """k u where u < 0 of exp(k min(u, 0)), u a positive multiple of x; 0 for something else.

    A choice keeps what is exponentiated below 0, and has the slope 1 at 0.
    """
    rate, bounded = power.args[0].as_coeff_Mul()
    bounded = resolved(bounded, known)
    if not isinstance(bounded, clip_above) or bounded.args[1] != 0:
        return sp.S.Zero
    inside = resolved(bounded.args[0], known)
    is_multiple = _rate(inside, resolved(x, known)) > 0
    return rate * select(step(inside), 0, inside) if is_multiple else sp.S.Zero


def _rate(one: sp.Expr, x: sp.Expr) -> sp.Expr:
    """The number that x is multiplied by; 0 where it is something else."""
    (rate, mine), (unit, whole) = one.as_content_primitive(), x.as_content_primitive()
    return rate / unit if canonical(mine - whole) == 0 else sp.S.Zero

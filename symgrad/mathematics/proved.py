"""What is known of computed values by their equations: a softmax sums to 1, X Xᵀ is symmetric."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import sympy as sp

from symgrad.mathematics.algebra import canonical
from symgrad.mathematics.assumptions import Assumption, Fact, giving, sums_to_one, symmetric
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entry, indices_of, name_of, replaced
from symgrad.mathematics.matrices import InverseEntry
from symgrad.mathematics.reductions import LogSumExp, Norm, absolute

Facts = dict[str, tuple[Assumption, ...]]


def proved(equations: Iterable[Equation], promised: Facts) -> Facts:
    """What algebra may use of values, by their names; ``promised``: of inputs."""
    known = {name for name, facts in promised.items() if giving(Fact.IS_SYMMETRIC, facts)}
    found: Facts = {}
    for equation in (e for e in equations if e.decimals is None and e.backward is None):
        facts = list(_normalised(equation))
        if _is_symmetric(equation, known):
            known.add(equation.name)
            facts.append(symmetric)
        if facts:
            found[equation.name] = tuple(facts)
    return found


def _normalised(equation: Equation) -> Iterator[Assumption]:
    """exp(x_i - log Σ_k exp(x_k)) sums to 1 over i."""
    exponent = equation.rhs.args[0] if isinstance(equation.rhs, sp.exp) else sp.S.Zero
    for total in exponent.atoms(LogSumExp):
        rest, bound = exponent + total, [limit[0] for limit in total.limits]
        if len(bound) != 1:
            continue
        for axis, index in enumerate(equation.indices):
            if isinstance(index, Index) and index.size == bound[0].size:
                along = canonical(rest.xreplace({index: bound[0]}))
                if not total.has(index) and along == canonical(total.function):
                    yield sums_to_one(axis)


def _is_symmetric(equation: Equation, known: Collection[str]) -> bool:
    """Whether exchanging its last two indices leaves an equation as it is."""
    pair = equation.indices[-2:]
    if len(pair) < 2 or not isinstance(pair[0], Index) or equation.shape[-2] != equation.shape[-1]:
        return False
    turned = replaced(equation.rhs, dict(zip(pair, pair[::-1], strict=True)))
    return bool(_in_order(turned, known) == _in_order(equation.rhs, known))


def _in_order(expr: sp.Expr, known: Collection[str]) -> sp.Expr:
    """The same for x[i,j] and x[j,i] of symmetric x, and for (x - y)² and (y - x)²."""
    return canonical(_unsigned(canonical(mirrored(expr, known))))


def mirrored(expr: sp.Expr, known: Collection[str]) -> sp.Expr:
    """The entries of symmetric matrices, and of their inverses, with their indices in one order."""
    turned: dict[sp.Expr, sp.Expr] = {}
    for atom in expr.atoms(sp.Indexed):
        if name_of(atom) in known:
            *lead, i, j = indices_of(atom)
            if str(j) < str(i):
                turned[atom] = entry(name_of(atom), (*lead, j, i))
    for atom in expr.atoms(InverseEntry):
        i, j = atom.at
        whole = isinstance(atom.function, sp.Indexed) and name_of(atom.function) in known
        if whole and str(j) < str(i):
            turned[atom] = atom.elsewhere(InverseEntry, j, i)
    return expr.xreplace(turned) if turned else expr


def _unsigned(expr: sp.Expr) -> sp.Expr:
    """Even functions of one of x and -x."""
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    args = [_unsigned(a) if isinstance(a, sp.Expr) else a for a in expr.args]
    even = isinstance(expr, (absolute, Norm)) or (
        isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp.is_even
    )
    if even and args[0].could_extract_minus_sign():
        args[0] = -args[0]
    return expr if args == list(expr.args) else expr.func(*args)

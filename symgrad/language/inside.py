"""How a value stands in what it is written into: linearly, as a product, with which sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from symgrad.mathematics.algebra import instance, weight
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, indices_of, is_entry, name_of

LONGEST = 40
"""The weight beyond which a value gets a name of its own.

Of 690 values that the test losses read once, one is above it (41): what a person writes in a line
stays a line, and what a loop piles up is cut.
"""


def is_root(rhs: sp.Expr) -> bool:
    """Whether a value is the square root of another one."""
    return bool(rhs.is_Pow and rhs.exp == sp.S.Half and is_entry(rhs.base))


def with_sign(equation: Equation) -> tuple[int, Equation]:
    """A sign, and the equation without it: what gets a name is z, not -z."""
    rhs = equation.rhs
    if isinstance(rhs, sp.Sum) and rhs.function.could_extract_minus_sign():
        return -1, replace(equation, rhs=sp.Sum(-rhs.function, *rhs.limits))
    if all(a.could_extract_minus_sign() for a in sp.Add.make_args(rhs)):
        return -1, replace(equation, rhs=-rhs)
    return 1, equation


def is_product(rhs: sp.Expr) -> bool:
    """Whether an expression is a product of entries and numbers, summed or not."""
    if isinstance(rhs, sp.Sum):
        return is_product(rhs.function)
    return all(
        not e.args
        or isinstance(e, sp.Indexed)
        or (isinstance(e, sp.Sum) and is_product(e))
        or not entries(e)
        for e in sp.Mul.make_args(rhs)
    )


def linear_entries(rhs: sp.Expr) -> set[sp.Expr]:
    """The entries that stand in no function, power or reduction, nor as an index."""
    if isinstance(rhs, (sp.Add, sp.Mul)):
        return set().union(*map(linear_entries, rhs.args))
    if isinstance(rhs, sp.Sum):
        return linear_entries(rhs.function)
    return {rhs} if is_entry(rhs) else set()


def terms_of(rhs: sp.Expr) -> set[sp.Expr]:
    """The entries that are terms, or multiplied by numbers or other entries, outside of sums."""
    if isinstance(rhs, (sp.Add, sp.Mul)):
        return set().union(*map(terms_of, rhs.args))
    return {rhs} if is_entry(rhs) else set()


SUM = 120
"""The weight up to which the terms of one number are in one equation: of data, and of penalties."""


def _is_short(equation: Equation, reader: sp.Expr) -> bool:
    """Whether a value may be written into what it is a term of."""
    if weight(equation.rhs) <= LONGEST:
        return True
    both = weight(equation.rhs) + weight(reader)
    terms = equation.rhs.args if equation.rhs.is_Add and not equation.indices else ()
    return both <= SUM and 0 < max(map(weight, terms), default=0) <= LONGEST


def written_in_terms(
    equations: dict[str, Equation], nameless: Iterable[str]
) -> dict[str, Equation]:
    """Those of these values that turned out to be terms, as that of ‖x‖² is, written in there."""
    readers: dict[str, list[str]] = {}
    for key, equation in equations.items():
        sides = (equation.rhs, equation.backward or sp.S.Zero)
        for read in {name_of(a) for side in sides for a in entries(side)}:
            readers.setdefault(read, []).append(key)
    found: dict[str, Equation] = {}
    for name in nameless:
        key, *others = readers.get(name, ["", ""])
        rhs = sp.S.Zero if others else equations[key].rhs
        atoms = [a for a in entries(rhs) if name_of(a) == name]
        if len(atoms) == 1 and atoms[0] in terms_of(rhs) and _is_short(equations[name], rhs):
            found[name] = equations.pop(name)
            term = instance(found[name], indices_of(atoms[0]))
            equations[key] = replace(equations[key], rhs=rhs.xreplace({atoms[0]: term}))
    return found

"""Data that are one of two numbers: labels that are 0 and 1, or -1 and 1."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from symgrad.audit.aliases import base_of, views
from symgrad.audit.findings import Audit
from symgrad.audit.form import Form
from symgrad.audit.orders import most_right
from symgrad.audit.reference import PAIRS, Pair, Reference
from symgrad.audit.statements import number_of
from symgrad.mathematics.indices import is_entry, name_of

Labels = Mapping[str, Pair]


def settle(reference: Reference, tree: ast.AST, form: Form, right: Callable[[], float]) -> None:
    """Have labels drawn from the two numbers with which most gradients are right.

    A script has labels of its own, which tell.
    """
    if form.script:
        return

    def with_labels(labels: Labels) -> float:
        reference.two_valued = labels
        return right()

    choices = list(_choices(reference, tree, form))
    reference.two_valued = most_right(choices, with_labels, len(reference.derivation.wrt))


def _choices(reference: Reference, tree: ast.AST, form: Form) -> Iterator[Labels]:
    """What labels may be; any numbers where none is said to be one of two."""
    asked = dict(_asked(reference, tree, form))
    if not asked and (weights := weighing(reference)):
        yield from ({}, dict.fromkeys(weights, PAIRS[0]))
        return
    equal = {n: numbers for n, (numbers, is_equal) in asked.items() if is_equal}
    if asked.keys() != equal.keys() or not asked:
        yield {}
    for pair in PAIRS if asked else ():
        fitting = [n for n in asked if equal.get(n, set()) <= {*pair}]
        if len(fitting) == len(asked):
            yield dict.fromkeys(fitting, pair)
    if equal and not any(numbers <= {*pair} for numbers in equal.values() for pair in PAIRS):
        yield {}


def _asked(
    reference: Reference, tree: ast.AST, form: Form
) -> Iterator[tuple[str, tuple[set[float], bool]]]:
    """The data that are compared with numbers: with which, and whether for being the same."""
    for code, name in _arguments(form):
        variable = reference.inputs.get(name)
        if variable is None or variable.role != "data" or variable.dtype != "float":
            continue
        names = {code, *views(tree, code)}
        compared = [c for n in ast.walk(tree) for c in _compared(n, names)]
        if compared:
            equal = any(is_equal for _, is_equal in compared)
            yield name, ({v for v, _ in compared if v is not None}, equal)


def with_two(
    reference: Reference, form: Form, audited: Callable[[], Audit], seconds: float
) -> Audit:
    """What is found; at labels that are 0 and 1, where only there the fault has a name.

    ``seconds``: for how long that may take.
    """
    until = time.monotonic() + seconds / 2
    found, weights = audited(), [] if form.script else weighing(reference)
    if not found.faults or found.faults[0].kind != "unnamed" or not weights:
        return found
    if time.monotonic() > until:
        return found
    before, reference.two_valued = reference.two_valued, dict.fromkeys(weights, PAIRS[0])
    other = audited() if before != reference.two_valued else found
    named = bool(other.faults) and other.faults[0].kind != "unnamed"
    told = f"the fault shows where labels are 0 and 1: {', '.join(weights)}"
    return replace(other, remarks=(*other.remarks, told)) if named else found


def weighing(reference: Reference) -> list[str]:
    """The data that a spec reads beside their complements, as labels are: ``y`` and ``1 - y``."""
    data = [v.name for v in reference.inputs.values() if v.role == "data" and v.dtype == "float"]
    free = [n for n in data if not reference.inputs[n].assumptions]
    sums = [s for e in reference.system for s in e.rhs.atoms(sp.Add)]
    taken = {name_of(a) for s in sums if sp.S.One in s.args for a in _subtracted(s)}
    return [n for n in free if n in taken]


def _subtracted(whole: sp.Add) -> list[sp.Expr]:
    """The entries that are subtracted from 1."""
    others = [-a for a in whole.args if a != sp.S.One]
    return others if len(others) == 1 and is_entry(others[0]) else []


def _arguments(form: Form) -> Iterator[tuple[str, str]]:
    """The arguments of what is called that get an input each."""
    calls: Iterator[Any] = (call for kind, call in form.calls if kind in ("function", "method"))
    for _, arguments in calls:
        yield from ((code, name) for code, name in arguments.items() if isinstance(name, str))


def _compared(node: ast.AST, names: set[str]) -> Iterator[tuple[float | None, bool]]:
    """The numbers with which some names are compared, or None for a truth that is asked."""
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        sides = (node.left, node.comparators[0])
        for mine, other in (sides, sides[::-1]):
            number = number_of(other)
            if base_of(mine) in names and number is not None:
                yield number, isinstance(node.ops[0], (ast.Eq, ast.NotEq))
    elif _asks(node, names) or _maps_two_numbers(node, names):
        yield None, False


def _asks(node: ast.AST, names: set[str]) -> bool:
    """Whether it is asked for the truth of some names."""
    return isinstance(node, (ast.If, ast.IfExp)) and base_of(node.test) in names


def _maps_two_numbers(node: ast.AST, names: set[str]) -> bool:
    """Whether labels of 0 and 1 are made -1 and 1, or the other way round: 2 y - 1, (y + 1) / 2."""
    if not isinstance(node, ast.BinOp):
        return False
    added = isinstance(node.op, (ast.Add, ast.Sub))
    inner = ast.Mult if added else (ast.Add, ast.Sub)
    by = {1.0} if added else {2.0, 0.5}
    for mine, number in ((node.left, node.right), (node.right, node.left)):
        if number_of(number) in by and isinstance(mine, ast.BinOp) and isinstance(mine.op, inner):
            sides = (mine.left, mine.right)
            numbers = {number_of(s) for s in sides} & ({2.0} if added else {1.0})
            if numbers and any(base_of(s) in names for s in sides):
                return True
    return False

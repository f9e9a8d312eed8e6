"""The tester tested: a fault planted in any entry of a table is seen by the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy.core.cache import clear_cache

import symgrad as sg
from symgrad.calculus import rules
from symgrad.calculus.derivation import Derivation
from symgrad.checks.derived import run
from symgrad.mathematics.indices import Index
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS
from symgrad.mathematics.records import Constant
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS, select, trigamma
from symgrad.mathematics.scalars import sinc_slope

Change = Callable[[sp.Expr], sp.Expr]


def swapped(expr: sp.Expr) -> sp.Expr:
    """Two free indices exchanged: a transposition."""
    free = sorted((s for s in expr.free_symbols if isinstance(s, Index)), key=str)
    pair = next(((a, b) for a in free for b in free if a != b and a.size == b.size), None)
    return expr if pair is None else expr.xreplace({pair[0]: pair[1], pair[1]: pair[0]})


def unsummed(expr: sp.Expr) -> sp.Expr:
    """A sum lost: its first term alone."""
    sums = sorted(expr.atoms(sp.Sum), key=str)
    first = {s: s.function.xreplace({k[0]: sp.S.Zero for k in s.limits}) for s in sums}
    return expr.xreplace(first)


CHANGES: dict[str, Change] = {
    "factor": lambda e: e * sp.Rational(1_000_001, 1_000_000),
    "sign": lambda e: -e,
    "term": lambda e: e + sp.Rational(1, 1000),
    "transposition": swapped,
    "lost sum": unsummed,
}


@pytest.fixture(autouse=True)
def no_memory() -> None:
    """SymPy remembers derivatives, those of before a fault too."""
    clear_cache()


def failed(derivation: Derivation) -> bool:
    return not all(c.passed for c in run(derivation))


def changes(right: sp.Expr) -> Iterator[str]:
    """The faults that change an expression."""
    yield from (name for name, change in CHANGES.items() if change(right) != right)


# -- functions of numbers -------------------------------------------------------------------------

MINE = [leaf for leaf in LEAVES.values() if getattr(leaf.cls, "partials", ())]


def with_leaf(cls: type[sp.Function]) -> Derivation:
    """A loss that is a sum of the function, its arguments inside its domain."""
    middle = [(low + high) / 2 for low, high in LEAVES[cls].domain]
    reach = [(high - low) / 3 or 0.25 for low, high in LEAVES[cls].domain]
    inputs = [sg.param(f"x{k}", (3,)) for k in range(len(middle))]
    values = [
        sp.Rational(str(round(m, 4))) + sp.Rational(str(round(r, 4))) * sp.tanh(x.at(x.indices))
        for m, r, x in zip(middle, reach, inputs, strict=True)
    ]
    index = inputs[0].indices
    body = cls(*(v.xreplace({x.indices[0]: index[0]}) for v, x in zip(values, inputs, strict=True)))
    return sg.derive(np.sum(sg.Array(index, body, inputs)), names={})


@pytest.mark.sampled(4)
@pytest.mark.parametrize("leaf", MINE, ids=lambda leaf: leaf.cls.__name__)
def test_a_wrong_derivative_of_a_leaf_is_seen(leaf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not failed(with_leaf(leaf.cls))
    for place, partial in enumerate(leaf.cls.partials):
        for name in ("factor", "sign", "term"):
            wrong = list(leaf.cls.partials)
            wrong[place] = lambda *a, p=partial, c=CHANGES[name]: c(p(*a))
            with monkeypatch.context() as patch:
                clear_cache()
                patch.setattr(leaf.cls, "partials", tuple(wrong))
                assert failed(with_leaf(leaf.cls)), (name, place)


def test_no_leaf_is_left_out() -> None:
    others = {c for c in LEAVES if LEAVES[c] not in MINE and not c.__module__.startswith("sympy")}
    assert all(issubclass(c, Constant) or c in (select, sinc_slope, trigamma) for c in others)


# -- reductions and functions of matrices ---------------------------------------------------------


def with_reduction(cls: type[sp.Expr]) -> Derivation:
    x, w = sg.param("x", (3, 4)), sg.data("w", (3,))
    i, k = x.indices
    return sg.derive(np.sum(sg.Array((i,), cls(x.at((i, k)), k.limits), [x]) * w), names={})


@pytest.mark.parametrize(
    "cls", [c for c in REDUCTIONS if c is not sp.Sum], ids=lambda cls: cls.__name__
)
def test_a_wrong_weight_of_a_reduction_is_seen(cls: Any, monkeypatch: Any) -> None:
    assert not failed(with_reduction(cls))
    weight = cls.weight
    for name in ("factor", "sign", "term"):
        with monkeypatch.context() as patch:
            clear_cache()
            patch.setattr(cls, "weight", lambda *a, c=CHANGES[name]: c(weight(*a)))
            assert failed(with_reduction(cls)), name


MATRIX_CALLS: dict[str, Callable[[Any], Any]] = {
    "InverseEntry": np.linalg.inv,
    "DeterminantValue": np.linalg.det,
    "LogAbsDeterminant": lambda a: np.linalg.slogdet(a)[1],
    "CholeskyEntry": np.linalg.cholesky,
    "EigenvalueEntry": np.linalg.eigvalsh,
    "EigenvectorEntry": lambda a: np.linalg.eigh(a)[1] ** 2,
    "SingularValueEntry": np.linalg.svdvals,
}
OF_SYMMETRIC = ("CholeskyEntry", "EigenvalueEntry", "EigenvectorEntry")


def with_matrix(name: str) -> Derivation:
    x, w = sg.param("x", (3, 3)), sg.data("w", (3, 3))
    positive = x @ x.T + 2 * np.eye(3) if name in OF_SYMMETRIC else x + 2 * np.eye(3)
    return sg.derive(np.sum(MATRIX_CALLS[name](positive) * w), names={})


@pytest.mark.parametrize(
    "cls", [c for c in MATRIX_FUNCTIONS if "partial" in vars(c)], ids=lambda cls: cls.__name__
)
def test_a_wrong_derivative_of_a_function_of_matrices_is_seen(cls: Any, monkeypatch: Any) -> None:
    assert not failed(with_matrix(cls.__name__))
    partial = cls.partial
    faults: dict[str, Any] = {
        name: lambda s, r, c, f=CHANGES[name]: f(partial(s, r, c)) for name in ("factor", "sign")
    }
    if cls.__name__ not in OF_SYMMETRIC:
        faults["transposition"] = lambda s, r, c: partial(s, c, r)
    elif cls.__name__ != "EigenvalueEntry":  # which has no sum
        faults["lost sum"] = lambda s, r, c: unsummed(partial(s, r, c))
    for name, fault in faults.items():
        with monkeypatch.context() as patch:
            clear_cache()
            patch.setattr(cls, "partial", fault)
            assert failed(with_matrix(cls.__name__)), name


# -- rules ----------------------------------------------------------------------------------------


def example_of(rule: rules.Rule) -> Derivation:
    """A derivation in which the rule is used."""
    sizes = dict.fromkeys("fgxyuos", (3, 3)) | {"p": (3,), "r": (3,)}
    arrays = {
        name: (sg.param if name in "xr" else sg.data)(name, shape, assume=rule.given.get(name))
        for name, shape in sizes.items()
    }
    return sg.derive(eval(rule.example, {"np": np, "sg": sg} | arrays), names={})


def used_in(derivation: Derivation) -> set[str]:
    return {step.rule for a in derivation.adjoints for step in a.steps}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("used", dict.fromkeys(rules.RULES), ids=lambda rule: rule.name)
def test_a_rule_that_does_wrong_is_seen(used: rules.Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    right = example_of(used)
    assert used.name in used_in(right)
    assert not failed(right)
    for fault in ("factor", "sign", "term"):
        change = CHANGES[fault]

        def planted(rule: rules.Rule, change: Change = change) -> rules.Rule:
            def apply(expr: sp.Expr, context: rules.Context) -> sp.Expr:
                after = rule.apply(expr, context)
                return after if after == expr else change(after)

            return replace(rule, apply=apply)

        wrong = tuple(planted(r) if r is used else r for r in rules.RULES)
        with monkeypatch.context() as patch:
            clear_cache()
            patch.setattr(rules, "RULES", wrong)
            assert failed(example_of(used)), fault

"""What is solved once and renamed is what each problem would have come to by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.calculus import reverse_mode
from symgrad.mathematics.indices import Index, entry
from symgrad.mathematics.renaming import Problem, renamed

SIZE = sp.Symbol("P", integer=True, positive=True)
I = Index("@0", SIZE)


def layers(names: Sequence[str], *, norm: bool = False) -> sg.Array:
    """A network with a layer for each name, of the width of its input."""
    a = sg.data("features", ("P", 3))
    values = {}
    for name in names:
        z = a @ sg.param(f"{name}w", (3, 3)) + sg.param(f"{name}v", (3,))
        if norm:
            z = (z - np.mean(z, axis=1, keepdims=True)) / np.sqrt(np.sum(z**2) + 1)
        values[name] = a = np.tanh(z) * sg.param(f"{name}s", (3,), assume=sg.positive)
    y = sg.data("y", ("P", 3), assume=sg.one_hot(axis=1))
    p = np.exp(a) / np.sum(np.exp(a), axis=1, keepdims=True)
    values["loss"] = -np.sum(y * np.log(p))
    NAMED.clear()
    NAMED.update(values)
    return values["loss"]


NAMED: dict[str, sg.Array] = {}


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(
    "names",
    [
        [f"h{k}" for k in range(7, 13)],
        ["h", "h1", "h11", "h1_", "h1a", "hA"],
        ["Z", "a", "features1", "P1", "Sum1", "_h", "λ", "zz", "Y"],
    ],
)
def test_layers_that_are_alike_come_to_what_each_comes_to_alone(
    names: list[str], norm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = layers(names, norm=norm)
    shared = sg.derive(loss, names=NAMED)
    alone = property(lambda self: object())
    monkeypatch.setattr(reverse_mode.Problem, "key", alone)
    assert sg.derive(loss, names=NAMED).adjoints == shared.adjoints


def test_most_layers_are_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = []
    solution = reverse_mode._Walk._solution

    def counted(self, task):  # type: ignore[no-untyped-def]
        solved.append(task.value)
        return solution(self, task)

    monkeypatch.setattr(reverse_mode._Walk, "_solution", counted)
    derived = sg.derive(layers([f"g{k}" for k in range(30, 60)]), names=NAMED)
    assert len(solved) < len(derived.adjoints) / 3


def key(*names: str, **facts: str) -> object:
    problem = Problem(facts)
    problem.add(sp.Add(*(entry(n, (I,)) for n in names[:2])) * entry(names[-1], (I,)))
    problem.add(*names)
    return problem.key


@pytest.mark.parametrize(
    ("mine", "theirs", "alike"),
    [
        (("u", "v", "w"), ("a", "b", "c"), True),
        (("u", "v", "w"), ("u", "w", "v"), False),
        (("u1", "v", "w"), ("u2", "v", "w"), True),
        (("u9", "u8", "w"), ("u10", "u9", "w"), False),  # u10 comes before u9
        (("u", "u1", "w"), ("u", "u2", "w"), True),
        (("u", "u1", "w"), ("u", "v", "w"), False),  # u1[i] comes before u[i], v[i] after it
        (("u", "u1", "w"), ("u", "ua", "w"), False),
        (("u", "v", "w"), ("A", "B", "C"), False),  # the size P comes before one, after the other
        (("u", "v", "u"), ("u", "v", "w"), False),
        (("u", "v", "_w"), ("u", "v", "_x"), False),
    ],
)
def test_problems_are_alike_if_their_names_compare_alike(
    mine: tuple[str, ...], theirs: tuple[str, ...], alike: bool
) -> None:
    assert (key(*mine) == key(*theirs)) == alike


def test_what_is_promised_of_a_name_is_promised_of_no_other() -> None:
    assert key("u", "v", "w", v="positive") != key("u", "v", "w")
    assert key("u", "v", "w", v="positive") != key("u", "v", "w", w="positive")
    assert key("u", "v", "w", v="positive") == key("a", "b", "c", b="positive")


def test_kinds_of_names_are_told_apart() -> None:
    keys = set()
    for kind in ({"real": True}, {"integer": True}):
        problem = Problem({})
        problem.add(sp.IndexedBase("u", **kind)[I])
        keys.add(problem.key)
    assert len(keys) == 2


def test_only_names_change() -> None:
    u, v = entry("u", (I,)), entry("v", ())
    held = sp.Mul(2, u + v, evaluate=False)  # SymPy would multiply it out
    total = sp.Sum(sp.exp(held), (I, 0, SIZE - 1))
    found = renamed(total, {"u": "a", "v": "b"})
    assert str(found) == str(total).replace("u[", "a[").replace("v", "b")
    assert found.function.args[0].args[0] == 2

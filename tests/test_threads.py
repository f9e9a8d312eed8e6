"""Derivations in several threads, and after others: each is what it is alone, byte for byte."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symgrad as sg
from symgrad.mathematics import indices
from tests.losses import LOSSES, Loss

TAKEN = ("mlp_tanh", "layer_norm", "graph_attention", "lstm", "group_norm")
LEFT: dict[str, Callable[[], sg.Array]] = {
    loss.name: lambda loss=loss: value_of(loss) for loss in LOSSES if loss.name in TAKEN
}


def value_of(loss: Loss) -> sg.Array:
    arrays = {n: sg.param(n, s) for n, s in loss.params.items()}
    arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
    arrays |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
    return loss.function(np, **arrays)


def rotated() -> sg.Array:
    """An array of NumPy's with values in it, read twice."""
    t, x = sg.param("t", ()), sg.data("x", ("N", 2))
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    return np.sum(np.tanh(x @ turn) ** 2) + np.sum(turn @ turn)


LEFT["rotated"] = rotated


def printings(name: str) -> tuple[str, ...]:
    d = sg.derive(LEFT[name](), names={})
    return d.source(), d.latex(), str(d.render("text"))


@pytest.fixture(scope="module")
def alone() -> dict[str, tuple[str, ...]]:
    return {name: printings(name) for name in LEFT}


@pytest.fixture
def switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.long
@pytest.mark.usefixtures("switching_often")
def test_derivations_in_threads_are_those_of_one_alone(alone: dict[str, tuple[str, ...]]) -> None:
    names = sorted(LEFT) * 2
    random.Random(3).shuffle(names)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(printings, names))
    assert len(found) == 12
    for name, printed in zip(names, found, strict=True):
        for mine, theirs in zip(printed, alone[name], strict=True):
            assert mine == theirs, name


@pytest.mark.long
def test_a_derivation_does_not_depend_on_those_before_it(alone: dict[str, tuple[str, ...]]) -> None:
    for name in reversed(LEFT):
        assert printings(name) == alone[name]


def test_an_array_may_be_built_in_one_thread_and_used_in_another() -> None:
    """Indices of both threads meet in one equation, and none is taken for another."""
    x, w = sg.data("x", ("N", 3)), sg.param("w", (3, 2))
    with ThreadPoolExecutor(1) as pool:
        hidden = pool.submit(lambda: np.tanh(x @ w)).result()
    gram = hidden.T @ hidden
    module = sg.derive(np.sum(gram @ gram), names={}).compile()
    rng = np.random.default_rng(0)
    point = {"x": rng.normal(size=(5, 3)), "w": rng.normal(size=(3, 2))}
    value, _ = module.loss_and_gradients(**point)
    h = np.tanh(point["x"] @ point["w"])
    np.testing.assert_allclose(value, np.sum(h.T @ h @ h.T @ h), rtol=1e-12)


def test_internal_names_are_in_the_order_of_their_numbers() -> None:
    """As SymPy sees it, which compares names: else terms would stand in another order now and then.

    So many from the start that some would have a digit more than the one before.
    """
    made = [f"_{n}" for n in itertools.islice(indices.long_numbers(), 2000)]
    assert made == sorted(set(made))

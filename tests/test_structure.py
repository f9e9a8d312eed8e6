"""Slices, reshapes, joins, windows and linear algebra: right, and as one types them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symgrad as sg
from symgrad.errors import SpecError
from tests import structures

TRIED = 15
"""How many random specs a test run tries; ``make fuzz`` tries more."""


@pytest.mark.long
@settings(max_examples=TRIED, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_specs(data: st.DataObject) -> None:
    def choose(bound: int) -> int:
        return data.draw(st.integers(0, bound - 1))

    spec = structures.random_spec(choose)
    with contextlib.suppress(SpecError):  # what is refused is not wrong
        structures.check(spec)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("seed", range(20))
def test_specs_of_fixed_seeds_are_derived(seed: int) -> None:
    """Without names of sizes nothing is refused."""
    spec = structures.random_spec(random.Random(seed).randrange)
    spec.named = False
    structures.check(spec, seed)


# What was found once


@pytest.mark.parametrize(
    ("params", "lines"),
    [
        ({"a": (3,)}, ["loss = np.sum(np.where(a > 0.1, np.where(a > 0.5, 0, 3), 1) * a)"]),
        ({"a": (3,)}, ["b = np.where(a > 0.3, a, 0.5 * a**2)", "loss = np.sum(b**2)"]),
        ({"a": (4, 1), "b": (2, 3)}, ["loss = np.sum(np.kron(a, b) ** 3) + np.sum(a[::-1] * a)"]),
    ],
)
def test_once_found(params: dict[str, tuple[int, ...]], lines: list[str]) -> None:
    assert structures.check(structures.Spec(params, {}, lines, {}))


# How it reads


def source(lines: str, **shapes: tuple[int | str, ...]) -> str:
    """The lines of the generated function."""
    arrays = {name: sg.param(name, shape) for name, shape in shapes.items()}
    scope = {**arrays, "np": np, "windows": np.lib.stride_tricks.sliding_window_view}
    exec(lines, scope)
    values = {n: v for n, v in scope.items() if isinstance(v, sg.Array)}
    return sg.derive(scope["loss"], names=values).source(plain=True)


X = (6, 4)


@pytest.mark.parametrize(
    ("code", "shapes", "expected"),
    [
        ("z = np.tanh(x); loss = np.sum(z[:, 1:3] ** 3)", {"x": X}, ["z[:, 1:3]"]),
        ("z = np.tanh(x); loss = np.sum(z[::2] * z[1::2])", {"x": X}, ["z[::2]", "z[1::2]"]),
        ("z = np.tanh(x); loss = np.sum(z[::-1] * z)", {"x": X}, ["z[::-1]"]),
        ("z = np.tanh(x); loss = np.sum(z[1:] * z[:-1])", {"x": ("N", 4)}, ["z[1:]", "z[:-1]"]),
        ("z = np.tanh(x); loss = np.sum(z[-2:] ** 3)", {"x": ("N", 4)}, ["z[-2:]", "[-2:] = "]),
        ("z = np.tanh(x); loss = np.sum(z[-1] ** 3)", {"x": ("N", 4)}, ["z[-1]"]),
        ("z = np.tanh(x); loss = np.sum(z[4:0:-2] ** 3)", {"x": X}, ["z[4:1:-2]"]),
        ("z = np.concatenate([x, y]); loss = np.sum(z**3)", {"x": X, "y": (2, 4)},
         ["np.concatenate([x, y])"]),
        ("z = np.stack([x, y], axis=1); loss = np.sum(z**3)", {"x": X, "y": X},
         ["np.stack([x, y], axis=1)"]),
        ("z = np.tanh(x); loss = np.sum(z[:2] ** 3) + np.sum(z[2:] ** 2)", {"x": X},
         ["np.concatenate(["]),
        ("z = np.reshape(x @ w, (6, 2, 3)); loss = np.sum(z**3)", {"x": X, "w": (4, 6)},
         ["(x @ w).reshape(6, 2, 3)"]),
        ("z = np.reshape(np.tanh(x), (-1,)); loss = np.sum(z**3)", {"x": ("N", "T")},
         [".reshape(N * T)"]),
        ("z = windows(x, 3); loss = np.sum((z @ k) ** 2)", {"x": (7,), "k": (3,)},
         ["sliding_window_view(x, 3, axis=0)", "for j in range(3):"]),
        ("z = np.cumsum(x, axis=0); loss = np.sum(z**3)", {"x": X},
         ["np.cumsum(x, axis=0)", "[::-1]"]),
        ("loss = np.sum(np.tril(x) @ np.tril(x))", {"x": (4, 4)}, ["np.tril(x)"]),
        ("loss = np.sum(np.linalg.solve(a, b) ** 2)", {"a": (3, 3), "b": (3,)},
         ["np.linalg.solve(a, b)", "np.linalg.solve(a.T, "]),
        ("loss = np.sum(np.linalg.solve(a, b) ** 2)", {"a": (3, 3), "b": (3, 2)},
         ["np.linalg.solve(a, b)", "np.linalg.solve(a.T, "]),
        ("s, l = np.linalg.slogdet(a); loss = s * l", {"a": (3, 3)}, ["= np.linalg.slogdet(a)"]),
        ("loss = np.trace(a @ a) - np.linalg.slogdet(a)[1]", {"a": (3, 3)},
         ["np.linalg.inv(a).T"]),
        ("loss = np.sum((a + s * np.eye(3)) ** 2)", {"a": (3, 3), "s": ()}, ["np.eye(3"]),
    ],
)  # fmt: skip
def test_reads_as_one_types_it(
    code: str, shapes: dict[str, tuple[int | str, ...]], expected: list[str]
) -> None:
    text = source(code, **shapes)
    for part in expected:
        assert part in text


@pytest.mark.parametrize(
    ("code", "shapes", "absent"),
    [
        ("z = np.tanh(x); loss = np.sum(z[1:3] ** 3)", {"x": X}, "np.add.at"),
        ("z = np.cumsum(x, axis=0); loss = np.sum(z**3)", {"x": X}, "np.arange"),
    ],
)
def test_does_no_more_than_it_has_to(
    code: str, shapes: dict[str, tuple[int, ...]], absent: str
) -> None:
    assert absent not in source(code, **shapes)


# Sizes that are known at run time only


@pytest.mark.parametrize(
    "line",
    [
        "loss = np.sum(np.tanh(x)[1:] * np.tanh(x)[:-1])",
        "loss = np.sum(np.tanh(x)[-2:] ** 3) + np.sum(x[-1] ** 2)",
        "loss = np.sum(np.tanh(x)[::-1] * x)",
        "loss = np.sum(np.tanh(np.concatenate([x, x ** 2])) * np.concatenate([x ** 3, x]))",
        "loss = np.sum(np.reshape(np.tanh(x), (-1,)) ** 3)",
        "loss = np.sum(np.cumsum(x, axis=0) ** 2) + np.sum(np.roll(x, 1, axis=0) * x)",
        "loss = np.sum(np.pad(x, ((1, 2), (0, 0)), 'constant') ** 3)",
        "loss = np.sum(windows(x, 2, 0) ** 3)",
    ],
)
def test_named_sizes(line: str) -> None:
    for size in (3, 5):
        spec = structures.Spec({"x": (size, 2)}, {}, [line], {}, named=True)
        assert structures.check(spec)


def test_a_part_of_a_product_of_named_sizes_is_refused() -> None:
    x = sg.param("x", ("M", "N"))
    with pytest.raises(SpecError, match="not for every size is this a whole number"):
        np.reshape(np.tanh(x), (2, -1))


def test_a_size_that_a_slice_does_not_fit_is_an_error() -> None:
    x = sg.param("x", ("N",))
    module = sg.derive(np.sum(np.tanh(x)[-3:] ** 2 * np.arange(1.0, 4.0)), names={}).compile()
    with pytest.raises(ValueError, match="broadcast"):
        module.loss_and_gradients(x=np.ones(2))


@pytest.mark.parametrize("cut", ["[::-1]", "[2:]", "[1::2]", "[-2::-2]"])
def test_labels_of_a_slice_count_from_its_start(cut: str) -> None:
    lines = [f"loss = np.sum(np.tanh(x){cut}[y] ** 3) + np.sum((x{cut})[y] ** 2)"]
    assert structures.check(structures.Spec({"x": (5,)}, {"y": ((3,), 2)}, lines, {}))


def test_labels_outside_of_a_slice_are_refused() -> None:
    x, y = sg.param("x", (5,)), sg.data("y", (2,), dtype=int)
    module = sg.derive(np.sum((x[1:])[y] ** 2), names={"x": x, "y": y}).compile()
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        module.loss(x=np.ones(5), y=np.array([0, 4]))


def test_labels_into_a_cut_axis_of_a_named_size() -> None:
    x, y = sg.param("x", ("N",)), sg.data("y", (3,), dtype=int)
    z = np.tanh(x)[1:]
    module = sg.derive(np.sum(z[y] ** 2)).compile()
    at = np.array([0.5, -1.0, 2.0])
    assert module.loss(x=at, y=[0, 1, 1]) == pytest.approx(np.sum(np.tanh(at)[[1, 2, 2]] ** 2))
    with pytest.raises(ValueError, match="labels from 0 to 1"):
        module.loss(x=at, y=[0, 1, 2])


# Derivatives of arrays, and second derivatives


def _rectangle(np, x):
    return np.concatenate([x**2, np.tanh(x) * 2.0], axis=0)


def _reversed_products(np, x):
    return np.tanh(x)[1:4] * x[::-1][:3]


def _inverse(np, x):
    return np.linalg.inv(np.outer(x, x) + 3 * np.eye(4))


def _squares(np, x):
    return np.sum(np.reshape(x, (2, 2)) @ np.reshape(x**2, (2, 2)))


def _neighbours(np, x):
    return np.sum((x[1:] * x[:-1]) ** 2) + np.sum(np.cumsum(x) ** 3)


@pytest.mark.parametrize(
    ("f", "order"),
    [(_rectangle, 1), (_reversed_products, 1), (_inverse, 1), (_squares, 2), (_neighbours, 2)],
)
def test_jacobians_and_hessians(f: Callable[..., Any], order: int) -> None:
    x, at = sg.param("x", (4,)), np.array([0.3, -0.7, 1.1, 0.4])
    derive = sg.jacobian if order == 1 else sg.hessian
    (found,) = derive(f(np, x), "x", names={"x": x}).compile().gradients(x=at)
    reference = (autograd.jacobian if order == 1 else autograd.hessian)(lambda v: f(anp, v))(at)
    np.testing.assert_allclose(found, reference, atol=1e-12)


@pytest.mark.parametrize(
    "blocks", [lambda A: [A, [A]], lambda A: [[A], A], lambda A: [[A], []], lambda A: [[A, (A, A)]]]
)
def test_blocks_are_nested_equally_deep(blocks: Callable[[sg.Array], Any]) -> None:
    with pytest.raises(SpecError, match=r"np\.block"):
        np.block(blocks(sg.param("A", (2, 2))))


def test_a_condition_without_axes_is_no_index() -> None:
    with pytest.raises(SpecError, match="indexing by a condition"):
        sg.param("A", (2, 2))[np.array(True)]

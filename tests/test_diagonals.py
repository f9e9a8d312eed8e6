"""Diagonals and triangles of every shape, clip at its bounds, and what errors call a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import SpecError

Function = Callable[[Any], Any]

FIXED: list[tuple[str, Function, tuple[int, ...]]] = [
    ("diag above", lambda x: np.diag(x, 1), (3,)),
    ("diag below", lambda x: np.diag(x, -2), (3,)),
    ("diag of a wide matrix", lambda x: np.diag(x, 1), (3, 4)),
    ("diag of a tall matrix", lambda x: np.diag(x, -1), (4, 3)),
    ("diagonal of a wide matrix", np.diagonal, (3, 5)),
    ("diagonal in a corner", lambda x: np.diagonal(x, 4), (3, 5)),
    ("diagonal below", lambda x: np.diagonal(x, -2), (5, 3)),
    ("diagonals of matrices", lambda x: np.diagonal(x, 1, 1, 2), (2, 3, 4)),
    ("diagonals, axes swapped", lambda x: np.diagonal(x, 1, 2, 0), (2, 3, 4)),
    ("trace above", lambda x: np.trace(x, 1), (4, 4)),
    ("trace of a tall matrix", np.trace, (4, 2)),
    ("trace as a method", lambda x: x.trace(-1), (3, 3)),
    ("tril of a vector", np.tril, (3,)),
    ("triu of a vector", lambda x: np.triu(x, 1), (4,)),
    ("tril of a wide matrix", lambda x: np.tril(x, -1), (3, 5)),
]
NAMED: list[tuple[str, Function, tuple[str, ...]]] = [
    ("diagonal above", lambda x: np.diagonal(x, 1), ("N", "N")),
    ("trace below", lambda x: np.trace(x, -2), ("N", "N")),
    ("diag above", lambda x: np.diag(x, 2), ("N",)),
    ("tril of a vector", np.tril, ("N",)),
    ("tril", lambda x: np.tril(x, 1), ("N", "M")),
]


def compare(f: Function, shape: tuple[Any, ...], sizes: tuple[int, ...]) -> None:
    """The loss Σ f(x)³ and its gradient against NumPy and complex steps."""
    x = sg.param("x", shape)
    module = sg.derive(np.sum(f(x) ** 3), names={}).compile()
    point = np.random.default_rng(2).normal(size=sizes)
    value, found = module.loss_and_gradients(x=point)
    np.testing.assert_allclose(value, np.sum(f(point) ** 3), rtol=1e-13)
    for place in np.ndindex(sizes):
        step = point.astype(complex)
        step[place] += 1e-30j
        expected = np.sum(f(step) ** 3).imag / 1e-30
        np.testing.assert_allclose(found.x[place], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("f", "shape"), [c[1:] for c in FIXED], ids=[c[0] for c in FIXED])
def test_of_fixed_sizes(f: Function, shape: tuple[int, ...]) -> None:
    assert f(sg.param("x", shape)).shape == np.shape(f(np.ones(shape)))
    compare(f, shape, shape)


@pytest.mark.parametrize(("f", "shape"), [c[1:] for c in NAMED], ids=[c[0] for c in NAMED])
def test_of_named_sizes(f: Function, shape: tuple[str, ...]) -> None:
    for n in (4, 5):
        compare(f, shape, tuple({"N": n, "M": 3}[s] for s in shape))


TRACES: dict[str, tuple[Function, tuple[Any, ...], bool]] = {
    "trace": (np.trace, ("N", "N"), True),
    "by positions": (lambda x: x[np.arange(3), np.arange(3)].sum(), (3, 3), True),
    "of a product": (lambda x: np.trace(x @ x), (3, 3), False),
    "of a corner": (lambda x: x[np.arange(2), np.arange(2)].sum(), (3, 3), False),
    "of the others": (lambda x: x[np.arange(3), np.arange(3)[::-1]].sum(), (3, 3), False),
}


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_called_so_in_the_code(name: str) -> None:
    f, shape, called = TRACES[name]
    x = sg.param("x", shape)
    for plain in (True, False):
        text = sg.derive(f(x), names={}).source(plain=plain)
        assert ("x.trace()" in text) == called
    compare(f, shape, (3, 3))


OF_DIFFERENCES: dict[str, tuple[Function, int]] = {
    "log-softmax": (lambda x: np.diag(np.log(_softmax(x))), 2),
    "softmax and its log": (lambda x: np.diag(_softmax(x)) * np.log(np.diag(_softmax(x))), 2),
    "log-softmax by positions": (lambda x: np.log(_softmax(x)[np.arange(3), np.arange(3)]), 2),
    "next to sums of rows": (
        lambda x: np.exp(x).sum(axis=1) * (np.diag(x) - np.log(np.exp(x).sum(axis=1))),
        2,
    ),
    "of three axes": (lambda x: (x - np.log(np.exp(x).sum(axis=2, keepdims=True)))[_CUBE], 3),
}
_CUBE = (np.arange(3),) * 3


def _softmax(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", OF_DIFFERENCES)
def test_a_diagonal_of_a_map_that_is_read_only_there(name: str) -> None:
    f, axes = OF_DIFFERENCES[name]
    compare(f, (3,) * axes, (3,) * axes)


def test_a_diagonal_of_log_softmax_of_a_named_size() -> None:
    compare(OF_DIFFERENCES["log-softmax"][0], ("N", "N"), (4, 4))


@pytest.mark.parametrize("wrt", ["p", "r", "dg", "E"])
def test_contrastive_losses_with_respect_to_values_in_between(wrt: str) -> None:
    A, B = sg.param("A", (3, 4)), sg.param("B", (3, 4))
    E = np.exp(A @ B.T)
    r, dg = E.sum(axis=1), np.diag(E)
    p = dg / r
    derivation = sg.derive(-np.mean(np.log(p)), wrt=[wrt], names={"E": E, "r": r, "dg": dg, "p": p})
    a, b = np.random.default_rng(4).normal(size=(2, 3, 4))
    value, found = derivation.compile().loss_and_gradients(A=a, B=b)
    e = np.exp(a @ b.T)
    sums, diagonal = e.sum(axis=1), np.diag(e)
    np.testing.assert_allclose(value, -np.mean(np.log(diagonal / sums)), rtol=1e-13)
    expected = {
        "p": -sums / diagonal / 3,
        "r": 1 / sums / 3,
        "dg": -1 / diagonal / 3,
        "E": (1 / sums[:, None] - np.diag(1 / diagonal)) / 3,
    }
    np.testing.assert_allclose(getattr(found, wrt), expected[wrt], rtol=1e-12, atol=1e-14)


REFUSED: list[tuple[Function, tuple[Any, ...], str]] = [
    (np.diagonal, ("N", "M"), r"the diagonal of x \(N×M\), of which it is not known which"),
    (lambda x: np.diagonal(x, 3), (3, 3), "with offset=3 has no entries"),
    (np.tril, (), r"a triangle of x \(scalar\)"),
    (np.diag, (2, 2, 2), r"np\.diag of x \(2×2×2\)"),
]


@pytest.mark.parametrize(("f", "shape", "message"), REFUSED)
def test_what_is_refused_is_named(f: Function, shape: tuple[Any, ...], message: str) -> None:
    x = sg.param("x", shape)
    with pytest.raises(SpecError, match=message):
        f(x)


CLIPS: dict[str, Function] = {
    "two bounds": lambda x: np.clip(x, 1, 3),
    "from below": lambda x: np.clip(x, 1, None),
    "from above": lambda x: np.clip(x, None, 3),
    "from below, by zero": lambda x: np.clip(x - 1, 0, None),
    "from above, by zero": lambda x: np.clip(x - 3, None, 0),
}


@pytest.mark.parametrize("name", CLIPS)
def test_the_derivative_at_a_bound_is_0_with_one_bound_as_with_two(name: str) -> None:
    x = sg.param("x", (5,))
    derivation = sg.derive(np.sum(CLIPS[name](x)), names={})
    point = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    found = derivation.compile().gradients(x=point).x
    below = [0, 0] if name != "from above" and "above, by" not in name else [1, 1]
    above = [0, 0] if "below" not in name else [1, 1]
    np.testing.assert_array_equal(found, [*below, 1, *above])
    told = {"from below, by zero": "relu'(0) = 0"}
    told_here = told.get(
        name, "where a value is at a bound, the derivative of max, min and clip is 0"
    )
    assert told_here in derivation.remarks


def test_bounds_have_derivatives_too() -> None:
    x, c = sg.param("x", (3,)), sg.param("c", (3,))
    point = {"x": np.array([1.0, 2, 3]), "c": np.array([2.0, 2, 2])}
    low = sg.derive(np.sum(np.clip(x, c, None)), names={}).compile().gradients(**point)
    np.testing.assert_array_equal([low.x, low.c], [[0, 0, 1], [1, 1, 0]])
    high = sg.derive(np.sum(np.clip(x, None, c)), names={}).compile().gradients(**point)
    np.testing.assert_array_equal([high.x, high.c], [[1, 0, 0], [0, 1, 1]])


def test_only_methods_of_numpys_arrays_are_methods() -> None:
    x = sg.param("x", (3,))
    for name in ("amax", "amin"):
        with pytest.raises(AttributeError, match=name):
            getattr(x, name)
        assert getattr(np, name)(x).shape == ()


def test_a_mismatch_names_a_transpose() -> None:
    X, W = sg.param("X", (3, 4)), sg.param("W", (3, 5))
    with pytest.raises(SpecError, match=r"multiply X \(3×4\) by W\.T \(5×3\)"):
        X @ W.T
    with pytest.raises(SpecError, match=r"by W\.T \(4×6\)") as error:
        X.T @ sg.param("W", (6, 4)).T
    assert "perhaps X @ W.T" in str(error.value)


def test_what_no_gradient_goes_through_is_called_a_constant() -> None:
    x = sg.param("x", (3,))
    kept = sg.stop_gradient(x**2)
    derivation = sg.derive(np.sum(x * kept), names={"kept": kept})
    assert derivation.remarks == ("in derivatives, kept is taken as a constant",)

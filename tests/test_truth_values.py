"""Truth values in arithmetic: they are what NumPy takes them for, or are refused by name."""

import functools
import operator
from typing import Any

import numpy as np
import pytest

import symgrad as sg

k = np.array([True, True, False])
K = np.array([[True, True, False], [False, True, True], [True, False, True]])

COUNTED = """
np.sum(k.astype(int) + k.astype(int))
np.sum(k.astype(np.int8) + k)
np.sum(k.astype(int) * 3 - k.astype(int))
np.sum((k > 0).astype(int) + (k >= 0).astype(int))
np.sum(-k.astype(int))
k.astype(int) @ k.astype(int)
k.astype(float) @ k
np.sum(np.add(k, k, dtype=float))
np.sum(np.where(k, True, False) + k)
np.sum(np.select([k], [True], False) + k)
np.sum(np.clip(k, False, True) + k)
np.sum(np.max(K, axis=0) + k)
np.sum(np.abs(k) + k)
np.sum(np.floor(k) + k)
np.sum(np.fmax(k, k) + np.fmin(k, k))
np.sum(np.outer(k, k) + K)
np.sum(np.einsum("ii->i", K) + k)
np.sum(np.cumsum(k) + k)
np.sum(np.cumprod(k) + k)
np.sum(np.maximum.accumulate(k) + k)
np.sum(np.trace(K) + k)
np.sum(np.stack([k, ~k]) + np.stack([k, k]))
np.sum(np.where(k.astype(int), 2.0, 3.0))
""".strip().splitlines()


@functools.cache
def compiled() -> Any:
    """Every loss at once: each is an entry of the value."""
    given = {"k": sg.data("k", (3,), dtype=bool), "K": sg.data("K", (3, 3), dtype=bool), "np": np}
    values = [eval(spelling, given) * 1.0 for spelling in COUNTED]
    return sg.function(np.stack(values)).compile()


@pytest.mark.parametrize("spelling", COUNTED)
def test_truth_values_count_where_numpy_counts_them(spelling: str) -> None:
    wanted = float(eval(spelling, {"k": k, "K": K, "np": np}))
    assert compiled().forward(k=k, K=K).value[COUNTED.index(spelling)] == wanted


@pytest.mark.parametrize(
    "product",
    [
        lambda k, K: k @ k,
        lambda k, K: K @ np.array([True, False, True]),
        lambda k, K: (k > 0) @ k,
        lambda k, K: np.dot(K, k),
        lambda k, K: np.inner(k, k),
        lambda k, K: np.vdot(k, k),
        lambda k, K: np.tensordot(K, K, 1),
        lambda k, K: np.einsum("i,i->", k, k),
        lambda k, K: np.einsum("ij->i", K),
        lambda k, K: np.convolve(k, k),
        lambda k, K: np.correlate(k, k),
        lambda k, K: np.linalg.matrix_power(K, 2),
    ],
)
def test_sums_of_products_of_conditions_are_refused(product: Any) -> None:
    given = sg.data("k", (3,), dtype=bool), sg.data("K", (3, 3), dtype=bool)
    with pytest.raises(sg.SpecError, match="of conditions, of which NumPy tells whether any holds"):
        product(*given)
    assert product(k, K).dtype == bool  # so it is: no count


@pytest.mark.parametrize("f", [np.negative, np.reciprocal, np.ptp, operator.pos])
def test_what_numpy_refuses_or_rounds_is_refused(f: Any) -> None:
    with pytest.raises(sg.SpecError, match="not supported"):
        f(sg.data("k", (3,), dtype=bool))


@pytest.mark.parametrize("label", [lambda k: k.astype(int), lambda k: 2 - k, lambda k: k * 1])
def test_a_label_that_is_computed_of_conditions_is_refused(label: Any) -> None:
    W, conditions = sg.param("W", (3, 3)), sg.data("k", (3,), dtype=bool)
    with pytest.raises(sg.SpecError, match=r"an index that is computed \(of [a-z, ]+\) is not"):
        W[label(conditions)]
    with pytest.raises(sg.SpecError, match=r"an index that is computed \(of [a-z, ]+\) is not"):
        W[np.arange(3), label(conditions)]


def test_numbers_and_truth_values_joined_are_numbers() -> None:
    y, x = sg.data("y", (3,), dtype=int), sg.param("x", (3,))
    both = np.concatenate([y, 0.5 * y]) * np.concatenate([x, x])
    assert sg.derive(np.sum(both)).compile().loss(y=[1, 2, 3], x=[1.0, 1.0, 1.0]) == 9


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (lambda x, m: x[m][0], "one of them, or a part"),
        (lambda x, m: x[m][m], "one of them, or a part"),
        (lambda x, m: sum(x[m]), "a loop over them"),
        (lambda x, m: np.sum(x[m] @ x[m]), "the function matmul"),
    ],
)
def test_what_is_asked_of_entries_whose_number_is_not_known_is_named(part: Any, named: str) -> None:
    with pytest.raises(sg.SpecError, match=f"{named}, of the entries where a condition holds"):
        part(sg.param("x", (3,)), sg.data("m", (3,), dtype=bool))


def test_numbers_are_compared_at_once() -> None:
    x = sg.param("x", (3,))
    for condition, text in ((sg.zeros(3) == 1, "0"), (sg.ones(3) > sg.zeros("M")[:1], "1")):
        assert str(condition.rhs) == text
    assert "[0 = 1]" not in str(sg.derive(np.sum((sg.zeros(3) == 1) * x)))


def test_what_has_no_flat_says_what_to_write() -> None:
    with pytest.raises(AttributeError, match=r"x\.ravel\(\)\[k\] reads an entry"):
        _ = sg.param("x", (3,)).flat

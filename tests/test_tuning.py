"""Passes that save passes over memory: the same numbers, by the quicker calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import symgrad as sg

rng = np.random.default_rng(0)
Case = tuple[Any, Mapping[str, Any], Mapping[str, Any]]


def _of(loss: Any, point: Mapping[str, Any], **v: Any) -> Case:
    return loss, v, point


def embedding(sign: float = 1) -> Case:
    table, t = sg.param("E", (50, 64)), sg.data("t", ("N", 30), dtype=int)
    loss = sign * np.sum(np.tanh(np.sum(table[t], axis=1)))
    point = {"E": rng.standard_normal((50, 64)), "t": rng.integers(0, 50, (7, 30))}
    return _of(loss, point, E=table, t=t)


def rows_of_stacks() -> Case:
    """Rows that are matrices, at labels of which none is named twice."""
    table, t = sg.param("E", (9, 3, 4)), sg.data("t", (6,), dtype=int)
    point = {"E": rng.standard_normal((9, 3, 4)), "t": rng.permutation(9)[:6]}
    return _of(np.sum(np.exp(table[t])), point, E=table, t=t)


def powers(first: int = 0) -> Case:
    t, w = sg.data("t", ("N",)), sg.param("w", (20,))
    loss = np.sum((t[:, None] ** np.arange(first, first + 20) @ w) ** 2)
    point = {"t": np.array([0, 1, -1, 0.5, -1.5, 2.0]), "w": rng.standard_normal(20)}
    return _of(loss, point, t=t, w=w)


def powers_of_parameter() -> Case:
    t = sg.param("t", ())
    return _of(
        np.sum(t ** sg.arange("N") * sg.data("c", ("N",))), {"t": -1.1, "c": np.ones(9)}, t=t
    )


def slices() -> Case:
    x, k, b = sg.param("x", (3, 40, 40)), sg.param("K", (2, 2, 3)), sg.param("b", (3,))
    z: Any = b
    for i in range(2):
        for j in range(2):
            z = z + x[:, i : i + 39, j : j + 39, None] * k[i, j]
    point = {"x": rng.standard_normal((3, 40, 40)), "K": rng.standard_normal((2, 2, 3))}
    return _of(np.sum(np.tanh(z)), {**point, "b": np.ones(3)}, x=x, K=k, b=b)


def windows() -> Case:
    x, k = sg.param("x", (3, 40, 40)), sg.param("K", (3, 3, 4))
    seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    loss = np.sum(np.tanh(np.tensordot(seen, k, 2)))
    return _of(
        loss, {"x": rng.standard_normal((3, 40, 40)), "K": rng.standard_normal((3, 3, 4))}, x=x, K=k
    )


def distances() -> Case:
    x, m, q = sg.data("X", ("N", 10)), sg.param("M", (25, 10)), sg.param("Q", (25, 10))
    d = (x[:, None, :] - m) * q
    loss = np.sum(np.log(np.sum(np.exp(-np.sum(d**2, axis=2)), axis=1)))
    point = {"X": rng.standard_normal((30, 10)), "M": rng.standard_normal((25, 10))}
    return _of(loss, {**point, "Q": 0.3 * np.ones((25, 10))}, X=x, M=m, Q=q)


def distances_squared() -> Case:
    """As before, typed so that the difference has a name and is no function of itself alone."""
    x, m, q = sg.param("X", ("N", 10)), sg.param("M", (25, 10)), sg.param("Q", (25, 10))
    d = (x[:, None, :] - m) * q
    each = -np.sum(d * d, axis=2)
    largest = np.max(each, axis=1, keepdims=True)
    loss = np.sum(np.log(np.sum(np.exp(each - largest), axis=1)) + largest[:, 0])
    point = {"X": rng.standard_normal((30, 10)), "M": rng.standard_normal((25, 10))}
    return _of(loss, {**point, "Q": 0.3 * np.ones((25, 10))}, X=x, M=m, Q=q)


def scaled_rows() -> Case:
    """The derivative by g sums what is broadcast over columns; so does that by h, over rows."""
    x, g, h = sg.data("X", ("N", 16)), sg.param("g", (16,)), sg.param("h", ("N",))
    loss = np.sum(np.tanh(x * g * h[:, None]))
    point = {"X": rng.standard_normal((5, 16)), "g": np.ones(16), "h": rng.standard_normal(5)}
    return _of(loss, point, X=x, g=g, h=h)


def normalised() -> Case:
    """Divided by a root that is never almost 0; scaled, and only summed after."""
    x, g, b = sg.data("X", ("N", 600)), sg.param("g", (600,)), sg.param("b", (600,))
    normal = x / np.sqrt(np.mean(x * x, axis=1, keepdims=True) + 1e-5)
    difference = normal * g + b - x
    point = {"X": rng.standard_normal((7, 600)), "g": rng.standard_normal(600), "b": np.ones(600)}
    return _of(np.mean(difference * difference), point, X=x, g=g, b=b)


def directions() -> Case:
    """The lengths are not known to be far from 0: 1e-310 is a length that has no inverse."""
    x, g = sg.data("X", ("N", 200)), sg.param("g", (200,))
    unit = x / np.sqrt(np.sum(x * x, axis=1, keepdims=True))
    point = {"X": rng.standard_normal((7, 200)), "g": rng.standard_normal(200)}
    return _of(np.mean((unit * g - 1) ** 2), point, X=x, g=g)


def squares_multiplied_out() -> Case:
    """The sum of what is of one entry a component, and of products, whose points lie last."""
    x, m, s = sg.data("X", ("N", 10)), sg.param("M", (25, 10)), sg.param("S", (25, 10))
    r = np.exp(-2 * s)
    squares = (x * x) @ r.T - 2 * x @ (m * r).T + np.sum(m * m * r, axis=1)
    each = sg.param("a", (25,)) - 0.5 * squares - np.sum(s, axis=1)
    largest = np.max(each, axis=1, keepdims=True)
    loss = -np.mean(np.log(np.sum(np.exp(each - largest), axis=1)) + largest[:, 0])
    point = {"X": rng.standard_normal((30, 10)), "M": rng.standard_normal((25, 10))}
    point |= {"S": 0.3 * rng.standard_normal((25, 10)), "a": rng.standard_normal(25)}
    return _of(loss, point, X=x, M=m, S=s, each=each)


def softmax_of_many() -> Case:
    """Of what is finite, the sum is 1 or more."""
    x, w, v = sg.data("X", (70, 5)), sg.param("W", (5, 70)), sg.param("V", (70, 3))
    z = np.where(np.tri(70, dtype=bool), x @ w, -1e9)
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    loss = np.sum(np.tanh((e / np.sum(e, axis=1, keepdims=True)) @ v))
    point = {"X": 3 * rng.standard_normal((70, 5)), "W": rng.standard_normal((5, 70))}
    return _of(loss, {**point, "V": rng.standard_normal((70, 3))}, X=x, W=w, V=v)


def hinges() -> Case:
    """Below 0 and above 1 by bounds that are there; the largest and smallest of each row."""
    x, w = sg.data("X", ("N", 4)), sg.param("W", (4, 40))
    z = x @ w
    a = np.minimum(np.maximum(z, 0), 1)
    loss = np.sum(a**2) + np.sum(np.max(z, axis=1)) - np.sum(np.min(z, axis=1) ** 2)
    point = {"X": rng.standard_normal((30, 4)), "W": rng.standard_normal((4, 40))}
    return _of(loss, point, X=x, W=w, z=z)


def batch_norm() -> Case:
    """Gain and scale of columns, which sums over rows leave out."""
    x, w = sg.data("X", ("N", 8)), sg.param("W", (8, 70))
    g, h = sg.param("g", (70,)), sg.param("h", (70,))
    z = x @ w
    c = z - np.mean(z, axis=0)
    normal = c / np.sqrt(np.mean(c * c, axis=0) + 1e-5)
    point = {"X": rng.standard_normal((30, 8)), "W": rng.standard_normal((8, 70))}
    point |= {"g": 1 + rng.standard_normal(70), "h": rng.standard_normal(70)}
    return _of(np.sum(np.tanh(normal * g + h)), point, X=x, W=w, g=g, h=h)


def few_filled() -> Case:
    """Softmax of which the diagonal alone is left out."""
    x, c = sg.param("x", (70, 70)), sg.data("c", (70, 70))
    p = sg.softmax(np.where(np.eye(70, dtype=bool), -1e9, x), axis=1)
    point = {"x": rng.standard_normal((70, 70)), "c": rng.standard_normal((70, 70))}
    return _of(np.sum(c * p), point, x=x, c=c)


def stacks() -> Case:
    x, w = sg.data("X", ("N", 4, 5, 3)), sg.param("w", (4, 5, 3))
    b, c = sg.param("b", (3,)), sg.param("c", (5,))
    loss = np.sum(np.tanh(x * w + b + c[:, None]) ** 2)
    point = {"X": rng.standard_normal((6, 4, 5, 3)), "w": rng.standard_normal((4, 5, 3))}
    return _of(loss, {**point, "b": np.ones(3), "c": np.ones(5)}, X=x, w=w, b=b, c=c)


def nearest(spelled: Callable[[Any, Any], Any], *, of_rows: bool = False) -> Case:
    """Some rows have two rows that are as near, some have two that rounding alone tells apart."""
    make = sg.param if of_rows else sg.data
    x, c = make("X", ("N", 8)), sg.param("C", (100, 8))
    near = rng.standard_normal((100, 8))
    near[50:60] = near[:10]
    near[60:70] = near[10:20] * (1 + 1e-15)
    rows = np.concatenate([near[:20] + 0.01, rng.standard_normal((20, 8)), 1e3 + near[:3]])
    return _of(spelled(x, c), {"X": rows, "C": near}, X=x, C=c)


def k_means(x: Any, c: Any) -> Any:
    return np.mean(np.min(np.sum((x[:, None] - c) ** 2, axis=2), axis=1))


def of_one_difference(x: Any, c: Any) -> Any:
    d = c - x[:, None]
    return np.sum(np.log1p(np.min(np.sum(d * d, axis=2), axis=1, keepdims=True) / 2))


def half_and_root(x: Any, c: Any) -> Any:
    d = x[:, None] - c
    return -np.sum(np.sqrt(1 + np.min(0.5 * np.einsum("nij,nij->ni", d, d), axis=1)))


def process(sign: float = 1) -> Case:
    """A kernel is positive definite; less its double it is not, and has an inverse all the same."""
    x, y, s = sg.param("X", ("N", 3)), sg.param("y", ("N",)), sg.param("s", ())
    d = np.sum((x[:, None] - x[None]) ** 2, axis=2)
    K = sign * (np.exp(2 * s) * np.exp(-0.5 * d) + np.exp(s) * sg.eye("N"))
    loss = 0.5 * y @ np.linalg.solve(K, y) + 0.5 * np.linalg.slogdet(K)[1]
    point = {"X": rng.standard_normal((50, 3)), "y": rng.standard_normal(50), "s": np.array(0.3)}
    return _of(loss, point, X=x, y=y, s=s)


def covariances() -> Case:
    """A stack of matrices of a fixed size, made of a constant too."""
    a, b, c = sg.param("A", (2, 70, 70)), sg.param("b", (2, 70, 3)), sg.data("c", (70,))
    S = a @ np.swapaxes(a, 1, 2) + np.abs(c[:, None] - c) + 40 * np.eye(70)
    loss = np.sum(b * np.linalg.solve(S, b)) + np.sum(np.linalg.slogdet(S)[1])
    point = {"A": rng.standard_normal((2, 70, 70)), "b": rng.standard_normal((2, 70, 3))}
    return _of(loss, {**point, "c": 0.1 * rng.standard_normal(70)}, A=a, b=b, c=c)


def promised() -> Case:
    """A matrix that is symmetric since the spec says so."""
    s, b = sg.param("S", (70, 70), assume=sg.symmetric), sg.param("b", (70,))
    loss = b @ np.linalg.solve(s, b) + np.linalg.slogdet(s)[1]
    a = rng.standard_normal((70, 70))
    return _of(loss, {"S": a + a.T, "b": rng.standard_normal(70)}, S=s, b=b)


def of_no_symmetry() -> Case:
    """Differences to the third power are no kernel."""
    x, b = sg.param("x", (70,)), sg.param("b", (70,))
    K = 0.1 * (x[:, None] - x) ** 3 + 9 * np.eye(70)
    loss = b @ np.linalg.solve(K, b) + np.linalg.slogdet(K)[1]
    return _of(loss, {"x": rng.standard_normal(70), "b": rng.standard_normal(70)}, x=x, b=b)


def heads(n: int = 64) -> Case:
    """Attention whose softmax is divided after the product, its products scaled before."""
    x = sg.data("X", (n, 16))
    w = {f"W{c}": sg.param(f"W{c}", (16, 64)) for c in "qkv"}
    q, k, v = ((x @ a).reshape((n, 8, 8)) for a in w.values())
    scores = np.einsum("nhd,mhd->hnm", q, k) / np.sqrt(8)
    p = sg.softmax(np.where(np.tri(n, dtype=bool), scores, -1e9), axis=2)
    loss = np.sum(np.tanh(np.einsum("hnm,mhd->nhd", p, v)))
    point = {name: rng.standard_normal((16, 64)) for name in w}
    return _of(loss, {"X": rng.standard_normal((n, 16)), **point}, X=x, **w)


def of_one_sample() -> Case:
    """Layers of few numbers, of which all sizes are known."""
    x, v, w = sg.data("x", (7,)), sg.param("V", (6, 7)), sg.param("W", (5, 6))
    a = np.maximum(v @ x, 0)
    loss = np.log(np.sum(np.exp(w @ a)))
    point = {"V": rng.standard_normal((6, 7)), "W": rng.standard_normal((5, 6))}
    point["x"] = np.copysign(rng.standard_normal(7), point["V"][0])  # one unit at least is on
    return _of(loss, point, x=x, V=v, W=w, a=a)


CASES: list[tuple[Callable[[], Case], str, str]] = [
    (embedding, "_add_rows(dE, t, ", "np.add.at(dE"),
    (lambda: embedding(-1), "_add_rows(dE, t, ", "np.subtract.at(dE"),
    (rows_of_stacks, "_add_rows(dE, t, ", "np.add.at(dE"),
    (powers, "_powers(t, 0, 20, out=", "np.power("),
    (lambda: powers(3), "_powers(t, 3, 20, out=", "np.power("),
    (powers_of_parameter, "_powers(t, 0, N", "np.power(t, ws.t_1"),
    (slices, "K.reshape(4, 3)", "K[0, 1]"),
    (windows, ".reshape(9, ", "np.tensordot("),
    (distances, "np.subtract(t, M[:, :, None]", "np.subtract(X"),
    (distances_squared, "d1 = np.multiply(Q[:, :, None], ", "np.subtract(X"),
    (scaled_rows, "dg = h.dot(", "ws.ones"),
    (normalised, "db *= 1 / (300 * N)", "np.divide(X"),
    (directions, "np.divide(X, ", "np.divide(1, "),
    (squares_multiplied_out, "np.maximum.reduce(each, axis=0", "each *= 0.5"),
    (squares_multiplied_out, "    each += t_", "np.subtract(a, each"),
    (softmax_of_many, "np.divide(1, ", "np.divide(e, "),
    (softmax_of_many, "np.maximum(e, ws.least, out=e)", "np.full((70, 70), -1"),
    (softmax_of_many, ".argmax(axis=-1, out=", "np.maximum.reduce("),
    (few_filled, "np.exp(", "ws.least"),
    (batch_norm, "np.multiply(c1, np.multiply(", "normal1 = np"),
    (hinges, "np.maximum(z, ws.zeros, out=", "np.maximum(z, 0"),
    (normalised, "np.vecdot(", 'ij,ij->i"'),
    (stacks, ".reshape(20 * N, 3)", "np.add.reduce("),
    (lambda: nearest(k_means), "_sums_to_nearest(X, C, nearest)", "np.minimum"),
    (lambda: nearest(of_one_difference, of_rows=True), "_differences_to_nearest(X", "np.minimum"),
    (lambda: nearest(half_and_root, of_rows=True), "_sums_to_nearest(X, C, nearest,", "np.equal"),
    (process, "_inverse_by_half(half, ", "= np.linalg.solve("),
    (lambda: process(-1), "_logdet_by_half(half, ", "= np.linalg.slogdet("),
    (covariances, "_solved_by_half(half, ", "np.linalg.inv(S"),
    (promised, "_inverse_by_half(half, ", "= np.linalg.solve("),
    (heads, "-1e9, where=~", "= -1e9"),
    (heads, "np.multiply(t1, 1 / SQRT_8", "p = np.multiply("),
    (lambda: heads(8), "p1 = np.divide(e, ", "np.divide(1, "),
    (of_one_sample, "ws.zeros, out=ws.a)", "np.greater("),
    (of_one_sample, "np.sign(a, ", "np.greater("),
    (of_one_sample, "[:, None].dot(a[None], out=ws.dW)", "np.multiply(a, "),
    (of_one_sample, "e.dot(ws.ones)", "np.add.reduce("),
    (of_no_symmetry, "np.linalg.solve(", "_half_inverse("),
]
"""A loss, what its file has to say, and what it must not say."""


@pytest.mark.parametrize(("case", "there", "gone"), CASES)
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.long)])
def test_the_quicker_way_gives_the_same(
    case: Callable[[], Case], there: str, gone: str, dtype: str
) -> None:
    loss, names, point = case()
    derivation = sg.derive(loss, names=names)
    code = derivation.source().partition("# What is called")[0]
    assert there in code
    assert gone not in code
    quick = derivation.compile(dtype=dtype)
    plain = derivation.compile(dtype="float64", plain=True)
    (value, found), (right, wanted) = (m.loss_and_gradients(**point) for m in (quick, plain))
    tolerance = 1e-13 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(value, right, rtol=10 * tolerance)
    for name, mine, theirs in zip(found._fields, found, wanted, strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(mine / scale, theirs / scale, atol=50 * tolerance, err_msg=name)


def test_rows_of_one_label_are_all_added() -> None:
    table, t = sg.param("E", (5, 8)), sg.data("t", ("N",), dtype=int)
    c = sg.data("c", ("N", 8))
    module = sg.derive(np.sum(c * table[t])).compile()
    for labels in ([2] * 6, [0, 1, 2, 3, 4], [], [4, 0, 4, 4, 1, 0]):
        given = rng.standard_normal((len(labels), 8))
        expected = np.zeros((5, 8))
        np.add.at(expected, np.array(labels, int), given)
        found = module.gradients(E=np.ones((5, 8)), t=np.array(labels, int), c=given).E
        np.testing.assert_allclose(found, expected, atol=1e-15)


def test_axes_that_a_loss_lays_out_as_one_are_laid_out_otherwise_in_a_product():
    """dL/da comes as (4, 2, 4), and the product by p wants 16 rows of it."""
    v, p = sg.param("v", (4, 2, 2)), sg.param("p", (4, 2, 2))
    a = np.einsum("ijk,lpm->ijkp", v, p)
    loss = np.sum(np.reshape(a, (4, 2, 4)) ** 3)
    rng = np.random.default_rng(0)
    at = {"v": rng.normal(size=(4, 2, 2)), "p": rng.normal(size=(4, 2, 2))}
    g = sg.derive(loss).compile().gradients(**at)
    slope = 3 * np.einsum("ijk,lpm->ijkp", at["v"], at["p"]) ** 2
    np.testing.assert_allclose(g.v, np.einsum("ijkp,lpm->ijk", slope, at["p"]), rtol=1e-12)
    wanted = np.broadcast_to(np.einsum("ijkp,ijk->p", slope, at["v"])[:, None], (4, 2, 2))
    np.testing.assert_allclose(g.p, wanted, rtol=1e-12)


def test_a_mask_is_set_where_a_value_has_memory_of_its_own_as_well() -> None:
    x = sg.param("x", (16, 64, 64))
    doubled = np.sin(x)
    masked = np.where(np.tri(64, dtype=bool), doubled, -5.0)
    names = {"x": x, "masked": masked}
    module = sg.derive(np.sum(np.exp(masked)), names=names).compile()
    point = rng.standard_normal((16, 64, 64))
    wanted = np.where(np.tri(64, dtype=bool), np.sin(point), -5)
    for keep in (False, True):
        workspace = module.Workspace(keep=keep)
        assert "where=~" in module.__source__
        np.testing.assert_allclose(module.loss(point, workspace=workspace), np.exp(wanted).sum())
    found = module.forward(point, workspace=module.Workspace(keep=True))
    np.testing.assert_allclose(found.masked, wanted)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_largest_of_a_row_where_it_is_no_number(value: float) -> None:
    x, w = sg.data("X", ("N", 5)), sg.param("w", (5,))
    largest, least = np.max(x * w, axis=1), np.min(x * w, axis=1)
    module = sg.function(np.stack([largest, least])).compile()
    given = rng.standard_normal((20, 5))
    given[3, 2] = given[4, 0] = value
    given[5] = value
    *_, found = module.forward(given, np.ones(5))
    np.testing.assert_array_equal(found, [given.max(axis=1), given.min(axis=1)])


def test_the_buffers_of_numpy_are_afterwards_what_they_were() -> None:
    x, w = sg.data("X", ("N", 600)), sg.param("w", (600,))
    y = sg.data("y", ("N",), dtype=int)
    picked = np.tanh(x * w + w)[sg.arange("N"), y]
    module = sg.derive(np.sum(np.tanh(x * w)) + np.sum(picked)).compile()
    assert "np.setbufsize(512)" in module.__source__
    before, given = np.getbufsize(), np.ones((3, 600))
    call = module.bind(given, np.ones(600), labels := np.array([0, 1, 2]))
    call()
    assert np.getbufsize() == before
    labels[1] = 600
    with pytest.raises(ValueError, match="labels from 0 to 599"):
        call()
    assert np.getbufsize() == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("filled", [-1e9, -np.inf])
def test_what_is_filled_weighs_nothing(filled: float, dtype: str) -> None:
    x = sg.param("x", (80, 80))
    p = sg.softmax(np.where(np.tri(80, dtype=bool), x, filled), axis=1)
    module = sg.derive(np.sum(p * sg.data("c", (80, 80)))).compile(dtype=dtype)
    assert "ws.least" in module.__source__
    at = np.linspace(0, -750, 6400).reshape(80, 80)[:, ::-1].astype(dtype)
    weights = np.tril(rng.standard_normal((80, 80)))
    value, found = module.loss_and_gradients(x=at, c=weights)
    e = np.tril(
        np.exp(
            at.astype(float)
            - at.max(axis=1, keepdims=True, where=np.tri(80, dtype=bool), initial=-np.inf)
        )
    )
    p_right = e / e.sum(axis=1, keepdims=True)
    right = p_right * (weights - np.sum(p_right * weights, axis=1, keepdims=True))
    few = np.finfo(dtype)
    np.testing.assert_allclose(value, np.sum(p_right * weights), rtol=100 * few.eps)
    np.testing.assert_allclose(found.x, right, rtol=100 * few.eps, atol=10 * few.eps)
    assert (found.x[np.triu_indices(80, 1)] == 0).all()

"""Spellings of courses and papers: sizes in arithmetic, np.array of values, masks, options."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.checks.generated import module_checks
from symgrad.checks.points import Points
from symgrad.language.constants import number
from symgrad.language.spec_file import load
from symgrad.mathematics.algebra import weight
from symgrad.mathematics.reductions import sigmoid

Spelling = Callable[[Any, Any, Any], Any]


def rotation(np: Any, x: Any, a: Any) -> Any:
    c, s = np.cos(a), np.sin(a)
    return x[:, :2] @ np.array([[c, -s], [s, c]]).T


def skew(np: Any, x: Any, a: Any) -> Any:
    k = x[0]
    K = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.eye(3) + np.sin(a) * K + (1 - np.cos(a)) * K @ K


def rows_in_a_list(np: Any, x: Any, a: Any) -> Any:
    return np.array([np.sin(2**k * a * x[0]) for k in range(3)])


def functions_of_an_array_of_values(np: Any, x: Any, a: Any) -> Any:
    return np.exp(np.array([a, 2 * a, x[0, 1]])) * x[0]


def an_array_as_it_is(np: Any, x: Any, a: Any) -> Any:
    return np.array(x) * a


def rows_of_two_arrays(np: Any, x: Any, a: Any) -> Any:
    return np.array([x[0] * a, np.tanh(x[1])]) * np.array([x[0], x[0]])


def a_mask_of_two_axes(np: Any, x: Any, a: Any) -> Any:
    return a * x[np.tri(4, 3) > 0]


def a_mask_of_one_axis(np: Any, x: Any, a: Any) -> Any:
    return a * x[np.array([True, False, True, True]), 1:]


def positions_that_dots_keep_apart(np: Any, x: Any, a: Any) -> Any:
    return np.stack([x, a * x, x**2])[:, [0, 1], ..., [2, 0]] * np.array([1.0, -2.0])[:, None]


def numbers_beside_each_other(np: Any, x: Any, a: Any) -> Any:
    return np.hstack([a, x[0, 1], a * x[2, 2]]) * x[0]


FIXED = [rotation, skew, rows_in_a_list, functions_of_an_array_of_values, an_array_as_it_is,
         rows_of_two_arrays, positions_that_dots_keep_apart, numbers_beside_each_other,
                  a_mask_of_two_axes, a_mask_of_one_axis]  # fmt: skip


def scaled_by_a_root(np: Any, x: Any, a: Any) -> Any:
    return a * x @ x.T / np.sqrt(x.shape[1]) + 1.0 / x.shape[0]


def powers_of_a_size(np: Any, x: Any, a: Any) -> Any:
    n, d = x.shape
    return a * x * d**-0.5 + np.log(n) * x**2 * (0.5 * d * np.log(2 * np.pi)) / (n - 0.5)


def a_size_times_numbers(np: Any, x: Any, a: Any) -> Any:
    return x[:, :1] * (x.shape[0] * np.arange(3.0)) * a


def windows_of_a_padded_axis(np: Any, x: Any, a: Any) -> Any:
    n = x.shape[0]
    padded = np.concatenate([0 * x[:1], x, a * x[:1]])
    return sum((k + 1) * padded[k : k + n] ** 2 for k in range(3))


def inner_part(np: Any, x: Any, a: Any) -> Any:
    n, d = x.shape
    return a * x[1 : n - 1] * x[2:n] * x[: n - 2, : d - 0] + x[-3:-2]


def turned(np: Any, x: Any, a: Any) -> Any:
    return (np.roll(x, -1, axis=0) - a * np.roll(x, 1, axis=0)) ** 2


def as_often_as_a_size(np: Any, x: Any, a: Any) -> Any:
    rows = np.tile(x[0], (x.shape[0], 1)) + np.repeat(x[:1] * a, x.shape[0], axis=0)
    return x * rows * np.tile(a, x.shape) / np.prod(x.shape)


NAMED = [scaled_by_a_root, powers_of_a_size, a_size_times_numbers, windows_of_a_padded_axis,
         inner_part, turned, as_often_as_a_size]  # fmt: skip


def check(spelling: Spelling, rows: Any, columns: Any) -> None:
    """Value, gradients and checks, against automatic differentiation of the same code."""
    rng = np.random.default_rng(5)
    at = {"x": rng.normal(size=(4, 3)), "a": rng.normal(size=())}
    x, a = sg.param("x", (rows, columns)), sg.param("a", ())

    def loss(x: Any, a: Any) -> Any:
        return anp.sum(anp.tanh(spelling(anp, x, a)))

    derivation = sg.derive(np.sum(np.tanh(spelling(np, x, a))))
    assert all(c.passed for c in run(derivation))
    value, gradients = derivation.compile().loss_and_gradients(**at)
    np.testing.assert_allclose(value, loss(**at), rtol=1e-12)
    slopes = autograd.grad(loss, (0, 1))(at["x"], at["a"])
    np.testing.assert_allclose(gradients.x, slopes[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradients.a, slopes[1], rtol=1e-9, atol=1e-12)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("spelling", [*FIXED, *NAMED], ids=lambda s: s.__name__)
def test_spelling_of_fixed_sizes(spelling: Spelling) -> None:
    check(spelling, 4, 3)


@pytest.mark.parametrize("spelling", NAMED, ids=lambda s: s.__name__)
def test_spelling_of_named_sizes(spelling: Spelling) -> None:
    check(spelling, "N", "D")


def test_one_array_of_values_is_one_value() -> None:
    a = sg.param("a", ())
    R = np.array([[a, -a], [a, a]])
    derivation = sg.derive(np.sum((R @ R.T) ** 2 + np.vdot(R, R * a)))
    assert "R" in derivation.gradients


OPTIONS = [
    lambda x: np.sum(x, axis=0, dtype=float),
    lambda x: np.mean(x, dtype=np.float64, out=None),
    lambda x: np.einsum("ij,kj->ik", x, x, optimize=True),
    lambda x: np.zeros_like(x, dtype=np.float32) + x,
    lambda x: x.reshape(-1, order="C"),
]


@pytest.mark.parametrize("call", OPTIONS)
def test_options_that_change_nothing(call: Callable[[Any], Any]) -> None:
    at = np.random.default_rng(6).normal(size=(2, 3))
    module = sg.derive(np.sum(call(sg.param("x", (2, 3))) ** 2)).compile()
    np.testing.assert_allclose(module.loss(x=at), np.sum(call(at) ** 2))


UNKNOWN = [
    lambda n: n > 1,
    lambda n: n == 5,
    lambda n: n != 5,
    lambda n: 5 in (n, n + 1),
    lambda n: sg.param("z", ()) * (n // 2),
    range,
    np.tri,
    lambda n: np.zeros((n, n)),
    lambda n: min(n, 3),
    lambda n: sg.param("z", (5,))[:n],
    lambda n: sg.param("x", (n,))[n:],
    lambda n: sg.param("x", (n,))[0:0],
    lambda n: sg.param("x", (n,))[:2],
]


def test_named_sizes_are_equal_to_themselves() -> None:
    n, d = sg.param("x", ("N", "D")).shape
    assert sg.param("z", ("N", 3)).shape == (n, 3)
    assert n != d


@pytest.mark.parametrize("use", UNKNOWN)
def test_what_needs_to_know_a_named_size(use: Callable[[Any], Any]) -> None:
    with pytest.raises(sg.SpecError) as caught:
        use(sg.param("x", ("N",)).shape[0])
    assert caught.value.where is not None
    assert caught.value.hint


@pytest.mark.parametrize(("made", "line"), [("np.zeros(3)", "h[0] = x[1]"),
                                            ("np.ones((2, 3))", "h[0, :] = x * 2")])  # fmt: skip
def test_writing_into_an_array_of_numbers(tmp_path: Path, made: str, line: str) -> None:
    spec = tmp_path / "writes.py"
    lines = ["import numpy as np", "import symgrad as sg", "x = sg.param('x', (3,))",
             f"h = {made}", line, "loss = np.sum(h * x)"]  # fmt: skip
    spec.write_text("\n".join(lines))
    first = load(spec).loss
    assert first.shape == ()
    spec.write_text("\n".join(lines).replace(made, made.replace("np.", "sg.")))
    assert sg.derive(first).gradients["x"].equation.rhs == (
        sg.derive(load(spec).loss).gradients["x"].equation.rhs
    )


def test_a_large_number_is_taken_from_what_it_cancels() -> None:
    scores, kept = sg.param("scores", ("N",)), sg.data("kept", ("N",))
    masked = scores + (1.0 - kept) * -1e9
    module = sg.derive(np.sum(np.exp(masked - np.sum(masked * kept)))).compile()
    at = np.array([0.1, 0.7, 0.4])
    value = module.loss(scores=at, kept=np.ones(3))
    np.testing.assert_allclose(value, np.sum(np.exp(at - at.sum())), rtol=1e-14)


def an_autoregression(np: Any, x: Any, a: Any) -> Any:
    return x[3:] - a * x[2:-1] - x[1:-2] * x[:-3]


def second_neighbours(np: Any, x: Any, a: Any) -> Any:
    n = x.shape[0]
    return sum((k - a) * x[k : n - 2 + k] for k in range(3))


@pytest.mark.parametrize(
    "spelling", [an_autoregression, second_neighbours], ids=lambda s: s.__name__
)
@pytest.mark.parametrize("size", [9, "N"])
def test_checks_are_at_sizes_of_which_something_is_left(spelling: Spelling, size: Any) -> None:
    x, a = sg.param("x", (size,)), sg.param("a", ())
    derivation = sg.derive(np.sum(spelling(np, x, a) ** 2))
    assert all(c.passed for c in run(derivation))
    assert all(c.passed for c in module_checks(derivation, derivation.compile(), "float64"))


def a_pair_of_positions(x: Any) -> Any:
    i, j = np.triu_indices(4, k=1)
    return np.sum((x[i] - x[j]) ** 2, axis=-1) ** -3


def factors_of_a_stack(x: Any) -> Any:
    return np.diagonal(np.linalg.cholesky(x), axis1=1, axis2=2) ** 2


@pytest.mark.parametrize(
    ("value", "shape"), [(a_pair_of_positions, (4, 3)), (factors_of_a_stack, (2, 3, 3))]
)
def test_checks_are_at_points_of_the_domain(value: Callable[[Any], Any], shape: Any) -> None:
    derivation = sg.derive(np.sum(value(sg.param("x", shape))))
    assert all(c.passed for c in run(derivation))
    assert all(c.passed for c in module_checks(derivation, derivation.compile(), "float64"))


def test_unrolled_steps_stay_short() -> None:
    """Runge and Kutta's method for two species: each adjoint is made of those before it."""
    p, s = sg.param("p", (4,)), sg.param("s", (2,))

    def slope(z: Any) -> Any:
        x, y = z[0], z[1]
        return np.stack([p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y])

    for _ in range(2):
        k1 = slope(s)
        k2 = slope(s + 0.05 * k1)
        k3 = slope(s + 0.05 * k2)
        k4 = slope(s + 0.1 * k3)
        s = s + (k1 + 2 * k2 + 2 * k3 + k4) / 60
    derivation = sg.derive(np.sum(s**2))
    assert max(weight(a.equation.rhs) for a in derivation.adjoints) < 400


@pytest.mark.parametrize(
    ("typed", "meant"), [(0.1 / 6, "1/60"), (1 / 3, "1/3"), (0.1, "1/10"), (2 / 7e9, None)]
)
def test_floats_of_fractions_are_fractions(typed: float, meant: str | None) -> None:
    expected = sp.Rational(meant or repr(typed))
    assert number(typed) == expected
    assert float(expected) == typed


def test_a_number_and_an_exponential_in_a_divisor() -> None:
    x = sg.param("x", ("N",))
    derivation = sg.derive(np.sum(3 / (2 + np.exp(x)) ** 2))
    assert derivation.system.equations[-1].rhs.has(sigmoid)
    assert not derivation.system.equations[-1].rhs.has(sp.exp)
    at = np.array([-1e4, -2.0, 0.0, 3.0, 1e4])
    value, gradients = derivation.compile().loss_and_gradients(x=at)
    inner = 3 / (2 + np.exp(at[:-1])) ** 2
    np.testing.assert_allclose(value, inner.sum(), rtol=1e-12)
    slopes = -6 * np.exp(at[:-1]) / (2 + np.exp(at[:-1])) ** 3
    np.testing.assert_allclose(gradients.x, [*slopes, 0.0], rtol=1e-12, atol=1e-300)


def test_a_named_divisor_stays() -> None:
    x, s = sg.param("x", ("N",)), sg.param("s", ())
    scale = 2 + np.exp(s)
    derivation = sg.derive(np.sum(np.log1p(x**2 / scale)), names={"scale": scale})
    assert not derivation.forward_steps


def test_a_whole_number_common_to_the_terms_of_a_matrix_form() -> None:
    x = sg.param("x", (6,))
    derivation = sg.derive(np.mean(((x - x.mean()) / x.std(ddof=1)) ** 3) ** 2)
    assert "∂L/∂x[i] =" in derivation.render("text")


def test_a_value_may_be_called_as_a_size_is() -> None:
    x, w = sg.data("x", ("N", "D")), sg.param("w", ("D",))
    D = np.sum(w**2)
    loss = np.sum(np.tanh(x @ w)) / np.sqrt(x.shape[1]) + D
    d = sg.derive(loss, names={"x": x, "w": w, "D": D})
    at = {"x": np.arange(6.0).reshape(3, 2) / 9, "w": np.array([0.5, -1.0])}
    value, found = d.compile().loss_and_gradients(**at)
    t = np.tanh(at["x"] @ at["w"])
    assert value == pytest.approx(np.sum(t) / np.sqrt(2) + 1.25, rel=1e-14)
    right = (1 - t**2) @ at["x"] / np.sqrt(2) + 2 * at["w"]
    np.testing.assert_allclose(found.w, right, rtol=1e-14)
    assert r"\sqrt{n_{D}}" in d.latex()
    assert "x  (N, D)" in d.source()


def test_a_size_of_no_input_that_the_loss_reads_is_named() -> None:
    x, w = sg.data("x", ("N",)), sg.param("w", ("D",))
    loss = np.log(x.shape[0]) * np.sum(w)
    with pytest.raises(sg.SpecError, match="the size N is that of no input"):
        sg.derive(loss, names={"w": w}).compile()


def test_a_value_may_be_clipped_just_within_the_domain() -> None:
    """The step of a difference is shorter than what is left to the end of it."""
    p, y = sg.param("p", (4, 3)), sg.data("y", (4, 3))
    eps = np.finfo(float).eps
    clipped = np.clip(p, eps, 1 - eps)
    derivation = sg.derive(-np.sum(y * np.log(clipped) + (1 - y) * np.log(1 - clipped)))
    assert all(c.passed for c in run(derivation))


def sums_of_lists(np: Any, x: Any, y: Any, m: Any) -> Any:
    squares = np.sum([np.sum(p**2) for p in (x, x[0])]) * np.prod([x[0, 0], 2.0])
    return squares + np.linalg.norm([x[0, 1], 3.0]) + np.sum(np.sum([x[0], x[1] ** 2], axis=0))


def numbers_like_integers(np: Any, x: Any, y: Any, m: Any) -> Any:
    return np.sum(x * np.full_like(y, 1.7)) + np.sum(x**2 * np.full_like(y, 0.5, dtype=float))


def truths_like_truths(np: Any, x: Any, y: Any, m: Any) -> Any:
    return np.sum(x**2 * (np.ones_like(m) + np.full_like(m, 3)) * ~np.zeros_like(m))


@pytest.mark.parametrize(
    "loss", [sums_of_lists, numbers_like_integers, truths_like_truths], ids=lambda f: f.__name__
)
def test_lists_and_kinds_of_numbers_are_those_of_numpy(loss: Callable[..., Any]) -> None:
    at = {"x": np.arange(1.0, 7.0).reshape(2, 3), "y": np.array([0, 2, 1]), "m": np.arange(3) > 1}
    y, m = sg.data("y", (3,), dtype=int), sg.data("m", (3,), dtype=bool)
    derivation = sg.derive(loss(np, sg.param("x", (2, 3)), y, m))
    used = {v.name: at[v.name] for v in derivation.system.variables if v.name in at}
    value, found = derivation.compile().loss_and_gradients(**used)
    assert value == pytest.approx(loss(np, **at), rel=1e-13)
    slope = autograd.grad(lambda x: loss(anp, **{**at, "x": x}))(at["x"])
    np.testing.assert_allclose(found.x, slope, rtol=1e-12)


def test_a_list_of_values_in_arithmetic_is_an_array() -> None:
    x, a = sg.param("x", (2, 3)), sg.param("a", ())
    module = sg.derive(np.sum(x * [a, 2 * a, 1.0]) + np.sum([[a], [1.0]] * x)).compile()
    at = np.arange(6.0).reshape(2, 3)
    value, found = module.loss_and_gradients(x=at, a=3.0)
    assert value == (at * [3, 6, 1]).sum() + (at * [[3], [1]]).sum()
    assert found.a == at[:, 0].sum() + 2 * at[:, 1].sum() + at[0].sum()
    np.testing.assert_array_equal(found.x, [[6, 9, 4], [4, 7, 2]])


UNDEFINED: dict[str, Callable[[Any, Any], Any]] = {
    "a quotient by 0": lambda s, x: np.sum(s / 0.0),
    "a deviation of one entry": lambda s, x: np.sum(s * np.mean(x) / np.std(x)),
    "a logarithm of 0": lambda s, x: s * np.log(np.sum(x - x)),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_what_has_no_value_at_any_point_is_refused_with_its_line(case: str) -> None:
    with pytest.raises(sg.SpecError, match="is undefined whatever the numbers are") as error:
        sg.derive(UNDEFINED[case](sg.param("s", ()), sg.param("x", (1,))))
    assert error.value.where is not None
    assert "lambda" in error.value.where.text


def test_a_derivative_without_a_value_at_any_point_is_refused() -> None:
    with pytest.raises(sg.SpecError, match="the derivative with respect to s is undefined"):
        sg.derive(0.0 ** sg.param("s", ()))


def test_values_called_as_derivatives_would_be() -> None:
    """dx and x_ beside x, v_x beside both: each derivative and each direction has its own name."""

    def loss(x: Any, x_: Any, v_x: Any) -> tuple[Any, Any]:
        dx = np.tanh(x) * x_
        return np.sum(dx**2 * x_ * v_x), dx

    x, x_, v_x = sg.param("x", (3,)), sg.param("x_", (3,)), sg.data("v_x", (3,))
    value, dx = loss(x, x_, v_x)
    a, b, c = sg.param("a", (3,)), sg.param("b", (3,)), sg.data("c", (3,))
    at, along = (
        np.array([[0.1, 0.2, 0.3], [1, 2, 3], [0.5, 1, -1]]),
        np.array([[1, 0, 2], [1, 1, 0]]),
    )
    plain = sg.derive(loss(a, b, c)[0]).compile().gradients(*at)
    found = sg.derive(value, names={"dx": dx}).compile().gradients(x=at[0], x_=at[1], v_x=at[2])
    np.testing.assert_allclose([found.x, found.x_], [*plain], rtol=1e-14)
    product = sg.hvp(loss(a, b, c)[0]).compile().gradients
    right = product(a=at[0], b=at[1], c=at[2], v_a=along[0], v_b=along[1])
    product = sg.hvp(value, names={"dx": dx}).compile().gradients
    found = product(x=at[0], x_=at[1], v_x=at[2], v_x_=along[0], v_x__=along[1])
    np.testing.assert_allclose([found.x, found.x_], [*right], rtol=1e-13)


def _apart(n: int) -> tuple[sg.Array, sg.Array]:
    x = sg.param("x", (n, 2))
    return x, np.sum((x[:, None] - x[None]) ** 2, axis=-1)


def _t_sne(n: int) -> dict[str, sg.Array]:
    _, d = _apart(n)
    q = (1 - np.eye(n)) / (1 + d)
    return {"q": q, "loss": np.sum((q / np.sum(q)) * sg.data("p", (n, n)))}


def _sne(n: int) -> dict[str, sg.Array]:
    _, d = _apart(n)
    q = np.exp(-d) * (1 - np.eye(n))
    return {"q": q, "loss": np.sum(q / np.sum(q, axis=1, keepdims=True) * sg.data("p", (n, n)))}


def _correlation(n: int) -> dict[str, sg.Array]:
    x, y = sg.param("x", (n,)), sg.data("y", (n,))
    a, b = x - x.mean(), y - y.mean()
    return {"a": a, "b": b, "loss": (a @ b) ** 2 / ((a @ a) * (b @ b))}


def _cosine(n: int) -> dict[str, sg.Array]:
    x, y = sg.param("x", (n,)), sg.data("y", (n,))
    a, b = x - x.mean(), y - y.mean()
    return {"a": a, "b": b, "loss": (a @ b) / np.sqrt((a @ a) * (b @ b))}


def _itself(n: int) -> dict[str, sg.Array]:
    x = sg.param("x", (n,))
    a = x - x.mean()
    return {"a": a, "loss": np.sum(a / a)}


@pytest.mark.parametrize("of", [_t_sne, _sne, _correlation, _cosine, _itself])
def test_zero_by_zero_is_refused_where_it_would_cancel(of: Callable[[int], Any]) -> None:
    """With one row NumPy has nan: what is divided by is 0 under a name."""
    for n, refused in ((1, True), (3, False)):
        values = of(n)
        expected: Any = pytest.raises(sg.SpecError, match="is undefined whatever the numbers are")
        with expected if refused else nullcontext():
            sg.derive(values.pop("loss"), names=values)


@pytest.mark.parametrize(
    "f",
    [
        lambda np, x: np.sum(np.ediff1d(x, to_begin=1.0) ** 2),
        lambda np, x: np.sum(np.ediff1d(x, [3.0, x[0]], to_begin=x[:1]) ** 2),
        lambda np, x: np.sum(np.take(x, [6, -1, 2], mode="wrap") ** 2 * np.arange(3.0)),
        lambda np, x: np.sum(np.take(x, [[9, -1], [2, 0]], 0, mode="clip") ** 3),
    ],
)
def test_arguments_that_are_seldom_given(f):
    at = np.array([0.3, -1.2, 0.8, 2.0])
    value, g = sg.derive(f(np, sg.param("x", (4,)))).compile().loss_and_gradients(x=at)
    assert value == pytest.approx(f(np, at), rel=1e-13)
    for k, h in enumerate(1e-6 * np.eye(4)):
        assert g.x[k] == pytest.approx((f(np, at + h) - f(np, at - h)) / 2e-6, abs=1e-8)


def test_a_take_that_is_not_known_to_be_inside_is_refused():
    x, y = sg.param("x", ("N",)), sg.data("y", (2,), dtype=int)
    with pytest.raises(sg.SpecError, match=r"mode .clip. of np"):
        np.take(x, y, mode="clip")


def test_numbers_that_are_added_at_stay_inside_where_a_derivation_is_checked():
    x, acc = sg.param("x", (4,)), sg.zeros(3)
    np.add.at(acc, [0, 2, 0, 1], x)
    derivation = sg.derive(np.sum(acc**2), names={"acc": acc})
    assert np.shape(Points(derivation)[0].values["acc"]) == (3,)


@pytest.mark.parametrize("name", ["multiply", "divide", "maximum", "minimum"])
@pytest.mark.parametrize("columns", [(), (2,)])
def test_combined_at_labels(name: str, columns: tuple[int, ...]) -> None:
    start = 1.5 + 0.1 * np.arange(3 * (1 + len(columns))).reshape(3, *columns)
    at = np.random.default_rng(0).uniform(0.7, 2.5, size=(5, *columns))
    labels = np.array([2, 0, 2, 2, 0])

    def value(start: Any, x: Any, y: Any) -> Any:
        getattr(np, name).at(start, y, x)
        return np.sum(start**2)

    loss = value(sg.constant(start), sg.param("x", at.shape), sg.data("y", (5,), dtype=int))
    module = sg.derive(loss).compile()
    found, g = module.loss_and_gradients(x=at, y=labels)
    assert found == pytest.approx(value(start.copy(), at, labels), rel=1e-13)
    for k in np.ndindex(*at.shape):
        h = np.zeros(at.shape)
        h[k] = 1e-6
        up, down = (value(start.copy(), at + s * h, labels) for s in (1, -1))
        assert g.x[k] == pytest.approx((up - down) / 2e-6, abs=1e-7)
    with pytest.raises(ValueError, match="labels from 0 to 2"):
        module.loss(x=at, y=labels + 1)


def test_labels_by_edges_are_those_of_numpy() -> None:
    w, u = sg.param("w", (4,)), sg.data("u", ("N",))
    at, numbers = np.array([-0.5, 0.3, 1.0, 2.5]), np.array([1.0, 10.0, 100.0, 1000.0])
    for edges in (np.arange(3.0), np.arange(3.0)[::-1]):
        for right in (False, True):
            derived = sg.derive(np.sum(w[np.digitize(u, edges, right=right)] * u)).compile()
            found, g = derived.loss_and_gradients(w=numbers, u=at)
            labels = np.digitize(at, edges, right=right)
            assert found == pytest.approx(numbers[labels] @ at)
            np.testing.assert_allclose(g.w, np.bincount(labels, at, 4))
    with pytest.raises(sg.SpecError) as caught:
        sg.derive(np.sum(w[np.digitize(u, edges) - 1])).compile()
    assert "np.digitize(x, edges[1:]) in place of a 1 subtracted" in str(caught.value)


def test_no_numbers_but_values_at_the_ends_and_as_weights() -> None:
    x, a = sg.param("x", (3, 2)), sg.param("a", ())
    at, b = np.array([[0.3, -1.2], [0.8, 2.0], [0.1, 0.4]]), np.array(0.6)

    def value(x: Any, a: Any) -> Any:
        wide = np.pad(x, ((1, 0), (0, 2)), constant_values=((a, 0.0), (1.0, a**2)))
        weighed = np.average(x, axis=0, weights=np.arange(1.0, 4.0))
        return np.sum(wide**3) + np.sum(weighed**2)

    found, g = sg.derive(value(x, a)).compile().loss_and_gradients(x=at, a=b)
    assert found == pytest.approx(value(at, b), rel=1e-13)
    assert g.a == pytest.approx((value(at, b + 1e-6) - value(at, b - 1e-6)) / 2e-6, abs=1e-7)


SPELLED = {
    "positions taken from an array": """
k = x @ x.T
k[np.diag_indices_from(k)] += 0.3
loss = np.sum(np.linalg.inv(k)) + np.sum(k[np.triu_indices_from(k, 1)])""",
    "results written into arrays": """
h = np.empty_like(x)
np.tanh(x, out=h)
np.multiply(h, 2, out=h)
s = np.sum(h, axis=0, out=np.zeros(2))
loss = np.sum(h**3) + np.sum(s**2)""",
    "entries as they are": """
s = (x[:1] @ x[:1].T).item() + x.item(3) * x.item(1, 0)
loss = s**2 + sum(a * b for a, b in x.tolist())""",
    "kinds of numbers": """
h = np.asarray(x, dtype=np.float64)
k = np.array([h[0], h[1] * 2], dtype=float)
loss = np.sum(k @ k.T) + np.sum(np.vectorize(lambda t: t**3)(h))""",
    "weights at labels": """
y = np.array([2, 0, 2])
loss = np.sum(np.bincount(y, weights=x[:, 0] ** 2, minlength=4) * np.arange(1, 5))""",
    "turns that scale rows and columns": """
k = np.exp(-x / 0.5)
u = np.ones(3)
for _ in range(7):
    v = 0.5 / (k.T @ u)
    u = 1 / 3 / (k @ v)
loss = np.sum(u[:, None] * k * v * x)""",
}


@pytest.mark.parametrize("name", SPELLED)
def test_lines_of_a_spec_file_are_what_numpy_computes(name: str, tmp_path: Path) -> None:
    at = np.random.default_rng(2).normal(size=(3, 2))
    path = tmp_path / "spec.py"
    head = 'import numpy as np\nimport symgrad as sg\nx = sg.param("x", (3, 2))\n'
    path.write_text(head + SPELLED[name])

    def value(x: Any) -> float:
        space = {"np": np, "x": x}
        exec(SPELLED[name], space)
        return float(space["loss"])

    spec = load(path)
    found, g = sg.derive(spec.loss, names=spec.names).compile().loss_and_gradients(x=at)
    assert found == pytest.approx(value(at), rel=1e-12)
    for k in np.ndindex(3, 2):
        h = np.zeros((3, 2))
        h[k] = 1e-6
        assert g.x[k] == pytest.approx((value(at + h) - value(at - h)) / 2e-6, rel=1e-6, abs=1e-7)


def every_second_column(x: Any) -> Any:
    """The positions of a transformer, as they are written."""
    n, d = x.shape
    number, zeros = (np.arange, np.zeros) if isinstance(n, int) else (sg.arange, sg.zeros)
    angle = number(n)[:, None] / 10 ** (np.arange(d // 2) / d)
    code = zeros((n, d)) * x
    code[:, ::2], code[:, 1::2] = np.sin(angle), np.cos(angle)
    code[:, 0] = x[:, 1]
    code[:, -1:-4:-2] *= x[:, 2:4]
    return code * x


def rolled_along_two_axes(x: Any) -> Any:
    return np.roll(x, (1, -2), (0, 1)) * np.roll(x, 1, axis=(0, 1)) * x


def infinite_above_the_diagonal(x: Any) -> Any:
    n = x.shape[0]
    full = np.full if isinstance(n, int) else sg.full
    return np.exp(x @ x.T + np.triu(full((n, n), -np.inf), k=1))


@pytest.mark.parametrize(
    "value", [every_second_column, rolled_along_two_axes, infinite_above_the_diagonal]
)
@pytest.mark.parametrize("rows", [5, "N"])
def test_of_whole_rows(value: Callable[[Any], Any], rows: Any) -> None:
    module = sg.derive(np.sum(value(sg.param("x", (rows, 6))))).compile()
    at = np.linspace(-1, 1, 30).reshape(5, 6) ** 3
    found, gradients = module.loss_and_gradients(x=at)
    assert found == pytest.approx(np.sum(value(at)), rel=1e-13)
    step = 1e-6 * np.cos(np.arange(30.0)).reshape(5, 6)
    difference = np.sum(value(at + step)) - np.sum(value(at - step))
    assert np.sum(gradients.x * step) == pytest.approx(difference / 2, rel=1e-7)


def test_rows_of_steps_that_a_loop_fills_with_states() -> None:
    """What the slopes of W share with a product of each step is no product made at once."""
    x, U, W = sg.data("x", (5, "D")), sg.param("U", ("K", "K")), sg.param("W", ("D", "K"))

    def loss(x: Any, U: Any, W: Any, h: Any) -> Any:
        for t in range(5):
            h[t + 1, :] = np.tanh(h[t] @ U + x[t] @ W)
        return np.sum(h[1:] ** 2)

    module = sg.derive(loss(x, U, W, sg.zeros((6, "K")))).compile()
    rng = np.random.default_rng(0)
    at = {"x": rng.normal(size=(5, 3)), "U": rng.normal(size=(4, 4)), "W": rng.normal(size=(3, 4))}
    found, gradients = module.loss_and_gradients(**at)
    assert found == pytest.approx(loss(**at, h=np.zeros((6, 4))), rel=1e-13)
    for name in "UW":
        step = 1e-20j * (step_ := rng.normal(size=at[name].shape))
        moved = loss(**at | {name: at[name] + step}, h=np.zeros((6, 4), complex))
        assert np.sum(getattr(gradients, name) * step_) == pytest.approx(moved.imag / 1e-20)


def test_the_values_on_the_way_have_sizes_of_what_they_do_not_read() -> None:
    X, y, W = sg.data("X", ("N", 3)), sg.data("y", ("N",), dtype=int), sg.param("W", (3, "K"))
    Y = (y[:, None] == sg.arange("K")).astype(float)
    module = sg.derive(np.sum((X @ W - Y) ** 2), names={"Y": Y}).compile()
    values = module.forward(y=np.array([1, 0]), W=np.ones((3, 4)))
    np.testing.assert_array_equal(values.Y, np.eye(4)[[1, 0]])

"""The public face: what is derived, under which names, and what is refused."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.linalg
import scipy.special
import sympy as sp

import symgrad as sg


def logistic(np: Any, w: Any, X: Any, y: Any) -> Any:
    z = X @ w
    return np.mean(np.log(1 + np.exp(z)) - y * z)


def factorisation(np: Any, w: Any, X: Any, y: Any) -> Any:
    return np.sum((y - w @ X.T) ** 2)


def network(np: Any, w: Any, X: Any, y: Any) -> Any:
    return np.sum((np.tanh(np.tanh(X @ w)) - y) ** 2)


CASES = [
    (logistic, (4,), (6, 4), (6,)),
    (factorisation, (4, 2), (3, 2), (4, 3)),
    (network, (3, 2), (5, 3), (5, 2)),
]


def arrays(shapes: dict[str, tuple[int, ...]]) -> dict[str, sg.Array]:
    return {n: (sg.param if n == "w" else sg.data)(n, s) for n, s in shapes.items()}


def numbers(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {n: rng.normal(size=s) for n, s in shapes.items()}


def true_hessian(loss: Callable[..., Any], point: dict[str, np.ndarray]) -> Any:
    return autograd.hessian(lambda w: loss(anp, **{**point, "w": w}))(point["w"])


@pytest.mark.parametrize(("loss", "w", "X", "y"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_hessian_and_its_products(loss: Any, w: Any, X: Any, y: Any) -> None:
    shapes = {"w": w, "X": X, "y": y}
    given, point = arrays(shapes), numbers(shapes)
    expected = true_hessian(loss, point)
    second = sg.hessian(loss(np, **given), "w", names=given)
    _, found = second.compile().loss_and_gradients(**point)
    np.testing.assert_allclose(found.w, expected, rtol=1e-10, atol=1e-12)

    direction = np.random.default_rng(1).normal(size=w)
    products = sg.hvp(loss(np, **given), names=given).compile()
    _, along = products.loss_and_gradients(**point, v_w=direction)
    wanted = np.tensordot(expected, direction, direction.ndim)
    np.testing.assert_allclose(along.w, wanted, rtol=1e-10, atol=1e-12)


def test_a_hessian_keeps_its_block_structure() -> None:
    shapes = {"w": (4, 2), "X": (3, 2), "y": (4, 3)}
    given = arrays(shapes)
    equation = sg.hessian(factorisation(np, **given), "w", names=given).gradients["w"].equation
    deltas = equation.rhs.atoms(sp.KroneckerDelta)
    assert len(deltas) == 1
    assert equation.rhs.coeff(deltas.pop()).atoms(sp.Sum)


def test_jacobian_of_a_vector_function() -> None:
    A, w = sg.data("A", (3, 4)), sg.param("w", (4,))
    value = np.tanh(A @ w)
    derivation = sg.jacobian(value, "w")
    assert derivation.gradients["w"].shape == (3, 4)
    rng = np.random.default_rng(0)
    point = {"A": rng.normal(size=(3, 4)), "w": rng.normal(size=4)}
    out, found = derivation.compile().loss_and_gradients(**point)
    np.testing.assert_allclose(out, np.tanh(point["A"] @ point["w"]))
    np.testing.assert_allclose(found.w, (1 - out**2)[:, None] * point["A"], rtol=1e-12)


def test_values_have_the_names_of_the_callers_variables() -> None:
    X, W = sg.data("X", ("N", 3)), sg.param("W", (3, 2))
    hidden = np.tanh(X @ W)
    total = np.sum(hidden**2)
    derivation = sg.derive(total)
    assert set(derivation.gradients) >= {"total", "hidden", "W"}
    assert derivation.gradients["W"].shape == (3, 2)


def test_the_equation_is_stock_sympy_with_fixed_sizes_as_numbers() -> None:
    X, W = sg.data("X", (5, 3)), sg.param("W", (3, 2))
    equation = sg.derive(np.sum(np.tanh(X @ W))).gradients["W"].equation
    assert isinstance(equation, sp.Eq)
    (total,) = equation.rhs.atoms(sp.Sum)
    assert total.limits[0][1:] == (0, 4)


def test_without_the_assumption_the_sum_stays() -> None:
    Y, z = sg.data("Y", (3,)), sg.param("z", (3,))
    p = np.exp(z) / np.sum(np.exp(z))
    plain = sg.derive(-np.sum(Y * np.log(p))).gradients["z"].equation.rhs
    assert plain.has(sp.Sum)
    Y1 = sg.data("Y", (3,), assume=sg.sums_to_one(axis=0))
    assumed = sg.derive(-np.sum(Y1 * np.log(p))).gradients["z"].equation.rhs
    assert not assumed.has(sp.Sum)


def test_steps_are_rules_with_both_sides() -> None:
    X, W = sg.data("X", (5, 3)), sg.param("W", (3, 2))
    steps = sg.derive(np.sum(np.tanh(X @ W))).steps
    assert steps
    for rule, before, after in ((s.rule, s.before, s.after) for s in steps):
        assert rule
        assert before != after


def test_wrt_chooses_what_is_differentiated() -> None:
    W, b = sg.param("W", (3,)), sg.param("b", (3,))
    loss = np.sum((W + b) ** 2)
    assert sg.derive(loss, wrt="b").wrt == ("b",)
    assert sg.derive(loss, wrt=[W, "b"]).wrt == ("W", "b")


def test_straight_through_and_stop_gradient() -> None:
    x, w = sg.data("x", (3,)), sg.param("w", (3,))
    hard = sg.straight_through(np.sign(w), backward_as=w)
    module = sg.derive(np.sum(hard * x)).compile()
    point = {"x": np.array([1.0, 2.0, 3.0]), "w": np.array([0.5, -0.2, 2.0])}
    value, gradients = module.loss_and_gradients(**point)
    assert value == 1.0 - 2.0 + 3.0
    np.testing.assert_array_equal(gradients.w, point["x"])
    still = sg.derive(np.sum(sg.stop_gradient(w) * w)).compile().gradients(w=point["w"])
    np.testing.assert_array_equal(still.w, point["w"])


def test_a_stopped_value_is_not_taken_for_its_own_expression() -> None:
    w = sg.param("w", ())
    held = sg.stop_gradient(np.exp(w))
    second = sg.hessian(np.exp(2 * w) * held, "w").compile()
    _, found = second.loss_and_gradients(w=np.array(0.3))
    np.testing.assert_allclose(found.w, 4 * np.exp(0.9), rtol=1e-12)


def test_a_parameter_that_is_not_used_has_a_zero_gradient_and_a_remark() -> None:
    w, idle = sg.param("w", (3,)), sg.param("idle", (2, 2))
    derivation = sg.derive(np.sum(w**2), names={"w": w, "idle": idle})
    assert derivation.gradients["idle"].equation.rhs == 0
    gradients = derivation.compile().gradients(w=np.ones(3), idle=np.ones((2, 2)))
    np.testing.assert_array_equal(gradients.idle, np.zeros((2, 2)))
    assert any("idle" in remark for remark in derivation.remarks)
    assert idle.shape == (2, 2)


REFUSED = [
    (sg.derive, "not a scalar"),
    (lambda w: sg.derive(3.0), "not an array of symgrad"),
    (lambda w: sg.derive(np.sum(w), wrt="v"), "'v', which is not there"),
    (lambda w: sg.derive(np.sum(sg.data("x", (2,)))), "nothing to differentiate by"),
    (lambda w: sg.derive(np.sum(w) + np.sum(sg.param("w", (3,)))), "two arrays"),
    (lambda w: np.sum(w @ sg.data("x", (4,))), "inner sizes 3 and 4 differ"),
    (np.unique, "np.unique is not supported"),
    (lambda w: w + sg.data("x", (4,)), "sizes 3 and 4 differ"),
    (lambda w: bool(w[0] > 0), "truth value"),
    (lambda w: sg.param("2x", (3,)), "not a name"),
    (lambda w: sg.param("x", (0,)), "has the size 0"),
    (lambda w: sg.data("x", (2, 3), assume=sg.symmetric), "can't be symmetric"),
    (lambda w: sg.data("x", (2,), assume=sg.one_hot(axis=1)), "is about axis 1"),
    (lambda w: w[5], "outside of axis 0"),
    (lambda w: w[np.array([], dtype=int)], "has no entries"),
    (lambda w: w[[True, False]], "a condition of shape 2 can't pick from"),
    (lambda w: np.array(w, dtype=float), "can't become an array of numbers"),
    (scipy.special.softmax, "an array of numbers, as softmax asks"),
    (scipy.special.softmax, "sg.softmax stands in"),
    (lambda w: scipy.special.logsumexp(sg.data("x", ("N",))), "sg.logsumexp stands in"),
    (lambda w: scipy.linalg.solve(w[:, None] * w, w), "np.linalg.solve is supported"),
    (lambda w: w[..., 0, ...], "2 times ... in one index"),
    (lambda w: np.mean([w[0], w[1]]), "np.mean(np.stack([…]))"),
    (lambda w: np.linalg.det([[w[0], 1.0], [1.0, w[1]]]), "np.linalg.det(np.stack([…]))"),
    (lambda w: np.full_like(sg.data("y", (3,), dtype=int), w[0]), "np.full_like of int with"),
    (lambda w: np.cross(w, sg.data("x", (4,))), "np.cross of w (3) and x (4)"),
    (np.linalg.eig, "np.linalg.eig is not supported"),
    (lambda w: w @ np.ones((2, 3)), "cannot multiply w (3) by a value (2×3)"),
    (lambda w: w.__setitem__(0, [1.0, 2.0]), "cannot write a value (2) into a part of w (3)"),
    (lambda w: w.__setitem__(sg.data("y", ("N",), dtype=int), 0), "labels that may be equal"),
    (lambda w: w.__setitem__(sg.data("m", (2,), dtype=bool), 0), "can't be the place to write to"),
    (lambda w: sg.zeros(3, int).__setitem__(0, w[0]), "which holds ints"),
    (lambda w: np.add.at(np.zeros(3), [0, 0, 1], w), "sg.zeros, sg.ones or sg.full"),
    (lambda w: w[w > 0].size, "np.sum, np.mean, np.max and functions of numbers are"),
    (lambda w: sg.hessian(np.sum(w * sg.param("v", (3,))), ["w", "v"]), "by one parameter"),
]


@pytest.mark.parametrize(("wrong", "what"), REFUSED, ids=lambda c: c if isinstance(c, str) else "")
def test_refusals_say_what_and_where(wrong: Callable[[sg.Array], Any], what: str) -> None:
    with pytest.raises(sg.SpecError) as caught:
        wrong(sg.param("w", (3,)))
    assert what in str(caught.value)
    assert caught.value.hint


def test_augmented_assignment_makes_a_new_value() -> None:
    w, x = sg.param("w", (3,)), sg.data("x", (4, 3))
    total = 0.0
    for k in range(4):
        total += np.sum(np.tanh(x[k] * w))
    h = x * w
    h *= 2
    module = sg.derive(total + np.sum(h**2)).compile()
    rng = np.random.default_rng(0)
    point = {"x": rng.normal(size=(4, 3)), "w": rng.normal(size=3)}
    _, found = module.loss_and_gradients(**point)
    t = np.tanh(point["x"] * point["w"])
    slope = (1 - t**2) * point["x"] + 8 * point["x"] ** 2 * point["w"]
    np.testing.assert_allclose(found.w, slope.sum(0), rtol=1e-12)


@pytest.mark.parametrize("view", [lambda h: h, lambda h: h[0], lambda h: h.T, np.ravel])
def test_memory_that_was_changed_in_place_is_read_as_it_is(view: Any) -> None:
    h = sg.data("x", (4, 3)) * sg.param("w", (3,))
    other = view(h)
    before = np.sum(other)
    h += 1
    after = np.sum(other)
    module = sg.derive(after - before).compile()
    x, w = np.arange(12.0).reshape(4, 3), np.ones(3)
    assert module.loss(x=x, w=w) == view(x).size


def test_what_a_reshaped_array_shares_can_not_be_read_once_it_is_changed() -> None:
    h = sg.data("x", (4, 3)) * sg.param("w", (3,))
    flat = h.reshape(12)
    flat += 1
    np.sum(flat)
    with pytest.raises(sg.SpecError, match="changed in place"):
        np.sum(h)


COPIES: tuple[Callable[[Any], Any], ...] = (
    np.copy, lambda h: h.copy(), lambda h: h.flatten(), lambda h: h.astype(float), np.array,
    lambda h: np.concatenate([h]), lambda h: np.tile(h, 1), np.cumsum, np.tril, lambda h: h[[1, 0]],
    lambda h: h.T.copy()[0],
)  # fmt: skip


@pytest.mark.parametrize("copied", COPIES)
def test_what_is_changed_in_a_copy_is_not_changed_in_the_other(copied: Any) -> None:
    def loss(w: Any, x: Any) -> Any:
        h = x * w
        other = copied(h)
        other *= 3
        h -= 1
        return np.sum(h**2) + np.sum(other**3)

    x, w = np.arange(6.0).reshape(2, 3) / 5, np.array([0.5, -1.0, 2.0])
    module = sg.derive(loss(sg.param("w", (3,)), sg.data("x", (2, 3)))).compile()
    assert module.loss(w=w, x=x) == pytest.approx(loss(w, x), rel=1e-13)


def test_nothing_is_written_beside_an_array() -> None:
    """What ``np.asarray`` gives is in NumPy the array itself."""
    other = np.asarray(sg.data("x", (3,)) * 2)
    with pytest.raises(ValueError, match="read-only"):
        other += 1


@pytest.mark.parametrize(
    "picked",
    [
        lambda logp, y: logp[np.arange(5), y],
        lambda logp, y: logp[range(5), y],
        lambda logp, y: np.take_along_axis(logp, y[:, None], axis=1),
        lambda logp, y: np.sum(sg.constant(np.eye(3))[y] * logp, axis=1),
        lambda logp, y: np.sum((y[:, None] == np.arange(3)) * logp, axis=1),
    ],
)
def test_labels_may_pick_in_any_spelling(picked: Callable[[Any, Any], Any]) -> None:
    y, W, X = sg.data("y", (5,), dtype=int), sg.param("W", (4, 3)), sg.data("X", (5, 4))
    module = sg.derive(-np.sum(picked(sg.log_softmax(X @ W, axis=1), y)) / 5).compile()
    rng = np.random.default_rng(0)
    point = {"X": rng.normal(size=(5, 4)), "W": rng.normal(size=(4, 3)), "y": np.arange(5) % 3}
    _, found = module.loss_and_gradients(**point)
    e = np.exp(point["X"] @ point["W"])
    slope = (e / e.sum(1, keepdims=True) - np.eye(3)[point["y"]]) / 5
    np.testing.assert_allclose(found.W, point["X"].T @ slope, rtol=1e-12)


def test_second_derivatives_are_written_as_such() -> None:
    X, w = sg.data("X", ("N", 3)), sg.param("w", (3,))
    z = X @ w
    second = sg.hessian(np.sum(np.exp(z)), "w", names={"z": z})
    entry = r"\frac{\partial^{2} L}{\partial w_{i} \, \partial w_{j}}"
    assert second.gradients["w"].latex().startswith(entry)
    whole = r"\frac{\partial^{2} L}{\partial w \, \partial w^{\top}}"
    assert second.gradients["w"].matrix_latex().startswith(whole)
    assert "∂²L/∂w∂wᵀ = " in second.render("text")


def test_the_package_shows_its_public_names() -> None:
    shown = {name for name in dir(sg) if not name.startswith("__")}
    assert shown == set(sg.__all__)
    assert all(hasattr(sg, name) for name in dir(sg))
    with importlib.resources.as_file(importlib.resources.files(sg) / "py.typed") as marker:
        assert marker.is_file()


def test_a_prompt_shows_arrays_as_mathematics() -> None:
    X, y = sg.data("X", ("N", 3)), sg.data("y", ("N",), dtype=int)
    w, s = sg.param("w", (3,)), sg.param("s", ())
    assert [repr(a) for a in (X, y, w, s)] == ["X ∈ ℝ^(N×3)", "y ∈ ℤ^N", "w ∈ ℝ^3", "s ∈ ℝ"]
    assert repr(np.tanh(X @ w)) == "t₁[n] = Σ_i X[n,i] w[i]\nvalue[n] = tanh(t₁[n])"
    deep = w
    for _ in range(40):
        deep = np.tanh(deep @ np.ones((3, 3)))
    assert len(repr(deep).splitlines()) <= 9


def test_a_derivation_is_printed_in_short() -> None:
    X, w = sg.data("X", ("N", 3)), sg.param("w", (3,))
    r = X @ w
    d = sg.derive(np.sum(r**2))
    assert str(d).startswith("Derivation\n\nWhat is given\n")
    assert "chain rule" not in str(d)
    assert "chain rule" in str(d.render("text"))
    assert [line.split(" = ")[0].strip() for line in repr(d).splitlines()] == [
        "r[n]", "L", "∂L/∂w[i]"
    ]  # fmt: skip
    assert str(d.gradients["w"]) == "∂L/∂w[i] = 2 Σ_n r[n] X[n,i]\n∂L/∂w = 2 Xᵀ r"
    with pytest.raises(KeyError, match=r"there is no derivative by 'q'\n.*\n.*there are .*w"):
        d.gradients["q"]


@pytest.mark.parametrize("layout", ["latex", "text", "markdown", "typst", "html", "json", "tex"])
def test_parts_alone(layout: str) -> None:
    X, w = sg.data("X", ("N", 3)), sg.param("w", (3,))
    r = X @ w
    d = sg.derive(np.sum(r**2))
    for part in ("given", "forward", "backward", "gradients", "remarks", "w"):
        shown = str(d.render(layout, choice=sg.Choice(parts=(part,))))
        assert "The backward pass" not in shown
        assert "Derivation" not in shown
    with pytest.raises(sg.SpecError, match="there is no part 'forwards'\n  perhaps forward"):
        d.render(layout, choice=sg.Choice(parts=("forwards",)))


def test_the_forward_pass_in_matrix_form() -> None:
    X, w = sg.data("X", ("N", 3)), sg.param("w", (3,))
    r = X @ w
    d = sg.derive(np.sum(r**2), names={"r": r})
    shown = d.render("text", choice=sg.Choice("brief", "matrix", parts=("forward", "gradients")))
    assert [" ".join(line.split()) for line in str(shown).splitlines() if line] == [
        "r = X w", "L = ‖r‖²", "∂L/∂w = 2 Xᵀ r 3"
    ]  # fmt: skip

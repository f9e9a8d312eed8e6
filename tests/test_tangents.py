"""Derivatives along a direction: against autograd, differences and the Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.errors import SpecError
from symgrad.formats import FORMATS

Function = Callable[..., Any]


def mlp(np: Any, W: Any, b: Any, X: Any) -> Any:
    return np.tanh(X @ W + b)


def attention(np: Any, W: Any, b: Any, X: Any) -> Any:
    scores = (X @ W) @ (X @ W).T
    weights = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    return weights @ X + np.sum(b)


def scalar(np: Any, W: Any, b: Any, X: Any) -> Any:
    return np.mean(np.log(np.sum(np.exp(X @ W * b), axis=1)))


def kinked(np: Any, W: Any, b: Any, X: Any) -> Any:
    return np.max(np.maximum(X @ W, 0) + b, axis=0)


def normed(np: Any, W: Any, b: Any, X: Any) -> Any:
    return (X @ W) / np.sqrt(np.sum(W**2)) - b[::-1]


def solved(np: Any, W: Any, b: Any, X: Any) -> Any:
    return np.linalg.inv(W.T @ W) @ b


CASES: list[Function] = [mlp, attention, scalar, kinked, normed, solved]
SHAPES = {"W": (3, 4), "b": (4,), "X": (5, 3)}
WIDE = SHAPES | {"W": (4, 3), "b": (3,), "X": (5, 4)}


def derived(f: Function, **more: Any) -> tuple[sg.Derivation, dict[str, Any]]:
    shapes = WIDE if f is solved else SHAPES
    arrays = {n: (sg.data if n == "X" else sg.param)(n, s) for n, s in shapes.items()}
    rng = np.random.default_rng(6)
    point = {n: rng.normal(size=s) for n, s in shapes.items()}
    d = sg.jvp(f(np, **arrays), names={}, **more)
    used = {v.name for v in d.system.variables}
    point |= {f"v_{n}": rng.normal(size=shapes[n]) for n in ("W", "b")}
    return d, {n: v for n, v in point.items() if n in used}


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_against_autograd_and_the_jacobian(f: Function) -> None:
    d, point = derived(f)
    value, found = d.compile().loss_and_gradients(**point)
    given = {n: v for n, v in point.items() if not n.startswith("v_")}
    np.testing.assert_allclose(value, f(np, **{"X": None, **given}), rtol=1e-12)

    expected: Any = 0
    for name in ("W", "b"):
        of_one = autograd.jacobian(lambda x, n=name: f(anp, **{"X": None, **given, n: x}))
        expected = expected + np.tensordot(
            of_one(given[name]), point[f"v_{name}"], point[f"v_{name}"].ndim
        )
    np.testing.assert_allclose(found.value, expected, rtol=1e-9, atol=1e-12)
    assert np.shape(found.value) == np.shape(value)


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_its_checks_pass_and_see_a_wrong_tangent(f: Function) -> None:
    d, _ = derived(f)
    found = run(d)
    assert any(c.what == "tangent = difference quotient" for c in found)
    assert [c for c in found if not c.passed] == []
    name = d.results["value"]
    wrong = tuple(replace(e, rhs=2 * e.rhs) if e.name == name else e for e in d.system)
    tangents = tuple(
        replace(t, equation=next(e for e in wrong if e.name == t.equation.name), steps=())
        for t in d.tangents
    )
    planted = replace(d, system=replace(d.system, equations=wrong), tangents=tangents)
    assert [c.name for c in run(planted) if not c.passed] == [name]


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_the_file_checks_itself(f: Function, capsys: Any) -> None:
    source = derived(f)[0].source()
    namespace: dict[str, Any] = {"__name__": "file"}
    exec(source, namespace)
    assert namespace["_self_check"]() == 0
    assert "value: derivative and differences" in capsys.readouterr().out
    gradients = namespace["loss_and_gradients"]

    def wrong(*args: Any, **given: Any) -> Any:
        value, found = gradients(*args, **given)
        return value, found._replace(value=1.01 * found.value)

    namespace["loss_and_gradients"] = wrong
    assert namespace["_self_check"]() == 1


def test_only_what_is_asked_for_moves() -> None:
    d, point = derived(mlp, wrt="b")
    assert "v_W" not in point
    slope = 1 - np.tanh(point["X"] @ point["W"] + point["b"]) ** 2
    found = d.compile().gradients(**point)
    np.testing.assert_allclose(found.value, slope * point["v_b"], rtol=1e-12)


def test_a_value_on_the_way_moves_by_itself_too() -> None:
    w = sg.param("w", (3,))
    hidden = w**2
    value = np.sin(hidden)
    d = sg.jvp(value, wrt=[w, hidden])
    point = {"w": np.array([1.0, 2, 3]), "v_w": np.ones(3), "v_hidden": np.array([0.5, 0, 1])}
    found = d.compile().gradients(**point).value
    moves = 2 * point["w"] + point["v_hidden"]
    np.testing.assert_allclose(found, np.cos(point["w"] ** 2) * moves, rtol=1e-12)


def test_it_reads_as_written_by_hand() -> None:
    X, W = sg.data("X", ("N", 3)), sg.param("W", (3, 2))
    z = X @ W
    a = np.tanh(z)
    loss = np.sum(a**2)
    d = sg.jvp(loss)
    assert d.gradients["z"].matrix_latex() == r"\dot{z} = X v_{W}"
    assert d.gradients["a"].latex() == r"\dot{a}_{ni} = \dot{z}_{ni} (1 - a_{ni}^{2})"
    assert d.gradients["loss"].latex() == r"\dot{L} = 2 \sum_{n,i} a_{ni} \dot{a}_{ni}"
    assert r"\dot{L} = 2 \sum_{n,i} a_{ni} \dot{a}_{ni}" in str(d.latex())
    assert [s.rule for s in d.steps] == ["contract δ", "contract δ", "definition", "contract δ"]
    text = " ".join(str(d.render("text")).split())
    assert "When W moves along v_W, L changes at the rate L̇." in text
    assert "direction of W" in text


@pytest.mark.parametrize("layout", sorted(set(FORMATS) - {"pdf"}))
def test_every_format_prints_it(layout: str) -> None:
    assert derived(mlp)[0].render(layout)


def test_names_and_refusals() -> None:
    w, v_w = sg.param("w", (2,)), sg.data("v_w", (2,))
    loss_dot = np.sum(w * v_w)
    loss = loss_dot**2
    d = sg.jvp(loss)
    assert d.directions == {"w": "v_w_"}
    assert d.results["loss"] == "loss_dot_"
    found = d.compile().gradients(w=[1, 2], v_w=[3, 4], v_w_=[1, 1])
    np.testing.assert_allclose(found.loss, 2 * 11 * 7)
    with pytest.raises(SpecError, match="wrt names 'u'"):
        sg.jvp(loss, wrt="u")
    with pytest.raises(SpecError, match="not an array of symgrad"):
        sg.jvp(3)  # type: ignore[arg-type]


def test_a_tangent_reads_the_number_that_is_held() -> None:
    x = sg.param("x", (2,))
    e = sg.rounded(np.exp(x), decimals=0)
    names = {"x": x, "e": e}
    tangent = sg.jvp(np.sum(e * e), "x", names=names).compile()
    slope = sg.derive(np.sum(e * e), names=names).compile()
    at, along = np.array([0.3, 0.5]), np.array([1.0, -2.0])
    found = tangent.gradients(x=at, v_x=along)[0]
    assert np.isclose(found, slope.gradients(x=at).x @ along, rtol=1e-12)
    assert not np.isclose(found, (2 * np.round(np.exp(at)) * np.exp(at)) @ along)

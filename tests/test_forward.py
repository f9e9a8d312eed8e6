"""The values on the way that generated modules offer, beside those of NumPy itself."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.language.tracing import names_in
from tests.losses import SOME, Loss
from tests.test_losses import point


def locals_of(function: Callable[..., Any], **given: Any) -> tuple[Any, dict[str, Any]]:
    """What a function gives, and its variables at the end."""
    found: dict[str, Any] = {}

    def seen(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is function.__code__:
            found.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        value = function(np, **given)
    finally:
        sys.setprofile(before)
    return value, found


def with_names(loss: Loss) -> sg.Derivation:
    arrays: dict[str, Any] = {n: sg.param(n, s) for n, s in loss.params.items()}
    arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
    arrays |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
    value, found = locals_of(loss.function, **arrays)
    return sg.derive(value, names={**names_in(found), **arrays})


@pytest.mark.parametrize("loss", SOME)
def test_values_are_those_of_the_spec(loss: Loss) -> None:
    module = with_names(loss).compile()
    if not hasattr(module, "forward"):
        assert not hasattr(module, "Values")
        return
    at = point(loss)
    _, right = locals_of(loss.function, **at)
    names = inspect.signature(module.forward).parameters
    given = {name: at[name] for name in names if name in at}
    workspace = module.Workspace(keep=True)
    for found in (module.forward(**given), module.forward(**given, workspace=workspace)):
        compared = 0
        for name, value in found._asdict().items():
            if isinstance(right.get(name), np.ndarray | float):
                scale = 1 + np.abs(right[name]).max()
                np.testing.assert_allclose(value, right[name], rtol=1e-9, atol=1e-10 * scale)
                compared += 1
        assert compared or not any(name in right for name in found._fields)


def net() -> sg.Derivation:
    X, Y = sg.data("X", ("N", 3)), sg.data("Y", ("N", 2), assume=sg.one_hot(axis=1))
    W, b = sg.param("W", (3, 2)), sg.param("b", (2,))
    z = X @ W + b
    a = np.maximum(z, 0)
    p = np.exp(a) / np.sum(np.exp(a), axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(p))
    return sg.derive(loss, names={"z": z, "a": a, "p": p})


AT = {"X": np.arange(6.0).reshape(2, 3), "W": np.ones((3, 2)) / 4, "b": np.array([0.5, -0.25])}


def test_a_classifier_predicts_without_labels() -> None:
    module = net().compile()
    values = module.forward(**AT)
    assert values._fields == ("z", "a", "p")
    np.testing.assert_allclose(values.p.sum(axis=1), 1)
    np.testing.assert_allclose(values.z, AT["X"] @ AT["W"] + AT["b"])
    with pytest.raises(TypeError):
        module.forward(**AT, Y=np.eye(2))


def test_values_that_are_asked_for_and_no_others() -> None:
    text = net().source(values=["a"])
    assert "    a: Array  # (N, 2)" in text
    assert "    z: Array" not in text
    assert "class Values" not in net().source(values=[])
    with pytest.raises(sg.SpecError, match="there is no value 'q'"):
        net().source(values=["q"])


def test_a_workspace_that_shares_memory_is_refused() -> None:
    module = net().compile()
    with pytest.raises(ValueError, match=r"Workspace\(2, .*\) with keep=True"):
        module.forward(**AT, workspace=module.Workspace(2))


def test_plain_files_have_the_values_too() -> None:
    plain, other = net().compile(plain=True), net().compile()
    for one, two in zip(plain.forward(**AT), other.forward(**AT), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-14)


def test_one_input_of_a_long_name_is_enough() -> None:
    x, W1 = sg.data("x", ("N",)), sg.param("W1", ("N",))
    q = np.tanh(W1)
    module = sg.derive(np.sum(q * x), names={"x": x, "W1": W1, "q": q}).compile()
    assert np.array_equal(module.forward(W1=np.ones(4)).q, np.tanh(np.ones(4)))


ODD = ("_core", "_fields", "count", "index", "names", "main", "forward", "Values", "pack", "zip")


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", ODD)
def test_values_of_any_name(name: str, plain: bool) -> None:
    w, x = sg.param("w", (3,)), sg.data("x", (3,))
    q = np.tanh(w)
    module = sg.derive(np.sum(q * x), names={name: q}).compile(plain=plain)
    found = module.forward(w=np.ones(3))
    assert found._fields == (name.lstrip("_"),)
    np.testing.assert_allclose(found[0], np.tanh(np.ones(3)))
    assert module._self_check() == 0


@pytest.mark.parametrize("name", ["count", "index", "names", "main", "given", "pack", "forward"])
def test_inputs_of_many_names(name: str) -> None:
    w, x = sg.param(name, (3,)), sg.data("x", (3,))
    q = np.tanh(w)
    module = sg.derive(np.sum(q * x), names={"q": q}).compile()
    np.testing.assert_allclose(module.forward(**{name: np.ones(3)}).q, np.tanh(np.ones(3)))
    found = module.gradients(**{name: np.zeros(3)}, x=np.ones(3))
    np.testing.assert_allclose(getattr(found, name), np.ones(3))
    module.bind(**{name: np.zeros(3)}, x=np.ones(3))()


@pytest.mark.parametrize("name", ["_core", "np", "zip", "range", "Workspace", "bind", "loss"])
def test_other_names_of_inputs_are_refused(name: str) -> None:
    w = sg.param(name, (3,))
    with pytest.raises(sg.SpecError, match=f"an input can't be called '{name}'"):
        sg.derive(np.sum(np.tanh(w)), names={}).source()


def test_only_what_the_chosen_values_need_is_computed() -> None:
    X, W1, W2 = sg.data("X", ("N", 30)), sg.param("W1", (30, 40)), sg.param("W2", (40, 9))
    a = np.tanh(X @ W1)
    b = np.tanh(a @ W2)
    text = sg.derive(np.sum(b**2), names={"a": a, "b": b}).source(values=["a"])
    first = text.split("def _forward")[1].split("def ")[0]
    assert (first.count("np.tanh"), first.count("W2")) == (1, 0)
    assert "def forward(X: Any, W1: Any, workspace" in text


@pytest.mark.parametrize("plain", [False, True])
def test_zeros_of_labels_ask_for_no_labels(plain: bool) -> None:
    x, w = sg.data("x", ("N",)), sg.param("w", ("N",))
    z = np.tanh(np.pad(w, (1, 1)))
    module = sg.derive(np.sum(z * np.pad(x, (1, 1)) ** 2), names={"x": x, "z": z})
    parameters = inspect.signature(module.compile(plain=plain).forward).parameters
    assert [n for n in parameters if n != "workspace"] == ["w"]


def of_one_line(np: Any, X: Any, v: Any) -> Any:
    return np.sum(np.exp(X @ v) / np.sum(np.exp(X @ v)) * v[0]) + np.sum(np.tanh(v @ X.T))


def test_what_is_typed_twice_without_a_name_is_one_value() -> None:
    X, v = sg.data("X", ("N", 5)), sg.param("v", (5,))
    d = sg.derive(of_one_line(np, X, v), names={"X": X, "v": v})
    assert [e.name for e in d.system] == ["t1", "loss"]
    assert list(d.gradients) == ["loss", "t1", "v"]


def test_what_has_a_name_stays_a_value_of_its_own() -> None:
    X, v = sg.data("X", ("N", 5)), sg.param("v", (5,))
    z = X @ v
    d = sg.derive(np.sum(np.exp(X @ v)) + np.sum(np.tanh(z)), wrt=["z"], names={"v": v, "z": z})
    assert [e.name for e in d.system] == ["z", "t1", "loss"]
    x = {"X": np.ones((2, 5)), "v": np.full(5, 0.1)}
    found = d.compile().gradients(**x).z
    np.testing.assert_allclose(found, 1 - np.tanh(0.5) ** 2 * np.ones(2))


def test_labels_that_are_typed_twice_stay_apart() -> None:
    k = sg.data("k", ("N",), dtype=int)
    W, V = sg.param("W", (3, 2)), sg.param("V", (4, 2))
    d = sg.derive(np.sum(W[k + 1] * V[k + 1]), names={"W": W, "V": V, "k": k})
    g = d.compile().gradients(W=np.ones((3, 2)), V=np.ones((4, 2)), k=np.array([0, 1]))
    np.testing.assert_allclose(g.W[:, 0], [0, 1, 1])

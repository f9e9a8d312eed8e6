"""Second derivatives without work twice: cores of Hessians, slopes of tangents."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symgrad as sg
from symgrad.program.program import count
from symgrad.targets import TARGETS

N, D, H, K = 3, 4, 5, 2


def net(np: Any, X: Any, y: Any, W1: Any, W2: Any) -> Any:
    """The loss of a layer of relu, one of tanh, and cross-entropy with labels in rows of ones."""
    z = np.tanh(np.maximum(X @ W1, 0)) @ W2
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.sum(y * np.log(p))


def point() -> dict[str, Any]:
    r = np.random.default_rng(0)
    X, W1, W2 = r.normal(size=(N, D)), r.normal(size=(D, H)), r.normal(size=(H, K))
    return {"X": X, "y": np.eye(K)[r.integers(0, K, N)], "W1": W1, "W2": W2}


def derived() -> sg.Derivation:
    X, y = sg.data("X", ("N", D)), sg.data("y", ("N", K))
    return sg.hessian(net(np, X, y, sg.param("W1", (D, H)), sg.param("W2", (H, K))), "W1")


@pytest.mark.parametrize("target", ["numpy", pytest.param("c", marks=pytest.mark.long)])
def test_a_hessian_of_cores_is_the_hessian(target: str) -> None:
    at = point()
    more: Any = {"sizes": {"N": N}} if target == "c" else {}
    (found,) = derived().compile(target=target, **more).gradients(**at)
    wanted = autograd.hessian(lambda w: net(anp, at["X"], at["y"], w, at["W2"]))(at["W1"])
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_nothing_but_the_result_has_the_columns_of_the_data_twice() -> None:
    derivation = derived()
    program = sg.outputs.module(derivation, derivation.notation).program
    (result,) = derivation.results.values()
    sizes = [int(count(o.shape).subs(dict.fromkeys(count(o.shape).free_symbols, N)))
             for o in program if o.name not in (result, *program.outputs)]  # fmt: skip
    assert max(sizes) <= max(N * H * H, N * D * D)
    assert any(o.name.endswith("_core") for o in program)


def decayed() -> sg.Array:
    """A loss whose backward pass begins at the end, and again at each matrix."""
    X, y, W1, W2 = (sg.data("X", ("N", D)), sg.data("y", ("N", K)),
                    sg.param("W1", (D, H)), sg.param("W2", (H, K)))  # fmt: skip
    return (
        net(np, X, y, W1, W2)
        + 0.1 * np.sum(W1**2)
        + 0.2 * np.sum(np.where(y > 0, y @ W2.T @ W2, 0))
    )


def test_a_slope_is_computed_of_what_the_products_need() -> None:
    at, module = point(), sg.hvp(decayed()).compile()
    r = np.random.default_rng(1)
    along = {f"v_{n}": r.normal(size=at[n].shape) for n in ("W1", "W2")}
    plain = sg.derive(decayed()).compile()
    slopes = plain.gradients(**at)
    wanted = np.sum(slopes.W1 * along["v_W1"]) + np.sum(slopes.W2 * along["v_W2"])
    value, _ = module.loss_and_gradients(**at, **along)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    ahead, behind = (plain.gradients(**at | {n: at[n] + h * along[f"v_{n}"] for n in ("W1", "W2")})
                     for h in (1e-5, -1e-5))  # fmt: skip
    for mine, one, other in zip(module.gradients(**at, **along), ahead, behind, strict=True):
        np.testing.assert_allclose(mine, (one - other) / 2e-5, atol=1e-8)
    assert "# dW1[" not in module.__source__


@pytest.mark.parametrize("target", ["numpy", pytest.param("c", marks=pytest.mark.long)])
def test_products_with_the_hessian_come_with_the_loss_and_its_gradients(target: str) -> None:
    more: Any = {"sizes": {"N": N}} if target == "c" else {}
    module = sg.hvp(decayed()).compile(target=target, together=True, **more)
    r, at = np.random.default_rng(1), point()
    along = {f"v_{n}": r.normal(size=at[n].shape) for n in ("W1", "W2")}
    value, found = module.loss_and_gradients(**at, **along)
    right, first = sg.derive(decayed()).compile().loss_and_gradients(**at)
    second = sg.hvp(decayed()).compile().gradients(**at, **along)
    assert found._fields == ("W1", "W2", "W1_hvp", "W2_hvp")
    np.testing.assert_allclose(value, right, rtol=1e-12)
    for mine, theirs in zip(found, (first.W1, first.W2, second.W1, second.W2), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-13)
    assert target == "c" or module.__source__.count("np.tanh(") == 1


def test_a_file_of_both_checks_both(capsys: pytest.CaptureFixture[str]) -> None:
    for derivation, name in ((sg.hvp(decayed()), "W1_hvp"), (derived(), "W1_hessian")):
        module = derivation.compile(together=True)
        assert module._self_check() == 0
        assert f"{name} and differences" in capsys.readouterr().out
        wrong = module.__source__.replace(
            "    return Gradients(dW1, ", "    dW1_ *= 1.1\n    return Gradients(dW1, "
        )
        assert TARGETS["numpy"].load(wrong, "wrong")._self_check() == 1


def test_first_derivatives_alone_go_with_no_others() -> None:
    with pytest.raises(sg.SpecError, match="no second derivatives"):
        sg.derive(decayed()).source(together=True)


def test_a_slope_stays_where_second_derivatives_are_told_by_it() -> None:
    """Of exp(exp(s) x) the second derivative reads the first."""
    s, x = sg.param("s", ()), sg.data("x", (3,))
    loss = np.exp(np.exp(s) * np.sum(x))
    at = {"x": np.array([0.1, 0.2, 0.3]), "s": np.array(0.3)}
    u = np.exp(0.3) * 0.6
    wanted = np.exp(u) * (u + u**2)
    np.testing.assert_allclose(sg.hessian(loss, "s").compile().gradients(**at), [wanted])
    slope, (product,) = sg.hvp(loss).compile().loss_and_gradients(**at, v_s=np.array(2.0))
    np.testing.assert_allclose([slope, product], [2 * u * np.exp(u), 2 * wanted])


def test_the_slope_of_a_recurrence_is_the_slope() -> None:
    """Its backward pass reads other steps of itself."""
    x, V, W = sg.data("x", (4, 2)), sg.param("V", (2, 3)), sg.param("W", (3, 3))
    last, _ = sg.scan(lambda h, a: (np.tanh(a + h @ W),) * 2, np.zeros(3), np.maximum(x @ V, 0))
    loss, r = np.sum(last**2), np.random.default_rng(0)
    at = {"x": r.normal(size=(4, 2)), "V": r.normal(size=(2, 3)), "W": r.normal(size=(3, 3))}
    along = {"v_V": r.normal(size=(2, 3)), "v_W": r.normal(size=(3, 3))}
    slopes = sg.derive(loss).compile().gradients(**at)
    value = sg.hvp(loss).compile().loss(**at, **along)
    wanted = np.sum(slopes.V * along["v_V"]) + np.sum(slopes.W * along["v_W"])
    np.testing.assert_allclose(value, wanted)


def test_the_second_derivative_by_a_number_is_a_hessian() -> None:
    s, x = sg.param("s", ()), sg.data("x", (3,))
    module = sg.hessian(np.sum(np.tanh(s * x) ** 2), "s").compile(together=True)
    assert module.Gradients._fields == ("s", "s_hessian")
    assert module._self_check() == 0

"""Results that lie in a workspace as arguments of the next call, and workspaces in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import optimize

import symgrad as sg

RNG = np.random.default_rng(5)
A = RNG.normal(size=(4, 4))


def power() -> ModuleType:
    """Hessian-vector products: with the product as the next direction, power iteration."""
    w, B = sg.param("w", (4,)), sg.data("B", (4, 4))
    return sg.hvp(np.sum((B @ w) ** 2) / 2, "w", names={}).compile()


def test_power_iteration_in_one_workspace() -> None:
    module = power()
    workspace, w = module.Workspace(), np.zeros(4)
    v = right = np.ones(4)
    for _ in range(5):
        v = module.gradients(w=w, B=A, v_w=v, workspace=workspace).w
        right = A.T @ A @ right
        np.testing.assert_allclose(v, right, rtol=1e-12)


def test_parts_and_views_of_results_too() -> None:
    module = power()
    workspace = module.Workspace()
    first = module.gradients(w=np.zeros(4), B=A, v_w=np.ones(4), workspace=workspace).w
    right = A.T @ A @ first[::-1].copy()
    found = module.gradients(w=np.zeros(4), B=A, v_w=first[::-1], workspace=workspace).w
    np.testing.assert_allclose(found, right, rtol=1e-12)


def test_what_is_bound_is_no_result() -> None:
    module = power()
    workspace = module.Workspace()
    v = module.gradients(w=np.zeros(4), B=A, v_w=np.ones(4), workspace=workspace).w
    with pytest.raises(ValueError, match="v_w: expected an array of float64 not in the work"):
        module.bind(w=np.zeros(4), B=A, v_w=v, workspace=workspace)


def net(**options: Any) -> ModuleType:
    W, x = sg.param("W", (3, 3)), sg.data("x", (3,))
    z = np.tanh(W @ x)
    return sg.derive(np.sum(z * z), names={"z": z}).compile(**options)


AT = {"W": RNG.normal(size=(3, 3)), "x": RNG.normal(size=3)}


@pytest.mark.parametrize("unroll", [False, True])
def test_a_workspace_belongs_to_its_thread(unroll: bool) -> None:
    module = net(unroll=unroll)
    workspace = module.Workspace()
    bound = module.bind(**AT, workspace=workspace)
    calls = (
        lambda: module.loss(**AT, workspace=workspace),
        lambda: module.gradients(**AT, workspace=workspace),
        lambda: module.loss_and_gradients(**AT, workspace=workspace),
        bound,
    )
    with ThreadPoolExecutor(1) as pool:
        for call in calls:
            with pytest.raises(ValueError, match="belongs to another thread"):
                pool.submit(call).result()
            call()
        own = pool.submit(lambda: module.loss(**AT, workspace=module.Workspace())).result()
    assert own == module.loss(**AT)


@pytest.mark.parametrize("unroll", [False, True])
def test_a_step_in_the_place_of_the_gradient(unroll: bool) -> None:
    """g.W as the next W, which is written over while it is read unless it is copied."""
    module = net(unroll=unroll)
    workspace, W = module.Workspace(), AT["W"]
    for _ in range(3):
        right = module.gradients(W=W, x=AT["x"]).W.copy()
        W = module.gradients(W=W, x=AT["x"], workspace=workspace).W
        np.testing.assert_allclose(W, right, rtol=1e-12)


def test_masked_arrays_and_what_does_not_fit_are_named() -> None:
    module = net()
    with pytest.raises(ValueError, match="x: expected an array, got a masked one"):
        module.loss(W=AT["W"], x=np.ma.array(AT["x"], mask=[0, 1, 0]))
    with pytest.raises(ValueError, match="x: expected dtype float, got complex128"):
        module.loss(W=AT["W"], x=AT["x"] + 1j)


# -- vectors ----------------------------------------------------------------------------------


def regression() -> ModuleType:
    X, y = sg.data("X", ("N", "D")), sg.data("y", ("N",))
    w, b = sg.param("w", ("D",)), sg.param("b", ())
    return sg.derive(np.mean((X @ w + b - y) ** 2), names={}).compile()


def test_parameters_are_one_vector_and_back() -> None:
    module = regression()
    w, b = np.arange(3.0), 7.0
    vector = module.pack({"b": b, "w": w, "more": "ignored"})
    np.testing.assert_array_equal(vector, [0, 1, 2, 7])
    parts = module.unpack(vector, D=3)
    np.testing.assert_array_equal(parts["w"], w)
    assert parts["b"] == 7
    parts["w"][0] = 5
    assert vector[0] == 5
    with pytest.raises(ValueError, match="expected a vector of 4 numbers"):
        module.unpack(np.zeros(5), D=3)
    with pytest.raises(KeyError, match="b"):
        module.pack({"w": w})


def test_an_optimiser_takes_them() -> None:
    module = regression()
    X = RNG.normal(size=(20, 3))
    y = X @ [1.0, -2.0, 0.5] + 3

    def loss(vector: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = module.loss_and_gradients(X=X, y=y, **module.unpack(vector, D=3))
        return value, module.pack(slopes)

    found = optimize.minimize(loss, np.zeros(4), jac=True)
    np.testing.assert_allclose(found.x, [1, -2, 0.5, 3], atol=1e-5)


def test_second_derivatives_are_no_vector() -> None:
    w = sg.param("w", (3,))
    assert not hasattr(sg.hessian(np.sum(np.exp(w)), "w", names={}).compile(), "pack")


VIEWS: dict[str, Any] = {
    "a part": lambda x: x[...],
    "strided": lambda x: np.lib.stride_tricks.as_strided(x, x.shape, x.strides),
    "memoryview": lambda x: np.asarray(memoryview(x)),
    "dlpack": np.from_dlpack,
    "a part of dlpack": lambda x: np.from_dlpack(x)[::1],
    "interface": lambda x: np.asarray(SimpleNamespace(__array_interface__=x.__array_interface__)),
    "buffer": lambda x: np.frombuffer(x).reshape(x.shape),
    "subclass": lambda x: x.view(type("Own", (np.ndarray,), {})),
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("size", [4, 40])
def test_whatever_looks_into_a_workspace_is_seen(view: Any, size: int) -> None:
    """The second size has arrays that begin at a cache line."""
    w, B = sg.param("w", (size,)), sg.data("B", (size, size))
    module = sg.hvp(np.sum((B @ w) ** 2) / 2, "w", names={}).compile()
    at: dict[str, Any] = {"w": np.zeros(size), "B": RNG.normal(size=(size, size))}
    workspace = module.Workspace()
    first = module.gradients(**at, v_w=np.ones(size), workspace=workspace).w
    right = module.gradients(**at, v_w=first.copy()).w
    given = view(first)
    with pytest.raises(ValueError, match="v_w: expected an array of float64"):
        module.bind(**at, v_w=given, workspace=workspace)
    found = module.gradients(**at, v_w=given, workspace=workspace).w
    np.testing.assert_allclose(found, right, rtol=1e-12)


def test_views_of_other_memory_are_bound() -> None:
    module = power()
    row = np.zeros(8)
    at = {"w": row[:4], "B": np.frombuffer(A.tobytes()).reshape(4, 4), "v_w": row[4:]}
    compute = module.bind(**at, workspace=module.Workspace())
    row[4:] = 1
    np.testing.assert_allclose(compute()[1].w, A.T @ A @ np.ones(4))


def test_the_order_of_bytes_changes_no_precision() -> None:
    module = net()
    for kind in ("f4", "f8"):
        other = {n: x.astype(f">{kind}") for n, x in AT.items()}
        same = {n: x.astype(kind) for n, x in AT.items()}
        found, right = module.gradients(**other).W, module.gradients(**same).W
        assert found.dtype == right.dtype == kind
        np.testing.assert_array_equal(found, right)


def test_what_is_no_workspace_or_no_mapping_is_named() -> None:
    module = regression()
    at = {"X": np.ones((2, 3)), "y": np.ones(2), "w": np.ones(3), "b": np.array(1.0)}
    wanted = r"expected Workspace\(2, 3, dtype\('float64'\)\)"
    with pytest.raises(ValueError, match=f"{wanted}, got 3"):
        module.loss(**at, workspace=3)
    with pytest.raises(ValueError, match=rf"{wanted}, got \(5, 3, dtype\('float64'\)\)"):
        module.loss(**at, workspace=module.Workspace(5, 3))
    with pytest.raises(ValueError, match="expected a mapping or Gradients, got ndarray"):
        module.pack(np.ones(4))
    with pytest.raises(ValueError, match=r"b: expected an array of float64, np.array\(x\) for a n"):
        module.bind(**(at | {"b": 0.5}))
    module.bind(**at)()

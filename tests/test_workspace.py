"""Buffers: nothing depends on what they held, nothing is allocated, calls don't disturb others."""

from __future__ import annotations

import re
import threading
import tracemalloc
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad import outputs
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.indices import fresh
from symgrad.mathematics.sizes import as_size
from symgrad.program import memory
from symgrad.program.builder import Builder
from symgrad.program.interpreter import interpret
from symgrad.program.memory import plan_of
from symgrad.program.program import Program, Ref
from symgrad.program.verification import verified
from symgrad.targets.numpy.buffers import BufferedWriter
from symgrad.targets.numpy.out import ABILITIES
from symgrad.targets.numpy.tuning import PASSES, tuned
from tests.losses import SOME, Loss
from tests.spoiling import spoil, spoilt_workspace
from tests.test_losses import derived, point

CASTING = 80_000
"""Bytes that NumPy takes while it multiplies truth values with numbers, whatever their size."""

relu = lambda x: np.maximum(x, 0)  # noqa: E731


def program(derivation: sg.Derivation) -> Program:
    module = outputs.module(derivation, derivation.notation)
    return module.computing([module.output, *module.gradients.values()])


def constant_inputs(derivation: sg.Derivation) -> dict[str, Any]:
    variables = program(derivation).inputs
    return {v.name: np.asarray(v.values) for v in variables if v.role == "constant"}


def classifier(widths: tuple[int, ...] = (64, 32, 16, 10)) -> sg.Derivation:
    a: Any = sg.data("X", ("N", widths[0]))
    y = sg.data("y", ("N",), dtype=int)
    names: dict[str, Any] = {"X": a, "y": y}
    for k, (m, n) in enumerate(pairwise(widths), start=1):
        names[f"W{k}"], names[f"b{k}"] = sg.param(f"W{k}", (m, n)), sg.param(f"b{k}", (n,))
        z = a @ names[f"W{k}"] + names[f"b{k}"]
        names[f"a{k}"] = a = relu(z)
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    names["loss"] = -np.mean(logp[sg.arange("N"), y])
    return sg.derive(names["loss"], names=names)


def classifier_point(n: int, dtype: str, widths: tuple[int, ...] = (64, 32, 16, 10)) -> Any:
    rng = np.random.default_rng(n)
    at: dict[str, Any] = {"X": rng.standard_normal((n, widths[0])).astype(dtype)}
    at["y"] = rng.integers(0, widths[-1], n)
    for k, (m, w) in enumerate(pairwise(widths), start=1):
        at[f"W{k}"] = (rng.standard_normal((m, w)) / m**0.5).astype(dtype)
        at[f"b{k}"] = rng.standard_normal(w).astype(dtype)
    return at


def arrays_of(workspace: Any) -> list[np.ndarray]:
    return [a for a in vars(workspace).values() if isinstance(a, np.ndarray)]


def loaded(derivation: sg.Derivation, dtype: str = "float64") -> ModuleType:
    module = derivation.compile(dtype=dtype)
    module.__loader_text__ = derivation.source(dtype=dtype)  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.long), "float64"])
@pytest.mark.parametrize("loss", SOME)
def test_optimised_programs_in_spoilt_buffers_compute_what_the_plain_ones_mean(
    loss: Loss, dtype: str
) -> None:
    derivation = derived(loss)
    at = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in point(loss).items()}
    exact = {n: a.astype("float64") if a.dtype.kind == "f" else a for n, a in at.items()}
    expected = interpret(program(derivation), exact | constant_inputs(derivation))
    module = loaded(derivation, dtype)
    workspace = spoilt_workspace(module, dtype=dtype)
    spoil(workspace)
    value, found = module.loss_and_gradients(**at, workspace=workspace)
    tolerance = 1e-10 if dtype == "float64" else 5e-3
    np.testing.assert_allclose(value, expected[derivation.system.output], rtol=tolerance)
    for name, gradient in found._asdict().items():
        right = expected[derivation.adjoint_name[name]]
        scale = max(1e-3, np.abs(right).max())
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, right, rtol=tolerance, atol=tolerance * scale)
    again = module.loss_and_gradients(**at, workspace=workspace)
    assert again[0] == value
    spoil(workspace)
    assert module.loss(**at, workspace=workspace) == value
    spoil(workspace)
    others = module.Workspace(dtype=dtype)
    for mine, theirs in zip(
        module.gradients(**at, workspace=workspace),
        module.gradients(**at, workspace=others),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("loss", SOME)
def test_every_pass_keeps_the_values(loss: Loss) -> None:
    derivation = derived(loss)
    at = point(loss) | constant_inputs(derivation)
    before = program(derivation)
    values = interpret(before, at)
    for step in PASSES:
        before = verified(step(before))
        found = interpret(before, at)
        for name in before.outputs:
            np.testing.assert_allclose(found[name], values[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_call_with_a_workspace_allocates_no_arrays(dtype: str) -> None:
    n = 32768
    module, at = classifier().compile(dtype=dtype), classifier_point(n, dtype)
    workspace = module.Workspace(N=n, dtype=dtype)
    for call in (
        lambda: module.loss_and_gradients(**at, workspace=workspace),
        module.bind(**at, workspace=workspace),
    ):
        call()
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < CASTING < n * np.dtype(dtype).itemsize


def attention() -> sg.Derivation:
    X, T = sg.data("X", ("B", "N", 64)), sg.data("T", ("B", "N", 64))
    Wq, Wk, Wv = (sg.param(f"W{x}", (64, 64)) for x in "qkv")
    q, k, v = X @ Wq, X @ Wk, X @ Wv
    s = q @ np.swapaxes(k, 1, 2) / 8
    e = np.exp(s - np.max(s, axis=2, keepdims=True))
    p = e / np.sum(e, axis=2, keepdims=True)
    return sg.derive(np.mean((p @ v - T) ** 2))


def test_batched_products_allocate_no_arrays() -> None:
    module = attention().compile()
    rng = np.random.default_rng(1)
    at = {name: rng.standard_normal((6, 200, 64)) for name in "XT"}
    at |= {f"W{x}": rng.standard_normal((64, 64)) / 8 for x in "qkv"}
    workspace = module.Workspace(B=6, N=200)
    module.loss_and_gradients(**at, workspace=workspace)
    tracemalloc.start()
    module.loss_and_gradients(**at, workspace=workspace)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < CASTING < 6 * 200 * 64 * 8


def test_the_header_names_what_still_allocates() -> None:
    A, B = sg.param("A", (40, 40)), sg.data("B", (40, 40))
    text = sg.derive(np.sum(np.linalg.solve(A, B) ** 2)).source()
    assert "What takes memory in each call: np.linalg" in text
    assert "in each call" not in classifier().source()


def test_the_peak_that_is_stated_is_the_peak() -> None:
    derivation = classifier()
    plan = memory.plan_of(tuned(program(derivation)), ABILITIES)
    for n in (64, 1000):
        for dtype in ("float32", "float64"):
            itemsize = np.dtype(dtype).itemsize
            stated = int(plan.bytes(itemsize).xreplace({as_size("N"): sp.Integer(n)}))
            module = derivation.compile(dtype=dtype)
            tracemalloc.start()
            workspace = module.Workspace(N=n, dtype=dtype)
            taken = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            constant = n * 8 + 2 * n * itemsize + 48 * itemsize  # places, ones, and zeros of relu
            assert stated <= taken <= stated + constant + 400 * len(arrays_of(workspace))


def test_forward_values_dominate_in_deep_networks() -> None:
    def entries(depth: int) -> int:
        plan = memory.plan_of(tuned(program(classifier((8,) * (depth + 1)))), ABILITIES)
        batch = [o for o in plan.buffers if o.dtype == "float" and "N" in map(str, o.shape)]
        return len(batch)

    assert entries(30) - entries(10) == 20


def test_threads_do_not_disturb_each_other() -> None:
    module = classifier().compile()
    points = [classifier_point(n, "float64") for n in range(20, 28)]
    alone = [module.loss_and_gradients(**at) for at in points]
    failures: list[Any] = []

    def work(k: int) -> None:
        for _ in range(30):
            value, found = module.loss_and_gradients(**points[k])
            if value != alone[k][0] or not all(map(np.array_equal, found, alone[k][1])):
                failures.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(points))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_bound_arrays_are_read_anew() -> None:
    module, at = classifier().compile(), classifier_point(12, "float64")
    step = module.bind(**at)
    first, found = step()
    for name, gradient in found._asdict().items():
        at[name] -= 0.01 * gradient
    second, _ = step()
    assert second < first
    assert second == module.loss(**at)
    with pytest.raises(ValueError, match="expected an array"):
        module.bind(**(at | {"W1": at["W1"].tolist()}))


def test_a_workspace_of_other_sizes_is_refused() -> None:
    module = classifier().compile()
    workspace = module.Workspace(N=5)
    with pytest.raises(ValueError, match="expected Workspace"):
        module.loss(**classifier_point(6, "float64"), workspace=workspace)
    with pytest.raises(ValueError, match="expected Workspace"):
        module.loss(**classifier_point(5, "float32"), workspace=workspace)
    bad = classifier_point(5, "float64") | {"y": np.array([0, 1, 2, -1, 3])}
    with pytest.raises(ValueError, match="labels from 0 to 9"):
        module.loss(**bad, workspace=workspace)


def small(activation: Any) -> sg.Derivation:
    X, Y = sg.data("X", (3, 1)), sg.data("Y", (3, 1), assume=sg.one_hot(axis=0))
    W1, X_0 = sg.param("W1", (4, 3)), sg.param("X_0", (4, 1))
    W2, room = sg.param("W2", (3, 4)), sg.param("room", (3, 1))
    a1 = activation(W1 @ X + X_0)
    z2 = W2 @ a1 + room
    loss = -np.sum(Y * np.log(np.exp(z2) / np.sum(np.exp(z2))))
    return sg.derive(loss)


SMALL = {"X": (3, 1), "Y": (3, 1), "W1": (4, 3), "X_0": (4, 1), "W2": (3, 4), "room": (3, 1)}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("activation", [relu, np.tanh, np.exp, np.square])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 400.0, 1e4, np.nan, np.inf])
def test_small_sizes_entry_by_entry(activation: Any, scale: float) -> None:
    module = small(activation).compile(unroll=True)
    assert hasattr(module, "_by_entries")
    rng = np.random.default_rng(3)
    at = {name: rng.standard_normal(shape) for name, shape in SMALL.items()}
    at["Y"] = np.array([[0.0], [1.0], [0.0]])
    at["X"][1] *= scale
    with np.errstate(all="ignore"):
        value, found = module.bind(**at)()
        expected, right = module.loss_and_gradients(**at)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for mine, theirs in zip(found, right, strict=True):
        largest = np.nan_to_num(np.abs(theirs)).max()
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-13 * largest)
    single = {name: array.astype("float32") for name, array in at.items()}
    with np.errstate(all="ignore"):
        assert module.bind(**single)()[1].W1.dtype == np.float32


@pytest.mark.parametrize("place", range(3))
def test_the_largest_entry_where_one_is_not_a_number(place: int) -> None:
    w, x = sg.param("w", (3,)), sg.data("x", (3,))
    module = sg.derive(np.sum((w - np.max(x)) ** 2)).compile(unroll=True)
    assert hasattr(module, "_by_entries")
    at = {"w": np.ones(3), "x": np.array([1.0, 3.0, 2.0])}
    np.testing.assert_allclose(module.loss(**at), 12)
    at["x"][place] = np.nan
    value, found = module.loss_and_gradients(**at)
    np.testing.assert_array_equal([value, *found.w], [np.nan] * 4)


def test_sizes_less_a_number_are_differences() -> None:
    y, v = sg.data("y", ("N",)), sg.param("v", ())
    module = loaded(sg.derive(np.mean((y[2:] * v - y[:-2]) ** 2)))
    text = "".join(module.__loader_text__)
    assert "/ (N - 2)" in text
    assert "-2 + N" not in text
    np.testing.assert_allclose(module.loss(y=[1.0, 2.0, 4.0], v=0.5), 1)


def test_thousands_of_operations_in_place() -> None:
    builder = Builder([Variable("x", (as_size(4),), "param")])
    ref = Ref("x", (fresh(as_size(4)),))
    for _ in range(3000):
        ref = builder.map("add", ref, Ref("x", ref.axes))
    builder.name(ref, "y")
    made = builder.program(("y",))
    lines = BufferedWriter(made, plan_of(made, ABILITIES)).assignments
    assert {line.local for line in lines} == {"y"}


@pytest.mark.parametrize("sizes", [("dtype", "self", "given"), ("given", "shapes", "dtype")])
def test_sizes_that_are_called_like_what_the_file_uses(sizes: tuple[str, str, str]) -> None:
    m, k, n = sizes
    A, B = sg.param("A", (m, k)), sg.param("B", (k, n))
    module = sg.derive(np.sum((A @ B) ** 2)).compile()
    at = {"A": np.ones((2, 3)), "B": np.ones((3, 4))}
    np.testing.assert_allclose(module.loss(**at), 72)
    np.testing.assert_allclose(module.bind(**at)()[1].A, np.full((2, 3), 24.0))


def test_the_bytes_that_are_told_are_those_of_all_arrays() -> None:
    X, W, y = sg.data("X", ("N", 3)), sg.param("W", (3, 4)), sg.data("y", ("N",), dtype=int)
    z = X @ W
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    module = sg.derive(-np.mean(logp[sg.arange("N"), y]), names={"z": z, "logp": logp}).compile()
    arrays = [a for a in vars(module.Workspace(N=50)).values() if isinstance(a, np.ndarray)]
    owners = {id(a if a.base is None else a.base): a for a in arrays}
    parts = {
        k: max(a.nbytes for a in arrays if k == id(a if a.base is None else a.base)) for k in owners
    }
    told = re.search(r"operations, (\d+) N \+ (\d+)\s+bytes\s+of", module.__doc__ or "")
    assert told
    assert int(told[1]) * 50 + int(told[2]) == sum(parts.values())


def test_an_equation_stands_above_what_leads_to_it_alone() -> None:
    X, y, W = sg.data("X", ("N", 3)), sg.data("y", ("N",), dtype=int), sg.param("W", (3, 4))
    c, z = sg.data("c", (4,)), X @ W
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    weight = c[y]
    loss = -np.sum(weight * logp[sg.arange("N"), y]) / np.sum(weight)
    names = {"z": z, "logp": logp, "weight": weight}
    lines = sg.derive(loss, names=names).source().splitlines()
    at = lines.index("    # weight[n] = c[y[n]]  (N,)")
    assert lines[at + 1].startswith("    weight = c.take(y, ")
    assert lines[at - 1] == ""


def test_a_sigmoid_has_one_power_where_nothing_else_reads_its_parts() -> None:
    X, w, y = sg.data("X", ("N", 3)), sg.param("w", (3,)), sg.data("y", ("N",))
    z = X @ w
    p = 1 / (1 + np.exp(-z))
    alone = sg.derive(np.sum((p - y) ** 2), names={"z": z, "p": p})
    assert "= np.minimum(z, 40, out=ws." in alone.source()
    at = {"X": np.eye(3) * [800, -800, 1], "w": np.ones(3), "y": np.zeros(3)}
    for module in (alone.compile(), alone.compile(values=[])):  # p may lie where z does
        value, found = module.loss_and_gradients(**at)
        s = 1 / (1 + np.exp(-1))
        np.testing.assert_allclose(value, 1 + s**2, rtol=1e-15)
        np.testing.assert_allclose(found.w, [0, 0, 2 * s**2 * (1 - s)], atol=1e-15)
    cross_entropy = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert "minimum(z, 40" not in sg.derive(cross_entropy, names={"z": z, "p": p}).source()


def test_a_gate_takes_one_sigmoid() -> None:
    x, h, u = sg.param("x", ("N",)), sg.param("h", ("N",)), sg.param("u", ("N",))
    z = sg.sigmoid(x)
    for part in (np.tanh(u), u):
        found = sg.function((1 - z) * part + h * z)
        assert found.source().count("np.exp(") == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sigmoid_of_one_power_is_exact_over_all_numbers(dtype: str) -> None:
    x, few = sg.param("x", ("N",)), np.finfo(dtype)
    at = np.concatenate([np.linspace(-60, 60, 2001), [few.min, few.max, -1e4, 1e4]]).astype(dtype)
    s = sg.sigmoid(x)
    found = sg.derive(np.sum(s**2), names={"s": s})
    assert "minimum(x, 40" in found.source()
    module = found.compile(dtype=dtype)
    exact = [1 / (1 + mpmath.exp(-mpmath.mpf(float(v)))) for v in at[:-4]] + [0, 1, 0, 1]
    np.testing.assert_allclose(module.forward(x=at).s, np.array(exact, float), rtol=3 * few.eps)


@pytest.mark.parametrize(("name", "most"), [("notebook", 265), ("mlp", 282)])
def test_generated_files_are_as_short_as_files_written_by_hand(name: str, most: int) -> None:
    text = (Path(__file__).parents[1] / "generated" / f"{name}.py").read_text()
    assert sum(map(bool, text.split("\n"))) <= most
    assert max(map(len, text.split("\n"))) <= 100


def rows() -> sg.Derivation:
    """A table of which labels choose the rows."""
    E, y, t = sg.param("E", ("V", 3)), sg.data("y", ("N",), dtype=int), sg.data("t", ("N", 3))
    x = E[y]
    return sg.derive(np.mean((x - t) ** 2), names={"x": x})


def test_labels_are_checked_wherever_they_are_read() -> None:
    module = rows().compile()
    at = {"E": np.ones((4, 3)), "t": np.ones((5, 3))}
    good, bad = np.array([0, 1, 2, 3, 0]), np.array([0, 1, 2, 4, 0])
    for function in (module.loss, module.gradients, module.loss_and_gradients):
        with pytest.raises(ValueError, match="y: expected labels from 0 to 3, got 4"):
            function(**at, y=bad)
    with pytest.raises(ValueError, match="y: expected labels from 0 to 3, got 4"):
        module.forward(E=at["E"], y=bad)
    bound = module.bind(**at, y=good)
    bound()
    good[0] = -1
    with pytest.raises(ValueError, match="y: expected labels from 0 to 3, got -1"):
        bound()


def test_a_workspace_has_a_name_only_where_it_is_read() -> None:
    E, y, t = sg.param("E", (4,)), sg.data("y", ("N",), dtype=int), sg.data("t", ("N",))
    for derivation in (rows(), sg.derive(np.sum(E[y] * t)), sg.derive(np.sum(E * E))):
        for function in derivation.source().split("\ndef ")[1:]:
            lines = function.split("\n\n\n")[0].splitlines()
            for k, line in enumerate(lines):
                if ", ws = _ready(" in line:
                    assert re.search(r"\bws\b", "\n".join(lines[k + 1 :])), function

"""Generated NumPy: numbers, stability, dtypes, arguments, names, and a self-check that can fail."""

from __future__ import annotations

import cProfile
import pstats
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad import outputs
from symgrad.errors import SpecError
from symgrad.targets import is_possible
from symgrad.targets.numpy.emit import emit, load

relu = lambda x: np.maximum(x, 0)  # noqa: E731


def columns() -> sg.Derivation:
    """One sample as a column: ReLU, ReLU, softmax, cross-entropy."""
    X, Y = sg.data("X", (3, 1)), sg.data("Y", (3, 1), assume=sg.one_hot(axis=0))
    W1, b1 = sg.param("W1", (4, 3)), sg.param("b1", (4, 1))
    W2, b2 = sg.param("W2", (3, 4)), sg.param("b2", (3, 1))
    z1 = W1 @ X + b1
    a1 = relu(z1)
    z2 = W2 @ a1 + b2
    p = np.exp(z2) / np.sum(np.exp(z2))
    loss = -np.sum(Y * np.log(p))
    return sg.derive(loss)


def rows() -> sg.Derivation:
    """A batch of rows, integer labels, mean cross-entropy."""
    X, y = sg.data("X", ("N", 5)), sg.data("y", ("N",), dtype=int)
    W1, b1 = sg.param("W1", (5, 4)), sg.param("b1", (4,))
    W2, b2 = sg.param("W2", (4, 3)), sg.param("b2", (3,))
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    z2 = a1 @ W2 + b2
    logp = z2 - np.log(np.sum(np.exp(z2), axis=1, keepdims=True))
    loss = -np.mean(logp[sg.arange("N"), y])
    return sg.derive(loss)


def compiled(derivation: sg.Derivation, dtype: str = "float64") -> ModuleType:
    return derivation.compile(dtype=dtype)


def row_point(n: int = 6, dtype: type = np.float64, scale: float = 1.0) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    shapes = {"X": (n, 5), "W1": (5, 4), "b1": (4,), "W2": (4, 3), "b2": (3,)}
    point: dict[str, Any] = {
        name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()
    }
    point["W2"] *= dtype(scale)
    return point | {"y": rng.integers(0, 3, n)}


def test_the_code_reads_as_typed_by_hand() -> None:
    text = columns().source(plain=True)
    for line in (
        "z1 = W1 @ X + b1",
        "a1 = np.maximum(z1, 0)",
        "e = np.exp(shifted)",
        "s = e.sum()",
        "p = e / s",
        "dz2 = p - Y",
        "dW2 = dz2 @ a1.T",
        "dz1 = da1 * (a1 > 0)",
        "# z1[i] = Σ_j W1[i,j] X[j] + b1[i]  (4, 1)",
    ):
        assert f"    {line}\n" in text


def test_a_batch_of_rows_reads_so_too() -> None:
    text = rows().source(plain=True)
    for line in ("N = X.shape[0]", "db2 = dz2.sum(axis=0)", "dW1 = X.T @ dz1"):
        assert f"    {line}\n" in text
    assert "[rows, y] -= 1" in text


def functions_of(text: str) -> dict[str, str]:
    parts = text.split("\ndef ")
    return {part.partition("(")[0]: part for part in parts[1:]}


def test_each_function_computes_what_it_needs_alone() -> None:
    text = rows().source()
    found = functions_of(text)
    assert "np.log(" in found["_loss"]
    assert "np.log(" not in found["_forward"] + found["_backward"]
    assert "dz" not in found["_forward"] + found["_loss"] + found["loss"]
    assert "_loss(" not in found["gradients"]
    assert text.count("= np.exp(") == 1
    assert text.count(".argmax(axis=-1") == 1


def test_gradients_agree_with_differences_at_any_batch_size() -> None:
    module = compiled(rows())
    for n in (1, 2, 7):
        point = row_point(n)
        value, found = module.loss_and_gradients(**point)
        assert value == module.loss(**point)
        for name in found._fields:
            direction = np.random.default_rng(2).standard_normal(point[name].shape)
            slope = sum(
                sign * module.loss(**(point | {name: point[name] + sign * 1e-5 * direction}))
                for sign in (1, -1)
            )
            np.testing.assert_allclose(
                np.sum(getattr(found, name) * direction), slope / 2e-5, rtol=1e-7, atol=1e-9
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e4, -1e4, 1e-4])
def test_large_logits_are_finite_and_silent(dtype: type, scale: float) -> None:
    point = row_point(8, dtype)
    point["b2"] = (np.array([1.0, -1.0, 0.3]) * scale).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, found = compiled(rows()).loss_and_gradients(**point)
    assert np.isfinite(value)
    assert value.dtype == dtype
    assert all(np.isfinite(g).all() and g.dtype == dtype for g in found)


def test_the_logarithm_of_softmax_keeps_its_digits() -> None:
    z, y = sg.param("z", (3,)), sg.data("y", (3,), assume=sg.one_hot(axis=0))
    module = sg.derive(-np.sum(y * np.log(np.exp(z) / np.sum(np.exp(z))))).compile()
    value = module.loss(z=[1e4, 1e4 - 10.0, 0.0], y=[1.0, 0.0, 0.0])
    np.testing.assert_allclose(value, np.log1p(np.exp(-10.0)), rtol=1e-9)


def test_a_named_logarithm_of_a_sum_keeps_its_digits_too() -> None:
    z = sg.param("z", (3,))
    lse = np.log(np.sum(np.exp(z)))
    logp = z - lse
    module = sg.derive(logp[0] + 0 * lse).compile()
    np.testing.assert_allclose(
        module.loss(z=[1e4, 1e4 - 10.0, 0.0]), -np.log1p(np.exp(-10.0)), rtol=1e-9
    )


def test_constants_are_part_of_the_file() -> None:
    x = sg.param("x", (3, 3))
    lower = np.tril(np.arange(9.0).reshape(3, 3))
    module = sg.derive(np.sum((x * lower) ** 2)).compile()
    point = np.arange(9.0).reshape(3, 3) / 10
    value, found = module.loss_and_gradients(point)
    np.testing.assert_allclose(value, np.sum((point * lower) ** 2))
    np.testing.assert_allclose(found.x, 2 * point * lower**2)
    assert module.gradients(point.astype(np.float32)).x.dtype == np.float32


def test_repeated_labels_add_up() -> None:
    table, t = sg.param("table", (4, 2)), sg.data("t", ("T",), dtype=int)
    module = sg.derive(np.sum(np.square(table[t]))).compile()
    point = {"table": np.arange(8.0).reshape(4, 2), "t": np.array([1, 1, 3, 1])}
    expected = 2 * point["table"] * np.array([0, 3, 0, 1])[:, None]
    np.testing.assert_allclose(module.gradients(**point).table, expected)


def test_dtypes() -> None:
    module, as32 = compiled(rows()), compiled(rows(), "float32")
    lists = {name: value.tolist() for name, value in row_point().items()}
    assert module.loss(**lists).dtype == np.float64
    assert as32.loss(**lists).dtype == np.float32
    single = row_point(dtype=np.float32)
    assert module.loss(**single).dtype == np.float32
    assert module.loss(**(single | {"b1": [0, 1, 2, 3]})).dtype == np.float32
    assert module.loss(**(single | {"b1": np.zeros(4)})).dtype == np.float64
    np.testing.assert_allclose(module.loss(**single), module.loss(**row_point()), rtol=1e-5)


def test_arguments_may_be_positional_strided_and_stay_as_they_are() -> None:
    module, point = compiled(rows()), row_point()
    kept = {name: value.copy() for name, value in point.items()}
    order = [point[name] for name in ("X", "y", "W1", "b1", "W2", "b2")]
    assert module.loss(*order) == module.loss(**point)
    strided = point | {
        "X": np.repeat(point["X"], 2, axis=0)[::2],
        "W1": np.asfortranarray(point["W1"]),
    }
    np.testing.assert_allclose(module.loss(**strided), module.loss(**point), rtol=1e-14)
    module.loss_and_gradients(**point)
    for name, value in kept.items():
        np.testing.assert_array_equal(point[name], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((6, 4))}, r"X: expected shape \(N, 5\), got \(6, 4\)"),
        ({"X": np.zeros(5)}, r"X: expected shape \(N, 5\), got \(5,\)"),
        ({"y": np.zeros(5, int)}, r"y: expected shape \(N,\) with N = 6 as in X, got \(5,\)"),
        ({"y": np.zeros(6)}, r"y: expected dtype int, got float64"),
        ({"y": np.array([0, 1, 2, 3, 0, 0])}, r"y: expected labels from 0 to 2, got 3"),
        ({"y": np.array([0, 1, 2, -1, 0, 0])}, r"y: expected labels from 0 to 2, got -1"),
        ({"W1": np.zeros((5, 4), complex)}, r"W1: expected dtype float, got complex128"),
        ({"W1": np.zeros((5, 4), np.longdouble)}, r"W1: expected dtype float, got float128"),
        ({"W1": None}, r"W1: expected dtype float, got object"),
        ({"W1": np.ma.zeros((5, 4))}, r"W1: expected an array, got a masked one"),
        ({"y": np.ma.zeros(6, int)}, r"y: expected an array, got a masked one"),
        ({"y": np.full(6, 2**63, np.uint64)}, r"y: expected labels from 0 to 2, got -"),
        ({"W1": [[1, 2], [3]]}, r"W1: expected an array"),
        ({"b1": "text"}, r"b1: expected dtype float, got <U4"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, Any], message: str) -> None:
    module = compiled(rows())
    for function in (module.loss, module.gradients, module.loss_and_gradients):
        with pytest.raises(ValueError, match=message):
            function(**(row_point() | change))


# Names


def test_names_of_the_spec_never_clash_with_those_of_the_file() -> None:
    e, s, m, t = (sg.param(name, (3,)) for name in "esmt")
    N, shifted, rows = sg.data("N", ("N",)), sg.data("shifted", ("N", 3)), sg.data("rows", ("N", 3))
    value, point = sg.param("value", ()), sg.param("point", (3,))
    z = shifted @ e + N * value
    p = np.exp(s * m) / np.sum(np.exp(s * m))
    loss = np.sum(z * z) + np.sum(np.log(p) * t) + np.sum((rows * t) @ point)
    text = sg.derive(loss).source()
    assert run(text).returncode == 0, text


def test_names_that_are_impossible_are_refused() -> None:
    for name in ("np", "lambda", "Gradients", "loss_and_gradients", "_hidden", "NamedTuple", "for"):
        assert not is_possible(name)
    assert is_possible("W1")
    derivation = columns()
    variables = [v for v in derivation.system.variables if v.name != "X"]
    module = outputs.module(derivation, derivation.notation)
    program = module.program
    bad = type(variables[0])("np", (), "param")
    object.__setattr__(program, "inputs", (bad, *program.inputs))
    with pytest.raises(SpecError, match="'np'"):
        emit(module)


# The self-check


def run(text: str, tmp: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False
    )


EXAMPLE = {
    "X": [[2], [1], [3]],
    "Y": [[0], [1], [0]],
    "W1": [[1, -1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]],
    "b1": [[-5], [0], [1], [-2]],
    "W2": [[0.25, -0.5, 0.25, 0], [0, 0.5, -0.25, 0.5], [0.5, 0.25, 0.25, -1]],
    "b2": [[0], [1], [0.5]],
}


@pytest.mark.parametrize("derivation", [columns, rows])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_file_passes_its_own_check(derivation: Any, dtype: str) -> None:
    done = run(derivation().source(dtype=dtype))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dloss/dW1" in done.stdout
    assert done.stderr == ""


FAULTS = [
    ("columns", "dz2 = np.subtract(p, Y, ", "dz2 = np.subtract(Y, p, "),
    ("columns", "dz2 = np.subtract(p, Y, ", "dz2 = 2 * np.subtract(p, Y, "),
    ("columns", "np.sign(a1, ", "np.abs(a1, "),
    ("columns", "dz1 = np.multiply(da1, ", "dz1 = np.add(da1, "),
    ("columns", "dW1 = dz1.dot(X.T, out=ws.dW1)", "dW1 = dz1.dot(X.T, out=ws.dW1).T"),
    ("columns", "z1 += b1", "z1 -= b1"),
    ("rows", "dW2 = a1.T.dot(dz2, ", "dW2 = -a1.T.dot(dz2, "),
    ("rows", ".dot(dz2, out=ws.db2)", ".dot(dz2, out=ws.db2) / 2"),
    ("rows", ".dot(dz2, out=ws.db2)", ".dot(-dz2, out=ws.db2)"),
    ("rows", "changed -= 1", "changed -= 0"),
    ("rows", "changed -= 1", "changed += 1"),
]


@pytest.mark.parametrize("name", ["columns", "rows"])
@pytest.mark.parametrize("example", [False, True])
def test_a_planted_fault_is_found(name: str, example: bool) -> None:
    derivation = {"columns": columns, "rows": rows}[name]()
    point = (
        {k: np.array(v, float) for k, v in EXAMPLE.items()} if name == "columns" else row_point()
    )
    text = derivation.source(example=point) if example else derivation.source()
    for spec, right, wrong in FAULTS:
        if spec == name:
            head, sign, both = text.partition("def loss_and_gradients")
            assert right in head + both
            for changed in {text.replace(right, wrong), head + sign + both.replace(right, wrong)}:
                if changed != text:
                    assert run(changed).returncode == 1, (right, wrong)


def test_a_rounded_value_has_no_differences() -> None:
    x = sg.param("x", (3,))
    r = sg.rounded(np.exp(x), decimals=1)
    done = run(sg.derive(np.sum(r * r)).source())
    assert done.returncode == 0
    assert "no differences: r is held rounded" in done.stdout
    assert "gradient and differences" not in done.stdout


# The text


def test_the_same_derivation_gives_the_same_bytes() -> None:
    assert rows().source() == rows().source()
    code = "import sys; sys.path.insert(0, {0!r}); import test_numpy_target as t; "
    code += "print(t.rows().source())"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code.format(str(Path(__file__).parent))],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("0", "1")
    }
    assert len(texts) == 1
    assert texts.pop().decode().strip() == rows().source().strip()


def test_a_traceback_shows_the_generated_line() -> None:
    module = load(rows().source(), "shown")
    with pytest.raises(ValueError, match="X: expected shape") as info:
        module.loss(**(row_point() | {"X": np.zeros((2, 2))}))
    assert "_ready((X, y, W1" in str(info.getrepr())


def deep(depth: int) -> sg.Derivation:
    a: Any = sg.data("X", ("N", 4))
    names: dict[str, Any] = {"X": a}
    for k in range(depth):
        names[f"W{k}"] = sg.param(f"W{k}", (4, 4))
        names[f"a{k}"] = a = np.tanh(a @ names[f"W{k}"])
    names["loss"] = np.mean(a * a)
    return sg.derive(names["loss"], names=names)


def test_the_work_of_emitting_grows_with_the_depth() -> None:
    def calls(depth: int) -> int:
        derivation = deep(depth)
        module = outputs.module(derivation, derivation.notation)
        profile = cProfile.Profile()
        profile.runcall(emit, module)
        return pstats.Stats(profile).total_calls

    calls(5)  # what is worked out once
    assert calls(80) < 5 * calls(20)


TOO_SMALL = [
    ("a position", lambda x: x[7] ** 2, 8),
    ("the last but one", lambda x: x[-2], 2),
    ("a cut", lambda x: np.sum(x[3:] ** 2), 3),
    ("differences", lambda x: np.sum((x[1:] - x[:-1]) ** 2), 1),
    ("a mean", lambda x: np.mean(x**2), 1),
    ("a roll", lambda x: np.sum(np.roll(x, 3) * x), 3),
    ("a maximum", np.max, 1),
    ("a sum that is made stable", lambda x: np.log(np.sum(np.exp(x))), 1),
    ("a softmax", lambda x: np.sum(sg.softmax(x) * x), 1),
]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("what", "loss", "least"), TOO_SMALL, ids=[t[0] for t in TOO_SMALL])
def test_sizes_that_are_too_small(what: str, loss: Any, least: int, plain: bool) -> None:
    x, w = sg.data("x", ("N",)), sg.param("w", ("N",))
    text = sg.derive(loss(w * x) + 0 * np.sum(w), names={}).source(plain=plain)
    module = load(text, "module")
    assert module.loss_and_gradients(np.ones(least), np.ones(least))[1].w.shape == (least,)
    with pytest.raises(ValueError, match=f"x: expected N to be {least} or more, got {least - 1}"):
        module.loss_and_gradients(np.ones(least - 1), np.ones(least - 1))
    assert run(text).returncode == 0


JOINED = [
    ("the same twice", lambda x, z: np.vstack([x, x])),
    ("two arrays", lambda x, z: np.concatenate([x, z])),
    ("turned round", lambda x, z: np.concatenate([x, z])[::-1]),
    ("padded", lambda x, z: np.pad(x, ((1, 2), (0, 0)))),
    ("repeated", lambda x, z: np.repeat(x, 2, axis=0)),
]


@pytest.mark.parametrize(("what", "joined"), JOINED, ids=[j[0] for j in JOINED])
@pytest.mark.parametrize("plain", [False, True])
def test_labels_into_a_joined_axis(what: str, joined: Any, plain: bool) -> None:
    """They may be larger than the parts are long: δ(k, y) is 0 there, and no place."""
    x, z = sg.param("x", (3, 2)), sg.param("z", (3, 2))
    y = sg.data("y", (4,), dtype=int)
    loss = np.sum(joined(x, z)[y] ** 2) + 0 * np.sum(z)
    module = load(sg.derive(loss, names={}).source(plain=plain), "module")
    rng = np.random.default_rng(0)
    at = {"x": rng.standard_normal((3, 2)), "z": rng.standard_normal((3, 2))}
    for labels in ([0, 1, 2, 5], [5, 5, 4, 3], [3, 0, 3, 1]):
        slopes = module.gradients(**at, y=np.array(labels))
        for name in "xz":
            expected = np.zeros((3, 2))
            for place in np.ndindex(3, 2):
                step = np.zeros((3, 2))
                step[place] = 1e-6
                ends = [
                    np.sum(joined(**(at | {name: at[name] + sign * step}))[labels] ** 2)
                    for sign in (1, -1)
                ]
                expected[place] = (ends[0] - ends[1]) / 2e-6
            np.testing.assert_allclose(getattr(slopes, name), expected, atol=1e-8)
    with pytest.raises(ValueError, match="y: expected labels from 0 to 5, got 6"):
        module.loss(**at, y=np.array([0, 0, 0, 6]))


@pytest.mark.parametrize("role", ["input", "between"])
def test_a_value_that_the_spec_calls_value(role: str) -> None:
    """The function that gives both has a name for the output, and it is another."""
    names = [f"a_long_name_{k}" for k in range(6)]
    arrays = {n: sg.param(n, (4, 5)) for n in [*names, *(["value"] if role == "input" else [])]}
    first, *a = (arrays[n] for n in names)
    value = arrays["value"] if role == "input" else np.exp(first)
    loss = np.sum(a[0] * a[1] * value * a[2]) + np.sum((a[3] @ a[4].T) ** 2)
    module = sg.derive(loss, names={**arrays, "value": value}).compile()
    rng = np.random.default_rng(0)
    at = {n: rng.uniform(1, 2, (4, 5)) for n in arrays}
    _, found = module.loss_and_gradients(**at)
    for one, other in zip(found, module.gradients(**at), strict=True):
        np.testing.assert_allclose(one, other)

"""Arrays of NumPy's that a spec file makes: labels index them, and values are written into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import SpecError
from symgrad.language.spec_arrays import NumbersOfSpec, made
from symgrad.language.spec_file import load
from tests.agreement import differences

HEAD = """
import numpy as np
import symgrad as sg
x, a = sg.param("x", (6,)), sg.param("a", (2,))
z, y = sg.param("z", (4, 3)), sg.data("y", (4,), dtype=int)
"""
POINT = {
    "x": np.random.default_rng(1).normal(size=6), "a": np.array([0.7, -0.4]),
    "z": np.random.default_rng(2).normal(size=(4, 3)), "y": np.array([2, 0, 1, 1]),
}  # fmt: skip
SPECS = {
    "a recurrence": """
v = np.zeros(7)
v[0] = a[0]
for i in range(1, 7):
    v[i] = a[1] * v[i - 1] + x[i - 1]
loss = np.sum(v**2)""",
    "rows": """
h = np.zeros((5, 3))
for t in range(4):
    h[t + 1, :] = np.tanh(z[t] + a[0] * h[t])
loss = np.sum(h[1:] ** 3)""",
    "ones": """
v = np.ones(6)
for i in range(6):
    v[i] = x[i] ** 2
loss = np.prod(v) + np.sum(v)""",
    "in place": """
acc = np.zeros(6)
acc += x * a[0]
acc[1:] += acc[:-1] ** 2
acc *= 2
loss = np.sum(acc**2)""",
    "added at labels": """
c = np.zeros(3)
np.add.at(c, y, z[:, 0] ** 2)
loss = np.sum(c**2)""",
    "a view": """
v = np.arange(6.0)
w = v[:3]
v[1] = x[0] ** 2
w[2] = a[0] ** 3
loss = np.sum(v**2) + np.sum(w)""",
    "a copy": """
v = np.arange(6.0)
w = v.copy()
w[1] = x[0] ** 2
loss = np.sum(v * x) + np.sum(w**2)""",
    "what was computed of it": """
v = 2 * np.ones((2, 3)) - np.eye(2, 3)
v[0] = z[0]
loss = np.sum(v**2)""",
    "two of them": """
lo, hi = np.zeros(6), np.zeros_like(np.ones(6))
for i in range(6):
    lo[i], hi[i] = x[i] - a[0], x[i] * a[1]
loss = np.sum(lo * hi)""",
    "in a function": """
def filled(values):
    room = np.empty(len(values))
    for i, value in enumerate(values):
        room[i] = value**2
    return room
loss = np.sum(filled(list(x))) * np.sum(filled([a[0], a[1]]))""",
    "what is passed over by a spec": """
v = np.zeros(6)
try:
    v[0] = x[0]
except Exception:
    v[0] = 7.0
loss = np.sum(v**2)""",
    "the diagonal": """
S = np.zeros((3, 3))
np.fill_diagonal(S, z[0] ** 2)
loss = np.sum(S @ S)""",
    "rows of eye": "loss = np.sum(np.eye(3)[y] * z**2)",
    "weights of classes": """
weights = np.array([0.2, 0.3, 0.5])
loss = np.sum(weights[y] * z[:, 0] ** 2)""",
    "what is computed of them": """
loss = np.sum((1 - np.eye(3))[y] * z**2) + np.sum(z[0] @ np.ones((3, 2)))""",
    "numbers as they are": """
w = np.array([1.0, 2.0, 3.0])
w[0] = w.sum()
assert f"{w[0]:.1f}" == "6.0" and w.max() == 6 and repr(w) == "array([6., 2., 3.])"
loss = np.sum(z * w) ** 2""",
    "where the largest are": """
T = np.zeros((4, 3))
T[np.arange(4), np.argmax(z, axis=1)] = 1
loss = np.sum(T * z**2)""",
}  # fmt: skip


@pytest.mark.parametrize("lines", SPECS.values(), ids=SPECS)
def test_a_spec_is_what_numpy_computes(lines: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + lines + "\n")
    spec = load(path)
    derivation = sg.derive(spec.loss)
    used = {v.name for v in derivation.system.variables if v.role != "constant"}
    value, found = derivation.compile().loss_and_gradients(**{n: POINT[n] for n in used})

    def plain(p: dict[str, np.ndarray]) -> np.ndarray:
        space = {"np": np, **POINT, **p}
        exec(lines, space)
        return np.asarray(space["loss"])

    np.testing.assert_allclose(value, plain({}), rtol=1e-12)
    free = {n: POINT[n] for n in used if n != "y"}
    for n, slope in differences(plain, free, 1e-4).items():
        np.testing.assert_allclose(getattr(found, n), slope, rtol=1e-6, atol=1e-7)


def test_outside_of_a_spec_file_the_way_out_is_told() -> None:
    array = made(np.zeros)(3)
    assert isinstance(array, NumbersOfSpec)
    with pytest.raises(SpecError, match="can't be written into") as caught:
        array[0] = sg.param("x", ())
    assert "sg.zeros" in caught.value.hint


def test_arrays_from_elsewhere_tell_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + "v = np.random.default_rng(0).normal(size=6)\nv[0] = x[0]\n")
    with pytest.raises(SpecError, match="can't be written into"):
        load(path)


def test_a_spec_that_hides_the_writing_is_run_again_too(tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    hidden = "v = np.zeros(6)\ntry:\n    v[0] = x[0] ** 2\nexcept:\n    pass\nloss = np.sum(v)\n"
    path.write_text(HEAD + hidden)
    found = sg.derive(load(path).loss).compile().gradients(x=POINT["x"])
    np.testing.assert_allclose(found.x, [2 * POINT["x"][0], 0, 0, 0, 0, 0])


def test_the_diagonal_alone_is_written_at_equal_positions() -> None:
    x, i = sg.param("x", ("N",)), sg.arange("N")
    square = np.outer(x, x)
    square[i, i] = x
    module = sg.derive(np.sum(square**2)).compile()
    numbers = np.array([1.0, 2.0, 3.0])
    wanted = np.outer(numbers, numbers)
    np.fill_diagonal(wanted, numbers)
    assert module.loss(x=numbers) == np.sum(wanted**2)
    np.testing.assert_allclose(module.gradients(x=numbers).x, [54, 84, 66])


@pytest.mark.parametrize("mode", ["maximum", "mean", "median", "minimum", "linear_ramp"])
def test_pads_of_what_all_entries_have_in_common(mode: str) -> None:
    z, numbers = sg.param("z", (4, 3)), POINT["z"]
    more = {"end_values": ((1, 2), (0.5, 0))} if mode == "linear_ramp" else {}
    weights = np.arange(63.0).reshape(7, 9)

    def loss(x: np.ndarray) -> np.ndarray:
        return np.sum(np.pad(x, ((1, 2), (2, 4)), mode, **more) ** 2 * weights)  # type: ignore[call-overload]

    value, found = sg.derive(loss(z)).compile().loss_and_gradients(z=numbers)
    np.testing.assert_allclose(value, loss(numbers), rtol=1e-12)
    slope = differences(lambda p: loss(p["z"]), {"z": numbers}, 1e-4)["z"]
    np.testing.assert_allclose(found.z, slope, rtol=1e-7)

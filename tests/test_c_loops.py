"""What loops of generated C leave out or keep near, and quotients that are products."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad import outputs
from symgrad.targets.c import C
from tests.compiled_c import outcome

pytestmark = pytest.mark.usefixtures("builds")

SANITIZED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RNG = np.random.default_rng(5)


def _both(derivation: sg.Derivation, at: dict[str, Any], dtype: str = "float64") -> list[Any]:
    """The value and gradients that NumPy computes, and those of C."""
    modules = (derivation.compile(target=t, dtype=dtype) for t in ("numpy", "c"))
    with np.errstate(all="ignore"):
        return [module.loss_and_gradients(**at) for module in modules]


def _agree(derivation: sg.Derivation, at: dict[str, Any], tolerance: float = 1e-12) -> None:
    (value, slopes), (mine, found) = _both(derivation, at)
    np.testing.assert_allclose(mine, value, rtol=tolerance)
    for name in slopes._fields:
        np.testing.assert_allclose(
            getattr(found, name), getattr(slopes, name), rtol=tolerance, atol=tolerance
        )


def _nearest(n: int = 60, k: int = 40, d: int = 5) -> sg.Derivation:
    x, c = sg.data("x", (n, d)), sg.param("c", (k, d))
    squares = np.sum((x[:, None, :] - c[None]) ** 2, axis=2)
    return sg.derive(np.mean(np.min(squares, axis=1)), names={"x": x, "c": c, "squares": squares})


def test_what_is_zero_but_at_extremes_is_left_out(tmp_path: Path) -> None:
    derivation = _nearest()
    made = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert re.search(r"if \(\w+\[[^]]*\] != 0\.0\) \{", made.text)
    assert "bool mask" not in made.beside[".h"]
    assert outcome("model", made, tmp_path, "cc", SANITIZED) == "model: all as expected\n"
    _agree(derivation, {"x": RNG.normal(size=(60, 5)), "c": RNG.normal(size=(40, 5))})


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_extremes_in_parts_give_no_warning(compiler: str, tmp_path: Path) -> None:
    """What a compiler is asked for and can't do, clang says in a warning."""
    derivation = _nearest()
    made = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert "MODEL_SMALLEST(" in made.text
    flags = ["-O2", "-fopenmp-simd", "-DMODEL_SIMD"]
    assert outcome("model", made, tmp_path, compiler, flags) == "model: all as expected\n"


def test_ties_share_a_derivative() -> None:
    c = np.repeat(RNG.normal(size=(20, 5)), 2, axis=0)
    _agree(_nearest(), {"x": RNG.normal(size=(60, 5)), "c": c})


def test_products_with_what_is_zero_but_at_extremes_are_added() -> None:
    """Where a caller wants the sum itself, which a library would compute otherwise."""
    z, g = sg.data("z", (50, 30)), sg.param("g", (30, 20))
    at_largest = np.where(z == np.max(z, axis=1, keepdims=True), 1.0, 0.0)
    derivation = sg.derive(np.sum((at_largest @ g) ** 2), names={"z": z, "g": g})
    assert derivation.source(target="c").count("if (at_largest1[30U * i + j]) {") == 2
    at = {"z": RNG.normal(size=(50, 30)), "g": RNG.normal(size=(30, 20))}
    _agree(derivation, at)


@pytest.mark.parametrize("extreme", [np.min, np.max])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_extremes_of_rows_in_parts(extreme: Any, odd: float, dtype: str) -> None:
    x, w = sg.data("x", (37, 37)), sg.param("w", (37,))
    derivation = sg.derive(np.sum(extreme(x, axis=1) * w), names={"x": x, "w": w})
    at = {"x": RNG.normal(size=(37, 37)), "w": np.ones(37)}
    at["x"][np.arange(37), np.arange(37)] = odd
    (_, slopes), (_, found) = _both(derivation, at, dtype)
    np.testing.assert_array_equal(found.w, slopes.w.astype(dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_quotients_by_the_root_of_a_row(dtype: str) -> None:
    x, s = sg.data("x", (12, 20)), sg.param("s", (12, 1))
    derivation = sg.derive(np.sum(x / np.sqrt(s)), names={"x": x, "s": s})
    text = derivation.source(target="c")
    assert re.search(r"= 1\.0 / sqrt\(", text)
    least, most = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    roots = [0, least, 4 * least, np.finfo(dtype).tiny, 1e-9, 1, 3, 1e30, most, np.inf, np.nan, -1]
    x_ = RNG.normal(size=(12, 20))
    x_[:, :4] = [0, np.inf, np.nan, 1e-9]
    at = {"x": x_, "s": np.array(roots)[:, None]}
    for rows in range(12):
        one = {"x": x_[[rows] * 12], "s": at["s"][[rows] * 12]}
        (value, slopes), (mine, found) = _both(derivation, one, dtype)
        np.testing.assert_allclose(mine, value, rtol=1e-6)
        np.testing.assert_allclose(found.s, slopes.s, rtol=1e-5)


def _normalised(n: int, d: int) -> sg.Derivation:
    x, t = sg.data("x", (n, d)), sg.data("t", (n, d))
    g, b = sg.param("g", (d,)), sg.param("b", (d,))
    c = x - np.mean(x, axis=1, keepdims=True)
    y = c / np.sqrt(np.mean(c * c, axis=1, keepdims=True) + 1e-5)
    e = y * g + b - t
    names = {"x": x, "t": t, "g": g, "b": b, "c": c, "y": y, "e": e}
    return sg.derive(np.mean(e * e), names=names)


def test_what_one_turn_needs_is_a_number(tmp_path: Path) -> None:
    derivation = _normalised(90, 200)
    made = outputs.emitted(derivation, derivation.notation, C, name="model")
    header, text = made.beside[".h"], made.text
    assert re.search(r"double c\[200\];", header)
    assert not re.search(r"double (y|e|de)\[", header)
    assert text.count("const double e = ") == 2  # with derivatives, and without
    assert outcome("model", made, tmp_path, "cc", SANITIZED) == "model: all as expected\n"
    at = {k: RNG.normal(size=(90, 200)) for k in "xt"} | {k: RNG.normal(size=200) for k in "gb"}
    _agree(derivation, at)
    module, value = derivation.compile(target="c"), derivation.compile().loss(**at)
    assert module.loss(**at) == pytest.approx(value, rel=1e-13)
    once, twice = module.gradients(**at), module.gradients(**at)
    np.testing.assert_array_equal(once.g, twice.g)


def test_what_others_need_too_stays_in_memory() -> None:
    """Of u the sum is needed first, and then each entry again."""
    x, g = sg.data("x", (64, 256)), sg.param("g", (256,))
    u = x * g
    v = u - np.mean(u, axis=1, keepdims=True)
    derivation = sg.derive(np.mean(v**4 + u), names={"x": x, "g": g, "u": u, "v": v})
    made = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert re.search(r"double u\[256\];", made.beside[".h"])
    _agree(derivation, {"x": RNG.normal(size=(64, 256)), "g": RNG.normal(size=256)})


def test_absolute_values_are_computed_once() -> None:
    z, y = sg.param("z", (30,)), sg.data("y", (30,))
    loss = np.sum(y * np.logaddexp(0, z) + (1 - y) * np.logaddexp(0, -z))
    derivation = sg.derive(loss, names={"z": z, "y": y})
    assert derivation.source(target="c").count("exp(") == 1
    _agree(derivation, {"z": 30 * RNG.normal(size=30), "y": RNG.uniform(size=30)})


@pytest.mark.parametrize("both", ["np.max(v) - np.min(v)", "np.max(v) * np.prod(v)"])
def test_two_that_combine_in_one_loop(both: str) -> None:
    """What stands before a loop is for one: between the word and its loop there is nothing."""
    v = sg.param("v", (32,))
    derivation = sg.derive(eval(both, {"np": np, "v": v}), names={"v": v})
    text = derivation.source(target="c")
    words = re.findall(r"^ +\w+_(?:SUM|LARGEST|SMALLEST)\(\w+\)\n *(\w+)", text, re.MULTILINE)
    assert {*words} == {"for"}
    _agree(derivation, {"v": RNG.uniform(0.9, 1.1, size=32)})


def test_where_nan_stands() -> None:
    """As in NumPy: it is the largest and the smallest, and the last in order."""
    x, v = sg.data("x", (6, 7)), sg.param("v", (7,))
    order = v[np.argsort(x[0])] * np.arange(1.0, 8)
    loss = np.sum(v[np.argmax(x, axis=1)] ** 2) + np.sum(v[np.argmin(x, axis=1)]) + np.sum(order)
    derivation = sg.derive(loss, names={"x": x, "v": v})
    for many in (0.1, 0.3, 0.9):
        at = {"x": np.round(RNG.normal(size=(6, 7)) * 2), "v": RNG.normal(size=7)}
        at["x"][RNG.random((6, 7)) < many] = np.nan
        _agree(derivation, at)


def test_an_input_that_is_called_as_loops_count(tmp_path: Path) -> None:
    """The derivative by v is needed elsewhere too, and is copied to where it is wanted."""
    i, v = sg.param("i", (4, 5)), sg.param("v", (5,))
    loss = np.sum(np.max(i * sg.param("w", (5,)), axis=1)) + np.sum(i * sg.param("x", (4, 5)) * v)
    derivation = sg.derive(loss)
    made = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert re.search(r"size_t (?!i\b)\w+ = 0U.*\n +derived->v", made.text)
    assert outcome("model", made, tmp_path, "cc", []) == "model: all as expected\n"


@pytest.mark.parametrize("n", [1, 17])
@pytest.mark.parametrize("combined", [np.max, np.min, np.sum])
def test_what_is_combined_is_a_sum_itself(combined: Any, n: int, tmp_path: Path) -> None:
    X, W, b = sg.data("X", ("N", 18)), sg.param("W", (18, 18)), sg.param("b", (18,))
    h = np.maximum(X @ W + b, 0)
    derivation = sg.derive(np.sum(combined(h, axis=1) ** 2), names={"X": X, "W": W, "b": b})
    made = outputs.emitted(derivation, derivation.notation, C, name="model", sizes={"N": n})
    flags = ["-O2", "-fopenmp-simd", "-DMODEL_SIMD"]
    assert outcome("model", made, tmp_path, "gcc", flags) == "model: all as expected\n"

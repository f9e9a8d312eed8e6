"""What a refusal proposes is derived: the code in each hint, in the place of what is refused."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import symgrad as sg
from symgrad.language.registry import INSTEAD, LISTED, OF_PYTHON
from symgrad.language.spec_modules import OF_NUMPY
from tests.agreement import differences
from tests.stand_ins import StandIn

POINT: dict[str, np.ndarray] = {
    "x": np.random.default_rng(0).normal(size=(4, 3)), "a": np.array(0.7), "b": np.array(-0.4),
    "y": np.array([1, 0, 2, 2]), "p": np.array([2.5, 3.5, 4.0]),
}  # fmt: skip


SPACE: dict[str, Any] = {"math": math, "np": np, "sg": sg, "special": scipy.special}
HINTS = {
    "max(a, b)": ("np.maximum(a, b)", "np.maximum(a, b)"),
    "min(a, b)": ("np.minimum(a, b)", "np.minimum(a, b)"),
    "max(x[0])": ("np.max(x", "np.max(x[0])"),
    "float(a) * b": ("write x", "a * b"),
    "int(a)": ("np.trunc(x)", "np.trunc(a) * b"),
    "abs(complex(a, b))": ("np.hypot(a, b)", "np.hypot(a, b) + np.arctan2(b, a)"),
    "math.exp(a)": ("np.exp, np.log", "np.exp(a)"),
    "a if bool(b) else b": ("np.where(x != 0, a, b)", "np.where(b != 0, a, b)"),
    "a if any(x[0] > 0) else b": ("np.any(a > 0)", "np.where(np.any(x[0] > 0), a, b)"),
    "a if all(x[0] > 0) else b": ("np.all(a > 0)", "np.where(np.all(x[0] > 0), a, b)"),
    "max(range(3), key=lambda i: x[0][i])": ("x[np.argmax(f(x))]", "x[0][np.argmax(x[0])]"),
    "x.astype(int)": ("np.digitize(x, edges)", "x[:, 0][np.digitize(p, [2.9, 3.9])] * p"),
    "np.poly1d(p)": ("np.polyval(p, x)", "np.polyval(p, x) + np.polyval(np.polyder(p), a)"),
    "np.poly1d([a, b])": ("np.stack([a, b, c])", "np.polyval(np.stack([a, b, a * b]), x)"),
    "np.roots(p)": (
        "(-b + np.sqrt(b**2 - 4 * a * c)) / (2 * a)",
        "(-p[0] + np.sqrt(p[0]**2 - 4 * a * b)) / (2 * a)"),
    "np.polynomial.polynomial.polyval(a, p)": ("np.polyval(c[::-1], x)", "np.polyval(p[::-1], a)"),
    "np.polyfit(p, p, 1)": (
        "with a = np.vander(x, deg + 1), np.linalg.solve(a.T @ a, a.T @ y)",
        "(lambda v: np.linalg.solve(v.T @ v, v.T @ x[0]))(np.vander(p, 2))"),
    "np.vectorize(lambda t: t**2)(x)": ("write f(x)", "(lambda t: t**2)(x)"),
    "np.ma.masked_array(x, x > 0)": (
        "np.mean(x, where=~mask)", "np.mean(x, where=~(x > 0)) + np.sum(np.where(x > 0, 0, x**2))"),
    "np.ma.mean(x)": ("np.where(mask, 0, x)", "np.where(x > 0, 0, x)"),
    "np.maximum.at(sg.zeros((4, 3)), (y, y), 1.0)": ("one row of labels is", "x**2"),
    "np.unravel_index(np.argmax(x), (4, 3))": (
        "x.ravel()[np.argmax(x)]", "x.ravel()[np.argmax(x)] ** 2"),
    "np.lexsort((x[0],))": ("np.argsort(x)", "x[1][np.argsort(x[0])] * np.arange(3)"),
    "np.linalg.lstsq(x, x[:, 0])[0]": (
        "np.linalg.solve(a.T @ a, a.T @ b)", "np.linalg.solve(x.T @ x, x.T @ x[:, 0] ** 2)"),
    **{f"special.{name}": (
        "np.mean(np.exp(x[:, None] * np.cos(t)) * np.cos(n * t), axis=1) with t = "
        "2 * np.pi / 64 * np.arange(64)",
        "(lambda t: np.mean(np.exp(p[:, None] * np.cos(t)) * np.cos(2 * t), axis=1))"
        "(2 * np.pi / 64 * np.arange(64))") for name in ("i0(p)", "i1e(p)", "iv(2, p)")},
    "np.i0(p)": (
        "sg.logsumexp(x[:, None] * np.cos(t), axis=1) - np.log(64)",
        "np.log(np.sum(np.exp(p[:, None] * np.cos(2 * np.pi / 64 * np.arange(64))), axis=1))"),
    **{f"special.{name}": (
        "np.mean(np.cos(n * t - x[:, None] * np.sin(t)), axis=1) with t = "
        "2 * np.pi / 64 * np.arange(64)",
        "(lambda t: np.mean(np.cos(2 * t - p[:, None] * np.sin(t)), axis=1))"
        "(2 * np.pi / 64 * np.arange(64))") for name in ("j0(p)", "jv(2, p)")},
    "special.kv(2, p)": (
        "0.1 * np.sum(np.exp(-x[:, None] * np.cosh(t)) * np.cosh(n * t), axis=1) with t = "
        "0.1 * np.arange(64) + 0.05",
        "(lambda t: 0.1 * np.sum(np.exp(-p[:, None] * np.cosh(t)) * np.cosh(2 * t), axis=1))"
        "(0.1 * np.arange(64) + 0.05)"),
    "special.gammaincc(2.5, p)": (
        "x**a * np.exp(-x) * sum(x**k * scipy.special.rgamma(a + k + 1) for k in range(60))",
        "1 - p**2.5 * np.exp(-p) * sum(p**k * special.rgamma(2.5 + k + 1) for k in range(60))"),
    "special.betainc(a, 3.0, p / 10)": (
        "x**a * (1 - x)**b * rgamma(b) * sum(x**k * gamma(a + b + k) * rgamma(a + k + 1) for k in "
        "range(60))",
        "(p / 10)**a * (1 - p / 10)**3.0 * special.rgamma(3.0) * sum((p / 10)**k * "
        "special.gamma(a + 3.0 + k) * special.rgamma(a + k + 1) for k in range(60))"),
    "special.erfcx(p)": (
        "2 * np.exp(x**2 + scipy.special.log_ndtr(-np.sqrt(2) * x))",
        "2 * np.exp(p**2 + special.log_ndtr(-np.sqrt(2) * p))"),
    "special.loggamma(p)": ("scipy.special.gammaln(x)", "special.gammaln(p)"),
    "special.binom(p, 2)": (
        "1 / ((n + 1) * scipy.special.beta(n - k + 1, k + 1))",
        "1 / ((p + 1) * special.beta(p - 2 + 1, 2 + 1))"),
    "special.poch(p, 2)": (
        "np.exp(scipy.special.gammaln(x + m) - scipy.special.gammaln(x))",
        "np.exp(special.gammaln(p + 2) - special.gammaln(p))"),
    "special.factorial(p)": ("scipy.special.gamma(n + 1)", "special.gamma(p + 1)"),
    "special.exprel(p)": ("np.expm1(x) / x", "np.expm1(p) / p"),
    "sorted([a, b])[0]": ("np.sort(x)", "np.sort([a, b] if False else np.stack([a, b]))[0]"),
    "a if a > 0 else b": ("np.where(condition, a, b)", "np.where(a > 0, a, b)"),
    "np.where(a > 0 and b > 0, a, b)": ("(a > 0) & (b > 0)", "np.where((a > 0) & (b > 0), a, b)"),
    "np.where(a > 0 or b > 0, a, b)": ("(a > 0) | (b > 0)", "np.where((a > 0) | (b > 0), a, b)"),
    "np.where(not (a > 0), a, b)": ("~(a > 0)", "np.where(~(a > 0), a, b)"),
    "np.c_[x, x]": ("np.column_stack([a, b])", "np.column_stack([x, x])"),
    "special.softmax(x, axis=1)": ("sg.softmax", "sg.softmax(x, axis=1)"),
    "special.log_softmax(x, axis=1)": ("sg.log_softmax", "sg.log_softmax(x, axis=1)"),
    "special.logsumexp(x, axis=1)": ("sg.logsumexp", "sg.logsumexp(x, axis=1)"),
    "special.polygamma(0, p)": ("scipy.special.psi(x)", "special.psi(p)"),
    "special.multigammaln(p[0], 2)": (
        "d * (d - 1) / 4 * np.log(np.pi) + sum(gammaln(a - j / 2) for j in range(d))",
        "2 * (2 - 1) / 4 * np.log(np.pi) + sum(special.gammaln(p[0] - j / 2) for j in range(2))"),
    "np.linalg.det([[a, b], [b, 1.0]])": ("np.linalg.det(np.stack(",
        "np.linalg.det(np.stack([np.stack([a, b]), np.stack([b, np.exp(0 * a)])]))"),
    "np.apply_along_axis(np.sum, 1, x)": ("np.stack([f(row) for row in x])",
                                         "np.stack([np.sum(row) for row in x])"),
    "np.fft.fft(x[0]).real": ("np.cos(angles) @ x",
                              "np.cos(2 * np.pi / 3 * np.outer(range(3), range(3))) @ x[0]"),
    "np.zeros(3).__iadd__(x[0])": ("h = h + x", "np.zeros(3) + x[0]"),
    "np.eye(3)[y] @ x.T": ("sg.constant(c)[y]", "sg.constant(np.eye(3))[y] @ x.T"),
    "np.linalg.eigvals(x.T @ x)": ("np.linalg.eigvalsh", "np.linalg.eigvalsh(x.T @ x)"),
    "np.linalg.svd(x)": ("V is np.linalg.eigh(a.T @ a)[1][:, ::-1]",
        "x @ np.linalg.eigh(x.T @ x)[1][:, ::-1] / np.linalg.svd(x, compute_uv=False)"),
    "np.linalg.matrix_rank(x)": ("np.linalg.svdvals(a)", "np.linalg.svdvals(x)"),
    "np.linalg.qr(x)": ("np.linalg.cholesky(a.T @ a).T",
                        "x @ np.linalg.inv(np.linalg.cholesky(x.T @ x).T)"),
    "np.linalg.pinv(x)": ("np.linalg.inv(a.T @ a) @ a.T", "np.linalg.inv(x.T @ x) @ x.T"),
    "np.apply_over_axes(np.sum, x, [0, 1])": ("axis=(0, 1), keepdims=True",
                                              "np.sum(x, axis=(0, 1), keepdims=True)"),
    "np.histogram(x[0])": (
        "np.sum(np.exp(-(((x[:, None] - centres) / width) ** 2)), axis=0)",
        "np.sum(np.exp(-(((x[0][:, None] - np.arange(2.0)) / 0.5) ** 2)), axis=0)"),
    "np.unique(x)": ("np.sort(x)", "np.sort(x)"),
    "np.fft.rfft(x[0])": ("np.sin(angles) @ x",
                          "np.sin(2 * np.pi / 3 * np.outer(range(3), range(3))) @ x[0]"),
    "x.__setitem__((y, 0), 1.0)": ("np.add.at", "x + 0"),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("refused", HINTS)
def test_what_a_hint_proposes_is_derived(refused: str, tmp_path: Path) -> None:
    says, code = HINTS[refused]
    arrays: dict[str, Any] = {n: sg.param(n, x.shape) for n, x in POINT.items() if n != "y"}
    arrays["y"] = sg.data("y", (4,), dtype=int)
    path = tmp_path / "spec.py"
    path.write_text(f"_ = {refused}")
    with pytest.raises(sg.SpecError) as caught:
        exec(compile(path.read_text(), path, "exec"), {**SPACE, **arrays})
    assert says in caught.value.hint
    derivation = sg.derive(np.sum(eval(code, {**SPACE, **arrays})))
    used = {v.name for v in derivation.system.variables if v.role != "constant"}
    found = derivation.compile().gradients(**{n: POINT[n] for n in used})
    plain = {"math": math, "sg": StandIn(np, scipy.special), **POINT}
    expected = differences(
        lambda p: np.asarray(np.sum(eval(code, {**SPACE, **plain, **p}))),
        {n: POINT[n] for n in used if n != "y"}, 1e-4,
    )  # fmt: skip
    for n, slope in expected.items():
        np.testing.assert_allclose(getattr(found, n), slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("written", "function"),
    {
        "1 - p**2.5 * ": lambda p: scipy.special.gammaincc(2.5, p),
        "(p / 10)**a": lambda p: scipy.special.betainc(0.7, 3.0, p / 10),
        "2 * np.exp(p**2": scipy.special.erfcx,
        "1 / ((p + 1)": lambda p: scipy.special.binom(p, 2),
        "np.exp(special.gammaln(p + 2)": lambda p: scipy.special.poch(p, 2),
        "(lambda t: np.mean(np.exp(": lambda p: scipy.special.iv(2, p),
        "(lambda t: np.mean(np.cos(": lambda p: scipy.special.jv(2, p),
        "(lambda t: 0.1": lambda p: scipy.special.kv(2, p),
    }.items(),
)  # fmt: skip
def test_what_a_hint_proposes_is_the_function(written: str, function: Any) -> None:
    code = next(code for _, code in HINTS.values() if code.startswith(written))
    found = eval(code, {**SPACE, **POINT, "sg": None})
    np.testing.assert_allclose(found, function(POINT["p"]), rtol=1e-12)


def test_what_loops_over_an_axis_without_a_number_of_turns_is_named() -> None:
    with pytest.raises(sg.SpecError) as caught:
        scipy.special.logsumexp(sg.param("x", ("N", 3)), axis=1)
    assert caught.value.hint == "sg.logsumexp stands in for SciPy's"


def test_without_a_hint_of_its_own_the_page_is_named() -> None:
    x = sg.param("x", (3,))
    for refused in (np.packbits, scipy.special.ellipk):
        with pytest.raises(sg.SpecError) as caught:
            refused(x)
        assert caught.value.hint.startswith(("perhaps", LISTED)), caught.value.hint


NAMED = {
    "np.zeros((x.shape[0], 4))": "sg.zeros((x.shape[0], 4))",
    "np.eye(3) @ np.ones((3, x.shape[0]))": "sg.ones((3, x.shape[0]))",
    "np.ones(x.shape)": "sg.ones(x.shape)",
    "np.empty(x.shape)": "sg.zeros(x.shape)",
    "np.full((2, x.shape[0]), 1.5)": "sg.full((2, x.shape[0]), 1.5)",
    "np.eye(x.shape[0])": "sg.eye(x.shape[0])",
    "np.identity(x.shape[0])": "sg.eye(x.shape[0])",
    "np.arange(x.shape[0])": "sg.arange(x.shape[0])",
    "range(x.shape[0])": "sg.arange(x.shape[0])",
    "np.tri(x.shape[0])": "np.tril(sg.ones((n, n)))",
    "np.linspace(a, b, x.shape[0])": "a + (b - a) / (n - 1) * sg.arange(n)",
    "np.indices(x.shape)": "sg.arange(n)[:, None] and sg.arange(m)[None, :]",
    "float(x.shape[0])": "1 / x.shape[0]",
    "[0] * x.shape[0]": "sg.zeros(n)",
}


@pytest.mark.parametrize("refused", NAMED)
def test_what_takes_a_named_size_is_proposed(refused: str, tmp_path: Path) -> None:
    def space(x: Any) -> dict[str, Any]:
        n, m = x.shape
        return {**SPACE, "x": x, "n": n, "m": m, "a": 0.5, "b": 2.0}

    x, path = sg.param("x", ("N", 3)), tmp_path / "spec.py"
    path.write_text(f"_ = {refused}")
    with pytest.raises(sg.SpecError) as caught:
        exec(compile(path.read_text(), path, "exec"), space(x))
    assert NAMED[refused] in caught.value.hint
    for code in NAMED[refused].split(" and "):
        value = eval(code, space(x))
        fixed = eval(code, {**space(np.ones((4, 3))), "sg": StandIn(np, scipy.special)})
        found = sg.function(np.sum(x) * value).compile().forward(x=np.ones((4, 3)))[0]
        np.testing.assert_allclose(found, 12 * fixed)


@pytest.mark.parametrize("hint", sorted({*INSTEAD.values(), *OF_PYTHON.values()}))
def test_names_in_hints_exist(hint: str) -> None:
    for name in re.findall(r"\b(?:np|sg|scipy)(?:\.\w+)+", hint):
        if name != "np.c_" and name != "np.r_":
            assert eval(name, {"np": np, "sg": sg, "scipy": scipy}) is not None
    assert OF_NUMPY


@pytest.mark.parametrize(
    ("line", "instead", "code"),
    [
        ("np.where(0 < x < 1, x, 0)", "(a < x) & (x < b)", "np.where((0 < x) & (x < 1), x, 0)"),
        ("np.float32(x.sum())", "of np.float32(x), write x", "x.sum()"),
        ("assert np.all(x > 0)", "sg.data('y', ('N',), assume=sg.positive)", "x"),
    ],
)
def test_of_words_of_python(tmp_path: Path, line: str, instead: str, code: str) -> None:
    x, path = sg.param("x", ("N",)), tmp_path / "spec.py"
    path.write_text(line)
    with pytest.raises(sg.SpecError) as caught:
        exec(compile(line, path, "exec"), {"np": np, "x": x})
    assert instead in caught.value.hint
    at = np.array([-0.5, 0.5, 2.0])
    found = sg.function(np.sum(eval(code, {"np": np, "x": x}))).compile().forward(x=at)[0]
    assert found == pytest.approx(np.sum(eval(code, {"np": np, "x": at})))

"""Recurrences in C: a loop over the steps, in memory that the caller gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recurrences import CASES, by_loop

import symgrad as sg
from symgrad import outputs
from symgrad.targets.c import C
from tests.compiled_c import outcome
from tests.test_c_target import SANITIZED

pytestmark = pytest.mark.usefixtures("builds")

FEW = ("rnn", "backwards", "kalman", "nested")


def _each(few: tuple[str, ...]) -> list[Any]:
    return [pytest.param(n, marks=() if n in few else pytest.mark.long) for n in CASES]


def _agree(module: Any, expected: Any, at: dict[str, Any], tolerance: float = 1e-12) -> None:
    value, slopes = expected.loss_and_gradients(**at)
    one, both = module.loss(**at), module.loss_and_gradients(**at)
    for name, other in zip(slopes._fields, slopes, strict=True):
        for found in (module.gradients(**at), both[1]):
            off = np.abs(getattr(found, name) - other).max(initial=0)
            assert off <= tolerance * max(np.abs(other).max(initial=0), 1e-300), name
    np.testing.assert_allclose([one, both[0]], [value] * 2, rtol=10 * tolerance)


@pytest.mark.parametrize("name", _each(FEW))
@pytest.mark.parametrize("length", [1, 5])
def test_it_is_what_numpy_computes(name: str, length: int) -> None:
    derivation = CASES[name].derived()
    module = derivation.compile(target="c", sizes={"T": length})
    _agree(module, derivation.compile(), CASES[name].numbers(length))


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_in_every_compiler_and_under_the_sanitizers(name: str, tmp_path: Path) -> None:
    derivation = CASES[name].derived(4)
    for dtype, compiler, flags in (
        ("float64", "gcc", SANITIZED),
        ("float64", "clang", ("-O2",)),
        ("float32", "clang", ("-O2",)),
        ("float32", "gcc", ("-O2", "-Wdouble-promotion")),
    ):
        made = outputs.emitted(derivation, derivation.notation, C, name=name, dtype=dtype)
        said = outcome(name, made, tmp_path, compiler, flags)
        assert said == f"{name}: all as expected\n"


# -- kinds of carries and results -----------------------------------------------------------------


def _swapped(scan: Any, a: Any) -> Any:
    """Each carry is the other of the step before."""
    (u, v), ys = scan(lambda c, x: ((c[1], c[0]), c[0] * x), (a.p, a.q), a.x)
    return np.sum(u * u * a.p) + np.sum(v**3) + np.sum(ys)


def _rotated(scan: Any, a: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        u, v, w = c
        return (v, w, np.tanh(u * x) + v), u * w

    last, ys = scan(step, (a.p, a.q, a.p * a.q), a.x)
    return np.sum(last[0]) + np.sum(last[2] ** 2) + np.sum(ys * ys)


def _numbers(scan: Any, a: Any) -> Any:
    """Numbers that are carried, the start and the parts too."""
    (s, m), ys = scan(lambda c, x: ((c[0] + c[1], c[0] * x[0]), c[0] + x[1]), (a.p[0], a.q[1]), a.x)
    return s * m + np.sum(ys**2)


def _steps_in_the_middle(scan: Any, a: Any) -> Any:
    """The axis of the steps is the second of what goes in and of what comes out."""
    Z = np.einsum("tk,n->ntk", a.x, a.p)

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(x + h @ a.A)
        return h, h

    last, hs = scan(step, np.ones((3, 3)) * a.q, np.swapaxes(Z, 0, 1))
    return np.sum(np.swapaxes(hs, 0, 1) ** 2 * Z) + np.sum(last)


def _unchanged(scan: Any, a: Any) -> Any:
    """A carry that stays, and parts that are handed through."""
    c, (ys, zs) = scan(lambda c, x: (c, (x, c * x)), a.p, a.x)
    return np.sum(c) + np.sum(ys * zs)


def _shared(scan: Any, a: Any) -> Any:
    """The same value is carried twice, and given back twice."""

    def step(c: Any, x: Any) -> Any:
        h = np.sin(c[0] * x + c[1])
        return (h, h), (h, h)

    (u, v), (ys, zs) = scan(step, (a.p, a.q), a.x)
    return np.sum(u * v) + np.sum(ys) + np.sum(zs**2)


def _of_labels(scan: Any, a: Any) -> Any:
    def step(h: Any, k: Any) -> Any:
        h = 0.5 * h + np.tanh(a.A[k])
        return h, h[k]

    last, picked = scan(step, a.p, a.k)
    return np.sum(last**2) + np.sum(picked)


def _solved(scan: Any, a: Any) -> Any:
    eye = np.eye(3)
    last, ys = scan(lambda h, x: (np.linalg.solve(3 * eye + a.A, h + x), np.sum(h * x)), a.p, a.x)
    return np.sum(last) + np.sum(ys**2)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "swapped": _swapped,
    "rotated": _rotated,
    "numbers": _numbers,
    "steps in the middle": _steps_in_the_middle,
    "unchanged": _unchanged,
    "shared": _shared,
    "of labels": _of_labels,
    "solved": _solved,
}


class _Given:
    def __init__(self, **arrays: Any) -> None:
        self.__dict__.update(arrays)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reverse", [False, True])
def test_whatever_is_carried(name: str, reverse: bool) -> None:
    def scan(step: Any, start: Any, xs: Any) -> Any:
        return sg.scan(step, start, xs, reverse=reverse)

    def loop(step: Any, start: Any, xs: Any) -> Any:
        return by_loop(step, start, xs, reverse=reverse)

    params = {n: sg.param(n, (3,)) for n in "pq"} | {"A": sg.param("A", (3, 3))}
    data = {"x": sg.data("x", ("T", 3)), "k": sg.data("k", ("T",), dtype=int)}
    derivation = sg.derive(LOSSES[name](scan, _Given(**params, **data)), names={})
    rng = np.random.default_rng(0)
    every = {
        **{n: rng.standard_normal(3) for n in "pq"},
        "A": rng.standard_normal((3, 3)) / 2,
        "x": rng.standard_normal((4, 3)),
        "k": rng.integers(0, 3, 4),
    }
    at = {v.name: every[v.name] for v in derivation.system.variables if v.role != "constant"}
    module = derivation.compile(target="c", sizes={"T": 4})
    _agree(module, derivation.compile(), at)
    np.testing.assert_allclose(module.loss(**at), LOSSES[name](loop, _Given(**every)), rtol=1e-12)


@pytest.mark.parametrize("length", [1, 2])
def test_a_recurrence_over_layers_in_each_step(length: int) -> None:
    A, q = sg.param("A", (2, 3)), sg.param("q", (2, 3))

    def layer(h: Any, w: Any) -> Any:
        h = np.tanh(h * w + w)
        return h, h

    def step(carry: Any, x: Any) -> Any:
        top, carry = sg.scan(layer, x, A * carry)
        return carry, top

    last, ys = sg.scan(step, q, sg.data("x", ("T", 3)))
    derivation = sg.derive(np.sum(last**2) + np.sum(ys), names={})
    rng = np.random.default_rng(0)
    at = {
        n: rng.standard_normal(s) for n, s in {"A": (2, 3), "q": (2, 3), "x": (length, 3)}.items()
    }
    module = derivation.compile(target="c", sizes={"T": length})
    _agree(module, derivation.compile(), at)


# -- what the file is like ------------------------------------------------------------------------


def test_each_equation_of_a_step_stands_above_its_loops() -> None:
    text = CASES["gru"].derived().source(target="c", sizes={"T": 7}, dtype="float32")
    assert len(re.findall(r"for \(size_t \w+ = 0U; \w+ < 7U; \+\+\w+\) \{\n +const", text)) == 2
    assert "tanhf(" in text
    (told,) = set(re.findall(r"/\* n\[t,i,j\] = .*", text))
    assert told.startswith("/* n[t,i,j] = tanh(")


def test_a_step_takes_no_memory_of_all_steps_for_its_own_values() -> None:
    """An RNN keeps its states, and for the weights the slopes of all steps."""
    derivation = CASES["rnn"].derived()

    def entries(length: int) -> int:
        made = outputs.emitted(derivation, derivation.notation, C, sizes={"T": length})
        counts = re.findall(r"double \w+\[(\d+)\]", made.beside[".h"])
        return sum(map(int, counts))

    growth = (entries(40) - entries(20)) / 20
    assert growth == (entries(100) - entries(40)) / 60
    assert growth <= 5 * 16  # N = 4 rows of 4 units: states, inputs, slopes


def test_a_length_is_asked_for() -> None:
    with pytest.raises(sg.SpecError, match="C needs a number for the size T"):
        CASES["garch"].derived().source(target="c")


# -- what was wrong once --------------------------------------------------------------------------


def _of_numbers(scan: Any, a: Any) -> Any:
    """Sums of many that are kept for all steps, each a number."""

    def step(c: Any, x: Any) -> Any:
        s = np.sum(c * x)
        n = np.tanh(c * s + x)
        return n, s * n

    last, ys = scan(step, a.p, a.x)
    return np.sum(ys * ys) + np.sum(last**3)


def _of_matrices(scan: Any, a: Any) -> Any:
    """Inverses of all steps, which two loops in a row read."""

    def step(c: Any, x: Any) -> Any:
        factor = np.linalg.cholesky(c @ c.T + np.eye(3) + np.outer(x[:3], x[:3]))
        return factor, np.sum(np.log(np.diag(factor)))

    last, ys = scan(step, a.p[:9].reshape(3, 3), a.x)
    return np.sum(ys) + np.sum(last * last)


def _of_turned(scan: Any, a: Any) -> Any:
    """Straight lines that GCC 12 makes wrong with vectors of 512 bits."""

    def step(c: Any, x: Any) -> Any:
        u = np.tanh(c + x[:16].reshape(4, 4))
        v = u.T * u
        w = np.sin(v) + u.T
        return w.T * v + u, w

    last, ys = scan(step, a.p[:16].reshape(4, 4), a.x)
    return np.sum(ys * ys) + np.sum(last * last)


def _of_xs_alone(scan: Any, a: Any) -> Any:
    last, ys = scan(lambda c, x: (x, c * x), a.p, a.x)
    return np.sum(ys * ys) + np.sum(last * last)


@pytest.mark.parametrize("loss", [_of_numbers, _of_matrices, _of_turned, _of_xs_alone])
@pytest.mark.parametrize("length", [1, 4])
def test_sums_and_matrices_of_all_steps(loss: Any, length: int) -> None:
    derivation = sg.derive(
        loss(sg.scan, _Given(p=sg.param("p", (20,)), x=sg.param("x", ("T", 20)))), names={}
    )
    rng = np.random.default_rng(1)
    at = {"p": rng.standard_normal(20), "x": rng.standard_normal((length, 20)) / 2}
    module = derivation.compile(target="c", sizes={"T": length})
    _agree(module, derivation.compile(), at, 1e-11)
    np.testing.assert_allclose(module.loss(**at), loss(by_loop, _Given(**at)), rtol=1e-12)


def test_a_loop_of_whose_results_the_loss_and_the_derivatives_need_different_ones() -> None:
    X, E = sg.data("X", ("T", 3)), sg.param("E", (3, 3))

    def step(p: Any, x: Any) -> Any:
        s = E @ p + x
        e = np.exp(s)
        p = e / np.sum(e)
        return p, np.log(p[1])

    _, logs = sg.scan(step, np.full(3, 1 / 3), X)
    derivation = sg.derive(np.sum(logs), names={})
    at = {"X": np.arange(6.0).reshape(2, 3) / 4, "E": np.arange(9.0).reshape(3, 3) / 8}
    _agree(derivation.compile(target="c", sizes={"T": 2}), derivation.compile(), at)


def test_what_one_turn_of_a_step_needs_has_no_memory() -> None:
    """A state that a mask keeps, as of sequences that have ended."""
    X, M = sg.data("X", ("T", 2, 3)), sg.data("M", ("T", 2))
    h0, U = sg.param("h0", (2, 4)), sg.param("U", (4, 12))
    W = sg.param("W", (3, 12))

    def step(h: Any, x: Any) -> Any:
        a, u = x[0] @ W, h @ U
        z = 1 / (1 + np.exp(-(a[:, :4] + u[:, :4])))
        r = 1 / (1 + np.exp(-(a[:, 4:8] + u[:, 4:8])))
        n = np.tanh(a[:, 8:] + r * u[:, 8:])
        new = z * h + (1 - z) * n
        return np.where(x[1][:, None] > 0, new, h), None

    last, _ = sg.scan(step, h0, (X, M))
    derivation = sg.derive(np.sum(last**2), names={})
    rng = np.random.default_rng(0)
    at = {n: rng.normal(size=s) for n, s in {"X": (3, 2, 3), "M": (3, 2), "h0": (2, 4),
                                             "U": (4, 12), "W": (3, 12)}.items()}  # fmt: skip
    _agree(derivation.compile(target="c", sizes={"T": 3}), derivation.compile(), at)

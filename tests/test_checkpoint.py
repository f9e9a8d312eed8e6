"""Recurrences in segments: the same numbers, of less memory."""

from __future__ import annotations

import functools
import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from recurrences import CASES, Case

import symgrad as sg
from symgrad.cli import main

SHAPES = {"X": ("T", 3), "W": (2, 3), "U": (2, 2), "V": (2, 2), "h0": (2,), "g0": (2,), "q": (2,)}


def _both_ways(scan: Any, a: Any) -> Any:
    """One recurrence over two that go opposite ways, a softmax over the steps, and neighbours."""

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(a.W @ x + a.U @ h)
        return h, h

    def above(h: Any, x: Any) -> Any:
        h = np.tanh(x + a.V @ h)
        return h, h

    _, ahead = scan(step, a.h0, a.X)
    _, back = scan(step, a.g0, a.X, reverse=True)
    both = ahead + back
    last, hs = scan(above, a.h0, both)
    e = np.exp(hs @ a.q)
    return (
        np.sum((e / np.sum(e))[:, None] * hs**2) + np.sum(last * a.q) + np.sum(both[1:] * both[:-1])
    )


def _encoder(scan: Any, a: Any) -> Any:
    """The last carry is where another recurrence of another length begins."""

    def step(h: Any, x: Any) -> Any:
        return np.tanh(a.W @ x + a.U @ h), None

    def decode(h: Any, z: Any) -> Any:
        h = np.tanh(a.V @ h + code)
        return h, np.sum((h - z) ** 2)

    code, _ = scan(step, a.h0, a.X)
    _, costs = scan(decode, code, a.Z)
    return np.sum(costs) / costs.shape[0]


def _around(scan: Any, a: Any) -> Any:
    """What steps read is of other steps of the data too, and the number of steps is a number."""
    X = a.X - np.mean(a.X, axis=0)
    A = np.exp(a.U) / np.sum(np.exp(a.U), axis=1, keepdims=True)

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(a.W @ x + A @ h)
        return h, h

    last, hs = scan(step, a.h0, X[1:] - X[:-1], reverse=True)
    return np.mean(hs**2) + np.sum(A) * np.sum(last)


def _from_nothing(scan: Any, a: Any) -> Any:
    """Each step goes over the rows of its part, from zeros: these recurrences are of all steps."""

    def along(k: Any, row: Any) -> Any:
        k = np.tanh(a.U @ k + row)
        return k, k

    def step(h: Any, rows: Any) -> Any:
        k, ks = scan(along, 0 * h, rows)
        return 0.5 * h + k, ks

    last, ks = scan(step, a.h0, a.Z)
    return np.sum(last**2) + np.sum(ks**2)


def _of_a_step_before(scan: Any, a: Any) -> Any:
    """A step reads what no step before has a part in: that of the row before."""

    def step(carry: Any, x: Any) -> Any:
        s, e = carry
        s = np.tanh(a.U @ s + e**2)
        e = a.W @ x - a.h0
        return (s, e), s * e

    (last, _), products = scan(step, (a.h0, 2 * a.h0), a.X)
    return np.sum(products) + np.sum(last)


def _from_rows(scan: Any, a: Any) -> Any:
    """The start, and what all steps read, are made of the rows that steps read."""
    rows = a.X @ a.W.T
    scale = 1 + np.sum(rows**2)

    def step(h: Any, row: Any) -> Any:
        h = np.tanh(row + a.U @ h) / scale
        return h, np.sum(h**2)

    last, squares = scan(step, np.tanh(np.mean(rows, axis=0)), rows)
    return np.sum(squares) + np.sum(last)


MORE = {
    "of a step before": (Case(_of_a_step_before, SHAPES), (1, 2, 3, 7)),
    "from rows": (Case(_from_rows, SHAPES, data=("X",)), (1, 2, 7)),
    "from nothing": (Case(_from_nothing, SHAPES | {"Z": ("T", 3, 2)}), (1, 2, 5)),
    "both ways": (Case(_both_ways, SHAPES), (1, 2, 7)),
    "encoder": (Case(_encoder, SHAPES | {"Z": (4, 2)}, data=("X",)), (0, 1, 3, 7)),
    "around": (Case(_around, SHAPES), (2, 3, 7)),
}
LONG = pytest.mark.long
QUICK = (
    "rnn",
    "garch",
    "fibonacci",
    "backwards",
    *("from nothing", "of a step before", "from rows"),
)


@functools.cache
def derived(name: str) -> sg.Derivation:
    case = MORE[name][0] if name in MORE else CASES[name]
    return case.derived()


def _close(ones: Any, others: Any) -> None:
    np.testing.assert_allclose(ones[0], others[0], rtol=1e-12, atol=1e-14)
    for name in ones[1]._fields:
        one, other = getattr(ones[1], name), getattr(others[1], name)
        scale = np.abs(one).max(initial=1)
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13 * scale, err_msg=name)


def _at(case: Case, found: sg.Derivation, length: int) -> Mapping[str, Any]:
    inputs = {v.name for v in found.system.variables}
    return {n: v for n, v in case.numbers(length, seed=length).items() if n in inputs}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("every", [1, 3, 50])
@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=LONG) for n in (*CASES, *MORE)]
)
def test_the_numbers_are_those_of_all_steps_at_once(name: str, every: int) -> None:
    found = derived(name)
    case, lengths = MORE.get(name, (CASES.get(name), (1, 2, 3, 7)))
    whole, module = found.compile(), found.compile(checkpoint=every)
    lengths = (0, *lengths) if name in ("rnn", "fibonacci", "backwards") else lengths
    for length in lengths:
        at = _at(case, found, length)
        given = module.loss_and_gradients(**at)
        _close(whole.loss_and_gradients(**at), given)
        assert module.loss(**at) == given[0]
        _close((given[0], module.gradients(**at)), given)


def test_one_segment_has_the_same_bits() -> None:
    found, at = derived("rnn"), CASES["rnn"].numbers(5)
    ones = found.compile(plain=True).loss_and_gradients(**at)
    others = found.compile(checkpoint=5).loss_and_gradients(**at)
    for one, other in zip(ones[1], others[1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_floats_stay_what_they_are() -> None:
    at = {n: v.astype(np.float32) for n, v in CASES["rnn"].numbers(7).items()}
    value, found = derived("rnn").compile(checkpoint=3).loss_and_gradients(**at)
    assert value.dtype == np.float32
    assert {g.dtype for g in found} == {np.dtype(np.float32)}


def test_no_input_is_changed() -> None:
    at = CASES["rnn"].numbers(7)
    before = {n: v.copy() for n, v in at.items()}
    derived("rnn").compile(checkpoint=3).loss_and_gradients(**at)
    for name, array in before.items():
        np.testing.assert_array_equal(at[name], array)


def _most(module: Any, at: Mapping[str, Any]) -> int:
    module.loss_and_gradients(**at)
    tracemalloc.start()
    module.loss_and_gradients(**at)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_memory_is_that_of_a_segment_and_of_the_carries() -> None:
    x, W = sg.data("x", ("T", 8)), sg.param("W", (64, 64))
    V = sg.param("V", (64, 8))

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(W @ h + V @ x)
        return h, np.sum(h**2)

    _, costs = sg.scan(step, np.zeros(64), x)
    found = sg.derive(np.sum(costs), names={})
    rng = np.random.default_rng(0)
    at = {"x": rng.standard_normal((1024, 8)), "W": rng.standard_normal((64, 64)) / 8,
          "V": rng.standard_normal((64, 8))}  # fmt: skip
    whole, parts = _most(found.compile(), at), _most(found.compile(checkpoint=32), at)
    assert parts < whole / 4, (parts, whole)


def test_a_fault_in_the_way_back_is_seen_by_the_file_itself() -> None:
    source = derived("rnn").source(checkpoint=3)
    for right, wrong in (
        ("dWh += dWh_part", "dWh = dWh_part"),
        ("kept.pop()", "kept[0]"),
        ("reversed(range(0, steps, 3))", "range(0, steps, 3)"),
    ):
        assert right in source
        space: dict[str, Any] = {"__name__": "planted"}
        exec(source.replace(right, wrong), space)
        assert space["_self_check"]() == 1, right


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: derived("rnn").source(checkpoint=0), "1 or more"),
        (lambda: derived("rnn").source(checkpoint=2, values=["h"]), "not there at once"),
        (lambda: derived("rnn").source(target="c", sizes={"T": 3}, checkpoint=2), "c"),
        (lambda: CASES["rnn"].derived(wrt=["h"]).source(checkpoint=2), "h is no input"),
        (lambda: sg.jvp(CASES["garch"].spec(), names={}).source(checkpoint=2), "a scalar"),
        (lambda: sg.function(CASES["garch"].spec(), names={}).source(checkpoint=2), "none is"),
        (lambda: sg.derive(np.sum(sg.param("w", (3,)) ** 2)).source(checkpoint=2), "recurrences"),
    ],
)
def test_what_is_not_supported_is_named(ask: Any, says: str) -> None:
    with pytest.raises(sg.SpecError, match=says):
        ask()


def test_the_command_line_has_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "import numpy as np\nimport symgrad as sg\n"
        'x, a = sg.data("x", ("T",)), sg.param("a", ())\n'
        "def step(h, x):\n    h = np.tanh(a * h + x)\n    return h, None\n"
        "last, _ = sg.scan(step, 0.5, x)\nloss = last**2\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(main, ["derive", "net.py", "--checkpoint", "4"])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "generated" / "net.py").read_text(encoding="utf-8")
    assert "range(0, steps, 4)" in text


def test_no_matrix_of_zeros_says_where_a_gate_lies() -> None:
    x, W, U = sg.data("x", ("T", 3)), sg.param("W", (3, 8)), sg.param("U", (4, 8))

    def step(h: Any, x: Any) -> Any:
        g = x @ W + h @ U
        h = sg.sigmoid(g[:4]) * np.tanh(g[4:])
        return h, None

    last, _ = sg.scan(step, np.zeros(4), x)
    source = sg.derive(np.sum(last**2), names={}).source()
    assert "(T, 8, 4)" not in source
    assert "new(T, 8, 4)" not in source

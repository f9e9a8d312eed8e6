"""What programs cost, against counts made by hand: operations on numbers, and bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.language.tracing import trace
from symgrad.program.costs import flops, moved
from symgrad.program.lower import lower

B, D, K, N = (sp.Symbol(name) for name in "BDKN")

INPUTS: dict[str, Callable[[], Any]] = {
    "X": lambda: sg.data("X", ("N", "K")),
    "Z": lambda: sg.data("Z", ("N", "K")),
    "W": lambda: sg.param("W", ("K", 5)),
    "T": lambda: sg.data("T", ("B", "N", "K")),
    "E": lambda: sg.param("E", (7, "D")),
    "S": lambda: sg.data("S", (6, 6)),
    "v": lambda: sg.data("v", ("N",)),
    "u": lambda: sg.data("u", (4,)),
    "k": lambda: sg.data("k", ("K",)),
    "y": lambda: sg.data("y", ("N",), dtype=int),
}

Case = tuple[Callable[..., Any], sp.Expr | int, sp.Expr | int]

# A value; its operations on numbers; how many floats, labels (as floats: 8 bytes) it moves.
CASES: dict[str, Case] = {
    # a product of matrices: a multiplication and an addition for each of three indices
    "X W": (lambda X, W: X @ W, 2 * N * K * 5, N * K + K * 5 + N * 5),
    "Xᵀ Z": (lambda X, Z: X.T @ Z, 2 * N * K * K, 2 * N * K + K * K),
    "Wᵀ k": (lambda W, k: W.T @ k, 2 * K * 5, 5 * K + K + 5),
    "v · v'": (lambda v, X: v @ X[:, 0], 2 * N, sp.Integer(2) * N + 1),
    "X W for each b": (lambda T, W: T @ W, 2 * B * N * K * 5, B * N * K + 5 * K + B * N * 5),
    "v uᵀ": (lambda v, u: v[:, None] * u, 2 * N * 4, N + 4 + 4 * N),
    # entry by entry: one for each function and entry; each reads and writes all
    "tanh": (lambda X: np.tanh(X.T), N * K, 2 * N * K),
    "exp of tanh": (lambda X: np.exp(np.tanh(X)), 2 * N * K, 4 * N * K),
    "three in a row": (lambda X: np.sin(np.exp(np.tanh(X))), 3 * N * K, 6 * N * K),
    "a sum of two": (lambda X, Z: X + Z, N * K, 3 * N * K),
    "a product and a function": (lambda X, Z: np.exp(X * Z), 2 * N * K, 5 * N * K),
    "a column for all": (lambda X, v: X + v[:, None], N * K, 2 * N * K + N),
    "a truth value is a byte": (lambda X: X > 0, N * K, N * K + N * K / sp.Integer(8)),
    # reductions: one for each entry that is read
    "largest of each row": (lambda X: np.max(X, axis=1), N * K, N * K + N),
    "largest of each column": (lambda X: np.max(X, axis=0), N * K, N * K + K),
    "largest of all": (lambda S: np.min(S.T), 36, 36 + 1),
    "product of rows": (lambda S: np.prod(S, axis=1), 36, 36 + 6),
    # lookups: one for each entry that is found; the table is read
    "rows of a table": (lambda E, y: E[y], N * D, 7 * D + N + N * D),
    "an entry of each row": (lambda X, y: X[sg.arange("N"), y], N, N * K + 3 * N),
    # what only looks at memory is free
    "transposed": (lambda X: X.T, 0, 0),
    "a part": (lambda v: v[1:], 0, 0),
    "backwards": (lambda v: v[::-1], 0, 0),
    "another shape": (lambda S: S.reshape(4, 9), 0, 0),
    "an axis more": (lambda v: v[:, None], 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_value(case: Case) -> None:
    function, operations, floats = case
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    value = function(*(INPUTS[name]() for name in names))
    system = trace(value, {"value": value})
    program = lower(system.variables, system.equations, [system.output])
    assert same(flops(program), operations)
    assert same(moved(program, 8), 8 * floats)


def test_floats_of_four_bytes() -> None:
    """Labels stay at eight, truth values at one."""
    X, y = INPUTS["X"](), INPUTS["y"]()
    value = X[sg.arange("N"), y] > 0
    system = trace(value, {"value": value})
    program = lower(system.variables, system.equations, [system.output])
    found = 4 * N * K + 8 * N + 8 * N + 4 * N  # the lookup: the rows are numbers too
    found += 4 * N + N  # the comparison
    assert same(moved(program, 4), found)


def same(one: sp.Expr, other: sp.Expr | int) -> bool:
    """Symbols of sizes are known by their names."""
    left = sp.sympify(one).xreplace({s: sp.Symbol(s.name) for s in sp.sympify(one).free_symbols})
    return bool(sp.expand(left - other) == 0)


def test_a_whole_file() -> None:
    """Of Σ (X w - t)²: the residuals, the loss, the slope; what a gradient of it costs by hand."""
    X, w, t = sg.data("X", (100, 8)), sg.param("w", (8,)), sg.data("t", (100,))
    text = sg.derive(np.sum((X @ w - t) ** 2), names={}).source()
    operations = 2 * 100 * 8 + 100 + 2 * 100 + 2 * 100 * 8 + 8  # r = X w - t; r·r; dw = 2 (r X)
    stated = [line.split()[-1] for line in text.splitlines() if "operations on numbers" in line]
    assert stated == [f"{operations:,}"]

"""The records of kinds: what each says is true of NumPy's operations, and of a count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.reductions import LEAVES, Leaf
from symgrad.mathematics.sizes import as_size
from symgrad.program.costs import flops, moved
from symgrad.program.interpreter import interpret
from symgrad.program.kinds import KINDS, Result
from symgrad.program.loop import Loop
from symgrad.program.passes import expanded
from symgrad.program.program import Literal, Op, Program, Ref
from symgrad.program.verification import ProgramError, verified
from symgrad.targets.numpy.operations import NumPyWriter
from symgrad.targets.numpy.runtime.special import HELPERS

N, P, W = Index("n", as_size(3)), Index("p", as_size(4)), Index("w", as_size(2))
K, M = Index("k", P.size), Index("m", as_size(12))
INPUTS = (
    Variable("x", (N.size, P.size), "param"),
    Variable("S", (P.size, P.size), "param"),
    Variable("u", (P.size,), "param"),
    Variable("y", (N.size,), "data", "int"),
    Variable("e", (N.size, P.size), "data"),
    Variable("f", (W.size, N.size), "data", "int"),
    Variable("h", (P.size, P.size), "data"),
)
POINT: dict[str, Any] = {
    "x": np.random.default_rng(1).standard_normal((3, 4)),
    "S": np.random.default_rng(2).standard_normal((4, 4)) + 4 * np.eye(4),
    "u": np.array([3.0, -1.0, 0.5, 2.0]),
    "y": np.array([2, 0, 3]),
}
POINT["e"] = np.square(POINT["S"]).sum(axis=1) - 2 * POINT["x"] @ POINT["S"].T
POINT["f"] = np.stack([POINT["e"].argmin(axis=1), np.ones(3, int)])
POINT["h"] = np.full((4, 4), np.nan)  # S is not symmetric
X, S, U, Y = Ref("x", (N, P)), Ref("S", (P, K)), Ref("u", (P,)), Ref("y", (N,))
ROWS, H = Ref("S", (K, P)), Ref("h", (P, K))
ONE, FROM_1 = Literal(sp.S.One), Cut(sp.S.One, sp.S.One, W.size)
PAIRS = Window(sp.S.Zero, sp.S.One, N.size, sp.S.One, W.size)


_STEP = Op("v", "map", (Ref("x_t", (P,)), U), (P,), "add")
_READ = (Variable("x_t", (P.size,), "data"), Variable("u", (P.size,), "data"))
STEPS = Loop("steps", Program(_READ, (_STEP,), ("v",)), 1, N.size, ("x_t",), ("u",), (),
             (("x_t", 0), ("v", 0)))  # fmt: skip


def made(kind: str, args: tuple[Any, ...], axes: tuple[Any, ...], function: str = "",
         detail: tuple[Any, ...] = ()) -> Op:  # fmt: skip
    return Op("out", kind, args, axes, function, detail)


# An operation of each kind, and how many operations on numbers that is.
SAMPLES: dict[str, tuple[Op, int]] = {
    op.kind: (op, cost)
    for op, cost in (
        (made("map", (X, U), (N, P), "add"), 12),
        (made("powers", (U,), (W, P), detail=(1,)), 8),
        (made("nearest", (X, ROWS, Ref("e", (N, K))), (W, N)), 12),
        (made("to_nearest", (X, ROWS, Ref("f", (W, N))), (K, P), "sums_to_nearest"), 24),
        (made("half_inverse", (S,), (P, K)), 16),
        (made("by_half", (H, S), (Index("a", P.size), Index("b", P.size)), "inverse_by_half"), 16),
        (made("copy", (X,), (N, P)), 12),
        (made("fill", (ONE,), (N, P)), 0),
        (made("iota", (), (P,)), 0),
        (made("contract", (X, X), ()), 24),
        (made("matmul", (X, S), (N, K)), 96),
        (made("reduce", (X,), (P,), "sum"), 12),
        (made("trace", (S,), ()), 4),
        (made("softmax", (X,), (N, P), detail=(1,)), 12),
        (made("log_softmax", (X,), (N, P), detail=(1,)), 12),
        (made("logsumexp", (X,), (N,)), 12),
        (made("cumsum", (X,), (N, P), detail=(1,)), 12),
        (made("products_of_others", (X,), (N, P), detail=(1,)), 12),
        (made("standing", (X,), (N, K), "argsort"), 12),
        (made("view", (X,), (P, N)), 0),
        (made("expand", (U,), (N, P)), 0),
        (made("reshape", (X,), (M,)), 0),
        (made("join", (X, X), (Index("j", as_size(6)), P), "concatenate", (0,)), 24),
        (made("slice", (X,), (W, P), detail=(FROM_1, None)), 0),
        (made("windows", (U,), (N, W), detail=(PAIRS,)), 0),
        (made("place", (X, U), (N, P), "add", (Cut(sp.S.One), None)), 12),
        (made("gather", (S, Y), (N, K), detail=(1, None)), 12),
        (made("scatter", (S, Ref("u", (K,)), Y), (P, K), "add_repeatedly", (2, None)), 16),
        (made("take", (U, Y), (N,)), 3),
        (made("put", (U, Ref("y", (N,)), Y), (P,)), 4),
        (made("loop", (X, U), (Index("a", N.size), Index("b", P.size)), "v", (STEPS,)), 12),
        (made("eye", (), (P, K)), 0),
        (made("diagonal", (U,), (P, K)), 16),
        (made("triangle", (S,), (P, K), "lower", (0,)), 16),
        (made("linalg", (S,), (Index("a", P.size), Index("b", P.size)), "inv"), 16),
    )
}
samples = pytest.mark.parametrize("kind", SAMPLES)


def program(kind: str) -> Program:
    return verified(Program(INPUTS, (SAMPLES[kind][0],), ("out",)))


def by_numpy(op: Op) -> Any:
    text = NumPyWriter(Program(INPUTS, (op,), ("out",))).text(op).code
    return eval(text, {"np": np, **HELPERS, **POINT})


def test_every_kind_has_a_sample() -> None:
    assert set(SAMPLES) == set(KINDS)
    assert all(name == kind.name and kind.meaning for name, kind in KINDS.items())


printed = pytest.mark.parametrize("kind", [k for k in NumPyWriter.KINDS if k in SAMPLES])


@printed
def test_numpy_computes_what_the_interpreter_does(kind: str) -> None:
    np.testing.assert_allclose(
        by_numpy(SAMPLES[kind][0]), interpret(program(kind), POINT)["out"], rtol=1e-14
    )


@printed
def test_a_result_lies_where_the_record_says(kind: str) -> None:
    op, _ = SAMPLES[kind]
    shares = any(np.shares_memory(by_numpy(op), POINT[r.name]) for r in op.reads)
    if KINDS[kind].result is not Result.EITHER:
        assert shares == KINDS[kind].is_view


@printed
def test_the_dtype_is_that_of_numpy(kind: str) -> None:
    op, _ = SAMPLES[kind]
    kinds: dict[str, str] = {v.name: v.dtype for v in INPUTS}
    types = [kinds[a.name] if isinstance(a, Ref) else "whole" for a in op.args]
    assert by_numpy(op).dtype.kind == KINDS[kind].dtype(op.function, types)[0]


@samples
def test_labels_and_sizes_are_read_as_the_record_says(kind: str) -> None:
    op, _ = SAMPLES[kind]
    known = {a for r in op.reads for a in r.axes}
    assert KINDS[kind].own_labels == (not known >= set(op.axes))
    assert KINDS[kind].of_sizes == (not op.reads)
    assert not (KINDS[kind].by_label and KINDS[kind].own_labels)


def test_a_function_that_a_target_brings_under_another_name_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The class is called otherwise than the function in its text."""
    leaf = Leaf(sp.Function("mine"), "brought(x)", None, lambda x: 2 * x)
    monkeypatch.setitem(LEAVES, leaf.cls, leaf)
    op = made("map", (U,), (P,), "brought")
    found = interpret(Program(INPUTS, (op,), ("out",)), POINT)["out"]
    np.testing.assert_array_equal(found, 2 * POINT["u"])


@pytest.mark.parametrize("kind", ["softmax", "log_softmax", "logsumexp"])
def test_what_is_written_out_in_other_kinds_computes_the_same(kind: str) -> None:
    other = expanded(program(kind))
    assert kind not in {op.kind for op in other}
    np.testing.assert_allclose(
        interpret(other, POINT)["out"], interpret(program(kind), POINT)["out"], rtol=1e-14
    )


def test_what_is_printed_as_a_change_is_one() -> None:
    assert {name for name, kind in KINDS.items() if kind.changes} == set(NumPyWriter.CHANGES)


@pytest.mark.parametrize("kind", NumPyWriter.CHANGES)
def test_what_is_changed_is_the_first_argument_alone(kind: str) -> None:
    before = {name: value.copy() for name, value in POINT.items()}
    found = interpret(program(kind), POINT)["out"]
    base = SAMPLES[kind][0].reads[0].name
    assert found.shape == POINT[base].shape
    assert (found != POINT[base]).any()
    for name, value in before.items():  # the interpreter works on a copy
        np.testing.assert_array_equal(POINT[name], value)


@samples
def test_costs_are_those_of_a_count_by_hand(kind: str) -> None:
    op, cost = SAMPLES[kind]
    assert flops(program(kind)) == cost
    read = sum(8 * POINT[r.name].size for r in op.reads)
    written = 8 * sp.Mul(*(int(str(s)) for s in op.shape))
    whole = 0 if KINDS[kind].is_free else read + written
    assert moved(program(kind), 8) == (whole if kind != "trace" else 8 * 4 + 8)


@samples
def test_a_result_with_other_axes_is_refused(kind: str) -> None:
    op, _ = SAMPLES[kind]
    wrong = Op("out", kind, op.args, (*op.axes, Index("z", as_size(5))), op.function, op.detail)
    if kind in ("fill", "expand"):  # any axes will do
        return
    with pytest.raises(ProgramError):
        verified(Program(INPUTS, (wrong,), ("out",)))

"""Audits of scripts that prepare their inputs, or use a name twice; points that tell enough."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.audit import Audit
from symgrad.audit.entry import made, with_values
from symgrad.audit.reference import Reference
from symgrad.audit.source import read
from symgrad.cli import main
from symgrad.language.spec_file import Spec, load

LEAST_SQUARES = """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); W = sg.param("W", (3,))
loss = np.mean((X @ W - t) ** 2)
"""
TRAINING = """
rng = np.random.default_rng(0)
X = rng.normal(size=(6, 3))
t = rng.normal(size=6)
W = rng.normal(size=3)
{prepared}
for step in range(10):
    r = X @ W - t
    dW = 2 * X.T @ r / len(t)
    W = W - 0.1 * dW
"""
DROPOUT = """
X = sg.data("X", ("N", 2)); D = sg.data("D", ("N", 4)); Y = sg.data("Y", ("N", 1))
W1 = sg.param("W1", (2, 4)); W2 = sg.param("W2", (4, 1))
Z1 = X @ W1
A1 = np.maximum(Z1, 0) * D / 0.8
loss = np.sum((A1 @ W2 - Y) ** 2)
"""
REUSED = """
rng = np.random.default_rng(1)
X = rng.normal(size=(5, 2)); Y = rng.normal(size=(5, 1)); D = rng.normal(size=(5, 4))
W1 = rng.normal(size=(2, 4)); W2 = rng.normal(size=(4, 1))
Z1 = X @ W1
A1 = np.maximum(Z1, 0)
A1 = A1 * D / 0.8
dZ2 = 2 * (A1 @ W2 - Y)
dW2 = A1.T @ dZ2
dA1 = dZ2 @ W2.T
dA1 = dA1 * D{rate}
dZ1 = dA1 * (Z1 > 0)
dW1 = X.T @ dZ1
"""
ATTENTION = """
X = sg.data("X", (4, 3)); G = sg.data("G", (4, 3))
Wq = sg.param("Wq", (3, 3)); Wk = sg.param("Wk", (3, 3)); Wv = sg.param("Wv", (3, 3))
S = (X @ Wq) @ (X @ Wk).T / np.sqrt(3)
O = sg.softmax(S, axis=1) @ (X @ Wv)
loss = np.mean((O - G) ** 2)
"""


def spec_of(text: str, folder: Path) -> Spec:
    path = folder / "spec.py"
    path.write_text("import numpy as np\nimport symgrad as sg\n" + text, encoding="utf-8")
    return load(path, str.isidentifier)


def audit_of(spec: str, code: str, folder: Path, function: str | None = None) -> Audit:
    given, path = spec_of(spec, folder), folder / "code.py"
    path.write_text("import numpy as np\n" + code, encoding="utf-8")
    more = {"cls": None, "setup": "", "inputs": {}, "match": {}, "timeout": 300, "seed": 0}
    return made(
        with_values(given.loss, given.names),
        read(path),
        **{"function": function, **more},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "prepared",
    [
        "X -= X.mean(axis=0)",
        "t[::2] += 5; print(t.shape)",
        "rng.shuffle(t); t.sort()",
        "np.clip(X, -1, 1, out=X)",
        "mu = X.mean(0); sd = X.std(0); X = (X - mu) / sd",
        "order = rng.permutation(6); X = X[order]; t = t[order]",
    ],
)
def test_what_prepares_an_input_comes_before_it_is_replaced(prepared: str, tmp_path: Path) -> None:
    found = audit_of(LEAST_SQUARES, TRAINING.format(prepared=prepared), tmp_path)
    assert [(v.name, v.status) for v in found.values] == [("W", "right")]
    wrong = TRAINING.format(prepared=prepared).replace("X.T @ r", "X.T @ (r + t)")
    assert [f.value for f in audit_of(LEAST_SQUARES, wrong, tmp_path).faults] == ["W"]


@pytest.mark.parametrize(("by", "ok"), [("len(t)", True), ("(len(t) + 1)", False)])
def test_a_training_loop_of_which_the_first_step_is_audited_is_told(
    by: str, ok: bool, tmp_path: Path
) -> None:
    told = "of the loop in line 8 the first step is audited: gradients that add up over steps"
    code = (
        TRAINING.format(prepared="dW = np.zeros(3)").replace("len(t)", by).replace("dW =", "dW +=")
    )
    found = audit_of(LEAST_SQUARES, code.replace("dW +=", "dW =", 1), tmp_path)
    assert found.ok is ok
    assert [r.startswith(told) for r in found.remarks].count(True) == 1
    once = code.replace("dW +=", "dW =", 1).replace("range(10)", "range(1)")
    assert not any("first step" in r for r in audit_of(LEAST_SQUARES, once, tmp_path).remarks)


def test_what_is_printed_is_not_spelled_out_unless_it_is_read(tmp_path: Path) -> None:
    prepared = """
import contextlib, io
class Long:
    def __str__(self):
        raise RuntimeError
print(Long())
with contextlib.redirect_stdout(io.StringIO()) as text:
    print(2)
two = float(text.getvalue())
"""
    code = TRAINING.format(prepared=prepared).replace("dW = 2", "dW = two")
    found = audit_of(LEAST_SQUARES, code, tmp_path)
    assert found.ok
    assert not any("it stops" in r for r in found.remarks)


def test_a_name_that_holds_another_gradient_later_is_not_compared(tmp_path: Path) -> None:
    right = audit_of(DROPOUT, REUSED.format(rate=" / 0.8"), tmp_path)
    assert right.ok
    assert {v.name for v in right.values} == {"W1", "W2", "Z1"}
    wrong = audit_of(DROPOUT, REUSED.format(rate=""), tmp_path)
    assert [f.kind for f in wrong.faults] == ["factor"]
    assert {v.name for v in wrong.values if v.status != "right"} == {"W1", "Z1"}


def test_gradients_without_names_are_taken_in_the_order_of_parameters(tmp_path: Path) -> None:
    spec = 'p = sg.param("p", (4,)); q = sg.param("q", (4,))\nloss = np.sum((p - q) ** 2)'
    code = "def backward(p, q):\n    up = 2 * (p - q)\n    return up, -up"
    found = audit_of(spec, code, tmp_path, "backward")
    assert [(v.name, v.code, v.status) for v in found.values] == [
        ("p", "up", "right"),
        ("q", "-up", "right"),
    ]


def test_the_names_of_a_named_tuple_tell_what_is_of_another_shape(tmp_path: Path) -> None:
    code = """
from typing import NamedTuple
class Gradients(NamedTuple):
    W: np.ndarray
def backward(X, t, W):
    r = X @ W - t
    return np.mean(r**2), Gradients(2 * X.mean() * r / len(t))
"""
    found = audit_of(LEAST_SQUARES, code, tmp_path, "backward")
    assert [(v.name, v.status) for v in found.values] == [("W", "wrong")]


def test_an_input_may_be_called_as_no_target_but_numpy_forbids(tmp_path: Path) -> None:
    spec_of('xp = sg.param("xp", (4,))\nloss = np.sum(xp**2)', tmp_path)
    (tmp_path / "code.py").write_text("def backward(xp):\n    return {'xp': 2 * xp}\n")
    files = [str(tmp_path / "spec.py"), str(tmp_path / "code.py")]
    result = CliRunner().invoke(main, ["audit", *files, "--function", "backward"])
    assert result.exit_code == 0
    assert "one gradient right" in result.stdout


def test_points_where_a_gradient_is_what_cancelling_leaves_are_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = spec_of(ATTENTION, tmp_path)
    references = importlib.import_module(Reference.__module__)
    reference = Reference(with_values(given.loss, given.names))
    assert reference.drawn(0, 1).spread > references.SPREAD
    monkeypatch.setattr(references, "SPREAD", 0.0)
    assert reference.drawn(0, 1).spread < 1e-8  # nearly all of a softmax is in one entry


DELTAS = """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N", 2))
W = sg.param("W", (3, 4)); V = sg.param("V", (4, 2))
z = X @ W
h = 1 / (1 + np.exp(-z))
o_pre = h @ V
o = 1 / (1 + np.exp(-o_pre))
loss = np.sum((o - t) ** 2) / 2
"""
BY_DELTAS = """
rng = np.random.default_rng(1)
X = rng.normal(size=(5, 3)); t = rng.normal(size=(5, 2))
W = rng.normal(size=(3, 4)); V = rng.normal(size=(4, 2))
h = 1 / (1 + np.exp(-X @ W))
o = 1 / (1 + np.exp(-h @ V))
delta_o = o - t
delta_h = delta_o @ V.T * (h * (1 - h))
dV = h.T @ delta_o
dW = X.T @ delta_h
"""


def test_a_delta_is_taken_as_it_is_used(tmp_path: Path) -> None:
    audit = audit_of(DELTAS, BY_DELTAS, tmp_path)
    assert [v.name for v in audit.values if v.status == "wrong"] == ["o_pre"]
    (fault,) = audit.faults
    assert (fault.source, fault.kind) == ("delta_o = o - t", "operation")
    assert fault.agrees is not None
    assert fault.agrees < 1e-9
    mended = BY_DELTAS.replace("delta_o = o - t", "delta_o = (o - t) * o * (1 - o)")
    (tmp_path / "right").mkdir()
    assert audit_of(DELTAS, mended, tmp_path / "right").ok


LAYERS = """
X = sg.data("X", ("N", 4)); Y = sg.data("Y", ("N", 2))
W1 = sg.param("W1", (4, 5)); W2 = sg.param("W2", (5, 2))
z1 = X @ W1
z2 = np.maximum(z1, 0) @ W2
loss = np.sum((z2 - Y) ** 2) / X.shape[0]
"""
BY_LAYERS = """
class Linear:
    def __init__(self, i, o):
        self.W = np.random.randn(i, o)
        self.dW = np.zeros_like(self.W)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, g):
        self.dW += self.x.T @ g
        return g @ self.W.T
X = np.random.randn(30, 4); Y = np.random.randn(30, 2)
layers = [Linear(4, 5), Linear(5, 2)]
for it in range(10):
    z = layers[0].forward(X); o = layers[1].forward(np.maximum(z, 0))
    d = layers[1].backward(2 * (o - Y) / len(X))
    layers[0].backward(d * (z > 0))
    for layer in layers:
        layer.W -= .01 * layer.dW
        {zeroed}
"""


@pytest.mark.parametrize(
    "zeroed", ["layer.dW[:] = 0", "layer.dW = np.zeros_like(layer.dW)", "layer.dW.fill(0)"]
)
def test_gradients_may_be_made_zero_after_a_step(zeroed: str, tmp_path: Path) -> None:
    code = BY_LAYERS.replace("{zeroed}", zeroed)
    assert audit_of(LAYERS, code, tmp_path).ok
    wrong = code.replace("d * (z > 0)", "d")
    (tmp_path / "wrong").mkdir()
    (fault,) = audit_of(LAYERS, wrong, tmp_path / "wrong").faults
    assert fault.kind == "mask"

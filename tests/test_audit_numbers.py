"""Kinds of faults that the numbers alone tell: what stands elsewhere, or is summed otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from symgrad.audit import Audit
from symgrad.audit.blaming import Blaming
from symgrad.audit.entry import made, with_values
from symgrad.audit.search import Search
from symgrad.audit.source import read
from symgrad.language.spec_file import load


class Case(NamedTuple):
    """A spec, a pass with a fault in it, and the kind of the fault."""

    spec: str
    code: str
    kind: str


CASES = {
    "a penalty of the factors of the other side": Case(
        """
a = sg.data("a", ("n",), dtype=int); b = sg.data("b", ("n",), dtype=int); t = sg.data("t", ("n",))
P = sg.param("P", (5, 3)); Q = sg.param("Q", (6, 3))
r = np.sum(P[a] * Q[b], axis=1) - t
loss = 0.5 * np.sum(r**2) + 0.2 * np.sum(P[a]**2) + 0.2 * np.sum(Q[b]**2)
""",
        """
    r = np.sum(P[a] * Q[b], axis=1) - t
    dP, dQ = np.zeros_like(P), np.zeros_like(Q)
    np.add.at(dP, a, r[:, None] * Q[b] + 0.4 * Q[b])
    np.add.at(dQ, b, r[:, None] * P[a] + 0.4 * Q[b])
    return {"P": dP, "Q": dQ}
""",
        "value",
    ),
    "a penalty of the biases too": Case(
        """
X = sg.data("X", ("n", 4)); t = sg.data("t", ("n",)); w = sg.param("w", (4,))
loss = np.mean((X @ w - t) ** 2) + 0.3 * np.sum(w[1:] ** 2)
""",
        """
    return {"w": 2 / len(t) * X.T @ (X @ w - t) + 0.6 * w}
""",
        "term",
    ),
    "a window on one side only": Case(
        """
x = sg.param("x", ("n",)); t = sg.data("t", ("n",))
r = x - t
loss = np.sum(np.where(np.abs(r) < 0.7, r**2, 1.4 * np.abs(r) - 0.49))
""",
        """
    r = x - t
    dr = np.where(r < 0.7, 2 * r, 1.4 * np.sign(r))
    return {"r": dr, "x": dr}
""",
        "mask",
    ),
    "means of all, and not of each group": Case(
        """
X = sg.param("X", ("n", 2, 4)); D = sg.data("D", ("n", 2, 4))
m = np.mean(X, axis=2, keepdims=True)
v = np.mean((X - m) ** 2, axis=2, keepdims=True)
Z = (X - m) / np.sqrt(v + 1e-5)
loss = np.sum(D * Z)
""",
        """
    m, s = X.mean(2, keepdims=True), np.sqrt(X.var(2, keepdims=True) + 1e-5)
    Z = (X - m) / s
    some = dict(axis=(1, 2), keepdims=True)
    return {"X": (D - D.mean(**some) - Z * (D * Z).mean(**some)) / s}
""",
        "sum",
    ),
    "a term that is added before the norm": Case(
        """
u = sg.param("u", ("n", 4)); D = sg.data("D", ("n", 4)); E = sg.data("E", ("n", 4))
h = 2 * u
q = np.sqrt(np.sum(h**2, axis=1, keepdims=True))
y = h / q
loss = np.sum(D * y) + np.sum(E * h)
""",
        """
    h = 2 * u
    q = np.sqrt(np.sum(h**2, axis=1, keepdims=True))
    y, g = h / q, D + E
    dh = (g - y * np.sum(g * y, axis=1, keepdims=True)) / q
    return {"h": dh, "u": 2 * dh}
""",
        "term",
    ),
    "heads that are split without a turn": Case(
        """
V = sg.param("V", (2, 3, 4)); D = sg.data("D", (3, 8))
M = np.transpose(V, (1, 0, 2)).reshape(3, 8)
loss = np.sum(D * np.tanh(M))
""",
        """
    M = V.transpose(1, 0, 2).reshape(3, 8)
    dM = D * (1 - np.tanh(M) ** 2)
    return {"M": dM, "V": dM.reshape(2, 3, 4)}
""",
        "transpose",
    ),
    "the wrong part of what is padded": Case(
        """
x = sg.param("x", (8,)); k = sg.data("k", (3,)); D = sg.data("D", (8,))
xp = np.concatenate([np.zeros(1), x, np.zeros(1)])
y = np.stack([np.sum(xp[i : i + 3] * k) for i in range(8)])
loss = np.sum(D * y)
""",
        """
    dxp = np.zeros(10)
    for i in range(8):
        dxp[i : i + 3] += D[i] * k
    return {"x": dxp[2:]}
""",
        "value",
    ),
    "a stride that is forgotten": Case(
        """
x = sg.param("x", (9,)); k = sg.param("k", (3,)); D = sg.data("D", (4,))
y = np.stack([np.sum(x[2 * i : 2 * i + 3] * k) for i in range(4)])
loss = np.sum(D * np.sin(y))
""",
        """
    y = np.array([np.sum(x[2 * i : 2 * i + 3] * k) for i in range(4)])
    dx, dk = np.zeros(9), np.zeros(3)
    for i in range(4):
        dx[i : i + 3] += D[i] * np.cos(y[i]) * k
        dk += D[i] * np.cos(y[i]) * x[2 * i : 2 * i + 3]
    return {"k": dk, "x": dx}
""",
        "value",
    ),
    "margins for their mask": Case(
        """
X = sg.data("X", ("n", 4)); y = sg.data("y", ("n",), dtype=int); W = sg.param("W", (4, 3))
s = X @ W
m = np.maximum(s - s[np.arange(s.shape[0]), y][:, None] + 1, 0)
loss = np.sum(m)
""",
        """
    n, s = np.arange(len(y)), X @ W
    m = np.maximum(s - s[n, y][:, None] + 1, 0)
    m[n, y] = 0
    m[n, y] = -m.sum(axis=1)
    return {"W": X.T @ m}
""",
        "mask",
    ),
    "a case of two without its slope": Case(
        """
x = sg.param("x", ("n",)); D = sg.data("D", ("n",))
loss = np.sum(D * np.where(x > 0.2, x**2, 0.3 * x))
""",
        """
    return {"x": D * np.where(x > 0.2, 2 * x, 1)}
""",
        "factor",
    ),
    "rows through a number each": Case(
        """
i = sg.data("i", ("n",), dtype=int); E = sg.param("E", (5, 3)); D = sg.data("D", ("n", 3))
loss = np.sum(D * E[i] ** 2)
""",
        """
    dE = np.zeros_like(E)
    np.add.at(dE, i, 2 * D * E[i])
    return {"E": dE / (1 + np.bincount(i, minlength=5))[:, None]}
""",
        "factor",
    ),
    "a value without one of its terms": Case(
        """
X = sg.data("X", ("n", 3)); t = sg.data("t", ("n",)); w = sg.param("w", (3,))
z = X @ w + 0.5 * t
loss = np.sum(np.exp(z))
""",
        """
    return {"w": X.T @ np.exp(X @ w)}
""",
        "term",
    ),
    "a norm for its square": Case(
        """
u = sg.param("u", ("n", 4)); D = sg.data("D", ("n", 4))
q = np.sqrt(np.sum(u * u, axis=1, keepdims=True))
loss = np.sum(D * u / q)
""",
        """
    q = np.linalg.norm(u, axis=1, keepdims=True)
    return {"u": D / q - u * np.sum(D * u, axis=1, keepdims=True) / q**2}
""",
        "jacobian",
    ),
    "the gradient of what follows is not used": Case(
        """
X = sg.data("X", ("n", 3)); W = sg.param("W", (3, 4)); D = sg.data("D", ("n", 4))
a = X @ W
h = np.tanh(a)
loss = np.sum(D * h**3)
""",
        """
    h = np.tanh(X @ W)
    return {"h": 3 * D * h**2, "W": X.T @ (1 - h**2)}
""",
        "factor",
    ),
}
"""Faults as they are made in courses, each in a pass of a few lines."""

QUICK = {"a window on one side only", "a norm for its square"}


def audited(case: Case, tmp: Path) -> Audit:
    spec, code = tmp / "spec.py", tmp / "code.py"
    spec.write_text("import numpy as np\nimport symgrad as sg\n" + case.spec, encoding="utf-8")
    given = load(spec)
    derivation = with_values(given.loss, given.names)
    inputs = ", ".join(v.name for v in derivation.typed.variables if v.role != "constant")
    text = f"import numpy as np\ndef backward({inputs}):{case.code}"
    code.write_text(text, encoding="utf-8")
    options = {"cls": None, "setup": "", "inputs": {}, "match": {}, "timeout": 300, "seed": 0}
    return made(derivation, read(code), function="backward", **options)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.long) for n in CASES]
)
def test_numbers_tell_the_kind(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "repair", lambda self, target: None)
    monkeypatch.setattr(Blaming, "_written_out", lambda *_: None)
    fault = audited(CASES[name], tmp_path).faults[0]
    assert fault.kind == CASES[name].kind
    assert fault.repair == ""

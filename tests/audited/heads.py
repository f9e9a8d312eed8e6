"""Two heads of attention over one sequence, masked, their results put beside each other."""

SPEC = """
import numpy as np
import symgrad as sg

T, D, H, K = 3, 4, 2, 2
X = sg.data("X", (T, D)); R = sg.data("R", (T, D)); E = sg.param("E", (D, D))
Wq = sg.param("Wq", (H, D, K)); Wk = sg.param("Wk", (H, D, K)); Wv = sg.param("Wv", (H, D, K)); Wo = sg.param("Wo", (H * K, D))
x = X @ E
parts = []
for i in range(H):
    S = (x @ Wq[i]) @ (x @ Wk[i]).T / np.sqrt(K)
    e = np.exp(S - np.max(S, axis=-1, keepdims=True))
    parts.append(e / np.sum(e, axis=-1, keepdims=True) @ (x @ Wv[i]))
O = np.concatenate(parts, axis=1)
loss = np.sum(R * (O @ Wo))
"""

CODE = """
import numpy as np


def softmax(v):
    e = np.exp(v - v.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def mha_backward(X, R, E, Wq, Wk, Wv, Wo):
    H, D, K = Wq.shape
    x = X @ E
    cache = []
    for i in range(H):
        q, k, v = x @ Wq[i], x @ Wk[i], x @ Wv[i]
        A = softmax(q @ k.T / np.sqrt(K))
        cache.append((q, k, v, A))
    O = np.concatenate([A @ v for q, k, v, A in cache], axis=1)
    dWo = O.T @ R
    dO = R @ Wo.T
    dWq, dWk, dWv = np.zeros_like(Wq), np.zeros_like(Wk), np.zeros_like(Wv)
    dx = np.zeros_like(x)
    for i, (q, k, v, A) in enumerate(cache):
        do = dO[:, i * K:(i + 1) * K]
        dv = A.T @ do
        dA = do @ v.T
        dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))
        dS = dS / np.sqrt(K)
        dq = dS @ k
        dk = dS.T @ q
        dWq[i], dWk[i], dWv[i] = x.T @ dq, x.T @ dk, x.T @ dv
        dx += dq @ Wq[i].T + dk @ Wk[i].T + dv @ Wv[i].T
    dE = X.T @ dx
    return {"Wo": dWo, "O": dO, "Wq": dWq, "Wk": dWk, "Wv": dWv, "x": dx, "E": dE}
"""

OPTIONS = {"function": "mha_backward"}

FAULTS = [
    ("dS = dS / np.sqrt(K)", "dS = dS / np.sqrt(D)", "factor", "Wq Wk x E"),
    ("        dS = dS / np.sqrt(K)\n", "        pass\n", "factor", "Wq Wk x E"),
    ("dk = dS.T @ q", "dk = dS @ q", "transpose", "Wk x E"),
    (
        "dx += dq @ Wq[i].T + dk @ Wk[i].T + dv @ Wv[i].T",
        "dx += dq @ Wq[i].T + dk @ Wk[i].T",
        "path term",
        "x E",
    ),
    ("        dx += dq", "        dx = dq", "overwritten path", "x E"),
    (
        "np.sum(dA * A, axis=-1, keepdims=True)",
        "np.sum(dA * A, axis=0, keepdims=True)",
        "sum jacobian",
        "Wq Wk x E",
    ),
    ("dv = A.T @ do", "dv = A @ do", "transpose", "Wv x E"),
    ("x.T @ dq, x.T @ dk, x.T @ dv", "x.T @ dq, X.T @ dk, x.T @ dv", "value", "Wk"),
]
SAME = [("dO[:, i * K:(i + 1) * K]", "np.split(dO, H, axis=1)[i]")]

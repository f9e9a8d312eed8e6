"""Attention of one head, causal, with the scale and the softmax written out."""

SPEC = """
import numpy as np
import symgrad as sg

T, D = 4, 3
X = sg.data("X", (T, D)); G = sg.data("G", (T, D))
Wq = sg.param("Wq", (D, D)); Wk = sg.param("Wk", (D, D)); Wv = sg.param("Wv", (D, D)); Wo = sg.param("Wo", (D, D))
Q = X @ Wq
K = X @ Wk
V = X @ Wv
S = Q @ K.T / np.sqrt(D)
M = np.where(np.tril(np.ones((T, T))) > 0, S, -1e9)
e = np.exp(M - np.max(M, axis=-1, keepdims=True))
A = e / np.sum(e, axis=-1, keepdims=True)
O = A @ V
Y = O @ Wo
loss = np.sum(G * Y)
"""

CODE = """
import numpy as np


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention_backward(X, G, Wq, Wk, Wv, Wo):
    T, d_k = X.shape
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    causal = np.tril(np.ones((T, T)))
    S = Q @ K.T / np.sqrt(d_k)
    A = softmax(np.where(causal > 0, S, -1e9))
    O = A @ V
    grads = {}
    grads["Wo"] = O.T @ G
    dO = G @ Wo.T
    dA = dO @ V.T
    dV = A.T @ dO
    dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))
    dS = dS / np.sqrt(d_k)
    dQ = dS @ K
    dK = dS.T @ Q
    grads["Wq"] = X.T @ dQ
    grads["Wk"] = X.T @ dK
    grads["Wv"] = X.T @ dV
    return grads
"""

OPTIONS = {"function": "attention_backward"}

FAULTS = [
    ("    dS = dS / np.sqrt(d_k)\n", "", "factor", "Wq Wk"),
    ("    dS = dS / np.sqrt(d_k)\n", "    dS = dS / d_k\n", "factor", "Wq Wk"),
    (
        "    dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))",
        "    dS = A * (1 - A) * dA",
        "jacobian",
        "Wq Wk",
    ),
    (
        "    dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))",
        "    dS = A * dA",
        "jacobian term",
        "Wq Wk",
    ),
    (
        "np.sum(dA * A, axis=-1, keepdims=True)",
        "np.sum(dA * A, axis=0, keepdims=True)",
        "sum jacobian",
        "Wq Wk",
    ),
    ("    dK = dS.T @ Q", "    dK = dS @ Q", "transpose", "Wk"),
    ("    dV = A.T @ dO", "    dV = A @ dO", "transpose", "Wv"),
    ("    dQ = dS @ K", "    dQ = dS @ Q", "value", "Wq"),
    ("    dO = G @ Wo.T", "    dO = G @ Wo", "transpose", "Wq Wk Wv"),
    ("    dV = A.T @ dO", "    dV = A.T @ G", "value", "Wv"),
    ('    grads["Wo"] = O.T @ G', '    grads["Wo"] = V.T @ G', "value", "Wo"),
]

SAME = [
    (
        "    dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))",
        "    dS = A * dA - A * np.einsum('ij,ij->i', dA, A)[:, None]",
    ),
    ("    dK = dS.T @ Q", "    dK = (Q.T @ dS).T"),
    ("    dQ = dS @ K", "    dQ = np.matmul(dS, K)"),
]

"""A graph network of two layers with a normalisation by the root mean square, and a smooth activation."""

SPEC = """
import numpy as np
import symgrad as sg

A = sg.data("A", ("N", "N")); X = sg.data("X", ("N", 4)); G = sg.data("G", ("N", 3)); W1 = sg.param("W1", (4, 5)); g = sg.param("g", (5,)); W2 = sg.param("W2", (5, 3))
z = A @ X @ W1
a = z / (1 + np.exp(-z))
ms = np.mean(a**2, axis=1, keepdims=True) + 0.1
n = a / np.sqrt(ms)
h = n * g
out = A @ h @ W2
loss = np.sum(G * out)
"""

CODE = """
import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def gcn_backward(A, X, G, W1, g, W2):
    z = A @ X @ W1
    s = sigmoid(z)
    a = z * s
    rms = np.sqrt(np.mean(a ** 2, axis=1, keepdims=True) + 0.1)
    n = a / rms
    h = n * g
    dW2 = (A @ h).T @ G
    dh = A.T @ G @ W2.T
    dg = np.sum(dh * n, axis=0)
    dn = dh * g
    da = (dn - n * np.mean(dn * n, axis=1, keepdims=True)) / rms
    dz = da * (s + z * s * (1 - s))
    dW1 = (A @ X).T @ dz
    return {"W2": dW2, "h": dh, "g": dg, "n": dn, "a": da, "z": dz, "W1": dW1}
"""

OPTIONS = {"function": "gcn_backward"}

FAULTS = [
    ("dh = A.T @ G @ W2.T", "dh = A @ G @ W2.T", "transpose", "h"),
    ("dh = A.T @ G @ W2.T", "dh = G @ W2.T", "operation factor value path", "h"),
    (
        "da = (dn - n * np.mean(dn * n, axis=1, keepdims=True)) / rms",
        "da = dn / rms",
        "jacobian path term",
        "a",
    ),
    (
        "n * np.mean(dn * n, axis=1, keepdims=True)",
        "n * np.sum(dn * n, axis=1, keepdims=True)",
        "factor sum term jacobian",
        "a",
    ),
    ("dz = da * (s + z * s * (1 - s))", "dz = da * s", "term activation path operation", "z"),
    ("dz = da * (s + z * s * (1 - s))", "dz = da * s * (1 - s)", "activation term", "z"),
    ("dg = np.sum(dh * n, axis=0)", "dg = np.sum(dh * a, axis=0)", "value", "g"),
    ("dW1 = (A @ X).T @ dz", "dW1 = X.T @ dz", "operation value path factor", "W1"),
    ("dW2 = (A @ h).T @ G", "dW2 = h.T @ G", "operation value path factor", "W2"),
    ("np.mean(dn * n, axis=1, keepdims=True)", "np.mean(dn * n)", "sum", "a"),
    ("dn = dh * g", "dn = dh", "factor operation", "n"),
]
SAME = [("dz = da * (s + z * s * (1 - s))", "dz = da * (a + s * (1 - a))")]

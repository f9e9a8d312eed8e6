"""Average and maximum pooling after a rectified layer, window by window."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (4, 4)); K = sg.param("K", (4, 4)); G = sg.data("G", (2, 2)); H = sg.data("H", (2, 2))
Z = X * K
A = np.maximum(Z, 0)
P = np.stack([np.stack([np.amax(Z[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]) for j in range(2)]) for i in range(2)])
Q = np.stack([np.stack([np.mean(A[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]) for j in range(2)]) for i in range(2)])
loss = np.sum(G * P) + np.sum(H * Q)
"""

CODE = """
import numpy as np


def backward(X, K, G, H):
    Z = X * K
    A = np.maximum(Z, 0)
    dA, dZp = np.zeros_like(A), np.zeros_like(Z)
    for i in range(2):
        for j in range(2):
            s = np.s_[2 * i:2 * i + 2, 2 * j:2 * j + 2]
            window = Z[s]
            mask = window == window.max()
            dZp[s] += mask * G[i, j]
            dA[s] += H[i, j] / 4
    dZ = dA * (Z > 0) + dZp
    return {"A": dA, "Z": dZ, "K": dZ * X}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("dA[s] += H[i, j] / 4", "dA[s] += H[i, j]", "factor", "A"),
    (
        "            dZp[s] += mask * G[i, j]",
        "            dZp[s] += G[i, j]",
        "mask factor operation jacobian",
        "Z",
    ),
    ("dA * (Z > 0) + dZp", "dA * (Z > 0)", "path term", "Z"),
    (
        "    dZ = dA * (Z > 0) + dZp\n    return",
        "        dZ = dA * (Z > 0) + dZp\n        return",
        "path",
        "A Z",
    ),
]
SAME = [("mask * G[i, j]", "np.where(mask, G[i, j], 0)")]

NOT_YET = [
    ("window == window.max()", "window == window.min()", "mask value", "Z"),
    ("dA * (Z > 0) + dZp", "(dA + dZp) * (Z > 0)", "mask", "Z"),
]
"""Faults that are seen, and not named."""

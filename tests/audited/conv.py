"""Convolution by loops, in the way of a first course, with relu and max pooling after it."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (2, 5, 5)); G = sg.data("G", (2, 2, 3, 3))
W = sg.param("W", (2, 3, 3)); b = sg.param("b", (2,))
Z = np.stack([np.stack([np.stack([np.stack([np.sum(X[n, i:i + 3, j:j + 3] * W[k]) + b[k] for j in range(3)]) for i in range(3)]) for k in range(2)]) for n in range(2)])
A = np.maximum(Z, 0)
loss = np.sum(G * A)
"""

CODE = """
import numpy as np


def conv_backward(X, G, W, b):
    N, H, Wd = X.shape
    K, f, _ = W.shape
    oh, ow = H - f + 1, Wd - f + 1
    Z = np.zeros((N, K, oh, ow))
    for n in range(N):
        for k in range(K):
            for i in range(oh):
                for j in range(ow):
                    Z[n, k, i, j] = np.sum(X[n, i:i + f, j:j + f] * W[k]) + b[k]
    dA = G
    dZ = dA * (Z > 0)
    dW = np.zeros_like(W)
    db = np.zeros_like(b)
    for n in range(N):
        for k in range(K):
            for i in range(oh):
                for j in range(ow):
                    dW[k] += X[n, i:i + f, j:j + f] * dZ[n, k, i, j]
                    db[k] += dZ[n, k, i, j]
    return dW, db
"""

OPTIONS = {"function": "conv_backward"}

FAULTS = [
    ("dZ = dA * (Z > 0)", "dZ = dA", "mask", "W b"),
    ("dZ = dA * (Z > 0)", "dZ = dA * (Z < 0)", "mask", "W b"),
    ("dZ = dA * (Z > 0)", "dZ = dA * (dA > 0)", "mask", "W b"),
    ("dZ = dA * (Z > 0)", "dZ = np.maximum(dA, 0)", "mask activation", "W b"),
    (
        "dW[k] += X[n, i:i + f, j:j + f] * dZ[n, k, i, j]",
        "dW[k] = X[n, i:i + f, j:j + f] * dZ[n, k, i, j]",
        "overwritten",
        "W",
    ),
    (
        "                    db[k] += dZ[n, k, i, j]",
        "                    db[k] = dZ[n, k, i, j]",
        "overwritten",
        "b",
    ),
    (
        "dW[k] += X[n, i:i + f, j:j + f] * dZ[n, k, i, j]",
        "dW[k] += X[n, i:i + f, j:j + f].T * dZ[n, k, i, j]",
        "transpose",
        "W",
    ),
    (
        "dW[k] += X[n, i:i + f, j:j + f] * dZ[n, k, i, j]",
        "dW[k] += X[n, i:i + f, j:j + f] * dZ[n, k, i, j] / N",
        "factor",
        "W",
    ),
    (
        "                    db[k] += dZ[n, k, i, j]",
        "                    db[k] += dA[n, k, i, j]",
        "value mask",
        "b",
    ),
]

SAME = [
    ("    return dW, db", "    return {'W': dW, 'b': dZ.sum(axis=(0, 2, 3))}"),
    ("dZ = dA * (Z > 0)", "dZ = np.copy(dA); dZ[Z <= 0] = 0"),
]

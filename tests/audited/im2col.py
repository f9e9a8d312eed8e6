"""A convolution in one dimension by columns of windows, with relu, and its input's gradient by loops."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.param("x", (3, 6)); w = sg.param("w", (3, 2)); b = sg.param("b", (2,)); G = sg.data("G", (3, 4, 2))
cols = np.stack([x[:, i:i + 3] for i in range(4)], axis=1)
z = cols @ w + b
a = np.maximum(z, 0)
loss = np.sum(G * a)
"""

CODE = """
import numpy as np


def im2col(x, k):
    n, length = x.shape
    out = np.zeros((n, length - k + 1, k))
    for i in range(length - k + 1):
        out[:, i, :] = x[:, i:i + k]
    return out


def col2im(dcols, length, k):
    dx = np.zeros((len(dcols), length))
    for i in range(length - k + 1):
        dx[:, i:i + k] += dcols[:, i, :]
    return dx


def conv1d_backward(G, x, w, b):
    k = w.shape[0]
    cols = im2col(x, k)
    z = cols @ w + b
    dz = G * (z > 0)
    dw = np.tensordot(cols, dz, axes=([0, 1], [0, 1]))
    db = dz.sum(axis=(0, 1))
    dcols = dz @ w.T
    dx = col2im(dcols, x.shape[1], k)
    return dx, dw, db
"""

OPTIONS = {"function": "conv1d_backward"}

FAULTS = [
    (
        "        dx[:, i:i + k] += dcols[:, i, :]",
        "        dx[:, i:i + k] = dcols[:, i, :]",
        "overwritten",
        "x",
    ),
    ("    db = dz.sum(axis=(0, 1))", "    db = dz.mean(axis=(0, 1))", "factor sum", "b"),
    ("    db = dz.sum(axis=(0, 1))", "    db = dz.sum(axis=0)", "sum", "b"),
    ("    dz = G * (z > 0)", "    dz = G", "mask", "x w b"),
    ("    dcols = dz @ w.T", "    dcols = G @ w.T", "value mask", "x"),
    ("    dz = G * (z > 0)", "    dz = np.where(G > 0, G, 0)", "mask", "x w b"),
    ("dw = np.tensordot(cols, dz,", "dw = np.tensordot(cols, G,", "value mask", "w"),
    (
        "dx[:, i:i + k] += dcols[:, i, :]",
        "dx[:, i:i + k] += dcols[:, i, ::-1]",
        "value transpose sign",
        "x",
    ),
]

SAME = [
    (
        "    dw = np.tensordot(cols, dz, axes=([0, 1], [0, 1]))",
        "    dw = cols.reshape(-1, k).T @ dz.reshape(-1, dz.shape[-1])",
    ),
    ("    db = dz.sum(axis=(0, 1))", "    db = np.einsum('nio->o', dz)"),
]

"""Words predicted from the mean of their neighbours."""

SPEC = """
import numpy as np
import symgrad as sg

ctx = sg.data("ctx", ("N", 3), dtype=int); Y = sg.data("Y", ("N", 6), assume=sg.one_hot(axis=1)); E = sg.param("E", (6, 4)); U = sg.param("U", (4, 6))
h = np.mean(E[ctx], axis=1)
z = h @ U
e = np.exp(z - np.max(z, axis=1, keepdims=True))
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.sum(Y * np.log(p)) / ctx.shape[0]
"""

CODE = """
import numpy as np


def backward(ctx, Y, E, U):
    N, C = ctx.shape
    h = E[ctx].mean(axis=1)
    z = h @ U
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    dz = (p - Y) / N
    dU = h.T @ dz
    dh = dz @ U.T
    dE = np.zeros_like(E)
    for c in range(C):
        np.add.at(dE, ctx[:, c], dh / C)
    return {"z": dz, "U": dU, "h": dh, "E": dE}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("dh / C", "dh", "factor", "E"),
    ("np.add.at(dE, ctx[:, c], dh / C)", "dE[ctx[:, c]] += dh / C", "overwritten", "E"),
    ("np.add.at(dE, ctx[:, c], dh / C)", "dE[ctx[:, c]] = dh / C", "overwritten", "E"),
    ("    dz = (p - Y) / N", "    dz = (p - Y) / N / C", "factor", "z"),
    ("dh = dz @ U.T", "dh = (p - Y) @ U.T", "factor value", "h"),
    (
        "e / e.sum(axis=1, keepdims=True)",
        "e / e.sum(axis=0, keepdims=True)",
        "sum activation value jacobian",
        "z",
    ),
    ("    for c in range(C):", "    for c in range(C - 1):", "sum path term factor value", "E"),
]
SAME = [("np.add.at(dE, ctx[:, c], dh / C)", "dE += np.eye(len(E))[ctx[:, c]].T @ dh / C")]

"""Word vectors with negative samples: rows of tables, added to where an index is there twice."""

SPEC = """
import numpy as np
import symgrad as sg

center = sg.data("center", ("N",), dtype=int); context = sg.data("context", ("N",), dtype=int); negative = sg.data("negative", ("N", 2), dtype=int)
U = sg.param("U", (6, 3)); V = sg.param("V", (6, 3))
v = V[center]
pos = np.sum(U[context] * v, axis=1)
neg = np.sum(U[negative] * v[:, None, :], axis=2)
loss = np.sum(np.log(1 + np.exp(-pos))) + np.sum(np.log(1 + np.exp(neg)))
"""

CODE = """
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def grads(center, context, negative, U, V):
    v = V[center]
    u = U[context]
    un = U[negative]
    gpos = sigmoid(np.sum(u * v, axis=1)) - 1
    gneg = sigmoid(np.sum(un * v[:, None, :], axis=2))
    dv = gpos[:, None] * u + np.sum(gneg[:, :, None] * un, axis=1)
    dU = np.zeros_like(U)
    np.add.at(dU, context, gpos[:, None] * v)
    np.add.at(dU, negative, gneg[:, :, None] * v[:, None, :])
    dV = np.zeros_like(V)
    np.add.at(dV, center, dv)
    return {"U": dU, "V": dV}
"""

OPTIONS = {"function": "grads"}

FAULTS = [
    ("    np.add.at(dV, center, dv)", "    dV[center] += dv", "overwritten", "V"),
    (
        "    np.add.at(dU, context, gpos[:, None] * v)",
        "    dU[context] += gpos[:, None] * v",
        "overwritten",
        "U",
    ),
    (
        "gpos = sigmoid(np.sum(u * v, axis=1)) - 1",
        "gpos = sigmoid(np.sum(u * v, axis=1))",
        "term",
        "U V",
    ),
    (
        "gneg = sigmoid(np.sum(un * v[:, None, :], axis=2))",
        "gneg = -sigmoid(np.sum(un * v[:, None, :], axis=2))",
        "sign",
        "U V",
    ),
    (
        "    np.add.at(dU, context, gpos[:, None] * v)",
        "    np.add.at(dU, center, gpos[:, None] * v)",
        "value",
        "U",
    ),
    (" + np.sum(gneg[:, :, None] * un, axis=1)", "", "path term", "V"),
]

NOT_YET = [
    ("    np.add.at(dU, negative, gneg[:, :, None] * v[:, None, :])\n", "", "path term", "U")
]
"""Faults that are seen, and not named."""

SAME = [
    ("    np.add.at(dV, center, dv)", "    for n, k in enumerate(center): dV[k] += dv[n]"),
    ("gpos = sigmoid(np.sum(u * v, axis=1)) - 1", "gpos = -sigmoid(-(u * v).sum(1))"),
]

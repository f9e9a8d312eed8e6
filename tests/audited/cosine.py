"""Cosine similarity of two projections, with a norm's Jacobian."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 3)); Y = sg.data("Y", ("N", 4)); t = sg.data("t", ("N",)); W = sg.param("W", (3, 5)); V = sg.param("V", (4, 5))
u = X @ W
v = Y @ V
nu = np.sqrt(np.sum(u**2, axis=1, keepdims=True))
nv = np.sqrt(np.sum(v**2, axis=1, keepdims=True))
a = u / nu
b = v / nv
s = np.sum(a * b, axis=1)
loss = np.mean((s - t) ** 2)
"""

CODE = """
import numpy as np


def backward(X, Y, t, W, V):
    u, v = X @ W, Y @ V
    nu, nv = np.linalg.norm(u, axis=1, keepdims=True), np.linalg.norm(v, axis=1, keepdims=True)
    a, b = u / nu, v / nv
    s = np.sum(a * b, axis=1)
    ds = 2 * (s - t) / len(t)
    da = ds[:, None] * b
    db = ds[:, None] * a
    du = (da - a * np.sum(da * a, axis=1, keepdims=True)) / nu
    dv = (db - b * np.sum(db * b, axis=1, keepdims=True)) / nv
    return {"s": ds, "a": da, "b": db, "u": du, "v": dv, "W": X.T @ du, "V": Y.T @ dv}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    (
        "    du = (da - a * np.sum(da * a, axis=1, keepdims=True)) / nu",
        "    du = da / nu",
        "jacobian path term",
        "u",
    ),
    ("keepdims=True)) / nu", "keepdims=True))", "factor operation", "u"),
    ("da = ds[:, None] * b", "da = ds[:, None] * a", "value", "a"),
    ("ds = 2 * (s - t) / len(t)", "ds = 2 * (s - t)", "factor", "s"),
    (
        "a * np.sum(da * a, axis=1, keepdims=True)",
        "u * np.sum(da * a, axis=1, keepdims=True)",
        "value jacobian factor",
        "u",
    ),
    (
        "b * np.sum(db * b, axis=1, keepdims=True)",
        "b * np.sum(db * b, axis=0, keepdims=True)",
        "sum jacobian",
        "v",
    ),
]
SAME = [
    (
        "(da - a * np.sum(da * a, axis=1, keepdims=True)) / nu",
        "da / nu - u * np.sum(da * u, axis=1, keepdims=True) / nu**3",
    )
]

NOT_YET = [
    ("db = ds[:, None] * a", "db = ds[:, None] * u", "value", "b"),
]
"""Faults that are seen, and not named."""

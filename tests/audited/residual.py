"""A residual block, then a gate between two ways."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); G = sg.data("G", ("N", 4)); W1 = sg.param("W1", (4, 5)); W2 = sg.param("W2", (5, 4)); Wg = sg.param("Wg", (4, 4)); bg = sg.param("bg", (4,)); W0 = sg.param("W0", (4, 4))
x = np.tanh(X @ W0)
z = x @ W1
a = np.maximum(z, 0)
y = x + a @ W2
g = 1 / (1 + np.exp(-(y @ Wg + bg)))
out = g * y + (1 - g) * x
loss = np.sum(G * out)
"""

CODE = """
import numpy as np


def backward(X, G, W1, W2, Wg, bg, W0):
    x = np.tanh(X @ W0)
    z = x @ W1
    a = np.maximum(z, 0)
    y = x + a @ W2
    g = 1 / (1 + np.exp(-(y @ Wg + bg)))
    dg = G * (y - x)
    dpre = dg * g * (1 - g)
    dWg, dbg = y.T @ dpre, dpre.sum(axis=0)
    dy = G * g + dpre @ Wg.T
    dx = G * (1 - g)
    dx = dx + dy
    dW2 = a.T @ dy
    da = dy @ W2.T
    dz = da * (z > 0)
    dW1 = x.T @ dz
    dx = dx + dz @ W1.T
    dW0 = X.T @ (dx * (1 - x ** 2))
    return {"g": dg, "Wg": dWg, "bg": dbg, "y": dy, "W2": dW2, "a": da, "z": dz, "W1": dW1, "x": dx, "W0": dW0}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("    dx = dx + dy\n", "    dx = dx + 0\n", "path term", "x"),
    ("dy = G * g + dpre @ Wg.T", "dy = G * g", "path term", "y"),
    ("dg = G * (y - x)", "dg = G * y", "path term", "g"),
    ("    dx = G * (1 - g)\n", "    dx = G * g\n", "value term sign activation", "x"),
    ("    dx = dx + dz @ W1.T\n", "    dx = dz @ W1.T\n", "overwritten path term", "x"),
    ("dz = da * (z > 0)", "dz = da * (x @ W1 > 0.5)", "mask factor", "z"),
    ("dpre = dg * g * (1 - g)", "dpre = dg * g * (1 - y)", "activation value", "Wg"),
    (
        "dW0 = X.T @ (dx * (1 - x ** 2))",
        "dW0 = X.T @ (dx * (1 - np.tanh(x) ** 2))",
        "activation",
        "W0",
    ),
    ("dW1 = x.T @ dz", "dW1 = X.T @ dz", "value", "W1"),
    ("dy = G * g + dpre @ Wg.T", "dy = G * g + dpre @ Wg", "transpose", "y"),
]
SAME = [("dg = G * (y - x)", "dg = G * y - x * G")]

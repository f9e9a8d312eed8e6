"""Dropout whose mask is given, and tanh."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); T = sg.data("T", ("N", 2)); D1 = sg.data("D1", ("N", 5), dtype=bool)
W1 = sg.param("W1", (4, 5)); W2 = sg.param("W2", (5, 2))
keep = 0.8
z1 = X @ W1
a1 = np.tanh(z1)
d1 = a1 * D1 / keep
z2 = d1 @ W2
loss = 0.5 * np.sum((z2 - T) ** 2) / X.shape[0]
"""

CODE = """
import numpy as np


def backward(X, T, D1, W1, W2, keep_prob=0.8):
    N = len(X)
    A1 = np.tanh(X @ W1)
    drop = A1 * D1 / keep_prob
    Z2 = drop @ W2
    dZ2 = (Z2 - T) / N
    dW2 = drop.T @ dZ2
    dA1 = dZ2 @ W2.T
    dA1 = dA1 * D1
    dA1 = dA1 / keep_prob
    dZ1 = dA1 * (1 - np.power(A1, 2))
    dW1 = X.T @ dZ1
    return {"dW1": dW1, "dW2": dW2}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("    dA1 = dA1 * D1\n", "", "mask", "W1"),
    ("    dA1 = dA1 / keep_prob\n", "", "factor", "W1"),
    (
        "    dA1 = dA1 * D1\n",
        "    dA1 = dA1 * (np.random.rand(*A1.shape) < keep_prob)\n",
        "random mask",
        "W1",
    ),
    ("(1 - np.power(A1, 2))", "(1 - np.power(drop, 2))", "value activation", "W1"),
    ("    dW2 = drop.T @ dZ2", "    dW2 = A1.T @ dZ2", "value", "W2"),
    ("(1 - np.power(A1, 2))", "(1 - A1)", "activation", "W1"),
    ("    dA1 = dA1 / keep_prob\n", "    dA1 = dA1 * keep_prob\n", "factor", "W1"),
    ("dZ2 = (Z2 - T) / N", "dZ2 = np.abs(Z2 - T) / N", "loss activation sign operation", "W2 W1"),
    ("dZ2 = (Z2 - T) / N", "dZ2 = np.sign(Z2 - T) / N", "loss activation operation", "W2 W1"),
]

SAME = [
    ("    dA1 = dA1 * D1\n", "    dA1 = np.where(D1, dA1, 0)\n"),
    ("(1 - np.power(A1, 2))", "1 / np.cosh(X @ W1) ** 2"),
]

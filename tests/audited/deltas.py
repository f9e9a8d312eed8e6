"""A sparse autoencoder as a script, whose deltas are called otherwise than the values."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4))
W1 = sg.param("W1", (4, 3)); b1 = sg.param("b1", (3,)); W2 = sg.param("W2", (3, 4)); b2 = sg.param("b2", (4,))
z1 = X @ W1 + b1
a1 = 1 / (1 + np.exp(-z1))
rec = a1 @ W2 + b2
r = np.mean(a1, axis=0)
loss = np.sum((rec - X) ** 2) / (2 * X.shape[0]) + 0.4 * np.sum(0.1 * np.log(0.1 / r) + 0.9 * np.log(0.9 / (1 - r)))
"""

CODE = """
import numpy as np

rng = np.random.default_rng(2)
X = rng.random((9, 4))
W1, W2 = rng.normal(0, 0.5, (4, 3)), rng.normal(0, 0.5, (3, 4))
b1, b2 = np.zeros(3), np.zeros(4)
rate, weight, rho = 0.2, 0.4, 0.1
for epoch in range(50):
    a1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
    rec = a1 @ W2 + b2
    r = a1.mean(axis=0)
    delta_out = (rec - X) / len(X)
    sparse = weight * ((1 - rho) / (1 - r) - rho / r) / len(X)
    delta_hid = (delta_out @ W2.T + sparse) * a1 * (1 - a1)
    gW2 = a1.T @ delta_out
    gb2 = delta_out.sum(axis=0)
    gW1 = X.T @ delta_hid
    gb1 = delta_hid.sum(axis=0)
    W1 -= rate * gW1
    b1 -= rate * gb1
    W2 -= rate * gW2
    b2 -= rate * gb2
"""

OPTIONS: dict[str, str] = {}

FAULTS = [
    (
        "(delta_out @ W2.T + sparse) * a1 * (1 - a1)",
        "delta_out @ W2.T * a1 * (1 - a1) + sparse",
        "term factor activation",
        "z1",
    ),
    ("(delta_out @ W2.T + sparse) * a1 * (1 - a1)", "delta_out @ W2.T + sparse", "operation", "z1"),
    (
        "    delta_out = (rec - X) / len(X)",
        "    delta_out = rec - X / len(X)",
        "factor term",
        "rec",
    ),
    ("    gW2 = a1.T @ delta_out", "    gW2 = a1.T @ delta_out / 2", "factor", "W2"),
]
SAME = [("    gb2 = delta_out.sum(axis=0)", "    delta_b2 = gb2 = delta_out.sum(axis=0)")]

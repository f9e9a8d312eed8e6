"""Averages of windows in a script, whose gradients are spread over the windows again."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (4, 4)); K = sg.param("K", (4, 4)); w = sg.param("w", (2, 2)); t = sg.data("t", ())
C = X * K
A = np.tanh(C)
P = np.stack([np.stack([np.mean(A[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]) for j in range(2)]) for i in range(2)])
s = np.sum(w * P)
loss = (s - t) ** 2 / 2
"""

CODE = """
import numpy as np

rng = np.random.default_rng(4)
X, K, w = rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), rng.normal(size=(2, 2))
t = 0.3
C = X * K
A = np.tanh(C)
P = A.reshape(2, 2, 2, 2).mean(axis=(1, 3))
s = np.sum(w * P)
ds = s - t
dw = ds * P
dP = ds * w
dA = np.repeat(np.repeat(dP, 2, axis=0), 2, axis=1) / 4
dC = dA * (1 - A ** 2)
dK = dC * X
"""

OPTIONS: dict[str, str] = {}

FAULTS = [
    ("2, axis=1) / 4", "2, axis=1)", "factor", "A"),
    ("dC = dA * (1 - A ** 2)", "dC = dA * (1 - C ** 2)", "activation value", "C"),
]
SAME = [("dC = dA * (1 - A ** 2)", "dC = dA - dA * A * A")]

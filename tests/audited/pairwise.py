"""A loss of pairs that are in the wrong order, pair by pair."""

SPEC = """
import numpy as np
import symgrad as sg

s = sg.param("s", (6,)); y = sg.data("y", (6,))
D = s[:, None] - s[None, :]
Y = y[:, None] - y[None, :]
loss = np.sum(np.where(Y > 0, np.log(1 + np.exp(-D)), 0 * D))
"""

CODE = """
import numpy as np

def backward(s, y):
    n = len(s)
    ds = np.zeros(n)
    for i in range(n):
        for j in range(n):
            if y[i] > y[j]:
                lam = -1 / (1 + np.exp(s[i] - s[j]))
                ds[i] += lam
                ds[j] -= lam
    return {"s": ds}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("                ds[j] -= lam\n", "", "path term", "s"),
    ("y[i] > y[j]", "y[i] > 0", "mask", "s"),
]
SAME = [("y[i] > y[j]", "y[i] - y[j] > 0")]

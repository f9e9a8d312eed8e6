"""The Huber loss of a linear model, example by example."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.data("x", (7, 3)); y = sg.data("y", (7,)); w = sg.param("w", (3,))
r = x @ w - y
loss = np.sum(np.where(np.abs(r) < 1, 0.5 * r**2, np.abs(r) - 0.5)) / 7
"""

CODE = """
import numpy as np

def backward(x, y, w):
    n = x.shape[0]
    grad = np.zeros(3)
    dr = np.zeros(n)
    for i in range(n):
        res = x[i].dot(w) - y[i]
        if abs(res) < 1:
            dr[i] = res / n
        elif res > 0:
            dr[i] = 1 / n
        else:
            dr[i] = -1 / n
        grad += dr[i] * x[i]
    return {"r": dr, "w": grad}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("if abs(res) < 1:", "if res < 1:", "mask", "r"),
    ("grad += dr[i] * x[i]", "grad += res * x[i]", "value", "w"),
]
SAME = [("abs(res) < 1", "-1 < res < 1")]

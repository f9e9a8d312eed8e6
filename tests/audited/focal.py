"""The focal loss, whose weights are functions of the probabilities too."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); Y = sg.data("Y", ("N", 3)); W = sg.param("W", (4, 3))
z = X @ W
p = 1 / (1 + np.exp(-z))
loss = -np.sum(Y * (1 - p)**2 * np.log(p) + (1 - Y) * p**2 * np.log(1 - p)) / X.shape[0]
"""

CODE = """
import numpy as np


def backward(X, Y, W):
    p = 1 / (1 + np.exp(-(X @ W)))
    dp = -Y * ((1 - p)**2 / p - 2 * (1 - p) * np.log(p))
    dp -= (1 - Y) * (2 * p * np.log(1 - p) - p**2 / (1 - p))
    dz = dp * p * (1 - p) / len(X)
    return {"z": dz, "W": X.T @ dz}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    (
        "dz = dp * p * (1 - p) / len(X)",
        "dz = (Y * (1 - p)**2 + (1 - Y) * p**2) * (p - Y) / len(X)",
        "path term factor activation value",
        "z",
    ),
]
SAME: list[tuple[str, str]] = []

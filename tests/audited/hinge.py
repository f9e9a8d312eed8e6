"""A linear classifier with the hinge loss of several classes, and a penalty."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); Y = sg.data("Y", ("N", 3), assume=sg.one_hot(axis=1)); W = sg.param("W", (4, 3))
reg = 0.1
s = X @ W
right = np.sum(s * Y, axis=1, keepdims=True)
m = np.maximum(s - right + 1, 0) * (1 - Y)
loss = np.sum(m) / X.shape[0] + reg * np.sum(W**2)
"""

CODE = """
import numpy as np


def svm_loss(X, Y, W):
    reg = 0.1
    N = X.shape[0]
    scores = X @ W
    y = np.argmax(Y, axis=1)
    margins = scores - scores[np.arange(N), y][:, None] + 1
    margins[np.arange(N), y] = 0
    counts = (margins > 0).astype(float)
    counts[np.arange(N), y] = -np.sum(counts, axis=1)
    dW = X.T @ counts
    dW /= N
    dW += 2 * reg * W
    return dW
"""

OPTIONS = {"function": "svm_loss"}

FAULTS = [
    ("    dW /= N\n", "    dW /= 1\n", "factor term", "W"),
    ("    dW += 2 * reg * W\n", "    dW += reg * W\n", "factor term", "W"),
    ("    dW += 2 * reg * W\n", "    dW = 2 * reg * W\n", "overwritten", "W"),
    ("(margins > 0)", "(scores > 0)", "mask", "W"),
    ("y] = -np.sum(counts, axis=1)", "y] = np.sum(counts, axis=1)", "sign", "W"),
    (
        "    dW /= N\n    dW += 2 * reg * W\n",
        "    dW += 2 * reg * W\n    dW /= N\n",
        "factor term",
        "W",
    ),
]
SAME = [("dW = X.T @ counts", "dW = np.dot(counts.T, X).T")]

NOT_YET = [
    ("y] = -np.sum(counts, axis=1)", "y] = -1", "sum term factor value path", "W"),
]
"""Faults that are seen, and not named."""

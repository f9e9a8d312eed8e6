"""A class that updates its weights in its backward pass, gradients kept as attributes."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 3)); t = sg.data("t", ("N", 2)); W1 = sg.param("W1", (3, 4)); b1 = sg.param("b1", (4,)); W2 = sg.param("W2", (4, 2)); b2 = sg.param("b2", (2,))
z1 = X @ W1 + b1
a1 = np.where(z1 > 0, z1, 0.01 * z1)
y = a1 @ W2 + b2
loss = np.sum((y - t) ** 2) / X.shape[0]
"""

CODE = """
import numpy as np


class Model:
    def __init__(self, lr=0.1):
        rng = np.random.default_rng(1)
        self.W1, self.b1 = rng.normal(size=(3, 4)), np.zeros(4)
        self.W2, self.b2 = rng.normal(size=(4, 2)), np.zeros(2)
        self.lr = lr

    def forward(self, X):
        self.X = X
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.where(self.z1 > 0, self.z1, 0.01 * self.z1)
        self.y = self.a1 @ self.W2 + self.b2
        return self.y

    def backward(self, t):
        n = len(t)
        dy = 2 * (self.y - t) / n
        self.dW2 = self.a1.T @ dy
        self.db2 = dy.sum(axis=0)
        da1 = dy @ self.W2.T
        dz1 = da1 * np.where(self.z1 > 0, 1, 0.01)
        self.dW1 = self.X.T @ dz1
        self.db1 = dz1.sum(axis=0)
        self.W2 = self.W2 - self.lr * self.dW2
        self.b2 = self.b2 - self.lr * self.db2
        self.W1 = self.W1 - self.lr * self.dW1
        self.b1 = self.b1 - self.lr * self.db1
"""

OPTIONS = {"cls": "Model", "setup": "Model()"}

FAULTS = [
    (
        "        da1 = dy @ self.W2.T\n",
        "        self.W2 = self.W2 - self.lr * self.dW2; da1 = dy @ self.W2.T\n",
        "value overwritten",
        "W1 b1",
    ),
    ("np.where(self.z1 > 0, 1, 0.01)", "(self.z1 > 0)", "mask activation factor", "W1 b1"),
    (
        "np.where(self.z1 > 0, 1, 0.01)",
        "np.where(self.z1 > 0, 0.01, 1)",
        "mask activation value",
        "W1 b1",
    ),
    (
        "np.where(self.z1 > 0, 1, 0.01)",
        "np.where(self.z1 > 0, 1, 0.1)",
        "factor activation mask",
        "W1 b1",
    ),
    ("dy = 2 * (self.y - t) / n", "dy = (self.y - t) / n", "factor", "W2 b2 W1 b1"),
    ("self.db1 = dz1.sum(axis=0)", "self.db1 = dz1.sum()", "sum", "b1"),
    ("self.dW1 = self.X.T @ dz1", "self.dW1 = self.X.T @ da1", "value mask", "W1"),
    (
        "np.where(self.z1 > 0, 1, 0.01)",
        "np.where(self.z1 > 0, 1, -0.01)",
        "sign activation mask",
        "W1 b1",
    ),
]
SAME = [("dz1 = da1 * np.where(self.z1 > 0, 1, 0.01)", "dz1 = da1 * (0.01 + 0.99 * (self.z1 > 0))")]

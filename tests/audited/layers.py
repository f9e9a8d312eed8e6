"""A class with attributes, one layer after the other, three of them."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 3)); y = sg.data("y", ("N", 1))
W1 = sg.param("W1", (3, 4)); W2 = sg.param("W2", (4, 5)); W3 = sg.param("W3", (5, 1)); b1 = sg.param("b1", (1, 4)); b2 = sg.param("b2", (1, 5)); b3 = sg.param("b3", (1, 1))
Z1 = X @ W1 + b1
A1 = np.tanh(Z1)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
Z3 = A2 @ W3 + b3
loss = np.mean((Z3 - y) ** 2)
"""

CODE = """
import numpy as np


class Net:
    def __init__(self, n_in, n1, n2):
        self.W1 = np.random.randn(n_in, n1)
        self.b1 = np.zeros((1, n1))
        self.W2 = np.random.randn(n1, n2)
        self.b2 = np.zeros((1, n2))
        self.W3 = np.random.randn(n2, 1)
        self.b3 = np.zeros((1, 1))

    def sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def forward(self, X):
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = np.tanh(self.Z1)
        self.Z2 = self.A1 @ self.W2 + self.b2
        self.A2 = self.sigmoid(self.Z2)
        self.Z3 = self.A2 @ self.W3 + self.b3
        return self.Z3

    def backward(self, X, y, output):
        N = X.shape[0]
        dZ3 = 2 * (output - y) / N
        self.dW3 = self.A2.T @ dZ3
        self.db3 = np.sum(dZ3, axis=0, keepdims=True)
        dZ2 = dZ3 @ self.W3.T * self.A2 * (1 - self.A2)
        self.dW2 = self.A1.T @ dZ2
        self.db2 = np.sum(dZ2, axis=0, keepdims=True)
        dZ1 = dZ2 @ self.W2.T * (1 - self.A1 ** 2)
        self.dW1 = X.T @ dZ1
        self.db1 = np.sum(dZ1, axis=0, keepdims=True)
"""

OPTIONS = {"cls": "Net", "setup": "Net(3, 4, 5)"}

FAULTS = [
    ("dZ3 = 2 * (output - y) / N", "dZ3 = (output - y) / N", "factor", "W3 b3 W2 b2 W1 b1"),
    ("dZ3 = 2 * (output - y) / N", "dZ3 = 2 * (output - y)", "factor", "W3 b3 W2 b2 W1 b1"),
    ("self.A2 * (1 - self.A2)", "self.Z2 * (1 - self.Z2)", "activation value", "W2 b2 W1 b1"),
    ("* self.A2 * (1 - self.A2)", "* (1 - self.A2)", "activation factor term", "W2 b2 W1 b1"),
    ("(1 - self.A1 ** 2)", "(1 - self.Z1 ** 2)", "activation value", "W1 b1"),
    ("(1 - self.A1 ** 2)", "(1 - np.tanh(self.A1) ** 2)", "activation value", "W1 b1"),
    ("        self.dW2 = self.A1.T @ dZ2", "        self.dW2 = self.Z1.T @ dZ2", "value", "W2"),
    ("dZ2 @ self.W2.T * (1 - self.A1 ** 2)", "dZ2 @ self.W2.T", "activation operation", "W1 b1"),
    (
        "        self.db1 = np.sum(dZ1, axis=0, keepdims=True)",
        "        self.db1 = np.sum(dZ1, axis=1, keepdims=True)",
        "sum",
        "b1",
    ),
    ("        self.dW1 = X.T @ dZ1", "        self.dW1 = X.T @ dZ1 * N", "factor", "W1"),
]

SAME = [
    ("        self.db1 = np.sum(dZ1, axis=0, keepdims=True)", "        self.db1 = dZ1.sum(0)"),
    (
        "dZ2 @ self.W2.T * (1 - self.A1 ** 2)",
        "np.multiply(np.dot(dZ2, self.W2.T), 1 / np.cosh(self.Z1) ** 2)",
    ),
]

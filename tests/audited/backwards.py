"""Layers whose network gives its gradients back by name, those of the last layer first."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.data("x", ("N", 3)); t = sg.data("t", ("N", 2))
W1 = sg.param("W1", (3, 4)); W2 = sg.param("W2", (4, 5)); W3 = sg.param("W3", (5, 2))
y = np.maximum(np.maximum(x @ W1, 0) @ W2, 0) @ W3
loss = np.sum((y - t) ** 2) / 2
"""

CODE = """
import numpy as np


class Linear:
    def __init__(self, n, m):
        self.W = np.random.default_rng(n).normal(size=(n, m))

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dout):
        dx = dout.copy()
        dx[self.x < 0] = 0
        return dx


class Net:
    def __init__(self):
        self.one, self.two, self.three = Linear(3, 4), Linear(4, 5), Linear(5, 2)
        self.layers = [self.one, ReLU(), self.two, ReLU(), self.three]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        self.y = x
        return x

    def backward(self, t):
        dout = self.y - t
        for layer in self.layers[::-1]:
            dout = layer.backward(dout)
        return {"W3": self.three.dW, "W2": self.two.dW, "W1": self.one.dW}
"""

OPTIONS = {"cls": "Net", "setup": "Net()"}

FAULTS = [
    ("dx[self.x < 0] = 0", "dx[dout < 0] = 0", "mask", "W2"),
    ("self.dW = self.x.T @ dout", "self.dW = self.x.T @ dout / len(dout)", "factor", "W3"),
]
SAME = [("dx[self.x < 0] = 0", "dx *= self.x > 0")]

"""A class in the habits of CS231n: integer labels, an L2 penalty, gradients in a dictionary."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int)
W1 = sg.param("W1", (4, 6)); b1 = sg.param("b1", (6,)); W2 = sg.param("W2", (6, 3)); b2 = sg.param("b2", (3,))
reg = 0.1
z = X @ W1 + b1
h = np.maximum(0, z)
scores = h @ W2 + b2
e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.sum(np.log(p)[sg.arange("N"), y]) / X.shape[0] + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
"""

CODE = """
import numpy as np


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-1):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.1):
        W1, b1 = self.params['W1'], self.params['b1']
        W2, b2 = self.params['W2'], self.params['b2']
        N, D = X.shape
        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        if y is None:
            return scores
        exp_scores = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        data_loss = np.sum(-np.log(probs[range(N), y])) / N
        loss = data_loss + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {}
        dscores = probs.copy()
        dscores[range(N), y] -= 1
        dscores /= N
        grads['W2'] = np.dot(hidden.T, dscores)
        grads['b2'] = np.sum(dscores, axis=0)
        dhidden = np.dot(dscores, W2.T)
        dhidden[hidden <= 0] = 0
        grads['W1'] = np.dot(X.T, dhidden)
        grads['b1'] = np.sum(dhidden, axis=0)
        grads['W2'] += 2 * reg * W2
        grads['W1'] += 2 * reg * W1
        return loss, grads
"""

OPTIONS = {"cls": "TwoLayerNet", "setup": "TwoLayerNet(4, 6, 3)"}

FAULTS = [
    ("        grads['W2'] += 2 * reg * W2", "        grads['W2'] += reg * W2", "term factor", "W2"),
    (
        "        grads['W1'] += 2 * reg * W1",
        "        grads['W1'] += 2 * reg * W1.sum()",
        "term sum",
        "W1",
    ),
    (
        "        grads['W1'] += 2 * reg * W1\n",
        "        grads['W1'] = 2 * reg * W1\n",
        "overwritten",
        "W1",
    ),
    ("        grads['W1'] += 2 * reg * W1\n", "        pass\n", "term", "W1"),
    (
        "        dscores[range(N), y] -= 1",
        "        dscores[range(N), y] -= 2",
        "factor term",
        "scores W2 b2 W1 b1",
    ),
    ("dhidden[hidden <= 0] = 0", "dhidden[dhidden <= 0] = 0", "mask", "W1 b1"),
    ("dhidden[hidden <= 0] = 0", "dhidden[hidden < 0] = 0", "mask", "W1 b1"),
    ("        dscores /= N\n", "        pass\n", "factor", "scores W2 b2 W1 b1"),
    (
        "grads['b1'] = np.sum(dhidden, axis=0)",
        "grads['b1'] = np.mean(dhidden, axis=0)",
        "factor sum",
        "b1",
    ),
    (
        "grads['W2'] = np.dot(hidden.T, dscores)",
        "grads['W2'] = np.dot(np.maximum(0, hidden - 0.1).T, dscores)",
        "value term",
        "W2",
    ),
]

SAME = [
    ("dhidden[hidden <= 0] = 0", "dhidden = dhidden * (hidden > 0).astype(float)"),
    ("grads['b1'] = np.sum(dhidden, axis=0)", "grads['b1'] = np.ones(N) @ dhidden"),
    ("dscores /= N", "dscores = np.divide(dscores, float(N))"),
    ("grads['W2'] += 2 * reg * W2", "grads['W2'] = grads['W2'] + reg * (W2 + W2)"),
]

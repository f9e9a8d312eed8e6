"""A script with a loop of training: the sigmoid of a two-layer net, squared error."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (4, 2)); y = sg.data("y", (4, 1))
W1 = sg.param("W1", (2, 3)); b1 = sg.param("b1", (1, 3)); W2 = sg.param("W2", (3, 1)); b2 = sg.param("b2", (1, 1))
z1 = X @ W1 + b1
a1 = 1 / (1 + np.exp(-z1))
z2 = a1 @ W2 + b2
a2 = 1 / (1 + np.exp(-z2))
loss = 0.5 * np.sum((y - a2) ** 2)
"""

CODE = """
import numpy as np
import matplotlib.pyplot as plt

np.random.seed(1)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
W1 = np.random.uniform(-1, 1, (2, 3))
b1 = np.zeros((1, 3))
W2 = np.random.uniform(-1, 1, (3, 1))
b2 = np.zeros((1, 1))
lr = 0.1
losses = []


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(x):
    return x * (1 - x)


for epoch in range(10000):
    a1 = sigmoid(np.dot(X, W1) + b1)
    a2 = sigmoid(np.dot(a1, W2) + b2)
    error = y - a2
    losses.append(np.sum(error ** 2) / 2)
    dz2 = -error * sigmoid_derivative(a2)
    dW2 = np.dot(a1.T, dz2)
    db2 = np.sum(dz2, axis=0, keepdims=True)
    dz1 = np.dot(dz2, W2.T) * sigmoid_derivative(a1)
    dW1 = np.dot(X.T, dz1)
    db1 = np.sum(dz1, axis=0, keepdims=True)
    W2 -= lr * dW2
    b2 -= lr * db2
    W1 -= lr * dW1
    b1 -= lr * db1
    if epoch % 1000 == 0:
        print(epoch, losses[-1])

plt.plot(losses)
plt.show()
"""

OPTIONS = {}

FAULTS = [
    (
        "    return x * (1 - x)",
        "    return sigmoid(x) * (1 - sigmoid(x))",
        "activation value",
        "z2 W2 b2",
    ),
    ("-error * sigmoid_derivative(a2)", "-error", "activation operation loss jacobian", "z2 W2 b2"),
    ("-error * sigmoid_derivative(a2)", "error * sigmoid_derivative(a2)", "sign", "z2 W2 b2"),
    (
        "sigmoid_derivative(a1)",
        "sigmoid_derivative(np.dot(X, W1) + b1)",
        "activation value",
        "z1 W1 b1",
    ),
    ("sigmoid_derivative(a1)", "(1 - a1 ** 2)", "activation", "z1 W1 b1"),
    (
        "np.dot(dz2, W2.T) * sigmoid_derivative(a1)",
        "np.dot(-error, W2.T) * sigmoid_derivative(a1)",
        "value activation operation",
        "z1 W1 b1",
    ),
    (
        "    db2 = np.sum(dz2, axis=0, keepdims=True)",
        "    db2 = np.mean(dz2, axis=0, keepdims=True)",
        "factor sum",
        "b2",
    ),
    ("    dW1 = np.dot(X.T, dz1)", "    dW1 = np.dot(X.T, dz1) / 4", "factor", "W1"),
    ("    return x * (1 - x)", "    return x * (1 + x)", "activation sign term", "z2 W2 b2"),
]

SAME = [
    ("    dz2 = -error * sigmoid_derivative(a2)", "    dz2 = np.multiply(a2 - y, a2 - a2 * a2)"),
    ("    db2 = np.sum(dz2, axis=0, keepdims=True)", "    db2 = dz2.sum()"),
    ("    dW1 = np.dot(X.T, dz1)", "    dW1 = sum(np.outer(x, d) for x, d in zip(X, dz1))"),
]

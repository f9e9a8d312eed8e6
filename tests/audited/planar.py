"""A script in the habits of a first course: parameters in a dictionary, a cache, functions for each pass."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (2, "m")); Y = sg.data("Y", (1, "m"))
W1 = sg.param("W1", (4, 2)); b1 = sg.param("b1", (4, 1)); W2 = sg.param("W2", (1, 4)); b2 = sg.param("b2", (1, 1))
Z1 = W1 @ X + b1
A1 = np.tanh(Z1)
Z2 = W2 @ A1 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1]
"""

CODE = """
import numpy as np
import matplotlib.pyplot as plt


def load():
    rng = np.random.RandomState(1)
    X = rng.randn(2, 20)
    Y = (X[0:1] * X[1:2] > 0).astype(int)
    return X, Y


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def initialize_parameters(n_x, n_h, n_y):
    np.random.seed(2)
    W1 = np.random.randn(n_h, n_x) * 0.01
    b1 = np.zeros((n_h, 1))
    W2 = np.random.randn(n_y, n_h) * 0.01
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def forward_propagation(X, parameters):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
    return A2, cache


def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(1 - Y, np.log(1 - A2))
    return float(np.squeeze(-np.sum(logprobs) / m))


def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W2 = parameters["W2"]
    A1 = cache["A1"]
    A2 = cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def update_parameters(parameters, grads, learning_rate=1.2):
    return {k: parameters[k] - learning_rate * grads["d" + k] for k in parameters}


X, Y = load()
parameters = initialize_parameters(2, 4, 1)
for i in range(5000):
    A2, cache = forward_propagation(X, parameters)
    cost = compute_cost(A2, Y)
    grads = backward_propagation(parameters, cache, X, Y)
    parameters = update_parameters(parameters, grads)
    if i % 1000 == 0:
        print(i, cost)
plt.plot([1, 2])
"""

OPTIONS = {}

FAULTS = [
    ("1 - np.power(A1, 2)", "1 - np.power(A2, 2)", "activation value", "Z1 W1 b1"),
    ("dW2 = np.dot(dZ2, A1.T) / m", "dW2 = np.dot(dZ2, A1.T)", "factor", "W2"),
    (
        "db1 = np.sum(dZ1, axis=1, keepdims=True) / m",
        "db1 = np.sum(dZ1, axis=0, keepdims=True) / m",
        "sum",
        "b1",
    ),
    ("dZ2 = A2 - Y", "dZ2 = Y - A2", "sign", "Z2 W2 b2 W1 b1"),
    ('A1 = cache["A1"]', 'A1 = cache["Z1"]', "value activation", "Z1 W1 b1 W2"),
    (
        "np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))",
        "np.dot(W2.T, dZ2)",
        "activation operation",
        "Z1 W1 b1",
    ),
    ("dW1 = np.dot(dZ1, X.T) / m", "dW1 = np.dot(dZ1, X.T) / X.shape[0]", "factor", "W1"),
]

SAME = [
    (
        "    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))",
        "    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)",
    ),
    ("db2 = np.sum(dZ2, axis=1, keepdims=True) / m", "db2 = np.mean(dZ2, axis=1, keepdims=True)"),
]

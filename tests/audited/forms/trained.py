"""The backward pass of the other forms in programs that train, and in objects that unpack it."""

from __future__ import annotations

from audited.forms.one import HEAD, LAYERS, Program

DATA = "rng = np.random.RandomState(3)\nX = rng.randn(6, 4); Y = rng.randn(6, 2)\n"
NUMBERS = """
class Net:
    def __init__(self):
        rng = np.random.RandomState(0)
        self.params = {'W1': rng.randn(4, 5), 'b1': rng.randn(5), 'W2': rng.randn(5, 2), 'b2': rng.randn(2)}
    def predict(self, X):
        for W, b, f in (('W1', 'b1', np.tanh), ('W2', 'b2', lambda Z: Z)):
            X = f(X @ self.params[W] + self.params[b])
            self.A1 = X if f is np.tanh else self.A1
        return X
    def numerical(self, X, Y):
        found = {}
        for name, P in self.params.items():
            found[name] = np.zeros_like(P)
            for place in np.ndindex(*P.shape):
                kept, sides = P[place], []
                for step in (1e-4, -1e-4):
                    P[place] = kept + step
                    sides.append(np.sum((self.predict(X) - Y) ** 2) / len(Y))
                P[place] = kept
                found[name][place] = (sides[0] - sides[1]) / 2e-4
        return found
    def gradient(self, X, Y):
        d = 2 * (self.predict(X) - Y) / len(Y)
        grads = {'W2': self.A1.T @ d, 'b2': d.sum(0)}
        d = d @ self.params['W2'].T * (1 - self.A1 ** 2)
        grads['W1'], grads['b1'] = X.T @ d, d.sum(0)
        return grads
"""
BATCHES = """
class Trainer:
    def __init__(self, net, lr):
        self.net, self.lr = net, lr
    def fit(self, X, Y, epochs=3, size=3):
        for epoch in range(epochs):
            order = np.random.permutation(len(X))
            for start in range(0, len(X), size):
                batch = order[start:start + size]
                self.net.forward(X[batch])
                self.net.backward(Y[batch])
                for layer in self.net.layers:
                    if hasattr(layer, 'W'):
                        layer.W -= self.lr * layer.dW
                        layer.b -= self.lr * layer.db
"""
SETTING = """
for epoch in range(20):
    net.forward(X)
    net.backward(Y)
    for layer in net.layers:
        for name in ('W', 'b'):
            if hasattr(layer, name):
                value = getattr(layer, name)
                value -= 0.1 * getattr(layer, 'd' + name)
"""
FITTED = """
class Regressor:
    def __init__(self, lr=0.1, turns=30):
        self.lr, self.turns, self.W1 = lr, turns, None
    def fit(self, X, Y):
        rng = np.random.RandomState(1)
        self.W1 = rng.randn(X.shape[1], 5)
        self.b1 = np.zeros(5)
        self.W2 = rng.randn(5, Y.shape[1])
        self.b2 = np.zeros(2)
        for _ in range(self.turns):
            A1 = np.tanh(X @ self.W1 + self.b1)
            d = 2 * (A1 @ self.W2 + self.b2 - Y) / len(X)
            e = d @ self.W2.T * (1 - A1 ** 2)
            dW1, db1, dW2, db2 = X.T @ e, e.sum(0), A1.T @ d, d.sum(0)
            self.W1 = self.W1 - self.lr * dW1
            self.b1 = self.b1 - self.lr * db1
            self.W2 = self.W2 - self.lr * dW2
            self.b2 = self.b2 - self.lr * db2
"""
LISTS = """
class Net:
    def __init__(self):
        rng = np.random.RandomState(0)
        self.weights = [rng.randn(4, 5), rng.randn(5, 2)]
        self.biases = [rng.randn(5), rng.randn(2)]
    def backprop(self, X, Y):
        dW, db = [None, None], [None, None]
        A1 = np.tanh(X @ self.weights[0] + self.biases[0])
        d = 2 * (A1 @ self.weights[1] + self.biases[1] - Y) / len(X)
        dW[1], db[1] = A1.T @ d, d.sum(0)
        d = d @ self.weights[1].T * (1 - A1 ** 2)
        dW[0], db[0] = X.T @ d, d.sum(0)
        return dW, db
    def train(self, pairs):
        for epoch in range(3):
            np.random.shuffle(pairs)
            for x, y in pairs:
                dW, db = self.backprop(x[None], y[None])
                self.weights = [W - 0.1 * D for W, D in zip(self.weights, dW)]
                self.biases = [b - 0.1 * D for b, D in zip(self.biases, db)]
"""
PAIRS = """
def start(rng):
    return [(rng.randn(4, 5), rng.randn(5)), (rng.randn(5, 2), rng.randn(2))]
def output(params, X):
    (W1, b1), (W2, b2) = params
    A1 = np.tanh(X @ W1 + b1)
    return A1, A1 @ W2 + b2
def gradient(params, X, Y):
    (W1, b1), (W2, b2) = params
    A1, Z = output(params, X)
    d = 2 * (Z - Y) / len(X)
    e = d @ W2.T * (1 - A1 ** 2)
    return [(X.T @ e, e.sum(0)), (A1.T @ d, d.sum(0))]
params = start(np.random.RandomState(0))
for turn in range(10):
    found = gradient(params, X, Y)
    params = [(W - 0.1 * dW, b - 0.1 * db) for (W, b), (dW, db) in zip(params, found)]
"""
CELL = """
class Net:
    def __init__(self):
        self.params = [np.zeros((4, 5)), np.zeros(5), np.zeros((5, 2)), np.zeros(2)]
        self.grads = [np.zeros_like(p) for p in self.params]
    def forward(self, X):
        W1, b1, W2, b2 = self.params
        self.X, self.A1 = X, np.tanh(X @ W1 + b1)
        self.out = self.A1 @ W2 + b2
        return self.out
    def backward(self, Y):
        W1, b1, W2, b2 = self.params
        d = 2 * (self.out - Y) / len(Y)
        e = d @ W2.T * (1 - self.A1 ** 2)
        for grad, found in zip(self.grads, (self.X.T @ e, e.sum(0), self.A1.T @ d, d.sum(0))):
            grad[...] = found
"""
FIELDS = """
@dataclass
class Net:
    W1: np.ndarray = None
    b1: np.ndarray = None
    W2: np.ndarray = None
    b2: np.ndarray = None
    grads: dict = field(default_factory=dict)
    def _compute_gradients(self, X, Y):
        A1 = np.tanh(X @ self.W1 + self.b1)
        d = 2 * (A1 @ self.W2 + self.b2 - Y) / len(Y)
        e = d @ self.W2.T * (1 - A1 ** 2)
        self.grads = {'W1': X.T @ e, 'b1': e.sum(0), 'W2': A1.T @ d, 'b2': d.sum(0)}
"""
DOWNHILL = """
class Net:
    def __init__(self, X, Y):
        rng = np.random.RandomState(2)
        self.X, self.Y = X, Y
        self.weights1, self.bias1 = rng.randn(4, 5), rng.randn(5)
        self.weights2, self.bias2 = rng.randn(5, 2), rng.randn(2)
    def feedforward(self):
        self.A1 = np.tanh(np.clip(self.X @ self.weights1 + self.bias1, -300, 300))
        self.out = self.A1 @ self.weights2 + self.bias2
    def backprop(self):
        error = 2 * (self.Y - self.out) / len(self.Y)
        d_weights2, d_bias2 = self.A1.T @ error, error.sum(0)
        e = error @ self.weights2.T * (1 - self.A1 ** 2)
        d_weights1, d_bias1 = self.X.T @ e, e.sum(0)
        self.weights1 += d_weights1
        self.bias1 += d_bias1
        self.weights2 += d_weights2
        self.bias2 += d_bias2
"""
COURSE = """
def initialize(dims):
    np.random.seed(3)
    parameters = {}
    for l in range(1, len(dims)):
        parameters['W' + str(l)] = np.random.randn(dims[l - 1], dims[l])
        parameters['b' + str(l)] = np.zeros(dims[l])
    return parameters
def forward(X, parameters):
    A1 = np.tanh(X @ parameters['W1'] + parameters['b1'])
    return A1 @ parameters['W2'] + parameters['b2'], A1
def backward(X, Y, parameters):
    Z2, A1 = forward(X, parameters)
    grads = {}
    d = 2 * (Z2 - Y) / len(X)
    grads['dW2'], grads['db2'] = A1.T @ d, d.sum(0)
    d = d @ parameters['W2'].T * (1 - A1 ** 2)
    grads['dW1'], grads['db1'] = X.T @ d, d.sum(0)
    return grads
def update(params, grads, rate):
    parameters = params.copy()
    for l in range(1, len(parameters) // 2 + 1):
        parameters['W' + str(l)] = parameters['W' + str(l)] - rate * grads['dW' + str(l)]
        parameters['b' + str(l)] = parameters['b' + str(l)] - rate * grads['db' + str(l)]
    return parameters
def model(X, Y, dims, turns):
    parameters = initialize(dims)
    for turn in range(turns):
        parameters = update(parameters, backward(X, Y, parameters), 0.1)
    return parameters
"""
CHANGING = LAYERS.replace("        return d @ self.W.T\n", "        return back\n").replace(
    "self.dW = self.x.T @ d", "back = d @ self.W.T\n        self.W -= 0.1 * self.x.T @ d"
)
CHANGING = CHANGING.replace("self.db = d.sum(0)", "self.b -= 0.1 * d.sum(0)")
"""Layers that change their parameters in the backward pass, whose gradients have no names."""
TRAINED = {
    "changed in the backward pass": Program(
        f"{HEAD}{CHANGING}{DATA}net = Net()\nfor turn in range(9):\n    net.forward(X)\n    net.backward(Y)\n"
    ),

    "added as it goes downhill": Program(
        f"{HEAD}{DOWNHILL}{DATA}net = Net(X, Y)\nfor turn in range(9):\n    net.feedforward()\n    net.backprop()\n"
    ),
    "parameters of a course": Program(f"{HEAD}{COURSE}{DATA}parameters = model(X, Y, [4, 5, 2], 20)\n"),

    "gradient check in a script": Program(
        f"{HEAD}{NUMBERS}{DATA}x_batch, t_batch = X, Y\nnet = Net()\n"
        "grad_numerical = net.numerical(x_batch, t_batch)\ngrad_backprop = net.gradient(x_batch, t_batch)\n"
        "for name in grad_numerical:\n    print(name, np.abs(grad_backprop[name] - grad_numerical[name]).mean())\n"
    ),
    "trainer": Program(f"{HEAD}{LAYERS}{BATCHES}{DATA}net = Net()\nTrainer(net, 0.1).fit(X, Y)\n"),
    "steps of attributes": Program(f"{HEAD}{LAYERS}{DATA}net = Net()\n{SETTING}"),
    "estimator": Program(f"{HEAD}{FITTED}{DATA}model = Regressor(lr=0.2)\nmodel.fit(X, Y)\n"),
    "gradients first, then training": Program(
        f"{HEAD}{LISTS}{DATA}net = Net()\ndW, db = net.backprop(X, Y)\nprint(dW, db)\nnet.train(list(zip(X, Y)))\n"
    ),
    "pairs in a script": Program(f"{HEAD}{DATA}{PAIRS}"),
    "class that unpacks": Program(HEAD + CELL, {"cls": "Net"}),
    "dataclass of parameters": Program(f"from dataclasses import dataclass, field\n{HEAD}{FIELDS}", {"cls": "Net"}),
}  # fmt: skip
"""Right programs, by what is particular about them."""

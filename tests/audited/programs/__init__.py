"""Right programs as people have them: training loops with batches, lists and objects of layers.

``{mean}`` stands where a gradient is divided by the number of rows; without it, it is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LINEAR = """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",))
w = sg.param("w", (3,)); b = sg.param("b", ())
loss = np.mean((X @ w + b - y) ** 2)
"""
NET = """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int)
W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,))
W2 = sg.param("W2", (5, 3)); b2 = sg.param("b2", (3,))
A1 = np.maximum(X @ W1 + b1, 0)
S = A1 @ W2 + b2
loss = np.mean(sg.logsumexp(S, axis=1) - S[np.arange(X.shape[0]), y])
"""
PAIRS = """
u = sg.param("u", ("N", 4)); v = sg.param("v", ("N", 4)); t = sg.data("t", ("N",))
d2 = np.sum((u - v) ** 2, axis=1)
dist = np.sqrt(d2 + 1e-9)
loss = np.mean(t * d2 + (1 - t) * np.maximum(1.5 - dist, 0) ** 2) / 2
"""
MARGINS = """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",))
w = sg.param("w", (4,)); b = sg.param("b", ())
loss = np.sum(np.maximum(0, 1 - y * (X @ w + b))) + 0.5 * np.sum(w ** 2)
"""


@dataclass(frozen=True)
class Program:
    """A program, the spec of its loss, and how it is audited."""

    spec: str
    code: str
    options: Mapping[str, str] = field(default_factory=dict)


ROWS = """
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3)); y = X @ [1.0, -2, 0.5] + 0.3 + 0.1 * rng.normal(size=20)
w = rng.normal(size=3); b = 0.2
"""
NET_ROWS = """
rng = np.random.default_rng(3)
X = rng.normal(size=(30, 4)); y = rng.integers(0, 3, 30)
"""
SOFTMAX = """
def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""


def steps(loop: str, x: str, t: str, depth: int = 2) -> str:
    """The turns of a training loop, of the rows ``x`` with the targets ``t``."""
    lines = (
        f"r = {x} @ w + b - {t}",
        f"dw = 2 * {x}.T @ r{{mean}}",
        "db = 2 * r.mean()",
        "w -= 0.1 * dw",
        "b -= 0.1 * db",
    )
    return ROWS + loop + "".join(f"{'    ' * depth}{line}\n" for line in lines)


BATCHES = """
def batches(X, y, size):
    order = rng.permutation(len(X))
    for k in range(0, len(X), size):
        yield X[order[k:k + size]], y[order[k:k + size]]
"""
LAYERS = """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = rng.normal(0, 0.5, (n_in, n_out)); self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        self.gW, self.gb = self.x.T @ grad, grad.sum(0)
        return grad @ self.W.T
    def step(self, lr):
        self.W -= lr * self.gW
        self.b -= lr * self.gb
class ReLU:
    def forward(self, x):
        self.on = x > 0
        return np.where(self.on, x, 0)
    def backward(self, grad):
        return grad * self.on
    def step(self, lr):
        pass
class Model:
    def __init__(self, *layers):
        self.layers = layers
    def __call__(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, g):
        for layer in self.layers[::-1]:
            g = layer.backward(g)
    def step(self, lr):
        for layer in self.layers:
            layer.step(lr)
net = Model(Dense(4, 5), ReLU(), Dense(5, 3))
for epoch in range(4):
    order = rng.permutation(30)
    for k in range(0, 30, 10):
        batch = order[k:k + 10]
        g = (softmax(net(X[batch])) - np.eye(3)[y[batch]]){mean}
        net.backward(g)
        net.step(0.1)
"""
OPTIMISER = """
class SGD:
    def __init__(self, params, lr):
        self.theta, self.lr = params, lr
    def step(self, grads):
        for k in self.theta:
            self.theta[k] -= self.lr * grads[k]
params = dict(W1=rng.normal(size=(4, 5)), b1=rng.normal(size=5),
              W2=rng.normal(size=(5, 3)), b2=rng.normal(size=3))
opt = SGD(params, 0.1)
def backward(X, y, params):
    A1 = np.maximum(0, X @ params["W1"] + params["b1"])
    d = (softmax(A1 @ params["W2"] + params["b2"]) - np.eye(3)[y]){mean}
    g1 = d @ params["W2"].T * (A1 > 0)
    return {{"W1": X.T @ g1, "b1": g1.sum(0), "W2": A1.T @ d, "b2": d.sum(0)}}
for i in range(20):
    grads = backward(X, y, params)
    opt.step(grads)
"""
IN_TURN = """
sizes = [4, 5, 3]
W = [rng.normal(size=(a, b)) for a, b in zip(sizes, sizes[1:])]
b = [np.zeros(k) for k in sizes[1:]]
for epoch in range(20):
    A = np.maximum(X @ W[0] + b[0], 0)
    d = (softmax(A @ W[1] + b[1]) - np.eye(3)[y]){mean}
    dA = d @ W[1].T * (A > 0)
    dW, db = [X.T @ dA, A.T @ d], [dA.sum(0), d.sum(0)]
    for k in range(2):
        W[k] -= 0.1 * dW[k]
        b[k] -= 0.1 * db[k]
"""
MADE_IN_TURN = """
params = {{}}
for l, (i, o) in enumerate([(4, 5), (5, 3)], start=1):
    params["W" + str(l)] = rng.normal(size=(i, o))
    params["b" + str(l)] = np.zeros(o)
A = np.maximum(X @ params["W1"] + params["b1"], 0)
d = (softmax(A @ params["W2"] + params["b2"]) - np.eye(3)[y]){mean}
dA = d @ params["W2"].T * (A > 0)
grads = {{"dW1": X.T @ dA, "db1": dA.sum(0), "dW2": A.T @ d, "db2": d.sum(0)}}
for k in params:
    params[k] = params[k] - 0.1 * grads["d" + k]
"""
COLUMNS = """
m = 30
Y = np.zeros((3, m)); Y[y, np.arange(m)] = 1
X = X.T
W1 = rng.normal(size=(5, 4)); b1 = np.zeros((5, 1)); W2 = rng.normal(size=(3, 5)); b2 = np.zeros((3, 1))
for i in range(100):
    A1 = np.maximum(0, W1 @ X + b1)
    dZ2 = (softmax((W2 @ A1 + b2).T).T - Y){mean}
    dW2 = dZ2 @ A1.T; db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = W2.T @ dZ2 * (A1 > 0)
    dW1 = dZ1 @ X.T; db1 = dZ1.sum(axis=1, keepdims=True)
    W1 -= 0.1 * dW1; b1 -= 0.1 * db1; W2 -= 0.1 * dW2; b2 -= 0.1 * db2
"""
RESTARTS = """
for lr in (0.01, 0.1):
    W1 = rng.normal(size=(4, 5)); b1 = np.zeros(5); W2 = rng.normal(size=(5, 3)); b2 = np.zeros(3)
    for epoch in range(5):
        A1 = (X @ W1 + b1).clip(0)
        d = (softmax(A1 @ W2 + b2) - np.eye(3)[y]){mean}
        gW2, gb2 = A1.T @ d, d.sum(0)
        g = d @ W2.T * (A1 > 0)
        gW1, gb1 = X.T @ g, g.sum(0)
        W1 -= lr * gW1; b1 -= lr * gb1; W2 -= lr * gW2; b2 -= lr * gb2
"""
NAMESPACE = """
from types import SimpleNamespace
net = SimpleNamespace(W1=rng.normal(size=(4, 5)), b1=np.zeros(5),
                      W2=rng.normal(size=(5, 3)), b2=np.zeros(3))
grad = SimpleNamespace()
def backward():
    A1 = np.maximum(X @ net.W1 + net.b1, 0)
    d = (softmax(A1 @ net.W2 + net.b2) - np.eye(3)[y]){mean}
    grad.W2, grad.b2 = A1.T @ d, d.sum(0)
    d = d @ net.W2.T * (A1 > 0)
    grad.W1, grad.b1 = X.T @ d, d.sum(0)
for _ in range(3):
    backward()
    for k, g in vars(grad).items():
        setattr(net, k, getattr(net, k) - 0.1 * g)
"""
PASSED = (
    SOFTMAX
    + """
data = np.random.RandomState(0).rand(40, 5); data[:, -1] = np.arange(40) % 3
dev, train = data[:10], data[10:]
X_dev, Y_dev = dev[:, :-1], dev[:, -1].astype(int)
X_train, Y_train = train[:, :-1], train[:, -1].astype(int)
def init_params():
    W1 = np.random.rand(4, 5) - 0.5
    b1 = np.random.rand(5) - 0.5
    W2 = np.random.rand(5, 3) - 0.5
    b2 = np.random.rand(3) - 0.5
    return W1, b1, W2, b2
def forward_prop(W1, b1, W2, b2, X):
    A1 = np.maximum(X.dot(W1) + b1, 0)
    return A1, softmax(A1.dot(W2) + b2)
def backward_prop(A1, A2, W2, X, Y):
    dZ2 = (A2 - np.eye(3)[Y]){mean}
    dZ1 = dZ2.dot(W2.T) * (A1 > 0)
    return X.T.dot(dZ1), np.sum(dZ1, 0), A1.T.dot(dZ2), np.sum(dZ2, 0)
def gradient_descent(X, Y, alpha, iterations):
    W1, b1, W2, b2 = init_params()
    for i in range(iterations):
        A1, A2 = forward_prop(W1, b1, W2, b2, X)
        dW1, db1, dW2, db2 = backward_prop(A1, A2, W2, X, Y)
        W1 = W1 - alpha * dW1; b1 = b1 - alpha * db1
        W2 = W2 - alpha * dW2; b2 = b2 - alpha * db2
    return W1, b1, W2, b2
W1, b1, W2, b2 = gradient_descent(X_train, Y_train, 0.1, 50)
print(np.mean(np.argmax(forward_prop(W1, b1, W2, b2, X_dev)[-1], 1) == Y_dev))
"""
)
PARAMETERS = """
class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)
class Net:
    def __init__(self):
        self.W1 = Parameter(rng.normal(size=(4, 5))); self.b1 = Parameter(np.zeros(5))
        self.W2 = Parameter(rng.normal(size=(5, 3))); self.b2 = Parameter(np.zeros(3))
    def parameters(self):
        return [self.W1, self.b1, self.W2, self.b2]
    def forward(self, X):
        self.X = X
        self.A = np.maximum(X @ self.W1.data + self.b1.data, 0)
        return self.A @ self.W2.data + self.b2.data
    def backward(self, d):
        self.W2.grad += self.A.T @ d; self.b2.grad += d.sum(0)
        d = d @ self.W2.data.T * (self.A > 0)
        self.W1.grad += self.X.T @ d; self.b1.grad += d.sum(0)
net = Net()
for epoch in range(10):
    for p in net.parameters():
        p.grad[...] = 0
    d = (softmax(net.forward(X)) - np.eye(3)[y]){mean}
    net.backward(d)
    for p in net.parameters():
        p.data -= 0.1 * p.grad
"""
PARAMETERS_OF_LAYERS = """
class Param:
    def __init__(self, value):
        self.value, self.grad = value, None
class Dense:
    def __init__(self, i, o):
        self.weight = Param(rng.normal(size=(i, o))); self.bias = Param(np.zeros(o))
    def __call__(self, x):
        self.x = x
        return x @ self.weight.value + self.bias.value
    def back(self, d):
        self.weight.grad, self.bias.grad = self.x.T @ d, d.sum(0)
        return d @ self.weight.value.T
l1, l2 = Dense(4, 5), Dense(5, 3)
params = [l1.weight, l1.bias, l2.weight, l2.bias]
for i in range(20):
    h = l1(X)
    d = (softmax(l2(np.maximum(h, 0))) - np.eye(3)[y]){mean}
    l1.back(l2.back(d) * (h > 0))
    for p in params:
        p.value = p.value - 0.01 * p.grad
"""
SET_IN_TURN = """
class Net:
    def __init__(self):
        self.W1 = rng.normal(size=(4, 5)); self.b1 = np.zeros(5)
        self.W2 = rng.normal(size=(5, 3)); self.b2 = np.zeros(3)
    def backward(self, X, y):
        A = np.maximum(X @ self.W1 + self.b1, 0)
        d = (softmax(A @ self.W2 + self.b2) - np.eye(3)[y]){mean}
        self.dW2, self.db2 = A.T @ d, d.sum(0)
        d = d @ self.W2.T * (A > 0)
        self.dW1, self.db1 = X.T @ d, d.sum(0)
net = Net()
names = ["W1", "b1", "W2", "b2"]
for part in [net]:
    for name in names:
        setattr(part, name, getattr(part, name) * 0.5)
for i in range(5):
    net.backward(X, y)
    for part in [net]:
        for name in names:
            if hasattr(part, name):
                setattr(part, name, getattr(part, name) - 0.1 * getattr(part, "d" + name))
"""
LAYERS_OF_WORDS = """
layers = [{{"W": rng.normal(size=(4, 5)), "b": np.zeros(5)}},
          {{"W": rng.normal(size=(5, 3)), "b": np.zeros(3)}}]
for it in range(5):
    a = np.maximum(X @ layers[0]["W"] + layers[0]["b"], 0)
    d = (softmax(a @ layers[1]["W"] + layers[1]["b"]) - np.eye(3)[y]){mean}
    layers[1]["dW"] = a.T @ d; layers[1]["db"] = d.sum(0)
    d = d @ layers[1]["W"].T * (a > 0)
    layers[0]["dW"] = X.T @ d; layers[0]["db"] = d.sum(0)
    for layer in layers:
        layer["W"] -= 0.1 * layer["dW"]; layer["b"] -= 0.1 * layer["db"]
"""
DATACLASSES = """
from dataclasses import dataclass
@dataclass
class Layer:
    W: np.ndarray
    b: np.ndarray

    # of the last call
    cache: tuple = ()
    dW: np.ndarray = None
    db: np.ndarray = None
    def __call__(self, x, last=False):
        z = x @ self.W + self.b
        self.cache = (x, z, last)
        return z if last else np.where(z > 0, z, 0)
    def back(self, g):
        x, z, last = self.cache
        g = g if last else g * (z > 0)
        self.dW, self.db = x.T @ g, g.sum(0)
        return g @ self.W.T
net = [Layer(rng.normal(size=(4, 5)), rng.normal(size=5)),
       Layer(rng.normal(size=(5, 3)), rng.normal(size=3))]
g = (softmax(net[1](net[0](X), last=True)) - np.eye(3)[y]){mean}
net[0].back(net[1].back(g))
"""
SCALED = """
Xs = (X - X.mean(0)) / X.std(0)
W1, b1, W2, b2 = rng.normal(size=(4, 5)), np.zeros(5), rng.normal(size=(5, 3)), np.zeros(3)
for k in range(4):
    h = np.maximum(Xs @ W1 + b1, 0)
    d = (softmax(h @ W2 + b2) - np.eye(3)[y]){mean}
    dW2, db2 = h.T @ d, d.sum(0)
    dh = d @ W2.T * (h > 0)
    dW1, db1 = Xs.T @ dh, dh.sum(0)
    W1 = W1 - 0.1 * dW1; b1 = b1 - 0.1 * db1; W2 = W2 - 0.1 * dW2; b2 = b2 - 0.1 * db2
"""
TRAINS = """
def train(X, y, lr=0.1, epochs=20):
    n, d = X.shape
    w = np.zeros(d)
    b = 0.0
    for _ in range(epochs):
        r = 2 * (X.dot(w) + b - y){mean}
        dw, db = X.T @ r, np.sum(r)
        w -= lr * dw
        b -= lr * db
    return w, b
"""
AFFINE = """
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b
    def backward(self, dout):
        self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)
class Net:
    def __init__(self):
        self.params = {{"W1": np.random.randn(4, 5), "b1": np.zeros(5),
                        "W2": np.random.randn(5, 3), "b2": np.zeros(3)}}
        self.layers = [Affine(self.params["W1"], self.params["b1"]),
                       Affine(self.params["W2"], self.params["b2"])]
    def gradient(self, x, t):
        z = self.layers[0].forward(x)
        d = (softmax(self.layers[1].forward(np.maximum(z, 0))) - np.eye(3)[t]){mean}
        self.layers[0].backward(self.layers[1].backward(d) * (z > 0))
        return {{"W1": self.layers[0].dW, "b1": self.layers[0].db,
                 "W2": self.layers[1].dW, "b2": self.layers[1].db}}
"""
MASKED = """
x_train = np.random.RandomState(1).randn(50, 4); t_train = np.arange(50) % 3
network = Net()
for i in range(20):
    batch_mask = np.random.choice(50, 10)
    x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
    grad = network.gradient(x_batch, t_batch)
    for key in ("W1", "b1", "W2", "b2"):
        network.params[key] -= 0.1 * grad[key]
"""
MADE_OF_PARAMETERS = """
class Affine:
    def __init__(self, W, b):
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]
    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]
    def backward(self, d):
        self.grads[0][...] = self.x.T @ d
        self.grads[1][...] = d.sum(0)
        return d @ self.params[0].T
W1 = rng.normal(size=(4, 5)); b1 = np.zeros(5); W2 = rng.normal(size=(5, 3)); b2 = np.zeros(3)
layers = [Affine(W1, b1), Affine(W2, b2)]
for it in range(5):
    z = layers[0].forward(X)
    d = (softmax(layers[1].forward(np.maximum(z, 0))) - np.eye(3)[y]){mean}
    layers[0].backward(layers[1].backward(d) * (z > 0))
    dW1, db1 = layers[0].grads; dW2, db2 = layers[1].grads
    for layer in layers:
        for p, g in zip(layer.params, layer.grads):
            p -= 0.1 * g
"""
NIELSEN = (
    SOFTMAX
    + """
class Network:
    def __init__(self, sizes):
        self.biases = [np.random.randn(k) for k in sizes[1:]]
        self.weights = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
    def backprop(self, X, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        a = np.maximum(X @ self.weights[0] + self.biases[0], 0)
        d = (softmax(a @ self.weights[1] + self.biases[1]) - np.eye(3)[y]){mean}
        nabla_w[1], nabla_b[1] = a.T @ d, d.sum(0)
        d = d @ self.weights[1].T * (a > 0)
        nabla_w[0], nabla_b[0] = X.T @ d, d.sum(0)
        return nabla_b, nabla_w
"""
)
HELD_LISTS = (
    SOFTMAX
    + """
class Net:
    def __init__(self, sizes):
        self.W = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.zeros(k) for k in sizes[1:]]
    def forward(self, X):
        self.acts = [X]
        for k, (W, b) in enumerate(zip(self.W, self.b)):
            z = self.acts[-1] @ W + b
            self.acts.append(np.maximum(z, 0) if k == 0 else z)
        return self.acts[-1]
    def backward(self, y):
        d = (softmax(self.acts[-1]) - np.eye(3)[y]){mean}
        self.dW, self.db = [], []
        for k in (1, 0):
            self.dW.insert(0, self.acts[k].T @ d); self.db.insert(0, d.sum(0))
            d = (d @ self.W[k].T) * (self.acts[k] > 0)
"""
)
CONTRASTIVE = """
def contrastive(u, v, t, margin=1.5):
    N = len(u)
    gu, gv = np.zeros(u.shape), np.zeros(v.shape)
    for i in range(N):
        diff = u[i] - v[i]
        if t[i] == 1:
            g = diff
        else:
            D = (diff @ diff + 1e-9) ** 0.5
            g = -(margin - D) * diff / D if D < margin else 0 * diff
        gu[i], gv[i] = g / N, -g / N
    return gu, gv
"""
HINGE = """
def sub(X, y, w, b):
    gw, gb = w.copy(), 0.0
    for xi, yi in zip(X, y):
        f = w @ xi + b
        if yi == 1:
            if f < 1: gw -= xi; gb -= 1
        elif f > -1:
            gw += xi; gb += 1
    return gw, gb
"""
NUMBERS = """
def fg(w, b, X, y):
    gw, gb = [0.0] * len(w), 0.0
    for xi, yi in zip(X, y):
        r = 2 * (sum(a * c for a, c in zip(xi, w)) + b - yi) / len(X)
        for j in range(len(w)):
            gw[j] += r * xi[j]
        gb += r
    return gw, gb
"""
SCRIPT = NET_ROWS + SOFTMAX
SLICES = """
for e in range(5):
    for i in range(0, 20, 5):
        xb, yb = X[i:i+5], y[i:i+5]
"""
MADE = """
for e in range(5):
    for X_batch, y_batch in batches(X, y, 5):
"""
ONE = """
for e in range(5):
    i = rng.integers(20)
    x_i, y_i = X[i:i+1], y[i:i+1]
"""
TRAINING = """
X_train, X_test = X[:15], X[15:]
y_train, y_test = y[:15], y[15:]
for e in range(5):
"""
ITERATED = """
class Rows:
    def __init__(self, X, y):
        self.X, self.y = X, y
    def __iter__(self):
        for i in range(0, 20, 4):
            yield self.X[i:i + 4], self.y[i:i + 4]
for e in range(3):
    for k, (xb, yb) in enumerate(Rows(X, y)):
"""
BACKPROP = {"cls": "Network", "setup": "Network([4, 5, 3])", "function": "backprop"}
MEAN = " / len(X)"
PROGRAMS = {
    "slices": (Program(LINEAR, steps(SLICES, "xb", "yb")), " / 5"),
    "batches": (Program(LINEAR, BATCHES + steps(MADE, "X_batch", "y_batch")), " / 5"),
    "one row": (Program(LINEAR, steps(ONE, "x_i", "y_i", 1)), " * 1"),
    "rows to train on": (Program(LINEAR, steps(TRAINING, "X_train", "y_train", 1)), " / 15"),
    "an iterator": (Program(LINEAR, steps(ITERATED, "xb", "yb")), " / 4"),
    "layers, batches without names": (Program(NET, SCRIPT + LAYERS), " / 10"),
    "an optimiser": (Program(NET, SCRIPT + OPTIMISER), MEAN),
    "lists of parameters": (Program(NET, SCRIPT + IN_TURN), MEAN),
    "a dictionary made in a loop": (Program(NET, SCRIPT + MADE_IN_TURN), MEAN),
    "columns, and ones for labels": (Program(NET, SCRIPT + COLUMNS), " / m"),
    "restarts": (Program(NET, SCRIPT + RESTARTS), MEAN),
    "a namespace": (Program(NET, SCRIPT + NAMESPACE), MEAN),
    "handed from function to function": (Program(NET, PASSED), " / len(Y)"),
    "objects for parameters": (Program(NET, SCRIPT + PARAMETERS), MEAN),
    "objects for parameters of layers": (Program(NET, SCRIPT + PARAMETERS_OF_LAYERS), MEAN),
    "attributes that are set in turn": (Program(NET, SCRIPT + SET_IN_TURN), MEAN),
    "dictionaries for layers": (Program(NET, SCRIPT + LAYERS_OF_WORDS), MEAN),
    "dataclasses for layers": (Program(NET, SCRIPT + DATACLASSES), MEAN),
    "scaled data": (Program(NET, SCRIPT + SCALED), MEAN),
    "a function that trains": (Program(LINEAR, TRAINS, {"function": "train"}), " / n"),
    "rows of a mask": (Program(NET, SOFTMAX + AFFINE + MASKED), " / len(t)"),
    "layers made of a dictionary": (
        Program(NET, SOFTMAX + AFFINE, {"cls": "Net", "setup": "Net()", "function": "gradient"}),
        " / len(t)",
    ),
    "layers made of parameters": (Program(NET, SCRIPT + MADE_OF_PARAMETERS), MEAN),
    "lists of a class": (Program(NET, NIELSEN, BACKPROP), MEAN),
    "lists that are held": (Program(NET, HELD_LISTS, {"cls": "Net", "setup": "Net([4, 5, 3])"}), " / len(y)"),
}  # fmt: skip
"""Programs, and how each divides by the number of rows."""
RIGHT = {
    "labels of pairs": Program(PAIRS, CONTRASTIVE, {"function": "contrastive"}),
    "labels of margins": Program(MARGINS, HINGE, {"function": "sub"}),
    "lists of numbers": Program(LINEAR, NUMBERS, {"function": "fg"}),
}
"""Programs in which nothing is left out."""

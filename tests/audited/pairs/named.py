"""Programs in which what the fault is called is not what first repairs it."""

from __future__ import annotations

from audited.pairs import pair

pair(
    "redrawn_by_a_function",
    """
X = sg.data("X", ("n", 3)); M = sg.data("M", ("n", 4)); T = sg.data("T", ("n", 2))
W1 = sg.param("W1", (3, 4)); W2 = sg.param("W2", (4, 2))
h = np.tanh(X @ W1)
d = h * M
loss = 0.5 * np.sum((d @ W2 - T) ** 2)
""",
    """
rng = np.random.default_rng(7)

def kept(shape):
    return rng.binomial(1, 0.7, shape)

def backward(X, M, T, W1, W2):
    h = np.tanh(X @ W1)
    d = h * M
    dy = d @ W2 - T
    dd = dy @ W2.T
    dh = dd * kept(h.shape) #!
    return {"W2": d.T @ dy, "d": dd, "h": dh, "W1": X.T @ (dh * (1 - h**2))}
""",
    kinds="random",
    first="h",
    function="backward",
)

pair(
    "bias_of_the_last_row",
    """
X = sg.data("X", ("n", 3)); T = sg.data("T", ("n", 2)); W = sg.param("W", (3, 2)); b = sg.param("b", (2,))
z = X @ W + b
loss = 0.5 * np.sum((z - T) ** 2)
""",
    """
def backward(X, T, W, b):
    dz = X @ W + b - T
    return {"z": dz, "W": X.T @ dz, "b": dz[-1]} #!
""",
    kinds="sum",
    first="b",
    function="backward",
)

pair(
    "margins_cleared_and_half_a_penalty",
    """
X = sg.data("X", ("n", 4)); y = sg.data("y", ("n",), dtype=int); W = sg.param("W", (4, 3))
s = X @ W
margins = np.maximum(s - s[np.arange(s.shape[0]), y][:, None] + 1, 0)
loss = np.sum(margins) / s.shape[0] + 0.3 * np.sum(W * W)
""",
    """
def backward(X, y, W):
    n = len(y)
    s = X @ W
    margins = np.maximum(s - s[np.arange(n), y][:, None] + 1, 0)
    margins[np.arange(n), y] = 0
    counted = (margins > 0) * 1.0
    counted[np.arange(n), y] = -counted.sum(axis=1)
    return {"W": X.T @ counted / n + 0.3 * W} #!
""",
    kinds="term factor",
    first="W",
    function="backward",
)

pair(
    "the_label_of_the_other_side",
    """
z = sg.data("z", ("n", 3)); G = sg.param("G", (3, 4)); D = sg.param("D", (4, 1))
x = np.tanh(z @ G)
s = x @ D
p = 1 / (1 + np.exp(-s))
loss = -np.mean(np.log(p))
""",
    """
def backward(z, G, D):
    x = np.tanh(z @ G)
    p = 1 / (1 + np.exp(-x @ D))
    ds = -p / len(z) #!
    dx = ds @ D.T
    return {"s": ds, "D": x.T @ ds, "x": dx, "G": z.T @ (dx * (1 - x**2))}
""",
    kinds="loss",
    first="s",
    function="backward",
)

pair(
    "rows_averaged_by_their_count",
    """
i = sg.data("i", ("n",), dtype=int); E = sg.param("E", (5, 3)); T = sg.data("T", ("n", 3))
h = E[i]
loss = 0.5 * np.sum((np.tanh(h) - T) ** 2)
""",
    """
def backward(i, E, T):
    h = np.tanh(E[i])
    dh = (h - T) * (1 - h**2)
    dE = np.zeros_like(E)
    for k, row in enumerate(i):
        dE[row] += dh[k] / np.sum(i == row) #!
    return {"h": dh, "E": dE}
""",
    kinds="factor sum",
    first="E",
    function="backward",
)

TAPE = """
class Number:
    def __init__(self, data, before=()):
        self.data, self.grad, self.before = data, 0.0, before
        self.back = lambda: None

    def __mul__(self, other):
        out = Number(self.data * other.data, (self, other))

        def back():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.back = back
        return out

    def __pow__(self, n):
        out = Number(self.data**n, (self,))

        def back():
            self.grad += n * self.data ** (n - 1) * out.grad

        out.back = back
        return out

    def tanh(self):
        t = np.tanh(self.data)
        out = Number(t, (self,))

        def back():
            self.grad += (1 - t**2) * out.grad

        out.back = back
        return out

    def run(self):
        order = []

        def visit(v):
            if v not in order:
                for b in v.before:
                    visit(b)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in order[::-1]:
            v.back()


def backward(x, w):
    x, w = Number(x), Number(w)
    a = x * w
    b = a.tanh() ** 3
    (b * x).run()
    return {"b": b.grad, "a": a.grad, "w": w.grad, "x": x.grad}
"""
"""A tape of numbers, right."""

TAPED = """
x = sg.param("x", ()); w = sg.param("w", ())
a = x * w
b = np.tanh(a) ** 3
loss = b * x
"""

for name, right, wrong, kinds, first in (
    ("tape_unused", "(1 - t**2) * out.grad", "(1 - t**2) #!", "factor", "a"),
    ("tape_of_another", "self.data * out.grad", "self.data * self.grad #!", "value", "w"),
    ("tape_power", "(n - 1) * out.grad", "n * out.grad #!", "activation", "a"),
):
    pair(name, TAPED, TAPE.replace(right, wrong), kinds, first, function="backward")

pair(
    "kernel_turned_too_often",
    """
x = sg.param("x", (6,)); k = sg.param("k", (3,)); D = sg.data("D", (4,))
y = np.stack([np.sum(x[i : i + 3] * k) for i in range(4)])
loss = np.sum(D * np.sin(y))
""",
    """
def backward(x, k, D):
    dx, dk = np.zeros(6), np.zeros(3)
    for i in range(4):
        dy = D[i] * np.cos(np.sum(x[i : i + 3] * k))
        dk += dy * x[i : i + 3]
        dx[i : i + 3] += dy * k[::-1] #!
    return {"k": dk, "x": dx}
""",
    kinds="transpose",
    first="x",
    function="backward",
)

pair(
    "softmax_bias_of_all",
    """
X = sg.data("X", ("n", 4)); Y = sg.data("Y", ("n", 3), assume=sg.one_hot(axis=1))
W = sg.param("W", (4, 3)); b = sg.param("b", (3,))
p = sg.softmax(X @ W + b, axis=1)
loss = -np.sum(Y * np.log(p)) / X.shape[0]
""",
    """
def backward(X, Y, W, b):
    e = np.exp(X @ W + b)
    p = e / e.sum(axis=1, keepdims=True)
    return {"W": -X.T @ (Y - p) / len(X), "b": -np.sum(Y - p) / len(X)} #!
""",
    kinds="sum",
    first="b",
    function="backward",
)

pair(
    "skip_of_what_comes_back",
    """
x = sg.data("x", ("n", 3)); grad = sg.data("grad", ("n", 4)); A = sg.param("A", (3, 4))
W = sg.param("W", (4, 4))
u = x @ A
y = u + np.tanh(u @ W)
loss = np.sum(grad * y)
""",
    """
def backward(x, grad, A, W):
    u = x @ A
    da = grad * (1 - np.tanh(u @ W) ** 2)
    du = da @ W.T #!
    return {"W": u.T @ da, "u": du, "A": x.T @ du}
""",
    kinds="path",
    first="u",
    function="backward",
)

pair(
    "kernel_turned_twice",
    """
x = sg.param("x", (6,)); k = sg.data("k", (3,)); G = sg.data("G", (4,))
y = np.stack([x[i : i + 3] @ k for i in range(4)])
loss = np.sum(G * y)
""",
    """
def backward(x, k, G):
    return {"x": np.convolve(G, k[::-1])} #!
""",
    kinds="transpose value",
    first="x",
    function="backward",
)

pair(
    "focal_weight_of_labels",
    """
X = sg.data("X", ("n", 4)); y = sg.data("y", ("n",)); w = sg.param("w", (4,))
p = 1 / (1 + np.exp(-(X @ w)))
loss = -np.mean(y * (1 - p) ** 2 * np.log(p) + (1 - y) * p**2 * np.log(1 - p))
""",
    """
def backward(X, y, w):
    p = 1 / (1 + np.exp(-(X @ w)))
    weight = y * (1 - p) ** 2 + (1 - y) * p**2
    return {"w": X.T @ (weight * (p - y)) / len(y)} #!
""",
    kinds="path term jacobian",
    first="w",
    function="backward",
)

pair(
    "distance_not_divided_by",
    """
a = sg.param("a", ("n", 3)); b = sg.data("b", ("n", 3)); s = sg.data("s", ("n",))
d = np.sqrt(np.sum((a - b) ** 2, axis=1))
loss = np.sum(s * d**2 + (1 - s) * np.maximum(3 - d, 0) ** 2) / 2
""",
    """
def backward(a, b, s):
    diff = a - b
    d = np.sqrt((diff**2).sum(axis=1))
    hinge = np.maximum(3 - d, 0)
    return {"a": s[:, None] * diff - ((1 - s) * hinge)[:, None] * diff} #!
""",
    kinds="jacobian factor term",
    first="a",
    function="backward",
)

pair(
    "threshold_of_a_mean",
    """
x = sg.data("x", ("n", 3)); t = sg.data("t", ("n", 2))
V = sg.param("V", (3, 4)); W = sg.param("W", (4, 2))
z = x @ V
loss = 0.5 * np.sum((np.maximum(z, 0) @ W - t) ** 2)
""",
    """
def backward(x, t, V, W):
    z = x @ V
    h = np.maximum(z, 0)
    dy = h @ W - t
    dz = np.multiply(dy @ W.T, np.int64(z > z.mean())) #!
    return {"W": h.T @ dy, "V": x.T @ dz}
""",
    kinds="mask",
    first="V",
    function="backward",
)

pair(
    "divided_in_each_turn",
    """
X = sg.data("X", ("n", 3)); y = sg.data("y", ("n",)); w = sg.param("w", (3,))
loss = np.mean((X @ w - y) ** 2) / 2
""",
    """
def backward(X, y, w):
    dw = np.zeros(3)
    for i in range(len(y)):
        dw += (X[i] @ w - y[i]) * X[i]
        dw /= len(y) #!
    return {"w": dw}
""",
    kinds="factor",
    first="w",
    function="backward",
)

pair(
    "ratio_that_is_cut_off",
    """
r = sg.param("r", ("n",)); A = sg.data("A", ("n",))
c = np.minimum(np.maximum(r, 0.8), 1.2)
loss = -np.mean(np.minimum(r * A, c * A))
""",
    """
def backward(r, A):
    return {"r": -A / len(r)} #!
""",
    kinds="mask",
    first="r",
    function="backward",
)

pair(
    "a_switch_for_a_slope",
    """
x = sg.data("x", ("n", 3)); t = sg.data("t", ("n", 2))
V = sg.param("V", (3, 4)); W = sg.param("W", (4, 2))
h = 1 / (1 + np.exp(-(x @ V)))
loss = 0.5 * np.sum((h @ W - t) ** 2)
""",
    """
def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def backward(x, t, V, W, right=False):
    h = sigmoid(x @ V)
    dy = h @ W - t
    dh = dy @ W.T
    if right: #!
        dz = dh * h * (1 - h)
    else:
        dz = dh * sigmoid(h) #!
    return {"W": h.T @ dy, "V": x.T @ dz}
""",
    kinds="activation",
    first="V",
    function="backward",
)

pair(
    "baseline_forgotten",
    """
z = sg.param("z", ("n", 3)); Y = sg.data("Y", ("n", 3), assume=sg.one_hot(axis=1))
R = sg.data("R", ("n",))
adv = R - np.mean(R)
loss = -np.mean(adv * np.sum(Y * sg.log_softmax(z, axis=1), axis=1))
""",
    """
def backward(z, Y, R):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    adv = R - R.mean()
    value = -np.mean(adv * np.sum(Y * np.log(p), axis=1))
    return {"z": (p - Y) * R[:, None] / len(z)} #!
""",
    kinds="value term",
    first="z",
    function="backward",
)

pair(
    "what_comes_back_is_not_used",
    """
x = sg.data("x", ("n", 3)); t = sg.data("t", ("n",)); c = sg.data("c", ("n",)); w = sg.param("w", (3,))
r = x @ w - t
L = np.where(np.abs(r) < 0.8, 0.5 * r**2, 0.8 * (np.abs(r) - 0.4))
loss = np.sum(c * L) / x.shape[0]
""",
    """
class Huber:
    def forward(self, r):
        self.r = r

    def backward(self, gy):
        return np.where(np.abs(self.r) <= 0.8, self.r, 0.8 * np.sign(self.r)) #!

def backward(x, t, c, w):
    huber = Huber()
    huber.forward(x @ w - t)
    gL = c / len(c)
    gr = huber.backward(gL)
    return {"L": gL, "r": gr, "w": x.T @ gr}
""",
    kinds="factor path",
    first="r",
    function="backward",
)

pair(
    "as_many_rows_count",
    """
X = sg.data("X", (5, 3)); t = sg.data("t", (5,)); m = sg.data("m", (5,)); w = sg.param("w", (3,))
r = X @ w - t
loss = np.sum(m * r**2) / np.sum(m)
""",
    """
rng = np.random.default_rng(3)
X = rng.normal(size=(5, 3))
t = rng.normal(size=5)
m = np.array([1.0, 1, 1, 0, 0])
w = rng.normal(size=3)
r = X @ w - t
loss = np.sum(m * r**2) / m.sum()
dr = 2 * r / m.sum() #!
dw = X.T @ dr
""",
    kinds="mask",
    first="r",
)

pair(
    "mean_of_sums_for_a_sum",
    """
X = sg.data("X", ("n", 3)); T = sg.data("T", ("n", 2)); W = sg.param("W", (3, 2)); b = sg.param("b", (2,))
loss = 0.5 * np.sum((X @ W + b - T) ** 2)
""",
    """
def backward(X, T, W, b):
    dz = X @ W + b - T
    return {"W": X.T @ dz, "b": dz.sum(axis=1).mean()} #!
""",
    kinds="sum",
    first="b",
    function="backward",
)

pair(
    "before_the_kink_in_a_product",
    """
X = sg.data("X", ("n", 3)); T = sg.data("T", ("n", 2)); V = sg.param("V", (3, 4)); W = sg.param("W", (4, 2))
z = X @ V
h = np.maximum(z, 0)
loss = 0.5 * np.sum((h @ W - T) ** 2)
""",
    """
class Net:
    def run(self, X, T, V, W):
        self.z = X @ V
        self.h = np.maximum(0, self.z)
        dy = self.h @ W - T
        dz = dy @ W.T * (self.z > 0)
        return {"W": self.z.T @ dy, "V": X.T @ dz} #!

def backward(X, T, V, W):
    return Net().run(X, T, V, W)
""",
    kinds="value",
    first="W",
    function="backward",
)

pair(
    "half_of_a_quadratic_form",
    """
x = sg.data("x", ("n", 3)); A = sg.param("A", (3, 3)); u = sg.param("u", (3,))
loss = np.sum((x @ u) ** 2) + u @ A @ u
""",
    """
def backward(x, A, u):
    return {"A": np.outer(u, u), "u": 2 * x.T @ (x @ u) + A @ u} #!
""",
    kinds="term path",
    first="u",
    function="backward",
)

"""Right programs in spellings that are easily taken for something else: the spec, and the code."""

from __future__ import annotations

LINEAR = """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",))
w = sg.param("w", (3,)); b = sg.param("b", ())
loss = np.mean((X @ w + b - y) ** 2)
"""
COLUMNS = """
X = sg.data("X", (3, "m")); Y = sg.data("Y", (2, "m"))
W1 = sg.param("W1", (4, 3)); W2 = sg.param("W2", (2, 4))
Z1 = W1 @ X
Z2 = W2 @ np.tanh(Z1)
loss = np.sum((Z2 - Y) ** 2) / X.shape[1]
"""
FILTER = """
y = sg.data("y", (3,)); a = sg.param("a", ()); c = sg.param("c", ())
m = a * y[0] + c
n = a * (y[1] - m) + c
loss = (y[2] - n) ** 2
"""
POLICY = """
S = sg.data("S", ("T", 4)); A = sg.data("A", ("T",), dtype=int); W = sg.param("W", (4, 3))
z = S @ W
loss = np.sum(sg.logsumexp(z, axis=1) - z[np.arange(S.shape[0]), A])
"""
LOGISTIC = """
X = sg.data("X", ("N", 2)); t = sg.data("t", ("N",)); w = sg.param("w", (2,))
z = X @ w
loss = np.sum(np.log(1 + np.exp(z)) - t * z)
"""
SIGNED = """
z = sg.param("z", ("N",)); y = sg.data("y", ("N",))
p = 1 / (1 + np.exp(-z))
loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
"""
MADE = """
rng = np.random.default_rng(0)
X = rng.normal(size=(12, 3)); y = X @ [1.0, 2, 3] + 4
"""
NET = """
rng = np.random.default_rng(0)
X = rng.normal(size=(3, 12)); Y = rng.normal(size=(2, 12))

def start():
    p = {}
    for l, (i, o) in enumerate([(3, 4), (4, 2)], 1):
        p["W" + str(l)] = rng.normal(size=(o, i))
    return p

def backward(p, X, Y):
    A1 = np.tanh(p["W1"] @ X)
    dZ2 = 2 * (p["W2"] @ A1 - Y) / X.shape[1]
    return {"dW2": dZ2 @ A1.T, "dW1": p["W2"].T @ dZ2 * (1 - A1**2) @ X.T}
"""
SPELLINGS = {
    "a rate that decays": (
        LINEAR,
        MADE
        + """
X -= X.mean(0)
w, b, lr = np.zeros(3), 0.0, 0.1
while lr > 1e-3:
    e = X @ w + b - y
    w -= lr * 2 * X.T @ e / len(y)
    b -= lr * 2 * e.mean()
    lr *= 0.9
""",
    ),
    "a minimiser": (
        LINEAR,
        MADE
        + """
from scipy.optimize import minimize
w, b = np.ones(3), 0.5

def f(v, X, y):
    e = X @ v[:-1] + v[-1] - y
    grad_w, grad_b = X.T @ e * 2 / len(y), 2 * e.mean()
    return np.mean(e**2), np.append(grad_w, grad_b)

print(minimize(f, np.append(w, b), args=(X, y), jac=True, method="BFGS").x)
""",
    ),
    "a column of ones": (
        LINEAR.replace("3", "4").replace(" + b", "").replace('b = sg.param("b", ())', ""),
        MADE
        + """
X_b = np.c_[np.ones(len(X)), X]
w = np.zeros(4)
for k in range(9):
    gradients = 2 / len(y) * X_b.T @ (X_b @ w - y)
    w = w - 0.1 * gradients
""",
    ),
    "ones put before the columns": (
        LINEAR.replace("3", "4").replace(" + b", "").replace('b = sg.param("b", ())', ""),
        MADE
        + """
X = np.c_[np.ones(len(X)), X]
w = np.zeros(4)
gradients = 2 / len(y) * X.T @ (X @ w - y)
""",
    ),
    "sums under other names": (
        LINEAR,
        MADE
        + """
w, b = rng.normal(size=3), np.array(0.5)
grad_w, grad_b = np.zeros(3), np.zeros(())
for x, t in zip(X, y):
    e = 2 * (x @ w + b - t) / len(y)
    for g, part in zip((grad_w, grad_b), (e * x, e)):
        g += part
""",
    ),
    "one vector back": (
        LINEAR,
        """
def f(X, y, w, b):
    e = 2 * (X @ w + b - y) / len(y)
    return np.mean((X @ w + b - y) ** 2), np.r_[e @ X, e.sum()]
""",
        {"function": "f"},
    ),
    "numbers in a tuple": (
        FILTER,
        """
def f(y, a, c):
    m = a * y[0] + c
    n = a * (y[1] - m) + c
    dn = 2 * (n - y[2])
    ga, gc = dn * (y[1] - m - a * y[0]), dn * (1 - a)
    return (y[2] - n) ** 2, (ga, gc)
""",
        {"function": "f"},
    ),
    "columns of a batch": (
        COLUMNS,
        NET
        + """
p = start()
for k in range(3):
    for s in range(0, 12, 4):
        i = rng.permutation(12)[s : s + 4]
        g = backward(p, X[:, i], Y[:, i])
        for n in p:
            p[n] -= 0.1 * g["d" + n]
""",
    ),
    "velocities in a function": (
        COLUMNS,
        NET
        + """
def train(X, Y):
    parameters = start()
    v = {"d" + n: 0 * p for n, p in parameters.items()}
    for k in range(3):
        order = rng.permutation(12)
        batches = [(X[:, order[s : s + 4]], Y[:, order[s : s + 4]]) for s in (0, 4, 8)]
        for batch in batches:
            (X_batch, Y_batch) = batch
            gradients = backward(parameters, X_batch, Y_batch)
            for n in parameters:
                v["d" + n] = 0.9 * v["d" + n] + 0.1 * gradients["d" + n]
                parameters[n] = parameters[n] - 0.1 * v["d" + n]
    return parameters

parameters = train(X, Y)
""",
    ),
    "lists that are filled": (
        POLICY,
        """
rng = np.random.default_rng(0)
W = rng.normal(size=(4, 3))
S, A = [], []
for t in range(5):
    S.append(rng.normal(size=4))
    a = int(rng.integers(3))
    A.append(a)
S, A = np.array(S), np.array(A)
p = np.exp(S @ W)
p /= p.sum(1, keepdims=True)
p[range(len(A)), A] -= 1
dW = S.T @ p
""",
    ),
    "a guard against overflow": (
        LOGISTIC,
        """
def f(X, t, w):
    z = np.clip(X @ w, -500, 500)
    return X.T @ (1 / (1 + np.exp(-z)) - t)
""",
        {"function": "f"},
    ),
    "entries that are changed later": (
        LINEAR.replace("loss =", "loss = np.sum(w ** 2) + b ** 2 +"),
        MADE
        + """
w, b = rng.normal(size=3), np.array(0.5)
G = {n: np.zeros_like(p) for n, p in dict(w=w, b=b).items()}
for k in range(3):
    e = 2 * (X @ w + b - y) / len(y)
    G["w"] += X.T @ e
    G["b"] += e.sum()
    for n, p in zip("wb", (w, b)):
        G[n] += 2 * p
        p -= 0.1 * G[n]
""",
    ),
    "labels that are made signs": (
        SIGNED,
        """
def f(z, y):
    s = 2 * y - 1
    return -s / (1 + np.exp(s * z))
""",
        {"function": "f"},
    ),
    "lists from the front": (
        COLUMNS,
        """
rng = np.random.default_rng(0)
X = rng.normal(size=(3, 12)); Y = rng.normal(size=(2, 12))
Ws = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]
A = [X, np.tanh(Ws[0] @ X)]
d, dWs = 2 * (Ws[1] @ A[1] - Y) / X.shape[1], []
for k in (1, 0):
    dWs.insert(0, d @ A[k].T)
    d = Ws[k].T @ d * (1 - A[k] ** 2)
""",
    ),
    "trained by the pair": (
        LINEAR,
        MADE
        + """
w, b = rng.normal(size=3), np.array(0.5)
losses = []
while len(losses) < 9:
    e = X @ w + b - y
    losses.append(np.mean(e**2))
    dw, db = 2 * e @ X / len(y), 2 * e.mean()
    for p, g in [(w, dw), (b, db)]:
        np.subtract(p, 0.1 * g, out=p)
""",
    ),
    "a step that is a closure": (
        LINEAR,
        MADE
        + """
def rule(rate):
    def step(p, g):
        p -= rate * g
    return step

w, b, step = np.zeros(3), np.zeros(1), rule(0.1)
for k in range(3):
    for i in np.array_split(rng.permutation(12), 3):
        X_, y_ = X[i], y[i]
        e, grads = 2 * (X_ @ w + b - y_) / len(i), {}
        grads["w"], grads["b"] = X_.T @ e, e.sum(keepdims=True)
        for n, p in {"w": w, "b": b}.items():
            step(p, grads[n])
""",
    ),
}

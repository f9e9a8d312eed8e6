"""Passes with one fault each, as people write them."""

from audited.pairs import pair

pair(
    "bn_train",
    """
x = sg.param("x", ("N", 4)); y = sg.data("y", ("N", 3)); gamma = sg.param("gamma", (4,)); beta = sg.param("beta", (4,)); W = sg.param("W", (4, 3))
mu = np.mean(x, axis=0)
xmu = x - mu
var = np.mean(xmu**2, axis=0)
std = np.sqrt(var + 1e-5)
xhat = xmu / std
out = gamma * xhat + beta
s = out @ W
loss = 0.5 * np.mean(np.sum((s - y)**2, axis=1))
""",
    """
def batchnorm_forward(x, gamma, beta, eps=1e-5):
    N, D = x.shape
    mu = 1./N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu ** 2
    var = 1./N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1./sqrtvar
    xhat = xmu * ivar
    out = gamma * xhat + beta
    cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    return out, cache

def batchnorm_backward(dout, cache):
    xhat, gamma, xmu, ivar, sqrtvar, var, eps = cache
    N, D = dout.shape
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1. / (sqrtvar**2) * divar
    dvar = 0.5 * 1. / np.sqrt(var + eps) * dsqrtvar
    dsq = np.ones((N, D)) * dvar #!
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1. / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta

def grads(x, y, gamma, beta, W):
    out, cache = batchnorm_forward(x, gamma, beta)
    scores = out @ W
    dscores = (scores - y) / len(x)
    dW = out.T @ dscores
    dout = dscores @ W.T
    dx, dgamma, dbeta = batchnorm_backward(dout, cache)
    return {'W': dW, 'gamma': dgamma, 'beta': dbeta, 'x': dx}
""",
    kinds="factor sum term",
    first="x",
    function="grads",
)

pair(
    "softmax_layer_jac",
    """
X = sg.data("X", ("N", 4)); T = sg.data("T", ("N", 3)); W = sg.param("W", (4, 3)); b = sg.param("b", (3,))
z = X @ W + b
e = np.exp(z)
a = e / np.sum(e, axis=1, keepdims=True)
loss = 0.5 * np.sum((a - T)**2)
""",
    """
class Softmax:
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.a = e / e.sum(axis=1, keepdims=True)
        return self.a

    def backward(self, grad):
        return grad * self.a * (1 - self.a) #!

class Net:
    def __init__(self, n_in, n_out):
        rng = np.random.default_rng(0)
        self.W = rng.normal(size=(n_in, n_out))
        self.b = np.zeros(n_out)
        self.soft = Softmax()

    def forward(self, X):
        self.X = X
        self.z = X @ self.W + self.b
        return self.soft.forward(self.z)

    def backward(self, T):
        dz = self.soft.backward(self.soft.a - T)
        self.dW = self.X.T @ dz
        self.db = dz.sum(axis=0)
""",
    kinds="jacobian",
    first="W b",
    cls="Net",
    setup="Net(4, 3)",
)

pair(
    "relu_wrong_mask",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (1, 5)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (1, 2))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
np.random.seed(1)
X = np.random.randn(8, 4)
y = (np.random.rand(8, 2) > 0.5).astype(float)
W1 = np.random.randn(4, 5) * 0.1
b1 = np.zeros((1, 5))
W2 = np.random.randn(5, 2) * 0.1
b2 = np.zeros((1, 2))
lr = 0.1
for epoch in range(100):
    # forward
    Z1 = X.dot(W1) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = A1.dot(W2) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
    # backward
    dZ2 = (A2 - y) / X.shape[0]
    dW2 = A1.T.dot(dZ2)
    db2 = dZ2.sum(axis=0, keepdims=True)
    dA1 = dZ2.dot(W2.T)
    dZ1 = dA1.copy()
    dZ1[dA1 <= 0] = 0 #!
    dW1 = X.T.dot(dZ1)
    db1 = dZ1.sum(axis=0, keepdims=True)
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
    if epoch % 10 == 0:
        print(epoch, loss)
""",
    kinds="mask",
    first="Z1 W1 b1",
)

pair(
    "loop_stale_weight",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (1, 5)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (1, 2))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
import matplotlib.pyplot as plt
rng = np.random.RandomState(1)
X = rng.randn(8, 4); y = (rng.rand(8, 2) > 0.5) * 1.0
W1 = rng.randn(4, 5); b1 = np.zeros((1, 5)); W2 = rng.randn(5, 2); b2 = np.zeros((1, 2))
costs = []
for i in range(50):
    Z1 = X @ W1 + b1
    A1 = Z1 * (Z1 > 0)
    Z2 = A1 @ W2 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    dZ2 = (A2 - y) / len(X)
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    W2 = W2 - 0.5 * dW2 #!
    b2 = b2 - 0.5 * db2
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0, keepdims=True)
    W1 = W1 - 0.5 * dW1
    b1 = b1 - 0.5 * db1
plt.plot(costs)
""",
    kinds="overwritten value",
    first="Z1 W1 b1",
)

pair(
    "dropout_redrawn",
    """
X = sg.data("X", ("N", 4)); M = sg.data("M", ("N", 6), assume=sg.positive) ; t = sg.data("t", ("N", 1)); W1 = sg.param("W1", (4, 6)); W2 = sg.param("W2", (6, 1))
h = np.tanh(X @ W1)
d = h * M
yhat = d @ W2
loss = np.mean((yhat - t)**2)
""",
    """
def backward(X, M, t, W1, W2, p=0.5):
    h = np.tanh(X @ W1)
    d = h * M
    yhat = d @ W2
    dyhat = 2 * (yhat - t) / len(t)
    dW2 = d.T @ dyhat
    dd = dyhat @ W2.T
    mask = (np.random.rand(*h.shape) < p) / p #!
    dh = dd * mask
    dW1 = X.T @ (dh * (1 - h**2))
    return dict(dyhat=dyhat, dW2=dW2, dh=dh, dW1=dW1)
""",
    kinds="random value",
    first="h W1",
    function="backward",
)

pair(
    "decay_sign",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3)); b = sg.param("b", (3,)); reg = sg.data("reg", (), assume=sg.positive)
scores = X @ W + b
probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
loss = -np.mean(np.log(probs[sg.arange("N"), y])) + reg * np.sum(W**2)
""",
    """
def softmax_loss(W, b, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W) + b
    scores -= np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    loss = -np.mean(np.log(probs[np.arange(num_train), y])) + reg * np.sum(W * W)
    dscores = probs.copy()
    dscores[np.arange(num_train), y] -= 1
    dscores /= num_train
    dW = X.T.dot(dscores) + reg * W #!
    db = dscores.sum(axis=0)
    return loss, dW, db
""",
    kinds="factor term",
    first="W",
    function="softmax_loss",
)

pair(
    "inplace_probs",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3)); c = sg.param("c", (3,))
z = X @ W
p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
q = p @ c
loss = -np.sum(np.log(p[sg.arange("N"), y])) + 0.5 * np.sum(q**2)
""",
    """
def grad(X, y, W, c):
    n = np.arange(len(y))
    z = X @ W
    e = np.exp(z - z.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    q = p @ c
    dz = p #!
    dz[n, y] -= 1
    dc = p.T @ q
    dp = np.outer(q, c)
    dz = dz + p * (dp - (dp * p).sum(1, keepdims=True))
    dW = X.T @ dz
    return {"c": dc, "z": dz, "W": dW}
""",
    kinds="overwritten value",
    first="c",
    function="grad",
)

pair(
    "mean_vs_sum",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N", 2)); W = sg.param("W", (3, 2)); b = sg.param("b", (2,))
y = X @ W + b
loss = np.mean((y - t)**2)
""",
    """
from collections import namedtuple
Grads = namedtuple("Grads", "dy dW db")
def mse_grads(X, t, W, b):
    y = X @ W + b
    n = X.shape[0]
    dy = 2.0 / n * (y - t) #!
    return Grads(dy, X.T @ dy, dy.sum(axis=0))
""",
    kinds="factor",
    first="y",
    function="mse_grads",
)

pair(
    "conv1d_bias_len",
    """
x = sg.param("x", ("N", 10)); k = sg.param("k", (3,)); b = sg.param("b", ()); g = sg.data("g", ("N", 8))
y = k[0] * x[:, 0:8] + k[1] * x[:, 1:9] + k[2] * x[:, 2:10] + b
loss = np.sum(g * y**2) / 2
""",
    """
def backward(x, k, b, g):
    y = np.stack([x[:, i:i+3] @ k + b for i in range(8)], axis=1)
    dy = g * y
    dk = np.zeros_like(k)
    dx = np.zeros_like(x)
    for i in range(8):
        dk += dy[:, i] @ x[:, i:i+3]
        dx[:, i:i+3] = np.outer(dy[:, i], k) #!
    db = dy.sum()
    return dy, dk, db, dx
""",
    kinds="overwritten",
    first="x",
    function="backward",
)

pair(
    "lstm_forget",
    """
x = sg.data("x", (2, "N", 3)); G = sg.data("G", ("N", 4)); Wf = sg.param("Wf", (3, 4)); Wi = sg.param("Wi", (3, 4)); Wc = sg.param("Wc", (3, 4)); Wo = sg.param("Wo", (3, 4)); c0 = sg.data("c0", ("N", 4))
f1 = 1 / (1 + np.exp(-(x[0] @ Wf)))
i1 = 1 / (1 + np.exp(-(x[0] @ Wi)))
g1 = np.tanh(x[0] @ Wc)
c1 = f1 * c0 + i1 * g1
f2 = 1 / (1 + np.exp(-(x[1] @ Wf)))
i2 = 1 / (1 + np.exp(-(x[1] @ Wi)))
g2 = np.tanh(x[1] @ Wc)
o2 = 1 / (1 + np.exp(-(x[1] @ Wo)))
c2 = f2 * c1 + i2 * g2
h2 = o2 * np.tanh(c2)
loss = np.sum(G * h2)
""",
    """
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def bptt(x, G, Wf, Wi, Wc, Wo, c0):
    cs, caches = [c0], []
    for t in range(2):
        f, i, g, o = sigmoid(x[t] @ Wf), sigmoid(x[t] @ Wi), np.tanh(x[t] @ Wc), sigmoid(x[t] @ Wo)
        cs.append(f * cs[-1] + i * g)
        caches.append((f, i, g, o))
    dWf, dWi, dWc, dWo = (np.zeros_like(w) for w in (Wf, Wi, Wc, Wo))
    dc = np.zeros_like(c0)
    dh = G
    for t in reversed(range(2)):
        f, i, g, o = caches[t]
        tc = np.tanh(cs[t + 1])
        do = dh * tc
        dc = dc + dh * o * (1 - tc**2)
        df = dc * cs[t + 1] #!
        di = dc * g
        dg = dc * i
        dWf += x[t].T @ (df * f * (1 - f))
        dWi += x[t].T @ (di * i * (1 - i))
        dWc += x[t].T @ (dg * (1 - g**2))
        dWo += x[t].T @ (do * o * (1 - o))
        dc = dc * f
        dh = np.zeros_like(dh)
    return {"Wf": dWf, "Wi": dWi, "Wc": dWc, "Wo": dWo}
""",
    kinds="value",
    first="Wf",
    function="bptt",
)

pair(
    "embed_overwritten",
    """
idx = sg.data("idx", ("T",), dtype=int); E = sg.param("E", (7, 3)); W = sg.param("W", (3, 2)); G = sg.data("G", ("T", 2))
v = E[idx]
s = v @ W
loss = np.sum(G * np.tanh(s))
""",
    """
class Embedding:
    def __init__(self, V, D):
        self.E = np.random.randn(V, D)
        self.W = np.random.randn(D, 2)
    def forward(self, idx):
        self.idx = idx
        self.v = self.E[idx]
        self.s = self.v @ self.W
        return np.tanh(self.s)
    def backward(self, G):
        ds = G * (1 - np.tanh(self.s)**2)
        self.dW = self.v.T @ ds
        dv = ds @ self.W.T
        self.dE = np.zeros_like(self.E)
        self.dE[self.idx] += dv #!
""",
    kinds="overwritten",
    first="E",
    cls="Embedding",
    setup="Embedding(7, 3)",
)

pair(
    "cosine_norm",
    """
u = sg.param("u", ("N", 4)); v = sg.data("v", ("N", 4)); w = sg.data("w", ("N",))
nu = np.sqrt(np.sum(u**2, axis=1))
nv = np.sqrt(np.sum(v**2, axis=1))
c = np.sum(u * v, axis=1) / (nu * nv)
loss = np.sum(w * c)
""",
    """
def cosine_backward(u, v, w):
    nu = np.linalg.norm(u, axis=1, keepdims=True)
    nv = np.linalg.norm(v, axis=1, keepdims=True)
    c = (u * v).sum(1, keepdims=True) / (nu * nv)
    du = w[:, None] * (v / (nu * nv) - c * u / nu) #!
    return {"u": du}
""",
    kinds="factor jacobian value term",
    first="u",
    function="cosine_backward",
)

pair(
    "tanh_pre",
    """
x = sg.data("x", (4, 1)); y = sg.data("y", (2, 1)); W1 = sg.param("W1", (5, 4)); b1 = sg.param("b1", (5, 1)); W2 = sg.param("W2", (2, 5)); b2 = sg.param("b2", (2, 1))
z1 = W1 @ x + b1
a1 = np.tanh(z1)
z2 = W2 @ a1 + b2
loss = 0.5 * np.sum((z2 - y)**2)
""",
    """
def tanh_prime(z):
    return 1 - np.tanh(z)**2

class Network:
    def __init__(self):
        self.W1, self.b1 = np.random.randn(5, 4), np.random.randn(5, 1)
        self.W2, self.b2 = np.random.randn(2, 5), np.random.randn(2, 1)
    def forward(self, x):
        self.x = x
        self.z1 = self.W1 @ x + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = self.W2 @ self.a1 + self.b2
        return self.z2
    def backward(self, y):
        delta2 = self.z2 - y
        grads = {}
        grads["W2"] = delta2 @ self.a1.T
        grads["b2"] = delta2
        delta1 = (self.W2.T @ delta2) * tanh_prime(self.a1) #!
        grads["W1"] = delta1 @ self.x.T
        grads["b1"] = delta1
        return grads
""",
    kinds="activation value",
    first="W1 b1",
    cls="Network",
    setup="Network()",
)

pair(
    "triplet",
    """
a = sg.param("a", ("N", 4)); p = sg.param("p", ("N", 4)); n = sg.param("n", ("N", 4))
dp = np.sum((a - p)**2, axis=1)
dn = np.sum((a - n)**2, axis=1)
loss = np.mean(np.maximum(dp - dn + 1.0, 0))
""",
    """
def triplet_grads(a, p, n, margin=1.0):
    pos = ((a - p)**2).sum(1)
    neg = ((a - n)**2).sum(1)
    active = (pos - neg + margin > 0).astype(float)[:, None] / len(a)
    grad_a = active * 2 * (n - p)
    grad_p = active * 2 * (p - a)
    grad_n = active * 2 * (n - a) #!
    return grad_a, grad_p, grad_n
""",
    kinds="sign",
    first="n",
    function="triplet_grads",
)

pair(
    "gelu",
    """
X = sg.data("X", ("N", 3)); W = sg.param("W", (3, 4)); G = sg.data("G", ("N", 4))
z = X @ W
u = np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)
y = 0.5 * z * (1 + np.tanh(u))
loss = np.sum(G * y)
""",
    """
def gelu_backward(X, W, G):
    z = X @ W
    c = np.sqrt(2 / np.pi)
    u = c * (z + 0.044715 * z**3)
    t = np.tanh(u)
    dz = G * (0.5 * (1 + t) + 0.5 * z * (1 - t**2) * c * (1 + 0.044715 * z**2)) #!
    return {"z": dz, "W": X.T @ dz}
""",
    kinds="factor operation term",
    first="z",
    function="gelu_backward",
)

pair(
    "kl_sign",
    """
mu = sg.param("mu", ("N", 3)); logvar = sg.param("logvar", ("N", 3)); eps = sg.data("eps", ("N", 3)); D = sg.param("D", (3, 5)); x = sg.data("x", ("N", 5))
z = mu + np.exp(0.5 * logvar) * eps
xr = z @ D
loss = 0.5 * np.sum((xr - x)**2) - 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
""",
    """
def vae_grads(mu, logvar, eps, D, x):
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    dxr = z @ D - x
    dD = z.T @ dxr
    dz = dxr @ D.T
    dmu = dz - mu #!
    dlogvar = dz * eps * std * 0.5 - 0.5 * (1 - np.exp(logvar))
    return dict(dxr=dxr, dD=dD, dz=dz, dmu=dmu, dlogvar=dlogvar)
""",
    kinds="sign",
    first="mu",
    function="vae_grads",
)

pair(
    "clipped_mid",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); W2 = sg.param("W2", (5, 2))
h = np.tanh(X @ W1)
o = h @ W2
loss = 0.5 * np.sum((o - y)**2)
""",
    """
def f(X, y, W1, W2):
    h = np.tanh(X @ W1)
    o = h @ W2
    do = o - y
    dW2 = h.T @ do
    dh = np.clip(do @ W2.T, -1, 1) #!
    dW1 = X.T @ (dh * (1 - h**2))
    return {"o": do, "W2": dW2, "h": dh, "W1": dW1}
""",
    kinds="clipped",
    first="h",
    function="f",
)

pair(
    "layernorm_axis",
    """
x = sg.param("x", ("N", 5)); g = sg.param("g", (5,)); b = sg.param("b", (5,)); G = sg.data("G", ("N", 5))
mu = np.mean(x, axis=1, keepdims=True)
v = np.mean((x - mu)**2, axis=1, keepdims=True)
xhat = (x - mu) / np.sqrt(v + 1e-5)
y = g * xhat + b
loss = np.sum(G * y)
""",
    """
def layernorm_backward(x, g, b, G):
    mean = x.mean(-1, keepdims=True)
    var = x.var(-1, keepdims=True)
    rstd = 1 / np.sqrt(var + 1e-5)
    norm = (x - mean) * rstd
    db = G.sum(0)
    dg = (G * norm).sum(0)
    dnorm = G * g
    dx = dnorm - dnorm.mean(-1, keepdims=True) - norm * (dnorm * norm).sum(-1, keepdims=True) #!
    dx *= rstd
    return db, dg, dx
""",
    kinds="sum factor term jacobian",
    first="x",
    function="layernorm_backward",
)

pair(
    "attention_softmax_axis",
    """
Q = sg.param("Q", ("T", 4)); K = sg.param("K", ("T", 4)); V = sg.param("V", ("T", 3)); G = sg.data("G", ("T", 3))
S = Q @ K.T / 2.0
A = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
O = A @ V
loss = np.sum(G * O)
""",
    """
def attention_backward(Q, K, V, G):
    d = Q.shape[-1]
    S = Q @ K.T / np.sqrt(d)
    A = np.exp(S - S.max(-1, keepdims=True))
    A /= A.sum(-1, keepdims=True)
    dV = A.T @ G
    dA = G @ V.T
    dS = A * (dA - (dA * A).sum(axis=0, keepdims=True)) #!
    dQ = dS @ K / np.sqrt(d)
    dK = dS.T @ Q / np.sqrt(d)
    return {"V": dV, "A": dA, "S": dS, "Q": dQ, "K": dK}
""",
    kinds="sum jacobian",
    first="S",
    function="attention_backward",
)

pair(
    "attention_kT",
    """
Q = sg.param("Q", ("T", 4)); K = sg.param("K", ("T", 4)); V = sg.param("V", ("T", 3)); G = sg.data("G", ("T", 3))
S = Q @ K.T / 2.0
A = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
O = A @ V
loss = np.sum(G * O)
""",
    """
def attention_backward(Q, K, V, G):
    scale = Q.shape[1] ** -0.5
    S = Q @ K.T * scale
    A = np.exp(S) / np.exp(S).sum(1, keepdims=True)
    dV = A.T @ G
    dA = G @ V.T
    dS = A * (dA - (dA * A).sum(axis=1, keepdims=True))
    dQ = scale * dS @ K
    dK = scale * dS @ Q #!
    return dV, dQ, dK
""",
    kinds="transpose",
    first="K",
    function="attention_backward",
)

pair(
    "nb_bias_mean",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (1, 5)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (1, 2))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
# %%
X = np.array([[1., 2, 0, 1], [0, 1, 1, -1], [2, -1, 0, 1]])
y = np.array([[1., 0], [0, 1], [1, 1]])
# %%
W1 = np.array([[.1, -.2, .3, .2, .1], [.2, .1, -.1, .3, -.3], [.4, .2, .1, -.2, .1], [.1, .1, .1, .2, -.1]])
b1 = np.zeros((1, 5))
W2 = np.array([[.1, .2], [-.3, .1], [.2, .2], [.1, -.1], [.3, .1]])
b2 = np.zeros((1, 2))
# %%
z1 = X @ W1 + b1
a1 = np.maximum(0, z1)
z2 = a1 @ W2 + b2
a2 = 1 / (1 + np.exp(-z2))
# %%
dz2 = (a2 - y) / 3
dW2 = a1.T @ dz2
db2 = np.mean(dz2, axis=0, keepdims=True) #!
# %%
da1 = dz2 @ W2.T
dz1 = da1 * (z1 > 0)
dW1 = X.T @ dz1
db1 = np.sum(dz1, axis=0, keepdims=True)
""",
    kinds="sum factor",
    first="b2",
    suffix=".ipynb",
)

pair(
    "momentum_loop",
    """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N", 1)); w = sg.param("w", (3, 1)); b = sg.param("b", (1, 1))
z = X @ w + b
a = 1 / (1 + np.exp(-z))
loss = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
""",
    """
np.random.seed(0)
X = np.random.randn(10, 3)
y = (X[:, :1] > 0).astype(float)
w = np.random.randn(3, 1)
b = np.zeros((1, 1))
vw, vb = np.zeros_like(w), np.zeros_like(b)
m = len(X)
for it in range(20):
    z = X @ w + b
    a = 1 / (1 + np.exp(-z))
    J = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    dz = (a - y) * a * (1 - a) #!
    dw = X.T @ dz / m
    db = np.sum(dz, keepdims=True) / m
    vw = 0.9 * vw + dw
    vb = 0.9 * vb + db
    w = w - 0.1 * vw
    b = b - 0.1 * vb
""",
    kinds="activation term factor operation loss",
    first="z w b",
)

pair(
    "rnn_path",
    """
x = sg.data("x", (3, 4)); y = sg.data("y", (3, 2)); Wx = sg.param("Wx", (4, 5)); Wh = sg.param("Wh", (5, 5)); Wy = sg.param("Wy", (5, 2)); bh = sg.param("bh", (5,))
h1 = np.tanh(x[0] @ Wx + bh)
h2 = np.tanh(x[1] @ Wx + h1 @ Wh + bh)
h3 = np.tanh(x[2] @ Wx + h2 @ Wh + bh)
loss = 0.5 * (np.sum((h1 @ Wy - y[0])**2) + np.sum((h2 @ Wy - y[1])**2) + np.sum((h3 @ Wy - y[2])**2))
""",
    """
def bptt(x, y, Wx, Wh, Wy, bh):
    T = len(x)
    h = {-1: np.zeros(5)}
    dWx, dWh, dWy, dbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy), np.zeros_like(bh)
    out = {}
    for t in range(T):
        h[t] = np.tanh(x[t] @ Wx + h[t-1] @ Wh + bh)
        out[t] = h[t] @ Wy
    dh_next = np.zeros(5)
    for t in reversed(range(T)):
        dy = out[t] - y[t]
        dWy += np.outer(h[t], dy)
        dh = Wy @ dy + dh_next
        dr = (1 - h[t]**2) * dh
        dbh += dr
        dWx += np.outer(x[t], dr)
        dWh += np.outer(h[t], dr) #!
        dh_next = Wh @ dr
    return {"Wy": dWy, "bh": dbh, "Wx": dWx, "Wh": dWh}
""",
    kinds="value",
    first="Wh",
    function="bptt",
)

pair(
    "rnn_turned",
    """
x = sg.data("x", (3, 4)); y = sg.data("y", (3, 2)); Wx = sg.param("Wx", (4, 5)); Wh = sg.param("Wh", (5, 5)); Wy = sg.param("Wy", (5, 2)); bh = sg.param("bh", (5,))
h1 = np.tanh(x[0] @ Wx + bh)
h2 = np.tanh(x[1] @ Wx + h1 @ Wh + bh)
h3 = np.tanh(x[2] @ Wx + h2 @ Wh + bh)
loss = 0.5 * (np.sum((h1 @ Wy - y[0])**2) + np.sum((h2 @ Wy - y[1])**2) + np.sum((h3 @ Wy - y[2])**2))
""",
    """
def bptt(x, y, Wx, Wh, Wy, bh):
    T = len(x)
    hs = np.zeros((T + 1, 5))
    dWx, dWh, dWy, dbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy), np.zeros_like(bh)
    for t in range(T):
        hs[t] = np.tanh(x[t] @ Wx + hs[t-1] @ Wh + bh)
    o = hs[:T] @ Wy
    dh_next = np.zeros(5)
    for t in range(T)[::-1]:
        dy = o[t] - y[t]
        dWy += np.outer(hs[t], dy)
        dh = dy @ Wy.T + dh_next
        da = (1 - hs[t]**2) * dh
        dbh += da
        dWx += np.outer(x[t], da)
        dWh += np.outer(hs[t-1], da)
        dh_next = da @ Wh #!
    return dWy, dbh, dWx, dWh
""",
    kinds="transpose",
    first="bh",
    function="bptt",
)

pair(
    "maxpool_ties",
    """
x = sg.param("x", ("N", 4)); G = sg.data("G", ("N", 2))
p = np.max(np.reshape(x, ("N", 2, 2)), axis=2)
loss = np.sum(G * p**2)
""",
    """
def pool_grad(x, G):
    N = len(x)
    r = x.reshape(N, 2, 2)
    p = r.max(axis=2)
    dp = 2 * G * p
    win = r.argmin(axis=2) #!
    dr = np.zeros_like(r)
    for n in range(N):
        for j in range(2):
            dr[n, j, win[n, j]] = dp[n, j]
    return {"p": dp, "x": dr.reshape(N, 4)}
""",
    kinds="mask value",
    first="x",
    function="pool_grad",
)

pair(
    "deep_reversed",
    """
X = sg.data("X", ("N", 3)); T = sg.data("T", ("N", 2)); W0 = sg.param("W0", (3, 4)); W1 = sg.param("W1", (4, 4)); W2 = sg.param("W2", (4, 2))
H1 = np.maximum(X @ W0, 0)
H2 = np.maximum(H1 @ W1, 0)
Y = H2 @ W2
loss = np.sum((Y - T)**2) / (2 * X.shape[0])
""",
    """
def backward(X, T, W0, W1, W2):
    W = [W0, W1, W2]
    H, Z = [X], []
    for l in range(3):
        Z.append(H[-1] @ W[l])
        H.append(np.maximum(Z[-1], 0) if l < 2 else Z[-1])
    grads = [None] * 3
    delta = (H[-1] - T) / X.shape[0]
    for l in reversed(range(3)):
        grads[l] = H[l].T @ delta
        if l > 0:
            delta = (delta @ W[l].T) * (Z[l] > 0) if l < 2 else delta @ W[l].T #!
    return {"W2": grads[2], "W1": grads[1], "W0": grads[0]}
""",
    kinds="mask value",
    first="W1",
    function="backward",
)

pair(
    "lse_missing",
    """
X = sg.data("X", ("N", 3)); w = sg.param("w", (3, 4)); c = sg.data("c", ("N", 4))
z = X @ w
l = np.log(np.sum(np.exp(z), axis=1))
loss = np.sum(l) - np.sum(c * z)
""",
    """
def g(X, w, c):
    z = X @ w
    e = np.exp(z)
    dz = e - c #!
    return {"z": dz, "w": X.T @ dz}
""",
    kinds="jacobian factor operation value term",
    first="z",
    function="g",
)

pair(
    "bce_no_sigmoid",
    """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ())
p = 1 / (1 + np.exp(-(X @ w + b)))
loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
""",
    """
def logistic_gradient(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    err = y - p #!
    return {"w": X.T @ err, "b": err.sum()}
""",
    kinds="sign",
    first="w",
    function="logistic_gradient",
)

pair(
    "weightnorm_g",
    """
v = sg.param("v", (4, 3)); g = sg.param("g", (3,)); X = sg.data("X", ("N", 4)); G = sg.data("G", ("N", 3))
n = np.sqrt(np.sum(v**2, axis=0))
W = g * v / n
y = np.tanh(X @ W)
loss = np.sum(G * y)
""",
    """
def weight_norm(v, g, X, G):
    norm = np.sqrt((v**2).sum(axis=0))
    W = g * v / norm
    y = np.tanh(X @ W)
    dW = X.T @ (G * (1 - y**2))
    dg = (dW * v).sum(axis=0) #!
    dv = g / norm * dW - g * (dW * v).sum(axis=0) / norm**3 * v
    return dict(dW=dW, dg=dg, dv=dv)
""",
    kinds="factor jacobian",
    first="g",
    function="weight_norm",
)

pair(
    "residual_skip",
    """
x = sg.param("x", ("N", 4)); W1 = sg.param("W1", (4, 5)); W2 = sg.param("W2", (5, 4)); G = sg.data("G", ("N", 4))
h = np.maximum(x @ W1, 0)
y = x + h @ W2
loss = np.sum(G * y**2)
""",
    """
class Block:
    def __init__(self, d, k):
        self.params = {"W1": np.random.randn(d, k), "W2": np.random.randn(k, d)}
        self.grads = {}
    def forward(self, x):
        self.x = x
        self.pre = x @ self.params["W1"]
        self.h = np.maximum(self.pre, 0)
        self.y = x + self.h @ self.params["W2"]
        return self.y
    def backward(self, G):
        dy = 2 * G * self.y
        self.grads["W2"] = self.h.T @ dy
        dh = dy @ self.params["W2"].T
        dpre = dh * (self.pre > 0)
        self.grads["W1"] = self.x.T @ dpre
        dx = dpre @ self.params["W1"].T #!
        return dx
""",
    kinds="path",
    first="x",
    cls="Block",
    setup="Block(4, 5)",
)

pair(
    "shared_embed_path",
    """
X = sg.data("X", ("N", 6)); E = sg.param("E", (6, 3)); T = sg.data("T", ("N", 6))
h = np.tanh(X @ E)
z = h @ E.T
loss = 0.5 * np.sum((z - T)**2)
""",
    """
X = np.random.default_rng(0).normal(size=(5, 6))
T = np.random.default_rng(1).normal(size=(5, 6))
E = np.random.default_rng(2).normal(size=(6, 3))
h = np.tanh(X @ E)
z = h @ E.T
dz = z - T
dh = dz @ E
grad_E = X.T @ (dh * (1 - h * h)) #!
""",
    kinds="path",
    first="E",
)

pair(
    "elu_neg",
    """
X = sg.data("X", ("N", 3)); W = sg.param("W", (3, 4)); G = sg.data("G", ("N", 4))
z = X @ W
y = np.where(z > 0, z, np.exp(z) - 1)
loss = np.sum(G * y)
""",
    """
def elu_grad(X, W, G):
    z = X @ W
    y = np.where(z > 0, z, np.exp(z) - 1)
    dz = G * np.where(z > 0, 1, y) #!
    return {"z": dz, "W": X.T @ dz}
""",
    kinds="activation term value",
    first="z",
    function="elu_grad",
)

pair(
    "leaky_slope",
    """
X = sg.data("X", ("N", 3)); W = sg.param("W", (3, 4)); G = sg.data("G", ("N", 4))
z = X @ W
y = np.where(z > 0, z, 0.1 * z)
loss = np.sum(G * y**2) / 2
""",
    """
def leaky(X, W, G, alpha=0.1):
    z = X @ W
    y = np.maximum(alpha * z, z)
    dy = G * y
    dz = dy.copy()
    dz[z < 0] = alpha #!
    return {"y": dy, "z": dz, "W": X.T @ dz}
""",
    kinds="overwritten term factor operation value path",
    first="z",
    function="leaky",
)

pair(
    "margin_count",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
s = X @ W
sy = s[sg.arange("N"), y]
m = np.maximum(s - np.expand_dims(sy, 1) + 1, 0)
loss = (np.sum(m) - X.shape[0]) / X.shape[0] + 0.05 * np.sum(W**2)
""",
    """
def svm_loss_vectorized(W, X, y, reg=0.05):
    num_train = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(num_train), y]
    margins = np.maximum(0, scores - correct[:, np.newaxis] + 1)
    margins[np.arange(num_train), y] = 0
    loss = margins.sum() / num_train + reg * np.sum(W * W)
    binary = (margins > 0).astype(float)
    binary[np.arange(num_train), y] = -binary.sum(axis=1)
    dW = X.T.dot(binary) / num_train
    dW += 2 * W #!
    return loss, dW
""",
    kinds="factor term",
    first="W",
    function="svm_loss_vectorized",
)

pair(
    "two_layer_cs231n",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 3)); b2 = sg.param("b2", (3,)); reg = sg.data("reg", (), assume=sg.positive)
h = np.maximum(X @ W1 + b1, 0)
scores = h @ W2 + b2
probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
loss = -np.mean(np.log(probs[sg.arange("N"), y])) + reg * (np.sum(W1**2) + np.sum(W2**2))
""",
    """
class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params['W1'], self.params['b1']
        W2, b2 = self.params['W2'], self.params['b2']
        N, D = X.shape
        h1 = np.maximum(0, X.dot(W1) + b1)
        scores = h1.dot(W2) + b2
        if y is None:
            return scores
        scores -= scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        probs = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(probs[np.arange(N), y]).sum() / N
        loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {}
        dscores = probs
        dscores[np.arange(N), y] -= 1
        dscores /= N
        grads['W2'] = h1.T.dot(dscores) + 2 * reg * W2
        grads['b2'] = dscores.sum(axis=0)
        dh = dscores.dot(W2.T)
        dh[h1 < 0] = 0 #!
        grads['W1'] = X.T.dot(dh) + 2 * reg * W1
        grads['b1'] = dh.sum(axis=0)
        return loss, grads
""",
    kinds="mask",
    first="W1 b1 h",
    cls="TwoLayerNet",
    setup="TwoLayerNet(4, 5, 3)",
    function="loss",
)

pair(
    "loss_scale_told",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); w = sg.param("w", (3,))
r = X @ w - t
loss = np.mean(r**2)
""",
    """
def cost_and_gradient(X, t, w):
    m = len(t)
    r = X @ w - t
    J = np.sum(r**2) / (2 * m)
    grad = X.T @ r / m #!
    return J, grad
""",
    kinds="factor loss",
    first="w",
    function="cost_and_gradient",
)

pair(
    "l1_sign",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); w = sg.param("w", (3,))
r = X @ w - t
loss = np.mean(np.abs(r)) + 0.1 * np.sum(np.abs(w))
""",
    """
def lasso(X, t, w):
    r = X @ w - t
    dw = X.T @ np.sign(r) / len(t) + 0.1 * np.abs(w) #!
    return {"w": dw}
""",
    kinds="activation sign value operation",
    first="w",
    function="lasso",
)

pair(
    "std_ddof",
    """
x = sg.param("x", ("N", 4)); G = sg.data("G", ("N", 4))
mu = np.mean(x, axis=0)
sd = np.sqrt(np.mean((x - mu)**2, axis=0))
y = (x - mu) / sd
loss = np.sum(G * y)
""",
    """
def norm_backward(x, G):
    mu = x.mean(axis=0)
    sd = x.std(axis=0)
    y = (x - mu) / sd
    dx = (G - G.mean(axis=0) - y * (G * y).mean(axis=1, keepdims=True)) / sd #!
    return {"x": dx}
""",
    kinds="sum jacobian",
    first="x",
    function="norm_backward",
)

pair(
    "actor_critic",
    """
S = sg.data("S", ("N", 4)); a = sg.data("a", ("N",), dtype=int); R = sg.data("R", ("N",)); Wp = sg.param("Wp", (4, 3)); wv = sg.param("wv", (4,)); adv = sg.data("adv", ("N",))
z = S @ Wp
pi = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
v = S @ wv
loss = -np.mean(adv * np.log(pi[sg.arange("N"), a])) + 0.5 * np.mean((R - v)**2)
""",
    """
def a2c(S, a, R, Wp, wv, adv):
    N = len(a)
    z = S @ Wp
    pi = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    v = S @ wv
    onehot = np.eye(3)[a]
    dz = (pi - onehot) * adv[:, None] / N
    dv = (R - v) / N #!
    return {"z": dz, "Wp": S.T @ dz, "v": dv, "wv": S.T @ dv}
""",
    kinds="sign",
    first="v",
    function="a2c",
)

pair(
    "bias_axis1",
    """
x = sg.data("x", (4, "m")); y = sg.data("y", (2, "m")); W1 = sg.param("W1", (3, 4)); b1 = sg.param("b1", (3, 1)); W2 = sg.param("W2", (2, 3)); b2 = sg.param("b2", (2, 1))
Z1 = W1 @ x + b1
A1 = np.tanh(Z1)
Z2 = W2 @ A1 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / x.shape[1]
""",
    """
def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W1 = parameters['W1']
    W2 = parameters['W2']
    A1 = cache['A1']
    A2 = cache['A2']
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)[:1] + np.zeros((3, 1)) #!
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}

def forward_propagation(X, parameters):
    Z1 = np.dot(parameters['W1'], X) + parameters['b1']
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters['W2'], A1) + parameters['b2']
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def gradients(x, y, W1, b1, W2, b2):
    parameters = dict(W1=W1, b1=b1, W2=W2, b2=b2)
    A2, cache = forward_propagation(x, parameters)
    return backward_propagation(parameters, cache, x, y)
""",
    kinds="value sum",
    first="b1",
    function="gradients",
)

pair(
    "ng_m_missing",
    """
x = sg.data("x", (4, "m")); y = sg.data("y", (2, "m")); W1 = sg.param("W1", (3, 4)); b1 = sg.param("b1", (3, 1)); W2 = sg.param("W2", (2, 3)); b2 = sg.param("b2", (2, 1))
Z1 = W1 @ x + b1
A1 = np.tanh(Z1)
Z2 = W2 @ A1 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / x.shape[1]
""",
    """
def model(x, y, W1, b1, W2, b2):
    m = x.shape[1]
    Z1 = W1 @ x + b1; A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2; A2 = 1 / (1 + np.exp(-Z2))
    dZ2 = A2 - y
    dW2 = (dZ2 @ A1.T) / m; db2 = dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = (W2.T @ dZ2) * (1 - A1**2)
    dW1 = dZ1 @ x.T #!
    db1 = dZ1.sum(axis=1, keepdims=True) / m
    return dW1, db1, dW2, db2
""",
    kinds="factor",
    first="W1",
    function="model",
)

pair(
    "twice_over_N",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ())
y = X @ w + b
loss = np.mean((y - t)**2)
""",
    """
X = np.random.rand(12, 3)
t = X @ np.array([1., -2., .5]) + 3
w = np.zeros(3)
b = 0.0
for epoch in range(300):
    y = X @ w + b
    loss = ((y - t) ** 2).mean()
    dy = 2 * (y - t) / len(t)
    dw = (X.T @ dy) / len(t) #!
    db = dy.sum()
    w -= 0.1 * dw
    b -= 0.1 * db
""",
    kinds="factor",
    first="w",
)

pair(
    "relu_derivative_fn_bug",
    """
X = sg.data("X", ("N", 4)); Y = sg.data("Y", ("N", 3), assume=sg.one_hot(axis=1)); W1 = sg.param("W1", (4, 5)); W2 = sg.param("W2", (5, 3))
Z1 = X @ W1
H = np.maximum(Z1, 0)
S = H @ W2
P = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
loss = -np.sum(Y * np.log(P)) / X.shape[0]
""",
    """
def relu(x):
    return np.maximum(0, x)
def relu_grad(x):
    return (x >= 1).astype(float) #!
def softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
def backprop(X, Y, W1, W2):
    Z1 = X @ W1
    H = relu(Z1)
    P = softmax(H @ W2)
    delta2 = (P - Y) / len(X)
    grad_W2 = H.T @ delta2
    delta1 = (delta2 @ W2.T) * relu_grad(Z1)
    grad_W1 = X.T @ delta1
    return grad_W1, grad_W2
""",
    kinds="mask activation",
    first="W1",
    function="backprop",
)

pair(
    "lstm_tanh_c",
    """
x = sg.data("x", ("N", 3)); h = sg.data("h", ("N", 4)); c = sg.data("c", ("N", 4)); W = sg.param("W", (3, 16)); U = sg.param("U", (4, 16)); b = sg.param("b", (16,)); dh = sg.data("G", ("N", 4))
a = x @ W + h @ U + b
i = 1 / (1 + np.exp(-a[:, 0:4]))
f = 1 / (1 + np.exp(-a[:, 4:8]))
o = 1 / (1 + np.exp(-a[:, 8:12]))
g = np.tanh(a[:, 12:16])
cn = f * c + i * g
hn = o * np.tanh(cn)
loss = np.sum(dh * hn)
""",
    """
def sigmoid(x): return 1 / (1 + np.exp(-x))
def lstm_step_backward(x, h, c, W, U, b, G):
    H = h.shape[1]
    a = x @ W + h @ U + b
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H:2*H]), sigmoid(a[:, 2*H:3*H])
    g = np.tanh(a[:, 3*H:])
    cn = f * c + i * g
    tc = np.tanh(cn)
    do = G * tc
    dcn = G * o * (1 - cn**2) #!
    di, df, dg = dcn * g, dcn * c, dcn * i
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
    return {"dW": x.T @ da, "dU": h.T @ da, "db": da.sum(axis=0)}
""",
    kinds="activation value",
    first="W",
    function="lstm_step_backward",
)

pair(
    "gru_reset",
    """
x = sg.data("x", ("N", 3)); h = sg.param("h", ("N", 4)); Wz = sg.param("Wz", (3, 4)); Wr = sg.param("Wr", (3, 4)); Wn = sg.param("Wn", (3, 4)); Un = sg.param("Un", (4, 4)); G = sg.data("G", ("N", 4))
z = 1 / (1 + np.exp(-(x @ Wz)))
r = 1 / (1 + np.exp(-(x @ Wr)))
n = np.tanh(x @ Wn + (r * h) @ Un)
hn = (1 - z) * n + z * h
loss = np.sum(G * hn)
""",
    """
def gru_backward(x, h, Wz, Wr, Wn, Un, G):
    sig = lambda v: 1 / (1 + np.exp(-v))
    z, r = sig(x @ Wz), sig(x @ Wr)
    rh = r * h
    n = np.tanh(x @ Wn + rh @ Un)
    dn = G * (1 - z)
    dz = G * (h - n)
    da = dn * (1 - n ** 2)
    drh = da @ Un.T
    dr = drh * h
    dh = G * z + drh #!
    return dict(Wn=x.T @ da, Un=rh.T @ da, Wz=x.T @ (dz * z * (1 - z)), Wr=x.T @ (dr * r * (1 - r)), h=dh)
""",
    kinds="factor term",
    first="h",
    function="gru_backward",
)

pair(
    "skipgram_neg",
    """
u = sg.param("u", ("K", 4)); v = sg.param("v", (4,)); lab = sg.data("lab", ("K",))
s = u @ v
p = 1 / (1 + np.exp(-s))
loss = -np.sum(lab * np.log(p) + (1 - lab) * np.log(1 - p))
""",
    """
def neg_sampling_grads(u, v, lab):
    p = 1 / (1 + np.exp(-u.dot(v)))
    err = p - lab
    grad_v = err @ u
    u = u - 0.1 * np.outer(err, v)
    grad_u = np.outer(p, v) #!
    return {"v": grad_v, "u": grad_u}
""",
    kinds="term value activation",
    first="u",
    function="neg_sampling_grads",
)

pair(
    "pca_ae_T",
    """
X = sg.data("X", ("N", 5)); E = sg.param("E", (5, 2)); D = sg.param("D", (2, 5))
Z = X @ E
R = Z @ D
loss = np.sum((R - X)**2) / X.shape[0]
""",
    """
class Autoencoder:
    def __init__(self, d, k):
        self.E = np.random.randn(d, k); self.D = np.random.randn(k, d)
    def forward(self, X):
        self.X = X; self.Z = X @ self.E; self.R = self.Z @ self.D
        return self.R
    def backward(self):
        n = self.X.shape[0]
        dR = 2 * (self.R - self.X) / n
        self.dD = self.Z.T @ dR
        dZ = dR @ self.D.T
        self.dE = self.X.T @ self.Z #!
""",
    kinds="value",
    first="E",
    cls="Autoencoder",
    setup="Autoencoder(5, 2)",
)

pair(
    "ridge_intercept",
    """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ()); lam = sg.data("lam", (), assume=sg.positive)
p = X @ w + b
loss = np.sum((p - y)**2) / (2 * X.shape[0]) + lam / (2 * X.shape[0]) * np.sum(w**2)
""",
    """
def cost(X, y, w, b, lam):
    m = X.shape[0]
    p = X @ w + b
    J = ((p - y)**2).sum() / (2*m) + lam / (2*m) * (w**2).sum()
    dj_dw = X.T @ (p - y) / m + lam * w #!
    dj_db = (p - y).sum() / m
    return J, dj_dw, dj_db
""",
    kinds="factor term",
    first="w",
    function="cost",
)

pair(
    "andrew_loops",
    """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ())
f = 1 / (1 + np.exp(-(X @ w + b)))
loss = -np.mean(y * np.log(f) + (1 - y) * np.log(1 - f))
""",
    """
def compute_gradient_logistic(X, y, w, b):
    m, n = X.shape
    dj_dw = np.zeros((n,))
    dj_db = 0.
    for i in range(m):
        f_wb_i = 1 / (1 + np.exp(-(np.dot(X[i], w) + b)))
        err_i = f_wb_i - y[i]
        for j in range(n):
            dj_dw[j] = dj_dw[j] + err_i * X[i, j]
        dj_db = err_i #!
    dj_dw = dj_dw / m
    dj_db = dj_db / m
    return dj_db, dj_dw
""",
    kinds="overwritten",
    first="b",
    function="compute_gradient_logistic",
)

pair(
    "mul_gate",
    """
x = sg.param("x", ("N", 4)); y = sg.param("y", ("N", 4)); G = sg.data("G", ("N", 4))
s = x + y
q = s * np.tanh(x)
loss = np.sum(G * q)
""",
    """
def backward(x, y, G):
    t = np.tanh(x)
    s = x + y
    ds = G * t
    dt = G * s
    dy = ds
    dx = ds
    dx = dt * (1 - t**2) #!
    return {"y": dy, "x": dx}
""",
    kinds="path overwritten term",
    first="x",
    function="backward",
)

pair(
    "alias_accum",
    """
x = sg.param("x", ("N", 4)); y = sg.param("y", ("N", 4)); G = sg.data("G", ("N", 4))
s = x + y
q = s * np.tanh(x)
loss = np.sum(G * q)
""",
    """
def backward(x, y, G):
    t = np.tanh(x)
    s = x + y
    ds = G * t
    dt = G * s
    dy = ds
    dx = ds #!
    dx += dt * (1 - t**2)
    return {"x": dx, "y": dy}
""",
    kinds="overwritten",
    first="y",
    function="backward",
)

pair(
    "conv2d_stride",
    """
X = sg.data("X", (5, 5)); K = sg.param("K", (2, 2)); b = sg.param("b", ()); G = sg.data("G", (4, 4))
Z = K[0, 0] * X[0:4, 0:4] + K[0, 1] * X[0:4, 1:5] + K[1, 0] * X[1:5, 0:4] + K[1, 1] * X[1:5, 1:5] + b
loss = np.sum(G * np.maximum(Z, 0))
""",
    """
def conv(X, K, b, G):
    Z = np.zeros((4, 4))
    for i in range(4):
        for j in range(4):
            Z[i, j] = np.sum(X[i:i+2, j:j+2] * K) + b
    dZ = G * (Z > 0)
    dK = np.zeros_like(K)
    for i in range(4):
        for j in range(4):
            dK += dZ[i, j] * X[j:j+2, i:i+2] #!
    return {"Z": dZ, "K": dK, "b": np.sum(dZ)}
""",
    kinds="value transpose",
    first="K",
    function="conv",
)

pair(
    "attn_scale_wrong",
    """
X = sg.data("X", ("T", 6)); Wq = sg.param("Wq", (6, 4)); Wk = sg.param("Wk", (6, 4)); Wv = sg.param("Wv", (6, 4)); G = sg.data("G", ("T", 4))
Q = X @ Wq
K = X @ Wk
V = X @ Wv
S = Q @ K.T / 2
A = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
O = A @ V
loss = np.sum(G * O)
""",
    """
class Head:
    def __init__(self, d, k):
        self.Wq, self.Wk, self.Wv = (np.random.randn(d, k) for _ in range(3))
        self.k = k
    def forward(self, X):
        self.X = X
        self.Q, self.K, self.V = X @ self.Wq, X @ self.Wk, X @ self.Wv
        S = self.Q @ self.K.T / np.sqrt(self.k)
        S = S - S.max(-1, keepdims=True)
        self.A = np.exp(S) / np.exp(S).sum(-1, keepdims=True)
        return self.A @ self.V
    def backward(self, dO):
        dV = self.A.T @ dO
        dA = dO @ self.V.T
        dS = self.A * (dA - np.sum(dA * self.A, axis=-1, keepdims=True))
        dS = dS / np.sqrt(self.X.shape[1]) #!
        dQ = dS @ self.K
        dK = dS.T @ self.Q
        self.grads = {"Wq": self.X.T @ dQ, "Wk": self.X.T @ dK, "Wv": self.X.T @ dV}
        return dQ @ self.Wq.T + dK @ self.Wk.T + dV @ self.Wv.T
""",
    kinds="factor",
    first="Wq",
    cls="Head",
    setup="Head(6, 4)",
)

pair(
    "swish",
    """
X = sg.data("X", ("N", 3)); W = sg.param("W", (3, 4)); G = sg.data("G", ("N", 4))
z = X @ W
s = 1 / (1 + np.exp(-z))
y = z * s
loss = np.sum(G * y)
""",
    """
def swish_grad(X, W, G):
    z = X @ W
    s = 1 / (1 + np.exp(-z))
    y = z * s
    dz = G * (z * s * (1 - s)) #!
    return dict(z=dz, W=X.T @ dz)
""",
    kinds="term path",
    first="z",
    function="swish_grad",
)

pair(
    "softplus_beta",
    """
X = sg.data("X", ("N", 3)); W = sg.param("W", (3, 4)); G = sg.data("G", ("N", 4))
z = X @ W
y = np.log(1 + np.exp(z))
loss = np.sum(G * y)
""",
    """
def softplus_grad(X, W, G):
    z = X @ W
    dz = G * np.exp(z) #!
    return dict(z=dz, W=X.T @ dz)
""",
    kinds="activation factor operation",
    first="z",
    function="softplus_grad",
)

pair(
    "l2_normalize",
    """
x = sg.param("x", ("N", 4)); G = sg.data("G", ("N", 4))
n = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
y = x / n
loss = np.sum(G * y)
""",
    """
def l2norm_backward(x, G):
    n = np.linalg.norm(x, axis=1, keepdims=True)
    y = x / n
    dx = (G - x * (G * y).sum(axis=1, keepdims=True)) / n #!
    return {"x": dx}
""",
    kinds="value jacobian factor",
    first="x",
    function="l2norm_backward",
)

pair(
    "max_margin_pos",
    """
s = sg.param("s", ("N", 3)); y = sg.data("y", ("N",), dtype=int)
p = np.exp(s) / np.sum(np.exp(s), axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y]))
""",
    """
def ce_grad(s, y):
    e = np.exp(s - np.max(s))
    p = e / e.sum(axis=0, keepdims=True) #!
    g = p.copy()
    g[range(len(y)), y] -= 1
    return {"s": g / len(y)}
""",
    kinds="sum value jacobian",
    first="s",
    function="ce_grad",
)

pair(
    "a_prime_sum",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 1)); w1 = sg.param("w1", (4, 5)); w2 = sg.param("w2", (5, 1))
h = 1 / (1 + np.exp(-(X @ w1)))
o = 1 / (1 + np.exp(-(h @ w2)))
loss = 0.5 * np.sum((y - o)**2)
""",
    """
def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))
X = np.array([[0,0,1,1],[0,1,1,0],[1,0,1,0],[1,1,1,1]])
y = np.array([[0],[1],[1],[0]])
np.random.seed(1)
syn0 = 2*np.random.random((4,5)) - 1
syn1 = 2*np.random.random((5,1)) - 1
for j in range(60000):
    l0 = X
    l1 = nonlin(np.dot(l0,syn0))
    l2 = nonlin(np.dot(l1,syn1))
    l2_error = y - l2
    l2_delta = l2_error*nonlin(l2,deriv=True)
    l1_error = l2_delta.dot(syn1.T)
    l1_delta = l1_error * nonlin(np.dot(l0,syn0),deriv=True) #!
    g0 = -l0.T.dot(l1_delta)
    g1 = -l1.T.dot(l2_delta)
    syn1 -= g1
    syn0 -= g0
""",
    kinds="activation value",
    first="w1",
    inputs={"w1": "syn0", "w2": "syn1"},
    match={"w1": "g0", "w2": "g1"},
)

pair(
    "tape_tanh_forgotten",
    """
T, D, H = 3, 2, 3
xs = sg.data("xs", (T, D)); y = sg.data("y", (H,))
Wf = sg.param("Wf", (H, D + H)); Wi = sg.param("Wi", (H, D + H)); Wc = sg.param("Wc", (H, D + H)); Wo = sg.param("Wo", (H, D + H))
def sigmoid(v): return 1 / (1 + np.exp(-v))
h = np.zeros(H); c = np.zeros(H)
for t in range(T):
    z = np.concatenate([xs[t], h])
    f = sigmoid(Wf @ z); i = sigmoid(Wi @ z); g = np.tanh(Wc @ z); o = sigmoid(Wo @ z)
    c = f * c + i * g
    h = o * np.tanh(c)
loss = 0.5 * np.sum((h - y)**2)
""",
    """
def sigmoid(v): return 1 / (1 + np.exp(-v))
def dsigmoid(s): return s * (1 - s)
def dtanh(t): return 1 - t * t

def step(x, h_prev, c_prev, p):
    z = np.concatenate((x, h_prev))
    s = {'z': z, 'c_prev': c_prev}
    s['f'] = sigmoid(p['Wf'] @ z)
    s['i'] = sigmoid(p['Wi'] @ z)
    s['g'] = np.tanh(p['Wc'] @ z)
    s['o'] = sigmoid(p['Wo'] @ z)
    s['c'] = s['f'] * c_prev + s['i'] * s['g']
    s['h'] = s['o'] * np.tanh(s['c'])
    return s

def back(dh, dc_next, s, p, grads):
    do = dh * s['c'] #!
    dc = dc_next + dh * s['o'] * dtanh(np.tanh(s['c']))
    dao = do * dsigmoid(s['o'])
    daf = dc * s['c_prev'] * dsigmoid(s['f'])
    dai = dc * s['g'] * dsigmoid(s['i'])
    dag = dc * s['i'] * dtanh(s['g'])
    dz = np.zeros_like(s['z'])
    for name, da in (('Wf', daf), ('Wi', dai), ('Wc', dag), ('Wo', dao)):
        grads[name] += np.outer(da, s['z'])
        dz += p[name].T @ da
    return dz[-len(dh):], dc * s['f']

def run(xs, y, Wf, Wi, Wc, Wo):
    p = dict(Wf=Wf, Wi=Wi, Wc=Wc, Wo=Wo)
    H = len(y)
    h, c = np.zeros(H), np.zeros(H)
    tape = []
    for x in xs:
        s = step(x, h, c, p)
        h, c = s['h'], s['c']
        tape.append(s)
    grads = {k: np.zeros_like(v) for k, v in p.items()}
    dh, dc = h - y, np.zeros(H)
    while tape:
        dh, dc = back(dh, dc, tape.pop(), p, grads)
    return grads
""",
    kinds="value activation operation",
    first="Wo Wf Wi Wc",
    function="run",
)

pair(
    "cache_softmax_diagonal",
    """
x = sg.data("x", (4, 3)); Wq = sg.param("Wq", (3, 3)); Wk = sg.param("Wk", (3, 3)); Wv = sg.param("Wv", (3, 3)); t = sg.data("t", (4, 3))
q = x @ Wq
k = x @ Wk
v = x @ Wv
s = q @ k.T / np.sqrt(3)
e = np.exp(s - np.max(s, axis=1, keepdims=True))
a = e / np.sum(e, axis=1, keepdims=True)
o = a @ v
loss = np.mean((o - t)**2)
""",
    """
def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)

def forward(x, params):
    q, k, v = (x @ params[n] for n in ('Wq', 'Wk', 'Wv'))
    s = q @ k.T / np.sqrt(q.shape[-1])
    a = softmax(s)
    return a @ v, {'q': q, 'k': k, 'v': v, 'a': a}

def backward(x, t, params):
    o, c = forward(x, params)
    do = 2.0 * (o - t) / o.size
    da = do @ c['v'].T
    dv = c['a'].T @ do
    ds = c['a'] * (1 - c['a']) * da #!
    ds /= np.sqrt(c['q'].shape[-1])
    dq, dk = ds @ c['k'], ds.T @ c['q']
    return {'Wv': x.T @ dv, 'Wq': x.T @ dq, 'Wk': x.T @ dk}

def grads(x, t, Wq, Wk, Wv):
    return backward(x, t, {'Wq': Wq, 'Wk': Wk, 'Wv': Wv})
""",
    kinds="jacobian",
    first="Wq Wk",
    function="grads",
)

pair(
    "smoothed_labels_nb",
    """
X = sg.data("X", (6, 4)); Y = sg.data("Y", (6, 3), assume=sg.one_hot(axis=1)); W = sg.param("W", (4, 3)); b = sg.param("b", (3,))
q = 0.9 * Y + 0.1 / 3
z = X @ W + b
lse = np.log(np.sum(np.exp(z), axis=1, keepdims=True))
loss = -np.sum(q * (z - lse)) / 6
""",
    """
# %%
rng = np.random.default_rng(0)
X = rng.normal(size=(6, 4))
labels = np.array([0, 2, 1, 1, 0, 2])
Y = np.eye(3)[labels]
W = rng.normal(size=(4, 3)) * 0.1
b = np.zeros(3)
# %%
alpha = 0.1
q = (1 - alpha) * Y + alpha / 3
scores = X @ W + b
probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
loss = -(q * np.log(probs)).sum() / len(X)
loss
# %%
dscores = probs.copy()
dscores[np.arange(6), labels] -= 1 - alpha #!
dscores /= len(X)
dW = X.T @ dscores
db = dscores.sum(axis=0)
dW, db
""",
    kinds="term value",
    first="W",
    suffix=".ipynb",
)

pair(
    "gauss_std",
    """
S = sg.data("S", ("N", 3)); A = sg.data("A", ("N", 2)); adv = sg.data("adv", ("N",)); W = sg.param("W", (3, 2)); logstd = sg.param("logstd", (2,))
mean = S @ W
zz = (A - mean) / np.exp(logstd)
logp = np.sum(-0.5 * zz**2 - logstd, axis=1)
loss = -np.mean(adv * logp)
""",
    """
from typing import NamedTuple
class PolicyGrads(NamedTuple):
    W: np.ndarray
    logstd: np.ndarray

def pg(S, A, adv, W, logstd):
    mean = S @ W
    std = np.exp(logstd)
    var = std ** 2
    dlogp_dmean = (A - mean) / std #!
    dlogp_dlogstd = (A - mean) ** 2 / var - 1
    wgt = -adv[:, None] / adv.shape[0]
    return PolicyGrads(S.T @ (wgt * dlogp_dmean), (wgt * dlogp_dlogstd).sum(axis=0))
""",
    kinds="value factor term activation operation",
    first="W mean",
    function="pg",
)

pair(
    "rnn_class_state",
    """
T, N = 3, 4
X = sg.data("X", (T, N, 2)); Y = sg.data("Y", (N, 2)); Wx = sg.param("Wx", (2, 3)); Wh = sg.param("Wh", (3, 3)); b = sg.param("b", (3,)); Wy = sg.param("Wy", (3, 2))
h = np.zeros((N, 3))
for t in range(T):
    h = np.tanh(X[t] @ Wx + h @ Wh + b)
loss = np.mean((h @ Wy - Y)**2)
""",
    """
class RNN:
    def __init__(self, i, h, o):
        rng = np.random.default_rng(0)
        self.params = {'Wx': rng.normal(size=(i, h)), 'Wh': rng.normal(size=(h, h)), 'b': np.zeros(h), 'Wy': rng.normal(size=(h, o))}
        self.grads = {}

    def forward(self, X):
        p = self.params
        self.X = X
        self.h = {-1: np.zeros((X.shape[1], p['Wh'].shape[0]))}
        for t in range(len(X)):
            self.h[t] = np.tanh(X[t] @ p['Wx'] + self.h[t - 1] @ p['Wh'] + p['b'])
        self.out = self.h[len(X) - 1] @ p['Wy']
        return self.out

    def backward(self, Y):
        p = self.params
        T = len(self.X)
        dout = 2 * (self.out - Y) / Y.size
        self.grads = {k: np.zeros_like(v) for k, v in p.items()}
        self.grads['Wy'] = self.h[T - 1].T @ dout
        dh = dout @ p['Wy'].T
        for t in range(T - 1, -1, -1):
            da = dh * (1 - self.h[t] ** 2)
            self.grads['Wx'] += self.X[t].T @ da
            self.grads['Wh'] += self.h[t].T @ da #!
            self.grads['b'] += da.sum(axis=0)
            dh = da @ p['Wh'].T
        return self.grads
""",
    kinds="value",
    first="Wh",
    cls="RNN",
    setup="RNN(2, 3, 2)",
)

pair(
    "triplet_difference",
    """
xa = sg.data("xa", ("N", 4)); xp = sg.data("xp", ("N", 4)); xn = sg.data("xn", ("N", 4)); W = sg.param("W", (4, 3))
a = xa @ W
p = xp @ W
n = xn @ W
d = np.sum((a - p)**2, axis=1) - np.sum((a - n)**2, axis=1) + 0.5
loss = np.mean(np.maximum(d, 0))
""",
    """
def triplet_loss(xa, xp, xn, W, margin=0.5):
    A, P, N = xa @ W, xp @ W, xn @ W
    pos = np.square(A - P).sum(axis=1)
    neg = np.square(A - N).sum(axis=1)
    hinge = pos - neg + margin
    active = (hinge > 0).astype(float)[:, None]
    loss = np.maximum(hinge, 0).mean()
    B = A.shape[0]
    dA = 2 * (A - N) * active / B #!
    dP = -2 * (A - P) * active / B
    dN = 2 * (A - N) * active / B
    dW = xa.T @ dA + xp.T @ dP + xn.T @ dN
    return loss, dW
""",
    kinds="value sign term",
    first="W a",
    function="triplet_loss",
)

pair(
    "intercept_decayed",
    """
theta = sg.param("theta", (4,)); X = sg.data("X", ("m", 4)); y = sg.data("y", ("m",)); lam = sg.data("lam", ())
h = 1 / (1 + np.exp(-(X @ theta)))
loss = -np.mean(y * np.log(h) + (1 - y) * np.log(1 - h)) + lam / (2 * X.shape[0]) * np.sum(theta[1:]**2)
""",
    """
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def lrCostFunction(theta, X, y, lam):
    m = y.size
    h = sigmoid(X.dot(theta))
    J = (-y.dot(np.log(h)) - (1 - y).dot(np.log(1 - h))) / m
    J += lam / (2 * m) * np.sum(theta[1:] ** 2)
    grad = X.T.dot(h - y) / m
    grad = grad + (lam / m) * theta #!
    return J, grad
""",
    kinds="term",
    first="theta",
    function="lrCostFunction",
)

pair(
    "downhill_error",
    """
X = sg.data("X", (4, 3)); y = sg.data("y", (4, 1)); syn0 = sg.param("syn0", (3, 4)); syn1 = sg.param("syn1", (4, 1))
l1 = 1 / (1 + np.exp(-(X @ syn0)))
l2 = 1 / (1 + np.exp(-(l1 @ syn1)))
loss = 0.5 * np.sum((l2 - y)**2)
""",
    """
def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0], [1], [1], [0]])
np.random.seed(1)
syn0 = 2 * np.random.random((3, 4)) - 1
syn1 = 2 * np.random.random((4, 1)) - 1

for j in range(600):
    l0 = X
    l1 = nonlin(np.dot(l0, syn0))
    l2 = nonlin(np.dot(l1, syn1))
    l2_error = y - l2
    if j % 100 == 0:
        print("Error:" + str(np.mean(np.abs(l2_error))))
    l2_delta = l2_error * nonlin(l2, deriv=True)
    l1_error = l2_error.dot(syn1.T) #!
    l1_delta = l1_error * nonlin(l1, deriv=True)
    syn1 += l1.T.dot(l2_delta)
    syn0 += l0.T.dot(l1_delta)
""",
    kinds="value activation factor operation path",
    first="syn0 l1",
)

pair(
    "tape_tanh_slope",
    """
T, D, H = 3, 2, 3
xs = sg.data("xs", (T, D)); y = sg.data("y", (H,))
Wf = sg.param("Wf", (H, D + H)); Wi = sg.param("Wi", (H, D + H)); Wc = sg.param("Wc", (H, D + H)); Wo = sg.param("Wo", (H, D + H))
def sigmoid(v): return 1 / (1 + np.exp(-v))
h = np.zeros(H); c = np.zeros(H)
for t in range(T):
    z = np.concatenate([xs[t], h])
    f = sigmoid(Wf @ z); i = sigmoid(Wi @ z); g = np.tanh(Wc @ z); o = sigmoid(Wo @ z)
    c = f * c + i * g
    h = o * np.tanh(c)
loss = 0.5 * np.sum((h - y)**2)
""",
    """
def sigmoid(v): return 1 / (1 + np.exp(-v))
def dsigmoid(s): return s * (1 - s)
def dtanh(t): return 1 - t * t

def step(x, h_prev, c_prev, p):
    z = np.concatenate((x, h_prev))
    s = {'z': z, 'c_prev': c_prev}
    s['f'] = sigmoid(p['Wf'] @ z)
    s['i'] = sigmoid(p['Wi'] @ z)
    s['g'] = np.tanh(p['Wc'] @ z)
    s['o'] = sigmoid(p['Wo'] @ z)
    s['c'] = s['f'] * c_prev + s['i'] * s['g']
    s['h'] = s['o'] * np.tanh(s['c'])
    return s

def back(dh, dc_next, s, p, grads):
    do = dh * np.tanh(s['c'])
    dc = dc_next + dh * s['o'] * dtanh(s['c']) #!
    dao = do * dsigmoid(s['o'])
    daf = dc * s['c_prev'] * dsigmoid(s['f'])
    dai = dc * s['g'] * dsigmoid(s['i'])
    dag = dc * s['i'] * dtanh(s['g'])
    dz = np.zeros_like(s['z'])
    for name, da in (('Wf', daf), ('Wi', dai), ('Wc', dag), ('Wo', dao)):
        grads[name] += np.outer(da, s['z'])
        dz += p[name].T @ da
    return dz[-len(dh):], dc * s['f']

def run(xs, y, Wf, Wi, Wc, Wo):
    p = dict(Wf=Wf, Wi=Wi, Wc=Wc, Wo=Wo)
    H = len(y)
    h, c = np.zeros(H), np.zeros(H)
    tape = []
    for x in xs:
        s = step(x, h, c, p)
        h, c = s['h'], s['c']
        tape.append(s)
    grads = {k: np.zeros_like(v) for k, v in p.items()}
    dh, dc = h - y, np.zeros(H)
    while tape:
        dh, dc = back(dh, dc, tape.pop(), p, grads)
    return grads
""",
    kinds="activation value",
    first="Wf Wi Wc Wo",
    function="run",
)

pair(
    "reshaped",
    """
x = sg.param("x", (3, 4)); k = sg.param("k", (4,)); G = sg.data("G", (2, 6))
z = x * k
u = np.reshape(2 * z, (2, 6))
loss = 0.5 * np.sum((u - G) ** 2)
""",
    """
def backward(x, k, G):
    z = x * k
    du = (2 * z).reshape(2, 6) - G
    dz = du.reshape(3, 4) #!
    return {"u": du, "z": dz, "k": np.sum(dz * x, axis=0), "x": dz * k}
""",
    kinds="factor",
    first="z",
    function="backward",
)

"""Faults whose repair reads what has no name, and programs of which much has one name."""

from audited.pairs import pair

pair(
    "highway",
    """
x = sg.param("x", (5, 4)); Wh = sg.param("Wh", (4, 4)); Wt = sg.param("Wt", (4, 4)); bt = sg.param("bt", (4,)); R = sg.data("R", (5, 4))
h = np.tanh(x @ Wh); t = 1/(1+np.exp(-(x @ Wt + bt))); y = t*h + (1-t)*x
loss = np.sum(R*y)
""",
    """
def highway(x, Wh, Wt, bt, R):
    h = np.tanh(x @ Wh)
    t = 1 / (1 + np.exp(-(x @ Wt + bt)))
    y = t * h + (1 - t) * x
    dy = R
    dh = dy * t
    dt = dy * (h - x)
    dah = dh * (1 - h * h)
    dat = dt * t * (1 - t)
    dWh = x.T @ dah
    dWt = x.T @ dat
    dbt = dat.sum(0)
    dx = dah @ Wh.T + dat @ Wt.T #!
    return {'dWh': dWh, 'dWt': dWt, 'dbt': dbt, 'dx': dx}
""",
    kinds="path",
    first="x",
    function="highway",
)

pair(
    "logvar",
    """
X = sg.data("X", (7, 3)); y = sg.data("y", (7,)); w = sg.param("w", (3,)); v = sg.param("v", (3,))
m = X @ w; s = X @ v
loss = np.sum(0.5*s + 0.5*(y - m)**2*np.exp(-s))/7
""",
    """
class HeteroskedasticGaussian:
    def __init__(self, w, v):
        self.w, self.v = w, v
    def forward(self, X, y):
        self.X, self.y = X, y
        self.m = X @ self.w
        self.s = X @ self.v
        return np.mean(0.5 * self.s + 0.5 * (y - self.m) ** 2 * np.exp(-self.s))
    def backward(self):
        n = len(self.y)
        r = self.y - self.m
        dm = -r / n #!
        ds = 0.5 * (1 - r ** 2 * np.exp(-self.s)) / n
        self.grad_w = self.X.T @ dm
        self.grad_v = self.X.T @ ds
        return self.grad_w, self.grad_v
""",
    kinds="factor",
    first="w m",
    cls="HeteroskedasticGaussian",
    setup="HeteroskedasticGaussian(np.zeros(3), np.zeros(3))",
)

pair(
    "selu",
    """
X = sg.data("X", (6, 3)); W = sg.param("W", (3, 4)); u = sg.param("u", (4,)); t = sg.data("t", (6,))
z = X @ W; a = 1.05*np.where(z > 0, z, 1.67*(np.exp(z) - 1)); o = a @ u
loss = np.mean((o - t)**2)
""",
    """
SCALE, ALPHA = 1.05, 1.67

def selu(z):
    return SCALE * np.where(z > 0, z, ALPHA * (np.exp(z) - 1))

def selu_prime(z):
    return SCALE * np.where(z > 0, 1.0, np.exp(z)) #!

def grads(X, W, u, t):
    z = X @ W
    a = selu(z)
    o = a @ u
    do = 2 * (o - t) / len(t)
    du = a.T @ do
    da = np.outer(do, u)
    dz = da * selu_prime(z)
    dW = X.T @ dz
    return {'u': du, 'W': dW}
""",
    kinds="factor activation",
    first="W z",
    function="grads",
)

pair(
    "square_bias",
    """
X = sg.data("X", (4, 4)); Y = sg.data("Y", (4, 3)); W1 = sg.param("W1", (4, 4)); b1 = sg.param("b1", (4,)); W2 = sg.param("W2", (4, 3)); b2 = sg.param("b2", (3,))
h = np.tanh(X @ W1 + b1); p = h @ W2 + b2
loss = 0.5*np.sum((p - Y)**2)/4
""",
    """
rng = np.random.default_rng(3)
X = rng.normal(size=(4, 4)); Y = rng.normal(size=(4, 3))
W1 = rng.normal(size=(4, 4)); b1 = np.zeros(4)
W2 = rng.normal(size=(4, 3)); b2 = np.zeros(3)
for i in range(100):
    h = np.tanh(X @ W1 + b1)
    p = h @ W2 + b2
    err = (p - Y) / 4
    gW2 = h.T @ err
    gb2 = err.sum(axis=0)
    gh = err @ W2.T
    gz = gh * (1 - h ** 2)
    gW1 = X.T @ gz
    gb1 = gz.sum(axis=1) #!
    for par, g in ((W1, gW1), (b1, gb1), (W2, gW2), (b2, gb2)):
        par -= 0.1 * g
""",
    kinds="sum transpose",
    first="b1",
)

pair(
    "biaffine",
    """
u = sg.param("u", (6, 4)); v = sg.param("v", (6, 4)); U = sg.param("U", (4, 4)); y = sg.data("y", (6,))
s = np.sum((u @ U)*v, axis=1); p = 1/(1+np.exp(-s))
loss = -np.sum(y*np.log(p) + (1-y)*np.log(1-p))
""",
    """
def biaffine_backward(u, v, U, y):
    s = ((u @ U) * v).sum(1)
    p = 1 / (1 + np.exp(-s))
    ds = (p - y)[:, None]
    dU = (ds * v).T @ u #!
    du = ds * (v @ U.T)
    dv = ds * (u @ U)
    return dict(du=du, dv=dv, dU=dU)
""",
    kinds="transpose",
    first="U",
    function="biaffine_backward",
)

pair(
    "siamese",
    """
a = sg.param("a", (8, 3)); b = sg.param("b", (8, 3)); y = sg.data("y", (8,))
d = np.sqrt(np.sum((a - b)**2, axis=1))
loss = np.mean(y*d**2 + (1-y)*np.maximum(1.0 - d, 0)**2)
""",
    """
def contrastive(a, b, y, m=1.0):
    diff = a - b
    d = np.sqrt((diff ** 2).sum(axis=1))
    L = np.mean(y * d ** 2 + (1 - y) * np.maximum(m - d, 0) ** 2)
    gd = (2 * y * d - 2 * (1 - y) * (m - d)) / len(y) #!
    ga = gd[:, None] * diff / d[:, None]
    gb = -ga
    return L, ga, gb
""",
    kinds="mask",
    first="a d",
    function="contrastive",
)

pair(
    "fm",
    """
X = sg.data("X", (7, 5)); y = sg.data("y", (7,)); w = sg.param("w", (5,)); V = sg.param("V", (5, 3))
q = X @ V; s = X @ w + 0.5*np.sum(q**2 - (X**2) @ (V**2), axis=1)
loss = np.mean((s - y)**2)
""",
    """
def fm_grad(X, y, w, V):
    q = X @ V
    yhat = X @ w + 0.5 * np.sum(q ** 2 - (X ** 2) @ (V ** 2), axis=1)
    e = 2 * (yhat - y) / len(y)
    gw = X.T @ e
    gV = X.T @ (e[:, None] * q) #!
    return gw, gV
""",
    kinds="term path",
    first="V",
    function="fm_grad",
)

pair(
    "elastic_nb",
    """
X = sg.data("X", (10, 3)); y = sg.data("y", (10,)); w = sg.param("w", (3,))
p = 1/(1+np.exp(-(X @ w)))
loss = -np.mean(y*np.log(p) + (1-y)*np.log(1-p)) + 0.01*np.sum(np.abs(w)) + 0.05*np.sum(w**2)
""",
    """
import pandas as pd
rng = np.random.RandomState(0)
X = rng.randn(10, 3)
y = (X[:, 0] > 0).astype(float)
w = rng.randn(3)
# %%
def sigmoid(v):
    return 1 / (1 + np.exp(-v))

l1, l2 = 0.01, 0.05
# %%
p = sigmoid(X @ w)
loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + l1 * np.abs(w).sum() + l2 * (w ** 2).sum()
grad_w = X.T @ (p - y) / len(y) + l1 + 2 * l2 * w #!
""",
    kinds="activation sign",
    first="w",
    suffix=".ipynb",
)

pair(
    "avgpool",
    """
x = sg.param("x", (2, 4, 6)); R = sg.data("R", (2, 2, 3))
y = np.mean(x.reshape(2, 2, 2, 3, 2), axis=(2, 4))
loss = np.sum(R*np.maximum(y, 0))
""",
    """
def avg_pool_relu_backward(x, R):
    n, h, w = x.shape
    y = x.reshape(n, h // 2, 2, w // 2, 2).mean(axis=(2, 4))
    dy = R * (y > 0)
    dx = np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2) #!
    return y, dx
""",
    kinds="factor",
    first="x",
    function="avg_pool_relu_backward",
)

pair(
    "additive_attention",
    """
q = sg.param("q", (4,)); K = sg.param("K", (6, 4)); V = sg.param("V", (6, 3)); w = sg.param("w", (4,)); R = sg.data("R", (3,))
t = np.tanh(K + q); s = t @ w; p = np.exp(s)/np.sum(np.exp(s)); c = p @ V
loss = R @ c
""",
    """
def additive(q, K, V, w, R):
    t = np.tanh(K + q)
    s = t @ w
    e = np.exp(s - s.max())
    p = e / e.sum()
    c = p @ V
    dV = np.outer(s, R) #!
    dp = V @ R
    ds = p * (dp - p @ dp)
    dw = t.T @ ds
    dt = np.outer(ds, w) * (1 - t ** 2)
    return {'V': dV, 'w': dw, 'K': dt, 'q': dt.sum(0)}
""",
    kinds="value",
    first="V",
    function="additive",
)

pair(
    "mvn_precision",
    """
X = sg.data("X", (8, 3)); mu = sg.param("mu", (3,)); L = sg.param("L", (3, 3))
D = (X - mu) @ L
loss = 0.5*np.sum(D**2)/8 - np.log(np.abs(np.linalg.det(L)))
""",
    """
def nll_and_grad(X, mu, L):
    n = len(X)
    C = X - mu
    D = C @ L
    nll = 0.5 * np.sum(D ** 2) / n - np.log(np.abs(np.linalg.det(L)))
    dD = D / n
    gmu = -(dD @ L.T).sum(axis=0)
    gL = C.T @ dD - np.linalg.inv(L) #!
    return nll, {'mu': gmu, 'L': gL}
""",
    kinds="transpose",
    first="L",
    function="nll_and_grad",
)

pair(
    "updated_w2",
    """
X = sg.data("X", (8, 3)); y = sg.data("y", (8, 1)); W1 = sg.param("W1", (3, 5)); W2 = sg.param("W2", (5, 1))
h = 1/(1+np.exp(-(X @ W1))); o = h @ W2
loss = 0.5*np.sum((o - y)**2)
""",
    """
np.random.seed(1)
X = np.random.randn(8, 3)
y = np.random.randn(8, 1)
W1 = np.random.randn(3, 5)
W2 = np.random.randn(5, 1)
lr = 0.05
for epoch in range(1000):
    h = 1 / (1 + np.exp(-X.dot(W1)))
    o = h.dot(W2)
    e = o - y
    dW2 = h.T.dot(e)
    W2 -= lr * dW2
    dh = e.dot(W2.T) * h * (1 - h) #!
    dW1 = X.T.dot(dh)
    W1 -= lr * dW1
    if epoch % 100 == 0:
        print(epoch, 0.5 * np.sum(e ** 2))
""",
    kinds="value overwritten",
    first="W1 h",
)

pair(
    "pinball",
    """
X = sg.data("X", (9, 2)); y = sg.data("y", (9,)); w = sg.param("w", (2,)); b = sg.param("b", ())
r = y - X @ w - b
loss = np.mean(np.maximum(0.8*r, -0.2*r))
""",
    """
def quantile_grad(w, b, X, y, tau=0.8):
    r = y - X @ w - b
    g = np.where(r > 0, tau, tau - 1) #!
    return X.T @ g / len(y), g.mean()
""",
    kinds="sign",
    first="w",
    function="quantile_grad",
)

pair(
    "arctan_net",
    """
X = sg.data("X", (6, 3)); y = sg.data("y", (6,)); W = sg.param("W", (3, 4)); v = sg.param("v", (4,))
z = X @ W; a = np.arctan(z); o = a @ v
loss = np.sum((o - y)**2)/6
""",
    """
def f(z):
    return np.arctan(z)

def fprime(z):
    return 1 / (1 + z) ** 2 #!

class Net:
    def __init__(self, W, v):
        self.W, self.v = W, v
    def loss_grad(self, X, y):
        z = X @ self.W
        a = f(z)
        o = a @ self.v
        d = 2 * (o - y) / len(y)
        gv = a.T @ d
        gW = X.T @ (np.outer(d, self.v) * fprime(z))
        return gW, gv

def go(X, y, W, v):
    return Net(W, v).loss_grad(X, y)
""",
    kinds="activation",
    first="W z",
    function="go",
)

pair(
    "conv_unrolled",
    """
x = sg.data("x", (3, 3)); K = sg.param("K", (2, 2)); R = sg.data("R", (2, 2))
y = np.array([[np.sum(x[i:i+2, j:j+2]*K) for j in range(2)] for i in range(2)])
loss = np.sum(R*np.maximum(y, 0))
""",
    """
def conv(x, K, R):
    y = np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            y[i, j] = np.sum(x[i:i+2, j:j+2] * K)
    d = R * (y > 0)
    dK = np.zeros((2, 2))
    dK[0, 0] = x[0, 0] * d[0, 0] + x[0, 1] * d[0, 1] + x[1, 0] * d[1, 0] + x[1, 1] * d[1, 1]
    dK[0, 1] = x[0, 1] * d[0, 0] + x[0, 2] * d[0, 1] + x[1, 1] * d[1, 0] + x[1, 2] * d[1, 1]
    dK[1, 0] = x[1, 0] * d[0, 0] + x[1, 1] * d[0, 1] + x[2, 0] * d[1, 0] + x[2, 2] * d[1, 1] #!
    dK[1, 1] = x[1, 1] * d[0, 0] + x[1, 2] * d[0, 1] + x[2, 1] * d[1, 0] + x[2, 2] * d[1, 1]
    return y, dK
""",
    kinds="value",
    first="K",
    function="conv",
)

pair(
    "cos_pair",
    """
u = sg.param("u", (6, 4)); v = sg.data("v", (6, 4)); t = sg.data("t", (6,))
nu = np.sqrt(np.sum(u**2, axis=1)); c = np.sum(u*v, axis=1)/nu
loss = 0.5*np.mean((c - t)**2)
""",
    """
def cosine_regression(u, v, t):
    nu = np.sqrt((u ** 2).sum(1))
    c = (u * v).sum(1) / nu
    dc = (c - t) / len(t)
    du = dc[:, None] * v / nu[:, None] #!
    return {'u': du}
""",
    kinds="jacobian",
    first="u",
    function="cosine_regression",
)

pair(
    "squeeze_excite",
    """
x = sg.param("x", (3, 4, 5)); W = sg.param("W", (4, 4)); R = sg.data("R", (3, 4, 5))
s = np.mean(x, axis=2); e = 1/(1+np.exp(-(s @ W))); y = x*e[:, :, None]
loss = np.sum(R*y)
""",
    """
def se_backward(x, W, R):
    s = x.mean(axis=2)
    e = 1 / (1 + np.exp(-(s @ W)))
    de = (R * x).sum(axis=2)
    da = de * e * (1 - e)
    dW = s.T @ da
    ds = da @ W.T
    dx = R * e[:, :, None] #!
    return {'dx': dx, 'dW': dW}
""",
    kinds="path term",
    first="x",
    function="se_backward",
)

pair(
    "mgu",
    """
x = sg.data("x", (4, 3)); h = sg.param("h", (4, 5)); Wf = sg.param("Wf", (3, 5)); Uf = sg.param("Uf", (5, 5)); Wc = sg.param("Wc", (3, 5)); R = sg.data("R", (4, 5))
f = 1/(1+np.exp(-(x @ Wf + h @ Uf))); c = np.tanh(x @ Wc); n = (1 - f)*h + f*c
loss = np.sum(R*n)
""",
    """
class MGU:
    def __init__(self, Wf, Uf, Wc):
        self.Wf, self.Uf, self.Wc = Wf, Uf, Wc
    def forward(self, x, h):
        self.x, self.h = x, h
        self.f = 1 / (1 + np.exp(-(x @ self.Wf + h @ self.Uf)))
        self.c = np.tanh(x @ self.Wc)
        return (1 - self.f) * h + self.f * self.c
    def backward(self, dn):
        df = dn * (self.h - self.c) #!
        dc = dn * self.f
        da = df * self.f * (1 - self.f)
        db = dc * (1 - self.c ** 2)
        self.dWf = self.x.T @ da
        self.dUf = self.h.T @ da
        self.dWc = self.x.T @ db
        return dn * (1 - self.f) + da @ self.Uf.T

def grads(x, h, Wf, Uf, Wc, R):
    cell = MGU(Wf, Uf, Wc)
    cell.forward(x, h)
    dh = cell.backward(R)
    return {'Wf': cell.dWf, 'Uf': cell.dUf, 'Wc': cell.dWc, 'h': dh}
""",
    kinds="sign value term",
    first="Wf f",
    function="grads",
)

pair(
    "gcn_adj",
    """
A = sg.data("A", (5, 5)); X = sg.data("X", (5, 3)); W = sg.param("W", (3, 4)); V = sg.param("V", (4, 2)); Y = sg.data("Y", (5, 2))
H = np.maximum(A @ X @ W, 0); O = A @ H @ V
loss = 0.5*np.sum((O - Y)**2)
""",
    """
def gcn(A, X, W, V, Y):
    P = A @ X @ W
    H = np.maximum(P, 0)
    O = A @ H @ V
    dO = O - Y
    dV = (A @ H).T @ dO
    dH = A @ dO @ V.T #!
    dP = dH * (P > 0)
    dW = (A @ X).T @ dP
    return dW, dV
""",
    kinds="transpose",
    first="W H",
    function="gcn",
)

pair(
    "moe",
    """
x = sg.data("x", (6, 3)); G = sg.param("G", (3, 2)); A = sg.param("A", (3, 2)); y = sg.data("y", (6,))
s = x @ G; p = np.exp(s)/np.sum(np.exp(s), axis=1, keepdims=True); e = x @ A; o = np.sum(p*e, axis=1)
loss = 0.5*np.sum((o - y)**2)
""",
    """
def moe_backward(x, G, A, y):
    s = x @ G
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    e = x @ A
    o = (p * e).sum(1)
    do = (o - y)[:, None]
    de = do * p
    dp = do * e
    ds = p * dp #!
    dG = x.T @ ds
    dA = x.T @ de
    return dict(dG=dG, dA=dA)
""",
    kinds="jacobian",
    first="G s",
    function="moe_backward",
)

pair(
    "weighted_ls",
    """
X = sg.data("X", (9, 3)); y = sg.data("y", (9,)); c = sg.data("c", (9,), assume=sg.positive); w = sg.param("w", (3,)); b = sg.param("b", ())
r = X @ w + b - y
loss = 0.5*np.sum(c*r**2)/np.sum(c)
""",
    """
class WeightedLinear:
    def fit_gradient(self, X, y, c, w, b):
        r = X @ w + b - y
        g = c * r / c.sum()
        self.grad_w = X.T @ g
        self.grad_b = np.mean(r) #!
        return self.grad_w, self.grad_b

def run(X, y, c, w, b):
    return WeightedLinear().fit_gradient(X, y, c, w, b)
""",
    kinds="value factor sum",
    first="b",
    function="run",
)

pair(
    "lstm_out",
    """
z = sg.param("z", (3, 4, 5)); c0 = sg.data("c0", (4, 5)); R = sg.data("R", (4, 5))
i = 1/(1+np.exp(-z[0])); o = 1/(1+np.exp(-z[1])); g = np.tanh(z[2]); c = c0 + i*g; h = o*np.tanh(c)
loss = np.sum(R*h)
""",
    """
def sig(v):
    return 1 / (1 + np.exp(-v))

def cell(z, c0, R):
    i, o, g = sig(z[0]), sig(z[1]), np.tanh(z[2])
    c = c0 + i * g
    tc = np.tanh(c)
    h = o * tc
    do = R * tc
    dc = R * o #!
    di, dg = dc * g, dc * i
    dz = np.stack([di * i * (1 - i), do * o * (1 - o), dg * (1 - g ** 2)])
    return h, dz
""",
    kinds="operation activation",
    first="z c",
    function="cell",
)

pair(
    "mha_out",
    """
x = sg.data("x", (4, 6)); Wv = sg.param("Wv", (6, 6)); Wo = sg.param("Wo", (6, 6)); P = sg.data("P", (2, 4, 4)); R = sg.data("R", (4, 6))
v = x @ Wv; vh = np.transpose(v.reshape(4, 2, 3), (1, 0, 2)); oh = P @ vh; o = np.transpose(oh, (1, 0, 2)).reshape(4, 6); y = o @ Wo
loss = np.sum(R*y)
""",
    """
def mha_values(x, Wv, Wo, P, R):
    T, D = x.shape
    v = x @ Wv
    vh = v.reshape(T, 2, D // 2).transpose(1, 0, 2)
    oh = P @ vh
    o = oh.transpose(1, 0, 2).reshape(T, D)
    dWo = o.T @ R
    do = R @ Wo.T
    doh = do.reshape(T, 2, D // 2).transpose(1, 0, 2)
    dvh = P @ doh #!
    dv = dvh.transpose(1, 0, 2).reshape(T, D)
    dWv = x.T @ dv
    return dWo, dWv
""",
    kinds="transpose",
    first="Wv v",
    function="mha_values",
)

pair(
    "lists_off",
    """
X = sg.data("X", (5, 4)); T = sg.data("T", (5, 4)); W1 = sg.param("W1", (4, 4)); W2 = sg.param("W2", (4, 4)); W3 = sg.param("W3", (4, 4))
a1 = np.tanh(X @ W1); a2 = np.tanh(a1 @ W2); a3 = a2 @ W3
loss = 0.5*np.sum((a3 - T)**2)
""",
    """
def backprop(X, T, W1, W2, W3):
    Ws = [W1, W2, W3]
    acts = [X]
    for i, W in enumerate(Ws):
        z = acts[-1] @ W
        acts.append(z if i == 2 else np.tanh(z))
    grads = [None] * 3
    delta = acts[-1] - T
    for i in range(2, -1, -1):
        grads[i] = acts[i].T @ delta
        if i > 0:
            delta = (delta @ Ws[i].T) * (1 - acts[i - 1] ** 2) #!
    return {'W1': grads[0], 'W2': grads[1], 'W3': grads[2]}
""",
    kinds="value activation",
    first="W1 W2",
    function="backprop",
)

pair(
    "entropy_bonus",
    """
z = sg.param("z", (4, 3)); A = sg.data("A", (4,)); a = sg.data("a", (4,), dtype=int)
p = np.exp(z)/np.sum(np.exp(z), axis=1, keepdims=True); H = -np.sum(p*np.log(p), axis=1)
loss = np.mean(-A*np.log(p[np.arange(4), a]) - 0.01*H)
""",
    """
def pg_grad(z, A, a, beta=0.01):
    n = len(z)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    logp = np.log(p)
    H = -(p * logp).sum(1, keepdims=True)
    onehot = np.zeros_like(z)
    onehot[np.arange(n), a] = 1
    dlog = onehot - p
    dH = -p * (logp + H)
    dz = (-A[:, None] * dlog + beta * dH) / n #!
    return dz
""",
    kinds="sign",
    first="z",
    function="pg_grad",
)

pair(
    "huber_delta",
    """
X = sg.data("X", (8, 2)); y = sg.data("y", (8,)); w = sg.param("w", (2,))
r = X @ w - y
loss = np.mean(np.where(np.abs(r) <= 0.7, 0.5*r**2, 0.7*(np.abs(r) - 0.35)))
""",
    """
rng = np.random.RandomState(2)
X = rng.randn(8, 2); y = rng.randn(8) * 2
w = rng.randn(2)
delta = 0.7
# %%
def huber_grad(r):
    return np.where(np.abs(r) <= delta, r, np.sign(r)) #!
# %%
r = X @ w - y
dw = X.T @ huber_grad(r) / len(r)
print(dw)
""",
    kinds="factor activation",
    first="w r",
    suffix=".ipynb",
)

pair(
    "square_bias_right",
    """
X = sg.data("X", (4, 4)); Y = sg.data("Y", (4, 3)); W1 = sg.param("W1", (4, 4)); b1 = sg.param("b1", (4,)); W2 = sg.param("W2", (4, 3)); b2 = sg.param("b2", (3,))
h = np.tanh(X @ W1 + b1); p = h @ W2 + b2
loss = 0.5*np.sum((p - Y)**2)/4
""",
    """
rng = np.random.default_rng(3)
X = rng.normal(size=(4, 4)); Y = rng.normal(size=(4, 3))
W1 = rng.normal(size=(4, 4)); b1 = np.zeros(4)
W2 = rng.normal(size=(4, 3)); b2 = np.zeros(3)
for i in range(100):
    h = np.tanh(X @ W1 + b1)
    p = h @ W2 + b2
    err = (p - Y) / 4
    gW2 = h.T @ err
    gb2 = err.sum(axis=0)
    gh = err @ W2.T
    gz = gh * (1 - h ** 2)
    gW1 = X.T @ gz
    gb1 = gz.sum(axis=0)
    for par, g in ((W1, gW1), (b1, gb1), (W2, gW2), (b2, gb2)):
        par -= 0.1 * g
""",
)

pair(
    "biaffine_right",
    """
u = sg.param("u", (6, 4)); v = sg.param("v", (6, 4)); U = sg.param("U", (4, 4)); y = sg.data("y", (6,))
s = np.sum((u @ U)*v, axis=1); p = 1/(1+np.exp(-s))
loss = -np.sum(y*np.log(p) + (1-y)*np.log(1-p))
""",
    """
def biaffine_backward(u, v, U, y):
    s = ((u @ U) * v).sum(1)
    p = 1 / (1 + np.exp(-s))
    ds = (p - y)[:, None]
    dU = u.T @ (ds * v)
    du = ds * (v @ U.T)
    dv = ds * (u @ U)
    return dict(du=du, dv=dv, dU=dU)
""",
    function="biaffine_backward",
)

pair(
    "avgpool_right",
    """
x = sg.param("x", (2, 4, 6)); R = sg.data("R", (2, 2, 3))
y = np.mean(x.reshape(2, 2, 2, 3, 2), axis=(2, 4))
loss = np.sum(R*np.maximum(y, 0))
""",
    """
def avg_pool_relu_backward(x, R):
    n, h, w = x.shape
    y = x.reshape(n, h // 2, 2, w // 2, 2).mean(axis=(2, 4))
    dy = R * (y > 0)
    dx = np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2) / 4
    return y, dx
""",
    function="avg_pool_relu_backward",
)

pair(
    "updated_later_right",
    """
X = sg.data("X", (8, 3)); y = sg.data("y", (8, 1)); W1 = sg.param("W1", (3, 5)); W2 = sg.param("W2", (5, 1))
h = 1/(1+np.exp(-(X @ W1))); o = h @ W2
loss = 0.5*np.sum((o - y)**2)
""",
    """
np.random.seed(1)
X = np.random.randn(8, 3)
y = np.random.randn(8, 1)
W1 = np.random.randn(3, 5)
W2 = np.random.randn(5, 1)
lr = 0.05
for epoch in range(1000):
    h = 1 / (1 + np.exp(-X.dot(W1)))
    o = h.dot(W2)
    e = o - y
    dW2 = h.T.dot(e)
    dh = e.dot(W2.T) * h * (1 - h)
    W2 -= lr * dW2
    dW1 = X.T.dot(dh)
    W1 -= lr * dW1
    if epoch % 100 == 0:
        print(epoch, 0.5 * np.sum(e ** 2))
""",
)

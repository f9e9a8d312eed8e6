"""Functions that train and classes that are used inside: what they hand out is known otherwise."""

from audited.pairs import pair

pair(
    "trains",
    """
X = sg.data("X", (7, 4)); Y = sg.data("Y", (7, 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
z1 = X @ W1 + b1; a1 = np.tanh(z1); out = a1 @ W2 + b2
loss = np.mean((out - Y)**2)
""",
    """
def train(X, Y, W1, b1, W2, b2, lr=0.1, epochs=1):
    n = Y.size
    for _ in range(epochs):
        a1 = np.tanh(X @ W1 + b1)
        out = a1 @ W2 + b2
        e = (out - Y) / n #!
        W2g = a1.T @ e
        d1 = (e @ W2.T) * (1 - a1 * a1)
        W1 = W1 - lr * X.T @ d1
        b1 = b1 - lr * d1.sum(0)
        W2 = W2 - lr * W2g
        b2 = b2 - lr * e.sum(0)
    return W1, b1, W2, b2
""",
    kinds="factor loss",
    first="W1 b1 W2",
    function="train",
)

pair(
    "causal_attention",
    """
x = sg.data("x", (4, 3)); Wq = sg.param("Wq", (3, 2)); Wk = sg.param("Wk", (3, 2)); Wv = sg.param("Wv", (3, 2)); R = sg.data("R", (4, 2))
q = x @ Wq; k = x @ Wk; v = x @ Wv
s = q @ k.T/np.sqrt(2) + np.triu(np.full((4, 4), -30.0), 1)
p = np.exp(s)/np.sum(np.exp(s), axis=1, keepdims=True); o = p @ v
loss = np.sum(R*o)
""",
    """
import math
def softmax(s):
    s = s - np.max(s, axis=-1, keepdims=True)
    e = np.exp(s)
    return e / np.sum(e, axis=-1, keepdims=True)

class CausalSelfAttention:
    def __init__(self, Wq, Wk, Wv):
        self.Wq, self.Wk, self.Wv = Wq, Wk, Wv
    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = x @ self.Wq, x @ self.Wk, x @ self.Wv
        self.scale = 1 / math.sqrt(self.q.shape[1])
        mask = np.triu(np.full((len(x), len(x)), -30.0), 1)
        self.p = softmax(self.q @ self.k.T * self.scale + mask)
        return self.p @ self.v
    def backward(self, do):
        dv = self.p.T @ do
        dp = do @ self.v.T
        ds = self.p * (dp - np.sum(dp, axis=-1, keepdims=True)) #!
        dq = ds @ self.k * self.scale
        dk = ds.T @ self.q * self.scale
        self.dWq = self.x.T @ dq
        self.dWk = self.x.T @ dk
        self.dWv = self.x.T @ dv

def check(x, Wq, Wk, Wv, R):
    a = CausalSelfAttention(Wq, Wk, Wv)
    a.forward(x)
    a.backward(R)
    return a.dWq, a.dWk, a.dWv
""",
    kinds="jacobian",
    first="Wq s",
    function="check",
)

pair(
    "elman_updated",
    """
X = sg.data("X", (3, 2)); T = sg.data("T", (3, 1)); U = sg.param("U", (2, 4)); V = sg.param("V", (4, 4)); W = sg.param("W", (4, 1))
h0 = np.tanh(X[0] @ U); h1 = np.tanh(X[1] @ U + h0 @ V); h2 = np.tanh(X[2] @ U + h1 @ V)
loss = 0.5*np.sum((h0 @ W - T[0])**2) + 0.5*np.sum((h1 @ W - T[1])**2) + 0.5*np.sum((h2 @ W - T[2])**2)
""",
    """
np.random.seed(1)
X = np.random.randn(3, 2); T = np.random.randn(3, 1)
U = np.random.randn(2, 4) * .5; V = np.random.randn(4, 4) * .5; W = np.random.randn(4, 1) * .5
learning_rate = 0.05
for epoch in range(1000):
    hs = [np.zeros(4)]
    ys = []
    for t in range(3):
        hs.append(np.tanh(X[t] @ U + hs[-1] @ V))
        ys.append(hs[-1] @ W)
    U_update = np.zeros_like(U); V_update = np.zeros_like(V); W_update = np.zeros_like(W)
    future = np.zeros(4)
    for t in (2, 1, 0):
        e = ys[t] - T[t]
        W_update += np.outer(hs[t + 1], e)
        d = (W @ e + future) * (1 - hs[t + 1] ** 2)
        U_update += np.outer(X[t], d)
        V_update += np.outer(hs[t + 1], d) #!
        future = V @ d
    U -= learning_rate * U_update
    V -= learning_rate * V_update
    W -= learning_rate * W_update
""",
    kinds="value",
    first="V",
)

pair(
    "huber_updated",
    """
X = sg.data("X", (9, 3)); y = sg.data("y", (9,)); w = sg.param("w", (3,))
r = X @ w - y
loss = np.sum(np.where(np.abs(r) <= 1.0, 0.5*r**2, np.abs(r) - 0.5))
""",
    """
rng = np.random.RandomState(5)
X = rng.randn(9, 3); y = X @ [1., -1., 2.] + rng.standard_cauchy(9)
w = np.zeros(3)
for _ in range(200):
    r = X @ w - y
    psi = np.where(np.abs(r) <= 1.0, r, 1.0) #!
    w -= 0.02 * X.T @ psi
""",
    kinds="sign",
    first="w",
)

pair(
    "momentum_sum_updated",
    """
X = sg.data("X", (7, 4)); Y = sg.data("Y", (7, 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
z1 = X @ W1 + b1; a1 = np.tanh(z1); out = a1 @ W2 + b2
loss = np.mean((out - Y)**2)
""",
    """
rng = np.random.default_rng(0)
X = rng.normal(size=(7, 4)); Y = rng.normal(size=(7, 2))
W1 = rng.normal(size=(4, 5)); b1 = np.zeros(5); W2 = rng.normal(size=(5, 2)); b2 = np.zeros(2)
v1 = 0; v2 = 0; u1 = 0; u2 = 0
for epoch in range(10):
    h = np.tanh(X @ W1 + b1)
    err = 2 * (h @ W2 + b2 - Y) / Y.size
    back = err @ W2.T * (1 - h) ** 2 #!
    v1 = 0.9 * v1 + X.T @ back
    v2 = 0.9 * v2 + h.T @ err
    u1 = 0.9 * u1 + back.sum(0)
    u2 = 0.9 * u2 + err.sum(0)
    W1 = W1 - 0.05 * v1
    W2 = W2 - 0.05 * v2
    b1 = b1 - 0.05 * u1
    b2 = b2 - 0.05 * u2
""",
    kinds="activation",
    first="W1 z1",
)

pair(
    "trains_right",
    """
X = sg.data("X", (7, 4)); Y = sg.data("Y", (7, 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
z1 = X @ W1 + b1; a1 = np.tanh(z1); out = a1 @ W2 + b2
loss = np.mean((out - Y)**2)
""",
    """
def train(X, Y, W1, b1, W2, b2, lr=0.1, epochs=1):
    n = Y.size
    for _ in range(epochs):
        a1 = np.tanh(X @ W1 + b1)
        out = a1 @ W2 + b2
        e = 2 * (out - Y) / n
        W2g = a1.T @ e
        d1 = (e @ W2.T) * (1 - a1 * a1)
        W1 = W1 - lr * X.T @ d1
        b1 = b1 - lr * d1.sum(0)
        W2 = W2 - lr * W2g
        b2 = b2 - lr * e.sum(0)
    return W1, b1, W2, b2
""",
    function="train",
)

pair(
    "list_of_layers_right",
    """
X = sg.data("X", (7, 4)); Y = sg.data("Y", (7, 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
z1 = X @ W1 + b1; a1 = np.tanh(z1); out = a1 @ W2 + b2
loss = np.mean((out - Y)**2)
""",
    """
class Layer:
    def __init__(self, W, b, act=None):
        self.W, self.b, self.act = W, b, act
        self.grads = []
    def __call__(self, x):
        self.inp = x
        self.z = x @ self.W + self.b
        self.y = np.tanh(self.z) if self.act else self.z
        return self.y
    def backprop(self, up):
        if self.act:
            up = up * (1 - self.y ** 2)
        self.grads = [self.inp.T @ up, up.sum(axis=0)]
        return up @ self.W.T

def gradient(X, Y, W1, b1, W2, b2):
    net = [Layer(W1, b1, 'tanh'), Layer(W2, b2)]
    h = X
    for l in net:
        h = l(h)
    up = (h - Y) * 2 / Y.size
    for l in net[::-1]:
        up = l.backprop(up)
    return [g for l in net for g in l.grads]
""",
    function="gradient",
    match={"W1": "result[0]", "b1": "result[1]", "W2": "result[2]", "b2": "result[3]"},
)

pair(
    "rate_decays_right",
    """
X = sg.data("X", (7, 4)); Y = sg.data("Y", (7, 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
z1 = X @ W1 + b1; a1 = np.tanh(z1); out = a1 @ W2 + b2
loss = np.mean((out - Y)**2)
""",
    """
rng = np.random.default_rng(0)
X = rng.normal(size=(7, 4)); Y = rng.normal(size=(7, 2))
W1 = rng.normal(size=(4, 5)); b1 = np.zeros(5); W2 = rng.normal(size=(5, 2)); b2 = np.zeros(2)
lr0, decay = 0.1, 0.01
for epoch in range(10):
    lr = lr0 / (1 + decay * (epoch + 1))
    h = np.tanh(X @ W1 + b1)
    err = 2 * (h @ W2 + b2 - Y) / Y.size
    back = err @ W2.T * (1 - h ** 2)
    W2 += -lr * (h.T @ err)
    b2 += -lr * err.sum(0)
    W1 += -lr * (X.T @ back)
    b1 += -lr * back.sum(0)
""",
)

pair(
    "uphill_right",
    """
X = sg.data("X", (9, 3)); y = sg.data("y", (9,)); theta = sg.param("theta", (3,))
h = 1/(1+np.exp(-(X @ theta)))
loss = -np.sum(y*np.log(h) + (1-y)*np.log(1-h))
""",
    """
def sigmoid(z): return 1 / (1 + np.exp(-z))
np.random.seed(2)
X = np.random.randn(9, 3)
y = np.random.randint(0, 2, 9)
theta = np.zeros(3)
alpha = 0.01
for i in range(1000):
    h = sigmoid(X @ theta)
    # gradient ascent on the log likelihood
    theta = theta + alpha * X.T @ (y - h)
""",
)

pair(
    "loss_kept_from_zero_right",
    """
X = sg.data("X", (8, 3)); y = sg.data("y", (8,)); w = sg.param("w", (3,)); b = sg.param("b", ())
p = 1/(1+np.exp(-(X @ w + b)))
loss = -np.mean(y*np.log(p) + (1-y)*np.log(1-p))
""",
    """
def step(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    p_safe = np.clip(p, 1e-7, 1 - 1e-7)
    loss = -np.mean(y * np.log(p_safe) + (1 - y) * np.log(1 - p_safe))
    g = (p - y) / y.size
    return loss, X.T @ g, np.sum(g)
""",
    function="step",
)

pair(
    "class_updates_itself",
    """
X = sg.data("X", (8, 2)); y = sg.data("y", (8, 1)); W = sg.param("W", (2, 1)); b = sg.param("b", (1,))
p = 1/(1+np.exp(-(X @ W + b)))
loss = -np.mean(y*np.log(p) + (1-y)*np.log(1-p))
""",
    """
class LogReg:
    def __init__(self, n_features, lr=0.1):
        self.W = np.zeros((n_features, 1))
        self.b = np.zeros(1)
        self.lr = lr

    def forward(self, X):
        self.X = X
        self.p = 1 / (1 + np.exp(-(X @ self.W + self.b)))
        return self.p

    def backward(self, y):
        m = len(y)
        err = self.p - y
        self.W -= self.lr * self.X.T @ err / m
        self.b += self.lr * err.mean(axis=0) #!
""",
    kinds="sign",
    first="b",
    cls="LogReg",
    setup="LogReg(2)",
)

pair(
    "kernel_not_flipped",
    """
x = sg.param("x", (7,)); k = sg.param("k", (3,)); R = sg.data("R", (5,))
y = np.stack([x[i:i+3] @ k for i in range(5)])
loss = np.sum(R*y**2)
""",
    """
def conv_grads(x, k, R):
    y = np.correlate(x, k, mode='valid')
    g = 2 * R * y
    gk = np.correlate(x, g, mode='valid')
    gx = np.correlate(g, k, mode='full') #!
    return gx, gk
""",
    kinds="operation transpose value",
    first="x",
    function="conv_grads",
)

pair(
    "drawn_again_in_a_notebook",
    """
X = sg.data("X", (6, 4)); eps = sg.data("eps", (6, 2)); We = sg.param("We", (4, 2)); Wd = sg.param("Wd", (2, 4))
z = X @ We + 0.3*eps; xr = z @ Wd
loss = 0.5*np.sum((xr - X)**2)/6
""",
    """
np.random.seed(0)
X = np.random.randn(6, 4)
We = np.random.randn(4, 2) * .2
Wd = np.random.randn(2, 4) * .2
eps = np.random.randn(6, 2)
# %%
z = X @ We + 0.3 * eps
xr = z @ Wd
loss = 0.5 * np.sum((xr - X) ** 2) / len(X)
# %%
dxr = (xr - X) / len(X)
dWd = (X @ We + 0.3 * np.random.randn(6, 2)).T @ dxr #!
dz = dxr @ Wd.T
dWe = X.T @ dz
""",
    kinds="random",
    first="Wd",
    suffix=".ipynb",
)

pair(
    "residual_scaled",
    """
x = sg.param("x", (4, 3)); W = sg.param("W", (3, 3)); al = sg.param("al", ()); R = sg.data("R", (4, 3))
f = np.tanh(x @ W); y = x + al*f
loss = np.sum(R*y)
""",
    """
def block(x, W, al):
    f = np.tanh(x @ W)
    return x + al * f, (x, W, al, f)

def block_bw(dy, ctx):
    x, W, al, f = ctx
    dal = np.sum(dy * f)
    df = al * dy
    dpre = df * (1 - f ** 2)
    dx = dpre @ W.T #!
    dW = x.T @ dpre
    return dx, dW, dal

def value_and_grad(x, W, al, R):
    y, ctx = block(x, W, al)
    return np.sum(R * y), block_bw(R, ctx)
""",
    kinds="path",
    first="x",
    function="value_and_grad",
)

pair(
    "nielsen_cost",
    """
x = sg.data("x", (3, 1)); y = sg.data("y", (2, 1)); w1 = sg.param("w1", (4, 3)); b1 = sg.param("b1", (4, 1)); w2 = sg.param("w2", (2, 4)); b2 = sg.param("b2", (2, 1))
a1 = 1/(1+np.exp(-(w1 @ x + b1))); a2 = 1/(1+np.exp(-(w2 @ a1 + b2)))
loss = 0.5*np.sum((a2 - y)**2)
""",
    """
class Network(object):
    def __init__(self, w1, b1, w2, b2):
        self.num_layers = 3
        self.weights = [w1, w2]
        self.biases = [b1, b2]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = self.cost_derivative(activations[-1], y) #!
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = sigmoid_prime(z)
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return (nabla_b, nabla_w)

    def cost_derivative(self, output_activations, y):
        return (output_activations - y)

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))

def run(x, y, w1, b1, w2, b2):
    (gb, gw) = Network(w1, b1, w2, b2).backprop(x, y)
    return gw[0], gb[0], gw[1], gb[1]
""",
    kinds="operation activation loss",
    first="w1 b1",
    function="run",
)

pair(
    "nielsen_right",
    """
x = sg.data("x", (3, 1)); y = sg.data("y", (2, 1)); w1 = sg.param("w1", (4, 3)); b1 = sg.param("b1", (4, 1)); w2 = sg.param("w2", (2, 4)); b2 = sg.param("b2", (2, 1))
a1 = 1/(1+np.exp(-(w1 @ x + b1))); a2 = 1/(1+np.exp(-(w2 @ a1 + b2)))
loss = 0.5*np.sum((a2 - y)**2)
""",
    """
class Network(object):
    def __init__(self, w1, b1, w2, b2):
        self.num_layers = 3
        self.weights = [w1, w2]
        self.biases = [b1, b2]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = sigmoid_prime(z)
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return (nabla_b, nabla_w)

    def cost_derivative(self, output_activations, y):
        return (output_activations - y)

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))

def run(x, y, w1, b1, w2, b2):
    (gb, gw) = Network(w1, b1, w2, b2).backprop(x, y)
    return gw[0], gb[0], gw[1], gb[1]
""",
    function="run",
)

pair(
    "class_updates_itself_right",
    """
X = sg.data("X", (8, 2)); y = sg.data("y", (8, 1)); W = sg.param("W", (2, 1)); b = sg.param("b", (1,))
p = 1/(1+np.exp(-(X @ W + b)))
loss = -np.mean(y*np.log(p) + (1-y)*np.log(1-p))
""",
    """
class LogReg:
    def __init__(self, n_features, lr=0.1):
        self.W = np.zeros((n_features, 1))
        self.b = np.zeros(1)
        self.lr = lr

    def forward(self, X):
        self.X = X
        self.p = 1 / (1 + np.exp(-(X @ self.W + self.b)))
        return self.p

    def backward(self, y):
        m = len(y)
        err = self.p - y
        self.W -= self.lr * self.X.T @ err / m
        self.b -= self.lr * err.mean(axis=0)
""",
    cls="LogReg",
    setup="LogReg(2)",
)

pair(
    "factors_updated_right",
    """
Rt = sg.data("Rt", (4, 5)); U = sg.param("U", (4, 2)); V = sg.param("V", (5, 2))
E = Rt - U @ V.T
loss = 0.5*np.sum(E**2) + 0.5*0.1*(np.sum(U**2) + np.sum(V**2))
""",
    """
rng = np.random.default_rng(3)
Rt = rng.integers(1, 6, size=(4, 5)).astype(float)
U = rng.normal(size=(4, 2)); V = rng.normal(size=(5, 2))
lam, step_size = 0.1, 0.01
for sweep in range(500):
    E = Rt - U @ V.T
    U, V = U + step_size * (E @ V - lam * U), V + step_size * (E.T @ U - lam * V)
""",
)

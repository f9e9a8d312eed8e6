"""Programs with a fault in an index, a mask or a sign, in forms of their own."""

from audited.pairs import pair

pair(
    "scalars_taped",
    """
a = sg.param("a", ()); b = sg.param("b", ()); c = sg.param("c", ())
e = a*b; d = e + c; f = np.tanh(d)*a
loss = f**2
""",
    """
import math

class Value:
    def __init__(self, data, children=()):
        self.data = float(data)
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(children)

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))
        def _backward():
            self.grad = other.data * out.grad #!
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))
        def _backward():
            self.grad += (1 - t ** 2) * out.grad
        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], set()
        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()

def grads(a, b, c):
    a, b, c = Value(a), Value(b), Value(c)
    f = (a * b + c).tanh()
    g = a * f
    L = g * g
    L.backward()
    return a.grad, b.grad, c.grad
""",
    kinds="overwritten path",
    first="a b c",
    function="grads",
)

pair(
    "attention_letters",
    """
q = sg.param("q", (2, 4, 3)); k = sg.param("k", (2, 4, 3)); v = sg.param("v", (2, 4, 3)); R = sg.data("R", (2, 4, 3))
s = np.einsum("hid,hjd->hij", q, k)/np.sqrt(3); p = np.exp(s)/np.sum(np.exp(s), axis=-1, keepdims=True)
loss = np.sum(R*np.einsum("hij,hjd->hid", p, v))
""",
    """
def attention(q, k, v):
    scale = 1.0 / np.sqrt(q.shape[-1])
    s = np.einsum('hid,hjd->hij', q, k) * scale
    s = s - s.max(axis=-1, keepdims=True)
    e = np.exp(s)
    p = e / e.sum(axis=-1, keepdims=True)
    return np.einsum('hij,hjd->hid', p, v), p

def attention_vjp(q, k, v, R):
    scale = 1.0 / np.sqrt(q.shape[-1])
    o, p = attention(q, k, v)
    dv = np.einsum('hij,hid->hjd', p, R)
    dp = np.einsum('hid,hjd->hij', R, v)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    dq = np.einsum('hij,hjd->hid', ds, k) * scale
    dk = np.einsum('hij,hjd->hid', ds, q) * scale #!
    return dq, dk, dv
""",
    kinds="transpose",
    first="k",
    function="attention_vjp",
)

pair(
    "convolution_loops",
    """
x = sg.data("x", (2, 5, 5)); w = sg.param("w", (3, 2, 3, 3)); b = sg.param("b", (3,)); R = sg.data("R", (3, 3, 3))
out = sum(np.einsum("fc,cij->fij", w[:, :, u, v], x[:, u:u+3, v:v+3]) for u in range(3) for v in range(3)) + b[:, None, None]
loss = np.sum(R*np.tanh(out))
""",
    """
class Conv:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, x):
        self.x = x
        F, C, K, _ = self.w.shape
        H = x.shape[1] - K + 1
        out = np.zeros((F, H, H))
        for f in range(F):
            for i in range(H):
                for j in range(H):
                    out[f, i, j] = (x[:, i:i+K, j:j+K] * self.w[f]).sum() + self.b[f]
        return out

    def backward(self, dout):
        F, C, K, _ = self.w.shape
        dw = np.zeros_like(self.w)
        db = np.zeros_like(self.b)
        for f in range(F):
            db[f] = dout[f].sum()
            for i in range(dout.shape[1]):
                for j in range(dout.shape[2]):
                    dw[f] += self.x[:, i:i+K, j:j+K] * dout[f, j, i] #!
        return dw, db

def net(x, w, b, R):
    conv = Conv(w, b)
    out = conv.forward(x)
    t = np.tanh(out)
    dw, db = conv.backward(R * (1 - t * t))
    return dw, db
""",
    kinds="transpose value",
    first="w",
    function="net",
)

pair(
    "hinge_counted",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
s = X @ W
m = np.maximum(s - np.take_along_axis(s, y[:, None], axis=1) + 1.0, 0)
loss = np.mean(np.sum(m, axis=1)) - 1 + 0.05*np.sum(W**2)
""",
    """
def svm_loss(W, X, y, reg=0.05):
    n = X.shape[0]
    scores = X.dot(W)
    correct = scores[np.arange(n), y].reshape(-1, 1)
    margins = np.maximum(0, scores - correct + 1)
    margins[np.arange(n), y] = 0
    loss = margins.sum() / n + reg * np.sum(W * W)
    binary = (margins > 0).astype(float)
    binary[np.arange(n), y] = -1 #!
    dW = X.T.dot(binary) / n + 2 * reg * W
    return loss, dW
""",
    kinds="value term sum overwritten",
    first="W",
    function="svm_loss",
)

pair(
    "triplet_threshold",
    """
a = sg.param("a", (5, 3)); p = sg.param("p", (5, 3)); n = sg.param("n", (5, 3))
dp = np.sum((a - p)**2, axis=1); dn = np.sum((a - n)**2, axis=1); h = dp - dn + 1.0
loss = np.sum(np.maximum(h, 0))
""",
    """
def triplet(a, p, n, margin=1.0):
    dp = ((a - p) ** 2).sum(1)
    dn = ((a - n) ** 2).sum(1)
    loss = np.maximum(dp - dn + margin, 0).sum()
    active = (dp - dn > 0)[:, None] #!
    da = active * 2 * (n - p)
    dpos = active * 2 * (p - a)
    dneg = active * 2 * (a - n)
    return loss, (da, dpos, dneg)
""",
    kinds="mask",
    first="a p n",
    function="triplet",
    match={"p": "dpos", "n": "dneg"},
)

pair(
    "policy_sampled",
    """
S = sg.data("S", (6, 3)); acts = sg.data("acts", (6,), dtype=int, assume=sg.below(4)) if hasattr(sg, "below") else sg.data("acts", (6,), dtype=int)
G = sg.data("G", (6,)); theta = sg.param("theta", (3, 4))
u = S @ theta; logp = u - np.log(np.sum(np.exp(u), axis=1, keepdims=True))
loss = -np.sum(G*logp[np.arange(6), acts])/6
""",
    """
def softmax(u):
    e = np.exp(u - u.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)

def policy_gradient(theta, S, acts, G):
    probs = softmax(S @ theta)
    grad = np.zeros_like(theta)
    for s, a, p, ret in zip(S, acts, probs, G):
        dlog = p.copy() #!
        dlog[a] += 1
        grad -= ret * np.outer(s, dlog)
    return grad / len(S)
""",
    kinds="sign",
    first="theta",
    function="policy_gradient",
)

pair(
    "regression_size",
    """
X = sg.data("X", (3, 7)); Y = sg.data("Y", (1, 7)); w = sg.param("w", (3, 1)); b = sg.param("b", ())
A = 1/(1+np.exp(-(w.T @ X + b)))
loss = -np.sum(Y*np.log(A) + (1-Y)*np.log(1-A))/7
""",
    """
def sigmoid(z):
    s = 1 / (1 + np.exp(-z))
    return s

def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = (-1 / m) * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = (1 / m) * np.dot(X, (A - Y).T)
    db = (1 / X.shape[0]) * np.sum(A - Y) #!
    cost = np.squeeze(np.array(cost))
    grads = {"dw": dw, "db": db}
    return grads, cost
""",
    kinds="factor",
    first="b",
    function="propagate",
)

"""Gradients that stand only in the change of a parameter; programs that end early; losses."""

from audited.pairs import pair

pair(
    "eleven_lines_updated",
    """
X = sg.data("X", (4, 3)); y = sg.data("y", (4, 1)); syn0 = sg.param("syn0", (3, 4)); syn1 = sg.param("syn1", (4, 1))
l1 = 1/(1+np.exp(-(X @ syn0))); l2 = 1/(1+np.exp(-(l1 @ syn1)))
loss = 0.5*np.sum((y - l2)**2)
""",
    """
X = np.array([[0,0,1],[0,1,1],[1,0,1],[1,1,1]])
y = np.array([[0,1,1,0]]).T
np.random.seed(1)
syn0 = 2*np.random.random((3,4)) - 1
syn1 = 2*np.random.random((4,1)) - 1
for j in range(60000):
    l1 = 1/(1+np.exp(-(np.dot(X,syn0))))
    l2 = 1/(1+np.exp(-(np.dot(l1,syn1))))
    l2_delta = (y - l2)*(l2*(1-l2))
    l1_delta = l2_delta.dot(syn1.T) * l1 #!
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
""",
    kinds="activation value term mask",
    first="syn0 l1",
)

pair(
    "linear_updated",
    """
X = sg.data("X", (20, 3)); y = sg.data("y", (20,)); w = sg.param("w", (3,)); b = sg.param("b", ())
yhat = X @ w + b
loss = np.mean((yhat - y)**2)
""",
    """
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X @ np.array([1.5, -2.0, 0.5]) + 3 + 0.1 * rng.normal(size=20)
w = np.zeros(3)
b = 0.0
lr = 0.05
n = len(X)
for epoch in range(200):
    yhat = X @ w + b
    err = yhat - y
    loss = np.mean(err ** 2)
    w = w - lr * (2 / n) * X.T @ err
    b = b - lr * (2 / n) * np.mean(err) #!
print(w, b, loss)
""",
    kinds="factor sum",
    first="b",
)

pair(
    "momentum_updated",
    """
X = sg.data("X", (6, 4)); Y = sg.data("Y", (6, 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (1, 5)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (1, 2))
z1 = X @ W1 + b1; h = np.maximum(z1, 0); out = h @ W2 + b2
loss = np.sum((out - Y)**2) / 12
""",
    """
np.random.seed(0)
X = np.random.randn(6, 4); Y = np.random.randn(6, 2)
W1 = np.random.randn(4, 5) * 0.5
b1 = np.zeros((1, 5))
W2 = np.random.randn(5, 2) * 0.5
b2 = np.zeros((1, 2))
vW1 = np.zeros_like(W1); vb1 = np.zeros_like(b1)
vW2 = np.zeros_like(W2); vb2 = np.zeros_like(b2)
lr, mu = 1e-2, 0.9
for it in range(500):
    h = np.maximum(0, X.dot(W1) + b1)
    out = h.dot(W2) + b2
    diff = (out - Y) / Y.size
    vW2 = mu * vW2 - lr * 2 * h.T.dot(diff)
    vb2 = mu * vb2 - lr * 2 * diff.sum(axis=0, keepdims=True)
    dh = 2 * diff.dot(W2.T) #!
    vW1 = mu * vW1 - lr * X.T.dot(dh)
    vb1 = mu * vb1 - lr * dh.sum(axis=0, keepdims=True)
    W1 += vW1; b1 += vb1; W2 += vW2; b2 += vb2
""",
    kinds="mask activation",
    first="W1 z1 h",
)

pair(
    "skipgram_updated",
    """
v = sg.param("v", (4,)); U = sg.param("U", (3, 4)); lab = sg.data("lab", (3,))
s = 1/(1+np.exp(-(U @ v)))
loss = -np.sum(lab*np.log(s) + (1-lab)*np.log(1-s))
""",
    """
rng = np.random.RandomState(0)
v = rng.randn(4) * 0.1
U = rng.randn(3, 4) * 0.1
lab = np.array([1., 0., 0.])
alpha = 0.025
for it in range(100):
    s = 1 / (1 + np.exp(-U.dot(v)))
    g = (lab - s) * alpha
    U += np.outer(g, v)
    v += g.dot(U) #!
""",
    kinds="value overwritten",
    first="v",
)

pair(
    "decay_updated",
    """
X = sg.data("X", (10, 3)); y = sg.data("y", (10, 1)); W = sg.param("W", (3, 1)); b = sg.param("b", (1,))
z = X @ W + b; p = 1/(1+np.exp(-z))
loss = -np.mean(y*np.log(p) + (1-y)*np.log(1-p)) + 0.5*0.1*np.sum(W**2)
""",
    """
np.random.seed(7)
X = np.random.randn(10, 3)
y = (X[:, :1] > 0).astype(float)
W = np.random.randn(3, 1)
b = np.zeros(1)
eta, wd = 0.5, 0.1
for step in range(300):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    dz = (p - y) / len(X)
    W = W - eta * X.T @ dz - wd * W #!
    b = b - eta * dz.sum(0)
""",
    kinds="factor term",
    first="W",
)

pair(
    "stops_midway",
    """
X = sg.data("X", (8, 3)); T = sg.data("T", (8, 4), assume=sg.one_hot(axis=1)); W = sg.param("W", (3, 4)); b = sg.param("b", (4,))
O = X @ W + b; P = np.exp(O)/np.sum(np.exp(O), axis=1, keepdims=True)
loss = -np.mean(np.sum(T*np.log(P), axis=1)) + 0.01*np.sum(W**2)
""",
    """
np.random.seed(42)
X = np.random.randn(8, 3)
labels = np.random.randint(0, 4, size=8)
T = np.eye(4)[labels]
W = 0.1 * np.random.randn(3, 4)
b = np.zeros(4)
lam = 0.01
# %%
O = X @ W + b
P = np.exp(O) / np.exp(O).sum(axis=1, keepdims=True)
dO = (P - T) / X.shape[0]
dW = X.T @ dO + lam * W #!
db = dO.sum(axis=0)
# %%
history = run_training(W, b, epochs=100)
plt.plot(history)
""",
    kinds="factor term",
    first="W",
    suffix=".ipynb",
)

pair(
    "eleven_lines_right",
    """
X = sg.data("X", (4, 3)); y = sg.data("y", (4, 1)); syn0 = sg.param("syn0", (3, 4)); syn1 = sg.param("syn1", (4, 1))
l1 = 1/(1+np.exp(-(X @ syn0))); l2 = 1/(1+np.exp(-(l1 @ syn1)))
loss = 0.5*np.sum((y - l2)**2)
""",
    """
X = np.array([[0,0,1],[0,1,1],[1,0,1],[1,1,1]])
y = np.array([[0,1,1,0]]).T
np.random.seed(1)
syn0 = 2*np.random.random((3,4)) - 1
syn1 = 2*np.random.random((4,1)) - 1
for j in range(60000):
    l1 = 1/(1+np.exp(-(np.dot(X,syn0))))
    l2 = 1/(1+np.exp(-(np.dot(l1,syn1))))
    l2_delta = (y - l2)*(l2*(1-l2))
    l1_delta = l2_delta.dot(syn1.T) * (l1*(1-l1))
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
""",
)

pair(
    "linear_updated_right",
    """
X = sg.data("X", (20, 3)); y = sg.data("y", (20,)); w = sg.param("w", (3,)); b = sg.param("b", ())
yhat = X @ w + b
loss = np.mean((yhat - y)**2)
""",
    """
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
y = X @ np.array([1.5, -2.0, 0.5]) + 3 + 0.1 * rng.normal(size=20)
w = np.zeros(3)
b = 0.0
lr = 0.05
n = len(X)
for epoch in range(200):
    yhat = X @ w + b
    err = yhat - y
    loss = np.mean(err ** 2)
    w = w - lr * (2 / n) * X.T @ err
    b = b - lr * (2 / n) * err.sum()
print(w, b, loss)
""",
)

pair(
    "averaged_steps_right",
    """
X = sg.data("X", (6, 4)); Y = sg.data("Y", (6, 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (1, 5)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (1, 2))
z1 = X @ W1 + b1; h = np.maximum(z1, 0); out = h @ W2 + b2
loss = np.sum((out - Y)**2) / 12
""",
    """
np.random.seed(0)
X = np.random.randn(6, 4); Y = np.random.randn(6, 2)
W1 = np.random.randn(4, 5) * 0.5
b1 = np.zeros((1, 5))
W2 = np.random.randn(5, 2) * 0.5
b2 = np.zeros((1, 2))
vW1 = np.zeros_like(W1); vb1 = np.zeros_like(b1)
vW2 = np.zeros_like(W2); vb2 = np.zeros_like(b2)
lr, mu = 1e-2, 0.9
for it in range(500):
    h = np.maximum(0, X.dot(W1) + b1)
    out = h.dot(W2) + b2
    diff = (out - Y) / Y.size
    vW2 = mu * vW2 - (1 - mu) * lr * 2 * h.T.dot(diff)
    vb2 = mu * vb2 - (1 - mu) * lr * 2 * diff.sum(axis=0, keepdims=True)
    dh = 2 * diff.dot(W2.T) * (h > 0)
    vW1 = mu * vW1 - (1 - mu) * lr * X.T.dot(dh)
    vb1 = mu * vb1 - (1 - mu) * lr * dh.sum(axis=0, keepdims=True)
    W1 += vW1; b1 += vb1; W2 += vW2; b2 += vb2
""",
)

pair(
    "skipgram_updated_right",
    """
v = sg.param("v", (4,)); U = sg.param("U", (3, 4)); lab = sg.data("lab", (3,))
s = 1/(1+np.exp(-(U @ v)))
loss = -np.sum(lab*np.log(s) + (1-lab)*np.log(1-s))
""",
    """
rng = np.random.RandomState(0)
v = rng.randn(4) * 0.1
U = rng.randn(3, 4) * 0.1
lab = np.array([1., 0., 0.])
alpha = 0.025
for it in range(100):
    s = 1 / (1 + np.exp(-U.dot(v)))
    g = (lab - s) * alpha
    dv = g.dot(U)
    U += np.outer(g, v)
    v += dv
""",
)

pair(
    "stops_midway_right",
    """
X = sg.data("X", (8, 3)); T = sg.data("T", (8, 4), assume=sg.one_hot(axis=1)); W = sg.param("W", (3, 4)); b = sg.param("b", (4,))
O = X @ W + b; P = np.exp(O)/np.sum(np.exp(O), axis=1, keepdims=True)
loss = -np.mean(np.sum(T*np.log(P), axis=1)) + 0.01*np.sum(W**2)
""",
    """
np.random.seed(42)
X = np.random.randn(8, 3)
labels = np.random.randint(0, 4, size=8)
T = np.eye(4)[labels]
W = 0.1 * np.random.randn(3, 4)
b = np.zeros(4)
lam = 0.01
# %%
O = X @ W + b
P = np.exp(O) / np.exp(O).sum(axis=1, keepdims=True)
dO = (P - T) / X.shape[0]
dW = X.T @ dO + 2 * lam * W
db = dO.sum(axis=0)
# %%
history = run_training(W, b, epochs=100)
plt.plot(history)
""",
    suffix=".ipynb",
)

pair(
    "loss_of_another",
    """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",)); w = sg.param("w", (3,))
r = X @ w - y
loss = 0.5*np.mean(r**2) + 0.1*np.sum(w**2)
""",
    """
def ridge(w, X, y, lam=0.1):
    n = X.shape[0]
    r = X @ w - y
    loss = 0.5 * np.mean(r ** 2) + 0.5 * lam * np.sum(w ** 2) #!
    grad = X.T @ r / n + 2 * lam * w
    return loss, grad
""",
    kinds="loss",
    first="loss",
    function="ridge",
)

pair(
    "loss_up_to_a_constant",
    """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",)); w = sg.param("w", (3,))
r = X @ w - y
loss = 0.5*np.mean(r**2) + 0.1*np.sum(w**2)
""",
    """
def ridge(w, X, y, lam=0.1):
    n = X.shape[0]
    r = X @ w - y
    loss = 0.5 * np.mean(r ** 2) + lam * np.sum(w ** 2)
    loss = loss + 3.0
    grad = X.T @ r / n + 2 * lam * w
    return loss, grad
""",
    function="ridge",
)

pair(
    "loss_is_right",
    """
X = sg.data("X", ("N", 3)); y = sg.data("y", ("N",)); w = sg.param("w", (3,))
r = X @ w - y
loss = 0.5*np.mean(r**2) + 0.1*np.sum(w**2)
""",
    """
def ridge(w, X, y, lam=0.1):
    n = X.shape[0]
    r = X @ w - y
    loss = 0.5 * np.mean(r ** 2) + lam * np.sum(w ** 2)
    grad = X.T @ r / n + 2 * lam * w
    return loss, grad
""",
    function="ridge",
)

pair(
    "multiplied_on",
    """
X = sg.data("X", ("n", 4)); y = sg.data("y", ("n",)); w = sg.param("w", (4,)); b = sg.param("b", ())
loss = np.mean((X @ w + b - y) ** 2)
""",
    """
def backward(X, y, w, b):
    dw, db = np.zeros(4), 0.0
    for i in range(len(y)):
        g = 2 * (X[i] @ w + b - y[i]) / len(y)
        db += g
        for j in range(4):
            g *= X[i, j] #!
            dw[j] += g
    return {"b": db, "w": dw}
""",
    kinds="overwritten value factor",
    first="w",
    function="backward",
)

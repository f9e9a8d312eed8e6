"""Loss functions as people write them: NumPy code for numbers and for symbolic arrays alike.

Each is written over a module ``np``, so that the tests can run it with NumPy (symbolic arrays
answer through its protocols) and with an automatic-differentiation library in NumPy's place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss; the shapes of what it is differentiated by and of its data; labels below a bound.

    ``positive`` inputs are drawn from (0.5, 2), ``definite`` ones are symmetric positive definite.
    """

    function: Callable[..., Any]
    params: Mapping[str, Shape]
    data: Mapping[str, Shape] = field(default_factory=dict)
    labels: Mapping[str, tuple[Shape, int]] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    definite: tuple[str, ...] = ()
    shift: float = 0.0

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.function.__name__


def relu(np, x):
    return np.maximum(0, x)


def softmax(np, z, axis=-1):
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(np, z, axis=-1):
    m = np.max(z, axis=axis, keepdims=True)
    return z - m - np.log(np.sum(np.exp(z - m), axis=axis, keepdims=True))


def sigmoid(np, x):
    return 1 / (1 + np.exp(-x))


def logistic_regression(np, w, b, X, y):
    p = sigmoid(np, X @ w + b)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def softmax_regression(np, W, b, X, y):
    logp = log_softmax(np, X @ W + b)
    return -np.mean(logp[np.arange(X.shape[0]), y])


def hinge(np, w, b, X, t):
    return 0.5 * np.sum(w**2) + np.mean(np.maximum(0, 1 - t * (X @ w + b)))


def squared_hinge(np, w, b, X, t):
    return 0.1 * np.dot(w, w) + np.mean(np.maximum(0, 1 - t * (X @ w + b)) ** 2)


def multiclass_hinge(np, W, X, y):
    scores = X @ W
    N = X.shape[0]
    correct = scores[np.arange(N), y][:, None]
    return np.sum(np.maximum(0, scores - correct + 1.0)) / N - 1.0


def poisson_regression(np, w, b, X, k):
    rate = np.exp(X @ w + b)
    return np.mean(rate - k * np.log(rate))


def least_squares(np, w, b, X, y):
    return np.mean((X @ w + b - y) ** 2)


def ridge(np, w, X, y):
    r = y - np.dot(X, w)
    return np.dot(r, r) + 0.3 * np.dot(w, w)


def mlp_tanh(np, W1, b1, W2, b2, W3, b3, X, T):
    h = np.tanh(X @ W1 + b1)
    h = np.tanh(h @ W2 + b2)
    return np.mean(np.sum((h @ W3 + b3 - T) ** 2, axis=1))


def mlp_columns(np, W1, b1, W2, b2, X, Y):
    a = relu(np, W1 @ X + b1)
    z = W2 @ a + b2
    p = softmax(np, z, axis=0)
    return -np.sum(Y * np.log(p)) / X.shape[1]


def matrix_factorisation(np, U, V, R, M):
    return 0.5 * np.sum(M * (R - U @ V.T) ** 2) + 0.1 * (np.sum(U**2) + np.sum(V**2))


def pca_trace(np, W, S):
    return -np.trace(W.T @ S @ W)


def kmeans(np, C, X):
    d = np.sum((X[:, None, :] - C[None, :, :]) ** 2, axis=2)
    return np.sum(np.min(d, axis=1))


def batch_norm(np, gamma, beta, W, X, T):
    z = X @ W
    mu = np.mean(z, axis=0)
    var = np.var(z, axis=0)
    out = gamma * (z - mu) / np.sqrt(var + 1e-5) + beta
    return np.sum((out - T) ** 2)


def layer_norm(np, gamma, beta, x, T):
    mu = x.mean(axis=-1, keepdims=True)
    var = ((x - mu) ** 2).mean(axis=-1, keepdims=True)
    y = gamma * (x - mu) / np.sqrt(var + 1e-5) + beta
    return np.sum((y - T) ** 2)


def rms_norm(np, gamma, x, T):
    y = gamma * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6)
    return np.sum((y - T) ** 2)


def gelu(np, x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def gelu_mlp(np, W1, W2, X, T):
    return np.mean((gelu(np, X @ W1) @ W2 - T) ** 2)


def attention(np, Q, K, V, T):
    s = Q @ K.T / np.sqrt(4.0)
    return np.sum((softmax(np, s) @ V - T) ** 2)


def multi_head_attention(np, Wq, Wk, Wv, Wo, x, T):
    n, t, d = x.shape
    h = 2

    def heads(W):
        return np.transpose(np.reshape(x @ W, (n, t, h, d // h)), (0, 2, 1, 3))

    q, k, v = heads(Wq), heads(Wk), heads(Wv)
    s = q @ np.transpose(k, (0, 1, 3, 2)) / 1.5
    mask = np.tril(np.ones((t, t)))
    s = np.where(mask == 1, s, -1e9)
    o = softmax(np, s) @ v
    o = np.reshape(np.transpose(o, (0, 2, 1, 3)), (n, t, d))
    return np.sum((o @ Wo - T) ** 2)


def gpt_block(np, E, P, Wq, Wk, Wv, Wo, W1, W2, g1, g2, ids, targets):
    t = ids.shape[0]
    x = E[ids] + P

    def norm(x, g):
        mu = np.mean(x, axis=-1, keepdims=True)
        var = np.mean((x - mu) ** 2, axis=-1, keepdims=True)
        return g * (x - mu) / np.sqrt(var + 1e-5)

    a = norm(x, g1)
    q, k, v = a @ Wq, a @ Wk, a @ Wv
    s = q @ k.T / 2.0
    s = np.where(np.tril(np.ones((t, t))) == 1, s, -1e9)
    x = x + softmax(np, s) @ v @ Wo
    x = x + gelu(np, norm(x, g2) @ W1) @ W2
    logp = log_softmax(np, x @ E.T)
    return -np.mean(logp[np.arange(t), targets])


def lstm(np, W, U, b, x, T):
    steps, n, _ = x.shape
    d = U.shape[0]
    h = c = np.zeros((n, d))
    for t in range(steps):
        z = x[t] @ W + h @ U + b
        i = sigmoid(np, z[:, :d])
        f = sigmoid(np, z[:, d : 2 * d])
        o = sigmoid(np, z[:, 2 * d : 3 * d])
        g = np.tanh(z[:, 3 * d :])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum((h - T) ** 2)


def rnn_shared(np, W, U, x, T):
    h = np.zeros((x.shape[1], 3))
    total = 0.0
    for t in range(x.shape[0]):
        h = np.tanh(x[t] @ W + h @ U)
        total = total + np.sum((h - T[t]) ** 2)
    return total


def conv_slices(np, K, x, T):
    n = x.shape[0] - K.shape[0] + 1
    y = sum(K[k] * x[k : k + n] for k in range(K.shape[0]))
    return np.sum((y - T) ** 2)


def conv2d_slices(np, K, b, x, T):
    rows, columns = x.shape[0] - 1, x.shape[1] - 1
    y = b
    for i in range(2):
        for j in range(2):
            y = y + K[i, j] * x[i : i + rows, j : j + columns]
    y = relu(np, y)
    pooled = np.maximum(
        np.maximum(y[::2, ::2], y[1::2, ::2]), np.maximum(y[::2, 1::2], y[1::2, 1::2])
    )
    return np.sum((pooled - T) ** 2)


def windows(np, x, axis):
    """Windows of three, in autograd by stacking slices: it has no sliding_window_view."""
    if hasattr(np, "lib") and hasattr(np.lib, "stride_tricks"):
        return np.lib.stride_tricks.sliding_window_view(x, 3, axis=axis)
    n = x.shape[axis] - 2
    return np.stack([x[:, k : k + n] if axis else x[k : k + n] for k in range(3)], axis=-1)


def conv_windows(np, K, b, x, T):
    """A batch of sequences (n, t), two filters of width three."""
    y = np.einsum("ntk,fk->ntf", windows(np, x, 1), K) + b
    return np.sum((np.tanh(y) - T) ** 2)


def products(np, a):
    return np.sum(np.prod(a, axis=1) ** 2) + np.prod(a)


def vae(np, W, V, U, x, eps):
    h = np.tanh(x @ W)
    mu, logvar = h @ V, h @ U
    z = mu + np.exp(0.5 * logvar) * eps
    reconstruction = np.sum((z @ V.T @ W.T - x) ** 2)
    return reconstruction - 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))


def info_nce(np, A, B):
    a = A / np.sqrt(np.sum(A**2, axis=1, keepdims=True))
    b = B / np.sqrt(np.sum(B**2, axis=1, keepdims=True))
    logits = a @ b.T / 0.5
    logp = log_softmax(np, logits)
    return -np.trace(logp) / A.shape[0]


def huber(np, w, X, y):
    r = X @ w - y
    small = np.abs(r) <= 1.0
    return np.sum(np.where(small, 0.5 * r**2, np.abs(r) - 0.5))


def focal(np, W, X, Y):
    p = softmax(np, X @ W)
    return -np.sum(Y * (1 - p) ** 2 * np.log(p))


def label_smoothing(np, W, X, Y):
    k = Y.shape[1]
    smooth = Y * 0.9 + 0.1 / k
    return -np.mean(np.sum(smooth * log_softmax(np, X @ W), axis=1))


def dropout(np, W1, W2, X, M, T):
    h = relu(np, X @ W1) * M / 0.8
    return np.mean((h @ W2 - T) ** 2)


def gaussian_nll(np, mu, S, X):
    d = X - mu
    quadratic = np.sum(np.dot(d, np.linalg.inv(S)) * d)
    return 0.5 * quadratic + 0.5 * X.shape[0] * np.linalg.slogdet(S)[1]


def mixture_full(np, a, mu, S, X):
    logw = a - np.log(np.sum(np.exp(a)))
    d = X[:, None, :] - mu[None, :, :]
    P = np.linalg.inv(S)
    q = np.einsum("nki,kij,nkj->nk", d, P, d)
    logdet = np.linalg.slogdet(S)[1]
    log = logw - 0.5 * (q + logdet + X.shape[1] * 1.8378770664093453)
    m = np.max(log, axis=1, keepdims=True)
    return -np.sum(m[:, 0] + np.log(np.sum(np.exp(log - m), axis=1)))


def gaussian_process(np, K, y):
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(K, y)
    return 0.5 * np.dot(y, alpha) + 0.5 * np.linalg.slogdet(L @ L.T)[1]


def ridge_closed_form(np, s, X, y):
    w = np.linalg.solve(X.T @ X + np.exp(s) * np.eye(3), X.T @ y)
    return np.sum((X @ w - y) ** 2)


def log_det_divergence(np, A, B):
    M = A @ B
    return np.trace(M) - np.linalg.slogdet(M)[1]


def broadcast_everything(np, a, b, c, d):
    return np.sum((a * b + c) ** 2 * d) + np.sum(a) * np.sum(b)


def unit_sizes(np, W, b, X, T):
    return np.mean((np.tanh(X @ W + b) - T) ** 2)


def concatenated(np, a, b):
    z = np.concatenate([a, np.tanh(b), a], axis=1)
    return np.sum(z**2 * np.concatenate([b, a, a * b], axis=1))


def reshaped(np, a, b):
    return np.sum(np.reshape(a, (4, 6)) ** 2 @ np.reshape(b, (6, 2))) + np.sum(np.ravel(a) ** 3)


def rolled(np, a):
    return np.sum((np.roll(a, 1, axis=0) - a) ** 2 * np.cumsum(a, axis=0))


def stacked(np, a, b):
    z = np.stack([a, b, a * b], axis=1)
    return np.sum(z[:, ::-1] * z * z[:, :1])


def cosine_embedding(np, E, y, t):
    a = E[y]
    b = E[t]
    dots = np.sum(a * b, axis=1)
    return np.sum(dots / np.sqrt(np.sum(a**2, axis=1) * np.sum(b**2, axis=1)))


def norms(np, a, b):
    return np.linalg.norm(a) + np.sum(np.abs(b)) + np.sqrt(np.sum((a @ b) ** 2)) + np.std(a)


def powers(np, a, b):
    return np.sum(a**1.5 / b**2 + a**b + np.sqrt(a) - 1 / a)


def kronecker(np, a, b):
    return np.sum(np.kron(a, b) ** 3)


def einsums(np, a, b, c):
    return np.sum(np.einsum("ij,jk,kl->il", a, b, c) ** 2) + np.einsum("ij,ij->", a, a)


def outer_products(np, u, v):
    return np.sum(np.tanh(np.outer(u, v))) + np.inner(u, u) * np.dot(v, v)


def bilinear(np, A, B, C):
    return np.trace(A @ B @ C) + np.sum((A @ B) * C.T)


def triplet(np, W, a, p, n):
    fa, fp, fn = a @ W, p @ W, n @ W
    near = np.sum((fa - fp) ** 2, axis=1)
    far = np.sum((fa - fn) ** 2, axis=1)
    return np.mean(np.maximum(near - far + 0.3, 0))


def swish_gated(np, W, V, U, X):
    g = X @ W
    return np.sum(((g * sigmoid(np, g)) * (X @ V)) @ U)


def logsumexp(np, a, axis=None):
    m = np.max(a, axis=axis, keepdims=True)
    return np.squeeze(m + np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True)), axis=axis)


def makemore(np, C, W1, gain, bias, W2, b2, context, target):
    n = context.shape[0]
    h = C[context].reshape(n, -1) @ W1
    apart = h - 1 / n * h.sum(0, keepdims=True)
    spread = 1 / (n - 1) * (apart**2).sum(0, keepdims=True)
    logits = np.tanh(gain * apart * (spread + 1e-5) ** -0.5 + bias) @ W2 + b2
    counts = np.exp(logits - logits.max(1, keepdims=True))
    probs = counts * counts.sum(1, keepdims=True) ** -1
    return -np.log(probs)[np.arange(n), target].mean()


def group_norm(np, x, gamma, T):
    n, c, h, w = x.shape
    g = x.reshape(n, 2, c // 2, h, w)
    g = (g - g.mean(axis=(2, 3, 4), keepdims=True)) / np.sqrt(
        g.var(axis=(2, 3, 4), keepdims=True) + 1e-5
    )
    return np.sum((gamma * g.reshape(n, c, h, w) - T) ** 2)


def cross_attention(np, Wq, Wk, Wv, x, context, seen, T):
    q, k, v = x @ Wq, context @ Wk, context @ Wv
    s = np.matmul(q, k.swapaxes(1, 2)) / np.sqrt(k.shape[-1])
    s = s + (1.0 - (seen > -1)[:, None, :]) * -1e9
    a = np.exp(s - s.max(-1, keepdims=True))
    return np.sum((a / a.sum(-1, keepdims=True) @ v - T) ** 2)


def rotary_attention(np, q, k, v, T):
    t, d = q.shape
    angle = np.arange(t)[:, None] * 10.0 ** (-np.arange(d // 2) / d)
    c, s = np.cos(angle), np.sin(angle)

    def turned(x):
        a, b = x[:, : d // 2], x[:, d // 2 :]
        return np.concatenate([a * c - b * s, a * s + b * c], axis=-1)

    return np.sum((softmax(np, turned(q) @ turned(k).T) @ v - T) ** 2)


def causal_linear_attention(np, q, k, v, T):
    Q, K = np.exp(q), np.exp(k)
    S = np.cumsum(np.einsum("nd,nm->ndm", K, v), axis=0)
    z = np.cumsum(K, axis=0)
    out = np.einsum("nd,ndm->nm", Q, S) / np.einsum("nd,nd->n", Q, z)[:, None]
    return np.sum((out - T) ** 2)


def negative_sampling(np, V, U, c, o, others):
    v = V[c]
    near = np.log(sigmoid(np, np.sum(v * U[o], axis=1)))
    far = np.log(sigmoid(np, -np.einsum("nkd,nd->nk", U[others], v))).sum(axis=1)
    return -np.mean(near + far)


def glove(np, W, U, b, c, X):
    f = np.where(X < 1.5, (X / 1.5) ** 0.75, 1.0)
    return np.sum(f * (W @ U.T + b[:, None] + c[None, :] - np.log(X)) ** 2)


def clipped_policy(np, z, v, old, advantage, returns, a):
    logp = log_softmax(np, z)
    ratio = np.exp(logp[np.arange(z.shape[0]), a] - old)
    gain = np.minimum(ratio * advantage, np.clip(ratio, 0.8, 1.2) * advantage)
    entropy = -np.sum(np.exp(logp) * logp, axis=1)
    return -gain.mean() + 0.5 * ((v - returns) ** 2).mean() - 0.01 * entropy.mean()


def preference(np, chosen, rejected, before_chosen, before_rejected):
    margin = 0.1 * ((chosen - before_chosen) - (rejected - before_rejected))
    return -np.mean(np.log(1 / (1 + np.exp(-margin))))


def coupling_flow(np, Ws, Wt, b, x):
    d = x.shape[1] // 2
    x1, x2 = x[:, :d], x[:, d:]
    logdet = 0
    for swap in (False, True):
        x1, x2 = (x2, x1) if swap else (x1, x2)
        s = np.tanh(x1 @ Ws + b)
        x2 = x2 * np.exp(s) + x1 @ Wt
        logdet = logdet + s.sum(axis=1)
    z = np.concatenate([x1, x2], axis=1)
    return np.mean(0.5 * np.sum(z**2, 1) + 0.5 * z.shape[1] * np.log(2 * np.pi) - logdet)


def gradient_penalty(np, W, v, real, fake):
    between = 0.3 * real + 0.7 * fake
    slope = ((1 - np.tanh(between @ W) ** 2) * v) @ W.T
    critic = np.mean(np.tanh(fake @ W) @ v) - np.mean(np.tanh(real @ W) @ v)
    return critic + 10 * np.mean((np.linalg.norm(slope, axis=1) - 1) ** 2)


def cox(np, beta, X, event):
    eta = X @ beta
    return -np.sum(event * (eta - np.log(np.cumsum(np.exp(eta)))))


def ordinal(np, w, c, X, Y):
    low, high = c[0] - X @ w, c[0] + np.exp(c[1]) - X @ w
    first, second = sigmoid(np, low), sigmoid(np, high)
    return -np.sum(Y * np.log(np.stack([first, second - first, 1 - second], axis=1)))


def hidden_markov(np, A, pi, mu, x):
    A = A - logsumexp(np, A, axis=1)[:, None]
    alpha = pi - logsumexp(np, pi) - 0.5 * (x[0] - mu) ** 2
    for t in range(1, x.shape[0]):
        alpha = logsumexp(np, alpha[:, None] + A, axis=0) - 0.5 * (x[t] - mu) ** 2
    return -logsumexp(np, alpha)


def kalman(np, F, H, q, r, y, m):
    P = eye = np.eye(F.shape[0])
    Q, R = np.diag(np.exp(q)), np.diag(np.exp(r))
    total = 0.0
    for t in range(y.shape[0]):
        m, P = F @ m, F @ P @ F.T + Q
        v, S = y[t] - H @ m, H @ P @ H.T + R
        total += 0.5 * (v @ np.linalg.solve(S, v) + np.linalg.slogdet(S)[1])
        K = P @ H.T @ np.linalg.inv(S)
        m, P = m + K @ v, (eye - K @ H) @ P
    return total


def linear_chain(np, U, A, tags):
    steps = U.shape[0]
    score = U[np.arange(steps), tags].sum() + A[tags[:-1], tags[1:]].sum()
    alpha = U[0]
    for t in range(1, steps):
        alpha = logsumexp(np, alpha[:, np.newaxis] + A, axis=0) + U[t]
    return logsumexp(np, alpha) - score


def ctc(np, logits):
    """The target is 1 2; 0 is blank."""
    p = softmax(np, logits)
    symbols = [0, 1, 0, 2, 0]
    alpha = [p[0, 0], p[0, 1], 0.0, 0.0, 0.0]
    for t in range(1, p.shape[0]):
        before, alpha = alpha, []
        for s, symbol in enumerate(symbols):
            reached = before[s] + (before[s - 1] if s else 0)
            if symbol and s > 1:
                reached = reached + before[s - 2]
            alpha.append(reached * p[t, symbol])
    return -np.log(alpha[-1] + alpha[-2])


def box_overlap(np, a, b):
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    sides = np.maximum(high - low, 0)
    inter = sides[:, 0] * sides[:, 1]
    union = a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - inter
    return np.mean(1 - inter / union)


def transposed_conv(np, x, w, T):
    n, _, rows, columns = x.shape
    y = np.einsum("bchw,cfij->bfhiwj", x, w).reshape(n, -1, 2 * rows, 2 * columns)
    return np.mean((y - T) ** 2)


def bundle_adjustment(np, r, t, X, uv, camera, point):
    turn, p = r[camera], X[point]
    angle = np.linalg.norm(turn, axis=1)[:, np.newaxis]
    v = turn / angle
    along = np.sum(p * v, axis=1)[:, np.newaxis]
    p = np.cos(angle) * p + np.sin(angle) * np.cross(v, p) + along * (1 - np.cos(angle)) * v
    p = p + t[camera] + np.array([0, 0, 8.0])
    return 0.5 * np.sum((p[:, :2] / p[:, 2, np.newaxis] - uv) ** 2)


def rigid_motion(np, angle, t, P, Q):
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, -s], [s, c]])
    return np.sum((P @ R.T + t - Q) ** 2)


def graph_attention(np, W, a, A, X, T):
    h = X @ W
    e = (h @ a[: h.shape[1]])[:, None] + (h @ a[h.shape[1] :])[None, :]
    e = np.where(A + 2 * np.eye(A.shape[0]) > 0, np.where(e > 0, e, 0.2 * e), -9e15)
    return np.sum((softmax(np, e) @ h - T) ** 2)


def sinkhorn(np, C, a, b):
    K = np.exp(-C)
    u = np.ones_like(a)
    for _ in range(4):
        v = b / (K.T @ u)
        u = a / (K @ v)
    return np.sum(u[:, None] * K * v[None, :] * C)


def runge_kutta(np, p, s, T):
    def slope(z):
        x, y = z[0], z[1]
        return np.stack([p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y])

    k1 = slope(s)
    k2 = slope(s + 0.05 * k1)
    k3 = slope(s + 0.05 * k2)
    k4 = slope(s + 0.1 * k3)
    return np.sum((s + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4) - T) ** 2)


def heat(np, u, T):
    for _ in range(2):
        inner = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u = np.concatenate([u[:1], inner, u[-1:]])
    return np.sum((u - T) ** 2)


def pair_potential(np, x):
    i, j = np.triu_indices(x.shape[0], k=1)
    s6 = 0.1 / np.sum((x[i] - x[j]) ** 2, axis=-1) ** 3
    return np.sum(4 * (s6**2 - s6))


def tucker(np, G, A, B, C, X):
    return np.sum((X - np.einsum("pqr,ip,jq,kr", G, A, B, C)) ** 2)


def neighbour_embedding(np, Y, P):
    square = np.sum(Y**2, 1)
    closeness = 1 / (1 + np.add(np.add(-2 * np.dot(Y, Y.T), square).T, square))
    closeness = closeness * (1 - np.eye(Y.shape[0]))
    Q = np.maximum(closeness / np.sum(closeness), 1e-12)
    return np.sum(P * np.log(P / Q))


def factor_analysis(np, W, d, X):
    precise = W / d[:, None]
    M = np.eye(W.shape[1]) + W.T @ precise
    z = X @ precise
    quadratic = np.sum(X**2 / d, axis=1) - np.sum(z @ np.linalg.inv(M) * z, axis=1)
    return 0.5 * np.sum(quadratic + np.linalg.slogdet(M)[1] + np.log(d).sum())


def gaussian_process_ard(np, scale, noise, X, y):
    Z = X / np.exp(scale)
    square = np.sum(Z**2, 1).reshape(-1, 1) + np.sum(Z**2, 1) - 2 * Z @ Z.T
    K = np.exp(-0.5 * square) + (np.exp(2 * noise) + 0.1) * np.eye(X.shape[0])
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diag(L)))


LOSSES = [
    Loss(logistic_regression, {"w": (3,), "b": ()}, {"X": (5, 3)}, {"y": ((5,), 2)}),
    Loss(softmax_regression, {"W": (3, 4), "b": (4,)}, {"X": (5, 3)}, {"y": ((5,), 4)}),
    Loss(hinge, {"w": (3,), "b": ()}, {"X": (5, 3), "t": (5,)}),
    Loss(squared_hinge, {"w": (3,), "b": ()}, {"X": (5, 3), "t": (5,)}),
    Loss(multiclass_hinge, {"W": (3, 4)}, {"X": (5, 3)}, {"y": ((5,), 4)}),
    Loss(poisson_regression, {"w": (3,), "b": ()}, {"X": (5, 3), "k": (5,)}),
    Loss(least_squares, {"w": (3,), "b": ()}, {"X": (5, 3), "y": (5,)}),
    Loss(ridge, {"w": (3,)}, {"X": (5, 3), "y": (5,)}),
    Loss(
        mlp_tanh,
        {"W1": (3, 4), "b1": (4,), "W2": (4, 4), "b2": (4,), "W3": (4, 2), "b3": (2,)},
        {"X": (5, 3), "T": (5, 2)},
    ),
    Loss(
        mlp_columns,
        {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1)},
        {"X": (3, 5), "Y": (2, 5)},
    ),
    Loss(matrix_factorisation, {"U": (4, 2), "V": (3, 2)}, {"R": (4, 3), "M": (4, 3)}),
    Loss(pca_trace, {"W": (4, 2)}, {"S": (4, 4)}),
    Loss(kmeans, {"C": (3, 2)}, {"X": (6, 2)}),
    Loss(
        batch_norm, {"gamma": (4,), "beta": (4,), "W": (3, 4)}, {"X": (6, 3), "T": (6, 4)}
    ),
    Loss(layer_norm, {"gamma": (4,), "beta": (4,), "x": (3, 4)}, {"T": (3, 4)}),
    Loss(rms_norm, {"gamma": (4,), "x": (2, 3, 4)}, {"T": (2, 3, 4)}),
    Loss(gelu_mlp, {"W1": (3, 4), "W2": (4, 2)}, {"X": (5, 3), "T": (5, 2)}),
    Loss(attention, {"Q": (3, 4), "K": (5, 4), "V": (5, 2)}, {"T": (3, 2)}),
    Loss(
        multi_head_attention,
        {"Wq": (4, 4), "Wk": (4, 4), "Wv": (4, 4), "Wo": (4, 4)},
        {"x": (2, 3, 4), "T": (2, 3, 4)},
    ),
    Loss(
        gpt_block,
        {
            "E": (6, 4), "P": (3, 4), "Wq": (4, 4), "Wk": (4, 4), "Wv": (4, 4), "Wo": (4, 4),
            "W1": (4, 8), "W2": (8, 4), "g1": (4,), "g2": (4,),
        },
        labels={"ids": ((3,), 6), "targets": ((3,), 6)},
    ),
    Loss(lstm, {"W": (2, 12), "U": (3, 12), "b": (12,)}, {"x": (3, 2, 2), "T": (2, 3)}),
    Loss(rnn_shared, {"W": (2, 3), "U": (3, 3)}, {"x": (3, 4, 2), "T": (3, 4, 3)}),
    Loss(conv_slices, {"K": (3,), "x": (7,)}, {"T": (5,)}),
    Loss(conv2d_slices, {"K": (2, 2), "b": (4, 6)}, {"x": (5, 7), "T": (2, 3)}),
    Loss(conv_windows, {"K": (2, 3), "b": (2,), "x": (2, 6)}, {"T": (2, 4, 2)}),
    Loss(products, {"a": (3, 4)}),
    Loss(vae, {"W": (5, 4), "V": (4, 2), "U": (4, 2)}, {"x": (3, 5), "eps": (3, 2)}),
    Loss(info_nce, {"A": (4, 3), "B": (4, 3)}),
    Loss(huber, {"w": (3,)}, {"X": (6, 3), "y": (6,)}),
    Loss(focal, {"W": (3, 4)}, {"X": (5, 3), "Y": (5, 4)}),
    Loss(label_smoothing, {"W": (3, 4)}, {"X": (5, 3), "Y": (5, 4)}),
    Loss(dropout, {"W1": (3, 4), "W2": (4, 2)}, {"X": (5, 3), "M": (5, 4), "T": (5, 2)}),
    Loss(gaussian_nll, {"mu": (3,), "S": (3, 3)}, {"X": (5, 3)}, definite=("S",)),
    Loss(
        mixture_full, {"a": (2,), "mu": (2, 3), "S": (2, 3, 3)}, {"X": (5, 3)}, definite=("S",)
    ),
    Loss(gaussian_process, {"K": (4, 4)}, {"y": (4,)}, definite=("K",)),
    Loss(ridge_closed_form, {"s": ()}, {"X": (5, 3), "y": (5,)}),
    Loss(log_det_divergence, {"A": (3, 3), "B": (3, 3)}, definite=("A", "B")),
    Loss(broadcast_everything, {"a": (3, 1), "b": (4,), "c": (2, 1, 4), "d": (1, 1, 1)}),
    Loss(unit_sizes, {"W": (1, 1), "b": (1,)}, {"X": (1, 1), "T": (1, 1)}),
    Loss(concatenated, {"a": (3, 2), "b": (3, 2)}),
    Loss(reshaped, {"a": (2, 3, 4), "b": (3, 4)}),
    Loss(rolled, {"a": (4, 2)}),
    Loss(stacked, {"a": (3,), "b": (3,)}),
    Loss(cosine_embedding, {"E": (5, 3)}, labels={"y": ((4,), 5), "t": ((4,), 5)}),
    Loss(norms, {"a": (3, 2), "b": (2,)}),
    Loss(powers, {"a": (3,), "b": (3,)}, positive=("a", "b")),
    Loss(kronecker, {"a": (2, 3), "b": (2, 2)}),
    Loss(einsums, {"a": (2, 3), "b": (3, 4), "c": (4, 2)}),
    Loss(outer_products, {"u": (3,), "v": (4,)}),
    Loss(bilinear, {"A": (2, 3), "B": (3, 4), "C": (4, 2)}),
    Loss(triplet, {"W": (3, 2)}, {"a": (5, 3), "p": (5, 3), "n": (5, 3)}),
    Loss(swish_gated, {"W": (3, 4), "V": (3, 4), "U": (4, 2)}, {"X": (5, 3)}),
    Loss(
        makemore,
        {"C": (5, 2), "W1": (6, 3), "gain": (1, 3), "bias": (1, 3), "W2": (3, 5), "b2": (5,)},
        labels={"context": ((4, 3), 5), "target": ((4,), 5)},
    ),
    Loss(group_norm, {"x": (2, 4, 2, 3), "gamma": (1, 4, 1, 1)}, {"T": (2, 4, 2, 3)}),
    Loss(
        cross_attention,
        {"Wq": (3, 2), "Wk": (2, 2), "Wv": (2, 3)},
        {"x": (2, 2, 3), "context": (2, 3, 2), "seen": (2, 3), "T": (2, 2, 3)},
    ),
    Loss(rotary_attention, {"q": (3, 4), "k": (3, 4)}, {"v": (3, 2), "T": (3, 2)}),
    Loss(
        causal_linear_attention, {"q": (4, 3), "k": (4, 3), "v": (4, 2)}, {"T": (4, 2)}
    ),
    Loss(
        negative_sampling,
        {"V": (6, 3), "U": (6, 3)},
        labels={"c": ((4,), 6), "o": ((4,), 6), "others": ((4, 2), 6)},
    ),
    Loss(
        glove,
        {"W": (4, 2), "U": (4, 2), "b": (4,), "c": (4,)},
        {"X": (4, 4)},
        positive=("X",),
    ),
    Loss(
        clipped_policy,
        {"z": (5, 3), "v": (5,)},
        {"old": (5,), "advantage": (5,), "returns": (5,)},
        {"a": ((5,), 3)},
    ),
    Loss(
        preference,
        {"chosen": (4,), "rejected": (4,)},
        {"before_chosen": (4,), "before_rejected": (4,)},
    ),
    Loss(coupling_flow, {"Ws": (2, 2), "Wt": (2, 2), "b": (2,)}, {"x": (3, 4)}),
    Loss(gradient_penalty, {"W": (2, 3), "v": (3,)}, {"real": (4, 2), "fake": (4, 2)}),
    Loss(cox, {"beta": (2,)}, {"X": (6, 2), "event": (6,)}),
    Loss(ordinal, {"w": (3,), "c": (2,)}, {"X": (5, 3), "Y": (5, 3)}),
    Loss(hidden_markov, {"A": (3, 3), "pi": (3,), "mu": (3,)}, {"x": (4,)}),
    Loss(
        kalman,
        {"F": (2, 2), "H": (1, 2), "q": (2,), "r": (1,)},
        {"y": (2, 1), "m": (2,)},
    ),
    Loss(linear_chain, {"U": (4, 3), "A": (3, 3)}, labels={"tags": ((4,), 3)}),
    Loss(ctc, {"logits": (4, 3)}),
    Loss(box_overlap, {"a": (4, 4)}, {"b": (4, 4)}, positive=("a", "b")),
    Loss(transposed_conv, {"x": (2, 2, 2, 3), "w": (2, 3, 2, 2)}, {"T": (2, 3, 4, 6)}),
    Loss(
        bundle_adjustment,
        {"r": (2, 3), "t": (2, 3), "X": (3, 3)},
        {"uv": (5, 2)},
        {"camera": ((5,), 2), "point": ((5,), 3)},
    ),
    Loss(rigid_motion, {"angle": (), "t": (2,)}, {"P": (4, 2), "Q": (4, 2)}),
    Loss(
        graph_attention, {"W": (3, 2), "a": (4,)}, {"A": (4, 4), "X": (4, 3), "T": (4, 2)}
    ),
    Loss(sinkhorn, {"C": (3, 2)}, {"a": (3,), "b": (2,)}, positive=("a", "b")),
    Loss(runge_kutta, {"p": (4,), "s": (2,)}, {"T": (2,)}),
    Loss(heat, {"u": (6,)}, {"T": (6,)}),
    Loss(pair_potential, {"x": (4, 3)}),
    Loss(
        tucker,
        {"G": (2, 1, 2), "A": (3, 2), "B": (2, 1), "C": (4, 2)},
        {"X": (3, 2, 4)},
    ),
    Loss(neighbour_embedding, {"Y": (4, 2)}, {"P": (4, 4)}, positive=("P",)),
    Loss(factor_analysis, {"W": (4, 2), "d": (4,)}, {"X": (3, 4)}, positive=("d",)),
    Loss(gaussian_process_ard, {"scale": (2,), "noise": ()}, {"X": (4, 2), "y": (4,)}),
]  # fmt: skip

SOME = [
    pytest.param(loss, marks=[pytest.mark.long] if k % 4 else [], id=loss.name)
    for k, loss in enumerate(LOSSES)
]
"""Every loss, most of them for the long tests only."""

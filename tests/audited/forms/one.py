"""One backward pass in the many forms that programs have; all of them are right.

In each the slope of tanh stands as one of ``SLOPES``, so that it can be left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4))
Y = sg.data("Y", ("N", 2))
W1 = sg.param("W1", (4, 5))
b1 = sg.param("b1", (5,))
W2 = sg.param("W2", (5, 2))
b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.tanh(Z1)
Z2 = A1 @ W2 + b2
loss = np.sum((Z2 - Y) ** 2) / X.shape[0]
"""
SLOPES = {
    " * (1 - A1 ** 2)": "",
    " * (1 - self.A1 ** 2)": "",
    " * (1 - self.y ** 2)": "",
    " * (1 - out.data ** 2)": "",
}
"""The slope of tanh as it is typed, and what is left where it is forgotten."""

HEAD = "import numpy as np\n"
BODY = """
A1 = np.tanh(X @ W1 + b1)
Z2 = A1 @ W2 + b2
dZ2 = 2 * (Z2 - Y) / len(X)
dW2 = A1.T @ dZ2
db2 = dZ2.sum(0)
dZ1 = dZ2 @ W2.T * (1 - A1 ** 2)
dW1 = X.T @ dZ1
db1 = dZ1.sum(0)
"""
INPUTS = """
rng = np.random.RandomState(3)
X = rng.normal(size=(6, 4)); Y = rng.normal(size=(6, 2))
W1 = rng.randn(4, 5); b1 = rng.randn(5); W2 = rng.randn(5, 2); b2 = rng.randn(2)
"""
DATA = "\n".join(",".join(str((7 * i + 3 * j) % 11 / 10) for j in range(6)) for i in range(6))


@dataclass(frozen=True)
class Program:
    """A program, how it is audited, and the files that are beside it."""

    code: str
    options: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def indented(text: str, depth: int = 1) -> str:
    """Lines of the body of a function."""
    lines = text.strip("\n").split("\n")
    return "".join(f"{'    ' * depth}{line}\n" for line in lines)


def function(
    back: str, before: str = "", head: str = "X, Y, W1, b1, W2, b2", unpack: str = ""
) -> Program:
    """A function that gives its gradients ``back``."""
    body = indented(unpack + BODY + back)
    return Program(f"{HEAD}{before}\ndef backward({head}):\n{body}", {"function": "backward"})


def script(before: str = "", inputs: str = INPUTS, after: str = "", **files: str) -> Program:
    """A script that computes them."""
    named = {name.replace("_", "."): text for name, text in files.items()}
    return Program(f"{HEAD}{before}{inputs}{BODY}{after}", {}, named)


FIELDS = "W1: np.ndarray\nb1: np.ndarray\nW2: np.ndarray\nb2: np.ndarray"
WITH_D = "dW1: np.ndarray\ndb1: np.ndarray\ndW2: np.ndarray\ndb2: np.ndarray"
GIVEN = "return dW1, db1, dW2, db2"
KEYED = "return {'W1': dW1, 'b1': db1, 'W2': dW2, 'b2': db2}"
LAYERS = """
class Linear:
    def __init__(self, n, m):
        self.W = np.zeros((n, m)); self.b = np.zeros(m)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, d):
        self.dW = self.x.T @ d
        self.db = d.sum(0)
        return d @ self.W.T

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y
    def backward(self, d):
        return d * (1 - self.y ** 2)

class Net:
    def __init__(self):
        self.layers = [Linear(4, 5), Tanh(), Linear(5, 2)]
    def forward(self, X):
        for layer in self.layers:
            X = layer.forward(X)
        self.out = X
        return X
    def backward(self, Y):
        d = 2 * (self.out - Y) / len(Y)
        for layer in reversed(self.layers):
            d = layer.backward(d)
"""
TENSOR = """
class Tensor:
    def __init__(self, data, children=()):
        self.data = np.asarray(data, dtype=float)
        self.grad = np.zeros_like(self.data)
        self._backward = lambda: None
        self._prev = set(children)
    def __matmul__(self, other):
        out = Tensor(self.data @ other.data, (self, other))
        def _backward():
            self.grad += out.grad @ other.data.T
            other.grad += self.data.T @ out.grad
        out._backward = _backward
        return out
    def __add__(self, other):
        out = Tensor(self.data + other.data, (self, other))
        def _backward():
            self.grad += out.grad
            g = out.grad
            while g.ndim > other.data.ndim:
                g = g.sum(axis=0)
            other.grad += g
        out._backward = _backward
        return out
    def tanh(self):
        out = Tensor(np.tanh(self.data), (self,))
        def _backward():
            self.grad += out.grad * (1 - out.data ** 2)
        out._backward = _backward
        return out
    def mse(self, y):
        out = Tensor(np.sum((self.data - y) ** 2) / len(y), (self,))
        def _backward():
            self.grad += 2 * (self.data - y) / len(y) * out.grad
        out._backward = _backward
        return out
    def backward(self):
        order, seen = [], set()
        def visit(v):
            if v not in seen:
                seen.add(v)
                for child in v._prev:
                    visit(child)
                order.append(v)
        visit(self)
        self.grad = np.ones_like(self.data)
        for v in reversed(order):
            v._backward()
"""
NET = """
{before}
class Net:
    def __init__(self, n, h, m):
        {made}
        self.grads = {{}}
    def forward(self, X):
        {own}
        self.X = X
        self.A1 = np.tanh(X @ {W1} + {b1})
        self.out = self.A1 @ {W2} + {b2}
        return self.out
    def backward(self, Y):
        {own}
        d = 2 * (self.out - Y) / len(Y)
        {gW2} += self.A1.T @ d
        {gb2} += d.sum(axis=0)
        e = d @ {W2}.T * (1 - self.A1 ** 2)
        {gW1} += self.X.T @ e
        {gb1} += e.sum(axis=0)
        return self.out
"""
PARAMETER = """
class Parameter:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)
"""
SHAPES = {"W1": "(n, h)", "b1": "h", "W2": "(h, m)", "b2": "m"}


def net(made: str, read: str, gradient: str, own: str = "pass", before: str = "") -> Program:
    """A class whose parameters are ``made``, ``read`` and have a ``gradient`` in some way."""
    names = {n: read.format(n) for n in SHAPES} | {f"g{n}": gradient.format(n) for n in SHAPES}
    lines = "; ".join(made.format(name=n, shape=shape) for n, shape in SHAPES.items())
    text = NET.format(before=before, made=lines, own=own, **names)
    return Program(HEAD + text, {"cls": "Net", "setup": "Net(4, 5, 2)"})


TENSORS = "W1, b1, W2, b2 = map(Tensor, (W1, b1, W2, b2))\n"
RUN = "out = ((Tensor(X) @ W1 + b1).tanh() @ W2 + b2).mse(Y)\nout.backward()\n"


def taped(back: str) -> Program:
    """A function that records a graph of tensors."""
    body = indented(TENSORS + RUN + back)
    code = f"{HEAD}{TENSOR}\ndef backward(X, Y, W1, b1, W2, b2):\n{body}"
    return Program(code, {"function": "backward"})


def in_main(text: str) -> str:
    """A script whose statements are run as the main program alone."""
    return f"if __name__ == '__main__':\n{indented(text)}"


ARGPARSE = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr', type=float, default=0.1)\n"
FORMS = {
    "tuple": function(GIVEN),
    "list of tuples": function("return [(dW1, db1), (dW2, db2)]"),
    "list of dicts": function("return [{'W': dW1, 'b': db1}, {'W': dW2, 'b': db2}]"),
    "list from the last": function("return [{'dW': dW2, 'db': db2}, {'dW': dW1, 'db': db1}]"),
    "dict of layers": function("return {'l1': {'W': dW1, 'b': db1}, 'l2': {'W': dW2, 'b': db2}}"),
    "dict by number": function("return {1: {'dW': dW1, 'db': db1}, 2: {'dW': dW2, 'db': db2}}"),
    "dict in a dict": function("return {'time': 1.0, 'grads': dict(W1=dW1, b1=db1, W2=dW2, b2=db2)}"),
    "loss and dict": function("return np.sum((Z2 - Y) ** 2) / len(X), dict(W1=dW1, b1=db1, W2=dW2, b2=db2)"),
    "dataclass": function(
        "return Grads(dW1, db1, dW2, db2)",
        "from dataclasses import dataclass\n@dataclass\nclass Grads:\n" + indented(FIELDS),
    ),
    "dataclass with slots": function(
        "return Grads(dW1, db1, dW2, db2)",
        "from dataclasses import dataclass\n@dataclass(frozen=True, slots=True)\nclass Grads:\n" + indented(WITH_D),
    ),
    "NamedTuple": function(
        "return Grads(dW1, db1, dW2, db2)",
        "from typing import NamedTuple\nclass Grads(NamedTuple):\n" + indented(WITH_D),
    ),
    "namedtuple": function(
        "return Grads(dW1, db1, dW2, db2)",
        "from collections import namedtuple\nGrads = namedtuple('Grads', 'W1 b1 W2 b2')\n",
    ),
    "SimpleNamespace": function(
        "return SimpleNamespace(W1=dW1, b1=db1, W2=dW2, b2=db2)", "from types import SimpleNamespace\n"
    ),
    "an object": function(
        "g = Grads()\ng.dW1, g.db1, g.dW2, g.db2 = dW1, db1, dW2, db2\nreturn g", "class Grads:\n    pass\n"
    ),
    "zip": function("return dict(zip(['W1', 'b1', 'W2', 'b2'], [dW1, db1, dW2, db2]))"),
    "defaultdict": function(
        "g = defaultdict(float)\ng['W1'] += dW1; g['b1'] += db1; g['W2'] += dW2; g['b2'] += db2\nreturn g",
        "from collections import defaultdict\n",
    ),
    "lists": function("return dict(W1=dW1.tolist(), b1=db1.tolist(), W2=dW2.tolist(), b2=db2.tolist())"),
    "array of arrays": function("g = np.empty(4, dtype=object)\ng[:] = [dW1, db1, dW2, db2]\nreturn g"),
    "pairs by yield": function("yield 'W2', dW2\nyield 'b2', db2\nyield 'W1', dW1\nyield 'b1', db1"),
    "yield": function("yield dW2\nyield db2\nyield dW1\nyield db1"),
    "keywords only": function(GIVEN, head="*, X, Y, W1, b1, W2, b2"),
    "places only": function(GIVEN, head="X, Y, W1, b1, W2, b2, /"),
    "star": function(GIVEN, head="X, Y, *params", unpack="W1, b1, W2, b2 = params"),
    "star for all": function(GIVEN, head="*args", unpack="X, Y, W1, b1, W2, b2 = args"),
    "star, turned": function(GIVEN, head="X, Y, *params", unpack="W2, b2, W1, b1 = params"),
    "two stars": function(
        GIVEN, head="X, Y, **p", unpack="W1, b1, W2, b2 = p['W1'], p['b1'], p['W2'], p['b2']"
    ),
    "keys in turn": function(
        KEYED, head="X, Y, p", unpack="W1, b1, W2, b2 = (p[k] for k in ('W1', 'b1', 'W2', 'b2'))"
    ),
    "keys with numbers": function(
        KEYED, head="X, Y, p", unpack="(W1, W2), (b1, b2) = [[p[n + str(k)] for k in (1, 2)] for n in 'Wb']"
    ),
    "get": function(
        KEYED, head="X, Y, p", unpack="W1, b1, W2, b2 = p.get('W1'), p.get('b1'), p.get('W2'), p.get('b2')"
    ),
    "pairs of a list": function(
        "return [(dW1, db1), (dW2, db2)]", head="X, Y, layers", unpack="(W1, b1), (W2, b2) = layers"
    ),
    "layers of a list": function(
        GIVEN, head="X, Y, layers", unpack="W1, b1 = layers[0]['W'], layers[0]['b']\nW2, b2 = layers[1]['W'], layers[1]['b']"
    ),
    "one vector": function(
        "return np.sum((Z2 - Y) ** 2) / len(X), np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2])",
        head="theta, X, Y",
        unpack="W1 = theta[:20].reshape(4, 5); b1 = theta[20:25]; W2 = theta[25:35].reshape(5, 2); b2 = theta[35:]",
    ),
    "typed": function(
        KEYED,
        "import numpy.typing as npt\nArray = npt.NDArray[np.float64]\n",
        head="X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array",
    ),
    "timed": function(
        GIVEN,
        "import functools, time\ndef timed(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n"
        "        t = time.time(); r = f(*a, **k); print(time.time() - t); return r\n    return g\n@timed",
    ),
    "numba, if there is one": function(
        GIVEN, "try:\n    from numba import njit\nexcept ImportError:\n    def njit(f): return f\n@njit"
    ),
    "Greek": Program(
        function(GIVEN).code.replace("dZ2", "δ2").replace("dZ1", "δ1"), {"function": "backward"}
    ),
    "other line ends": Program(function(GIVEN).code.replace("\n", "\r\n"), {"function": "backward"}),
    "tabs": Program(function(GIVEN).code.replace("    ", "\t"), {"function": "backward"}),
    "a mark of its encoding": Program("\ufeff" + function(GIVEN).code, {"function": "backward"}),
    "static method": Program(
        f"{HEAD}class Net:\n    @staticmethod\n    def grad(X, Y, W1, b1, W2, b2):\n{indented(BODY + GIVEN, 2)}",
        {"function": "Net.grad"},
    ),
    "class method": Program(
        f"{HEAD}class Net:\n    @classmethod\n    def grad(cls, X, Y, W1, b1, W2, b2):\n{indented(BODY + GIVEN, 2)}",
        {"function": "Net.grad"},
    ),
    "walrus": Program(
        f"{HEAD}def backward(X, Y, W1, b1, W2, b2):\n"
        "    d = 2 * ((A1 := np.tanh(X @ W1 + b1)) @ W2 + b2 - Y) / len(X)\n"
        "    return {'W2': A1.T @ d, 'b2': d.sum(0), 'W1': X.T @ (e := d @ W2.T * (1 - A1 ** 2)), 'b1': e.sum(0)}\n",
        {"function": "backward"},
    ),
    "lambda": Program(
        f"{HEAD}slope = lambda A1, d, W2: d @ W2.T * (1 - A1 ** 2)\n"
        "back = lambda X, A1, d, W2: dict(W2=A1.T @ d, b2=d.sum(0), W1=X.T @ slope(A1, d, W2), b1=slope(A1, d, W2).sum(0))\n"
        "over = lambda X, Y, A1, W2, b2: back(X, A1, 2 * (A1 @ W2 + b2 - Y) / len(X), W2)\n"
        "backward = lambda X, Y, W1, b1, W2, b2: over(X, Y, np.tanh(X @ W1 + b1), W2, b2)\n",
        {"function": "backward"},
    ),
    "example by example": Program(
        f"{HEAD}def one(x, y, W1, b1, W2, b2):\n    A1 = np.tanh(x @ W1 + b1)\n    d = 2 * (A1 @ W2 + b2 - y)\n"
        "    e = d @ W2.T * (1 - A1 ** 2)\n    return np.outer(x, e), e, np.outer(A1, d), d\n"
        "def backward(X, Y, W1, b1, W2, b2):\n    every = [one(x, y, W1, b1, W2, b2) for x, y in zip(X, Y)]\n"
        "    return tuple(np.mean(g, axis=0) for g in zip(*every))\n",
        {"function": "backward"},
    ),
    "script": script(),
    "script with arguments": script(ARGPARSE + "args = parser.parse_args()\n", after="W1 -= args.lr * dW1\n"),
    "main program": Program(HEAD + in_main(ARGPARSE + "args = parser.parse_args()\n" + INPUTS + BODY)),
    "main function": Program(
        f"{HEAD}def main():\n{indented(INPUTS + BODY)}\nif __name__ == '__main__':\n    main()\n"
    ),
    "script with a seed": script("import sys\nseed = int(sys.argv[1]) if len(sys.argv) > 1 else 0\nnp.random.seed(seed)\n"),
    "script with data": script(
        inputs=INPUTS + "data = np.loadtxt('data.csv', delimiter=',')\nX, Y = data[:, :4], data[:, 4:]\n", data_csv=DATA
    ),
    "script with data beside it": script(
        "from pathlib import Path\nimport csv\n",
        INPUTS + "rows = list(csv.reader(open(Path(__file__).parent / 'data.csv')))\n"
        "data = np.array(rows, dtype=float)\nX = data[:, :4]\nY = data[:, 4:]\n",
        data_csv=DATA,
    ),
    "class with grads": net("self.{name} = np.zeros({shape})", "self.{0}", "self.grads['d{0}']", "self.grads = {{n: 0 for n in ('dW1', 'db1', 'dW2', 'db2')}}".format()),
    "class with params": net(
        "self.params = getattr(self, 'params', {{}}) | {{'{name}': np.zeros({shape})}}", "p['{0}']", "g['{0}']",
        "p = self.params; g = self.grads = {n: 0 for n in p}",
    ),
    "class of parameters": net(
        "self.{name} = Parameter(np.zeros({shape}))", "self.{0}.value", "self.{0}.grad", before=PARAMETER
    ),
    "dict of parameters": net(
        "self.p = getattr(self, 'p', {{}}) | {{'{name}': Parameter(np.zeros({shape}))}}",
        "self.p['{0}'].value", "self.p['{0}'].grad", before=PARAMETER,
    ),
    "class of layers": Program(HEAD + LAYERS, {"cls": "Net"}),
    "script of layers": Program(
        f"{HEAD}{LAYERS}{INPUTS}net = Net()\nnet.layers[0].W, net.layers[0].b = W1, b1\n"
        "net.layers[2].W, net.layers[2].b = W2, b2\nnet.forward(X)\nnet.backward(Y)\n"
        "dW1 = net.layers[0].dW; db1 = net.layers[0].db; dW2 = net.layers[2].dW; db2 = net.layers[2].db\n"
    ),
    "tape": taped("return {'W1': W1.grad, 'b1': b1.grad, 'W2': W2.grad, 'b2': b2.grad}"),
    "tape of tensors": taped("return W1, b1, W2, b2"),
    "tape in a script": Program(
        f"{HEAD}{TENSOR}\nnp.random.seed(0)\nX = Tensor(np.random.randn(6, 4)); Y = np.random.randn(6, 2)\n"
        "W1 = Tensor(np.random.randn(4, 5)); b1 = Tensor(np.random.randn(5))\n"
        "W2 = Tensor(np.random.randn(5, 2)); b2 = Tensor(np.random.randn(2))\n"
        f"{RUN.replace('Tensor(X)', 'X')}print(W1.grad)\n"
    ),
    "gradients in place": Program(
        f"{HEAD}class P:\n    def __init__(self, data):\n        self.data, self.grad = data, None\n{INPUTS}"
        "p = {'W1': P(W1), 'b1': P(b1), 'W2': P(W2), 'b2': P(b2)}\n"
        "A1 = np.tanh(X @ p['W1'].data + p['b1'].data)\nd = 2 * (A1 @ p['W2'].data + p['b2'].data - Y) / len(X)\n"
        "p['W2'].grad = A1.T @ d\np['b2'].grad = d.sum(0)\ne = d @ p['W2'].data.T * (1 - A1 ** 2)\n"
        "p['W1'].grad = X.T @ e\np['b1'].grad = e.sum(0)\n"
    ),
}  # fmt: skip
"""Right programs, by what is particular about them."""

"""Audits of programs that are a part of a larger project: what they import is outside of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from symgrad.cli import main

SPEC = """
import numpy as np
import symgrad as sg
x = sg.data("x", (6, 4))
r = sg.data("r", (6,))
w = sg.param("w", (4,))
loss = np.sum((x @ w - r) ** 2)
"""
PASS = """
def backward(x, r, w):
    return {"dw": back(x, 2 * (x @ w - r))}
"""
LAYERS = """
import numpy as np
def back(x, dy):
    return np.dot(x.T, dy)
"""
HEADS = {
    "the folder above, from the current one": "import os, sys\nsys.path.append(os.pardir)\n"
    "from common.layers import *",
    "the folder above, from the file": "import sys\nfrom pathlib import Path\n"
    "sys.path.insert(0, str(Path(__file__).resolve().parents[1]))\nfrom common.layers import back",
    "a part of the package": "from ..common.layers import back",
    "the whole package": "from project.common.layers import back",
}


def marked(names: Iterable[str], quick: set[str]) -> list[object]:
    return [pytest.param(n, marks=() if n in quick else pytest.mark.long) for n in names]


@pytest.mark.parametrize("head", marked(HEADS, {"the folder above, from the current one"}))
def test_what_is_imported_from_outside_the_folder_is_found(head: str, tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    for name in ("project", "project/common", "project/nets"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "project/common/layers.py").write_text(LAYERS, encoding="utf-8")
    code = tmp_path / "project/nets/net.py"
    code.write_text(HEADS[head] + PASS, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(code), "--function", "backward"]
    assert "gradient right" in CliRunner().invoke(main, asked).output
    assert not [*tmp_path.rglob("__pycache__")]


@pytest.mark.long
def test_what_a_star_does_not_bring_is_told(tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    code = tmp_path / "net.py"
    code.write_text("from layers_of_nobody import *" + PASS, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(code), "--function", "backward"]
    found = CliRunner().invoke(main, asked)
    assert found.exit_code == 2
    assert "No module named 'layers_of_nobody'" in found.output


NET = """
import numpy as np
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(0)
        return dy @ self.W.T
class Relu:
    def forward(self, x):
        self.on = x > 0
        return x * self.on
    def backward(self, dy):
        return dy * self.on
class Net:
    def __init__(self):
        self.params = {"W1": np.random.randn(4, 5), "b1": np.zeros(5)}
        self.params |= {"W2": np.random.randn(5, 2), "b2": np.zeros(2)}
        p = self.params
        self.layers = [Affine(p["W1"], p["b1"]), Relu(), Affine(p["W2"], p["b2"])]
    def gradient(self, x, r):
        for layer in self.layers:
            x = layer.forward(x)
        d = 2 * (x - r)
        for layer in self.layers[::-1]:
            d = layer.backward(d)
        first, last = self.layers[0], self.layers[2]
        return {"W1": first.dW, "b1": first.db, "W2": last.dW, "b2": last.db}
"""
OPTIMIZER = """
class SGD:
    def update(self, params, grads):
        for key in params:
            params[key] -= 0.1 * grads[key]
"""
TRAIN = """
import numpy as np
from net import Net
from optimizer import SGD
X, R = np.random.randn(30, 4), np.random.randn(30, 2)
net, optimizer = Net(), SGD()
for step in range(50):
    rows = np.random.choice(30, 6)
    x, r = X[rows], R[rows]
    grads = net.gradient(x, r)
    optimizer.update(net.params, grads)
"""
CHECK = """
import numpy as np
from net import Net
net = Net()
x, r = np.random.randn(6, 4), np.random.randn(6, 2)
grad_numerical = {k: np.zeros_like(p) for k, p in net.params.items()}
grad_backprop = net.gradient(x, r)
"""
OF_THE_NET = """
import numpy as np
import symgrad as sg
x = sg.data("x", (6, 4))
r = sg.data("r", (6, 2))
W1, b1 = sg.param("W1", (4, 5)), sg.param("b1", (5,))
W2, b2 = sg.param("W2", (5, 2)), sg.param("b2", (2,))
a = x @ W1 + b1
h = np.maximum(a, 0)
loss = np.sum((h @ W2 + b2 - r) ** 2)
"""


def of_project(folder: Path, code: str, net: str = NET) -> list[str]:
    files = {"spec.py": OF_THE_NET, "net.py": net, "optimizer.py": OPTIMIZER, "code.py": code}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    asked = ["audit", str(folder / "spec.py"), str(folder / "code.py")]
    return CliRunner().invoke(main, asked).output.splitlines()


@pytest.mark.parametrize("code", [TRAIN, CHECK], ids=["training", "check"])
def test_a_network_of_another_file_is_not_accused(code: str, tmp_path: Path) -> None:
    assert "four gradients right" in of_project(tmp_path, code)[0]


def test_a_fault_in_another_file_is_told_at_the_call(tmp_path: Path) -> None:
    text = "\n".join(of_project(tmp_path, TRAIN, NET.replace("return dy * self.on", "return dy")))
    assert "1. W1: mask" in text
    assert "grads = net.gradient(x, r)" in text


def test_parameters_that_are_not_taken_are_no_fault(tmp_path: Path) -> None:
    code = CHECK.replace("grad_numerical", "held")
    (error, *_) = of_project(tmp_path, code)
    assert "W1, b1, W2 and b2 are not taken: with other numbers the gradients are the same" in error


LAZY = """
import numpy as np
class Layer:
    def __init__(self):
        self.params = {"w": None}
        self.grads = {"w": None}
        self.built = False
    def forward(self, x, r):
        if not self.built:
            self.params["w"], self.grads["w"] = np.random.randn(x.shape[1]), np.zeros(x.shape[1])
            self.built = True
        self.x, self.d = x, 2 * (x @ self.params["w"] - r)
    def backward(self):
        self.grads["w"] += self.x.T @ self.d
"""


@pytest.mark.long
def test_a_layer_may_make_its_parameters_as_it_first_runs(tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    (tmp_path / "layer.py").write_text(LAZY, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(tmp_path / "layer.py")]
    found = CliRunner().invoke(main, [*asked, "--class", "Layer", "--setup", "Layer()"])
    assert "gradient right" in found.output


def test_what_modules_of_the_program_need_for_something_else_may_be_missing(tmp_path: Path) -> None:
    plots = "import plotting_of_nobody.pyplot as plt\nfrom frames_of_nobody import DataFrame\n"
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    (tmp_path / "tools.py").write_text(plots + LAYERS, encoding="utf-8")
    (tmp_path / "net.py").write_text("from tools import back" + PASS, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(tmp_path / "net.py")]
    assert "gradient right" in CliRunner().invoke(main, [*asked, "--function", "backward"]).output
    (tmp_path / "tools.py").write_text(plots + LAYERS.replace("x.T, dy", "x.T, DataFrame(dy)"))
    found = CliRunner().invoke(main, [*asked, "--function", "backward"])
    assert found.exit_code == 2
    assert "No module named 'frames_of_nobody'" in found.output


PLOTS = """
import matplotlib
import matplotlib.pyplot as plt
from tqdm import tqdm, trange
matplotlib.rcParams["figure.figsize"] = (10.0, 8.0)
import numpy as np
fig, (left, right) = plt.subplots(1, 2)
with plt.style.context("x"):
    (line,) = left.plot([1])
for axis in fig.axes:
    axis.grid()
x, r, w = np.ones((6, 4)), np.arange(6.0), np.ones(4)
bar = tqdm(range(3))
for k in bar:
    dw = x.T @ (x @ w - r) / 3
    w -= 0.1 * dw
    bar.set_postfix(k=k)
"""


def test_plots_and_bars_come_to_nothing(tmp_path: Path) -> None:
    hidden = "import sys\nsys.modules |= dict.fromkeys(['matplotlib', 'matplotlib.pyplot', 'tqdm'])"
    (tmp_path / "spec.py").write_text(SPEC.replace("np.sum", "np.mean"), encoding="utf-8")
    (tmp_path / "code.py").write_text(hidden + PLOTS, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(tmp_path / "code.py")]
    assert "gradient right" in CliRunner().invoke(main, asked).output


@pytest.mark.long
def test_gradients_that_are_all_a_number_of_times_too_large(tmp_path: Path) -> None:
    spec = OF_THE_NET.replace("(6,", '("N",').replace("np.sum(", "1 / x.shape[0] * np.sum(")
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "spec.py").write_text(spec, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(tmp_path / "net.py"), "--class", "Net"]
    found = CliRunner().invoke(main, [*asked, "--setup", "Net()", "--function", "gradient"])
    assert "remark: all gradients are N times what they ought to be" in found.output


ALONE = """
import numpy as np
class Fit:
    def predict(self, x):
        return x @ self.missing
    def forward(self, x):
        return self.predict(x)
    def gradient(self, x, r):
        return {"w": x.T @ (2 * (x @ self.w - r))}
"""
OF_EACH_ROW = """
import numpy as np
x, r, w = np.ones((6, 4)), np.ones(6), np.ones(4)
for a, b in zip(x, r):
    dy = 2 * (a @ w - b)
"""


@pytest.mark.long
def test_a_class_whose_gradient_runs_forward_itself(tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    (tmp_path / "fit.py").write_text(ALONE, encoding="utf-8")
    asked = ["audit", str(tmp_path / "spec.py"), str(tmp_path / "fit.py"), "--class", "Fit"]
    found = CliRunner().invoke(main, [*asked, "--setup", "Fit()", "--function", "gradient"])
    assert "gradient right" in found.output


def test_a_program_without_gradients_is_not_told_right(tmp_path: Path) -> None:
    spec = SPEC.replace("loss = np.sum((x @ w - r) ** 2)", "y = x[0] @ w\nloss = (y - r[0]) ** 2")
    (tmp_path / "spec.py").write_text(spec, encoding="utf-8")
    (tmp_path / "fit.py").write_text(OF_EACH_ROW, encoding="utf-8")
    found = CliRunner().invoke(main, ["audit", str(tmp_path / "spec.py"), str(tmp_path / "fit.py")])
    assert found.exit_code == 2
    assert "nothing was found that is called like a gradient" in found.output

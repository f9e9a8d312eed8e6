"""How time and memory to derive and to print grow: with layers, with nesting, with fixed sizes."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import symgrad as sg
from symgrad.checks import run


def relu_network(depth: int) -> sg.Array:
    """The loss of a batch in a ReLU network of square layers under softmax cross-entropy."""
    labels = sg.data("y", ("N",), dtype=int)
    a = sg.data("X", ("N", 64))
    for k in range(1, depth):
        a = np.maximum(a @ sg.param(f"W{k}", (64, 64)) + sg.param(f"b{k}", (64,)), 0)
    z = a @ sg.param(f"W{depth}", (64, 10)) + sg.param(f"b{depth}", (10,))
    return cross_entropy(z, labels, sg.arange("N"))


def tanh_network(depth: int) -> sg.Array:
    """A network of one input."""
    h = sg.data("x", (64,))
    for k in range(depth):
        h = np.tanh(sg.param(f"W{k}", (64, 64)) @ h + sg.param(f"b{k}", (64,)))
    loss: sg.Array = np.sum(h**2)
    return loss


def nested(depth: int) -> sg.Array:
    """A function of itself, without names on the way."""
    x = sg.param("x", (5,))
    h: sg.Array = x
    for _ in range(depth):
        h = x + np.sin(h)
    loss: sg.Array = np.sum(h)
    return loss


def python_sum(rows: int) -> sg.Array:
    """The softmax of the most copied notebooks: Python's own sum over the classes."""
    Z, Y = sg.param("Z", (rows,)), sg.data("Y", (rows,))
    loss: sg.Array = -np.sum(Y * np.log(np.exp(Z) / sum(np.exp(Z))))
    return loss


def regression(rows: int) -> sg.Array:
    """Softmax regression on a fixed number of rows."""
    z = sg.data("X", (rows, 784)) @ sg.param("W", (784, 10)) + sg.param("b", (10,))
    return cross_entropy(z, sg.data("y", (rows,), dtype=int), np.arange(rows))


def transformer(blocks: int) -> sg.Array:
    """Blocks of 768 channels and 12 heads, with layer norm and a causal mask, on 256 tokens."""
    rows, width = 256, 768
    x = sg.data("X", (rows, width))
    mask = np.triu(np.full((rows, rows), -1e9), 1)
    for k in range(blocks):
        a = normalised(x, f"1_{k}") @ sg.param(f"Wqkv{k}", (width, 3 * width))
        q, key, v = (
            a[:, j * width : (j + 1) * width].reshape(rows, 12, 64).transpose(1, 0, 2)
            for j in range(3)
        )
        p = sg.softmax(q @ key.transpose(0, 2, 1) / 8 + mask, axis=-1)
        mixed = (p @ v).transpose(1, 0, 2).reshape(rows, width)
        x = x + mixed @ sg.param(f"Wo{k}", (width, width))
        h = np.maximum(normalised(x, f"2_{k}") @ sg.param(f"W1_{k}", (width, 4 * width)), 0)
        x = x + h @ sg.param(f"W2_{k}", (4 * width, width))
    loss: sg.Array = np.mean((x - sg.data("T", (rows, width))) ** 2)
    return loss


def normalised(x: sg.Array, name: str) -> sg.Array:
    """Layer norm."""
    c = x - np.mean(x, axis=1, keepdims=True)
    spread = np.sqrt(np.mean(c**2, axis=1, keepdims=True) + 1e-5)
    found: sg.Array = c / spread * sg.param(f"g{name}", (768,)) + sg.param(f"b{name}", (768,))
    return found


def cross_entropy(z: sg.Array, labels: sg.Array, rows: object) -> sg.Array:
    """The mean over the rows."""
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    loss: sg.Array = -np.mean(np.log(p[rows, labels]))
    return loss


@dataclass(frozen=True)
class Row:
    """What was measured: seconds, and megabytes."""

    derive: float
    checks: float
    emit: float
    brief: float
    memory: float


CASES: dict[str, tuple[Callable[[int], sg.Array], tuple[int, ...]]] = {
    "ReLU layers, a batch": (relu_network, (10, 30, 100)),
    "tanh layers": (tanh_network, (100, 300, 1000)),
    "sin(h) + x in itself": (nested, (50, 200)),
    "Python's sum over rows": (python_sum, (10, 20, 40)),
    "rows of a fixed size": (regression, (60, 60_000)),
    "blocks of 768 channels": (transformer, (1, 12, 24)),
}


def measured(loss: Callable[[int], sg.Array], count: int) -> Row:
    """The time to trace and derive, to check that, to print the module, and to print brief text."""
    sg.derive(loss(2)).source()  # SymPy imports and caches on first use
    times = [time.process_time()]
    derivation = sg.derive(loss(count))
    times.append(time.process_time())
    assert all(check.passed for check in run(derivation))
    times.append(time.process_time())
    derivation.source(target="numpy", dtype="float64")
    times.append(time.process_time())
    derivation.render("text", choice=sg.Choice("brief"))
    times.append(time.process_time())
    derive, checks, emit, brief = map(float, np.diff(times))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(derive, checks, emit, brief, memory)


def main() -> None:
    """Print a table, each line from a process of its own."""
    print(f"{'':<24} {'':>6} {'derive':>8} {'checks':>8} {'emit':>8} {'text':>8} {'peak':>7}")
    for name, (loss, counts) in CASES.items():
        for count in counts:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                row = pool.apply(measured, (loss, count))
            print(
                f"{name:<24} {count:>6} {row.derive:>7.2f}s {row.checks:>7.2f}s {row.emit:>7.2f}s "
                f"{row.brief:>7.2f}s {row.memory:>5.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()

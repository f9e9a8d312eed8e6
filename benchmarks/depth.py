"""How time and memory to derive and to print grow: with layers, with nesting, with fixed sizes."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import symgrad as sg


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


def cross_entropy(z: sg.Array, labels: sg.Array, rows: object) -> sg.Array:
    """The mean over the rows."""
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    loss: sg.Array = -np.mean(np.log(p[rows, labels]))
    return loss


@dataclass(frozen=True)
class Row:
    """What was measured: seconds, and megabytes."""

    derive: float
    emit: float
    brief: float
    memory: float


CASES: dict[str, tuple[Callable[[int], sg.Array], tuple[int, ...]]] = {
    "ReLU layers, a batch": (relu_network, (10, 30, 100)),
    "tanh layers": (tanh_network, (100, 300, 1000)),
    "sin(h) + x in itself": (nested, (50, 200)),
    "Python's sum over rows": (python_sum, (10, 20, 40)),
    "rows of a fixed size": (regression, (60, 60_000)),
}


def measured(loss: Callable[[int], sg.Array], count: int) -> Row:
    """The time to trace and derive, to print the module, and to print brief text."""
    sg.derive(loss(2)).source()  # SymPy imports and caches on first use
    times = [time.process_time()]
    derivation = sg.derive(loss(count))
    times.append(time.process_time())
    derivation.source(target="numpy", dtype="float64")
    times.append(time.process_time())
    derivation.render("text", choice=sg.Choice("brief"))
    times.append(time.process_time())
    derive, emit, brief = np.diff(times)
    return Row(derive, emit, brief, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print a table, each line from a process of its own."""
    print(f"{'':<24} {'':>6} {'derive':>8} {'emit':>8} {'text':>8} {'peak':>7}")
    for name, (loss, counts) in CASES.items():
        for count in counts:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                row = pool.apply(measured, (loss, count))
            print(
                f"{name:<24} {count:>6} {row.derive:>7.2f}s {row.emit:>7.2f}s {row.brief:>7.2f}s "
                f"{row.memory:>5.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""How the time to derive a network and to print its gradients grows with its depth."""

from __future__ import annotations

import time

import numpy as np

import symgrad as sg

DEPTHS = (10, 30, 100)
ROUNDS = 3


def network(depth: int) -> sg.Array:
    """The loss of a batch in a ReLU network of square layers under softmax cross-entropy."""
    labels = sg.data("y", ("N",), dtype=int)
    a = sg.data("X", ("N", 64))
    for k in range(1, depth):
        a = np.maximum(a @ sg.param(f"W{k}", (64, 64)) + sg.param(f"b{k}", (64,)), 0)
    z = a @ sg.param(f"W{depth}", (64, 10)) + sg.param(f"b{depth}", (10,))
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    loss: sg.Array = -np.mean(np.log(p[sg.arange("N"), labels]))
    return loss


def seconds(depth: int) -> tuple[float, float]:
    """The time to trace and derive the network, and to print its module."""
    begin = time.perf_counter()
    derivation = sg.derive(network(depth))
    middle = time.perf_counter()
    derivation.source(target="numpy", dtype="float64")
    return middle - begin, time.perf_counter() - middle


def main() -> None:
    """Print a table: seconds, and the total for each layer relative to the first row."""
    seconds(DEPTHS[0])  # SymPy imports and caches on first use
    print(f"{'layers':>6} {'derive':>8} {'emit':>8} {'total':>8} {'per layer':>10} {'ratio':>6}")
    first = 0.0
    for depth in DEPTHS:
        derive, emit = min((seconds(depth) for _ in range(ROUNDS)), key=sum)
        each = (derive + emit) / depth
        first = first or each
        print(
            f"{depth:>6} {derive:>8.3f} {emit:>8.3f} {derive + emit:>8.3f} "
            f"{1000 * each:>7.1f} ms {each / first:>6.2f}"
        )


if __name__ == "__main__":
    main()

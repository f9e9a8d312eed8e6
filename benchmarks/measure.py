"""Times in interleaved rounds: the results are compared first, then all peers take turns."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import by_hand
import libraries
from cases import Case
from libraries import Call

PEERS: Mapping[str, Callable[..., Call | None]] = {
    "floor": by_hand.floor,
    "symgrad": libraries.symgrad,
    "symgrad, bound": libraries.symgrad_bound,
    "symgrad, C": libraries.symgrad_c,
    "symgrad, C, x86-64-v3": libraries.symgrad_c_for("x86-64-v3"),
    "symgrad, C, x86-64-v2": libraries.symgrad_c_for("x86-64-v2"),
    "symgrad, unrolled": libraries.symgrad_unrolled,
    "symgrad, no workspace": libraries.symgrad_allocating,
    "careful NumPy": by_hand.careful,
    "naive NumPy": by_hand.naive,
    "Numba by hand": by_hand.numba,
    "autograd": libraries.autograd,
    "JAX jit": libraries.jax_placed,
    "JAX jit, NumPy in": libraries.jax_numpy,
    "PyTorch": libraries.torch_eager,
    "torch.compile": libraries.torch_compiled,
    "PyTensor": libraries.pytensor,
}
"""Every peer; one that can't do a case says None."""

SHORTEST = 200e-6
"""Calls are timed in loops of at least so many seconds."""


@dataclass(frozen=True)
class Row:
    """The times of one peer in one case, in microseconds."""

    case: str
    dtype: str
    threads: int
    peer: str
    median: float
    low: float
    high: float
    error: str = ""


def rows(case: Case, dtype: str, threads: int, peers: Sequence[str], share: float) -> list[Row]:
    """The times of each peer, in one run."""
    calls, failures = _calls(case, dtype, peers)
    rounds = max(5, int(case.rounds * share))
    loops = {name: _loops(call) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.disable()
    names, order = list(calls), random.Random(0)
    for _ in range(rounds):
        for name in order.sample(names, len(names)):
            calls[name]()  # its arrays and its code are in the caches again
            times[name].append(_seconds(calls[name], loops[name]))
    gc.enable()
    found = [_row(case, dtype, threads, name, t) for name, t in times.items()]
    nothing = float("nan")
    return found + [
        Row(case.name, dtype, threads, name, nothing, nothing, nothing, error)
        for name, error in failures.items()
    ]


def _calls(
    case: Case, dtype: str, peers: Sequence[str]
) -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
    """The calls to time, those that agree with careful NumPy; and why the others are missing.

    With the generated module where nothing is written by hand.
    """
    arrays = case.arrays(dtype)
    reference = by_hand.careful(case, dtype, arrays)
    reference = reference or libraries.symgrad_allocating(case, dtype, arrays)
    found: dict[str, Callable[[], Any]] = {}
    failures = {}
    for name in peers:
        try:
            call = PEERS[name](case, dtype, arrays)
            if call is None:
                continue
            if name != "floor":
                libraries.compared(call, reference, dtype)
            found[name] = getattr(call, "fast", call)
        except Exception as error:  # a peer that is broken is a line of the report
            failures[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return found, failures


def _loops(call: Callable[[], Any]) -> int:
    for _ in range(3):
        call()
    return max(1, int(SHORTEST / max(_seconds(call, 1), 1e-7)))


def _seconds(call: Callable[[], Any], loops: int) -> float:
    begin = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - begin) / loops


def _row(case: Case, dtype: str, threads: int, peer: str, seconds: list[float]) -> Row:
    low, median, high = statistics.quantiles(seconds, n=4)
    return Row(case.name, dtype, threads, peer, 1e6 * median, 1e6 * low, 1e6 * high)

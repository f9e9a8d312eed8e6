"""What Dask costs over chunks of rows: chunks of 1 ms to 1 s, on one worker and on two.

``python benchmarks/chunks.py [FILE.svg]``: what a step takes of the workers' processors is compared
with what as many processes take for the same chunks, which put nothing together.  The time of a
processor is about the same on a machine that is busy with other things; a clock's is not.  The
workers don't profile themselves: that took 15 % with two workers on two processors, 1 % with one.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import symgrad as sg
from symgrad import distributed

COLUMNS, HIDDEN, CLASSES = 64, 128, 10
TARGETS = (0.001, 0.003, 0.01, 0.02, 0.05, 0.2, 1.0)
"""So long, in seconds, is a chunk to be."""
STEPS = 5
TOTAL, FEWEST, MOST = 2.0, 4, 200
"""So many seconds has a step, of so many chunks at least, and at most."""


def module() -> Any:
    """A small network, split over its rows."""
    X, y = sg.data("X", ("N", COLUMNS)), sg.data("y", ("N",), dtype=int)
    W1, b1 = sg.param("W1", (COLUMNS, HIDDEN)), sg.param("b1", (HIDDEN,))
    W2, b2 = sg.param("W2", (HIDDEN, CLASSES)), sg.param("b2", (CLASSES,))
    z = np.maximum(X @ W1 + b1, 0) @ W2 + b2
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return sg.derive(-np.mean(logp[sg.arange("N"), y])).split("N").compile(dtype="float32")


def point() -> dict[str, Any]:
    """Its parameters."""
    rng = np.random.default_rng(0)
    shapes = {"W1": (COLUMNS, HIDDEN), "b1": (HIDDEN,), "W2": (HIDDEN, CLASSES), "b2": (CLASSES,)}
    return {n: rng.standard_normal(s, dtype=np.float32) / 8 for n, s in shapes.items()}


def data(rows: int) -> tuple[Any, Any]:
    """Rows, and their labels."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((rows, COLUMNS), dtype=np.float32), rng.integers(0, CLASSES, rows)


def alone(rows: int, chunks: int, processes: int) -> float:
    """What chunks take of the processors, in as many processes at once, which share them out."""
    shares = [len(range(chunks)[k::processes]) for k in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return sum(pool.starmap(_share, [(rows, count) for count in shares], chunksize=1))


def _share(rows: int, chunks: int) -> float:
    """What a process takes for its chunks, one after the other, in the best of some steps."""
    made, params = module(), point()
    X, y = data(rows * chunks)
    cuts = [slice(k * rows, (k + 1) * rows) for k in range(chunks)]
    memory, times = made.Memory(), []
    for _ in range(STEPS + 1):
        first = time.process_time()
        for cut in cuts:
            made.partial(X=X[cut], y=y[cut], memory=memory, **params)
        times.append(time.process_time() - first)
    return min(times)


def by_dask(client: Any, made: Any, rows: int, chunks: int) -> float:
    """What a step takes of the processors of Dask's workers, in the best of some."""
    array: Any = importlib.import_module("dask.array")
    delayed: Any = importlib.import_module("dask").delayed
    X, y = data(rows * chunks)
    parts = [client.scatter((X[k * rows : (k + 1) * rows], y[k * rows : (k + 1) * rows]))
             for k in range(chunks)]  # fmt: skip
    given = {
        name: array.concatenate(
            [array.from_delayed(delayed(_item)(part, k), (rows, *shape), kind) for part in parts]
        )
        for k, (name, shape, kind) in enumerate((("X", (COLUMNS,), "f4"), ("y", (), "i8")))
    }
    kept, params = distributed.Rows(made, **given), point()
    kept.loss_and_gradients(**params)
    times = []
    for _ in range(STEPS):
        first = sum(client.run(time.process_time).values())
        kept.loss_and_gradients(**params)
        times.append(sum(client.run(time.process_time).values()) - first)
    return float(min(times))


def _item(pair: Any, k: int) -> Any:
    return pair[k]


def measured(workers: int, rows_of_a_second: float) -> list[tuple[float, float]]:
    """For each length of a chunk, in seconds, the part of the time that Dask adds."""
    dask: Any = importlib.import_module("distributed")
    importlib.import_module("dask").config.set({"distributed.worker.profile.enabled": False})
    made, found = module(), []
    cluster = dask.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    with cluster, dask.Client(cluster) as client:
        for target in TARGETS:
            rows, chunks = (
                int(rows_of_a_second * target),
                int(min(max(TOTAL / target, FEWEST), MOST)),
            )
            without = alone(rows, chunks, workers)
            with_ = by_dask(client, made, rows, chunks)
            found.append((without / chunks, with_ / without - 1))
            print(
                f"{workers} workers, {chunks} chunks of {1e3 * without / chunks:.1f} ms: "
                f"{without:.3f} s, with Dask {with_:.3f} s, {100 * found[-1][1]:.1f} % more",
                flush=True,
            )
    return found


def main(path: str = "") -> None:
    """All of it, and the picture."""
    made, params = module(), point()
    X, y = data(20_000)
    memory, times = made.Memory(), []
    for _ in range(5):
        first = time.process_time()
        made.partial(X=X, y=y, memory=memory, **params)
        times.append(time.process_time() - first)
    speed = len(X) / min(times)
    found = {workers: measured(workers, speed) for workers in (1, 2)}
    if path:
        Path(path).write_text(drawn(found), encoding="utf-8")


WIDTH, HEIGHT, EDGE = 560, 300, 50
COLOURS = {1: "#1f77b4", 2: "#d62728"}


def drawn(found: dict[int, list[tuple[float, float]]]) -> str:
    """The part of the time that Dask adds, in percent, over the length of a chunk."""
    top = 100.0

    def at(length: float, more: float) -> str:
        x = EDGE + (np.log10(length) + 3.3) / 3.6 * (WIDTH - 2 * EDGE)
        y = HEIGHT - EDGE - min(max(100 * more, 0), top) / top * (HEIGHT - 2 * EDGE)
        return f"{x:.1f},{y:.1f}"

    marks = []
    for workers, points in found.items():
        line, colour = " ".join(at(*p) for p in points), COLOURS[workers]
        marks.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        marks += [f'<circle r="3" fill="{colour}" cx="{x}" cy="{y}"/>'
                  for x, y in (at(*p).split(",") for p in points)]  # fmt: skip
        marks.append(
            f'<text x="{WIDTH - 150}" y="{EDGE + 18 * workers}" fill="{colour}">'
            f"{workers} worker{'s' * (workers > 1)}</text>"
        )
    for length, told in ((0.001, "1 ms"), (0.01, "10 ms"), (0.1, "100 ms"), (1.0, "1 s")):
        x, y = at(length, 0).split(",")
        marks.append(f'<text x="{x}" y="{float(y) + 20}" text-anchor="middle">{told}</text>')
    for more in (0.05, 0.25, 0.5, 1.0):
        (x, y), (end, _) = at(0.0005, more).split(","), at(1.9, more).split(",")
        marks.append(f'<line x1="{x}" y1="{y}" x2="{end}" y2="{y}" stroke="#ccc"/>')
        marks.append(f'<text x="{EDGE - 6}" y="{y}" text-anchor="end">{100 * more:.0f} %</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    style = 'font-family="sans-serif" font-size="12" fill="#555">'
    title = "<title>What Dask adds to a step, by the length of its chunks</title>"
    return "\n".join([head + style, title, *marks, "</svg>", ""])


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if os.environ.get(name) != "1":  # before NumPy is there
            os.environ[name] = "1"
            os.execv(sys.executable, [sys.executable, *sys.argv])
    main(*sys.argv[1:])

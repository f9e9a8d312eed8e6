"""Logistic regression over more rows than should be in memory, on two workers of which some die.

``python benchmarks/rows.py [ROWS] [GRADIENTS] [KILLS]``: data of float32 is written in chunks to a
file, read from there in each gradient, and what that took is printed.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import symgrad as sg
from symgrad import distributed

COLUMNS = 20
CHUNK = 1_000_000


def module() -> Any:
    """The loss and its derivatives, split over its rows."""
    X, y = sg.data("X", ("N", COLUMNS)), sg.data("y", ("N",))
    w = sg.param("w", (COLUMNS,))
    loss = np.mean(np.logaddexp(0, -y * (X @ w)))
    return sg.derive(loss).split("N").compile(dtype="float32")


def write(folder: Path, rows: int) -> None:
    """Rows and their labels, a chunk at a time."""
    rng = np.random.default_rng(0)
    with (folder / "X").open("wb") as data, (folder / "y").open("wb") as labels:
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            chunk = rng.standard_normal((count, COLUMNS), dtype=np.float32)
            data.write(chunk.tobytes())
            labels.write(np.sign(chunk[:, 0] + rng.standard_normal(count)).astype("f4").tobytes())


def part(path: str, start: int, count: int, width: int) -> Any:
    """Some rows of a file, as they are read on a worker."""
    import numpy  # here, as a worker reads this function alone

    found = numpy.fromfile(path, numpy.float32, count * width, offset=4 * start * width)
    return found.reshape(count, width) if width > 1 else found


def arrays(folder: Path, rows: int) -> dict[str, Any]:
    """Arrays of Dask that read the file when they are asked for."""
    import importlib

    da: Any = importlib.import_module("dask.array")
    delayed: Any = importlib.import_module("dask").delayed
    found = {}
    for name, width in (("X", COLUMNS), ("y", 1)):
        blocks = []
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            shape = (count, width) if width > 1 else (count,)
            block = delayed(part, pure=True)(str(folder / name), start, count, width)
            blocks.append(da.from_delayed(block, shape, np.float32))
        found[name] = da.concatenate(blocks)
    return found


def kill_one(cluster: Any, killed: list[int]) -> None:
    """Ends a worker as a machine that goes away does."""
    alive = [n.process.process.pid for n in cluster.workers.values() if n.process]
    if alive:
        killed.append(alive[len(killed) % len(alive)])
        os.kill(killed[-1], signal.SIGKILL)


def peak(client: Any) -> float:
    """The most memory that a worker has had, in MB."""

    def mine() -> float:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    return float(max(client.run(mine).values()))


def main(rows: int = 20_000_000, gradients: int = 100, kills: int = 10) -> int:
    """All of it; 1 where bits differ."""
    import importlib

    dask: Any = importlib.import_module("distributed")
    made = module()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, rows)
        w = np.linspace(-1, 1, COLUMNS, dtype=np.float32)
        cluster = dask.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        with cluster, dask.Client(cluster) as client:
            data = distributed.Rows(made, keep=False, **arrays(folder, rows))
            start = time.perf_counter()
            wanted = data.loss_and_gradients(w=w)
            once = time.perf_counter() - start
            print(f"one gradient of {rows:,} rows: {once:.1f} s, {peak(client):.0f} MB at most")
            found, killed = [], list[int]()
            for k in range(gradients):
                if kills and k % max(gradients // kills, 1) == 0:  # while the gradient is made
                    threading.Timer(0.3 * once, kill_one, (cluster, killed)).start()
                found.append(data.loss_and_gradients(w=w))
            print(
                f"{gradients} gradients, {len(killed)} kills: {time.perf_counter() - start:.0f} s"
            )
        same = all(np.array_equal(g.w, wanted[1].w) and v == wanted[0] for v, g in found)
        print("the same bits each time" if same else "bits differ")
    return int(not same)


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))

"""The comparison: ``python benchmarks/run.py`` writes RESULTS.md and a plot beside this file."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import startup
import table

HERE = Path(__file__).parent
BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """All cases with one and two threads, each in a process of its own."""
    options = _options()
    if options.child:
        _child(options)
        return
    for threads in options.threads:
        for case, dtype in _chosen(options):
            rows = _measured(options, case, dtype, threads)
            if options.results:
                table.write(HERE, rows, {})
    if options.results and options.starts:
        table.write(HERE, [], startup.seconds(options.starts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name has this")
    parser.add_argument("--dtype", default="", help="float32 or float64")
    parser.add_argument("--peers", default="", help="names with a semicolon between")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--share", type=float, default=1.0, help="of the rounds")
    parser.add_argument("--starts", type=int, default=5, help="whole processes for each peer")
    parser.add_argument("--results", action="store_true", help="write RESULTS.md and the plot")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[tuple[str, str]]:
    from cases import CASES
    from untuned import UNTUNED

    return [
        (case.name, dtype)
        for case in (*CASES, *UNTUNED)
        for dtype in case.dtypes
        if options.only in case.name and options.dtype in dtype
    ]


def _measured(
    options: argparse.Namespace, case: str, dtype: str, threads: int
) -> list[dict[str, object]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    environment |= dict.fromkeys(BLAS, str(threads))
    command = [sys.executable, __file__, "--peers", options.peers, "--share", str(options.share)]
    command += ["--child", case, dtype, str(threads)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    rows: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    _print(case, dtype, threads, rows)
    return rows


def _child(options: argparse.Namespace) -> None:
    case_name, dtype, threads = options.child
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-int(threads) :])
    import measure
    from cases import CASES
    from untuned import UNTUNED

    case = next(c for c in (*CASES, *UNTUNED) if c.name == case_name)
    peers = options.peers.split(";") if options.peers else list(measure.PEERS)
    found = measure.rows(case, dtype, int(threads), peers, options.share)
    print(json.dumps([asdict(row) for row in found]))


def _print(case: str, dtype: str, threads: int, rows: list[dict[str, object]]) -> None:
    print(f"\n{case}, {dtype}, {threads} thread{'s' if threads > 1 else ''}")
    medians = {str(r["peer"]): float(str(r["median"])) for r in rows}
    base = medians.get("floor") or medians.get("careful NumPy") or float("nan")
    for row in rows:
        told = row["error"] or (
            f"{row['median']:>10.1f} µs  ({row['low']:.1f} to {row['high']:.1f})"
            f"  {medians[str(row['peer'])] / base:6.2f}"
        )
        print(f"  {row['peer']:<24} {told}", flush=True)


if __name__ == "__main__":
    main()

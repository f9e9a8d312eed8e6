"""The results as a table in Markdown, and as a plot."""

from __future__ import annotations

import itertools
import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]

LIBRARIES = ("numpy", "jax", "torch", "autograd", "pytensor", "numba")

HEAD = """# How fast the generated code is

Written by `make bench`. Value and all gradients, microseconds: the median of interleaved rounds,
with the quartiles in brackets; the results of all peers are compared first. *Floor*: the matrix
products alone, into ready buffers. *symgrad*: the generated module with a workspace; *bound*:
after `bind(...)`; *careful NumPy*: by hand, with buffers. Ratios and the plot are of what was
measured in one run: a time without a ratio is of an earlier one.
"""


def write(folder: Path, rows: Rows, seconds: Mapping[str, float]) -> None:
    """Write RESULTS.md and results.svg; what was measured before and not now is kept."""
    kept = folder / "results.json"
    old = json.loads(kept.read_text()) if kept.exists() else {"rows": [], "seconds": {}}
    run = 1 + max((r.get("run", 0) for r in old["rows"]), default=0)
    rows = [{**r, "run": run} for r in rows]
    found = {_key(r): r for r in (*old["rows"], *rows)}
    seconds = dict(seconds) or old["seconds"]
    kept.write_text(json.dumps({"rows": list(found.values()), "seconds": seconds}, indent=0) + "\n")
    text = "\n".join([HEAD, _machine(), "", *_tables(list(found.values())), *_starts(seconds)])
    (folder / "RESULTS.md").write_text(text + "\n", encoding="utf-8")
    _plot(folder / "results.svg", list(found.values()))


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[k] for k in ("case", "dtype", "threads", "peer"))


def _machine() -> str:
    names = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{platform.machine()}, Python {platform.python_version()}, {names}."


def _tables(rows: Rows) -> Iterable[str]:
    for threads in sorted({r["threads"] for r in rows}):
        mine = [r for r in rows if r["threads"] == threads]
        peers = list(dict.fromkeys(r["peer"] for r in mine))
        cases = list(dict.fromkeys((r["case"], r["dtype"]) for r in mine))
        yield f"## {threads} thread{'s' if threads > 1 else ''}\n"
        yield "| | " + " | ".join(f"{case}, {dtype}" for case, dtype in cases) + " |"
        yield "|---|" + "--:|" * len(cases)
        for peer in peers:
            found = {(r["case"], r["dtype"]): r for r in mine if r["peer"] == peer}
            yield f"| {peer} | " + " | ".join(_cell(found.get(c)) for c in cases) + " |"
        yield "\nRatios of *symgrad* (the better of bound and not) to:\n"
        yield "| | " + " | ".join(f"{case}, {dtype}" for case, dtype in cases) + " |"
        yield "|---|" + "--:|" * len(cases)
        for peer in peers:
            if not peer.startswith("symgrad"):
                ratios = (_ratio(mine, case, peer) for case in cases)
                yield f"| {peer} | " + " | ".join(ratios) + " |"
        yield ""


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None or row["error"] or math.isnan(row["median"]):
        return "–"
    digits = 1 if row["median"] < 100 else 0
    return f"{row['median']:.{digits}f} ({row['low']:.{digits}f}–{row['high']:.{digits}f})"


def _ratio(rows: Rows, case: tuple[str, str], peer: str) -> str:
    times = {r["peer"]: r["median"] for r in _of_one_run(rows, case)}
    ours = min(times.get("symgrad", math.nan), times.get("symgrad, bound", math.nan))
    theirs = times.get(peer, math.nan)
    return "–" if math.isnan(theirs) or math.isnan(ours) else f"{ours / theirs:.2f}"


def _starts(seconds: Mapping[str, float]) -> Iterable[str]:
    if seconds:
        yield "## From nothing to the first gradient of 784-512-256-10, float32\n"
        yield "Whole processes, seconds.\n"
        yield "| | |\n|---|--:|"
        yield from (f"| {name} | {found:.2f} |" for name, found in seconds.items())


def _plot(path: Path, rows: Rows) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "symgrad"
    from matplotlib import pyplot

    one = [r for r in rows if r["threads"] == 1 and not r["error"]]
    cases = list(dict.fromkeys((r["case"], r["dtype"]) for r in one))
    figure, axes = pyplot.subplots(figsize=(11, 0.55 * len(cases) + 1.5))
    markers = itertools.cycle("osv^D<>pPX*dh")
    for peer in dict.fromkeys(r["peer"] for r in one):
        points = [(r["median"] / _base(one, c), k) for k, c in enumerate(cases)
                  for r in _of_one_run(one, c) if r["peer"] == peer]  # fmt: skip
        if points:
            x, y = zip(*points, strict=True)
            axes.plot(x, y, next(markers), label=peer, markersize=9 if "symgrad" in peer else 5)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cases)), [f"{case}, {dtype}" for case, dtype in cases])
    axes.invert_yaxis()
    axes.grid(axis="x", which="both", alpha=0.3)
    axes.set_xlabel("time over the floor (else careful NumPy, else symgrad), one thread")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def _of_one_run(rows: Rows, case: tuple[str, str]) -> Rows:
    """What was measured together with the generated module."""
    mine = [r for r in rows if (r["case"], r["dtype"]) == case]
    run = next((r.get("run", 0) for r in mine if r["peer"] == "symgrad"), 0)
    return [r for r in mine if r.get("run", 0) == run]


def _base(rows: Rows, case: tuple[str, str]) -> float:
    times = {r["peer"]: float(r["median"]) for r in _of_one_run(rows, case)}
    return times.get("floor") or times.get("careful NumPy") or times["symgrad"]

"""From nothing to the first gradient: whole processes, imports and compilation included."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
CASE = "784-512-256-10, batch 128"

FIRST = """
import sys; sys.path.insert(0, {here!r})
from cases import CASES
case = next(c for c in CASES if c.name == {case!r})
v = case.arrays("float32")
import {module}
value, found = {module}.{function}(case, "float32", v)()
"""

GENERATED = """
import sys; sys.path[:0] = [{here!r}, {folder!r}]
from cases import CASES
case = next(c for c in CASES if c.name == {case!r})
v = case.arrays("float32")
import generated_case
value, found = generated_case.loss_and_gradients(**v)
"""

PEERS = {
    "symgrad, derive and run": ("libraries", "symgrad"),
    "careful NumPy": ("by_hand", "careful"),
    "autograd": ("libraries", "autograd"),
    "JAX jit": ("libraries", "jax_placed"),
    "PyTorch": ("libraries", "torch_eager"),
}


def seconds(rounds: int) -> dict[str, float]:
    """The median time of each peer's process, in interleaved rounds."""
    with tempfile.TemporaryDirectory() as folder:
        programs = {"symgrad, generated file": _generated(folder)}
        programs |= {
            name: FIRST.format(here=str(HERE), case=CASE, module=module, function=function)
            for name, (module, function) in PEERS.items()
        }
        times: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(rounds):
            for name, program in programs.items():
                times[name].append(_run(program))
    return {name: statistics.median(found) for name, found in times.items()}


def _generated(folder: str) -> str:
    sys.path.insert(0, str(HERE))
    import libraries
    from cases import CASES

    case = next(c for c in CASES if c.name == CASE)
    text = libraries.derivation(case).source(dtype="float32")
    Path(folder, "generated_case.py").write_text(text, encoding="utf-8")
    return GENERATED.format(here=str(HERE), folder=folder, case=CASE)


def _run(program: str) -> float:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    return time.perf_counter() - begin

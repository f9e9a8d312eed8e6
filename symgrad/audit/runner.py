"""Runs of a program in a child process, in a copy of its folder."""

from __future__ import annotations

import os
import pickle
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from symgrad.errors import SymgradError

MOST_COPIED = 50_000_000
"""Bytes of a folder that are copied; of a larger one only the program itself is."""

CHILD = "SYMGRAD_AUDIT"
"""The variable of the environment that says that a program is run by an audit."""

BUSY = 4
"""By how much longer than the processor's a reply may take on the clock."""

Arrays = Mapping[str, np.ndarray]
Asked = tuple[dict[int, bytes], Arrays, int, bytes]
"""A run: the units that are changed, the inputs, a seed, and what is tried for an expression."""


@dataclass(frozen=True)
class Run:
    """What one run gave: ``out`` is what calls returned, ``last`` the last value by target."""

    error: tuple[str, str, int] | None = None
    out: Any = None
    last: Mapping[str, Any] = field(default_factory=dict)
    records: Sequence[tuple[int, str, Any]] = ()
    author: Mapping[str, Any] = field(default_factory=dict)
    missing: Sequence[str] = ()
    took: float = 0.0
    seen: Sequence[Sequence[Any]] = ()
    """What was looked at before a statement, at each time that it was run."""
    ended: tuple[str, str, int] | None = None
    """How a script ended itself."""
    cut: int = 0
    """The line of the training loop that was left after its first turn."""


class NotRun(SymgradError):
    """The program could not be run."""


class OutOfTime(NotRun):
    """The time of an audit is over."""


class Runner:
    """A child process that runs a program; it is started again where it hangs or dies."""

    def __init__(self, loading: dict[str, Any], folder: Path | None, timeout: float) -> None:
        self.loading = {"do": "load", **loading}
        self.began = time.process_time()
        self.spent = 0.0
        self.timeout = timeout
        self.folder = folder
        self.place: tempfile.TemporaryDirectory[str] | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def load(self, **changes: Any) -> None:
        """Run another program, or call it otherwise, from now on."""
        self.loading |= changes
        if self.process is not None:
            self._ask(self.loading, 30)

    def run(
        self,
        runs: Sequence[Asked],
        *,
        keep: bool,
        limit: float,
    ) -> list[Run]:
        """The runs; where the process dies of one, that one has an error."""
        found: list[Run] = []
        while len(found) < len(runs):
            left = runs[len(found) :]
            asked = {"do": "run", "runs": list(left), "keep": keep, "limit": limit}
            reply = self._ask(asked, BUSY * (limit * len(left) + 5))
            if reply is not None:
                return [*found, *self._counted(reply)]
            found += self._one_by_one(left, keep=keep, limit=limit)
        return found

    def _one_by_one(self, runs: Sequence[Any], *, keep: bool, limit: float) -> list[Run]:
        """The first of the runs, which may be the one that ended the process."""
        asked = {"do": "run", "runs": [runs[0]], "keep": keep, "limit": limit}
        reply = self._ask(asked, BUSY * (limit + 5))
        if reply is None:
            return [Run(("Died", "the program ended its process, or hung", 0))]
        return self._counted(reply)

    def _counted(self, reply: Sequence[Mapping[str, Any]]) -> list[Run]:
        """The runs of a reply, their time added to what is spent."""
        runs = [Run(**r) for r in reply]
        self.spent += sum(r.took for r in runs)
        return runs

    def _ask(self, asked: dict[str, Any], seconds: float) -> Any:
        """The answer of the child; None where there is none in time."""
        if self.time_left <= 0:
            raise OutOfTime(
                f"the audit took longer than {self.timeout:g} s",
                hint="if the program ends at all, give it more: --timeout SECONDS",
            )
        if self.process is None:
            self._start()
            if asked is not self.loading and self._ask(self.loading, 30) is None:
                raise NotRun("the program could not be started")
        assert self.process is not None
        assert self.process.stdin is not None
        data, began = pickle.dumps(asked), time.monotonic()
        try:
            self.process.stdin.write(struct.pack("<q", len(data)) + data)
            self.process.stdin.flush()
            return self._reply(min(seconds, self.time_left + 1))
        except (OSError, EOFError, pickle.UnpicklingError, struct.error):
            self.stop()
            self.spent += time.monotonic() - began
            return None

    def _reply(self, seconds: float) -> Any:
        ends = time.monotonic() + seconds
        (length,) = struct.unpack("<q", self._bytes(8, ends))
        return pickle.loads(self._bytes(length, ends))

    def _bytes(self, count: int, ends: float) -> bytearray:
        assert self.process is not None
        assert self.process.stdout is not None
        pipe, found = self.process.stdout.fileno(), bytearray()
        while len(found) < count:
            ready, _, _ = select.select([pipe], [], [], max(0.0, ends - time.monotonic()))
            part = os.read(pipe, min(count - len(found), 1 << 20)) if ready else b""
            if not part:
                raise EOFError
            found += part
        return found

    @property
    def time_left(self) -> float:
        """The seconds that are left for the whole audit.

        They are those of the processor, here and in the child, so that an audit finds the same on
        a busy machine; by the clock where the child does not answer.
        """
        return self.timeout - (time.process_time() - self.began) - self.spent

    def _start(self) -> None:
        if self.place is None:
            self.place = tempfile.TemporaryDirectory(prefix="symgrad-audit-")
            _copy(self.folder, Path(self.place.name) / "work")
        environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {CHILD: "1"}
        environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(self.place.name) / "work",
            env=environment,
            bufsize=0,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End the process."""
        process, self.process = self.process, None
        if process is not None:
            with suppress(OSError):
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def close(self) -> None:
        """End the process, and remove the copy of the folder."""
        self.stop()
        if self.place is not None:
            self.place.cleanup()


def _copy(folder: Path | None, place: Path) -> None:
    """A copy of a folder, where it is not too large: else an empty folder."""
    if folder is None or _size(folder) > MOST_COPIED:
        place.mkdir()
        return
    hidden = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
    try:
        shutil.copytree(folder, place, ignore=hidden, symlinks=True)
    except (OSError, shutil.Error):
        place.mkdir(exist_ok=True)


def _size(folder: Path) -> int:
    total = 0
    for path, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".") and f != "__pycache__"]
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size  # noqa: PTH118
        if total > MOST_COPIED:
            break
    return total

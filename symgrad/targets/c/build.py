"""Generated C on this machine: compiled once for each text, and kept."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from symgrad.errors import SpecError

FLAGS = (
    *("-std=c99", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    *("-fopenmp-simd", "-fPIC", "-shared"),
)
"""What decides on the speed, and changes no result but by a product and a sum in one rounding."""

_OF_GCC = ("-fno-tree-slp-vectorize",)
"""GCC 12 makes straight lines wrong with it, where vectors have 512 bits: tests/test_c_scan.py has
an example."""

if sys.platform == "darwin":
    FLAGS = (*FLAGS, "-undefined", "dynamic_lookup")  # Python is found when it is loaded

_OF_THIS_MACHINE = "-march=native"


def compiler() -> list[str]:
    """The command that compiles C: what CC says, else cc, gcc or clang; SpecError without any."""
    said = shlex.split(os.environ.get("CC", ""))
    for command in (said, ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]):
            return command
    looked = f"{said[0]}, which CC names, " if said else ""
    raise SpecError(
        f"there is no C compiler: {looked}cc, gcc and clang were not found",
        hint="install one (gcc, or clang), name one in CC, or use the target numpy",
    )


def library(name: str, files: Mapping[str, str], options: Sequence[str]) -> Path:
    """Where the files are, compiled; SpecError where they can't be."""
    command = compiler()
    flags = [*FLAGS, *([] if _is_clang(tuple(command)) else _OF_GCC), *options]
    path = _folder() / f"{name}-{_key(command, flags, files)}.so"
    if not path.exists():
        _compile(command, flags, files, path)
    return path


def _key(command: Sequence[str], flags: Sequence[str], files: Mapping[str, str]) -> str:
    """What decides on the machine code: texts, options, the compiler and the processor."""
    texts = (text for file in files.items() for text in file)
    parts = [*flags, *_version(tuple(command)), _processor(), *texts]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@cache
def _version(command: tuple[str, ...]) -> list[str]:
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    return [*command, done.stdout]


def _is_clang(command: tuple[str, ...]) -> bool:
    return "clang" in "".join(_version(command))


@cache
def _processor() -> str:
    """What tells processors apart: a folder may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = [platform.processor()]
    kept = [x for x in lines if x.startswith(("model name", "flags", "Features"))]
    return "\n".join([platform.platform(), *sorted({*(kept or lines)})])


def _folder() -> Path:
    """Where builds are kept: SYMGRAD_CACHE, else the user's folder for caches."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("SYMGRAD_CACHE") or Path(base) / "symgrad")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _for_this_process()


@cache
def _for_this_process() -> Path:
    return Path(tempfile.mkdtemp(prefix="symgrad-"))


def _machines(command: Sequence[str]) -> list[list[str]]:
    """For which processors code is made, until a compiler knows of one: what CC says, or this."""
    said = any(word.startswith(("-march=", "-mcpu=")) for word in command)
    return [[]] if said else [[_OF_THIS_MACHINE], []]


def _compile(
    command: Sequence[str], flags: Sequence[str], files: Mapping[str, str], path: Path
) -> None:
    """Compile beside the place, and move it there: others may do the same at the same time."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".build-") as folder:
        for file, text in files.items():
            (Path(folder) / file).write_text(text, encoding="utf-8")
        sources = [file for file in files if file.endswith(".c")]
        rest = [*flags, *sources, "-o", "built.so", "-lm"]
        for more in _machines(command):
            done = subprocess.run(
                [*command, *more, *rest], cwd=folder, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                (Path(folder) / "built.so").replace(path)
                return
    told = next((x for x in done.stderr.split("\n") if "error" in x), done.stderr[:200]).strip()
    raise SpecError(f"{' '.join(command)} could not compile the code: {told}")

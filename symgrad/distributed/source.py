"""A generated module as its source, which is all of it that travels to workers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from symgrad.errors import SpecError, caller

RUNNER = '''
def module_of(name, source):
    """The module of a source, which a process reads once."""
    import sys
    import types

    if name not in sys.modules:
        module = types.ModuleType(name)
        exec(compile(source, name + ".py", "exec"), module.__dict__)
        sys.modules.setdefault(name, module)
    return sys.modules[name]


def aligned(chunks):
    """Arrays that begin where numbers may: those from the network do not, and are slow to read."""
    import numpy as np

    return [[np.require(array, requirements="A") for array in chunk] for chunk in chunks]


def memory_of(module):
    """Memory for chunks, as the argument that it is; none where all is computed in new arrays."""
    import inspect

    if not hasattr(module, "Memory"):
        return {}
    *_, name = inspect.signature(module.partial).parameters
    return {name: module.Memory()}


def of_chunks(name, source, names, sent, chunks, memory=None):
    """What chunks of rows give together, as a plain tuple; sent: the other arguments, as bytes.

    memory: what they are computed in; else a process has its own, kept from task to task, since
    pages that are new to it cost as much time as the arithmetic.
    """
    import pickle

    others = pickle.loads(sent)
    module = module_of(name, source)
    if memory is None:
        if not hasattr(module, "_kept"):
            module._kept = memory_of(module)
        memory = module._kept
    others.update(memory)
    laid = (dict(zip(names, chunk)) for chunk in aligned(chunks))
    parts = [tuple(module.partial(**chunk, **others)) for chunk in laid]
    return together(name, source, parts)


def together(name, source, parts):
    """What parts give together, as a plain tuple: neighbours first, then what these give."""
    module = module_of(name, source)
    while len(parts) > 1:
        pairs = [parts[k : k + 2] for k in range(0, len(parts), 2)]
        parts = [
            tuple(module.combine(*(module.Partial(*part) for part in pair)))
            if len(pair) > 1
            else pair[0]
            for pair in pairs
        ]
    return parts[0]
'''
"""What workers run. It is no module of a package, so that it travels by itself: they need NumPy
alone."""


def _runner() -> dict[str, Any]:
    made: dict[str, Any] = {"__name__": "_symgrad_worker"}
    exec(compile(RUNNER, "_symgrad_worker.py", "exec"), made)
    return made


FUNCTIONS = _runner()


@dataclass(frozen=True)
class Travelling:
    """A generated module with functions for chunks; ``key``: its name, and its source."""

    module: Any
    key: tuple[str, str]

    @classmethod
    def of(cls, module: Any) -> Travelling:
        """A module that was imported, or compiled, or a path to one; SpecError if it is none."""
        if isinstance(module, (str, Path)):
            return cls._read(Path(module).read_text(encoding="utf-8"))
        if not isinstance(module, ModuleType) or not hasattr(module, "_ROWS"):
            raise SpecError(
                f"{getattr(module, '__name__', module)} has no functions for chunks of rows",
                where=caller(),
                hint="derive it with --split N, or compile sg.derive(loss).split('N')",
            )
        text = getattr(module, "__source__", None)
        return cls._read(text or Path(str(module.__file__)).read_text(encoding="utf-8"))

    @classmethod
    def _read(cls, source: str) -> Travelling:
        name = f"_symgrad_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
        return cls(FUNCTIONS["module_of"](name, source), (name, source))

    @property
    def rows(self) -> dict[str, int]:
        """Which axis of each argument has the rows."""
        found: dict[str, int] = self.module._ROWS
        return found

"""Modules outside the copied folder: what is audited may be a part of a larger project."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symgrad.audit import holding, standins
else:
    import holding
    import standins


class Nearby:
    """Finds what is not found otherwise where the program would find it if it were not a copy.

    That is in the places that it adds to ``sys.path``, seen from its own folder, and in the folder
    that its package is in, its own folder and the one in which the audit was started.
    """

    def __init__(self, copy: Path, folder: Path, started: Path) -> None:
        self.copy, self.folder, self.started = copy, folder, started

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """As any finder of modules does; what is in a package is found by its path."""
        places = [] if path is not None else [str(p) for p in self._places()]
        found = PathFinder.find_spec(name, places, target) if places else None
        holding.OWN.update([name] if found is not None else [])
        return found

    def _places(self) -> Iterator[Path]:
        for place in sys.path:
            yield self.folder / os.path.relpath(self.copy / place, self.copy)
        yield package(self.folder)[0]
        yield self.folder
        yield self.started


class Standing(Loader):
    """Has a module that is nowhere stand empty where a module of the program imports it.

    What is audited may need no more of its own modules than what does without: one that plots too.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """As any finder of modules does."""
        first = name.partition(".")[0]
        known = isinstance(sys.modules.get(first), standins.Absent)
        return ModuleSpec(name, self) if known or (path is None and self._is_asked()) else None

    def _is_asked(self) -> bool:
        """Whether it is a module of the program that imports, not what is audited itself."""
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is None or "__audit__" in frame.f_globals:
            return False
        return holding.is_own(frame.f_globals.get("__name__", ""), frame.f_code.co_filename)

    def create_module(self, spec: ModuleSpec) -> standins.Absent:
        """A module that has nothing."""
        return standins.Absent(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is run."""


def remember_code() -> None:
    """Have the code of a module compiled once: those of a program are imported in each run."""
    compiled, codes = SourceFileLoader.get_code, dict[tuple[str, int], types.CodeType | None]()

    def get_code(self: SourceFileLoader, name: str) -> types.CodeType | None:
        key = self.path, Path(self.path).stat().st_mtime_ns
        if key not in codes:
            codes[key] = compiled(self, name)
        return codes[key]

    SourceFileLoader.get_code = get_code  # type: ignore[assignment,method-assign]


def put(folder: str, started: str) -> str | None:
    """Have modules found outside the copy of a folder; the package that the folder is, if any."""
    if not folder:
        return None
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, (Nearby, Standing))]
    sys.meta_path.append(Nearby(Path.cwd(), Path(folder), Path(started)))
    sys.meta_path.append(Standing())
    return package(Path(folder))[1] or None


def package(folder: Path) -> tuple[Path, str]:
    """Where the package of a folder is, and what it is called; '' where it is in none."""
    names: list[str] = []
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)

"""Modules outside the copied folder: what is audited may be a part of a larger project."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any


class Nearby:
    """Finds what is not found otherwise where the program would find it if it were not a copy.

    That is in the places that it adds to ``sys.path``, seen from its own folder, and in the folder
    that its package is in, its own folder and the one in which the audit was started.
    """

    def __init__(self, copy: Path, folder: Path, started: Path, found: set[str]) -> None:
        self.copy, self.folder, self.started, self.found = copy, folder, started, found

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """As any finder of modules does; what is in a package is found by its path."""
        places = [] if path is not None else [str(p) for p in self._places()]
        found = PathFinder.find_spec(name, places, target) if places else None
        self.found.update([name] if found is not None else [])
        return found

    def _places(self) -> Iterator[Path]:
        for place in sys.path:
            yield self.folder / os.path.relpath(self.copy / place, self.copy)
        yield package(self.folder)[0]
        yield self.folder
        yield self.started


def put(folder: str, started: str, found: set[str]) -> str | None:
    """Have modules found outside the copy of a folder; the package that the folder is, if any."""
    if not folder:
        return None
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, Nearby)]
    sys.meta_path.append(Nearby(Path.cwd(), Path(folder), Path(started), found))
    return package(Path(folder))[1] or None


def package(folder: Path) -> tuple[Path, str]:
    """Where the package of a folder is, and what it is called; '' where it is in none."""
    names: list[str] = []
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)

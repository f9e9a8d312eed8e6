"""What one run of a program leaves behind is not there for the next."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symgrad.audit import holding
else:
    import holding

MOST_FILES = 500
"""In a larger folder nobody looks what a run changed: it takes 4 ms for so many."""


class Tidying:
    """The folder that a program runs in, a copy, and the modules that it imports from there."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        self.folder: Path | None = None
        self.before = self._files()

    def tidy(self, folder: str | None = None) -> None:
        """Put back what a run changed, as it is in ``folder``; forget the program's own modules."""
        self.folder = Path(folder) if folder else self.folder
        os.chdir(self.copy)
        for name, module in [*sys.modules.items()]:
            if holding.is_own(name, getattr(module, "__file__", None)):
                del sys.modules[name]
        if self.before is None:
            return
        now = self._files() or {}
        if now == self.before:
            return
        for path in now.keys() - self.before.keys():
            self._remove(self.copy / path)
        for path in [p for p in self.before if now.get(p) != self.before[p]]:
            self._put_back(path)
        self.before = self._files()

    def _files(self) -> dict[str, tuple[int, int]] | None:
        """The files and folders, each with its size and when it was changed; None of too many."""
        found: dict[str, tuple[int, int]] = {}
        for place, folders, names in os.walk(self.copy):
            for name in (*folders, *names):
                path = Path(place, name)
                state = path.lstat()
                inside = name in folders
                found[str(path.relative_to(self.copy))] = (
                    (0, 0) if inside else (state.st_size, state.st_mtime_ns)
                )
            if len(found) > MOST_FILES:
                return None
        return found

    def _remove(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def _put_back(self, path: str) -> None:
        if self.folder is None:
            return
        source, place = self.folder / path, self.copy / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            place.mkdir(exist_ok=True)
        elif source.is_file():
            shutil.copy2(source, place)

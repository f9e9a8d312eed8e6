"""What a program under audit finds in place of what is not there, or of what nobody reads."""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any


def printer(to_file: Callable[..., None]) -> Callable[..., None]:
    """A print that only writes to files: arrays that nobody reads take long to be spelled out."""

    def printed(*values: Any, file: Any = None, **more: Any) -> None:
        """As ``print``; once a program has put something in place of stdout it may read that."""
        place = sys.stdout if file is None else file
        if place is not sys.__stdout__ and place is not sys.__stderr__:
            to_file(*values, file=place, **more)

    return printed


SILENT = ("matplotlib", "mpl_toolkits", "seaborn", "plotly", "bokeh", "tqdm", "IPython", "pylab")
"""Modules that show something: without them a program computes the same."""


class Missing:
    """A module that is not there, or a part of it: an error when it is read, unless it only shows.

    What shows something comes to nothing, whatever is done with it.
    """

    of_the_audit = True

    def __init__(self, name: str, error: str) -> None:
        self._name, self._error = name, error

    def _nothing(self) -> Missing:
        if self._name.split(".")[0] not in SILENT:
            raise ImportError(self._error)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._nothing()

    def __call__(self, *args: Any, **more: Any) -> Any:
        if self._name.startswith("tqdm") and args:
            counted = isinstance(args[0], int)
            return Bar(self._name, self._error, range(*args) if counted else args[0])
        return self._nothing()

    def __getitem__(self, key: Any) -> Any:
        return self._nothing()

    def __setitem__(self, key: Any, value: Any) -> None:
        self._nothing()

    def __enter__(self) -> Any:
        return self._nothing()

    def __exit__(self, *of_an_error: Any) -> None:
        self._nothing()

    def __iter__(self) -> Iterator[Any]:
        """As many as whoever asks takes apart: of ``fig, ax = plt.subplots()`` two."""
        self._nothing()
        frame = sys._getframe(1)
        place, code = frame.f_lasti, frame.f_code.co_code
        taken = code[place + 1] if code[place] == dis.opmap["UNPACK_SEQUENCE"] else 0
        return iter([self] * taken)


class Bar(Missing):
    """A bar of progress that is not there, of what a loop goes through."""

    def __init__(self, name: str, error: str, over: Any) -> None:
        super().__init__(name, error)
        self._over = over

    def __iter__(self) -> Iterator[Any]:
        return iter(self._over)

    def __len__(self) -> int:
        return len(self._over)


class Absent(types.ModuleType):
    """A module that is not there, for whoever imports it and needs nothing of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(self.__name__, f"No module named {self.__name__!r}")

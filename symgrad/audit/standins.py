"""What a program under audit finds in place of what is not there, or of what nobody reads."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any


def printer(to_file: Callable[..., None]) -> Callable[..., None]:
    """A print that only writes to files: arrays that nobody reads take long to be spelled out."""

    def printed(*values: Any, file: Any = None, **more: Any) -> None:
        """As ``print``; once a program has put something in place of stdout it may read that."""
        place = sys.stdout if file is None else file
        if place is not sys.__stdout__ and place is not sys.__stderr__:
            to_file(*values, file=place, **more)

    return printed


class Missing:
    """A module that is not there: plots come to nothing, all else is an error when it is read."""

    of_the_audit = True

    def __init__(self, name: str, error: str) -> None:
        self._name, self._error = name, error

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._name.split(".")[0] in ("matplotlib", "seaborn", "tqdm", "IPython"):
            return Missing(self._name, self._error)
        raise ImportError(self._error)

    def __call__(self, *args: Any, **more: Any) -> Any:
        if self._name.startswith("tqdm") and args:
            return args[0]
        if self._name.split(".")[0] in ("matplotlib", "seaborn", "IPython"):
            return Missing(self._name, self._error)
        raise ImportError(self._error)


class Absent(types.ModuleType):
    """A module that is not there, for whoever imports it and needs nothing of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(self.__name__, f"No module named {self.__name__!r}")

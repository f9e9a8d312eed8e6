"""Names in a generated file: those of the spec as they are, and others that do not clash."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

PUBLIC = ("loss", "gradients", "loss_and_gradients", "Gradients", "check_assumptions")
"""What a generated module offers."""

_OTHERS = ("np", "math", "NamedTuple", "Workspace", "workspace", "ws", "prepare", "bind")


_OF_THE_FILE = ("self", "dtype", "given", "shapes")
"""Names that the file's own functions use beside those of sizes."""


def reserved_names() -> frozenset[str]:
    """Names that an input of a spec can't have."""
    return frozenset({*keyword.kwlist, *PUBLIC, *_OTHERS, "None", "True", "False"})


def is_possible(name: str) -> bool:
    """Whether an input may be called so: it is an argument and a field of a NamedTuple."""
    return name.isidentifier() and not name.startswith("_") and name not in reserved_names()


class Locals:
    """Hands out names for the variables of one function."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {*taken, *keyword.kwlist, *_OTHERS, *_OF_THE_FILE, *dir(builtins)}

    def letter(self) -> str:
        """A letter for what is counted in a loop."""
        return self.new(next((x for x in "kjimpq" if x not in self._taken), "k"))

    def new(self, wish: str) -> str:
        """The name itself where it is free, else with a number after it."""
        stem = re.sub(r"\W", "_", wish).lstrip("_") or "t"
        stem = f"n_{stem}" if stem[0].isdigit() else stem
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name

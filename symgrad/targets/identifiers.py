"""Names in a generated file: those of the spec as they are, and others that do not clash."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PUBLIC = ("loss", "gradients", "loss_and_gradients", "Gradients", "check_assumptions")
"""What a generated module offers, whatever its language."""


@dataclass(frozen=True)
class Words:
    """The names that a language and its files have already.

    ``reserved``: what nothing else may be called; ``public``: what a file offers, which no input
    may be called; ``inside``: what no variable of a function may be called besides.
    """

    reserved: frozenset[str]
    inside: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset(PUBLIC)

    def is_possible(self, name: str) -> bool:
        """Whether an input may be called so: it is an argument, and a field of the gradients."""
        taken = name in self.reserved or name in self.public
        return name.isidentifier() and not name.startswith("_") and not taken

    def locals(self, taken: Iterable[str]) -> Locals:
        """Names for the variables of a function with these arguments."""
        return Locals({*taken, *self.reserved, *self.inside})


class Locals:
    """Hands out names for the variables of one function."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}
        self._claimed: set[str] = set()

    def claim(self, name: str) -> bool:
        """Whether a name of the file is free here; no variable is then called so."""
        if name not in self._taken:
            self._taken.add(name)
            self._claimed.add(name)
        return name in self._claimed

    def letter(self) -> str:
        """A letter for what is counted in a loop."""
        return self.new(next((x for x in "kjimpq" if x not in self._taken), "k"))

    def new(self, wish: str) -> str:
        """The name itself where it is free, else with a number after it."""
        stem = re.sub(r"\W", "_", wish).lstrip("_") or "t"
        stem = f"n_{stem}" if stem[0].isdigit() else stem
        name, number = stem, self._last.get(stem, 1)
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._last[stem] = number
        self._taken.add(name)
        return name

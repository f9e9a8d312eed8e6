"""What a target is: a language that modules are written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

from symgrad.program.memory import Abilities
from symgrad.program.program import Program
from symgrad.targets.emitted import Emitted
from symgrad.targets.identifiers import Words
from symgrad.targets.module import Module


@dataclass(frozen=True)
class Target:
    """A language: ``emit`` writes a module in it, and ``load`` runs the text, as so called.

    ``load`` is also given the texts of the files that were emitted ``beside``, by their endings.
    ``suffix``: how its files end; ``words``: the names that they have already; ``passes``: what
    makes programs cheaper in it; ``abilities``: what it can do with memory that it is given;
    ``runtime``: the functions of mathematics that its files define for themselves; ``tests``
    writes a file of tests for a module in a file of a name.
    """

    name: str
    suffix: str
    emit: Callable[[Module], Emitted]
    load: Callable[[str, str, Mapping[str, str]], ModuleType]
    words: Words
    passes: Sequence[Callable[[Program], Program]]
    abilities: Abilities
    runtime: Sequence[str]
    beside: Sequence[str] = ()
    tests: Callable[..., str] | None = None

    @property
    def endings(self) -> tuple[str, ...]:
        """How the names of all files of a module end."""
        return (self.suffix, *self.beside)

"""A step of a derivation: one rewrite, with the rule that it used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import sympy as sp


@dataclass(frozen=True, repr=False)
class Step:
    """``before = after`` by ``rule``; ``because`` says what the rule rests on, where it needs to.

    ``equations`` are the names of values whose equations the step used.
    """

    rule: str
    before: sp.Expr
    after: sp.Expr
    because: str = ""
    equations: tuple[str, ...] = ()

    def __repr__(self) -> str:
        reason = f", because {self.because}" if self.because else ""
        return f"<{self.rule}: {self.before} = {self.after}{reason}>"


class Steps(Sequence[Step]):
    """Steps in order, which are worked out once somebody reads them.

    ``like``: the same steps with other names, which are there already.
    """

    def __init__(self, work: Callable[[], Iterable[Step]], like: Sequence[Step]) -> None:
        self._work = work
        self.like = like

    @cached_property
    def _found(self) -> tuple[Step, ...]:
        return tuple(self._work())

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, place: int) -> Step: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Step, ...]: ...

    def __getitem__(self, place: int | slice) -> Step | tuple[Step, ...]:
        return self._found[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Steps, tuple)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._found)

    def __repr__(self) -> str:
        return repr(self._found)

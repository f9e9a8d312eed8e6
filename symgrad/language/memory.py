"""What an array remembers: what it was before it was written into, and what it is a view of."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Self

import numpy as np
import sympy as sp

from symgrad.errors import Location, SpecError, caller, returned_to
from symgrad.language.registry import METHODS, one_call

DEEPEST = 20_000
"""Of how many operations, one after the other, a value may be made: each takes a millisecond."""

_lines: ContextVar[tuple[Location, ...]] = ContextVar("_lines", default=())


def lines_of_now() -> tuple[Location, ...]:
    """The lines that what is built now belongs to: those that run, or those of a value before."""
    return _lines.get() or returned_to()


@contextmanager
def _as_of(lines: tuple[Location, ...]) -> Iterator[None]:
    """What is built belongs to these lines, though it is built later."""
    before = _lines.set(lines)
    try:
        yield
    finally:
        _lines.reset(before)


def depth(inputs: Sequence[Any], where: Location) -> int:
    """Of how many operations, one after the other, a value is made; SpecError of too many."""
    found: int = 1 + max((i.depth for i in inputs), default=0)
    if found > DEEPEST:
        raise SpecError(
            f"a value is made of more than {DEEPEST} operations, one after the other",
            where=where,
            hint="write the loop over arrays, as np.sum and np.cumsum do, or make it shorter",
        )
    return found


class Wrote(NamedTuple):
    """A block of entries that was written into an array.

    ``place`` has where it begins and ends on each axis; ``before`` is the array as it was.
    """

    before: Any
    place: tuple[tuple[int, int], ...]
    value: Any


class Addends(NamedTuple):
    """What a sum has been added up of, one after the other: the last, and those before it."""

    before: Addends | None
    last: Any
    number: int

    def all(self) -> list[Any]:
        """The addends, the first of them first."""
        found, these = list[Any](), self
        while these.before is not None:
            found.append(these.last)
            these = these.before
        return [these.last, *reversed(found)]


class Memory:
    """The part of an array that changes where it, or an array that it is a view of, is written to.

    The array stands for its last version.  Whoever has read an earlier one keeps it, by its key.
    """

    key: str
    call: int
    lines: tuple[Location, ...]
    indices: tuple[sp.Expr, ...]
    op: Any
    _rhs: sp.Expr | None

    def remembers(self, inputs: Sequence[Any], is_view: bool) -> None:
        """Begin: with what the equation reads, and whether NumPy would share its memory."""
        self._inputs: tuple[tuple[Any, str], ...] = tuple((a, a.key) for a in inputs)
        self.changed: Location | None = None
        self.wrote: Wrote | None = None
        self.versions: dict[str, Any] = {}
        """What it was before it was written into, by the keys that it had."""
        self.called = ""
        self.picked: tuple[Any, str, Any] | None = None
        """The array that it was read from, its key then, and what stood in the brackets."""
        self.step: tuple[np.ufunc, Any] | None = None
        """How it was changed in place after it was read."""
        self.view_of: tuple[Any, Any] | None = (inputs[0], None) if is_view else None
        self.base_key = inputs[0].key if is_view else ""
        self.remade: Callable[[], Any] | None = None
        self.feeds: Any = None
        """The value of another step of a recurrence that it is, or is made of."""
        self.carried = False
        """Whether the next step of a recurrence reads it."""
        self.step_name = ""
        """What the step of a recurrence calls it."""

    @property
    def rhs(self) -> sp.Expr | None:
        """The right-hand side of its equation: of what was written into it, if anything was."""
        if self.wrote is not None and self._rhs is None:
            with one_call(self.call), _as_of(self.lines):
                whole = METHODS["_assembled"](self)
            self.indices, self.op = whole.indices, whole.op
            self._rhs, self._inputs = whole.rhs, whole._inputs
        return self._rhs

    @property
    def is_assembled(self) -> bool:
        """Whether it has an equation already."""
        return self._rhs is not None or self.wrote is None

    @property
    def inputs(self) -> tuple[Any, ...]:
        """What it is made of: of arrays that were written into since, what they were."""
        if not self.is_assembled:
            _ = self.rhs
        return tuple([a if a.key == key else a.versions[key] for a, key in self._inputs])

    @property
    def needs(self) -> tuple[Any, ...]:
        """What it is made of, and what it reads of other steps of a recurrence."""
        return self.inputs if self.feeds is None else (*self.inputs, self.feeds)

    def apart(self) -> Self:
        """The same value in memory of its own."""
        found = copy.copy(self)
        found.view_of = found.remade = None
        return found

    def snapshot(self) -> Self:
        """The array as it is now, which nothing changes any more."""
        self.refresh()
        self.check_unchanged()
        found = self.apart()
        found.picked = found.step = None
        return found

    def become(self, new: Any) -> None:
        """Take over the value of another array; what was read of the old one stays."""
        kept = {name: self.__dict__[name] for name in ("view_of", "base_key", "remade", "called")}
        versions = {**self.versions, self.key: self.apart()}
        self.__dict__.update({**new.__dict__, **kept, "versions": versions})
        self.called = new.called or self.called

    # -- views ----------------------------------------------------------------------------------

    def seen_through(self, base: Any, key: Any, remade: Callable[[], Any]) -> None:
        """Be a view of an array: of its entries at a key, where there is one."""
        self.view_of, self.base_key, self.remade = (base, key), base.key, remade

    def refresh(self) -> None:
        """Of a view: follow the array that it is a view of, where that has been written into."""
        if self.view_of is None:
            return
        base = self.view_of[0]
        base.refresh()
        if base.key == self.base_key:
            return
        if self.remade is not None:
            self.become(self.remade())
            self.base_key = base.key
        elif self.changed is None:
            self.changed = caller()

    def memory(self) -> Iterator[Any]:
        """The array, and those that it is a view of: in NumPy they share their entries."""
        array: Any = self
        while array is not None:
            yield array
            array = array.view_of[0] if array.view_of is not None else None

    def check_unchanged(self) -> None:
        """SpecError where its entries have been changed through another name that is not known."""
        changed = next((a.changed for a in self.memory() if a.changed), None)
        if changed is not None:
            raise SpecError(
                f"this value was changed in place at {changed}, and is used under another name",
                where=caller(),
                hint="write x = x + y instead of x += y, so that both values stay",
            )

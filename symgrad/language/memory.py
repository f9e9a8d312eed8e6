"""What an array remembers: what it was before it was written into, and what it is a view of."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Self

import numpy as np
import sympy as sp

from symgrad.errors import Location, SpecError, caller, returned_to
from symgrad.language.layout import Layout, is_view_of
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


READ_ONLY = frozenset(("broadcast_to", "diag", "diagonal", "sliding_window_view"))
"""The functions whose views NumPy lets nobody write into."""
STAYING = ("view_of", "base_key", "remade", "called", "lies", "laid_like", "layout", "read_only")
"""What stays of an array where other entries are written into it."""


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
        self.may_share = False
        """Whether it depends on more than the spec tells if what was changed is its memory."""
        self.wrote: Wrote | None = None
        self.versions: dict[str, Any] = {}
        """What it was before it was written into, by the keys that it had."""
        self.called = ""
        self.piece: int | None = None
        """Which of several values it is that one call returns."""
        self.picked: tuple[Any, str, Any] | None = None
        """The array that it was read from, its key then, and what stood in the brackets."""
        self.step: tuple[np.ufunc, Any] | None = None
        """How it was changed in place after it was read."""
        self.view_of: tuple[Any, Any] | None = (inputs[0], None) if is_view else None
        self.base_key = inputs[0].key if is_view else ""
        self.remade: Callable[[], Any] | None = None
        self.read_only = False
        """Whether NumPy's view of the same entries refuses to be written into."""
        self.lies: tuple[Any, Callable[[Layout], Layout]] | None = None
        """The array whose entries it takes, as NumPy does without a copy where it can, and how."""
        self.laid_like: tuple[Any, ...] | None = tuple(inputs)
        """The arrays whose order of axes NumPy takes for new memory; None where it isn't known."""
        self.layout: Layout | None = None
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
            self._rhs = whole.rhs  # first: the indices of what is assembled here are new
            self.indices, self.op, self._inputs = whole.indices, whole.op, whole._inputs
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
        found.read_only = False
        if found.lies is not None:
            found.lies, found.laid_like, found.layout = None, (self,), None
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
        kept = {name: self.__dict__[name] for name in STAYING}
        versions = {**self.versions, self.key: self.apart()}
        self.__dict__.update({**new.__dict__, **kept, "versions": versions})
        self.called = new.called or self.called

    # -- views ----------------------------------------------------------------------------------

    def seen_through(self, base: Any, key: Any, remade: Callable[[], Any], name: str = "") -> None:
        """Be a view of an array: of its entries at a key, or what a function of this name makes."""
        self.view_of, self.base_key, self.remade = (base, key), base.key, remade
        self.read_only = name in READ_ONLY and self.lies is not None

    def may_be_seen_through(self, base: Any) -> None:
        """Be what may be a view of an array, or may not: it is refused where that is written to."""
        self.view_of, self.base_key, self.remade = (base, None), base.key, None
        self.lies = (base, lambda _: Layout(None, None))

    def refresh(self) -> None:
        """Of a view: follow the array that it is a view of, where that has been written into."""
        if self.view_of is None:
            return
        base = self.view_of[0]
        base.refresh()
        if base.key == self.base_key:
            return
        shared = is_view_of(self, base)
        if shared is False:
            self.view_of = None
        elif shared and self.remade is not None:
            self.become(self.remade())
            self.base_key = base.key
        elif self.changed is None:
            self.changed, self.may_share = caller(), shared is None

    def memory(self) -> Iterator[Any]:
        """The array, and those that it is, or may be, a view of: they share their entries."""
        for array, base in itertools.pairwise([*self._bases(), None]):
            yield array
            if base is not None and is_view_of(array, base) is False:
                return

    def _bases(self) -> Iterator[Any]:
        """The array, and what it was taken from: where NumPy has made a copy too."""
        array: Any = self
        while array is not None:
            yield array
            array = array.view_of[0] if array.view_of is not None else None

    def check_unchanged(self) -> None:
        """SpecError where its entries have been changed through another name that is not known."""
        if all(a.changed is None for a in self._bases()):
            return
        found = next((a for a in self.memory() if a.changed is not None), None)
        if found is not None:
            what = "may be a view of what was" if found.may_share else "was"
            raise SpecError(
                f"this value {what} changed in place at {found.changed}, and is used under "
                "another name",
                where=caller(),
                hint="write x = x + y instead of x += y, so that both values stay"
                if not found.may_share
                else "take a copy of it, as in y = x.ravel().copy()",
            )


def pieces(result: Any) -> Any:
    """What a function returns, where those are several values: each knows which of them it is."""
    if isinstance(result, (list, tuple)):
        for k, piece in enumerate(result):
            if isinstance(piece, Memory):
                piece.piece = k
    return result

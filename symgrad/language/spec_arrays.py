"""Arrays of numbers in a spec file: what stands there as values once values are written into it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from symgrad.errors import caller
from symgrad.language.array import Array
from symgrad.language.constants import constant
from symgrad.language.registry import into_numbers
from symgrad.language.sizes import NotKnown

Site = tuple[str, int, int]
"""Where a spec makes an array: the file, the line, and the instruction."""

_written: ContextVar[set[Site] | None] = ContextVar("_written", default=None)
"""Where arrays are made that values are written into, as far as earlier runs have shown."""
_T = TypeVar("_T")


WRITING = frozenset(("copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"))
"""NumPy's functions that write into their first argument."""


class WrittenInto(BaseException):
    """A value is written into an array of numbers: the spec is run again, with one of values.

    It is no error, so that a spec's own ``except Exception`` lets it pass.
    """


class NumbersOfSpec(np.ndarray[Any, Any]):
    """An array that ``np.zeros``, ``np.array`` and the like have made in a spec file.

    Labels of the spec index it, as they do a constant.  ``site`` is where it was made, or what it
    is a view of, or computed from.
    """

    site: Site | None = None

    def __array_finalize__(self, made_from: Any) -> None:
        self.site = getattr(made_from, "site", None)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else super().__array_wrap__(array, context)

    def __getitem__(self, key: Any) -> Any:
        if is_of_the_spec(key):
            return constant(self)[key]
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if is_of_the_spec((key, value)):
            self.hold_values()
        super().__setitem__(key, value)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func.__name__ in WRITING and args[0] is self and is_of_the_spec(args):
            self.hold_values()
        return super().__array_function__(func, types, args, kwargs)

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def fill(self, value: Any) -> None:
        """One number, or value, everywhere."""
        self[...] = value

    def hold_values(self) -> None:
        """Have the spec run again, in which it is an array of values; SpecError outside of one."""
        sites = _written.get()
        if sites is None or self.site is None or self.site in sites:
            raise into_numbers()
        sites.add(self.site)
        raise WrittenInto


def is_of_the_spec(given: Any) -> bool:
    """Whether there is a named size or a value in something."""
    if isinstance(given, (list, tuple)):
        return any(map(is_of_the_spec, given))
    if isinstance(given, slice):
        return is_of_the_spec((given.start, given.stop, given.step))
    return isinstance(given, (Array, NotKnown))


def made(constructor: Callable[..., Any]) -> Callable[..., Any]:
    """A constructor of NumPy's, whose arrays labels can index and values be written into."""

    @functools.wraps(constructor)
    def call(*args: Any, **options: Any) -> Any:
        found = constructor(*args, **options)
        if type(found) is not np.ndarray or found.dtype.kind not in "fiub":
            return found
        where = caller()
        site = (where.file, where.line, where.offset)
        if found.size and site in (_written.get() or ()):
            return constant(found)
        mine = found.view(NumbersOfSpec)
        mine.site = site
        return mine

    return call


def with_values(run: Callable[[], _T]) -> _T:
    """What a run gives in which every array that values are written into is one of values.

    It is run once more for each line that turns out to make such an array.
    """
    sites: set[Site] = set()
    with _looking(sites):
        while True:
            before = len(sites)
            try:
                found = run()
            except WrittenInto:
                continue
            if len(sites) == before:
                return found


@contextmanager
def _looking(sites: set[Site]) -> Iterator[None]:
    token = _written.set(sites)
    try:
        yield
    finally:
        _written.reset(token)

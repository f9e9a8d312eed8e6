"""What a spec has written for an array, looked at before NumPy reads it."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np

DEEPEST = 64
"""So many axes has an array of NumPy's at most."""

_PLAIN = frozenset({float, int, bool})
_READ_WHOLE = (str, bytes, range, np.ndarray, np.generic, numbers.Number)


def unreadable(values: Any) -> tuple[str, str] | None:
    """Why NumPy would not come to an end with something, and what to do; None where it would.

    Of lists those are looked at that are at one depth, each once: a list may be in itself.
    """
    level = {id(values): values}
    for _ in range(DEEPEST + 2):
        lists = [v for v in level.values() if isinstance(v, (list, tuple))]
        if odd := next((v for v in level.values() if _is_odd(v)), None):
            return (
                f"holds a {type(odd).__name__}, which is no array",
                "write nested lists, each of the same length, or a NumPy array",
            )
        if not lists:
            return None
        level = {id(v): v for v in _not_plain(lists)}
    return (
        f"has lists in lists, more than {DEEPEST} deep",
        f"an array has {DEEPEST} axes at most; a list can't be in itself",
    )


def _not_plain(lists: list[Any]) -> Iterator[Any]:
    return (v for several in lists for v in several if type(v) not in _PLAIN)


def _is_odd(value: Any) -> bool:
    """Whether something has entries, and is nothing whose number of entries NumPy asks for."""
    kind = type(value)
    if isinstance(value, (list, tuple, *_READ_WHOLE)) or hasattr(kind, "__array__"):
        return False
    return hasattr(kind, "__getitem__") and not _is_memory(value)


def _is_memory(value: Any) -> bool:
    """Whether its entries lie in memory one after the other, as those of ``array.array``."""
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def overflowing(given: np.ndarray[Any, Any], floats: np.ndarray[Any, Any]) -> str:
    """The first number that is finite and becomes an infinity as a float64; nothing without one."""
    for k in np.flatnonzero(np.isinf(floats)) if floats.dtype.kind == "f" else ():
        if given.flat[k] != floats.flat[k]:
            return str(given.flat[k])
    return ""

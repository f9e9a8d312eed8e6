"""Memory for values that are needed at the same time, and the same for those that are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symgrad.mathematics.equations import DType


@dataclass(frozen=True)
class Life:
    """A value with memory: its kind and number of entries, and when it is needed.

    ``over``: values in whose place it may be written, entry by entry.
    """

    name: str
    dtype: DType
    count: int
    first: int
    last: int
    over: Sequence[str] = ()


@dataclass
class Room:
    """A member of the workspace, and the values that are in it, one after the other."""

    dtype: DType
    count: int
    values: list[str] = field(default_factory=list)
    until: int = 0


def shared_out(lives: Sequence[Life]) -> Mapping[str, Room]:
    """A room for each value, in order of their beginning: the smallest free one, or one of its own.

    A free one that is too small grows.
    """
    rooms: list[Room] = []
    found: dict[str, Room] = {}
    for life in lives:
        room = _over(life, found) or _free(life, rooms)
        if room is None:
            room = Room(life.dtype, life.count)
            rooms.append(room)
        room.count = max(room.count, life.count)
        room.values.append(life.name)
        room.until = life.last
        found[life.name] = room
    return found


def _over(life: Life, found: Mapping[str, Room]) -> Room | None:
    """The room of a value that is not needed after this one is computed."""
    for name in life.over:  # all of the kind and the length of this one
        room = found.get(name)
        if room and room.values[-1] == name and room.until == life.first:
            return room
    return None


def _free(life: Life, rooms: Sequence[Room]) -> Room | None:
    free = [r for r in rooms if r.dtype == life.dtype and r.until < life.first]
    large = [r for r in free if r.count >= life.count]
    if large:
        return min(large, key=lambda r: r.count)
    return max(free, key=lambda r: r.count, default=None)

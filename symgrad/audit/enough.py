"""One fault rather than several: a repair that mends everything by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symgrad.audit.outcome import Blamed
from symgrad.audit.program import Program
from symgrad.audit.search import State
from symgrad.audit.wording import Change


def enough(state: State, first: Program, found: Sequence[tuple[Blamed, str]]) -> Blamed | None:
    """The fault whose repair is enough, of several, each with the text that it was found in.

    What reads a wrong value may be mended where it reads it, time after time, before the value.
    The program goes on repaired; where none is enough, with one of the repairs.
    """
    for blamed, text in reversed(found):
        changes = list(_moved(blamed, text, first.source.text))
        if changes:
            state.program = first.repaired(changes)
            if _is_right(state):
                return blamed
    return None


def _is_right(state: State) -> bool:
    """Whether all is right with a program."""
    state.program.load()
    state.refresh()
    return all(r.error is None for r in state.runs) and not state.wrong()


def _moved(blamed: Blamed, text: str, first: str) -> Iterator[Change]:
    """The changes of a repair in the text as it was at first; none where their lines differ."""
    edit = blamed.edit
    places = [_place(text, first, change) for change in edit.changes] if edit is not None else []
    yield from (p for p in places if p is not None and None not in places)


def _place(text: str, first: str, change: Change) -> Change | None:
    """A change of one text as that of another, whose lines there are the same."""
    start, end, new = change
    line = text.count("\n", 0, start)
    begins, ends = text.rfind("\n", 0, start) + 1, (text + "\n").find("\n", end)
    before = sum(len(part) + 1 for part in first.split("\n")[:line])
    if first[before : before + ends - begins] != text[begins:ends]:
        return None
    return start - begins + before, end - begins + before, new

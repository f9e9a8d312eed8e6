"""Sentences that know which of their words are names of values."""

from __future__ import annotations

from collections.abc import Sequence


class Told(str):
    """A sentence; at every second place of its ``pieces`` is the name of a value."""

    pieces: tuple[str, ...]

    def __new__(cls, *pieces: str) -> Told:
        """The pieces put together."""
        made = super().__new__(cls, "".join(pieces))
        made.pieces = pieces
        return made

    @property
    def names(self) -> tuple[str, ...]:
        """The values that it names."""
        return self.pieces[1::2]


def told(text: str, *said: str) -> Told:
    """The sentence with a name, or another sentence, at each ``{}``."""
    first, *others = text.split("{}")
    pieces = [first]
    for what, after in zip(said, others, strict=True):
        inside = what.pieces if isinstance(what, Told) else ("", what, "")
        pieces = [*pieces[:-1], pieces[-1] + inside[0], *inside[1:]]
        pieces[-1] += after
    return Told(*pieces)


def all_told(sentences: Sequence[Told]) -> Told:
    """Sentences one after the other, with semicolons between them."""
    return told("; ".join(["{}"] * len(sentences)), *sentences)

"""Programs with one fault each, and right ones in odd spellings; `#!` marks the faulty line."""

from __future__ import annotations

from typing import Any, NamedTuple


class Pair(NamedTuple):
    """A spec, a program, and what is to be found: kinds, and the value that is wrong first."""

    spec: str
    code: str
    kinds: str = ""
    first: str = ""
    suffix: str = ".py"
    options: dict[str, Any] = {}  # noqa: RUF012


PAIRS: dict[str, Pair] = {}


def pair(name: str, spec: str, code: str, kinds: str = "", first: str = "", **options: Any) -> None:
    suffix = options.pop("suffix", ".py")
    PAIRS[name] = Pair(spec, code, kinds, first, suffix, options)

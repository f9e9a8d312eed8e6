"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What was checked of which value, and the largest relative difference that was found."""

    name: str
    what: str
    passed: bool
    error: float | None = None
    detail: str = ""

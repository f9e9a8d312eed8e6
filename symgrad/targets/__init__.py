"""Targets: what a derivation can be written as."""

from __future__ import annotations

from symgrad.targets.array_api import ARRAY_API
from symgrad.targets.c import C
from symgrad.targets.numpy import NUMPY

__all__ = ["ARRAY_API", "NUMPY", "TARGETS", "C", "is_possible"]

TARGETS = {target.name: target for target in (NUMPY, C, ARRAY_API)}
"""Every target by its name."""


def is_possible(name: str) -> bool:
    """Whether an input may be called so in every target."""
    return all(target.words.is_possible(name) for target in TARGETS.values())

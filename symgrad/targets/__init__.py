"""Targets: what a derivation can be written as."""

from __future__ import annotations

from symgrad.targets.c import C
from symgrad.targets.numpy import NUMPY

TARGETS = {target.name: target for target in (NUMPY, C)}
"""Every target by its name."""


def is_possible(name: str) -> bool:
    """Whether an input may be called so in every target."""
    return all(target.words.is_possible(name) for target in TARGETS.values())

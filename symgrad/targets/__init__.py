"""Targets: what a derivation can be written as."""

from __future__ import annotations

from symgrad.targets.module import Target
from symgrad.targets.numpy import emit as numpy

TARGETS = {target.name: target for target in (Target("numpy", numpy.emit, numpy.load),)}
"""Every target by its name."""

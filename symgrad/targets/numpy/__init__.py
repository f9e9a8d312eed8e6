"""A program as a module of NumPy."""

from __future__ import annotations

from symgrad.targets.numpy.emit import NUMPY

__all__ = ["NUMPY"]

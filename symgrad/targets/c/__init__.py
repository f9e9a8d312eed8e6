"""A program as C99: loops over static memory, for devices and for the desk."""

from __future__ import annotations

from symgrad.targets.c.emit import C

__all__ = ["C"]

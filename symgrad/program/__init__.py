"""Equations as array operations, and passes over them."""

from symgrad.program.interpreter import interpret
from symgrad.program.passes import compiled
from symgrad.program.program import Program

__all__ = ["Program", "compiled", "interpret"]

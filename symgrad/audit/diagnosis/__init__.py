"""Explanations of wrong gradients by their numbers: which equation a program has otherwise."""

from symgrad.audit.diagnosis.cause import explanations
from symgrad.audit.diagnosis.wanted import Handed

__all__ = ["Handed", "explanations"]

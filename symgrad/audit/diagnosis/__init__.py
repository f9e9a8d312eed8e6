"""Explanations of wrong gradients by their numbers: which equation a program has otherwise."""

from symgrad.audit.diagnosis.cause import explanations

__all__ = ["explanations"]

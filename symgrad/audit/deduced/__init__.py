"""Repairs that follow from numbers, and need no guess."""

from symgrad.audit.deduced.proposals import Deduction

__all__ = ["Deduction"]

"""What people read: symbols, formulas as trees and their printings, a derivation as a document."""

from symgrad.writing.choice import Choice, Numbers
from symgrad.writing.notation import Notation
from symgrad.writing.outline import document
from symgrad.writing.style import Style

__all__ = ["Choice", "Notation", "Numbers", "Style", "document"]

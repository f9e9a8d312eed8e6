"""The grammar of edits: every way to be wrong that is tried, in one table."""

from symgrad.audit.grammar import (
    blocks,
    calls,
    carries,
    copies,
    exchanges,
    indices,
    masks,
    scales,
    slopes,
    tapes,
    terms,
    updates,
)
from symgrad.audit.grammar.edit import Edit, Rule

RULES: tuple[Rule, ...] = (
    *blocks.RULES,
    *calls.RULES,
    *carries.RULES,
    *copies.RULES,
    *exchanges.RULES,
    *indices.RULES,
    *masks.RULES,
    *scales.RULES,
    *slopes.RULES,
    *tapes.RULES,
    *terms.RULES,
    *updates.RULES,
)

__all__ = ["RULES", "Edit", "Rule"]

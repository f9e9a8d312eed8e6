"""The same edit in two statements: a wrong array is often read more than once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from symgrad.audit.grammar import Edit

MOST = 2500
"""How many such pairs are tried."""

DEARER = 0.4
"""How much less likely an edit is at two places than at one."""


def twice(edits: Sequence[tuple[float, Edit]]) -> list[tuple[float, Edit]]:
    """The edits that do the same in two statements, the likeliest first."""
    alike: dict[tuple[str, str, str], list[tuple[float, Edit]]] = {}
    for score, edit in edits:
        if edit.is_expression and len(edit.old) > 1:
            alike.setdefault((edit.rule.name, edit.old, edit.new), []).append((score, edit))
        elif edit.is_expression and edit.new.startswith(f"{edit.old} "):
            rest = edit.new.removeprefix(edit.old)
            alike.setdefault((edit.rule.name, "", rest), []).append((score, edit))
    found = []
    for several in alike.values():
        for (one_score, one), (other_score, other) in itertools.combinations(several[:6], 2):
            if one.site.statement is not other.site.statement:
                first, second = sorted((one, other), key=lambda e: e.changes[0][0])
                both = (*first.changes, *second.changes)
                made = replace(first, changes=both, is_expression=False, again=True)
                found.append((max(one_score, other_score) + DEARER, made))
    return sorted(found, key=lambda pair: pair[0])[:MOST]

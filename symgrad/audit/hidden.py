"""Whether the author's own numbers could have shown a fault."""

from __future__ import annotations

from symgrad.audit.compare import same_numbers
from symgrad.audit.handed import numbers_of
from symgrad.audit.program import Program
from symgrad.audit.reference import Truth


def is_hidden(before: Program, after: Program, example: Truth | None) -> bool | None:
    """Whether a repair changes nothing at the author's own numbers; None where there are none."""
    if example is None:
        return None
    runs = []
    for program in (before, after):
        program.load()
        given = {} if program.form.script else program.given(example)
        runs += program.runner.run([({}, given, 0, b"")], keep=True, limit=program.limit)
    one, other = (numbers_of(r) for r in runs)
    none = any(r.error is not None for r in runs) and not one
    return None if none else all(same_numbers(one[k], other[k]) for k in one.keys() & other.keys())

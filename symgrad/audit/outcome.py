"""What an audit comes to: the faults, and the values before and after their repair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symgrad.audit.evidence import Evidence
from symgrad.audit.grammar import Edit
from symgrad.audit.search import Target
from symgrad.audit.sites import Site
from symgrad.audit.source import Source
from symgrad.audit.values import Value


@dataclass
class Blamed:
    """A fault: the value that it makes wrong, where it stands, and the repair, if there is one."""

    target: Target
    line: int
    edit: Edit | None
    evidence: Evidence
    hidden: bool | None = None
    assigns: str = ""
    """What the line assigns, as the spec calls it, or as the program does."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the names in the line are in the spec."""
    repaired_line: str = ""
    site: Site | None = None
    """Where the line stands, as it is before the repair."""


@dataclass
class Outcome:
    """All that was found."""

    source: Source
    before: list[Value]
    after: list[Value]
    blamed: list[Blamed]
    repaired: str
    remarks: list[str] = field(default_factory=list)
    lines: Mapping[str, int | None] = field(default_factory=dict)
    unmatched: Sequence[str] = ()
    missing: Sequence[str] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    """What the named sizes are at the first point."""

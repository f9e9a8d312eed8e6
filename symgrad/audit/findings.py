"""What an audit found, as data: values, faults and remarks."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from symgrad.audit import printing
from symgrad.face import Derivation


@dataclass(frozen=True)
class ValueFound:
    """Something that is handed out, or ought to be."""

    name: str
    code: str
    file: str
    cell: int | None
    line: int | None
    status: str
    """right, wrong, follows, missing or unmatched."""
    error: float | None


@dataclass(frozen=True)
class FaultFound:
    """A first fault: where it stands, what it is, and how it is repaired."""

    value: str
    kind: str
    file: str
    cell: int | None
    line: int | None
    source: str
    computes: str
    ought: str
    sentence: str
    repair: str
    agrees: float | None
    hidden_at_example: bool | None
    hidden_because: str

    def data(self) -> dict[str, Any]:
        """The fault as JSON has it."""
        found = {("is" if k == "computes" else k): v for k, v in asdict(self).items()}
        return found | {"agrees": _number(self.agrees)}


@dataclass(frozen=True)
class Audit:
    """What ``sg.audit`` found; ``ok``: whether no gradient is wrong.

    ``values`` are what the program hands out, in its order, each right, wrong or following from
    what is wrong; ``faults`` the first faults; ``remarks`` what else is to be said.
    """

    values: tuple[ValueFound, ...]
    faults: tuple[FaultFound, ...]
    remarks: tuple[str, ...]
    file: str = ""
    repairs: str = field(default="", repr=False)
    lines: tuple[printing.Line, ...] = field(default=(), repr=False)
    derivation: Derivation | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether no fault was found."""
        return not self.faults

    @property
    def complete(self) -> bool:
        """Whether every gradient by a parameter was found too, and is right."""
        return printing.is_complete(self.data())

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"<audit of {self.file}: {printing.verdict(self.data())}>"

    def __str__(self) -> str:
        return self.text()

    def data(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {
            "schema": 1,
            "ok": self.ok,
            "values": [asdict(v) | {"error": _number(v.error)} for v in self.values],
            "faults": [f.data() for f in self.faults],
            "remarks": list(self.remarks),
        }

    def json(self) -> str:
        """The findings as JSON, of a stable schema."""
        return json.dumps(self.data(), indent=1, ensure_ascii=False)

    def text(self) -> str:
        """The findings for a terminal."""
        return printing.text(self.data(), self.file)

    def markdown(self) -> str:
        """The findings as Markdown."""
        return printing.markdown(self.data(), self.file)

    def junit(self, *, strict: bool = False) -> str:
        """The findings as a report of tests, one for each gradient.

        What was not found is skipped there, or with ``strict`` has failed.
        """
        return printing.junit(self.data(), self.file, strict=strict)

    def patch(self) -> str:
        """The repairs as a patch of the program, for ``git apply``; '' where there are none."""
        return self.repairs

    def html(self) -> str:
        """The findings as a page: the program beside the derivation, its faults marked."""
        assert self.derivation is not None
        return printing.page(self.data(), self.file, self.lines, self.derivation)

    def _repr_markdown_(self) -> str:
        """What a notebook shows of it."""
        return self.markdown()


def _number(value: float | None) -> float | None:
    """JSON has no infinity: what can't be compared has an error of the largest number."""
    if value is None or math.isnan(value):
        return None
    return value if math.isfinite(value) else 1e308

"""What an author may choose to show, and the numbers of an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from symgrad.calculus.derivation import Derivation
from symgrad.errors import SpecError, perhaps

Detail = Literal["brief", "normal", "full"]
Form = Literal["matrix", "index", "both"]
DETAILS: tuple[Detail, ...] = get_args(Detail)
FORMS: tuple[Form, ...] = get_args(Form)

PARTS = ("given", "forward", "backward", "gradients", "remarks")
"""What can be shown by itself, beside the derivative by any one value."""


@dataclass(frozen=True)
class Choice:
    """What to show.

    ``detail``: final formulas; the steps worth seeing; every rewrite.  ``only``: the derivatives
    by these values, by default all.  ``explain``: only the way from the output to this value.
    ``parts``: just the formulas of these, without headings: names of ``PARTS``, and values, whose
    derivatives they are.  ``closed``: each derivative in the inputs and parameters alone.
    """

    detail: Detail = "normal"
    form: Form = "both"
    only: tuple[str, ...] = ()
    explain: str = ""
    parts: tuple[str, ...] = ()
    closed: bool = False

    def checked(self, derivation: Derivation) -> Choice:
        """The same; SpecError where it names what there is no derivative by."""
        known = [a.value for a in derivation.derivatives]
        for name in (*self.only, *([self.explain] if self.explain else ())):
            if name not in known:
                raise SpecError(
                    f"there is no derivative with respect to {name!r}", hint=perhaps(name, known)
                )
        for name in self.parts:
            if name not in PARTS and name not in known:
                raise SpecError(
                    f"there is no part {name!r}",
                    hint=perhaps(name, (*PARTS, *known)),
                )
        return self


@dataclass(frozen=True)
class Numbers:
    """The values at one point as nested lists by name: exact, and in decimals."""

    exact: Mapping[str, Any] = field(default_factory=dict)
    decimals: Mapping[str, Any] = field(default_factory=dict)

"""Assumptions, as generated files check them: what of an input has to be how large."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symgrad.mathematics.equations import Variable
from symgrad.targets.about import assumed
from symgrad.targets.numpy.layout import head, quoted
from symgrad.targets.numpy.runtime.assumptions import CALLS, CHECKS


def needs(variables: Iterable[Variable]) -> dict[str, Any]:
    """What check_assumptions() needs: which arguments it takes, and what it asks of each."""
    found = assumed(variables)
    names = list(dict.fromkeys(name for name, _ in found))
    given = [f'"{name}": {name}' for name in names]
    return {
        "assumed": [(n, a.kind, a.summed, quoted(a.sentence(n))) for n, a in found],
        "check_head": head("check_assumptions", names),
        "check_given": f"{{{', '.join(given)}}}",
        "check_names": names,
        "check_kinds": _with_those_called(a.kind for _, a in found),
    }


def _with_those_called(kinds: Iterable[str]) -> list[str]:
    """The checks of these kinds and those that they begin with, in the order of the table."""
    wanted = set(kinds)
    wanted |= {CALLS[kind] for kind in wanted & CALLS.keys()}
    return [kind for kind in CHECKS if kind in wanted]

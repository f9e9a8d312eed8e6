"""Assumptions, as generated files check them: what of an input has to be how large."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symgrad.mathematics.equations import Variable
from symgrad.targets.about import assumed
from symgrad.targets.numpy.layout import definition, in_brackets, quoted
from symgrad.targets.numpy.sources import Runtime


def needs(variables: Iterable[Variable]) -> dict[str, Any]:
    """What check_assumptions() needs: which arguments it takes, and what it asks of each."""
    found = assumed(variables)
    names = list(dict.fromkeys(name for name, _ in found))
    return {
        "assumed": [(n, a.kind, a.summed, quoted(a.sentence(n))) for n, a in found],
        "check_head": definition("check_assumptions", [f"{n}: Any" for n in names], "None"),
        "check_told": f"{' or '.join(names)} is not what is assumed of it",
        "check_names": in_brackets(names) if len(names) == 1 else ", ".join(names),
        "check_quoted": in_brackets([f'"{n}"' for n in names]),
        "check_given": in_brackets(names),
        "check_call": ", ".join(f'{name}=point["{name}"]' for name in names),
        "check_sources": _with_those_called(a.kind for _, a in found),
    }


def _with_those_called(kinds: Iterable[str]) -> list[str]:
    """The texts of the checks of these kinds and of those that they begin with."""
    wanted = {f"_{kind}" for kind in kinds}
    texts = Runtime()["assumptions"]
    wanted |= {name for name in texts for one in wanted if f"yield from {name}(" in texts[one]}
    return [text for name, text in texts.items() if name in wanted]

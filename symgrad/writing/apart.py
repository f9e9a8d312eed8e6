"""Which values are other functions of what they are computed from than of what was typed."""

from __future__ import annotations

from collections.abc import Iterator

from symgrad.calculus.derivation import Derivation
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import axis_index, fresh_from_start
from symgrad.writing.worth_showing import local_derivative


def apart(derivation: Derivation) -> frozenset[str]:
    """The values whose derivatives, as the forward pass computes them, are not those as typed.

    What is computed of one value that the spec does not mention is not among them: its derivative
    by that is the one through all that was gone past.
    """
    if not derivation.rewritten:
        return frozenset()
    with fresh_from_start():
        return frozenset(_apart(derivation.system, {e.name: e for e in derivation.local}))


def _apart(system: System, typed: dict[str, Equation]) -> Iterator[str]:
    made_of: dict[str, frozenset[str]] = {v.name: frozenset({v.name}) for v in system.variables}
    for computed in system:
        own, before = computed.reads, typed.get(computed.name, computed)
        made_of[computed.name] = frozenset({computed.name}).union(*(made_of[n] for n in own))
        if before.rhs == computed.rhs:
            continue
        new, both = own - before.reads, own & before.reads
        linked = any(one in made_of[other] for one in new for other in new - {one})
        if linked or any(
            _differ(computed, before, name, system)
            for name in sorted(both)
            if any(made_of[name] & made_of[other] for other in (own | before.reads) - {name})
        ):
            yield computed.name


def _differ(one: Equation, other: Equation, value: str, system: System) -> bool:
    """Whether two equations of one value have different derivatives by another."""
    at, inner = (tuple(map(axis_index, system.shapes[name])) for name in (one.name, value))
    first, second = (local_derivative(e, at, value, inner) for e in (one, other))
    return bool(first != second)

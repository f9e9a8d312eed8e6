"""Arguments that no input is called like: they get inputs in the order in which most is right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from symgrad.audit.form import Form
from symgrad.audit.names import inputs_called

MOST = 24
"""How many orders are tried: all of four arguments."""


def guessed(form: Form, given: Mapping[str, str]) -> dict[str, str]:
    """The arguments that get inputs only by their order, where there are several."""
    calls = (call[1] for kind, call in form.calls if kind == "function")
    got = ((a, v) for call in calls for a, v in call.items() if isinstance(v, str))
    found = {a: v for a, v in got if given.get(v) != a and not any(inputs_called(v, [a]))}
    return found if len(found) > 1 else {}


def orders(form: Form, given: Mapping[str, str]) -> Iterator[Form]:
    """The form with each order of what is guessed, as it is first."""
    found = guessed(form, given)
    for values in itertools.islice(itertools.permutations(found.values()), MOST):
        other = dict(zip(found, values, strict=True))
        yield replace(form, calls=tuple(_call(kind, call, other) for kind, call in form.calls))


def _call(kind: str, call: Any, other: Mapping[str, str]) -> tuple[str, Any]:
    if kind != "function":
        return kind, call
    name, arguments = call
    return kind, (name, {a: other.get(a, v) for a, v in arguments.items()})


def best(form: Form, given: Mapping[str, str], right: Callable[[Form], float], count: int) -> Form:
    """The form in the order in which most gradients are right; the first of such."""
    if not guessed(form, given):
        return form
    found, most = form, -1.0
    for other in orders(form, given):
        now = right(other)
        if now > most:
            found, most = other, now
        if most == count:
            break
    return found


def told(form: Form, given: Mapping[str, str]) -> list[str]:
    """A remark of what is guessed."""
    found = ", ".join(f"{a} is {v}" for a, v in guessed(form, given).items())
    more = "; --inputs NAME=ARGUMENT says otherwise"
    return [f"by their order, and by what fits best, {found}{more}"] if found else []

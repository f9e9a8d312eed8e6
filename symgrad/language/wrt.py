"""What derivatives are asked for: names and arrays, as names of the spec."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence

from symgrad.errors import SpecError, caller, perhaps
from symgrad.language.array import Array
from symgrad.mathematics.equations import Variable

Wrt = str | Array | Iterable[str | Array] | None


def asked_for(wrt: Wrt) -> list[str | Array] | None:
    """What the derivatives are to be by; None for all parameters."""
    if wrt is None:
        return None
    asked = [wrt] if isinstance(wrt, (str, Array)) else list(wrt)
    wrong = next((a for a in asked if not isinstance(a, (str, Array))), None)
    if wrong is None and asked:
        return [unicodedata.normalize("NFKC", a) if isinstance(a, str) else a for a in asked]
    raise SpecError(
        "wrt names nothing" if wrong is None else f"wrt has a {type(wrong).__name__} in it",
        where=caller(),
        hint="give names or values of the spec, as in wrt=['w', b]; None stands for all parameters",
    )


class NotThere(SpecError):
    """A name to differentiate by that nothing has."""


def resolved(
    wrt: list[str | Array] | None,
    variables: Iterable[Variable],
    values: Sequence[str],
    names: Mapping[str, Array],
) -> list[str]:
    """The names to differentiate by."""
    known = {v.name: v for v in variables}
    if wrt is None:
        chosen = [name for name, v in known.items() if v.role == "param"]
        if not chosen:
            raise SpecError(
                "there is nothing to differentiate by",
                hint="declare parameters with sg.param(name, shape); of sg.parse and "
                "sg.from_sympy they are named in params=[...]",
            )
        return chosen
    return [_one(item, known, values, names) for item in dict.fromkeys(wrt)]


def _one(
    item: str | Array,
    known: Mapping[str, Variable],
    values: Sequence[str],
    names: Mapping[str, Array],
) -> str:
    name = item if isinstance(item, str) else _name_of_array(item, names)
    if name in known and known[name].dtype != "float":
        raise SpecError(
            f"can't differentiate by {name}, which holds integers", hint="leave it out of wrt"
        )
    if name in known or name in values:
        return name
    if (called := called_by_step(name, names, values)) is not None:
        raise SpecError(
            f"{name} is what the step of sg.scan calls {called}, and has no derivative of its own",
            hint=f"ask for {called!r}: its derivative holds what later steps make of it",
        )
    if (last := last_turn(name, values)) is not None:
        return last
    raise NotThere(
        f"wrt names {name!r}, which is not there",
        hint=perhaps(name, [*known, *values]),
    )


def called_by_step(name: str, names: Mapping[str, Array], values: Sequence[str]) -> str | None:
    """What the step of a recurrence calls a value that the spec has another name for."""
    own = names[name].step_name if name in names else ""
    return next((n for n in (own, f"{own}_step") if own and n in values), None)


def last_turn(name: str, values: Container[str]) -> str | None:
    """For h3 the value h, where that is of the last turn of a loop, after h1 and h2."""
    stem = name.rstrip("0123456789")
    turn = name.removeprefix(stem)
    before = bool(turn) and int(turn) > 1 and f"{stem}{int(turn) - 1}" in values
    return stem if before and stem in values else None


def _name_of_array(array: Array, names: Mapping[str, Array]) -> str:
    if array.variable is not None:
        return array.variable.name
    return next((name for name, a in names.items() if a is array), "a value without a name")


def free_name(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken: the same, or with underscores behind it."""
    while name in set(taken):
        name += "_"
    return name

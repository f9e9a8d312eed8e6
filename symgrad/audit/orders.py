"""Arguments that no input is called like: they get inputs in the order in which most is right."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from symgrad.audit.binding import arguments_of
from symgrad.audit.form import Form, definitions
from symgrad.audit.names import inputs_called

Choice = TypeVar("Choice")

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
    return most_right(list(orders(form, given)), right, count)


def most_right(choices: Sequence[Choice], right: Callable[[Choice], float], count: int) -> Choice:
    """The first choice with which most gradients are right: no other is tried once all are."""
    found, most = choices[0], -1.0
    for choice in choices if len(choices) > 1 else ():
        now = right(choice)
        if now > most:
            found, most = choice, now
        if most == count:
            break
    return found


def plain(
    form: Form, tree: ast.AST, inputs: Collection[str], given: Mapping[str, str]
) -> Form | None:
    """The form whose arguments get the inputs in the order of the spec.

    It is for programs that do not run as they are called by names.  None where an argument is
    called just as another input is, and where not each argument gets one input.
    """
    called = [call for kind, call in form.calls if kind == "function"]
    name, got = called[0] if len(called) == 1 else ("", {})
    node = definitions(tree).get(name)
    if not isinstance(node, ast.FunctionDef) or not all(isinstance(v, str) for v in got.values()):
        return None
    free = [a for a in arguments_of(node) if a in got and given.get(got[a]) != a]
    left = [v for v in inputs if v in got.values() and v not in given]
    other = dict(zip(free, left, strict=True)) if len(free) == len(left) else {}
    same = {v.lower() for v in inputs}
    if not other or any(a.lower() in same - {v.lower()} for a, v in other.items()):
        return None
    if all(got[a] == v for a, v in other.items()):
        return None
    calls = tuple((k, (name, {**got, **other}) if k == "function" else c) for k, c in form.calls)
    return replace(form, calls=calls, in_order=True)


class Audited(Protocol):
    """What can be told of a form before it is audited."""

    def runs(self) -> bool:
        """Whether it runs, whatever the sizes are."""

    def right(self) -> float:
        """How many gradients are right."""


def that_runs(
    form: Form,
    tree: ast.AST,
    inputs: Collection[str],
    given: Mapping[str, str],
    audited: Callable[[Form], Audited],
) -> Form:
    """The form in the plain order, where that runs and is right somewhere, and the first doesn't.

    The first may run by chance, where two sizes are the same: then more has to be right.
    """
    alone = without_forward(form)
    if alone is not None and not audited(form).runs() and audited(alone).runs():
        return alone
    other = plain(form, tree, inputs, given)
    if other is None or audited(form).runs() or not audited(other).runs():
        return form
    return other if audited(other).right() > max(0.0, audited(form).right()) else form


def without_forward(form: Form) -> Form | None:
    """The form of a class whose backward pass, or training, may run forward itself."""
    methods = [what for kind, what in form.calls if kind == "method"]
    results = [a for _, arguments in methods[1:] for a in arguments.values() if a == ("result", 1)]
    if len(methods) < 2 or results:
        return None
    return replace(form, calls=tuple(c for c in form.calls if c[1] is not methods[0]))


def told(form: Form, given: Mapping[str, str]) -> list[str]:
    """A remark of what is guessed."""
    more = "; --inputs NAME=ARGUMENT says otherwise"
    if form.in_order:
        calls = (call[1] for kind, call in form.calls if kind == "function")
        found = ", ".join(f"{a} is {v}" for call in calls for a, v in call.items())
        return [f"called by names it does not run: in the order of the spec {found}{more}"]
    found = ", ".join(f"{a} is {v}" for a, v in guessed(form, given).items())
    return [f"by their order, and by what fits best, {found}{more}"] if found else []

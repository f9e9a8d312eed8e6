"""How a program under audit is called, and what is handed to it."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symgrad.audit import holding
else:
    import holding

Call = tuple[str, Any]


class Calls:
    """The calls of a run, each of a kind and what it needs; ``found`` is what each gives.

    ``space``: the variables of the program; ``names``: the names in it, of which it may read any.
    """

    def __init__(
        self, space: dict[str, Any], given: dict[str, Any], names: Collection[str]
    ) -> None:
        self.space, self.given, self.names = space, given, names
        self.found: list[Any] = []
        self.parameters: dict[str, Any] = {}
        self.made = ""
        self.lists: list[tuple[str, list[str]]] = []

    def run(self, calls: Sequence[Call]) -> Any:
        """What the last of the calls gives, or what they and the object hold."""
        methods = [what for kind, what in calls if kind == "method"]
        for kind, what in calls:
            if kind == "held":
                held = holding.whole(self.found[0]) or {}
                own = {k.lstrip("."): v for k, v in held.items()}
                return [*map(holding.whole, self.found[1:]), own]
            getattr(self, f"_{kind}")(what)
            if what in methods[:-1] and holding.are_lost(self.found[0], self.parameters):
                self._made_late(what)
        return holding.whole(self.found[-1]) if self.found else None

    def _function(self, what: Any) -> None:
        name, arguments = what
        result = all_of(called_with(found_in(self.space, name), self._arguments(arguments)))
        self.found.append(holding.in_parts(result, arguments, self.given))

    def _variables(self, what: dict[str, str]) -> None:
        given = self.given
        pairs = {k: (given[v], self.space.get(k, given[v])) for k, v in what.items()}
        self.space |= {k: holding.like(*pair) for k, pair in pairs.items()}

    def _object(self, what: Any) -> None:
        self.made = what
        self.found.append(eval(what, self.space))

    def _set(self, what: tuple[dict[str, Any], list[tuple[str, list[str]]]]) -> None:
        values, self.lists = what
        self.parameters = {k: value_of(v, self.given) for k, v in values.items()}
        self._set_parameters()

    def _set_parameters(self) -> None:
        holding.set_parameters(self.found[0], self.parameters, self.names, self.lists)

    def _made_late(self, what: Any) -> None:
        """The first method, of an object that makes its parameters as it first runs.

        They are set once its method that makes them is over; where it has none, it runs twice.
        """
        self.space["__audit__"].forget()
        thing = eval(self.made, self.space)
        for name in dir(type(thing)):
            if re.match(r"_?(_*init(?!_*$)|build|setup|reset_param)", name):
                setattr(thing, name, self._then_set(getattr(thing, name)))
        self.found = [thing]
        self._set_parameters()
        self._method(what)
        if holding.are_lost(thing, self.parameters):
            self.found.pop()
            self._set_parameters()
            self._method(what)

    def _then_set(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **more: Any) -> Any:
            result = method(*args, **more)
            self._set_parameters()
            return result

        return called

    def _method(self, what: Any) -> None:
        name, arguments = what
        method = getattr(self.found[0], name)
        self.found.append(all_of(called_with(method, self._arguments(arguments))))

    def _arguments(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            name: self.found[what[1]]
            if isinstance(what, tuple) and what[0] == "result"
            else value_of(what, self.given)
            for name, what in asked.items()
        }


def found_in(space: dict[str, Any], name: str) -> Any:
    """What stands under a name, which may have dots."""
    first, *rest = name.split(".")
    value = space[first]
    for part in rest:
        value = getattr(value, part)
    return value


def called_with(function: Any, arguments: dict[str, Any]) -> Any:
    """What a function gives; what stands under a star is handed over by its place."""
    placed = arguments.pop("*", ())
    return function(*placed, **arguments)


def all_of(result: Any) -> Any:
    """What a generator gives, all of it: pairs with names are entries of a dictionary."""
    if not isinstance(result, types.GeneratorType):
        return result
    items = list(result)
    named = all(isinstance(i, tuple) and len(i) == 2 and isinstance(i[0], str) for i in items)
    return dict(items) if named else items


def value_of(what: Any, given: dict[str, Any]) -> Any:
    """An input by name, or a dictionary, a tuple or one vector of inputs."""
    if isinstance(what, tuple):
        return sys.modules["numpy"].concatenate([given[name].ravel() for name in what[1]])
    if isinstance(what, dict):
        return {k: value_of(v, given) for k, v in what.items()}
    if isinstance(what, list):
        return tuple(value_of(v, given) for v in what)
    value = given[what]
    return value.copy() if value.ndim else value[()]

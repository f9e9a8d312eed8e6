"""Problems that differ in the names of values alone: one is solved, the others are renamed."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.ranges import like
from symgrad.mathematics.sizes import is_size

_PLAIN = re.compile(r"[A-Za-z]\w*", re.ASCII)


class Problem:
    """Expressions and names that a solution depends on, in an order of its own.

    ``names`` are those that may be others in a problem that is alike, in the order in which they
    first occur; ``facts``: what is known of them.  Two problems have the same ``key`` if renaming
    turns one into the other and leaves every comparison of names as it is: SymPy and the rules put
    things in the order of their names, so that no step could then tell one from the other.
    """

    def __init__(self, facts: Mapping[str, Hashable]) -> None:
        self.names: list[str] = []
        self._facts = facts
        self._slots: dict[str, int | str] = {}
        self._others: dict[str, None] = {}
        self._parts: list[Hashable] = []

    def add(self, *parts: sp.Basic | str | Hashable) -> None:
        """What the solution depends on: expressions, names (as strings), and anything else."""
        self._parts.append(tuple(map(self._part, parts)))

    def _part(self, part: sp.Basic | str | Hashable) -> Hashable:
        if isinstance(part, str):
            return self._slot(part)
        if not isinstance(part, sp.Basic):
            return part
        tokens, names, others = _spelled(part)
        self._others |= dict.fromkeys(others)
        return tokens, tuple(map(self._slot, names))

    def _slot(self, name: str) -> Hashable:
        """What stands for a name; a name of other characters stands for itself."""
        if name not in self._slots:
            self._slots[name] = len(self.names) if _PLAIN.fullmatch(name) else name
            self.names.append(name)
        return self._slots[name]

    @property
    def key(self) -> Hashable:
        """Equal for problems that are alike."""
        return tuple(self._parts), tuple(map(self._facts.get, self.names)), self._order()

    def _order(self) -> Hashable:
        """How names compare with each other and with all else, whatever is written after them.

        Where one begins with another, it is the kind of the next character that tells.
        """
        ranked = sorted({**self._others, **self._slots})
        begun = []
        for k, name in enumerate(ranked):
            for other in ranked[k + 1 :]:
                if not other.startswith(name):
                    break
                begun.append((k, _kind(other[len(name)])))
        return tuple(self._slots.get(name, name) for name in ranked), tuple(begun)


def _kind(character: str) -> str:
    """Characters of one kind lie on the same side of every character that is part of no name."""
    return next(
        (kind for kind in ("[0-9]", "[A-Z]", "[a-z]") if re.match(kind, character)), character
    )


@lru_cache(maxsize=1 << 14)
def _spelled(expr: sp.Basic) -> tuple[Hashable, tuple[str, ...], tuple[str, ...]]:
    """An expression with numbers for its names; the names; what else names are compared with."""
    tokens: list[Hashable] = []
    names: dict[str, int] = {}
    others: dict[str, None] = {}

    def spell(node: sp.Basic) -> None:
        if isinstance(node, sp.Symbol) and _is_name(node):
            promised = (*sorted(node._assumptions_orig.items()), *getattr(node, "bounds", ()))
            tokens.append((names.setdefault(node.name, len(names)), promised))
        elif not node.args:
            tokens.append(node)
            if isinstance(node, sp.Symbol):
                others[node.name] = None
        else:
            others[type(node).__name__] = None
            tokens.append((type(node), len(node.args)))
            for part in node.args:
                spell(part)

    spell(expr)
    return tuple(tokens), tuple(names), tuple(others)


def _is_name(symbol: sp.Symbol) -> bool:
    """Whether a symbol is the name of a value, and neither an index nor a size."""
    return not isinstance(symbol, Index) and not is_size(symbol)


def renamed(
    expr: sp.Basic, names: Mapping[str, str], done: dict[sp.Basic, sp.Basic] | None = None
) -> sp.Basic:
    """The expression with other names; all else stays as it stands, and in the same order.

    ``names`` keep the order of a :class:`Problem`; ``done``: what has been renamed already.
    """
    done = {} if done is None else done
    found = done.get(expr)
    if found is not None:
        return found
    if isinstance(expr, sp.Symbol) and _is_name(expr):
        found = like(expr, names.get(expr.name, expr.name))
    elif not expr.args:
        found = expr
    else:
        parts = [renamed(a, names, done) for a in expr.args]
        if isinstance(expr, (sp.Add, sp.Mul, sp.Pow, sp.Function)):
            found = expr.func(*parts, evaluate=False)
        else:
            found = expr.func(*parts)
    done[expr] = found
    return found

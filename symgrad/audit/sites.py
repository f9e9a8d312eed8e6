"""Statements on which a wrong value depends, and what is known where each of them stands."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from symgrad.audit.compare import broadcasts
from symgrad.audit.source import Source
from symgrad.audit.walks import walked

MOST_FAR = 8
"""From how many statements on it is all the same how far one is."""


NO_STEP = 1.6
"""By how much nearer a line is that takes one gradient for another: a slope may be forgotten."""

TO_A_FUNCTION = 3
"""How many statements further it is to what is handed to a function: it is seldom wrong there."""


@dataclass(frozen=True)
class Role:
    """What a name of the program is in the spec: an input, a value, or a gradient."""

    kind: str
    name: str
    ratio: float = 1.0
    in_turn: bool = False
    """Whether it is that of one step alone."""
    comes_back: bool = False
    """Whether an input is the gradient by a value: what comes back from a loss outside."""


@dataclass(frozen=True)
class Known:
    """A name of the program where a statement stands: its array, and what that is in the spec."""

    name: str
    array: np.ndarray[Any, Any]
    role: Role | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(self.array.shape)


@dataclass(frozen=True)
class Site:
    """A statement, how far from the wrong value, and the names that are known there."""

    source: Source
    statement: ast.stmt
    depth: int
    known: Mapping[str, Known]
    roots: Sequence[ast.expr]
    """The expressions that it assigns or gives back, of a dictionary or tuple one of them."""
    arrays: Sequence[np.ndarray[Any, Any]] = ()
    """What it assigned, first and last."""
    keys: frozenset[str] = field(default_factory=frozenset)
    looped: bool = False
    right: bool = False
    """Whether what it assigns is something in the spec, to the number."""
    functions: frozenset[str] = field(default_factory=frozenset)
    """The functions in the forward pass of the spec."""
    inputs: frozenset[str] = field(default_factory=frozenset)
    """The inputs of the spec."""
    missing: str = ""
    """The number by which the wrong value would have to be multiplied, where there is one."""
    around: ast.AST = field(default_factory=lambda: ast.Module([], []))
    """The function that it stands in, or the whole program."""
    begins: bool = False
    """Whether what it reads is right as far as is known, and what it assigns is not."""
    handed: bool = False
    """Whether it only hands something to the function in which the wrong value is made."""
    renames: bool = False
    """Whether it only takes one gradient for another."""
    placed: float | None = None
    """How far it is, where it is known in which statement the fault begins."""

    @property
    def far(self) -> float:
        """How far it is from the wrong value, in statements: where that begins, it is near."""
        if self.placed is not None:
            return self.placed
        if self.renames and self.depth:
            return min(self.depth, MOST_FAR) - NO_STEP
        most = 1 if self.begins else MOST_FAR
        return min(self.depth, most) + (TO_A_FUNCTION if self.handed else 0)

    @property
    def line(self) -> int:
        """Its line."""
        return self.statement.lineno

    @cached_property
    def inside_functions(self) -> frozenset[int]:
        """The expressions in functions without a name, or in comprehensions; and defaults."""
        inner = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        found = [n for root in self.roots for n in walked(root) if isinstance(n, inner)]
        return frozenset(id(part) for n in found for part in walked(n) if part is not n)

    @cached_property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of what it assigns."""
        return self.arrays[0].shape if self.arrays else None

    def text(self, node: ast.expr) -> str:
        """An expression as it is typed, in one line."""
        return " ".join(self.source.of(node).split())

    def like(self, shape: tuple[int, ...] | None) -> list[Known]:
        """The names of arrays of a shape."""
        return [
            k
            for k in self.known.values()
            if shape is not None and k.shape == shape and k.array.ndim
        ]

    def fitting(self, shape: tuple[int, ...] | None) -> list[Known]:
        """The names of arrays that broadcast to a shape."""
        return [k for k in self.known.values() if shape is not None and fits(k.shape, shape)]

    @cached_property
    def scalars(self) -> list[Known]:
        """The names of numbers."""
        return [k for k in self.known.values() if k.array.ndim == 0 and np.isfinite(k.array)]


def fits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether an array, which is no number, broadcasts to a shape."""
    return bool(shape) and broadcasts(shape, whole)

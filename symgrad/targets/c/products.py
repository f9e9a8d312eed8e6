"""Products of matrices as calls of a library, where whoever compiles the file has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.program.program import Op, labels
from symgrad.targets.c.entries import Entries, there
from symgrad.targets.c.kept import length, shape_of
from symgrad.targets.c.loops import Node, looped
from symgrad.targets.c.nests import Target
from symgrad.targets.c.places import ANYWHERE, HERE, Place, flat

LEAST = 8192
"""So many multiplications a product has at least: of fewer the loops are as quick."""

THIN = 4
"""Each side is at least so long: a matrix and a vector are read once in a loop too."""


@dataclass(frozen=True)
class _Matrix:
    """A matrix in memory: where it begins, how far its rows are apart, whether it lies turned."""

    code: str
    apart: int
    turned: bool


Loops = Callable[[Sequence[sp.Expr], int], tuple[dict[sp.Expr, Place], list[tuple[str, int]]]]


class Products:
    """Finds what is a product of two matrices, or of stacks of them."""

    def __init__(self, entries: Entries, loops: Loops, prefix: str) -> None:
        self.entries, self.loops, self.prefix = entries, loops, prefix
        self.name = f"{prefix}_GEMM"
        self.used = False

    def called(self, op: Op, target: Target) -> list[Node]:
        """The calls that compute a product; nothing where it is none, or too small."""
        if len(op.args) != 2 or len(op.reads) != 2:
            return []
        x, y = (dict.fromkeys(labels(r.axes)) for r in op.reads)
        out = dict.fromkeys(labels(op.axes))
        batch = [a for a in out if a in x and a in y]
        sides = (
            [a for a in out if a in x and a not in y],
            [a for a in out if a in y and a not in x],
            [a for a in x if a in y and a not in out],
        )
        if not all(sides) or len(sides[2]) != 1:
            return []
        batch += [a for side in sides for a in side[:-1]]
        m, n, k = (side[-1] for side in sides)
        lengths = [length(a) for a in (m, n, k)]
        if min(lengths) < THIN or lengths[0] * lengths[1] * lengths[2] < LEAST:
            return []
        return self._calls(op, target, batch, (m, n, k))

    def _calls(
        self, op: Op, target: Target, batch: Sequence[sp.Expr], sides: Sequence[sp.Expr]
    ) -> list[Node]:
        m, n, k = sides
        outer, pairs = self.loops(batch, 0)
        inner, _ = self.loops(sides, len(pairs))
        where = {**outer, **inner}
        x, y = (self.entries.place(ref, where) for ref in op.reads)
        out = flat(there(op.axes, where), shape_of(op.axes))
        names = [self._root(r.name) for r in op.reads]
        if x is None or y is None or "" in names:
            return []
        rows, columns, between = (inner[a].code for a in sides)
        matrices = [
            _matrix(names[0], x, rows, between),
            _matrix(names[1], y, between, columns),
            _matrix(target.name, out, rows, columns),
        ]
        if any(found is None for found in matrices):
            return []
        a, b, c = (found for found in matrices if found is not None)
        counts = [length(m), length(n), length(k)]
        if c.turned:  # its transpose is the product of theirs
            a, b = (_Matrix(z.code, z.apart, not z.turned) for z in (b, a))
            counts[:2] = counts[1::-1]
        self.used = True
        return looped(pairs, [self._line(a, b, c, counts, added=target.added)])

    def _line(self, a: _Matrix, b: _Matrix, c: _Matrix, counts: Sequence[int], *,
              added: bool) -> str:  # fmt: skip
        sides = ", ".join(map(str, counts))
        turned = ", ".join("true" if z.turned else "false" for z in (a, b))
        given = ", ".join(f"{z.code}, {z.apart}" for z in (a, b))
        return (
            f"{self.prefix.lower()}_gemm({turned}, {sides}, {given}, {c.code}, {c.apart}, "
            f"{'add' if added else 'false'});"
        )

    def _root(self, name: str) -> str:
        """The memory in which a value is seen, or lies."""
        kept = self.entries.kept
        while name in kept.lazy:
            op = kept.ops[name]
            if len(op.reads) != 1:
                return ""
            name = op.reads[0].name
        root = kept.root[name]
        if self.entries.dtypes[name] != "float":
            return ""
        self.entries.reads.setdefault(root, set()).add(ANYWHERE)
        return self.entries.local(root)


def _matrix(name: str, place: Place, row: str, column: str) -> _Matrix | None:
    """What lies where a place says; None where neither rows nor columns are in one piece."""
    steps = dict(place.steps)
    down, right = steps.pop(row, 0), steps.pop(column, 0)
    start = Place(place.start, tuple(steps.items()))
    code = name if start == HERE else f"&{name}[{start.code}]"
    if right == 1 and down > 0:
        return _Matrix(code, down, turned=False)
    return _Matrix(code, right, turned=True) if down == 1 and right > 0 else None

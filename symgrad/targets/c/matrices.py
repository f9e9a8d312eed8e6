"""Functions of whole matrices and rows, as calls of the functions that a file brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from symgrad.errors import SpecError
from symgrad.program.program import Op, Ref
from symgrad.targets.c import numbers
from symgrad.targets.c.entries import At, there
from symgrad.targets.c.kept import length, shape_of
from symgrad.targets.c.loops import Node, looped
from symgrad.targets.c.nests import Nests, Pairs
from symgrad.targets.c.places import HERE, Place, flat
from symgrad.targets.expressions import Text


class Matrices(Nests):
    """Writes what is computed of each matrix of a stack."""

    def linalg(self, op: Op) -> list[Node]:
        """A function of each matrix of a stack."""
        if op.function not in _LINALG:
            raise SpecError(
                f"the target c has no function {op.function} of matrices",
                hint="use the target numpy",
            )
        last = {"solve": len(op.reads[-1].axes[-2:])}.get(op.function, 2)
        lead = op.axes if op.function in _OF_DETERMINANT else op.axes[: len(op.axes) - last]
        outer, pairs = self.loops(lead)
        n = length(op.reads[0].axes[-1])
        start = flat([*there(lead, outer), *[HERE] * (len(op.axes) - len(lead))], shape_of(op.axes))
        return looped(pairs, [*_LINALG[op.function](self, op, outer, pairs, n, start)])

    def _copied(
        self, ref: Ref, to: str, outer: At, pairs: Pairs, last: int, start: Place = HERE
    ) -> list[Node]:
        """A copy of a matrix, or of what else is in the last axes."""
        axes = ref.axes[len(ref.axes) - last :]
        inner, inside = self.loops(axes, pairs)
        where = {**outer, **inner}
        value = self.entries.operand(ref, where)
        place = start + flat(there(axes, where), shape_of(axes))
        return self.around(inside, [f"{to}[{place.code}] = {value.code};"])

    def _room(self, wish: str, type_: str, count: int) -> str:
        """Memory for itself: an operation that is written again has the same."""
        asked = (*self.writing, len(self.scratch))
        if asked not in self.called:
            self.called[asked] = self.entries.new(wish)
        self.scratch[self.called[asked]] = (type_, count)
        return self.called[asked]

    def _result(self, op: Op, start: Place) -> str:
        """Where a matrix of the result begins."""
        name = self.targets[op.name].name
        return f"&{name}[{start.code}]" if start != HERE else name

    def _factors_of(self, op: Op, outer: At, pairs: Pairs, n: int) -> tuple[str, list[Node]]:
        matrix = self._room("factors", self.entries.real, n * n)
        order = self._room("order", "size_t", n)
        return f"{matrix}, {order}", self._copied(op.reads[0], matrix, outer, pairs, 2)

    def _solve(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        factors, copied = self._factors_of(op, outer, pairs, n)
        right = op.reads[1]
        last = len(right.axes[-2:])
        columns = length(right.axes[-1]) if last == 2 else 1
        yield from copied
        yield from self._copied(right, self.targets[op.name].name, outer, pairs, last, start)
        yield f"solve({factors}, {self._result(op, start)}, {n}U, {columns}U);"

    def _inverse(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        factors, copied = self._factors_of(op, outer, pairs, n)
        yield from copied
        yield f"inverted({factors}, {self._result(op, start)}, {n}U);"

    def _regular(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        factors, copied = self._factors_of(op, outer, pairs, n)
        yield from copied
        yield f"regular_inverse({factors}, {self._result(op, start)}, {n}U);"

    def _cholesky(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        name = self.targets[op.name].name
        yield from self._copied(op.reads[0], name, outer, pairs, 2, start)
        yield f"cholesky({self._result(op, start)}, {n}U);"

    def _adjugate(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        matrix = self._room("matrix", self.entries.real, n * n)
        part = self._room("part", self.entries.real, max((n - 1) ** 2, 1))
        order = self._room("order", "size_t", n)
        yield from self._copied(op.reads[0], matrix, outer, pairs, 2)
        yield f"adjugate({matrix}, {part}, {order}, {self._result(op, start)}, {n}U);"

    def _number(self, op: Op, outer: At, pairs: Pairs, n: int, start: Place) -> Iterator[Node]:
        factors, copied = self._factors_of(op, outer, pairs, n)
        yield from copied
        yield self.store(op, outer, f"{_OF_DETERMINANT[op.function]}({factors}, {n}U)")

    def standing(self, op: Op) -> list[Node]:
        """Where entries stand along the last axis, which is copied to one place."""
        (source,) = op.reads
        outer, pairs = self.loops(source.axes[:-1])
        n = length(source.axes[-1])
        row = self._room("row", self.entries.real, n)
        copied = self._copied(source, row, outer, pairs, 1)
        if op.function in _FOUND:
            place = f"{_FOUND[op.function]}({row}, {n}U)"
            return looped(pairs, [*copied, self.store(op, outer, self._as_integer(place))])
        order = self._room("order", "size_t", n)
        inner, inside = self.loops(op.axes[-1:], pairs)
        where = {**outer, **inner}
        at = there(op.axes[-1:], where)[0].code
        line = self.store(op, where, self._as_integer(f"{order}[{at}]"))
        body = [*copied, f"in_order({row}, {order}, {n}U);", *self.around(inside, [line])]
        return looped(pairs, body)

    def _as_integer(self, place: str) -> str:
        return numbers.cast(Text(place), self.entries.integer).code


_FOUND = {"argmax": "of_largest", "argmin": "of_smallest"}
_OF_DETERMINANT = {
    "det": "determinant",
    "sign": "sign_of_determinant",
    "logdet": "log_determinant",
}
_LINALG: Mapping[str, Callable[[Matrices, Op, At, Pairs, int, Place], Iterator[Node]]] = {
    "solve": Matrices._solve,
    "inv": Matrices._inverse,
    "regular_inverse": Matrices._regular,
    "cholesky": Matrices._cholesky,
    "adjugate": Matrices._adjugate,
    **dict.fromkeys(_OF_DETERMINANT, Matrices._number),
}

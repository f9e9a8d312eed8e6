"""Operations as statements of NumPy that write into the buffers of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from symgrad.program.contraction_order import cost
from symgrad.program.loop import Loop
from symgrad.program.memory import Abilities, Plan, plan_of
from symgrad.program.program import Axes, Literal, Op, Program, Ref, count
from symgrad.targets.expressions import Precedence, Text, listed
from symgrad.targets.numpy.loops import Frame, Step, lands
from symgrad.targets.numpy.operations import SMALL_INVERSE, NumPyWriter, is_small_inverse
from symgrad.targets.numpy.out import has_out, is_of_rows, is_over_first, written_over
from symgrad.targets.numpy.runtime.special import name_of
from symgrad.targets.statements import Statement
from symgrad.targets.writer import WIDTH, PlannedWriter

_AUGMENTED = {"add": "+=", "subtract": "-=", "multiply": "*=", "divide": "/="}
_REDUCTIONS = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply"}
_COMMUTATIVE = ("add", "multiply")
_HELD = frozenset({"add", "subtract", "multiply", "divide", "minimum", "maximum"})
_NUMBERS = {"1": "one", "2": "two", "0.5": "half"}
_DTYPES = {"float": "dtype", "int": "np.intp", "bool": "np.bool_"}

_IN_STEPS = Abilities(lambda op: has_out(op) or is_small_inverse(op), written_over)
"""What is computed again and again may be a function of the file, which writes where it is told."""

LARGE = 8192
"""Entries of a product from which on ``np.matmul`` is the faster call: ``dot`` takes less time to
begin, but fills the result with zeros first.

In µs, by ``dot`` and by ``matmul``: 8×8 0.30 and 0.97; 32×32 1.6 and 2.2; of 64 terms each, 64×64
9.9 and 10.4, 64×128 19.4 and 19.7, 256×256 178 and 175 (NumPy 2, float64, one thread).
"""


class BufferedWriter(NumPyWriter, PlannedWriter):
    """Writes the operations of a program into a workspace called ``ws``.

    ``kept``: values that the workspace can give memory of their own; ``apart``: if it is asked to.
    """

    def __init__(
        self,
        program: Program,
        plan: Plan,
        kept: Collection[str] = (),
        frame: Frame | None = None,
        outer: BufferedWriter | None = None,
        *,
        apart: bool = True,
    ) -> None:
        self.apart = apart
        self.home, self.dtype_text, self.kept = "ws", "ws._for[-1]", kept
        self.steps: list[BufferedWriter] = []
        self.held: dict[str, str] = {}
        """What numbers are called that each step reads: arrays without axes.

        In µs, of 14 numbers and of 512: np.add(1, x, out=y) 0.64 and 0.75, of such an array 0.32
        and 0.41, as no number has to be turned into one (float64).
        """
        self.carried: list[Statement] = []
        """What makes the memory for what one step leaves for the next."""
        known: dict[str, str] = {}
        if frame is not None:
            direct = (n for n in frame.into if n not in frame.apart and lands(program, plan, n))
            known = frame.local | {n: frame.into[n] for n in direct}
        self.parts = frozenset(known.values())
        made = frame.made if frame is not None else frozenset()
        super().__init__(program, plan, known, outer, {o.name for o in program} - made)

    def stored(self, op: Op) -> str:
        """In the workspace; in a loop by a name, which is bound before it."""
        name = self.name(op)
        return name if self._is_bound(op) else f"{self.home}.{name}"

    def _is_bound(self, op: Op) -> bool:
        return self.outer is not None and op.name not in self.plan.constant

    def memory(self, op: Op) -> str:
        self.placed.append(op.name)
        return self.stored(op)

    def started(self, name: str, start: str, axes: Axes) -> list[Statement]:
        """In memory of its own, where it is an array: steps write there."""
        if not axes:
            return super().started(name, start, axes)
        self.carried.append(Statement("room", f"self.{name}", (self.shape(axes), "dtype")))
        stored = Statement("assign", name, (f"{self.home}.{name}",))
        return [stored, Statement("assign", f"{name}[...]", (start,))]

    def handed_on(self, before: str, name: str) -> Statement:
        """By changing places, where the value is in memory that nothing else is in."""
        after, owned = self.text_of(name), [n for n, r in self.plan.rooms.items() if r == name]
        if owned != [name]:
            return Statement("copy", before, (after,))
        return Statement("assign", f"{before}, {after}", (f"{after}, {before}",))

    def step(self, frame: Frame, loop: Loop) -> Step:
        apart = {c.after for c in loop.carries} - frame.into.keys()
        plan = plan_of(loop.program, _IN_STEPS, apart)
        kept = frozenset(loop.program.outputs)
        self.steps.append(BufferedWriter(loop.program, plan, kept, frame, self))
        return self.steps[-1]

    def bound(self) -> Mapping[str, str]:
        """Where the memory of a step is that has no place in the arrays of all steps."""
        mine = (self.ops[n] for n in self.placed if n not in self.plan.constant)
        names = dict.fromkeys([*self.held.values(), *map(self.name, mine)])
        return {n: f"{self.home}.{n}" for n in names if n not in self.parts}

    def operands(self, op: Op) -> list[Text]:
        """In a step numbers are arrays that are there."""
        found = super().operands(op)
        if op.kind != "map" or not op.axes or op.function not in _HELD or not self._is_bound(op):
            return found
        pairs = zip(op.args, found, strict=True)
        return [
            Text(self._held(t.code)) if isinstance(a, Literal) and a.value.is_Rational else t
            for a, t in pairs
        ]

    def _held(self, code: str) -> str:
        if code not in self.held:
            self.held[code] = self.names.new(_NUMBERS.get(code, "number"))
        return self.held[code]

    def reads_again(self, op: Op) -> bool:
        return op.kind == "place"

    # Into a buffer

    def into_room(self, op: Op) -> list[Statement]:
        args = self.operands(op)
        name, place = self.name(op), self.plan.places.get(op.name)
        if place is not None:
            return list(self._over(op, args, name, place))
        self.placed.append(op.name)
        return list(self.OUT[op.kind](self, op, args, name, self.stored(op)))

    def _over(self, op: Op, args: Sequence[Text], name: str, place: str) -> Iterator[Statement]:
        """A universal function written over an argument."""
        out = self.local[place]
        same = out == name
        kept = not same and op.name in self.kept
        if kept:
            self.placed.append(op.name)
        if is_over_first(op):
            yield from self._over_first(
                op, args, name, "" if same else self.stored(op) if kept else out
            )
            return
        if kept:
            yield from self.OUT[op.kind](self, op, args, name, self.stored(op))
            return
        if op.function == "where":
            if not same:
                yield Statement("assign", name, (out,))
            yield self._chosen(op, args, name)
            return
        where = [getattr(a, "name", "") for a in op.args].index(place)
        if same and op.function in _AUGMENTED and (where == 0 or op.function in _COMMUTATIVE):
            yield Statement("augment", name, (args[1 - where].code,), _AUGMENTED[op.function])
            return
        yield _called("over" if same else "map", name, args, name_of(op.function), out)

    def _over_first(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        """A number over an array where a condition does not hold; that may be in other memory."""
        if out and op.name in self.kept and self.apart:
            yield from self._copy(op, args[1:], name, out)
        elif out:
            yield Statement("assign", name, (out,))
        yield self._chosen(op, args, name, turned=True)

    def _map(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        if op.function == "cast":
            yield from self._copy(op, args, name, out)
        elif op.function == "where":
            yield from self._copy(op, args[2:], name, out)
            yield self._chosen(op, args, name)
        else:
            digits = [Text(f"{op.detail[0]}")] if op.function == "round" else []
            yield _called("map", name, [*args, *digits], name_of(op.function), out)

    def _chosen(
        self, op: Op, args: Sequence[Text], name: str, *, turned: bool = False
    ) -> Statement:
        """One value over another where a condition holds, which may be numbers of 0 and 1.

        ``turned``: where it does not hold, the other over that.
        """
        if self.dtypes[op.reads[0].name] == "bool":
            where = f"~{args[0].at_least(Precedence.ATOM)}" if turned else args[0].code
        else:
            where = f"{args[0].at_least(Precedence.SUM)} {'==' if turned else '!='} 0"
        return Statement("where", name, (args[2 if turned else 1].code, where))

    def _matmul(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        x, y = args
        if all(len(r.axes) <= 2 for r in op.reads) and cost(op.axes) < LARGE:
            yield Statement("dot", name, (x.at_least(Precedence.ATOM), y.code), out=out)
        else:
            yield Statement("matmul", name, (x.code, y.code), out=out)

    def _reduce(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        ufunc = _REDUCTIONS.get(op.function)
        function = f"np.{ufunc}.reduce" if ufunc else name_of(op.function)
        options = {"axes": self.reduced_axes(op)}
        yield Statement("reduce", name, (args[0].code,), function, out, options)

    def printed(self, op: Op, args: Sequence[Text]) -> Text:
        if op.kind == "matmul" and not op.axes:  # of 64 numbers 0.28 µs, by @ 0.65
            return Text(f"{args[0].at_least(Precedence.ATOM)}.dot({args[1].code})")
        whole = op.kind == "reduce" and len(op.reads[0].axes) == 1 and not op.axes
        if whole and op.function in _REDUCTIONS:
            return Text(f"np.{_REDUCTIONS[op.function]}.reduce({args[0].code})")
        return super().printed(op, args)

    def _copy(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        if out != name:
            yield Statement("assign", name, (out,))
        yield Statement("copy", name, (args[0].code,))

    def _contract(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        if is_of_rows(op):
            yield _called("map", name, args, "np.vecdot", out)
            return
        detail = {"subscripts": self.subscripts(op)}
        yield Statement("contract", name, tuple(a.code for a in args), out=out, detail=detail)

    def _take(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        operands = (args[0].at_least(Precedence.ATOM), args[1].code)
        yield Statement("take", name, operands, out=out)

    def _standing(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        operands = (args[0].at_least(Precedence.ATOM),)
        yield Statement("standing", name, operands, op.function, out)

    def _gather(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        operands = (args[0].at_least(Precedence.ATOM), args[1].code)
        axis = [k is not None for k in op.detail].index(True)
        yield Statement("gather", name, operands, out=out, detail={"axis": axis})

    def _along(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        function = name_of(op.function or op.kind)
        operands, detail = tuple(a.code for a in args), {"axis": op.detail[0], "width": WIDTH}
        yield Statement(op.kind, name, operands, function, out, detail)

    def _powers(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        yield _called("map", name, self.of_powers(op, args), name_of(op.kind), out)

    def _of_the_file(
        self, op: Op, args: Sequence[Text], name: str, out: str
    ) -> Iterator[Statement]:
        yield _called("map", name, args, name_of(op.function or op.kind), out)

    def _inverse(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[Statement]:
        yield _called("map", name, args, name_of(SMALL_INVERSE), out)

    OUT: ClassVar[
        Mapping[str, Callable[[BufferedWriter, Op, Sequence[Text], str, str], Iterator[Statement]]]
    ] = {
        "map": _map,
        "matmul": _matmul,
        "contract": _contract,
        "reduce": _reduce,
        "copy": _copy,
        "fill": _copy,
        "take": _take,
        "standing": _standing,
        "gather": _gather,
        "join": _along,
        "cumsum": _along,
        "products_of_others": _along,
        "powers": _powers,
        "linalg": _inverse,
        "half_inverse": _of_the_file,
        "by_half": _of_the_file,
    }

    # The workspace

    def rooms(self) -> Iterator[Statement]:
        """What a workspace is made of: a statement for each value that has a place there."""
        self.home, self.dtype_text = "self", "dtype"
        placed, self.placed = self.placed, []
        constants = [v.name for v in self.program.inputs if v.role == "constant"]
        self.local |= {name: self.constant(name) for name in constants}
        for op in self.program:
            if op.name in self.plan.constant:
                self.write_constant(op)
            elif op.kind == "view" and (op.name in self.pending or self._is_made(op.reads[0])):
                self.keep(op, self.text(op))
        for op in (self.ops[name] for name in placed):
            constant = op.name in self.plan.constant
            if self.local[op.name] not in self.parts:
                yield self._constant_room(op) if constant else self._room(op)
        yield from self.carried
        for code, name in self.held.items():
            yield Statement("assign", f"self.{name}", (f"np.array({code}, dtype)",))
        for step in self.steps:
            yield from step.rooms()

    def _is_made(self, operand: Ref) -> bool:
        """Whether it is made with the workspace: a view of it may have a line in a function."""
        return operand.name in self.plan.constant

    def _constant_room(self, op: Op) -> Statement:
        return Statement("assign", f"self.{self.local[op.name]}", (self.text(op).code,))

    def _room(self, op: Op) -> Statement:
        """Memory of its own, or that of a value which is not needed any more."""
        name, owner = f"self.{self.local[op.name]}", self.owner[op.name]
        own = Statement("room", name, (self.shape(op.axes), _DTYPES[op.dtype]))
        if owner is op:
            return own
        room, lengths = f"self.{self.local[owner.name]}", ", ".join(map(self.code, op.shape))
        detail: dict[str, Any] = {"own": own} if op.name in self.kept else {}
        if owner.shape == op.shape:
            return Statement("shared", name, (room,), detail=detail)
        if count(owner.shape) == count(op.shape):
            return Statement("reshaped", name, (room, lengths), detail=detail)
        detail["count"] = self.code(count(op.shape))
        return Statement("part", name, (room, lengths), detail=detail)

    def dtype(self) -> str:
        return self.dtype_text

    def constant(self, name: str) -> str:
        return f"{self.home}.{name}"


def _called(kind: str, name: str, args: Sequence[Text], function: str, out: str) -> Statement:
    """A function of all operands that writes into memory that is there."""
    return Statement(kind, name, (listed(args),), function, out)

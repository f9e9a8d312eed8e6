"""Operations as lines of NumPy that write into the buffers of a workspace."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from symgrad.program.contraction_order import cost
from symgrad.program.memory import Plan, count, owners
from symgrad.program.program import CHANGES, Op, Program, is_temporary
from symgrad.targets.numpy.operations import WIDTH, Level, Line, Text, Writer
from symgrad.targets.numpy.runtime import name_of

_AUGMENTED = {"add": "+=", "subtract": "-=", "multiply": "*=", "divide": "/="}
_REDUCTIONS = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply"}
_COMMUTATIVE = ("add", "multiply")
_DTYPES = {"float": "dtype", "int": "np.intp", "bool": "np.bool_"}

LARGE = 8192
"""Entries of a product from which on ``np.matmul`` is the faster call: ``dot`` takes less time to
begin, but fills the result with zeros first."""


class BufferedWriter(Writer):
    """Writes the operations of a program into a workspace called ``ws``."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.plan = plan
        self.owner = owners(plan)
        self.takes = Counter(o.reads[0].name for o in program.ops if o.kind == "take")
        """How often entries of a value are taken before it is changed in place."""
        self.read_in_calls = {
            r.name for o in program.ops if o.name not in plan.constant for r in o.reads
        }
        self.attributes: list[str] = []
        """Values that the workspace has a view or an array of, in order."""
        self.dtype_text = "ws._dtype"
        self.dtypes = program.dtypes
        super().__init__(program)

    def _write(self, op: Op) -> None:
        if op.name in self.plan.constant:
            if op.dtype == "int" and op.name not in self.read_in_calls:
                self.pending[op.name] = self._text(op)
                return
            self.attributes.append(op.name)
            self.pending[op.name] = Text(f"ws.{self._name(op)}")
        elif op.kind in CHANGES:
            self._change(op)
        elif op.name in self.plan.rooms:
            self._assign(op, tuple(self._out(op)))
        elif op.kind == "linalg" and self._both_of_slogdet(op):
            return
        elif op.name in self.plan.inlined:
            self.pending[op.name] = self._text(op)
        else:
            self._assign(op, (f"{self._name(op)} = {self._text(op).code}",))

    def _is_inlined(self, op: Op, text: Text) -> bool:
        return op.name in self.plan.inlined

    def _name(self, op: Op) -> str:
        """Values that are finished in place have the name of what they become."""
        chain = [op]
        while (later := self._finished_as(chain[-1])) is not None:
            chain.append(later)
        name = super()._name(chain[-1])
        self.local |= {o.name: name for o in chain}
        return name

    def _finished_as(self, op: Op) -> Op | None:
        """What a value without a name of its own becomes in place; None where it stays."""
        reader = self.readers.get(op.name)
        unnamed = op.name not in self.local and is_temporary(op.name)
        if not unnamed or reader is None or self.uses[op.name] - self.takes[op.name] != 1:
            return None
        changed = reader.kind in CHANGES and reader.reads[0].name == op.name
        return reader if changed or self.plan.places.get(reader.name) == op.name else None

    def _change(self, op: Op) -> None:
        name = self._name(op)
        values = self._settled(op.args[1]) if op.kind == "place" else None
        args = [self.operand(a) for a in op.args]
        args[1] = values or args[1]
        before = [] if args[0].code == name else [f"{name} = {args[0].code}"]
        code = (
            self._placed(op, name, args)
            if op.kind == "place"
            else [self._scattered(op, name, args)]
        )
        self._assign(op, (*before, *code))

    def _settle(self, name: str) -> None:
        if name not in self.plan.constant:
            super()._settle(name)

    # Into a buffer

    def _out(self, op: Op) -> Iterator[str]:
        args = [self.operand(a) for a in op.args]
        name, place = self._name(op), self.plan.places.get(op.name)
        if place is not None:
            yield from self._over(op, args, name, place)
            return
        self.attributes.append(op.name)
        out = f"ws.{name}"
        yield from self.OUT[op.kind](self, op, args, name, out)

    def _over(self, op: Op, args: Sequence[Text], name: str, place: str) -> Iterator[str]:
        """A universal function written over an argument."""
        if op.function == "where":
            if self.local[place] != name:
                yield f"{name} = {self.local[place]}"
            yield self._chosen(op, args, name)
            return
        where = [getattr(a, "name", "") for a in op.args].index(place)
        same = self.local[place] == name
        if same and op.function in _AUGMENTED and (where == 0 or op.function in _COMMUTATIVE):
            yield f"{name} {_AUGMENTED[op.function]} {args[1 - where].code}"
            return
        call = f"{name_of(op.function)}({_listed(args)}, out={self.local[place]})"
        yield call if same else f"{name} = {call}"

    def _map(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        if op.function == "cast":
            yield f"{name} = {out}"
            yield f"{name}[...] = {args[0].code}"
            return
        if op.function == "where":
            yield f"{name} = {out}"
            yield f"{name}[...] = {args[2].code}"
            yield self._chosen(op, args, name)
            return
        digits = f", {op.detail[0]}" if op.function == "round" else ""
        yield f"{name} = {name_of(op.function)}({_listed(args)}{digits}, out={out})"

    def _chosen(self, op: Op, args: Sequence[Text], name: str) -> str:
        """One value over another where a condition holds, which may be numbers of 0 and 1."""
        holds = self.dtypes[op.reads[0].name] == "bool"
        where = args[0].code if holds else f"{args[0].at_least(Level.SUM)} != 0"
        return f"np.copyto({name}, {args[1].code}, where={where})"

    def _matmul(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        x, y = args
        if all(len(r.axes) <= 2 for r in op.reads) and cost(op.axes) < LARGE:
            yield f"{name} = {x.at_least(Level.ATOM)}.dot({y.code}, out={out})"
        else:
            yield f"{name} = np.matmul({x.code}, {y.code}, out={out})"

    def _reduce(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        options = ", ".join([args[0].code, *self.reduced_axes(op), f"out={out}"])
        ufunc = _REDUCTIONS.get(op.function)
        function = f"np.{ufunc}.reduce" if ufunc else name_of(op.function)
        yield f"{name} = {function}({options})"

    def _text(self, op: Op) -> Text:
        whole = op.kind == "reduce" and len(op.reads[0].axes) == 1 and not op.axes
        if whole and op.function in _REDUCTIONS:
            return Text(f"np.{_REDUCTIONS[op.function]}.reduce({self.operand(op.args[0]).code})")
        return super()._text(op)

    def _copy(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        yield f"{name} = {out}"
        yield f"{name}[...] = {args[0].code}"

    def _contract(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        yield f'{name} = np.einsum("{self.subscripts(op)}", {_listed(args)}, out={out})'

    def _take(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        axis = (
            "" if op.kind == "take" else f"axis={[k is not None for k in op.detail].index(True)}, "
        )
        array, places = args[0].at_least(Level.ATOM), args[1].code
        yield f'{name} = {array}.take({places}, {axis}out={out}, mode="clip")'

    def _join(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        arrays = ", ".join(a.code for a in args)
        line = f"{name} = np.{op.function}([{arrays}], axis={op.detail[0]}, out={out})"
        if len(line) <= WIDTH:
            yield line
            return
        yield f"{name} = np.{op.function}("
        yield "    ["
        yield from (f"        {a.code}," for a in args)
        yield f"    ], axis={op.detail[0]}, out={out}"
        yield ")"

    def _cumsum(self, op: Op, args: Sequence[Text], name: str, out: str) -> Iterator[str]:
        function = name_of(op.kind)
        yield f"{name} = {function}({args[0].code}, axis={op.detail[0]}, out={out})"

    OUT: ClassVar[
        Mapping[str, Callable[[BufferedWriter, Op, Sequence[Text], str, str], Iterator[str]]]
    ] = {
        "map": _map,
        "matmul": _matmul,
        "contract": _contract,
        "reduce": _reduce,
        "copy": _copy,
        "fill": _copy,
        "take": _take,
        "gather": _take,
        "join": _join,
        "cumsum": _cumsum,
        "products_of_others": _cumsum,
    }

    # The workspace

    def room_lines(self) -> Iterator[str]:
        """What a workspace is made of, a line for each value."""
        self.dtype_text = "dtype"
        for name in self.attributes:
            op, local = self.ops[name], self.local[name]
            if name in self.plan.constant:
                code = re.sub(r"\bws\.", "self.", self._text(op).code)
                yield f"self.{local} = {code}"
                continue
            owner = self.owner[name]
            dtype = _DTYPES[op.dtype]
            if owner is op:
                yield f"self.{local} = _empty({self.shape(op.axes)}, {dtype})"
                continue
            room = f"self.{self.local[owner.name]}"
            if owner.shape == op.shape:
                yield f"self.{local} = {room}"
            elif count(owner.shape) == count(op.shape):
                yield f"self.{local} = {room}.reshape({self._lengths(op)})"
            else:
                entries = self.number(count(op.shape)).code
                yield f"self.{local} = {room}.reshape(-1)[:{entries}].reshape({self._lengths(op)})"

    def _lengths(self, op: Op) -> str:
        return ", ".join(self.number(size).code for size in op.shape)

    def dtype(self) -> str:
        return self.dtype_text

    def constant(self, name: str) -> str:
        return f"ws.{name}"


def _listed(args: Sequence[Text]) -> str:
    return ", ".join(a.code for a in args)


def grouped(lines: Sequence[Line]) -> Iterator[tuple[Line, list[Line]]]:
    """Each line with a named value, and the lines just before it that only prepare it."""
    waiting: list[Line] = []
    for line in lines:
        if is_temporary(line.name):
            waiting.append(line)
            continue
        start = len(waiting)
        while start and waiting[start - 1].local == line.local:
            start -= 1
        for other in waiting[:start]:
            yield other, []
        yield line, waiting[start:]
        waiting = []
    for other in waiting:
        yield other, []

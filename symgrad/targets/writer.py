"""A walk over the operations of a program: what gets a line, what it is called, what it reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import sympy as sp

from symgrad.errors import SpecError
from symgrad.program.kinds import KINDS
from symgrad.program.memory import Plan, owners
from symgrad.program.program import Literal, Op, Operand, Program, Ref, is_temporary
from symgrad.targets.expressions import Precedence, Text
from symgrad.targets.identifiers import Locals, Words
from symgrad.targets.module import size_names
from symgrad.targets.numbers import Numbers
from symgrad.targets.statements import Assignment, Statement

WIDTH = 88
"""A line longer than this is taken apart."""


class Writer(ABC):
    """Writes the operations of one program, in order; what is used once goes into its use.

    A language says how an operation is written as an expression (``printed``), how numbers are
    (``numbers``), how an array is changed (``changing``), and what no variable may be called.
    """

    words: Words
    numbers: type[Numbers]
    names: Locals
    size_locals: dict[str, str]

    def __init__(
        self,
        program: Program,
        *,
        only: Collection[str] | None = None,
        known: Mapping[str, str] | None = None,
        outer: Writer | None = None,
    ) -> None:
        """``only``: the operations to write, if not all; ``known``: what others are called.

        ``outer``: of a step of a loop, the writer of the function that the loop stands in.
        """
        self.program = program
        self.known = known or {}
        self.outer = outer
        self.uses = program.uses
        self.ops = {o.name: o for o in program.ops}
        self.readers = {r.name: o for o in program.ops for r in o.reads}
        self.read = {r.name for o in program.ops for r in o.reads}
        self.dtypes = program.dtypes
        self.assignments: list[Assignment] = []
        self.pending: dict[str, Text] = {}
        """Values that have no line: they are written into their uses."""
        self.changes: dict[str, list[Statement]] = {}
        """What is done in place to a value that is not yet finished."""
        self.written: set[str] = set()
        """Values that the line of another computes as well."""
        self.sizes: dict[str, str] = {} if outer is None else outer.sizes
        """Local names of the sizes that were asked for, in order."""
        self._in_use: set[str] = set()
        self._names_in: dict[str, frozenset[str]] = {}
        self._name_values(program)
        self.number = self.numbers(self._size, self.names.claim).text
        for op in program.ops:
            if only is None or op.name in only:
                self._in_use = set()
                self.write(op)

    @abstractmethod
    def printed(self, op: Op, args: Sequence[Text]) -> Text:
        """An operation as an expression of its operands."""

    @abstractmethod
    def changing(self, op: Op, name: str, args: Sequence[Text]) -> Sequence[Statement]:
        """The statements that change an array in place."""

    def constant(self, name: str) -> str:
        """What the lines call an array that is part of the file."""
        return name

    def write(self, op: Op) -> None:
        """Write an operation down, or keep it for its use."""
        if KINDS[op.kind].changes:
            self.change(op)
            return
        text = self.fitting(op)
        if self.is_inlined(op, text):
            self.keep(op, text)
        else:
            self.assign(op, [self.as_statement(op, text)])

    def as_statement(self, op: Op, text: Text) -> Statement:
        """A value computed by an expression."""
        return Statement("assign", self.name(op), (text.code,))

    # Names

    def _name_values(self, program: Program) -> None:
        named = (o.name for o in program.ops if not is_temporary(o.name))
        values = [name for name in named if name not in self.known]
        inputs = [v.name for v in program.inputs]
        outer, end = self.outer, "" if self.outer is None else "_t"
        taken = [*inputs, *self.known.values()]
        self.names = self.words.locals(taken) if outer is None else outer.names
        self.local = {**dict(zip(inputs, inputs, strict=True)), **self.known}
        self.local |= {name: self.names.new(f"{name}{end}") for name in values}
        constants = [v.name for v in program.inputs if v.role == "constant"]
        self.local |= {name: self.constant(name) for name in constants}
        if outer is not None:
            self.size_locals = outer.size_locals
        else:
            self.size_locals = {s: self.names.new(s) for s in size_names(program.inputs)}

    def name(self, op: Op) -> str:
        """What the lines call a value; one without a name is given one."""
        if op.name not in self.local:
            self.local[op.name] = self.names.new(op.hint or ("mask" if op.dtype == "bool" else "t"))
        return self.local[op.name]

    def _size(self, name: str) -> str:
        if name not in self.size_locals:
            raise SpecError(
                f"the size {name} is that of no input on which the loss depends",
                hint="give an input of this size to the loss, or fix the size",
            )
        self.sizes[name] = self.size_locals[name]
        self._in_use.add(self.sizes[name])
        return self.sizes[name]

    # Expressions

    def text(self, op: Op) -> Text:
        """An operation as an expression."""
        self._in_use = set()
        return self.printed(op, self.operands(op))

    def operands(self, op: Op) -> list[Text]:
        """All of its arguments."""
        return [self.operand(a) for a in op.args]

    def operand(self, operand: Operand) -> Text:
        """An argument: a number, a name, or the text of a value that has no line."""
        if isinstance(operand, Literal):
            return self.number(operand.value)
        self._in_use |= self._names_in.get(operand.name, frozenset())
        if operand.name in self.pending:
            return self.pending[operand.name]
        self._in_use.add(self.local[operand.name])
        return Text(self.local[operand.name])

    def text_of(self, name: str) -> str:
        """A value as an expression."""
        return self.pending[name].code if name in self.pending else self.local[name]

    def code(self, expr: sp.Expr) -> str:
        """A number, or an expression of sizes, that stands by itself."""
        return self.number(expr).code

    def keep(self, op: Op, text: Text) -> None:
        """Write a value into its use."""
        self.pending[op.name] = text
        self._names_in[op.name] = frozenset(self._in_use)

    def is_inlined(self, op: Op, text: Text) -> bool:
        """Whether a value is written into its uses."""
        if not is_temporary(op.name):
            return False
        simple = (
            op.kind in ("view", "slice")
            and text.level == Precedence.ATOM
            and len(text.code) < WIDTH // 4
        )
        return self.uses[op.name] == 1 or (simple and op.reads[0].name not in self.pending)

    def fitting(self, op: Op) -> Text:
        """The text of an operation; where it is too long, parts get lines of their own."""
        text = self.text(op)
        while len(text.code) > WIDTH:
            parts = [r.name for r in op.reads if r.name in self.pending]
            if not parts:
                break
            longest = max(parts, key=lambda name: len(self.pending[name].code))
            if len(self.pending[longest].code) < WIDTH // 4:
                break
            self.settle(longest)
            text = self.text(op)
        return text

    def settle(self, name: str) -> None:
        """Give a value that was to be written into its use a line of its own."""
        op, mine = self.ops[name], self._in_use
        self._in_use = set(self._names_in.pop(name))
        self.assign(op, [Statement("assign", self.name(op), (self.pending.pop(name).code,))])
        self._in_use = mine

    def settled(self, operand: Operand) -> Text:
        """An operand by a name, because it is read again and again."""
        waiting = self.pending.get(operand.name) if isinstance(operand, Ref) else None
        if isinstance(operand, Ref) and waiting and not waiting.code.isidentifier():
            self.settle(operand.name)
        return self.operand(operand)

    def assign(
        self,
        op: Op,
        statements: Sequence[Statement],
        *others: str,
        inner: Sequence[Assignment] = (),
    ) -> None:
        """The statements are what computes a value; ``inner``: what a loop at their end does."""
        uses = frozenset(self._in_use).union(*(a.uses for a in inner))
        local = ", ".join(self.name(self.ops[name]) for name in (op.name, *others))
        made = Assignment(op.name, local, op.shape, tuple(statements), others, uses, tuple(inner))
        self.assignments.append(made)

    # What is changed in place

    def change(self, op: Op) -> None:
        """Write a change to an array, with all that follows it under one name."""
        last = op
        while self._is_changed_further(last):
            last = self.readers[last.name]
        name = self.local[op.name] = self.name(last)
        args = self.operands_of_change(op)
        before = self.changes.pop(getattr(op.args[0], "name", ""), None)
        statements = before or [Statement("assign", name, (args[0].code,))]
        statements += self.changing(op, name, args)
        if last is op:
            self.assign(op, statements)
        else:
            self.changes[op.name] = statements
            self._names_in[op.name] = frozenset(self._in_use)

    def operands_of_change(self, op: Op) -> list[Text]:
        """The array that is changed, the values, and where there are any the places."""
        values = self.settled(op.args[1]) if self.reads_again(op) else None
        args = [self.operand(a) for a in op.args]
        args[1] = values or args[1]
        return args

    def reads_again(self, op: Op) -> bool:
        """Whether a change reads its values more than once."""
        return False

    def _is_changed_further(self, op: Op) -> bool:
        reader = self.readers.get(op.name)
        once = is_temporary(op.name) and self.uses[op.name] == 1
        return (
            once
            and reader is not None
            and KINDS[reader.kind].changes
            and (reader.args[0] == op.ref or getattr(reader.args[0], "name", "") == op.name)
        )


class PlannedWriter(Writer):
    """Writes a program into memory that a plan has shared out.

    A language says besides how a value is computed there (``into_room``), and where it is then
    found (``stored``).
    """

    def __init__(
        self,
        program: Program,
        plan: Plan,
        known: Mapping[str, str] | None = None,
        outer: Writer | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        self.plan = plan
        self.owner = owners(plan)
        self.takes = Counter(o.reads[0].name for o in program.ops if o.kind == "take")
        """How often entries of a value are taken before it is changed in place."""
        self.read_in_calls = {
            r.name for o in program.ops if o.name not in plan.constant for r in o.reads
        }
        self.placed: list[str] = []
        """Values that have memory, or a view of that of another, in order."""
        super().__init__(program, only=only, known=known, outer=outer)

    @abstractmethod
    def into_room(self, op: Op) -> Sequence[Statement]:
        """The statements that compute a value in the memory that it has."""

    @abstractmethod
    def stored(self, op: Op) -> str:
        """The expression for the memory of a value."""

    def write(self, op: Op) -> None:
        """Write an operation down as planned."""
        if op.name in self.plan.constant:
            self.write_constant(op)
        elif KINDS[op.kind].changes:
            self.change(op)
        elif op.name in self.plan.rooms:
            self.assign(op, self.into_room(op))
        else:
            super().write(op)

    def write_constant(self, op: Op) -> None:
        """What is made with the memory; an index that only others of its kind read is not."""
        if op.dtype == "int" and op.name not in self.read_in_calls:
            self.keep(op, self.text(op))
            return
        self.placed.append(op.name)
        self.pending[op.name] = Text(self.stored(op))

    def fitting(self, op: Op) -> Text:
        """As long as it is: what has a line was planned."""
        return self.text(op)

    def is_inlined(self, op: Op, text: Text) -> bool:
        """As planned."""
        return op.name in self.plan.inlined

    def name(self, op: Op) -> str:
        """Values that are finished in place have the name of what they become."""
        chain = [op]
        while (later := self._finished_as(chain[-1])) is not None:
            chain.append(later)
        name = super().name(chain[-1])
        self.local |= {o.name: name for o in chain}
        return name

    def _finished_as(self, op: Op) -> Op | None:
        """What a value without a name of its own becomes in place; None where it stays."""
        reader = self.readers.get(op.name)
        unnamed = op.name not in self.local and is_temporary(op.name)
        if not unnamed or reader is None or self.uses[op.name] - self.takes[op.name] != 1:
            return None
        changed = KINDS[reader.kind].changes and reader.reads[0].name == op.name
        return reader if changed or self.plan.places.get(reader.name) == op.name else None

    def change(self, op: Op) -> None:
        """Write a change to an array, which may have another name where it lies."""
        name = self.name(op)
        args = self.operands_of_change(op)
        before = [] if args[0].code == name else [Statement("assign", name, (args[0].code,))]
        self.assign(op, [*before, *self.changing(op, name, args)])

    def settle(self, name: str) -> None:
        """A constant has its place already."""
        if name not in self.plan.constant:
            super().settle(name)

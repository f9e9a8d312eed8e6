"""Products that a step makes of what it is given are made for all steps before the loop."""

from __future__ import annotations

from dataclasses import replace

from symgrad.mathematics.equations import Variable
from symgrad.mathematics.indices import fresh
from symgrad.program.builder import Builder
from symgrad.program.contraction_order import contracted, cost
from symgrad.program.loop import Loop, has_loops, loop_of
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import UNIT, Axes, Op, Program, Ref, is_temporary, read_by


def products_before_loops(program: Program) -> Program:
    """H Pₜ of each step, where no step makes Pₜ, is a part of H P: one product of all steps.

    It is done where the product is no larger than the arrays that it is made of.
    """
    if not has_loops(program):
        return program
    made: dict[str, tuple[Loop, tuple[Ref, ...]]] = {}

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        loop = loop_of(op)
        if loop is None:
            return None
        if loop.name not in made:
            made[loop.name] = _Products(builder, op, loop).apart()
        new, args = made[loop.name]
        return builder.add(
            op.kind, args, op.axes, function=op.function, detail=(new,), hint=op.hint
        )

    return owned(alive(rewritten(program, rewrite)))


class _Products:
    """The products of one loop that need nothing of what a step makes."""

    def __init__(self, builder: Builder, op: Op, loop: Loop) -> None:
        self.builder, self.loop = builder, loop
        self.time = fresh(loop.size)
        self.sliced, self.whole, self.starts = loop.sorted_args(op)
        self.parts, self.same = dict(self.sliced), dict(self.whole)
        self.ops = {o.name: o for o in loop.program}
        self.taken: dict[str, Ref] = {}
        """By the name of the product, its value outside."""

    def apart(self) -> tuple[Loop, tuple[Ref, ...]]:
        """The loop without them, which is given those that it reads, and its arguments."""
        for op in self.loop.program:
            if self._is_apart(op):
                reads = tuple(map(self._outside, op.reads))
                moves = any(self.time in r.axes for r in reads)
                axes = (self.time, *op.axes) if moves else op.axes
                self.taken[op.name] = contracted(self.builder, Op("", "contract", reads, axes))
        kept = [o for o in self.loop.program if o.name not in self.taken]
        read = {r.name for o in kept for r in o.reads}
        new = [(f"{name}@0", ref) for name, ref in self.taken.items() if name in read]
        sliced = [*self.sliced, *((n, r) for n, r in new if self.time in r.axes)]
        whole = [*self.whole, *((n, r) for n, r in new if self.time not in r.axes)]
        args = tuple(r for _, r in (*sliced, *whole, *self.starts))
        return self._given(kept, [n for n, _ in sliced], [n for n, _ in whole]), args

    def _is_apart(self, op: Op) -> bool:
        if op.kind != "matmul" or not is_temporary(op.name) or UNIT in op.axes:
            return False
        small = cost(op.axes) <= sum(cost(r.axes) for r in op.reads)
        return (
            small
            and op.name not in self.loop.program.outputs
            and all(map(self._is_given, op.reads))
        )

    def _is_given(self, ref: Ref) -> bool:
        """Whether no step makes a value."""
        op = self.ops.get(ref.name)
        if op is not None and op.kind == "view":
            return self._is_given(op.reads[0])
        return ref.name in self.parts or ref.name in self.same or ref.name in self.taken

    def _outside(self, ref: Ref) -> Ref:
        """What a step sees of a value, for all steps."""
        if ref.name in self.same:
            return Ref(self.same[ref.name].name, ref.axes)
        if ref.name in self.parts:
            place = self.loop.place(ref.name)
            return Ref(self.parts[ref.name].name, self._with_time(ref.axes, place))
        op = self.ops[ref.name]
        if op.kind == "view":
            return self._outside(*read_by(op, ref.axes))
        found = self.taken[ref.name]
        new = dict(zip(op.axes, ref.axes, strict=True))
        return Ref(found.name, tuple(new.get(a, a) for a in found.axes))

    def _with_time(self, axes: Axes, place: int) -> Axes:
        return (*axes[:place], self.time, *axes[place:])

    def _given(self, kept: list[Op], sliced: list[str], whole: list[str]) -> Loop:
        """The loop that is given products."""
        names = {name: f"{name}@0" for name in self.taken}

        def renamed(op: Op) -> Op:
            args = (
                Ref(names.get(a.name, a.name), a.axes) if isinstance(a, Ref) else a for a in op.args
            )
            return replace(op, args=tuple(args))

        known = {v.name for v in self.loop.program.inputs}
        more = [n for n in (*sliced, *whole) if n not in known]
        shapes = {names[name]: self.ops[name].shape for name in self.taken}
        inputs = (*self.loop.program.inputs, *(Variable(n, shapes[n], "data") for n in more))
        program = replace(self.loop.program, inputs=inputs, ops=tuple(map(renamed, kept)))
        return replace(
            self.loop,
            program=program,
            sliced=tuple(sliced),
            whole=tuple(whole),
            places=(*self.loop.places, *((n, 0) for n in more if n in sliced)),
        )

"""The kind whose values are computed step by step, by a program inside of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symgrad.mathematics.sizes import same
from symgrad.program.kinds.kind import Kind, always, nothing
from symgrad.program.kinds.run import Array, Run
from symgrad.program.loop import Loop, loop_of
from symgrad.program.program import Op, size_of


def _loop(op: Op) -> Loop:
    loop = loop_of(op)
    assert loop is not None
    return loop


def _check(op: Op) -> str:
    loop = loop_of(op)
    if loop is None:
        return "there is no program of a step"
    if op.function not in (*loop.program.outputs, *loop.befores):
        return f"a step computes no {op.function}"
    if len(op.reads) != len(loop.sliced) + len(loop.whole) + len(loop.carries):
        return "there is not one argument for each of what a step reads"
    inside, place = loop.program.shapes[op.function], loop.place(op.function)
    if [size_of(a) for k, a in enumerate(op.axes) if k != place] != list(inside):
        return "the result has other axes than its parts"
    if not same(size_of(op.axes[place]), loop.length(op.function)):
        return "the result has not a part for each step"
    return ""


def _run(run: Run, op: Op) -> Array:
    loop = _loop(op)
    if loop.name not in run.loops:
        run.loops[loop.name] = _all_steps(run, op, loop)
    return run.loops[loop.name][op.function]


def _all_steps(run: Run, op: Op, loop: Loop) -> Mapping[str, Array]:
    """All results: of each value the parts of all steps, in order."""
    sliced, whole, starts = loop.sorted_args(op)
    same_in_all = {name: run.values[ref.name] for name, ref in whole}
    carried = {name: run.values[ref.name] for name, ref in starts}
    found: dict[str, list[Array]] = {name: [value] for name, value in carried.items()}
    found |= {name: [] for name in loop.program.outputs}
    for k in range(run.number(loop.size))[:: loop.step]:
        parts = {n: np.take(run.values[r.name], k, loop.place(n)) for n, r in sliced}
        values = run.inside(loop.program, {**same_in_all, **parts, **carried})
        carried = {c.before: values[c.after] for c in loop.carries}
        for name in loop.program.outputs:
            found[name].append(values[name])
        for name, value in carried.items():
            found[name].append(value)
    return {n: _stacked(run, loop, n, parts[:: loop.step]) for n, parts in found.items()}


def _stacked(run: Run, loop: Loop, name: str, parts: list[Array]) -> Array:
    place = loop.place(name)
    if parts:
        return np.stack(parts, place)
    shape = list(run.lengths(loop.program.shapes[name]))
    return np.zeros([*shape[:place], 0, *shape[place:]], run.dtype)


LOOP = Kind(
    "loop",
    "values of all steps of the program in detail, of which the function names one",
    _check,
    _run,
    cost=nothing,
    dtype=always("float"),
    own_labels=True,
    sums=True,
)
LOOPS = (LOOP,)

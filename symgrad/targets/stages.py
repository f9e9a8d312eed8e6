"""The stages of a program: what both the output and its derivatives need, and what one needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from symgrad.program.costs import flops
from symgrad.program.loop import loop_of
from symgrad.program.program import Program, is_temporary
from symgrad.targets.statements import Assignment, grouped

FORWARD, SHARED, OUTPUT, BACKWARD = "_forward", "_shared", "_loss", "_backward"
"""The functions of the stages, in order."""

_LATER = {FORWARD: (SHARED, OUTPUT, BACKWARD), SHARED: (OUTPUT, BACKWARD), OUTPUT: (), BACKWARD: ()}
"""The stages that read what one has computed."""


def in_stages(
    program: Program, output: str, gradients: Collection[str], values: Collection[str]
) -> tuple[Program, Mapping[str, str]]:
    """The program with one stage after the other, and the stage of each operation.

    First what both the output and its derivatives need, then the rest of the output's, then that
    of the derivatives.  What of the first needs arguments that ``values`` do not is a stage of
    its own, and so is all that these do not need where it takes time.  Each operation reads what
    its own stage computes, or an earlier one of both.
    """
    of_output = needed(program, [output])
    of_others = needed(program, gradients) if gradients else of_output
    both = of_output & of_others
    first = _first(program, both, values)

    def stage(name: str) -> str:
        if name in both:
            return FORWARD if name in first else SHARED
        return OUTPUT if name in of_output else BACKWARD

    found = _together(program, {op.name: stage(op.name) for op in program.ops})
    places = list(_LATER)
    ops = sorted(program.ops, key=lambda op: places.index(found[op.name]))
    return replace(program, ops=tuple(ops)), found


def _together(program: Program, stages: Mapping[str, str]) -> dict[str, str]:
    """The stages, all results of a loop in one: where two need it, in one that is before both.

    Values with names that are parts of a result are there too.
    """
    found = dict(stages)
    loops: dict[str, list[str]] = {}
    for op in program.ops:
        if (loop := loop_of(op)) is not None:
            loops.setdefault(loop.name, []).append(op.name)
    for names in loops.values():
        mine = {found[name] for name in names}
        early = SHARED if mine == {OUTPUT, BACKWARD} else min(mine, key=[*_LATER].index)
        found |= dict.fromkeys(names, early)
    stepwise = {name for names in loops.values() for name in names}
    parts = (o for o in program.ops if o.kind == "slice" and not is_temporary(o.name))
    found |= {o.name: found[o.reads[0].name] for o in parts if o.reads[0].name in stepwise}
    return found


def needed(program: Program, outputs: Iterable[str]) -> frozenset[str]:
    """The operations that some values need, of loops all that they read."""
    wanted, found = set(outputs), set[str]()
    for op in reversed(program.ops):
        if op.name in wanted:
            found.add(op.name)
            wanted.update(r.name for r in op.reads)
    return frozenset(found)


def _first(program: Program, both: frozenset[str], values: Collection[str]) -> frozenset[str]:
    """The operations of the first stage."""
    asked = needed(program, [v for v in values if v in both])
    there = {op.name for op in program.ops}
    if asked and there.issuperset(values):
        mine = both & needed(program, values)
        if _work(program, both - mine) > MORE * _work(program, mine):
            return mine
    return (both - _later(program, asked)) | asked


MORE = 0.02
"""So much more work than what is asked for needs does not matter."""


def _work(program: Program, names: Collection[str]) -> float:
    """Roughly how many operations on numbers some of the operations are."""
    ops = [o for o in program.ops if o.name in names]
    products = [o for o in ops if o.kind in ("matmul", "contract")]
    parts = [flops(replace(program, ops=tuple(some))) for some in (ops, products)]
    both, mine = (float(p.subs(dict.fromkeys(p.free_symbols, TYPICAL))) for p in parts)
    return SLOWER * (both - mine) + mine


TYPICAL, SLOWER = 64, 10
"""What named sizes are taken for; how much longer an operation takes outside of products."""


def _later(program: Program, first: Collection[str]) -> set[str]:
    """What depends on inputs that the first operations do not read; nothing if these read none.

    And the arrays of zeros and the like that only such operations read.
    """
    inputs = {v.name for v in program.inputs}
    read = inputs & {r.name for o in program.ops if o.name in first for r in o.reads}
    found = inputs - read if read else set()
    for op in program.ops:
        if any(r.name in found for r in op.reads):
            found.add(op.name)
    readers: dict[str, set[str]] = {}
    for op in program.ops:
        for ref in op.reads:
            readers.setdefault(ref.name, set()).add(op.name)
    constant = (op.name for op in program.ops if not op.reads and op.name in readers)
    return found | {name for name in constant if readers[name] <= found}


@dataclass(frozen=True)
class Stage:
    """One function of the mathematics: its lines, what it is given, and what it gives.

    ``given`` and ``results`` are local names; ``sizes`` those of the named sizes that it reads.
    """

    name: str
    assignments: Sequence[Assignment]
    given: Sequence[str]
    results: Sequence[str]
    sizes: Sequence[str]


def stages_of(
    assignments: Iterable[Assignment],
    stage: Mapping[str, str],
    inputs: Sequence[str],
    sizes: Collection[str],
    wanted: Mapping[str, Sequence[str]],
) -> dict[str, Stage]:
    """The stages that have lines.  ``wanted``: what each gives besides what later ones read."""
    lines: dict[str, list[Assignment]] = {name: [] for name in _LATER}
    for assignment in assignments:
        lines[stage[assignment.value]].append(assignment)
    made = {name: [*dict.fromkeys(n for a in own for n in a.locals)] for name, own in lines.items()}
    read = {
        name: {*wanted.get(name, ()), *(n for a in own for n in a.uses)}
        for name, own in lines.items()
    }
    found = {}
    for name, mine in lines.items():
        before = [n for other in made if name in _LATER[other] for n in made[other]]
        asked = {*wanted.get(name, ()), *(n for other in _LATER[name] for n in read[other])}
        results = [n for n in made[name] if n in asked] if _LATER[name] else list(wanted[name])
        found[name] = Stage(
            name,
            list(grouped(mine)),
            [n for n in (*inputs, *before) if n in read[name]],
            results,
            [s for s in sizes if s in read[name]],
        )
    return {name: stage for name, stage in found.items() if lines[name]}

"""What a derivation is written as: what a format prints, and the module that a target prints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypedDict, Unpack

import numpy as np

from symgrad.calculus import (
    Derivation,
    Splitting,
    forward_and_adjoints,
)
from symgrad.calculus import split as calculus_split
from symgrad.checks import ExactValues
from symgrad.checks.resized import bound
from symgrad.checks.sampling import least_sizes
from symgrad.errors import SpecError, caller, perhaps
from symgrad.files import check_replaceable, write_all
from symgrad.formats.sheet import Sheet
from symgrad.mathematics.conditions import conditions
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.expected import Expected
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.steps import Step
from symgrad.outputs import besides
from symgrad.program.passes import stages
from symgrad.program.program import Program
from symgrad.targets import ARRAY_API, NUMPY, TARGETS
from symgrad.targets.array_api import WRAPS, wrapper
from symgrad.targets.emitted import Emitted
from symgrad.targets.module import (
    Module,
    assembled,
    needed,
)
from symgrad.targets.target import Target
from symgrad.writing import Choice, Notation, Numbers, Style
from symgrad.writing.quoted import Quoted
from symgrad.writing.shares import by_names


def sheet(
    derivation: Derivation,
    *,
    choice: Choice | None = None,
    style: Style | None = None,
    values: ExactValues | None = None,
    **more: Any,
) -> Sheet:
    """What a format prints of a derivation; ``more``: the other fields of :class:`Sheet`."""
    made = derivation.preparation
    gone = made.before.shapes.keys() - derivation.system.shapes.keys() if made else frozenset()
    numbers = (
        Numbers(*(_lists(a, gone) for a in (values.exact, values.decimals))) if values else None
    )
    notation = Notation.of(derivation, style)
    return Sheet(by_names(derivation), notation, choice or Choice(), numbers=numbers, **more)


def _lists(arrays: Mapping[str, np.ndarray], gone: Container[str]) -> dict[str, Any]:
    return {name: array.tolist() for name, array in arrays.items() if name not in gone}


def module(
    derivation: Derivation,
    notation: Notation,
    values: Sequence[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    split: str | None = None,
    checkpoint: int | None = None,
    together: bool = False,
    **more: Any,
) -> Module:
    """The module that computes the output and its gradients.

    ``values``: those on the way that it offers, by default all that have a name in the spec;
    ``split``: the size of rows in chunks; ``checkpoint``: so many steps a segment; ``together``:
    with what second derivatives are of.
    """
    formulas = _formulas(derivation, notation, forward_and_adjoints(derivation))
    remarks = (*derivation.remarks, *_as_typed(derivation, notation))
    derivation = bound(derivation, sizes := sizes or {})
    system, made = derivation.system, derivation.preparation
    equations, apart = besides.in_products(derivation, notation)
    found = calculus_split(derivation, split) if split else None
    of = besides.results(derivation, together=together)
    whole = assembled(
        *(system.variables, equations, of.output, of.gradients),
        second=of.second,
        values=_chosen(derivation, values, of.output),
        along=derivation.directions,
        formulas=formulas | apart,
        remarks=tuple(dict.fromkeys((*remarks, *told_of(found)))),
        sizes=sizes,
        not_differentiable=_not_differentiable(derivation),
        may_be_infinite=frozenset(a.equation.name for a in derivation.adjoints if a.past),
        least=_least(made.before if made else system, system, of_chunks=split),
        preparation=made and besides.of_data(made),
        splitting=found and besides.of_rows(found),
        everywhere=not any(next(conditions(e.rhs), None) for e in equations),
        **_title(derivation) | more,
    )
    return whole if checkpoint is None else _in_segments(whole, derivation, checkpoint, values)


def _title(derivation: Derivation) -> dict[str, Any]:
    """Another than that of a loss, where there are no derivatives."""
    return {} if derivation.results else {"title": "A value, and those on the way to it."}


def _chosen(derivation: Derivation, values: Sequence[str] | None, output: str) -> tuple[str, ...]:
    """The values that a module offers: those that are asked for, or all that have a name.

    ``output``: the value of the module, which may be one on the way to the derivation's.
    """
    named, system = _named(derivation), derivation.system
    if not derivation.results:  # of a value alone, which is one of them
        named.append(system.output)
        if values is not None and not values:
            raise SpecError("values is empty, and there is nothing else to compute")
        if not any(v.role != "constant" for v in system.variables):
            raise SpecError(f"{system.output} is a constant: it depends on no input")
    for name in values or ():
        if name not in named:
            hint = perhaps(name, named) or "no value on the way has a name: leave values out"
            raise SpecError(f"there is no value {name!r}", hint=hint)
    chosen = named if values is None else dict.fromkeys(values)
    return tuple(v for v in chosen if v != output or output == system.output)


def _least(*systems: System, of_chunks: str | None) -> dict[str, int]:
    """How large named sizes have to be; a chunk may have any number of rows."""
    found = {size: n for system in systems for size, n in least_sizes(system).items()}
    return {size: n for size, n in found.items() if size != of_chunks}


def _formulas(
    derivation: Derivation, notation: Notation, equations: Iterable[Equation]
) -> dict[str, str]:
    """Equations in a line of text; of derivatives of what is computed in another way it is said."""
    formulas = {e.name: notation.text_equation(e) for e in equations
                if not notation.is_of_another_step(e.name)}  # fmt: skip
    for adjoint in derivation.adjoints:
        of = [name for name in adjoint.chain if name in derivation.rewritten]
        if adjoint.past and of:
            formulas[adjoint.equation.name] += f", of {' and '.join(reversed(of))} as typed"
    return formulas


def _as_typed(derivation: Derivation, notation: Notation) -> Iterator[str]:
    """What was typed, where derivatives of it are computed; and which are of what is computed."""
    found = [a for a in derivation.adjoints if a.past and not a.inlined]
    chains = {name for a in found for name in a.chain}
    for equation in derivation.local:
        if equation.name in chains & derivation.rewritten:
            yield f"as typed, {notation.text_equation(equation)}"
    output = derivation.system.output
    for part in (e for a in derivation.adjoints for e in a.needed_part):
        yield f"the backward pass goes on with {part.name}, the derivative of {output} as computed"


def _named(derivation: Derivation) -> list[str]:
    """The values on the way that have a name in the spec and are there."""
    system = derivation.system
    slopes = {name for name, _, _ in system.slopes}
    ours = {*derivation.typed.invented, *slopes, *derivation.adjoint_name.values(), system.output}
    found, of_inputs = [], {v.name for v in system.variables if v.role != "constant"}
    for equation in system:
        if of_inputs & {name_of(a) for a in entries(equation.rhs)}:
            of_inputs.add(equation.name)
            if equation.name in derivation.typed.shapes and equation.name not in ours:
                found.append(equation.name)
    return found


def emitted(derivation: Derivation, notation: Notation, target: Target, **more: Any) -> Emitted:
    """The module in a target's language; ``more``: the other fields of :class:`Module`."""
    if more.get("split") and target.name != "numpy":
        raise SpecError(f"chunks of rows are not put together in {target.name}", where=caller())
    if more.get("checkpoint") and target.name != "numpy":
        raise SpecError(f"checkpoint is not there in {target.name}", where=caller())
    more["wrap"] = wrapped(more.get("wrap", ()), target.name)
    return target.emit(module(derivation, notation, **more))


def pytest_file(
    derivation: Derivation,
    notation: Notation,
    target: Target,
    name: str,
    stated: tuple[Sequence[Expected], float] = ((), 0.0),
    **more: Any,
) -> str:
    """The tests of the module in a file of that name; ``stated``: numbers, and how close."""
    if target.tests is None or not derivation.results:
        what = f"modules in {target.name}" if derivation.results else "a value alone"
        raise SpecError(
            f"there are no tests for {what}", where=caller(), hint="leave the tests out"
        )
    return target.tests(module(derivation, notation, **more), name, *stated)


def to_run(derivation: Derivation, target: Target, **more: Any) -> Emitted:
    """The module without what is said of it."""
    system, made = derivation.system, derivation.preparation
    equations, _ = besides.in_products(derivation)
    more |= {"along": derivation.directions, "preparation": besides.of_data(made) if made else None}
    return target.emit(
        assembled(system.variables, equations, system.output, derivation.results, **more)
    )


def _in_segments(
    whole: Module, derivation: Derivation, every: int, values: Sequence[str] | None
) -> Module:
    """The module in segments of so many steps; SpecError where values on the way are asked for."""
    if values:
        raise SpecError(
            "with checkpoint, the values of all steps are not there at once",
            where=caller(),
            hint="leave values out, or checkpoint",
        )
    kept = "every carry" if every == 1 else f"the carry of every {every} steps"
    told = f"of recurrences {kept} is kept; on the way back, steps are computed again from these"
    segments = besides.of_steps(derivation, every)
    remarks = (*whole.remarks, told)
    return replace(whole, segments=segments, plain=True, values=(), way=None, remarks=remarks)


def told_of(found: Splitting | None) -> Iterator[str]:
    """What a loss that splits is a function of, in a line for each total."""
    if found is None:
        return
    for total in found.totals:
        notation = Notation.of(total.derivation)
        how = "carried with its maximum" if total.is_logarithm else "added up"
        after = f", which is {how} over chunks of rows"
        yield Quoted(f"additive over {found.size}: ", total.equation, notation, after)
    system = found.finish.system
    yield Quoted("of these, ", system[system.output], Notation.of(found.finish), "")


def programs(derivation: Derivation, target: Target) -> Iterator[tuple[str, Program]]:
    """The program of the output and its gradients after each pass, by the name of the pass."""
    equations, _ = besides.in_products(derivation)
    wanted = [derivation.system.output, *derivation.results.values()]
    for name, program in stages(derivation.system.variables, needed(equations, wanted), wanted):
        yield name, program
    for step in target.passes:
        program = step(program)
        yield step.__name__, program


def _not_differentiable(derivation: Derivation) -> str:
    """Why differences of the output are no test of the gradients, where they are not."""
    rounded = [e.name for e in derivation.system if e.decimals is not None]
    swapped = [e.name for e in derivation.system if e.backward is not None]
    reasons = [f"{name} is held rounded" for name in rounded]
    reasons += [f"{name} has the backward pass of another expression" for name in swapped]
    return "; ".join(reasons)


# -- what has code --------------------------------------------------------------------------------


class Options(TypedDict, total=False):
    """What a generated module is to have."""

    values: Sequence[str] | None
    plain: bool
    unroll: bool
    sizes: Mapping[str, int]
    split: str | None
    checkpoint: int | None
    wrap: str | Sequence[str]


class InPython(Options, total=False):
    """The same where the derivation may be one of second derivatives."""

    together: bool


class Coded(ABC):
    """What is written as a generated module."""

    @abstractmethod
    def derived(self, *, prepare: bool) -> Derivation:
        """The derivation that is written as code; ``prepare``: in sums that are made once."""

    def source(self, target: str | None = None, dtype: str = "float64", **more: Any) -> str:
        """The text of the generated module; the arguments are those of ``write``."""
        return self._emitted(target, dtype, **more).text

    def _emitted(
        self, target: str | None, dtype: str, *, prepare: bool = False, **more: Any
    ) -> Emitted:
        derivation, language = self.derived(prepare=prepare), _target(target, more.get("wrap"))
        return emitted(derivation, Notation.of(derivation), language, dtype=dtype, **more)

    def write(
        self,
        path: str | Path,
        target: str | None = None,
        dtype: str = "float64",
        *,
        force: bool = False,
        prepare: bool = False,
        tests: bool = False,
        **options: Unpack[InPython],
    ) -> None:
        """Write the generated module to a file, whole or not at all.

        ``target``: "numpy" (where none is named), "c" or "array-api".  ``dtype``: float64 or
        float32, which is what lists and integers become.  ``values``: the values on the way that
        ``forward`` gives, by default all that have a name.  ``plain``: without a workspace, to be
        read.  ``unroll``: number by number too, which is quicker where all shapes are tiny and
        fixed.  ``prepare``: with a function that works out of the data what can be, once, as
        ``derive`` has it.  ``sizes``: numbers for named sizes, which C needs.
        ``checkpoint``: of recurrences the carry of every so many steps is kept, and the others
        are computed again for the derivatives: less memory, for more time.  ``together``:
        with what ``sg.hvp`` and ``sg.hessian`` are made of, in one forward pass: the loss, its
        gradients, ``W_hvp`` or ``W_hessian``.  ``tests``: a file for pytest beside it,
        test_NAME.py.  ``wrap``: "torch", "jax" or both, for files NAME_torch.py and NAME_jax.py
        beside it, whose loss these differentiate: the target is array-api then, named or not.
        ``force``: replace files even where symgrad did not write them.  SpecError where one would
        be replaced without, and where there is no such target or value; an OSError where a file
        can't be written.
        """
        file, language = Path(path), _target(target, options.get("wrap"))
        stem = file.name.removesuffix(language.suffix).removesuffix(file.suffix)
        beside = [*language.beside, *map(wrapper, wrapped(options.get("wrap", ()), language.name))]
        places = [file, *(file.with_name(f"{stem}{end}") for end in beside)]
        places += [file.with_name(f"test_{file.stem}.py")] if tests else []
        for place in places:
            check_replaceable(place, force=force)
        texts = [*self._emitted(target, dtype, **options, prepare=prepare, name=file.stem).texts]
        if tests:
            texts.append(self._tests(language, file.stem, prepare=prepare, dtype=dtype, **options))
        write_all(dict(zip(places, texts, strict=True)), force=force)

    def _tests(self, target: Target, name: str, *, prepare: bool, **more: Any) -> str:
        derivation = self.derived(prepare=prepare)
        return pytest_file(derivation, Notation.of(derivation), target, name, **more)

    def compile(
        self,
        target: str | None = None,
        dtype: str = "float64",
        *,
        prepare: bool = False,
        **options: Unpack[InPython],
    ) -> ModuleType:
        """The generated module, imported.

        It offers ``loss``, ``gradients`` and ``loss_and_gradients``, which take every input by
        name, and ``forward``, which gives the values on the way; a wrong shape or dtype there is a
        ValueError.  The arguments are those of ``write``; with ``wrap`` it is the wrapper.
        """
        made = self._emitted(target, dtype, prepare=prepare, **options)
        output, wrap = self.derived(prepare=False).system.output, options.get("wrap")
        language, text = _target(target, wrap), made.text
        if wrap:
            (name,) = wrapped(wrap, language.name)
            text = made.beside[wrapper(name)]
        return language.load(text, output, made.beside)


class Function(Coded):
    """The code of a value without any derivative."""

    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation

    def __repr__(self) -> str:
        return f"<function that gives {self._derivation.system.output}>"

    def derived(self, *, prepare: bool) -> Derivation:
        """What leads to the value."""
        if prepare:
            raise SpecError("nothing can be prepared for a value alone", where=caller())
        return self._derivation


class Split(Coded):
    """A derivation whose rows may come in chunks: ``source``, ``write`` and ``compile``."""

    def __init__(self, derivation: Derivation, size: str) -> None:
        self._derivation, self._splitting = derivation, calculus_split(derivation, size)

    def __repr__(self) -> str:
        return "\n".join(told_of(self._splitting))

    @property
    def steps(self) -> tuple[Step, ...]:
        """That the loss is a function of sums over the rows."""
        return (Notation.of(self._derivation).public_step(self._splitting.step),)

    def derived(self, *, prepare: bool) -> Derivation:
        """The derivation that is written as code."""
        if prepare:
            raise SpecError("what is prepared needs its rows no more", where=caller())
        return self._derivation

    def _emitted(self, target: str | None, dtype: str, **more: Any) -> Emitted:
        return super()._emitted(target, dtype, **more, split=self._splitting.size)


def _target(name: str | None, wrap: str | Sequence[str] | None = ()) -> Target:
    if name is not None and name not in TARGETS:
        raise SpecError(
            f"there is no target {name!r}", where=caller(), hint=f"there are {', '.join(TARGETS)}"
        )
    return target_of(name, wrap or ())


def target_of(name: str | None, wrap: str | Sequence[str]) -> Target:
    """The target of a name; without one NumPy's, or what is wrapped: a module of the array API."""
    return TARGETS[name or (ARRAY_API if wrap else NUMPY).name]


def wrapped(wrap: str | Sequence[str], target: str) -> tuple[str, ...]:
    """The frameworks to write wrappers for; SpecError where there is no such."""
    names = (wrap,) if isinstance(wrap, str) else tuple(dict.fromkeys(wrap))
    for name in names:
        if name not in WRAPS:
            hint = f"there are {', '.join(WRAPS)}"
            raise SpecError(f"there is no wrapper for {name!r}", where=caller(), hint=hint)
    if names and target != ARRAY_API.name:
        raise SpecError(
            f"nothing of the target {target} is wrapped for {names[0]}",
            where=caller(),
            hint=f"choose the target {ARRAY_API.name}, or name none",
        )
    return names

"""A spec as the command line works on it: derived, generated, checked and printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any, Unpack

import numpy as np

from symgrad import outputs
from symgrad.calculus import split
from symgrad.checks import (
    Check,
    ExactValues,
    at_example,
    check_example,
    comparisons,
    exact_values,
    example_values,
    expected_numbers,
    module_checks,
    run,
)
from symgrad.checks.chunks import chunk_checks
from symgrad.checks.example import check_assumptions
from symgrad.checks.generated import by_its_loss
from symgrad.checks.numbers import Floats
from symgrad.checks.points import Points, example_point
from symgrad.checks.resized import bound, to_run
from symgrad.checks.tables import TooLarge
from symgrad.delivery import is_stdout
from symgrad.errors import NOWHERE, Fault, Location, SpecError, SymgradError, caller
from symgrad.face import Derivation
from symgrad.face import derive as derive_loss
from symgrad.formats import FORMATS
from symgrad.formats.sheet import Code
from symgrad.language.spec_file import Spec
from symgrad.outputs import Options
from symgrad.progress import tell
from symgrad.report import by_kind
from symgrad.targets import TARGETS
from symgrad.targets.emitted import Emitted
from symgrad.targets.target import Target
from symgrad.writing.choice import Choice
from symgrad.writing.style import Style


class Job:
    """A spec, derived; SpecError where it can't be.  Its code is generated once it is asked for."""

    def __init__(
        self,
        spec: Spec,
        wrt: Sequence[str] | None,
        target: Target = TARGETS["numpy"],
        dtype: str = "float64",
        *,
        prepare: bool = False,
        seed: int = 0,
        **options: Unpack[Options],
    ) -> None:
        self.spec = spec
        self.target = target
        self.dtype = dtype
        self.seed = seed
        self.options = options
        wrt = wrt and [spec.aliases.get(name, name) for name in wrt]
        also = [s.value for s in (*spec.expected, *spec.compared) if s.adjoint]
        self.derivation = derive_loss(spec.loss, wrt, spec.names, prepare=prepare, also=also)
        if size := options.get("split"):
            told = tuple(outputs.told_of(split(self.derivation, size)))
            self.derivation = replace(self.derivation, remarks=(*self.derivation.remarks, *told))
        check_assumptions(self.derivation.typed)
        if spec.example:
            check_example(self.derivation, spec.example, partial(spec.source.key, "example"))
        self.example = _floats(self.derivation, spec.example)
        self._check_stated()

    @cached_property
    def file(self) -> Emitted:
        """The generated file."""
        tell("generating the code")
        return outputs.emitted(
            self.derivation,
            self.derivation.notation,
            self.target,
            dtype=self.dtype,
            title=self.spec.title,
            example=self.example,
            **self.options,
            origin=self.spec.path.name,
            name=self.spec.path.stem,
        )

    def tests(self, name: str) -> str:
        """The tests of the generated file, which is called so."""
        return outputs.pytest_file(
            self.derivation,
            self.derivation.notation,
            self.target,
            name,
            (self.spec.expected, self.spec.tolerance),
            dtype=self.dtype,
            example=self.example,
            **self.options,
            origin=self.spec.path.name,
        )

    @cached_property
    def module(self) -> ModuleType:
        """The generated file, loaded."""
        return self.target.load(self.file.text, self.spec.path.stem, self.file.beside)

    @cached_property
    def values(self) -> ExactValues | None:
        """The values at the example of the spec, if it has one."""
        tell("computing the example")
        return exact_values(self.derivation, self.spec.example) if self.spec.example else None

    def _check_stated(self) -> None:
        """Refuse numbers for a derivative by what is not there any more."""
        for stated in (*self.spec.expected, *self.spec.compared):
            if stated.adjoint and stated.value not in self.derivation.system.shapes:
                raise SpecError(
                    f"there are numbers for {stated.key!r}, and with --prepare only sums of "
                    f"{stated.value} are left",
                    where=self.spec.loss.where,
                    hint=f"leave {stated.key!r} out, or derive without --prepare",
                )

    def printed(
        self,
        checks: Sequence[Check],
        path: Path,
        chosen: dict[str, Any],
        *,
        layout: str,
        output: Path | None,
        detail: Any,
        form: Any,
        notation: Any,
        arrangement: Any,
    ) -> str | bytes:
        """The derivation in a format, as it goes to a file or to stdout."""
        tell("printing")
        text = self.derivation.render(
            layout,
            self.values,
            choice=Choice(detail, form, **chosen),
            style=Style(notation, arrangement, self.spec.latex),
            title=self.spec.title.removesuffix("."),
            checks=by_kind(checks),
            compared=self.compared(),
            about=self.spec.about,
            origin=self.spec.path.name,
            code=Code(self.file, path.name) if FORMATS[layout].coded else None,
            coloured=output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ,
        )
        return text if is_stdout(output) else FORMATS[layout].marked(text, self.spec.path.name)

    def compared(self) -> list[tuple[str, str]]:
        """The numbers that the spec compares: by their key, how they compare."""
        if not self.spec.compared or self.values is None:
            return []
        found = comparisons(self.values, self.spec.compared, self.derivation.adjoint_name)
        return [(c.key, str(c)) for c in found]

    def derived(self) -> tuple[Check, ...]:
        """The checks of the derivation; SpecError where the loss has no value anywhere."""
        points = Points(self.derivation, self.seed)
        with suppress(TooLarge):
            _ = points[0]
        return run(self.derivation, points)

    def checks(self) -> tuple[Check, ...]:
        """Everything that has to hold before a file is written."""
        derived = self.derived()
        with np.errstate(all="ignore"):  # numbers are drawn, or given, wherever there are values
            return (
                *derived,
                *self._generated(),
                *self._chunks(),
                *self._at_example(),
                *self._numbers(),
            )

    def _generated(self) -> tuple[Check, ...]:
        """The generated code when it is run, of large fixed sizes that of the same at smaller ones.

        The file itself is loaded all the same.
        """
        derivation = bound(self.derivation, self.options.get("sizes", {}))
        module, found = self.module, tuple[Check, ...]()
        for smaller in to_run(derivation):
            tell("generating the code for smaller sizes")
            plain = self.options.get("plain", False)
            made = outputs.to_run(smaller, self.target, dtype=self.dtype, plain=plain)
            loaded = self.target.load(made.text, "smaller", made.beside)
            checks = self._run(smaller, loaded)
            found = tuple(replace(c, what=f"{c.what}, at smaller sizes") for c in checks)
            if all(c.passed for c in found):
                break
        return found or self._run(derivation, module)

    def _run(self, derivation: Derivation, module: ModuleType) -> tuple[Check, ...]:
        """A module against its equations; where these would take too much memory, by its loss."""
        try:
            return module_checks(derivation, module, self.dtype, self.seed)
        except TooLarge as error:
            return by_its_loss(derivation, module, str(error))

    def _chunks(self) -> Iterator[Check]:
        """What chunks of rows give, beside all rows."""
        if size := self.options.get("split"):
            yield from chunk_checks(self.derivation, self.module, size, self.dtype, self.seed)

    def _at_example(self) -> Iterator[Check]:
        """The generated module at the example, whatever is expected there."""
        if self.values is not None and self.derivation.wrt:
            known, decimals = self.spec.example, self.values.decimals
            yield from at_example(
                self.derivation, self.module, self.example, known, decimals, self.dtype
            )

    def _numbers(self) -> tuple[Check, ...]:
        """The numbers that the spec expects: the gradients as the generated module has them."""
        if not self.spec.expected:
            return ()
        derivation = self.derivation
        values = example_values(derivation, self.spec.example)
        loss, gradients = self.module.loss_and_gradients(**self.example)
        values[derivation.system.output] = loss
        values |= {derivation.adjoint_name[n]: getattr(gradients, n) for n in derivation.wrt}
        tolerance = self.spec.tolerance
        return expected_numbers(values, self.spec.expected, derivation.adjoint_name, tolerance)


def _floats(derivation: Derivation, example: Mapping[str, Any]) -> Mapping[str, Any]:
    """The example as the generated functions take it."""
    if not example or derivation.preparation is None:
        return example
    env = example_point(derivation, example, Floats(np.float64)).env
    return {v.name: env[v.name] for v in derivation.system.variables if v.role != "constant"}


@contextmanager
def about(where: Location) -> Iterator[None]:
    """What is wrong with the whole is told at the line of the loss, and not at the call of it."""
    outside = caller()
    try:
        yield
    except SymgradError as error:
        error.where = where if error.where in (None, NOWHERE, outside) else error.where
        raise
    except RecursionError as error:
        raise SpecError(
            "the loss is nested too deeply",
            where=where,
            hint="give the values on the way names of their own, or write it with arrays",
        ) from error
    except MemoryError as error:
        raise SpecError(
            "the loss can't be checked: it needs more memory than there is",
            where=where,
            hint="make the fixed sizes, or those of --size, smaller, or give them names",
        ) from error
    except OSError:
        raise
    except Exception as error:
        raise Fault(error, where) from error

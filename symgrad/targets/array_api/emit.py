"""The array API target: a module that computes where its arrays are, and wrappers of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from symgrad.errors import SpecError
from symgrad.files import mark
from symgrad.program.memory import Abilities
from symgrad.targets.about import about
from symgrad.targets.array_api.functions import HELPERS, sources
from symgrad.targets.array_api.mathematics import ArrayFace, ArrayMathematics
from symgrad.targets.array_api.words import WORDS
from symgrad.targets.emitted import Emitted, Part
from symgrad.targets.module import Module, size_names
from symgrad.targets.numpy import constants
from symgrad.targets.numpy import emit as numpy
from symgrad.targets.numpy.built import listed
from symgrad.targets.numpy.layout import definition, in_braces, in_brackets, quoted, shape_data
from symgrad.targets.numpy.offered import repr_of
from symgrad.targets.numpy.tuning import PLAIN_PASSES
from symgrad.targets.stages import BACKWARD, FORWARD, OUTPUT, SHARED
from symgrad.targets.target import Target
from symgrad.templating import render

WRAPS = ("torch", "jax")
"""The frameworks whose own differentiation the functions of a file can be part of."""


def wrapper(framework: str) -> str:
    """How the name of a wrapper ends."""
    return f"_{framework}.py"


def emit(module: Module) -> Emitted:
    """The module as text, and what its lines compute; its wrappers are beside it."""
    if module.preparation is not None or module.unroll:
        what = "prepared" if module.preparation else "unrolled"
        raise SpecError(
            f"nothing is {what} in modules of the array API", hint="choose the target numpy"
        )
    numpy.check_names(module.arguments, WORDS)
    module = replace(module, plain=True)
    file = _File(module)
    main = tuple(file.made.function(stage) for stage in (FORWARD, SHARED, OUTPUT, BACKWARD))
    made = Emitted.of(file.parts(), main)
    beside = {wrapper(w): Emitted.of(_File(module, w).parts(), main).text for w in module.wrap}
    return replace(made, beside=beside)


def load(text: str, name: str, beside: Mapping[str, str] | None = None) -> ModuleType:
    """The module that a text is; SpecError where what it imports is not there."""
    if find_spec("array_api_compat") is None:
        raise SpecError(
            "modules of the array API need array_api_compat, also to be checked",
            hint='pip install "symgrad[wrap]", or array-api-compat alone',
        )
    return numpy.load(text, name, beside)


ARRAY_API = Target(
    "array-api",
    "_array_api.py",
    emit,
    load,
    WORDS,
    PLAIN_PASSES,
    Abilities(lambda op: False, lambda op: ()),
    HELPERS,
)


class _File:
    """The parts of a module, in the order in which they stand there; ``wrap``: for a framework."""

    def __init__(self, module: Module, wrap: str = "") -> None:
        self.module, self.wrap = module, wrap
        self.made = ArrayMathematics(module)
        self.face = ArrayFace(self.made, "_value" if wrap else "loss")
        self.names = [v.name for v in module.arguments]
        if wrap:
            _check_wrapped(module)

    def parts(self) -> Iterator[Part]:
        """The first, which imports what the others need, and these."""
        after: list[Part] = ["# The mathematics"]
        after += [[*core.passages(self.module.formulas)] for core in self.made.cores()]
        called = _part("called", offered=[*self.face.offered()])
        after += [*sources(numpy.text_of(after) + called), called]
        after += [self._checked(numpy.text_of(after))]
        after += [_part(self.wrap, **self._wrapped())] if self.wrap else []
        yield self._header(after)
        yield from after

    def _header(self, after: Sequence[Part]) -> str:
        module = self.module
        numbers = [(n, code.replace("np.", "math.")) for n, code in constants.numbers(after)]
        document = [*about(module, checked=False), *_ABOUT[self.wrap]]
        return _part(
            "header",
            wrap=self.wrap,
            title=quoted(module.title),
            origin=mark(module.origin),
            document=[quoted(line) for line in document],
            numbers=numbers,
            arrays=[
                (constants.called(v.name), listed(np.asarray(v.values)))
                for v in module.variables
                if v.role == "constant"
            ],
            imports=numpy.imports([*after, *(code for _, code in numbers)], ()),
            types=[*numpy.types(module)],
        )

    def _checked(self, before: str) -> str:
        module = self.module
        kinds = {v.name: f'"{v.dtype}"' for v in module.arguments if v.dtype != "float"}
        return _part(
            "checked",
            shapes=[f'"{v.name}": {shape_data(v.shape)},' for v in module.arguments],
            kinds=kinds and in_braces(kinds),
            sizes=size_names(module.arguments),
            least=module.least.items(),
            dtype=module.dtype,
            labels="_check_" in before,
        )

    def _wrapped(self) -> dict[str, Any]:
        """What a wrapper needs."""
        module = self.module
        told = module.formulas.get(module.output, module.output)
        return {
            "output": module.output,
            "names": in_brackets([*map(repr_of, self.names)]),
            "given": in_brackets(self.names),
            "arguments": ", ".join(self.names),
            "count": len(self.names),
            "head": definition("loss", [f"{n}: Any" for n in self.names], "Any"),
            "told": quoted(told),
            "parameters": ", ".join(module.gradients),
        }


_ABOUT = {
    "": (
        "",
        "Arrays may be of NumPy, PyTorch, JAX, CuPy or any library of the array API standard:",
        "all of one and on one device, where all is computed.",
    ),
    "torch": ("", "loss() is a function of PyTorch, which differentiates it by what is above."),
    "jax": ("", "loss() is a function of JAX, which differentiates it by what is above."),
}


def _check_wrapped(module: Module) -> None:
    """SpecError where a framework could not differentiate a function that the module has."""
    taken = {v.name for v in module.arguments}
    scalar = not module.program.shapes[module.output]
    if not scalar or module.along or not module.gradients or not set(module.gradients) <= taken:
        raise SpecError(
            "only a loss with its derivatives by inputs is wrapped for a framework",
            hint="leave the wrapper out, or derive a scalar by its parameters",
        )
    if module.not_differentiable:
        raise SpecError(
            f"PyTorch and JAX would differentiate again what is no derivative: "
            f"{module.not_differentiable}",
            hint="leave the wrapper out",
        )


def _part(name: str, **values: Any) -> str:
    return render(f"array_api/{name}.py.jinja", **values).removesuffix("\n")

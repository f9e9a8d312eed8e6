"""Generated C as a module of Python, with the functions of a generated NumPy file."""

from __future__ import annotations

import ctypes
import json
import re
import threading
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symgrad.errors import SpecError
from symgrad.targets.c.blas import gemm
from symgrad.targets.c.bound import binder
from symgrad.targets.c.build import library
from symgrad.targets.c.runtime import source
from symgrad.targets.numpy.runtime.labels import _check_range

MATH = "desk_math.h"
"""Functions that are quicker than those of math.h where there are many numbers."""

_DESCRIBED = re.compile(r"^/\* symgrad: (\{.*\}) \*/$", re.MULTILINE)
_REALS = {"float64": ctypes.c_double, "float32": ctypes.c_float}
_C_TYPES = {"float64": "double", "float32": "float"}
_TYPES = {"int": np.int64, "bool": np.bool_}
_NUMBERS = {"int": ctypes.c_int64, "bool": ctypes.c_bool}


def from_texts(text: str, name: str, beside: Mapping[str, str] | None = None) -> ModuleType:
    """The module of a source and of the header beside it."""
    header = (beside or {}).get(".h", "")
    found = _DESCRIBED.search(header)
    if found is None:
        raise SpecError(f"the header of {name} does not say what is in it")
    about = json.loads(found[1])
    return _Module(about, text, header).module


def load(path: str | Path) -> ModuleType:
    """A file that ``--target c`` has written, compiled, as a module of Python.

    It has the functions of a generated NumPy file.  What is compiled once is kept.  SpecError
    where there is no such file, no C compiler, or where it can't be compiled.
    """
    source = Path(path)
    header = source.with_suffix(".h")
    if source.suffix != ".c" or not source.is_file() or not header.is_file():
        raise SpecError(
            f"there is no {source} with a {header.name} beside it",
            hint="load takes a file that --target c has written",
        )
    texts = [file.read_text(encoding="utf-8") for file in (source, header)]
    return from_texts(texts[0], source.stem, {".h": texts[1]})


class _Module:
    """What the functions of one module share."""

    def __init__(self, about: Mapping[str, Any], text: str, header: str) -> None:
        self.about, self.name = about, about["name"]
        self.library = self._compiled(text, header)
        self.dtype = np.dtype(about["dtype"])
        self.kinds = {name: (kind, tuple(shape)) for name, _, kind, shape in about["arguments"]}
        self.given = self._struct([(f, self._type(k, s)) for _, f, k, s in about["arguments"]])
        self.derived = self._struct([(f, ctypes.c_void_p) for _, f, _ in about["derivatives"]])
        self.output = tuple(about["output"])
        self.slopes = [(name, tuple(shape)) for name, _, shape in about["derivatives"]]
        self.gradients: Any = namedtuple("Gradients", [name for name, _ in self.slopes])  # type: ignore[misc]
        self.bytes = int(self._function("workspace_bytes", ctypes.c_size_t)())
        real = None if self.output else _REALS[about["dtype"]]
        self.functions = {n: self._function(n, real or ctypes.c_bool) for n in _OFFERED}
        self.module = self._offered()

    def _compiled(self, text: str, header: str) -> ctypes.CDLL:
        """The library, which has products by SciPy's if there are large ones."""
        dtype, upper = self.about["dtype"], self.name.upper()
        multiplies = f"defined({upper}_GEMM)" in text and gemm(dtype)
        defined = [f"{upper}_INTEGER=int64_t", f"{upper}_SIMD", f"REAL={_C_TYPES[dtype]}"]
        defined += [f"{upper}_GEMM", "GEMM"] if multiplies else []
        defined += [f'{upper}_MATH="{MATH}"']
        more = source("desk.c").replace("NAME", self.name)
        files = {
            MATH: source(MATH),
            f"{self.name}.h": header,
            f"{self.name}.c": text,
            f"{self.name}_desk.c": more,
        }
        path = library(self.name, files, [f"-D{word}" for word in defined])
        found = ctypes.CDLL(str(path))
        if multiplies:
            ctypes.c_void_p.in_dll(found, f"{self.name}_library").value = gemm(dtype)
        return found

    def _struct(self, fields: Sequence[tuple[str, Any]]) -> Any:
        return type("Struct", (ctypes.Structure,), {"_fields_": [*fields]})

    def _type(self, kind: str, shape: Sequence[int]) -> Any:
        return ctypes.c_void_p if shape else _NUMBERS.get(kind, _REALS[self.about["dtype"]])

    def _function(self, name: str, gives: Any) -> Any:
        found = getattr(self.library, f"{self.name}_{name}", None)
        if found is not None:
            found.restype = gives
        return found

    # Arguments

    def checked(self, given: Sequence[Any]) -> list[Any]:
        """The arguments as arrays that C can read; ValueError where one does not fit."""
        arrays = []
        for (name, (kind, shape)), value in zip(self.kinds.items(), given, strict=True):
            array = _array(name, value, kind, shape)
            array = array.astype(_TYPES.get(kind, self.dtype), copy=False)
            arrays.append(array if array.flags.c_contiguous else array.copy("C"))
        return arrays

    def struct(self, arrays: Sequence[Any]) -> Any:
        """The arguments as C takes them: the arrays have to live as long as it does."""
        return self.given(*(a.ctypes.data if a.shape else a.item() for a in arrays))

    def fits(self, struct: Any, arrays: Sequence[Any]) -> None:
        """ValueError where a label points past its axis."""
        if not self.about["labels"]:
            return
        if self._function("fits", ctypes.c_bool)(ctypes.byref(struct)):
            return
        named = dict(zip(self.kinds, arrays, strict=True))
        for name, part, first, last in self.about["labels"]:
            labels = named[name][tuple(slice(low, high + 1) for low, high in part)]
            _check_range(name, labels, first, last + 1)

    # Calls

    def call(self, function: str, given: Sequence[Any], workspace: Any, *, slopes: bool,
             value: bool) -> tuple[Any, Any]:  # fmt: skip
        """The value, and the gradients, as a function gives them."""
        arrays = self.checked(given)
        room = self.module.Workspace() if workspace is None else workspace
        room.check()
        if workspace is not None:  # a result of the call before may be given back
            arrays = [a.copy() if room.has(a) else a for a in arrays]
        struct = self.struct(arrays)
        self.fits(struct, arrays)
        arguments: list[Any] = [ctypes.byref(struct)]
        arguments += [room.value.ctypes.data_as(ctypes.c_void_p)] if value and self.output else []
        arguments += [ctypes.byref(room.derived)] if slopes else []
        found = self.functions[function](*arguments, room.address)
        return (room.value if self.output else self.dtype.type(found)), room.gradients

    def bound(self, given: Sequence[Any], workspace: Any) -> Callable[[], tuple[Any, Any]]:
        """A function that computes from what is in these arrays when it is called."""
        arrays = self.checked(given)
        kept = [a is b or not a.shape for a, b in zip(arrays, given, strict=True)]
        copies = [name for name, same in zip(self.kinds, kept, strict=True) if not same]
        if copies:
            raise ValueError(f"{', '.join(copies)}: expected an array of {self.dtype}, in one piece"
                             ", to keep")  # fmt: skip
        room = self.module.Workspace() if workspace is None else workspace
        room.check()
        struct = self.struct(arrays)
        self.fits(struct, arrays)
        return _bound(self, struct, arrays, room)

    # The module

    def _offered(self) -> ModuleType:
        """The functions, whose arguments are called as in the spec."""
        module, names = ModuleType(self.name), ", ".join(self.kinds)
        module.__dict__["_made"] = self
        module.__dict__["Gradients"] = self.gradients
        module.__dict__["Workspace"] = _workspace(self)
        exec(_FACE.format(names=names, given=f"({names},)"), module.__dict__)
        for name in () if self.slopes else ("gradients", "loss_and_gradients", "bind"):
            del module.__dict__[name]  # nothing is differentiated
        module.__doc__ = f"{self.name}, compiled from C for {self.dtype}."
        return module


def _array(name: str, value: Any, kind: str, shape: tuple[int, ...]) -> Any:
    """An argument as an array of its shape; ValueError where it does not fit, as of NumPy files."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected an array, got a masked one")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got {error}") from None
    if not np.can_cast(array.dtype, kind, "same_kind" if kind == "int" else "safe"):
        raise ValueError(f"{name}: expected dtype {kind}, got {array.dtype}")
    if array.dtype == np.uint64 and kind == "int" and array.max(initial=0) >= 2**63:
        raise ValueError(f"{name}: expected dtype int64, got {array.max()}")
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    return array


LONG = 100_000
"""Calls with more operations let other threads of Python run meanwhile: some 20 µs."""

_OFFERED = ("loss", "gradients", "loss_and_gradients")
_FACE = '''
def loss({names}, workspace=None):
    """The value."""
    return _made.call("loss", {given}, workspace, slopes=False, value=True)[0]


def gradients({names}, workspace=None):
    """The derivatives."""
    return _made.call("gradients", {given}, workspace, slopes=True, value=False)[1]


def loss_and_gradients({names}, workspace=None):
    """The value, and the derivatives."""
    return _made.call("loss_and_gradients", {given}, workspace, slopes=True, value=True)


def bind({names}, workspace=None):
    """A function of no arguments: the value and the derivatives of what is now in these arrays.

    The arrays are not checked again, and are kept; results are valid until the next call.
    """
    return _made.bound({given}, workspace)
'''


def _bound(made: _Module, struct: Any, arrays: Any, room: Any) -> Callable[[], tuple[Any, Any]]:
    """By an extension of Python where one can be compiled, else by ctypes."""
    function, value = made.functions["loss_and_gradients"], room.value if made.output else None
    kept = (made, struct, arrays, room)
    bind = binder()
    if bind is not None:
        kind = "a" if made.output else "d" if made.dtype == np.float64 else "f"
        at = ctypes.addressof
        given = (at(struct), room.value.ctypes.data, at(room.derived), room.address.value)
        address = ctypes.cast(function, ctypes.c_void_p).value
        long = made.about["operations"] > LONG
        bound: Callable[[], tuple[Any, Any]] = bind(
            ord(kind), long, address, *given, room.value, room.gradients, kept
        )
        return bound
    to = [room.value.ctypes.data_as(ctypes.c_void_p)] if made.output else []
    arguments = (ctypes.byref(struct), *to, ctypes.byref(room.derived), room.address)
    thread, ident = threading.get_ident(), threading.get_ident

    def by_ctypes() -> tuple[Any, Any]:
        if thread != ident():
            raise ValueError("what bind() gave belongs to another thread: bind there")
        found = function(*arguments)
        return (found if value is None else value), room.gradients

    by_ctypes.keeps = kept  # type: ignore[attr-defined]
    return by_ctypes


def _workspace(made: _Module) -> type:
    """The class of workspaces of a module."""

    class Workspace:
        """Memory for what the functions compute, results included: they last until the next call.

        It belongs to the thread that made it.
        """

        def __init__(self, dtype: Any = made.dtype) -> None:
            if np.dtype(dtype) != made.dtype:
                raise ValueError(f"the module computes in {made.dtype}: expected that dtype")
            self._thread = threading.get_ident()
            self._memory = np.zeros(made.bytes // 8 + 8, np.int64)
            start = -self._memory.ctypes.data % 64
            self.address = ctypes.c_void_p(self._memory.ctypes.data + start)
            self.gradients = made.gradients(*(np.empty(s, made.dtype) for _, s in made.slopes))
            self.value = np.empty(made.output, made.dtype)
            self.derived = made.derived(*(a.ctypes.data for a in self.gradients))

        def has(self, array: Any) -> bool:
            """Whether an array lies in what results are written to."""
            own = (*self.gradients, self.value)
            return any(np.may_share_memory(array, a) for a in own)

        def check(self) -> None:
            """ValueError in another thread."""
            if self._thread != threading.get_ident():
                raise ValueError("the workspace belongs to another thread: make one for each")

    return Workspace

"""Spec files: run one, find its loss, its example point and the numbers that it expects."""

from __future__ import annotations

import ast
import contextlib
import difflib
import linecache
import re
import runpy
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from symgrad.errors import Location, SpecError, perhaps
from symgrad.language.array import Array
from symgrad.language.sizes import shape_text
from symgrad.language.tracing import names_in
from symgrad.mathematics.expected import Expected

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Spec:
    """A spec that has been run; ``title`` is the first line of its docstring.

    ``names`` are its arrays by the names that they have; ``expected`` has to be met within
    ``tolerance`` (0: bit for bit), ``compared`` is only reported.
    """

    path: Path
    title: str
    loss: Array
    names: Mapping[str, Array]
    example: Mapping[str, Numbers]
    expected: tuple[Expected, ...]
    compared: tuple[Expected, ...]
    tolerance: float


def load(path: Path, is_possible: Callable[[str], bool] = str.isidentifier) -> Spec:
    """Run a spec file and read what it says; SpecError where something is wrong with it.

    ``is_possible``: whether an input may be called so, where it is to be an argument of a target's
    functions.
    """
    linecache.checkcache(str(path))
    source = Source(path, _read(path))
    namespace = _run(source)
    names = names_of(namespace, is_possible)
    loss = _loss(source, namespace, names)
    used = frozenset(id(array) for array in sources_of([loss]))
    tables = Tables(source, namespace, names, used)
    example = tables.example()
    expected, compared = tables.expectations("expected"), tables.expectations("compared")
    if not example and (expected or compared):
        raise SpecError(
            "the spec says what numbers to expect, but not at which point",
            where=source.binding("expected") or source.binding("compared"),
            hint='add example = {"X": ..., ...} with numbers for every input',
        )
    title = (namespace.get("__doc__") or "The loss and its gradients.").strip().splitlines()[0]
    return Spec(path, title, loss, names, example, expected, compared, tables.tolerance())


# -- the file ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """The text of a spec, for pointing at its lines."""

    path: Path
    text: str

    def at(self, line: int) -> Location:
        """The location of a line, counted from 1."""
        return Location(str(self.path), line)

    def end(self) -> Location:
        """The last line that holds something."""
        return self.at(len(self.text.rstrip().splitlines()) or 1)

    def binding(self, name: str) -> Location | None:
        """Where the module last binds a name at its top level."""
        node = self._assignment(name)
        return None if node is None else self.at(node.lineno)

    def key(self, table: str, key: str) -> Location | None:
        """Where the dict ``table`` has ``key``; where it is bound, if that can't be seen."""
        node = self._assignment(table)
        found = [
            child.lineno
            for child in (ast.walk(node) if node is not None else ())
            if isinstance(child, ast.Constant) and child.value == key
        ]
        return self.at(found[0]) if found else self.binding(table)

    def raised(self, error: BaseException) -> Location:
        """The deepest line of this file that an exception came through."""
        lines = [
            line
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename == str(self.path)
        ]
        return self.at(lines[-1] if lines else 1)

    def _assignment(self, name: str) -> ast.stmt | None:
        bound = [node for node in ast.parse(self.text).body if name in _targets(node)]
        return bound[-1] if bound else None


def _targets(node: ast.stmt) -> set[str]:
    """The names that a statement binds."""
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return {n.id for n in stored if isinstance(n.ctx, ast.Store)}


def _read(path: Path) -> str:
    if not path.is_file():
        what = "is a folder, not a spec" if path.is_dir() else "does not exist"
        raise SpecError(f"the file {path} {what}", hint=_other_files(path))
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"the file {path} can't be read: {error}", hint="a spec is a Python file in UTF-8"
        ) from None


def _other_files(path: Path) -> str:
    folder = path if path.is_dir() else path.parent
    there = sorted(p.name for p in folder.glob("*.py")) if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, there, n=1) or there[:3]
    looked = f"looked in {folder.resolve()}"
    names = " or ".join(str(folder / name) for name in near)
    return f"{looked}\n  " + (f"perhaps {names}" if near else "give the path of a Python file")


def _run(source: Source) -> dict[str, Any]:
    """The namespace of a spec; what it prints goes to stderr."""
    path = str(source.path)
    try:
        with _first_on_path(source.path.parent), contextlib.redirect_stdout(sys.stderr):
            return runpy.run_path(path, run_name=f"spec_{source.path.stem}")
    except SpecError as error:
        error.where = error.where or source.raised(error)
        raise
    except SyntaxError as error:
        if error.filename != path:
            raise _raised(source, error) from error
        raise SpecError(
            f"the spec is not valid Python: {error.msg}",
            where=source.at(error.lineno or 1),
            hint="mend this line, or the one before it",
        ) from None
    except (Exception, SystemExit) as error:
        if isinstance(error.__cause__, SpecError):  # what NumPy has put words of its own around
            raise error.__cause__ from None
        raise _raised(source, error) from error


def _raised(source: Source, error: BaseException) -> SpecError:
    message = " ".join(str(error).split())
    kind = type(error).__name__
    return SpecError(
        f"the spec raised {kind}: {message}" if message else f"the spec raised {kind}",
        where=source.raised(error),
        hint="a spec has to run as a Python script does",
    )


@contextlib.contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """Let a spec import the modules beside it, as a script can."""
    before = sys.path[:]
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path[:] = before


# -- names ------------------------------------------------------------------------------------


def names_of(
    namespace: Mapping[str, Any], is_possible: Callable[[str], bool] = str.isidentifier
) -> dict[str, Array]:
    """The arrays of a module by name: inputs by their own, values by that of their variable.

    The first variable that holds a value names it; the entries of a list ``h`` are ``h0``,
    ``h1``, …  A value whose variable is called as an input is, or begins with ``_``, has no name.
    """
    found = names_in(namespace).items()
    names: dict[str, Array] = {}
    for array in inputs_of(array for _, array in found):
        _add_input(names, array, is_possible)
    seen = {id(a) for a in names.values()}
    for name, array in found:
        if name not in names and id(array) not in seen and array.variable is None:
            names[name] = array
            seen.add(id(array))
    return names


def is_input(array: Array) -> bool:
    """Whether an array is a parameter or data; constants are a part of the mathematics."""
    return array.variable is not None and array.variable.role != "constant"


def inputs_of(arrays: Iterable[Array]) -> Iterator[Array]:
    """Every input that the arrays are made of, themselves included."""
    return filter(is_input, sources_of(arrays))


def sources_of(arrays: Iterable[Array]) -> Iterator[Array]:
    """Everything that the arrays are made of, themselves included, first operands first."""
    seen: set[int] = set()
    todo = list(arrays)[::-1]
    while todo:
        array = todo.pop()
        if id(array) not in seen:
            seen.add(id(array))
            todo.extend(reversed(array.inputs))
            yield array


def _add_input(names: dict[str, Array], array: Array, is_possible: Callable[[str], bool]) -> None:
    assert array.variable is not None
    name, where = array.variable.name, array.variable.where
    if name in names:
        raise SpecError(
            f"two arrays are called {name!r}",
            where=where,
            hint=f"the first is at {names[name].where}; give one of them another name",
        )
    if not is_possible(name):
        raise SpecError(
            f"an input can't be called {name!r}",
            where=where,
            hint="the generated file needs this name itself, or Python does",
        )
    names[name] = array


# -- the loss ---------------------------------------------------------------------------------


def _loss(source: Source, namespace: Mapping[str, Any], names: Mapping[str, Array]) -> Array:
    if "loss" not in namespace:
        scalars = [n for n, a in names.items() if not (a.ndim or is_input(a))]
        raise SpecError(
            "the spec has no `loss`",
            where=source.end(),
            hint=f"end the spec with loss = {scalars[-1] if scalars else 'the scalar to derive'}",
        )
    loss = namespace["loss"]
    where = source.binding("loss") or source.end()
    if not isinstance(loss, Array):
        raise SpecError(
            f"`loss` is of type {type(loss).__name__}, not an array of symgrad",
            where=where,
            hint="compute it from sg.param(...) and sg.data(...)",
        )
    if loss.ndim:
        raise SpecError(
            f"`loss` has the shape {shape_text(loss.shape)}; it has to be a scalar",
            where=where,
            hint="perhaps loss = np.sum(...) or np.mean(...)",
        )
    return loss


# -- numbers ----------------------------------------------------------------------------------

DTYPES: dict[str, type[np.generic]] = {"float": np.float64, "int": np.int64, "bool": np.bool_}


@dataclass(frozen=True)
class Tables:
    """The dicts of numbers in a spec.

    ``used`` has the ``id`` of every array that the loss is made of; ``sizes`` are the named
    sizes, as the first array has them.
    """

    source: Source
    namespace: Mapping[str, Any]
    names: Mapping[str, Array]
    used: frozenset[int]
    sizes: dict[Any, int] = field(default_factory=dict)

    def example(self) -> dict[str, Numbers]:
        """The example point: numbers for every input, or for none."""
        table = self._table("example")
        inputs = {name: array for name, array in self.names.items() if is_input(array)}
        for name in table:
            if name not in inputs:
                raise SpecError(
                    f"`example` has numbers for {name!r}, which is no input",
                    where=self.source.key("example", name),
                    hint=perhaps(name, inputs),
                )
        missing = [name for name in inputs if table and name not in table]
        if missing:
            raise SpecError(
                f"`example` has no numbers for {', '.join(missing)}",
                where=self.source.binding("example"),
                hint="a point has numbers for every input",
            )
        return {
            name: self._numbers("example", name, array.kind, array.shape)
            for name, array in inputs.items()
            if table
        }

    def expectations(self, table: str) -> tuple[Expected, ...]:
        """What ``expected`` or ``compared`` states."""
        return tuple(self._expectation(table, key) for key in self._table(table))

    def tolerance(self) -> float:
        """The largest difference that ``expected`` allows."""
        tolerance = self.namespace.get("expected_tolerance", 0.0)
        if isinstance(tolerance, (int, float)) and tolerance >= 0:
            return float(tolerance)
        raise SpecError(
            f"`expected_tolerance` is {tolerance!r}",
            where=self.source.binding("expected_tolerance"),
            hint="it is the largest difference allowed: a number, 0 for bit for bit",
        )

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.namespace.get(name, {})
        if isinstance(table, Mapping) and all(isinstance(key, str) for key in table):
            return table
        raise SpecError(
            f"`{name}` has to be a dict from names to numbers",
            where=self.source.binding(name),
            hint=f'write {name} = {{"X": [[1, 2]], ...}}',
        )

    def _expectation(self, table: str, key: str) -> Expected:
        bare = key.removesuffix(".T")
        match = re.fullmatch(r"d(?:L|loss)_d(\w+)", bare)
        value = match[1] if match and bare not in self.names else bare
        if value not in self.names:
            raise SpecError(
                f"`{table}` has numbers for {key!r}, and the spec has no {value!r}",
                where=self.source.key(table, key),
                hint=perhaps(value, self.names),
            )
        transposed, adjoint = key != bare, value != bare
        array = self.names[value]
        if id(array) not in self.used and not is_input(array):
            raise SpecError(
                f"`{table}` has numbers for {key!r}, and the loss does not depend on {value}",
                where=self.source.key(table, key),
                hint="leave them out, or use the value in the loss",
            )
        shape = array.shape[::-1] if transposed else array.shape
        numbers = self._numbers(table, key, "float" if adjoint else array.kind, shape)
        return Expected(key, value, numbers, adjoint, transposed)

    def _numbers(self, table: str, key: str, kind: str, shape: tuple[Any, ...]) -> Numbers:
        """Numbers that the spec has written, as an array of this kind and shape."""
        what = f"`{table}[{key!r}]`"
        where = self.source.key(table, key)
        try:
            given = np.asarray(self.namespace[table][key])
            numbers: Numbers = given.astype(DTYPES[kind])
        except (ValueError, TypeError) as error:
            raise SpecError(
                f"{what} is no array of numbers: {error}",
                where=where,
                hint="write nested lists, each of the same length, or a NumPy array",
            ) from None
        if kind != "float" and not np.array_equal(numbers, given):
            raise SpecError(f"{what} is not of dtype {kind}", where=where, hint=f"{key} is {kind}")
        if not self._fits(numbers.shape, shape):
            wanted = shape_text(tuple(self.sizes.get(size, size) for size in shape))
            raise SpecError(
                f"{what} has the shape {shape_text(numbers.shape)}; {key} is {wanted}",
                where=where,
                hint="columns are written [[1], [2]], rows [[1, 2]], vectors [1, 2]",
            )
        return numbers

    def _fits(self, numbers: tuple[int, ...], shape: tuple[Any, ...]) -> bool:
        if len(numbers) != len(shape):
            return False
        known = [
            size if isinstance(size, int) else self.sizes.setdefault(size, number)
            for size, number in zip(shape, numbers, strict=True)
        ]
        return known == list(numbers)

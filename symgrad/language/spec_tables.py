"""The numbers that a spec states: its example point, and what it expects there."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from symgrad.errors import SpecError, perhaps
from symgrad.language.array import Array, describe
from symgrad.language.constants import not_plain
from symgrad.language.nested import overflowing, unreadable
from symgrad.language.sizes import Shape, shape_text
from symgrad.language.spec_names import is_input
from symgrad.language.spec_source import Source
from symgrad.language.wrt import called_by_step, last_turn
from symgrad.mathematics.expected import Expected
from symgrad.mathematics.sizes import named

Numbers = npt.NDArray[Any]


LARGEST = sys.float_info.max


def _told(value: object) -> str:
    return describe(value) if isinstance(value, Array) else repr(value)


DTYPES: dict[str, type[np.generic]] = {"float": np.float64, "int": np.int64, "bool": np.bool_}


@dataclass(frozen=True)
class Tables:
    """The dicts of numbers in a spec.

    ``used`` has the identity of every array that the loss is made of; ``aliases`` are other
    variables that hold its values, ``traced`` the shapes of all values that it is made of, also of
    those without a variable of their own; ``sizes`` are the named sizes, as the first array has
    them.
    """

    source: Source
    namespace: Mapping[str, Any]
    names: Mapping[str, Array]
    used: frozenset[Hashable]
    aliases: Mapping[str, str]
    traced: Callable[[], Mapping[str, Shape]]
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
        if isinstance(tolerance, np.floating):
            tolerance = float(tolerance)
        plain = isinstance(tolerance, (int, float)) and not isinstance(tolerance, bool)
        if plain and 0 <= tolerance <= LARGEST:
            return float(tolerance)
        raise SpecError(
            f"`expected_tolerance` is {_told(tolerance)}",
            where=self.source.binding("expected_tolerance"),
            hint="it is the largest difference allowed: a finite number, 0 for bit for bit",
        )

    def symbols(self) -> dict[str, str]:
        """What ``latex`` has for the names of values and sizes."""
        table = self.namespace.get("latex")
        if not isinstance(table, Mapping):  # a function may be called so
            return {}
        sizes = named(s for array in self.names.values() for s in array.sizes)
        for name, shown in table.items():
            if name not in (*self.names, *sizes):
                raise SpecError(
                    f"`latex` has a symbol for {name!r}, and the spec has no {name!r}",
                    where=self.source.key("latex", name),
                    hint=perhaps(str(name), [*self.names, *sizes]),
                )
            if not isinstance(shown, str) or not _is_a_formula(shown):
                raise SpecError(
                    f"`latex[{name!r}]` is {shown!r}, which is no symbol",
                    where=self.source.key("latex", name),
                    hint=f'write it as between two dollar signs: latex = {{{name!r}: r"\\ell"}}',
                )
        return dict(table)

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.namespace.get(name, {})
        if isinstance(table, Mapping) and all(isinstance(key, str) for key in table):
            return {unicodedata.normalize("NFKC", key): table[key] for key in table}
        raise SpecError(
            f"`{name}` has to be a dict from names to numbers",
            where=self.source.binding(name),
            hint=f'write {name} = {{"X": [[1, 2]], ...}}',
        )

    def _expectation(self, table: str, key: str) -> Expected:
        bare = key.removesuffix(".T")
        match = re.fullmatch(r"d(?:L|loss)_d(\w+)", bare)
        value = match[1] if match and bare not in self.names else bare
        value = self.aliases.get(value, value)
        transposed, adjoint = key != bare, match is not None and bare not in self.names
        if value not in self.names:
            return self._of_a_turn(table, key, value, transposed=transposed, adjoint=adjoint)
        array = self.names[value]
        if array.step_name and value not in self.traced():
            step = called_by_step(value, self.names, [*self.traced()]) or array.step_name
            if not adjoint:  # the numbers of both are the same
                return self._of_a_turn(table, key, step, transposed=transposed, adjoint=False)
            raise SpecError(
                f"`{table}` has numbers for {key!r}, and {value} is what the step of sg.scan calls "
                f"{step}",
                where=self.source.key(table, key),
                hint=f"state them for dL_d{step}, which holds what later steps make of it",
            )
        if adjoint and array.kind != "float":
            held = {"int": "integers", "bool": "truth values"}[array.kind]
            raise SpecError(
                f"`{table}` has numbers for {key!r}, and {value} holds {held}, by which there is "
                f"no derivative",
                where=self.source.key(table, key),
                hint="leave them out",
            )
        if array.identity not in self.used and not is_input(array):
            raise SpecError(
                f"`{table}` has numbers for {key!r}, and the loss does not depend on {value}",
                where=self.source.key(table, key),
                hint="leave them out, or use the value in the loss",
            )
        shape = array.shape[::-1] if transposed else array.shape
        numbers = self._numbers(table, key, "float" if adjoint else array.kind, shape)
        return Expected(key, value, numbers, adjoint, transposed)

    def _of_a_turn(
        self, table: str, key: str, value: str, *, transposed: bool, adjoint: bool
    ) -> Expected:
        """What is stated of a value of one turn of a loop, or of a line of a function: of h1."""
        traced = self.traced()
        value = value if value in traced else last_turn(value, traced) or value
        if value not in traced:
            raise SpecError(
                f"`{table}` has numbers for {key!r}, and the spec has no {value!r}",
                where=self.source.key(table, key),
                hint=self._meant(key) or perhaps(value, self.names),
            )
        shape = traced[value][::-1] if transposed else traced[value]
        return Expected(key, value, self._numbers(table, key, "float", shape), adjoint, transposed)

    def _meant(self, key: str) -> str:
        """How the derivative is written that a key may stand for: ``dp``, ``dL/dp``, ``grad_p``."""
        ends = (re.fullmatch(rf".*d_?{re.escape(n)}(_?T|\.T)*", key.strip()) for n in self.names)
        found = [n for n, fits in zip(self.names, ends, strict=True) if fits]
        longest = max(found, key=len, default="")
        return f"the derivative of the loss by {longest} is called dL_d{longest}" if found else ""

    def _numbers(self, table: str, key: str, kind: str, shape: tuple[Any, ...]) -> Numbers:
        """Numbers that the spec has written, as an array of this kind and shape."""
        what = f"`{table}[{key!r}]`"
        where = self.source.key(table, key)
        written = self._table(table)[key]
        if reason := _unusable(written):
            raise SpecError(f"{what} {reason[0]}", where=where, hint=reason[1])
        try:
            given = np.asarray(written)
            if given.dtype.kind not in "fiubO":
                raise TypeError(f"it has the dtype {given.dtype}")
            with np.errstate(over="ignore"):
                numbers: Numbers = given.astype(DTYPES[kind])
        except (ValueError, TypeError, OverflowError) as error:
            raise SpecError(
                f"{what} is no array of numbers: {error}",
                where=where,
                hint="write nested lists, each of the same length, or a NumPy array",
            ) from None
        if reason := _no_entries(given, numbers, kind, key):
            raise SpecError(f"{what} {reason[0]}", where=where, hint=reason[1])
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


def _unusable(written: Any) -> tuple[str, str] | None:
    """Why something that stands for numbers is no array of them, and what to do."""
    if reason := unreadable(written):
        return reason
    if _holds_values(written):
        return (
            "has values of the spec in it, which have no numbers yet",
            "write the numbers themselves, as in [[1, 2], [3, 4]]",
        )
    return not_plain(written)


def _no_entries(given: Numbers, numbers: Numbers, kind: str, key: str) -> tuple[str, str] | None:
    """What is wrong with an entry of numbers that were given, and what to do."""
    if kind != "float" and not np.array_equal(numbers, given):
        return f"is not of dtype {kind}", f"{key} is {kind}"
    if large := overflowing(given, numbers):
        return f"holds {large}, which is larger than any float64", "an infinity is np.inf"
    if np.isnan(numbers).any():
        return (
            "holds NaN, which is no number",
            "give a number for every entry; an infinity is np.inf",
        )
    return None


def _is_a_formula(shown: str) -> bool:
    """Whether this can stand in a formula: every brace is closed, and nothing leaves it."""
    signs = re.sub(r"\\[A-Za-z{}]+", "", shown)
    closed = all(signs[:k].count("{") >= signs[:k].count("}") for k in range(len(signs)))
    even = signs.count("{") == signs.count("}")
    return bool(shown.strip()) and closed and even and not re.search(r"[$&%#\n\\]", signs)


def _holds_values(written: Any) -> bool:
    """Whether there are symbolic values among what stands for numbers."""
    if isinstance(written, np.ndarray) and written.dtype != object:
        return False
    several = written.flat if isinstance(written, np.ndarray) else written
    if isinstance(several, (list, tuple, np.flatiter)):
        return any(map(_holds_values, several))
    return isinstance(written, Array)

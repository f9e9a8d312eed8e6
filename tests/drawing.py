"""Random specs are written here line by line: what their values are at a point is always known."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import scipy.special
from hypothesis import strategies as st

from symgrad.mathematics.assumptions import Assumption
from tests.stand_ins import StandIn, windows

Draw = Callable[[st.SearchStrategy[Any]], Any]
SIZES = (1, 2, 3, 4)
OTHER_SIZE = {2: 3, 3: 4, 4: 2}
"""What a size is the second time, where it has a name."""
MOST_ENTRIES = 96
LARGEST = 30.0
AWAY = 1e-3
"""How far from a kink a value is, at least."""


@dataclass(repr=False)
class Spec:
    """The lines of a spec, and the numbers of its inputs at one point.

    ``named``: the sizes that have names, the same for equal sizes.  ``wrt``: what to differentiate
    by, where it is not the parameters.  ``asked``: ``hessian``, ``hvp``, ``jacobian`` or ``jvp``,
    where it is not the gradient.  ``at_kinks``: whether values may be where a slope has a jump.
    """

    params: list[str]
    inputs: dict[str, np.ndarray]
    lines: list[str] = field(default_factory=list)
    assumed: dict[str, Assumption] = field(default_factory=dict)
    named: frozenset[int] = frozenset()
    wrt: tuple[str, ...] = ()
    asked: str = ""
    at_kinks: bool = False

    @property
    def code(self) -> str:
        """The spec, with a comment for each input."""
        heads = [
            f"# {name}: {'param' if name in self.params else 'data'} {value.shape} {value.dtype}"
            f"{f' {self.assumed[name]}' if name in self.assumed else ''}"
            for name, value in self.inputs.items()
        ]
        heads += [f"# sizes {sorted(self.named)} have names"] if self.named else []
        heads += [f"# {self.asked} wrt {self.wrt}"] if self.asked or self.wrt else []
        heads += ["# at kinks"] if self.at_kinks else []
        return "\n".join([*heads, *self.lines])

    def __repr__(self) -> str:
        return f"\n{self.code}\n"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The same where Hypothesis prints it."""
        printer.text(repr(self))

    @property
    def last_value(self) -> str:
        """The value of which there is a Jacobian: the one that the loss is made of last."""
        return self.reached()[0]

    @property
    def holds(self) -> bool:
        """Whether a value has the backward pass of another one."""
        return any(
            f"sg.{f}(" in self.code for f in ("rounded", "straight_through", "stop_gradient")
        )

    def reached(self) -> list[str]:
        """The inputs and values that the loss depends on, the latest first."""
        needed, found = {"loss"}, []
        for line in self.lines[::-1]:
            name = _made(line)
            if name in needed:
                found.append(name)
                needed |= set(re.findall(r"\w+", line))
        return [*found[1:], *(n for n in self.inputs if n in needed)]

    def shape(self, name: str) -> tuple[int | str, ...]:
        """The shape of an input as the spec declares it."""
        return tuple(f"N{n}" if n in self.named else n for n in self.inputs[name].shape)

    def run(
        self,
        np_like: ModuleType,
        special: ModuleType,
        stands_for_sg: Any = None,
        moved: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> dict[str, Any]:
        """The values that the lines compute, over a module that answers like NumPy.

        ``moved``: what is added to values on the way, by their names.
        """
        own = stands_for_sg or StandIn(np_like, special)
        space = scope(np_like, special, own) | {**self.inputs, **values}
        space["_moved"] = moved
        exec(compile(self._moving(moved or {}), "<spec>", "exec"), space)
        return space

    def _moving(self, moved: Mapping[str, Any]) -> str:
        lines = [
            f"{line}\n{name} = {name} + _moved[{name!r}]"
            if (name := _made(line)) in moved
            else line
            for line in self.lines
        ]
        return "\n".join(lines)


def _made(line: str) -> str:
    """The name of the value that a line makes; what comes before it has names of its own."""
    return line.rpartition("\n")[2].partition(" = ")[0]


def scope(np_like: ModuleType, special: ModuleType, stands_for_sg: Any) -> dict[str, Any]:
    """What the code of a spec may call."""

    def these(x: Any, length: int, axis: int) -> Any:
        return windows(np_like, x, length, axis)

    return {"np": np_like, "special": special, "sg": stands_for_sg, "windows": these}


# -- arrays of which something is assumed ---------------------------------------------------------


def _one_hot(x: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray((x == x.max(axis, keepdims=True)).astype(float))


def _sums_to_one(x: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(np.exp(x) / np.exp(x).sum(axis, keepdims=True))


def _unit_norm(x: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(x / np.sqrt((x**2).sum(axis, keepdims=True)))


def _orthogonal(x: np.ndarray, axis: Any) -> np.ndarray:
    return np.asarray(np.linalg.qr(x)[0])


ASSUMED: dict[str, Callable[[np.ndarray, Any], np.ndarray]] = {
    "one_hot": _one_hot,
    "sums_to_one": _sums_to_one,
    "unit_norm": _unit_norm,
    "positive": lambda x, _: np.asarray(np.abs(x) + 0.1),
    "symmetric": lambda x, _: np.asarray((x + np.swapaxes(x, -1, -2)) / 2),
    "orthogonal": _orthogonal,
}
"""Numbers that keep an assumption, from any."""


class Writer:
    """Writes line after line, and knows what each value is at the point."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.spec = Spec([], {})
        self.values: dict[str, np.ndarray] = {}
        self.alike = False
        """Whether all axes have one size: then values meet more often."""
        self.parts: list[str] = []
        """Values that a rewriting may go past."""
        self.point = np.random.default_rng(draw(st.integers(0, 50)))

    # -- what is drawn ------------------------------------------------------------------------

    def number(self, least: int, most: int) -> int:
        """A whole number, the least one first."""
        return int(self.draw(st.integers(least, most)))

    def one_of(self, items: Sequence[Any]) -> Any:
        return items[self.number(0, len(items) - 1)]

    def size(self) -> int:
        return 3 if self.alike else int(self.one_of(SIZES[::-1]))

    def flag(self) -> bool:
        return bool(self.draw(st.booleans()))

    def seldom(self, times: int) -> bool:
        """Once in so many times."""
        return self.number(1, times) == times

    def value(self, least: int = 0, most: int = 3) -> str:
        """A value with so many axes, the latest first; an input is made where there is none."""
        fitting = [n for n, v in self.values.items() if least <= v.ndim <= most]
        if not fitting or self.number(0, 9) == 0:
            return self.input([self.size() for _ in range(self.number(least, most))])
        return str(self.one_of(fitting[::-1]))

    def beside(self, name: str) -> str:
        """A value that broadcasts with another one."""
        shape = self.values[name].shape
        fitting = [n for n, v in self.values.items() if _broadcast(v.shape, shape)]
        if len(fitting) > 1 and self.flag():
            return str(self.one_of(fitting))
        mine = [1 if self.number(0, 3) == 0 else n for n in shape]
        return self.input(mine[self.number(0, len(mine)) :])

    def like(self, name: str) -> str:
        """A value of the same shape, which may be the value itself."""
        shape = self.values[name].shape
        fitting = [n for n, v in self.values.items() if v.shape == shape]
        return self.input(shape) if self.seldom(4) else str(self.one_of(fitting))

    def axis(self, name: str) -> int:
        ndim = self.values[name].ndim
        return self.number(-ndim, ndim - 1)

    def axes(self, name: str) -> str:
        """An argument that says which axes to reduce, and whether to keep them."""
        ndim = self.values[name].ndim
        kind = self.number(0, 3) if ndim else 0
        keep = ", keepdims=True" if self.flag() else ""
        if kind == 0:
            return keep
        if kind == 1 and ndim > 1:
            pair = self.draw(st.permutations(range(ndim)))[: self.number(2, ndim)]
            return f", axis={tuple(pair)}{keep}"
        return f", axis={self.axis(name)}{keep}"

    # -- what is written ----------------------------------------------------------------------

    def input(self, shape: Sequence[int], kind: str = "") -> str:
        """A new input of this shape, of which ``kind`` is assumed."""
        name = f"x{len(self.spec.inputs)}"
        array = np.asarray(self.point.uniform(-1.5, 1.5, size=tuple(shape)))
        if kind:
            axis = self.number(0, len(shape) - 1) if "_" in kind else None
            array = ASSUMED[kind](array, axis)
            self.spec.assumed[name] = Assumption(kind, axis)
        elif self.spec.at_kinks:
            array = np.round(2 * array) / 2
        if not self.spec.params or (kind != "one_hot" and self.number(0, 3)):
            self.spec.params.append(name)
        self.spec.inputs[name] = self.values[name] = array
        return name

    def labels(self, shape: Sequence[int], bound: int, first: int = 0) -> str:
        """``bound`` integers from the first one; an input that there is, now and then."""
        fitting = [
            n
            for n, v in self.spec.inputs.items()
            if v.dtype == int
            and v.shape == tuple(shape)
            and first <= v.min()
            and v.max() < first + bound
        ]
        if fitting and self.flag():
            return str(fitting[0])
        name = f"y{len(self.spec.inputs)}"
        self.spec.inputs[name] = self.point.integers(first, first + bound, size=tuple(shape))
        return name

    def conditions(self, shape: Sequence[int]) -> str:
        """A new input of truth values."""
        name = f"m{len(self.spec.inputs)}"
        self.spec.inputs[name] = self.point.random(size=tuple(shape)) < 0.5
        return name

    def evaluate(self, expression: str, before: str = "") -> np.ndarray | None:
        """Its value at the point; None where it has none that is good to go on with."""
        space = scope(np, scipy.special, StandIn(np, scipy.special))
        space |= self.spec.inputs | self.values
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                exec(before, space)
                value = np.asarray(eval(expression, space))
        except (ValueError, IndexError, np.linalg.LinAlgError):
            return None
        good = value.dtype == float and value.ndim <= 3 and 0 < value.size <= MOST_ENTRIES
        return value if good and np.abs(value).max() < LARGEST else None

    def line(self, expression: str, *margins: str, before: str = "") -> str | None:
        """A new value; None where it is not good, or a margin (what must not be 0) is small.

        ``before``: lines that come before it.
        """
        for margin in () if self.spec.at_kinks else margins:
            distance = self.evaluate(margin)
            if distance is None or np.abs(distance).min() < AWAY:
                return None
        value = self.evaluate(expression, before)
        if value is None:
            return None
        name = f"v{len(self.spec.lines)}"
        self.spec.lines.append(f"{before}\n{name} = {expression}".lstrip("\n"))
        self.values[name] = value
        return name

    def fresh(self, letter: str) -> str:
        """A name of its own for what is no value to go on with."""
        return f"{letter}{len(self.spec.lines)}"


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    with contextlib.suppress(ValueError):
        return int(np.prod(np.broadcast_shapes(one, other))) <= MOST_ENTRIES
    return False

"""Recurrences: a step that is derived once, and run over the length of an axis."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import CodeType, FrameType
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, describe, made_of
from symgrad.language.constants import as_array
from symgrad.language.inputs import checked_size
from symgrad.language.joining import stack
from symgrad.language.registry import one_call
from symgrad.language.shapes import broadcast_to
from symgrad.language.sizes import dim_of, shape_text
from symgrad.mathematics.indices import Index, axis_index, entry, fresh, is_entry, name_of
from symgrad.mathematics.recurrences import Carried, Final, Recurrent
from symgrad.mathematics.sizes import Size, same

Step = Callable[[Any, Any], tuple[Any, Any]]


def scan(
    step: Step, init: Any, xs: Any = None, *, length: Any = None, reverse: bool = False
) -> tuple[Any, Any]:
    """A recurrence: ``carry, y = step(carry, x)`` for each x along the first axis of ``xs``.

    ``init`` is the carry before the first step.  Carry, x and y are arrays, or tuples of them, or
    None; ``xs`` of None has a ``length``, an int or the name of a size.  ``reverse``: from the last
    x to the first.  It returns the last carry, and the ys along a first axis.  The step is derived
    once, whatever the length is.

    SpecError where the length is not known or not the same everywhere, and where a step makes a
    carry of another shape.

    >>> import symgrad as sg
    >>> x, a = sg.data("x", ("T",)), sg.param("a", ())
    >>> last, ys = sg.scan(lambda c, x: ((c := a * c + x), c), 0.0, x)
    >>> ys.shape
    (T,)
    """
    starts = [_number(a) for a in _leaves(init)]
    given = [as_array(a) for a in _leaves(xs)]
    size = _length(given, length)
    if size == 1:
        carry, y = _stepped(step, init, _filled(xs, [a[0] for a in given]))
        return carry, _filled(y, [stack([a]) for a in map(as_array, _leaves(y))])
    traced = _Traced(step, init, xs, starts, given)
    lifting = _Lifting(fresh(size), dict(zip((e.key for e in traced.each), given, strict=True)))
    became = lifting.carries(traced.befores, traced.new, starts, -1 if reverse else 1)
    last = [_final(a, s, size, -1 if reverse else 1) for a, s in zip(became, starts, strict=True)]
    ys = [lifting.whole(as_array(a)) for a in _leaves(traced.y)]
    lifting.names(traced.seen, traced.befores, became)
    return _filled(traced.carry, last), _filled(traced.y, ys)


class _Traced:
    """One run of a step, on arrays that stand for what it is called with.

    ``befores`` and ``each`` are these; ``new`` are the arrays of the carry that it makes, ``y`` is
    what it gives besides, and ``seen`` are its local variables.
    """

    def __init__(
        self, step: Step, init: Any, xs: Any, starts: Sequence[Array], given: Sequence[Array]
    ) -> None:
        with one_call():
            self.befores = [_held(s.sizes, "float") for s in starts]
            self.each = [_held(a.sizes[1:], a.kind) for a in given]
        self.seen: dict[str, Any] = {}
        seen = self.seen if hasattr(step, "__code__") else None
        self.carry, self.y = _stepped(
            step, _filled(init, self.befores), _filled(xs, self.each), seen
        )
        self.new = [_number(a) for a in _leaves(self.carry)]
        _check(self.new, starts)


# -- what a step is called with, and what it gives -------------------------------------------------


def _leaves(tree: Any) -> list[Any]:
    """The arrays of a tuple of tuples, in order."""
    if tree is None:
        return []
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in _leaves(part)]
    return [tree]


def _filled(tree: Any, leaves: Sequence[Any]) -> Any:
    """The same tuples with other arrays."""
    rest = iter(leaves)

    def fill(part: Any) -> Any:
        if part is None:
            return None
        if isinstance(part, (tuple, list)):
            parts = [fill(p) for p in part]
            return type(part)(*parts) if hasattr(part, "_fields") else type(part)(parts)
        return next(rest)

    return fill(tree)


def _number(value: Any) -> Array:
    """A carry as an array of floats."""
    array = as_array(value)
    return array if array.kind == "float" else array.astype(float)


def _length(given: Sequence[Array], length: Any) -> Size:
    """How many steps there are."""
    if scalars := [a for a in given if not a.ndim]:
        raise SpecError(
            f"sg.scan runs along the first axis of xs, and {describe(scalars[0])} has none",
            where=caller(),
            hint="what is the same in each step needs no place in xs: the step may use it",
        )
    sizes = [a.sizes[0] for a in given]
    if length is not None:
        sizes.append(checked_size(length, "length", caller()))
    if not sizes:
        raise SpecError(
            "sg.scan without xs has no length",
            where=caller(),
            hint='give it length="T" or a number',
        )
    if differing := [s for s in sizes if not same(s, sizes[0])]:
        raise SpecError(
            f"sg.scan has the lengths {dim_of(sizes[0])} and {dim_of(differing[0])}",
            where=caller(),
            hint="all xs have one length, that of their first axes",
        )
    return sizes[0]


def _held(sizes: Sequence[Size], kind: Any) -> Array:
    """An array that stands for what a step is called with."""
    return Array([axis_index(s) for s in sizes], None, dtype=kind)


def _stepped(step: Step, carry: Any, x: Any, seen: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """What a step gives; ``seen`` gets its local variables."""
    code = getattr(step, "__code__", None)
    before = sys.getprofile()
    if seen is not None:
        sys.setprofile(_watching(code, seen))
    try:
        found = step(carry, x)
    finally:
        if seen is not None:
            sys.setprofile(before)
    if not isinstance(found, tuple) or len(found) != 2:
        raise SpecError(
            "the step of sg.scan gives no pair (carry, y)",
            where=caller(),
            hint="return carry, y; None is the y of a step that gives none",
        )
    return found


def _watching(code: CodeType | None, seen: dict[str, Any]) -> Any:
    def watch(frame: FrameType, event: str, value: Any) -> None:
        if event == "return" and frame.f_code is code:
            seen.clear()
            seen.update(frame.f_locals)

    return watch


def _check(new: Sequence[Array], starts: Sequence[Array]) -> None:
    if len(new) != len(starts):
        raise SpecError(
            f"the step of sg.scan makes {len(new)} arrays of a carry of {len(starts)}",
            where=caller(),
            hint="the carry that it returns is like init",
        )
    for after, start in zip(new, starts, strict=True):
        if after.sizes != start.sizes:
            raise SpecError(
                f"the step of sg.scan makes a carry of shape {shape_text(after.shape)} "
                f"of one of shape {shape_text(start.shape)}",
                where=caller(),
                hint="init has to have the shape of the carry of each step",
            )


# -- the values of one step for all steps ----------------------------------------------------------


def _final(array: Array, start: Array, size: Size, turned: int) -> Array:
    """The carry after the last step."""
    indices = [axis_index(s) for s in start.sizes]
    rhs = Final.of(array.key, turned, 0, start.at(indices), size, indices)
    last = Array(indices, rhs, [start], op="structure")
    last.feeds = array
    return last


class _Lifting:
    """The arrays of one step as arrays with the steps along their first axis."""

    def __init__(self, time: Index, given: Mapping[str, Array]) -> None:
        self.time = time
        self.done: dict[str, Array] = dict(given)
        self.befores: dict[str, Array] = {}

    def carries(
        self, befores: Sequence[Array], new: Sequence[Array], starts: Sequence[Array], turned: int
    ) -> list[Array]:
        """What the steps make of the carry, which the next ones read."""
        for before, start in zip(befores, starts, strict=True):
            self.carry(before, start)
        found = [self.carried(a) for a in new]
        for before, array, start in zip(befores, found, starts, strict=True):
            self.feed(before, array, start, turned)
        return found

    def carry(self, before: Array, start: Array) -> None:
        """What a step is called with is what the step before has made; that comes later."""
        indices = (self.time, *before.indices)
        found = Array(indices, sp.S.Zero, [start], op="structure")
        found.call, found.lines, found.where = before.call, before.lines, before.where
        self.done[before.key] = self.befores[before.key] = found

    def feed(self, before: Array, new: Array, start: Array, turned: int) -> None:
        """Say what it is."""
        array = self.befores[before.key]
        value = start.at(before.indices)
        array._rhs = Carried.of(new.key, turned, 0, value, array.indices)
        array.feeds = new

    def carried(self, new: Array) -> Array:
        """A carry that a step has made; a value of its own, whatever it is made of."""
        found = self.whole(new)
        own = found.variable is None and not any(found is b for b in self.befores.values())
        if found.carried or not own or not self._depends(new):
            indices = [axis_index(s) for s in found.sizes]
            found = Array(indices, found.at(indices), [found], op="structure")
        found.carried = True
        return found

    def whole(self, array: Array) -> Array:
        """An array of all steps; the same in each of them if it is made of nothing of a step."""
        if self._depends(array):
            return self.done[array.key]
        return broadcast_to(array, (dim_of(self.time.size), *array.shape))

    def _depends(self, array: Array) -> bool:
        """Whether it is made of what is another in each step; it is then lifted, and these too."""
        array.at(array.indices)  # an error where it has been changed itself
        below = [a for a in made_of(array, self.done) if a.key not in self.done]
        moving = set(self.done)
        count = 0
        while count < len(moving):
            count = len(moving)
            moving |= {a.key for a in below if any(i.key in moving for i in a.needs)}
        for one in below:
            if one.key in moving:
                self.done[one.key] = self._one(one)
        for one in below:
            if one.key in moving and isinstance(one.rhs, Recurrent) and one.feeds is not None:
                self.done[one.key]._rhs = self._recurrent(one.rhs)
                self.done[one.key].feeds = self.done[one.feeds.key]
        return array.key in moving

    def _recurrent(self, rhs: Recurrent) -> sp.Expr:
        """What is read of another step of a recurrence inside of this one."""
        _, step, place, start, *rest = rhs.args
        size = rest[:1] if isinstance(rhs, Final) else []
        indices = (*size, self.time, *rest[len(size) :])
        key = sp.core.symbol.Str(self.done[rhs.source].key)
        return rhs.func(key, step, place + 1, self._at_each(start), *indices)

    def _one(self, array: Array) -> Array:
        """The array for all steps of what has been lifted."""
        inputs = [self.done.get(i.key, i) for i in array.inputs]
        assert array.rhs is not None
        found = Array(
            (self.time, *array.indices),
            self._at_each(array.rhs),
            inputs,
            dtype=array.kind,
            decimals=array.decimals,
            backward=None if array.backward is None else self._at_each(array.backward),
            op=array.op,
            domain=[replace(c, of=self._at_each(c.of)) for c in array.domain],
        )
        found.lines, found.where, found.call = array.lines, array.where, array.call
        found.called, found.step_name = array.called, array.step_name
        found.carried = array.carried
        found.pointing = tuple((self._at_each(p), size) for p, size in array.pointing)
        return found

    def _at_each(self, expr: sp.Expr) -> sp.Expr:
        """An expression with entries of lifted arrays, at the time, in place of those of a step."""
        if is_entry(expr):
            indices = [self._at_each(i) for i in getattr(expr, "indices", ())]
            array = self.done.get(name_of(expr))
            if array is not None:
                return entry(array.key, (self.time, *indices), integer=array.kind == "int")
            return expr if not indices else expr.func(expr.base, *indices)
        if not expr.args or isinstance(expr, Recurrent):
            return expr  # a recurrence inside of this one gets another when all of it is lifted
        return expr.func(*map(self._at_each, expr.args))

    def names(
        self, seen: Mapping[str, Any], befores: Sequence[Array], became: Sequence[Array]
    ) -> None:
        """What the step calls its values, these are called too."""
        for name, value in seen.items():
            if isinstance(value, Array) and not name.startswith("_"):
                lifted = self.done.get(value.key)
                new = value.key not in self.befores
                fits = lifted is not None and lifted.variable is None and not lifted.step_name
                if lifted is not None and fits and new:
                    lifted.step_name = name
        for before, array in zip(befores, became, strict=True):
            self.befores[before.key].step_name = f"{array.step_name or 'carry'}_before"

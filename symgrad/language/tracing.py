"""From the arrays of a spec to a system of named equations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import sympy as sp

from symgrad.errors import SpecError
from symgrad.language.array import Array, made_of
from symgrad.language.assigned import Turn, targets_of, turn_of, turns_of
from symgrad.language.constants import as_array
from symgrad.language.defined import check_defined, undefined, vanishes
from symgrad.language.inside import (
    LONGEST,
    is_product,
    is_root,
    linear_entries,
    with_sign,
    written_in_terms,
)
from symgrad.language.repeated import repeated
from symgrad.language.sizes import shape_text
from symgrad.mathematics.algebra import BINDERS, canonical_equation, instance, weight
from symgrad.mathematics.conditions import Condition, conditions
from symgrad.mathematics.equations import (
    Equation,
    System,
    Variable,
    bounds_of_inputs,
    shapes_of,
)
from symgrad.mathematics.indices import Index, entries, indices_of, is_entry, name_of
from symgrad.mathematics.ordering import Standing
from symgrad.mathematics.ranges import (
    Bounds,
    Label,
    check_possible,
    like,
    part_at,
    promised,
    sizes_of,
    solved,
    tightest,
)
from symgrad.mathematics.records import Constant
from symgrad.mathematics.recurrences import Recurrent
from symgrad.mathematics.reductions import absolute
from symgrad.mathematics.sizes import Size, fixed, is_size


def trace(output: Array, names: Mapping[str, Array]) -> System:
    """The equations that ``output`` depends on, each value under its name in ``names``.

    A value without a name is written into its consumer, unless it is used twice, is a contraction
    that feeds something non-linear, or would make the equation too long to read.
    """
    order = made_of(output)
    names = _with_steps(names, order)
    variables = _variables(order, names)
    named = _named(order, names, {v.name for v in variables})
    targets = targets_of(order)
    equations, inlined = _equations(order, output, named, targets)
    taken = {v.name for v in variables} | set(named.values())
    constants = _constants(variables, names, taken)
    variables = tuple(replace(v, name=constants.get(v.name, v.name)) for v in variables)
    # as the lines of the spec come: from the loss back, the input of a sum may come before another
    kept = sorted((a for a in order if a.key in equations), key=lambda a: (a.call, a.piece or 0))
    asked = {*named, *targets, output.key}
    same = repeated((a for a in kept if a.key not in asked), equations)
    kept = [a for a in kept if a.key not in same]
    letter = next((c for c in LETTERS if c not in taken), LETTERS[0])
    final = constants | {
        a.key: named.get(a.key) or _numbered(targets.get(a.key, letter), taken) for a in kept
    }
    final |= {key: final[first] for key, first in same.items()}
    bounds = _bounds(order, inlined, equations)
    system = tuple(canonical_equation(_renamed(equations[a.key], final, bounds)) for a in kept)
    given = tuple(_given(variables, system, bounds))
    invented = frozenset(final[a.key] for a in kept if a.key not in named)
    nameless = frozenset(final[a.key] for a in kept if a.key not in {*named, *targets})
    return System(
        given,
        system,
        final.get(output.key, output.key),
        _pinned(given, system),
        invented,
        nameless,
        domain=tuple(_domain(order, inlined, equations, final, bounds)),
    )


LETTERS = "tuvwrsq"
"""What values without a name are called, with a number: the first that is no name in the spec."""


def _given(
    variables: Iterable[Variable],
    system: Iterable[Equation],
    bounds: Mapping[str, tuple[Bounds, ...]],
) -> Iterator[Variable]:
    """The inputs, with what is known of labels; of constants those that are read."""
    sides = (r for e in system for r in (e.rhs, e.backward) if r is not None)
    used = {name_of(a) for r in sides for a in entries(r)}
    for variable in variables:
        if variable.role != "constant" or variable.name in used:
            yield replace(variable, bounds=bounds.get(variable.name, ()))


def _constants(
    variables: Iterable[Variable], names: Mapping[str, Array], taken: set[str]
) -> dict[str, str]:
    """What each constant is called: by the variable that holds it, or c1, c2, …"""
    held = {a.key: n for n, a in names.items() if a.variable is not None}
    kept = [v.name for v in variables if v.role == "constant"]
    found = {key: _unique(held[key], taken) for key in kept if key in held}
    return {key: found.get(key) or _numbered("c", taken) for key in kept}


def _domain(
    order: Iterable[Array],
    inlined: Mapping[str, Equation],
    equations: Mapping[str, Equation],
    final: Mapping[str, str],
    bounds: Mapping[str, tuple[Bounds, ...]],
) -> Iterator[Condition]:
    """What has to hold for each operation to have a value, over the values that have names.

    SpecError where a divisor is 0 by its shape, even if it was cancelled since.
    """
    written = {key: e for key, e in inlined.items() if key not in final}
    zeros: set[str] = set()
    for key, equation in equations.items():
        zeros |= {key} if vanishes(equation.rhs, zeros) else set()
    for array in order:
        typed = () if array.rhs is None else conditions(array.rhs)
        for condition in (*array.domain, *typed):
            of = _written_in(condition.of, written)
            if zeros and condition.sign == "≠" and vanishes(of, zeros):
                raise undefined(final.get(array.key, "a value"), array.where)
            yield replace(condition, of=rename_entries(of, final, bounds))


def _written_in(expr: sp.Expr, written: Mapping[str, Equation]) -> sp.Expr:
    """An expression with the values written in that get no names."""
    while found := {
        a: instance(written[name_of(a)], indices_of(a))
        for a in entries(expr)
        if name_of(a) in written
    }:
        expr = expr.xreplace(found)
    return expr


def _equations(
    order: Sequence[Array], output: Array, named: Mapping[str, str], targets: Mapping[str, str]
) -> tuple[dict[str, Equation], dict[str, Equation]]:
    """The equations of the values that get names, by key; and of those that are written in."""
    uses = _uses(order, output)
    turns = turns_of(order, named, targets)
    kept: set[Turn] = set()
    equations: dict[str, Equation] = {}
    inlined: dict[str, Equation] = {}
    for array in order:
        if array.variable is not None:
            continue
        equation = _written_out(array, inlined, equations, array.key in named)
        check_defined(named.get(array.key, "a value"), equation.rhs, array.where)
        turn = turn_of(array, targets)
        step = array.key in turns or turn in kept or (turn is not None and _is_step(equation))
        if array.key in named or array is output or step or not _inlines(array, equation, uses):
            equations[array.key] = equation
            kept |= {turn} if turn else set()
        else:
            inlined[array.key] = equation
    nameless = [a for a in order if a.key in equations and a.key not in {*named, *targets}]
    inlined |= written_in_terms(
        equations, [a.key for a in nameless if _is_plain(a) and a is not output]
    )
    return equations, inlined


def _bounds(
    order: Iterable[Array], inlined: Mapping[str, Equation], equations: Mapping[str, Equation]
) -> dict[str, tuple[Bounds, ...]]:
    """Where labels lie, by the keys of the inputs and of the values that hold them."""
    shapes = {array.key: array.sizes for array in order}
    written = {key: e for key, e in inlined.items() if key not in equations}
    found: dict[str, list[Bounds]] = {}
    for where, position, size in ((a.where, *pair) for a in order for pair in a.pointing):
        if (told := solved(_written_in(position, written), sp.S.Zero, size)) is None:
            continue
        label, low, stop = told
        name = name_of(label)
        mine = Bounds(low, stop, part_at(indices_of(label), shapes[name]))
        found.setdefault(name, []).append(mine)
        with suppress(ValueError):  # no module is made of computed ones
            for origin, its in bounds_of_inputs(name, mine, equations, shapes):
                found.setdefault(origin, []).append(its)
                check_possible(origin, found[origin], where)
    return {name: tightest(several, shapes[name]) for name, several in found.items()}


def _variables(order: Iterable[Array], names: Mapping[str, Array]) -> tuple[Variable, ...]:
    """The inputs of the spec's namespace and those that are reached, as they were declared."""
    found: dict[str, Array] = {}
    for array in [*names.values(), *order]:
        if array.variable is None:
            continue
        other = found.setdefault(array.key, array)
        mine = other.identity == array.identity
        if mine or array.variable.role == "constant":  # which is named for what is in it
            continue
        same = other.variable == array.variable
        raise SpecError(
            f"two arrays have the name {array.key!r}",
            where=array.where,
            hint="declare it once, and use it in several places"
            if same
            else f"the other is declared at {other.where}; give one another name",
        )
    created = sorted(found.values(), key=lambda a: a.call)
    return tuple(a.variable for a in created if a.variable is not None)


def _named(order: Iterable[Array], names: Mapping[str, Array], taken: set[str]) -> dict[str, str]:
    """The name of each value that the spec has one for: the first one that it was given."""
    reached = {a.key for a in order if a.variable is None}
    result: dict[str, str] = {}
    used = set(taken)  # by inputs, whose names are arguments of the generated functions
    for name, array in names.items():
        if array.key in reached and array.key not in result:
            result[array.key] = _unique(name, used)
    return result


def _with_steps(names: Mapping[str, Array], order: Iterable[Array]) -> Mapping[str, Array]:
    """The names, and before them those that the steps of recurrences have for their values."""
    found: dict[str, Array] = {}
    for array in order:
        if array.step_name:
            taken = {*found, *(n for n, a in names.items() if a.key != array.key)}
            name = array.step_name
            found[_unique(name if name not in taken else f"{name}_step", taken)] = array
    return {**found, **{n: a for n, a in names.items() if n not in found}}


def _unique(base: str, taken: set[str]) -> str:
    name, count = base, 0
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    taken.add(name)
    return name


def _uses(order: Iterable[Array], output: Array) -> Counter[str]:
    """How many arrays read each array, a relabelling counting as often as it is read itself."""
    uses: Counter[str] = Counter()
    for array in reversed(list(order)):
        times = max(uses[array.key], 1) if array.op == "relabel" else 1
        for source in array.inputs:
            uses[source.key] += times
    return uses


def _written_out(
    array: Array, inlined: Mapping[str, Equation], named: dict[str, Equation], has_name: bool
) -> Equation:
    """The equation of an array with the unnamed values written in."""
    assert array.rhs is not None
    rhs = _substituted(array, array.rhs, inlined, named, has_name)
    backward = array.backward
    if backward is not None:
        backward = _substituted(array, backward, inlined, named, has_name)
    return Equation(array.key, array.indices, rhs, array.decimals, backward, array.where)


def _substituted(
    array: Array,
    rhs: sp.Expr,
    inlined: Mapping[str, Equation],
    named: dict[str, Equation],
    has_name: bool,
) -> sp.Expr:
    replaced: dict[sp.Expr, sp.Expr] = {}
    linear = linear_entries(rhs)
    written = (a for a in entries(rhs) if name_of(a) in inlined)
    # shortest first: an entry that is an index of another one is shorter than that
    for atom in sorted(written, key=lambda a: len(str(a))):
        source = inlined[name_of(atom)]
        # a root that has a name stands in its own derivative: what it is the root of needs none
        whole = not source.rhs.has(*BINDERS) or (has_name and is_root(rhs) and source.rhs.is_Add)
        nonlinear = atom not in linear and not whole
        if nonlinear or (array.op == "contract" and not is_product(source.rhs)):
            sign, named[source.name] = with_sign(source)
            replaced[atom] = sign * atom
            continue
        indices = [i.xreplace(replaced) for i in indices_of(atom)]
        replaced[atom] = instance(source, indices)
    return _plain(rhs.xreplace(replaced)) if replaced else rhs


def _plain(rhs: sp.Expr) -> sp.Expr:
    """Without empty sums; and SymPy writes sqrt(x²) as its own Abs, with other rules at 0."""
    if rhs.has(sp.Abs):
        rhs = rhs.replace(sp.Abs, absolute)
    empty = {e: sp.S.Zero for e in rhs.atoms(sp.Sum) if e.function == 0}
    return _plain(rhs.xreplace(empty)) if empty else rhs


def _is_plain(array: Array) -> bool:
    """Whether a value is nothing but what its equation says, which may be written elsewhere."""
    held = array.decimals is not None or array.backward is not None
    return not (array.op == "structure" or held or array.carried)


def _inlines(array: Array, equation: Equation, uses: Counter[str]) -> bool:
    if not _is_plain(array):
        return False
    if array.op == "relabel" and is_entry(equation.rhs):
        return True
    if not entries(equation.rhs):
        return True
    return uses[array.key] == 1 and weight(equation.rhs) <= LONGEST


def _is_step(equation: Equation) -> bool:
    """Whether a value is worth the name of its variable: it has axes, and applies a function."""
    functions = equation.rhs.atoms(sp.Function, sp.Pow) - equation.rhs.atoms(Constant)
    return bool(equation.indices) and any(entries(f) for f in functions)


def _numbered(base: str, taken: set[str]) -> str:
    count = 1
    while f"{base}{count}" in taken:
        count += 1
    taken.add(f"{base}{count}")
    return f"{base}{count}"


def _renamed(
    equation: Equation, names: Mapping[str, str], bounds: Mapping[str, tuple[Bounds, ...]]
) -> Equation:
    """The equation with the names that people read in place of the internal ones."""

    def rename(expr: sp.Expr | None) -> sp.Expr | None:
        return None if expr is None else rename_entries(expr, names, bounds)

    rhs = rename(equation.rhs)
    if isinstance(rhs, Recurrent):
        rhs = rhs.changed(names.get(rhs.source, rhs.source), rhs.start)
    name = names.get(equation.name, equation.name)
    return Equation(
        name, equation.indices, rhs, equation.decimals, rename(equation.backward), equation.where
    )


def rename_entries(
    expr: sp.Expr, names: Mapping[str, str], bounds: Mapping[str, tuple[Bounds, ...]]
) -> sp.Expr:
    """``expr`` with entries of arrays of other names, of which ``bounds`` are known."""
    symbols = {atom.base.label if isinstance(atom, sp.Indexed) else atom for atom in entries(expr)}
    found: dict[sp.Symbol, sp.Symbol] = {}
    for symbol in symbols:
        name = names.get(symbol.name, symbol.name)
        if symbol.name in bounds:
            found[symbol] = Label(name, bounds[symbol.name])
        elif name != symbol.name:
            found[symbol] = like(symbol, name)
    return expr.xreplace(found)


def _pinned(variables: Iterable[Variable], equations: Iterable[Equation]) -> frozenset[Size]:
    """Fixed sizes that an equation depends on: of constants, and of axes that are cut or joined."""
    variables, equations = tuple(variables), tuple(equations)
    shapes = shapes_of(variables, equations)
    given = {v.name for v in variables if v.role != "constant"}
    given |= {e.name for e in equations if isinstance(e.rhs, Standing)}
    pinned = {s for v in variables if v.role == "constant" for s in v.shape}
    moved = (v.bounds for v in variables if not all(b.is_plain for b in v.bounds))
    pinned |= {s for bounds in moved for b in bounds for s in sizes_of(b)}
    for equation in equations:
        for atom in entries(equation.rhs):
            for index, size in zip(indices_of(atom), shapes[name_of(atom)], strict=True):
                drawn = _is_drawn(index, size, given)
                if not drawn and size not in (1, getattr(index, "size", 0)):
                    pinned |= {size, *_sizes_in(index)}
        for delta in equation.rhs.atoms(sp.KroneckerDelta):
            labels = (i for i in delta.args if not isinstance(i, Index))
            if not all(is_entry(i) and name_of(i) in given for i in labels):
                pinned |= _sizes_in(delta)
    return frozenset(a for s in pinned for a in s.free_symbols if fixed(a) is not None)


def _is_drawn(index: sp.Expr, size: Size, given: Container[str]) -> bool:
    """Whether a position is a label of an argument that was typed as a position on this axis."""
    if not is_entry(index) or name_of(index) not in given:
        return False
    told = Bounds(sp.S.Zero, size, (None,) * len(indices_of(index)))
    return told in promised(index)


def _sizes_in(expr: sp.Expr) -> set[Size]:
    return {i.size for i in expr.atoms(Index)} | {s for s in expr.free_symbols if is_size(s)}


def scalar_output(loss: object, name: str = "loss") -> Array:
    """``loss``, which must be a scalar array."""
    if not isinstance(loss, Array):
        raise SpecError(
            f"{name} is not an array of symgrad, but {type(loss).__name__}",
            hint="it must depend on an sg.param",
        )
    if any(s != 1 for s in loss.sizes):
        raise SpecError(
            f"{name} is not a scalar: its shape is {shape_text(loss.shape)}",
            where=loss.where,
            hint="sum or average it: np.sum(...), np.mean(...); sg.jacobian takes arrays",
        )
    return loss


def _is_of_values(value: object) -> bool:
    """Whether something is an array of NumPy's that holds values of the spec."""
    if not isinstance(value, np.ndarray) or value.dtype != object:
        return False
    return any(isinstance(a, Array) for a in value.flat)


def names_in(namespace: Mapping[str, object]) -> dict[str, Array]:
    """The arrays of a namespace by name; the entries of a list ``h`` are ``h0``, ``h1``, …"""
    found = {n: a for n, a in namespace.items() if isinstance(a, Array) and not n.startswith("_")}
    for name, value in namespace.items():
        if isinstance(value, (list, tuple)) and not name.startswith("_"):
            joint = "_" if name[-1:].isdigit() else ""
            found |= {f"{name}{joint}{k}": a for k, a in enumerate(value) if isinstance(a, Array)}
        elif _is_of_values(value) and not name.startswith("_"):
            found[name] = as_array(value)
    return found

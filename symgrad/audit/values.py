"""What a program hands out, and which gradient of the spec each of it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgrad.audit.compare import TOLERANCE, Match, compared, constant_ratios, numbers, same_numbers
from symgrad.audit.form import Form
from symgrad.audit.handed import handed_out, once
from symgrad.audit.instrument import STEP
from symgrad.audit.names import (
    Habits,
    by_place,
    in_order,
    is_entry_of_others,
    is_held_as_gradient,
)
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.runner import Run
from symgrad.audit.unnamed import called_just_so
from symgrad.errors import SpecError, perhaps


@dataclass(frozen=True)
class Value:
    """Something that is a gradient of the spec: what it is called, and how far off it is."""

    name: str
    code: str
    errors: tuple[float, ...]
    ways: tuple[str, ...]
    ratios: tuple[float | None, ...]
    tolerance: float = TOLERANCE["f8"]

    @property
    def error(self) -> float:
        """The largest relative error."""
        return max(self.errors)

    @property
    def right(self) -> bool:
        """Whether it is the gradient at every point."""
        return self.error <= self.tolerance

    @property
    def scaled(self) -> bool:
        """Whether it is the gradient but for a number, which may be another at each point."""
        return all(r is not None for r in self.ratios)


class Matching:
    """Which gradient each thing is that a program hands out."""

    def __init__(self, reference: Reference, form: Form, asked: Mapping[str, str]) -> None:
        self.reference = reference
        self.form = form
        self.asked = asked
        self.codes: dict[str, str] = {}
        self.habits = Habits([*reference.inputs, *reference.values])
        self.wrt = set(reference.derivation.wrt)
        self.bounds: set[float] = set()
        """Between which, and their negatives, gradients may be clipped at the end."""
        self.added: set[str] = set()
        """What is minus a gradient, and is added to its parameter."""
        self.text = ""
        """The text of the program."""
        self.keyed: set[str] = set()  # under which a method gives back what may be gradients
        self.exact = {*self.wrt}  # of which no multiple is meant
        self.scales: dict[int, set[float]] = {}
        """Sizes by which gradients on the way are multiplied: ``dZ = A - Y``, and / m later."""

    def match(self, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]) -> None:
        """Find what each is, by what is asked for, by name, by numbers, and by shape."""
        codes = list(found[0])
        for asked, code in self.asked.items():
            if code not in codes:
                raise SpecError(
                    f"match has {code!r} for {asked}, which the program does not hand out",
                    hint=perhaps(code, codes) or "it hands out nothing",
                )
            self.codes[code] = asked
        by_name = not self.form.script
        for code in sorted(codes, key=is_entry_of_others):
            spelled = _counted_from_one(code, codes)
            name = self.habits.gradient(spelled, handed_out=by_name and self._bare(code))
            if code in self.codes or name in self.codes.values() or name is None:
                continue
            known = name in self.reference.gradient_of and not _is_value(code, name, found, truths)
            if known and self._fits(code, name, found, truths):
                self.codes[code] = name
        self._by_order(codes, found, truths)
        self._by_layers(codes, found, truths)
        self._by_numbers(found, truths)
        self._by_places(codes, found[0], truths[0])
        left = [n for n in self._free() if n in self.wrt]
        self.codes |= called_just_so(found, truths, left) if self.form.script else {}
        self._by_analogy(codes)
        self._by_shape(found, truths)
        self.codes = {c: self.codes[c] for c in codes if c in self.codes}
        self.codes = once(self.codes, found)

    @property
    def has_locals(self) -> bool:
        """Whether variables count as handed out, and not only what a function gives back."""
        return self.form.script or "held" in [kind for kind, _ in self.form.calls]

    def _bare(self, code: str) -> bool:
        """Whether a name without a d may be that of a gradient: what a function returns."""
        held = "held" in [k for k, _ in self.form.calls]
        return code in self.keyed if held else not code.startswith("self.")

    def _fits(
        self, code: str, name: str, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]
    ) -> bool:
        """Whether something may be a gradient; of a value on the way its size has to be right."""
        value = numbers(found[0].get(code))
        if value is None or name not in truths[0].gradients:
            return False
        ought = truths[0].gradients[name]
        explicit = not self.form.script and self._bare(code)
        if explicit or value.size == ought.size:
            return True
        is_setting = value.ndim == 0 and all(f.get(code) == found[0][code] for f in found)
        return name in self.wrt and value.size > 0 and not is_setting

    def _free(self) -> list[str]:
        return [n for n in self.reference.gradient_of if n not in self.codes.values()]

    def _by_numbers(self, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]) -> None:
        left = sorted(self._free(), key=lambda n: n not in self.wrt)
        for code in found[0]:
            if code in self.codes or (self.form.script and not left):
                continue
            for name in left if code not in self.codes else ():
                matches = [
                    self._compared(f.get(code), t, name) for f, t in zip(found, truths, strict=True)
                ]
                if all(m.error <= TOLERANCE["f8"] for m in matches) and name in self.wrt:
                    self.codes[code] = name
                    left.remove(name)
                    break

    def _by_places(self, codes: Sequence[str], found: Mapping[str, Any], truth: Truth) -> None:
        """Entries of a list that stand where parameters do in theirs: grads[1] beside params[1]."""
        held = {code: name for name, code in self.form.places.items() if name in self.wrt}
        lists = by_place(c for c in codes if c not in held)
        for ordered in by_place(held).values():
            for own in lists.values():
                pairs = {own[place]: held[code] for place, code in ordered.items() if place in own}
                same = [c for c, n in pairs.items() if self.codes.get(c) == n]
                fits = all(np.size(found[c]) == truth.gradients[n].size for c, n in pairs.items())
                if (
                    len(pairs) == len(ordered)
                    and fits
                    and (same or is_held_as_gradient(min(pairs)))
                ):
                    free = self._free()
                    more = {c: n for c, n in pairs.items() if n in free and c not in self.codes}
                    self.codes |= more

    def _by_analogy(self, codes: Sequence[str]) -> None:
        """Entries of lists that stand where others do: ``db[1]`` beside ``dW[1]``."""
        counted = {c: m for c in codes if (m := _ENTRY.fullmatch(c))}
        known = {m[2]: n for c, m in counted.items() if (n := self.codes.get(c))}
        for code, entry in counted.items() if known else ():
            number = re.search(r"\d+$", known.get(entry[2], ""))
            name = (
                self.habits.gradient(f"{entry[1].removesuffix('s')}{number[0]}") if number else ""
            )
            free = name not in self.codes.values() and code not in self.codes
            if name and free and name in self.reference.gradient_of:
                self.codes[code] = name

    def _by_layers(
        self, codes: Sequence[str], found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]
    ) -> None:
        """Entries of layers, the first of which is of the first layer, or of the last."""
        left = [c for c in codes if c not in self.codes and not c.isidentifier()]
        pairs = list(zip(found, truths, strict=True))
        wrt, bare = [n for n in self._free() if n in self.wrt], self._bare("")
        for several, values in in_order(left, wrt, bare=bare and not self.form.script):
            for order in (values, values[::-1]):
                same = list(zip(several, order, strict=True))
                if all(np.size(f[c]) == t.gradients[n].size for c, n in same for f, t in pairs):
                    self.codes |= dict(same)
                    break

    def _by_order(
        self, codes: Sequence[str], found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]
    ) -> None:
        """A list without names that has as many arrays as there are parameters, of their shapes."""
        explicit = not self.form.script and self._bare("")
        nameless = [c for c in codes if explicit or c.startswith("result[") or not c.isidentifier()]
        wrt = self.reference.derivation.wrt
        if self.codes or len(nameless) != len(wrt) or len(nameless) < len(codes):
            return
        pairs = list(zip(found, truths, strict=True))
        order = dict(zip(nameless, wrt, strict=True))
        if all(np.shape(f[c]) == t.gradients[n].shape for c, n in order.items() for f, t in pairs):
            self.codes = order

    def _by_shape(self, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]) -> None:
        """What is left of the parameters, where its shape is that of one thing that is left."""
        if self.form.script or "held" in [k for k, _ in self.form.calls]:
            return
        for name in [n for n in self._free() if n in self.wrt]:
            size = truths[0].gradients[name].size
            alike = [
                n for n in self._free() if n in self.wrt and truths[0].gradients[n].size == size
            ]
            fitting = [
                c
                for c, v in found[0].items()
                if c not in self.codes
                and (a := numbers(v)) is not None
                and a.size == size
                and size > 1
            ]
            if len(fitting) == 1 and len(alike) == 1:
                self.codes[fitting[0]] = name

    def finite(self, found: Sequence[Mapping[str, Any]]) -> list[int]:
        """The points at which all gradients are finite numbers."""
        arrays = [[numbers(f.get(code)) for code in self.codes] for f in found]
        return [k for k, of in enumerate(arrays) if all(a is None or _is_finite(a) for a in of)]

    def by_data(self, found: Mapping[str, Any], truth: Truth) -> Iterator[str]:
        """What is said of gradients by data, which the spec has none of."""
        for code in found if not self.form.script else ():
            name = self.habits.gradient(code) if code not in self.codes else None
            known = self.reference.inputs.get(name or "") if name not in self.wrt else None
            floats = known is not None and known.dtype == "float"
            if floats and name and np.shape(found[code]) == truth.given[name].shape:
                yield f"{code} is not compared: {name} is data; as a parameter it has a gradient"

    def learn_scales(self, runs: Sequence[Run], truths: Sequence[Truth]) -> None:
        """Find the sizes that gradients on the way are multiplied by, at all points."""
        for target in runs[0].last:
            name = self.habits.gradient(target)
            if name is None or name in self.wrt or name not in self.reference.gradient_of:
                continue
            pairs = list(zip(runs, truths, strict=True))
            ratios = [self._ratio(r.last.get(target), t, name) for r, t in pairs]
            sizes = {tuple(sorted(t.sizes.items())) for t in truths}
            if all(ratios) and (len(set(ratios)) > 1 or len(sizes) < 2):
                for truth, ratio in zip(truths, ratios, strict=True):
                    self.scales.setdefault(id(truth), set()).add(ratio)

    def _ratio(self, got: Any, truth: Truth, name: str) -> float:
        """The size by which a gradient is multiplied; 0 where it is none."""
        if name not in truth.gradients:
            return 0.0
        ratio = compared(got, truth.gradients[name], truth.typical).ratio or 0.0
        sizes = {n for a in truth.given.values() for n in np.shape(a) if n > 1}
        if self.goes_downhill:
            sizes.add(1)
        size = next((float(n) for n in sizes if abs(abs(ratio) - n) < 1e-6 * n), 0.0)
        return -size if size == 1 and ratio < 0 else size

    def off(self, runs: Sequence[Run], truths: Sequence[Truth]) -> list[str]:
        """The parameters whose gradients are wrong, as they are called."""
        found = [handed_out(r, self.form, ()) for r in runs]
        values = self.values(found, truths, TOLERANCE["f8"])
        return [v.name for v in values if v.name in self.wrt and not v.right]

    def take(self, steps: Mapping[str, str]) -> None:
        """Take the changes of parameters for their gradients, whatever is called so."""
        self.habits.other |= {c for c, n in self.codes.items() if n in steps.values()}
        self.codes = {c: n for c, n in self.codes.items() if n not in steps.values()} | {**steps}

    @property
    def goes_downhill(self) -> bool:
        """Whether no gradient by a parameter has a name: what is added to these goes downhill."""
        steps = {c for c in self.codes if c.startswith(STEP)} | self.added
        named = (n for c, n in self.codes.items() if c not in steps)
        return self.wrt.isdisjoint(named)

    def drop_arguments(self, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]) -> None:
        """Forget what is called as by a value, and is the gradient by an argument of it.

        In ``l2 = sigmoid(l1 @ W)`` the delta of layer 2 is that of what is in the brackets.
        """
        pairs = list(zip(found, truths, strict=True))
        called = {c: n for c, n in self.codes.items() if n not in self.wrt}
        habits = {
            code.replace(name, "{}", 1)
            for code, name in called.items()
            for argument in self.reference.arguments(name)
            if all(self._is_slope(f.get(code), t, argument) for f, t in pairs)
            and not all(self._is_slope(f.get(code), t, name) for f, t in pairs)
        }
        self.forget({c for c, n in called.items() if c.replace(n, "{}", 1) in habits})

    def drop_reused(self, runs: Sequence[Run], truths: Sequence[Truth]) -> None:
        """Forget names on the way that held their gradient first, and hold another at the end.

        In ``dA1 = W2.T @ dZ2; dA1 = dA1 * D1`` the first is the gradient by A1.
        """
        kept = [c for c, n in self.codes.items() if n not in self.wrt and self._is_kept(c)]
        pairs = list(zip(runs, truths, strict=True))
        self.forget({c for c in kept if all(self._was(c, r, t) for r, t in pairs)})

    def _is_kept(self, code: str) -> bool:
        """Whether something is a variable, and nothing that a function gives back."""
        return code.isidentifier() and (self.form.script or not self._bare(code))

    def _was(self, code: str, run: Run, truth: Truth) -> bool:
        """Whether a variable was a gradient before it was assigned again, and is none now."""
        arrays = [value for _, target, value in run.records if target == code]
        near = [self._compared(a, truth, self.codes[code]).error for a in arrays]
        return min(near, default=np.inf) <= TOLERANCE["f8"] < near[-1]

    def take_as(self, meant: Mapping[str, str], found: Iterable[str]) -> None:
        """Take what is called so for gradients by other values; without a name, for nothing.

        ``found``: all that is handed out, in its order.
        """
        known = {c: n for c, n in meant.items() if n in self.reference.gradient_of}
        self.forget({c for c in meant if c not in known})
        codes = self.codes | known
        self.codes = {c: codes[c] for c in dict.fromkeys([*found, *codes]) if c in codes}
        self.habits.meant |= known
        self.habits.other -= set(known)

    def forget(self, codes: set[str]) -> None:
        """Take what is called as a gradient is for something else."""
        self.habits.other |= codes
        self.codes = {c: n for c, n in self.codes.items() if c not in codes}

    def _is_slope(self, got: Any, truth: Truth, name: str) -> bool:
        """Whether numbers are the gradient by a value, which need not have a name."""
        ought = truth.slopes.get(name)
        signs = (1, -1) if self.goes_downhill else (1,)
        errors = [compared(got, s * ought, truth.typical).error for s in signs if ought is not None]
        return min(errors, default=np.inf) <= TOLERANCE["f8"]

    def on_the_way(self, got: Any, truth: Truth, name: str) -> Match:
        """How near numbers are to a gradient on the way, or to a multiple that is usual here."""
        ought = truth.gradients[name]
        match = compared(got, ought, truth.typical)
        for scale in self.scales.get(id(truth), ()) if name not in self.exact else ():
            other = compared(got, ought * scale, truth.typical)
            match = min(match, other, key=lambda m: m.error)
        return match

    def _compared(self, got: Any, truth: Truth, name: str) -> Match:
        if name not in truth.gradients:
            return Match(np.inf, "shape")
        ought = truth.gradients[name]
        explicit = not self.form.script and self._bare(name)
        match = compared(got, ought, truth.typical)
        match = match if explicit else self.on_the_way(got, truth, name)
        return self.cut_off(match, got, truth, name)

    def cut_off(self, match: Match, got: Any, truth: Truth, name: str) -> Match:
        """How near numbers are to a gradient, or to what is left of it where it is clipped."""
        for bound in self.bounds if match.error > TOLERANCE["f8"] else ():
            cut = compared(got, np.clip(truth.gradients[name], -bound, bound), truth.typical)
            match = min(match, cut, key=lambda m: m.error)
        return match

    def values(
        self, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth], tolerance: float
    ) -> list[Value]:
        """What is handed out, beside what it ought to be."""
        result = []
        for code, name in self.codes.items():
            pairs = zip(found, truths, strict=True)
            matches = [self._compared(f.get(code), t, name) for f, t in pairs]
            errors, ways = tuple(m.error for m in matches), tuple(m.way for m in matches)
            ratios = tuple(m.ratio for m in matches)
            if not any(ratios):
                pairs = zip(found, truths, strict=True)
                ratios = constant_ratios([(f.get(code), t.gradients.get(name)) for f, t in pairs])
            result.append(Value(name, code, errors, ways, ratios, tolerance))
        return self._as_laid(result, found, truths)

    def _is_turned_later(self, code: str) -> bool:
        """Whether a script reads something transposed, as a gradient that it lays otherwise."""
        turned = f"{code}.T", f"transpose({code})", f"{code}.transpose"
        return self.form.script and any(text in self.text for text in turned)

    def _as_laid(
        self,
        values: list[Value],
        found: Sequence[Mapping[str, Any]],
        truths: Sequence[Truth],
    ) -> list[Value]:
        """Squares that are right when transposed are wrong, unless the program lays all so."""
        shapes = {v.code: np.shape(found[0].get(v.code, 0)) for v in values}
        turned = [v for v in values if v.right and set(v.ways) == {"transposed"}]
        squares = [v for v in turned if len(set(shapes[v.code])) == 1 and v.name in self.wrt]
        squares = [v for v in squares if not self._is_turned_later(v.code)]
        if not squares or len(turned) > len(squares):
            return values
        pairs = list(zip(found, truths, strict=True))
        laid = {
            v.code: tuple(_laid_error(f[v.code], t.gradients[v.name]) for f, t in pairs)
            for v in squares
        }
        none = (None,) * len(pairs)
        return [
            replace(v, errors=laid[v.code], ratios=none) if v.code in laid else v for v in values
        ]


_ENTRY = re.compile(r"((?:self\.)?\w+)\[(\d+)\]")
"""An entry of a list."""


def _laid_error(got: Any, ought: np.ndarray[Any, Any]) -> float:
    """How far numbers are off as they are laid."""
    return float(np.abs(np.asarray(got) - ought).max() / max(np.abs(ought).max(), 1e-300))


def _is_value(
    code: str, name: str, found: Sequence[Mapping[str, Any]], truths: Sequence[Truth]
) -> bool:
    """Whether what is called as a value is the value, and no gradient by it."""
    pairs = [(numbers(f.get(code)), t.whole.get(name)) for f, t in zip(found, truths, strict=True)]
    known = [(a, b) for a, b in pairs if a is not None and b is not None and a.size == b.size > 1]
    return len(known) == len(pairs) and all(same_numbers(a, b) for a, b in known)


def _counted_from_one(code: str, codes: Sequence[str]) -> str:
    """What an entry of a list would be called by itself: ``gw[0]`` is that of ``w1``."""
    entry = _ENTRY.fullmatch(code)
    return f"{entry[1]}{int(entry[2]) + 1}" if entry and f"{entry[1]}[0]" in codes else code


def _is_finite(array: np.ndarray[Any, Any]) -> bool:
    return bool(np.isfinite(array).all())


def right_or_scaled(values: Sequence[Value], wrt: set[str]) -> list[Value]:
    """Without values on the way that are right but for a number, where all parameters are right."""
    if all(v.right for v in values if v.name in wrt):
        return [v for v in values if v.right or v.name in wrt or not v.scaled]
    return list(values)

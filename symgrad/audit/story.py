"""What was found, told: statuses, what a line computes and ought to, and why it was hidden."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from symgrad.audit.auditing import Auditor
from symgrad.audit.changed import factors_more
from symgrad.audit.diagnosis.told import told as told_of
from symgrad.audit.equations import equation_of, spelled_out
from symgrad.audit.findings import Audit, FaultFound, ValueFound
from symgrad.audit.form import assigned, reads
from symgrad.audit.grammar import Edit
from symgrad.audit.grammar.edit import is_gradient
from symgrad.audit.kinds import kind_of, of_edit, of_explanation
from symgrad.audit.outcome import Blamed, Outcome
from symgrad.audit.patches import patch, whole_lines
from symgrad.audit.printing import Line, listed
from symgrad.audit.source import Source
from symgrad.audit.values import Value
from symgrad.audit.wording import rounded, sentence, which, with_letters_of

BECAUSE = {
    "mask": "at these numbers the mask lets all entries through",
    "rounded": "at these numbers rounding changes nothing",
    "sum": "at these numbers the sums over both axes are equal",
    "factor": "at these numbers the factor is 1",
    "transpose": "at these numbers the matrix is its own transpose",
    "clipped": "at these numbers nothing is cut off",
    "overwritten": "at these numbers no entry is written twice",
    "term": "at these numbers the term is 0",
    "path": "at these numbers nothing comes back on that way",
}
"""Why an example can't show a fault, by its kind."""

UNSEEN = {
    "rounded": "a gradient check of the program's own loss differentiates what is rounded, "
    "whose slope is 0",
    "random": "a gradient check draws again each time, so that its differences are noise",
    "clipped": "a gradient check near the usual numbers, where nothing is cut off, sees nothing",
}
"""Why a usual gradient check does not tell of a fault, by its kind."""


def told(auditor: Auditor, outcome: Outcome) -> Audit:
    """The findings of an audit."""
    story = Story(auditor, outcome)
    faults = merged([story.fault(b) for b in outcome.blamed])
    return Audit(
        values=story.values(),
        faults=faults,
        remarks=tuple(dict.fromkeys([*outcome.remarks, *story.remarks()])),
        file=outcome.source.file,
        repairs=patch(outcome.source, outcome.repaired) if faults else "",
        lines=story.lines(faults),
        derivation=auditor.reference.derivation,
    )


class Story:
    """How the findings of one audit are told."""

    def __init__(self, auditor: Auditor, outcome: Outcome) -> None:
        self.reference = auditor.reference
        self.outcome = outcome
        self.source: Source = outcome.source

    def values(self) -> tuple[ValueFound, ...]:
        """Each value with its status."""
        own = {b.target.code for b in self.outcome.blamed} | {
            b.target.name for b in self.outcome.blamed
        }
        own |= self._first_of_a_local()
        found = [self._value(v, own) for v in self.outcome.before]
        file = self.source.file
        found += [
            ValueFound(n, "", file, None, None, "missing", None) for n in self.outcome.unmatched
        ]
        found += [
            ValueFound("", c, file, None, None, "unmatched", None) for c in self.outcome.missing
        ]
        return tuple(found)

    def _first_of_a_local(self) -> set[str]:
        """What is wrong first of what is handed out, where the first fault is of a local."""
        before = self.outcome.before
        called = [self._value_of(b) for b in self.outcome.blamed[:1]]
        local = bool(called) and not {v.name for v in before} & set(called)
        wrong = [v.code for v in before if not v.right]
        return set(wrong[:1]) if local else set()

    def _value(self, value: Value, own: set[str]) -> ValueFound:
        line = self.outcome.lines.get(value.code)
        cell, at = self.source.place(line) if line else (None, None)
        mine = value.code in own or value.name in own
        cut = any(b.edit and b.edit.kind == "clipped" for b in self.outcome.blamed)
        cut = cut and value.name in {self._called(b) for b in self.outcome.blamed}
        status = "right" if value.right and not cut else "wrong" if mine else "follows"
        return ValueFound(value.name, value.code, self.source.file, cell, at, status, value.error)

    def remarks(self) -> list[str]:
        """What else is to be said of the values."""
        turned = [v.code for v in self.outcome.after if v.right and "transposed" in v.ways]
        found = [f"{', '.join(turned)}: handed out transposed"] if turned else []
        names = self.outcome.unmatched
        asked = f"if there is one: --match {names[0]}=NAME" if names else ""
        return [*found, *([f"no gradient by {listed(names)} was found; {asked}"] if names else [])]

    def fault(self, blamed: Blamed) -> FaultFound:
        """A fault in words."""
        cell, line = self.source.place(blamed.line) if blamed.line else (None, None)
        kind = self._kind(blamed)
        computes, ought = self._computes(blamed), self._ought(blamed)
        told = self._sentence(blamed, kind)
        if kind == "unnamed" and computes and computes == ought:
            kind, told = "value", "the line is right, and something that it reads is wrong"
        return FaultFound(
            self._value_of(blamed),
            kind,
            self.source.file,
            cell,
            line,
            self.source.shown(blamed.line),
            rounded(with_letters_of(computes, ought)),
            rounded(ought),
            sentence(told, blamed.repaired_line),
            self._repair(blamed),
            self._agrees(),
            blamed.hidden,
            because(kind, blamed.hidden),
        )

    def _agrees(self) -> float | None:
        """How well all agrees with the repairs; None where something is not repaired."""
        after, blamed = self.outcome.after, self.outcome.blamed
        whole = all(b.edit is not None for b in blamed) and all(v.right for v in after)
        return max((v.error for v in after), default=None) if whole else None

    def _sentence(self, blamed: Blamed, kind: str) -> str:
        """A fault in a sentence."""
        if blamed.target.name != self.reference.output:
            if blamed.edit is None:
                return unnamed(blamed, kind, self.reference.hidden)
            return mended(blamed, blamed.edit, kind, self.reference.hidden)
        why = f": {blamed.edit.sentence}" if blamed.edit is not None else ""
        return f"{blamed.target.code} is not the loss that the gradients are of{why}"

    def _kind(self, blamed: Blamed) -> str:
        """The kind of a fault; what spoils the derivative of the loss itself is another loss."""
        if blamed.target.name == self.reference.output:
            return "loss"
        kind = kind_of(blamed)
        if blamed.edit is None or blamed.edit.rule.name not in OF_A_LOSS:
            return kind
        derivation, name = self.reference.derivation, self._called(blamed)
        first = name in derivation.gradients and name not in derivation.wrt
        chain = derivation.adjoint(name).chain if first else ()
        if set(chain) == {derivation.system.output} and kind in ("activation", "loss"):
            return "loss"
        return "activation" if kind == "loss" else kind

    def _called(self, blamed: Blamed) -> str:
        """What a fault makes wrong first, as the spec calls it where it has a name there."""
        if blamed.edit is None or blamed.edit.site.depth == 0:
            return blamed.target.name
        return blamed.assigns or blamed.target.name

    def _value_of(self, blamed: Blamed) -> str:
        """The value of the spec that a fault makes wrong first."""
        name, known = self._called(blamed), self.reference.derivation.gradients
        return name if name in {*known, *self.reference.values} else blamed.target.name

    def _repair(self, blamed: Blamed) -> str:
        """The line as it is with the repair."""
        if blamed.edit is None or not blamed.line:
            return ""
        return blamed.repaired_line.strip()

    def _computes(self, blamed: Blamed) -> str:
        """The equation that the line is, or the line itself, in the names of the spec."""
        site, names, called = blamed.site, self._names(blamed), self._written(blamed)
        if site is None or not site.roots or not self._is_whole(blamed):
            return renamed(self.source.shown(blamed.line), names)
        node, sizes = site.roots[0], self.outcome.sizes
        found = equation_of(site, node, names, sizes, called)
        if not found and getattr(site.statement, "value", None) is not node:
            return f"{called} = {renamed(ast.unparse(node), names)}"  # one of several values
        return found or renamed(self.source.shown(blamed.line), names)

    def _written(self, blamed: Blamed) -> str:
        """What the value of a fault, or the gradient by it, is called in equations."""
        name = self._called(blamed)
        return name if is_forward(blamed, name) else self.reference.gradient_of.get(name, name)

    def _names(self, blamed: Blamed) -> dict[str, str]:
        """What the names of a line are in the spec, those left out that have no name there."""
        own = self._own_names(blamed).values()
        names = blamed.names.items()
        return {c: n for c, n in names if c not in own and self._may_be(blamed, c, n)}

    def _may_be(self, blamed: Blamed, code: str, name: str) -> bool:
        """Whether a name may be told as one of the spec: as an input with the numbers of it."""
        site = blamed.site
        known = site.known.get(code) if site is not None else None
        if site is None or known is None:
            return True
        if code != name and code.lower() == name.lower() and not known.array.ndim:
            return False  # N is a number of rows, and n something else
        if code != name and code in assigned(site.statement) & reads(site.statement):
            return False  # it is one thing before the line, and another after it
        if known.role is not None and known.role.ratio != 1.0:
            return False  # it is a multiple of that
        if name not in self.reference.inputs:
            return True
        return known.role is not None and known.role.name == name

    def _own_names(self, blamed: Blamed) -> dict[str, str]:
        """What the program calls values of the line that have no name in the spec, or gradients."""
        called = self.reference.derivation.adjoint_name
        nameless = self.reference.hidden | {called.get(n, n) for n in self.reference.hidden}
        taken = {*called, *called.values(), *self.reference.inputs} - nameless
        return {
            name: code
            for code, name in blamed.names.items()
            if name in nameless and code.isidentifier() and code not in taken
        }

    def _is_whole(self, blamed: Blamed) -> bool:
        """Whether the line assigns what the equation of the derivation is for."""
        statement = blamed.site.statement if blamed.site is not None else None
        name, gradients = self._called(blamed), self.reference.derivation.gradients
        if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Return)):
            return False
        other = blamed.edit is None and blamed.assigns not in ("", name)
        other = other or self._is_inside(blamed)
        return name in gradients and (not other or self._has_size(blamed, name))

    def _is_inside(self, blamed: Blamed) -> bool:
        """Whether a line only leads to what it makes wrong, and assigns nothing of its own."""
        return blamed.edit is not None and blamed.edit.site.depth > 0 and not blamed.assigns

    def _has_size(self, blamed: Blamed, name: str) -> bool:
        """Whether a line gives as many numbers as the gradient by a value has."""
        shape = [sp.sympify(n) for n in self.reference.derivation.gradients[name].shape]
        sizes = self.outcome.sizes
        count = math.prod(sizes.get(str(n), n) for n in shape)
        return blamed.site is not None and any(a.size == count for a in blamed.site.arrays)

    def _ought(self, blamed: Blamed) -> str:
        """The equation of the derivation that a line is for."""
        derivation = self.reference.derivation
        name, own = self._called(blamed), self._own_names(blamed)
        if self._is_inside(blamed) and not self._is_whole(blamed):
            return renamed(self._repair(blamed), self._names(blamed))
        if is_forward(blamed, name) and name in {e.name for e in derivation.system}:
            return in_words(spelled_out(derivation, derivation.system[name], own), own)
        if name in derivation.gradients:
            equation = derivation.gradients[name].adjoint.equation
            return in_words(spelled_out(derivation, equation, own), own)
        return renamed(self._repair(blamed), self._names(blamed))

    def lines(self, faults: Sequence[FaultFound]) -> tuple[Line, ...]:
        """The program, its faults marked."""
        marked = {(f.cell, f.line): k for k, f in enumerate(faults, 1)}
        places = dict.fromkeys(zip(self.source.cells, self.source.lines, strict=True))
        rows = zip(places, whole_lines(self.source, self.source.typed), strict=True)
        return tuple(Line(c, n, text, marked.get((c, n))) for (c, n), text in rows)


def merged(faults: Sequence[FaultFound]) -> tuple[FaultFound, ...]:
    """Faults of which several in one line, of one value, are one: its repair is that of all."""
    found: list[FaultFound] = []
    for fault in faults:
        last = found[-1] if found else None
        if last and (last.cell, last.line, last.value) == (fault.cell, fault.line, fault.value):
            words = f"{last.sentence}; then {fault.sentence}"
            found[-1] = replace(last, sentence=words, repair=fault.repair or last.repair)
        else:
            found.append(fault)
    return tuple(found)


OF_A_LOSS = ("a function too many", "a superfluous factor", "superfluous factors")
"""Rules that may find the gradient of another loss."""


def is_forward(blamed: Blamed, name: str) -> bool:
    """Whether a line is one of the forward pass: it assigns what is called as the value is."""
    inside = blamed.site is not None and name in assigned(blamed.site.statement)
    return blamed.target.forward or inside


def unnamed(blamed: Blamed, kind: str, hidden: Collection[str]) -> str:
    """The sentence where no edit repairs a value; ``hidden``: what has no name in the spec."""
    code, cause = blamed.target.code, blamed.evidence.explanation
    if blamed.evidence.trace:
        return f"{code} is wrong: {TRACES[kind]}; no repair was found"
    if cause is None or kind == "unnamed":
        return f"{code} is wrong; the cause was not found"
    why = told_of(cause, kind, hidden)
    return f"by its numbers {why}; no repair was found"


TRACES = {
    "random": "it is another at the same point with other random numbers",
    "rounded": "what the program assigns on the way is rounded",
    "clipped": "what the program assigns on the way is cut off",
}
"""What a run shows, by the kind of the fault."""


def mended(blamed: Blamed, edit: Edit, kind: str, hidden: Collection[str]) -> str:
    """The sentence of a repair; and what the numbers tell, where that is something else."""
    source, start = edit.site.source, edit.changes[0][0]
    line = source.text.count("\n", 0, start)
    row, place = source.text.split("\n")[line], start - source.starts[line]
    cause = blamed.evidence.whole if kind != of_edit(blamed, edit) else None
    cause = cause if cause is not None and of_explanation(cause) == kind else None
    more = f"; by its numbers {told_of(cause, kind, hidden)}" if cause is not None else ""
    if blamed.evidence.trace and edit.kind != kind:
        more = f"; {TRACES[kind]}"
    return f"{_of_factors(edit, kind) or edit.sentence}{which(edit.old, row, place)}{more}"


def _of_factors(edit: Edit, kind: str) -> str:
    """The sentence where all that is missing is a factor, whatever rule put it there; or ''."""
    missing = factors_more(edit) if edit.rule.name in OF_NUMBERS and kind in MISSING else []
    if not missing:
        return ""
    back = all(is_gradient(edit.site, f) for f in missing) and not reads_one(edit)
    told = f"the factor {' * '.join(missing)} is missing"
    return f"the gradient that comes back is not used: {told}" if back else told


def reads_one(edit: Edit) -> bool:
    """Whether what stands there reads a gradient."""
    names = re.findall(r"[A-Za-z_][\w.]*", edit.old)
    known = (edit.site.known[n] for n in names if n in edit.site.known)
    return any(k.array.ndim and is_gradient(edit.site, k.name) for k in known)


OF_NUMBERS = (
    "a factor that numbers ask for",
    "a slope that numbers ask for",
    "a value that numbers ask for",
    "a value times another",
    "no difference",
)
"""Rules whose sentences don't say of a factor that it is a gradient, or speak of none."""

MISSING = ("factor", "mask", "path")
"""Kinds of faults that may be a factor that is missing."""


def because(kind: str, hidden: bool | None) -> str:
    """Why a fault was hidden, where it was."""
    if hidden:
        return BECAUSE.get(kind, "at these numbers the line and its repair give the same")
    return UNSEEN.get(kind, "")


def in_words(equation: str, names: Mapping[str, str]) -> str:
    """An equation with other words for some of its own."""
    return re.sub(r"\w+", lambda found: names.get(found[0], found[0]), equation)


def renamed(line: str, names: Mapping[str, str]) -> str:
    """A line of code with the names of the spec."""
    try:
        tree = ast.parse(line.strip())
    except SyntaxError:
        return line.strip()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
    return ast.unparse(tree)

"""Clips in the midst of a pass whose gradients are right: what is cut off there is missing."""

from __future__ import annotations

from dataclasses import replace

from symgrad.audit.blaming import Blaming
from symgrad.audit.clips import SMALLER, Clip, clips, clips_gradient
from symgrad.audit.grammar import RULES
from symgrad.audit.outcome import Blamed
from symgrad.audit.reference import Reference
from symgrad.audit.scene import Scene
from symgrad.audit.search import State
from symgrad.audit.source import Source


class Cutting:
    """The search for clips that are faults, in a source that is judged by a reference."""

    def __init__(
        self, reference: Reference, source: Source, blaming: Blaming, remarks: list[str]
    ) -> None:
        self.reference = reference
        self.source = source
        self.blaming = blaming
        self.remarks = remarks

    def found(self, state: State) -> list[Blamed]:
        """What is clipped in the midst of a pass, which shows once the bounds are small."""
        program, matching = state.program, state.matching
        for clip in clips(self.source):
            matching.bounds = {clip.bound, clip.bound / SMALLER}
            if self._is_wrong(state, clip.removed) or not clips_gradient(
                clip, program, state.truths[0]
            ):
                continue
            state.program = program.repaired(clip.shrunk)
            state.program.load()
            wrong = state.refresh().wrong()
            found = self.blaming.all(state) if wrong else []
            state.program = program
            program.load()
            state.refresh()
            if not wrong:
                self.remarks.append(f"gradients are clipped at the end, line {clip.line}")
            for blame in found[:1]:
                return [self._unclipped(blame, clip, state)]
        return []

    def _is_wrong(self, state: State, change: tuple[int, int, str]) -> bool:
        """Whether a program that is right is not with a change: a clip may be a derivative."""
        program = state.program.repaired([change])
        program.load()
        runs = program.run(state.truths)
        state.program.load()
        return not all(v.right for v in state.values(runs))

    def _unclipped(self, blame: Blamed, clip: Clip, state: State) -> Blamed:
        """The fault at a clip, its repair made in the text as it is."""
        scene = Scene(self.source, state.runs[0], state.truths[0], self.reference)
        sites = scene.sites(blame.target.code, clip.line)
        edits = [
            e
            for s in sites
            for rule in RULES
            for e in rule.edits(s)
            if rule.kind == "clipped" and s.line == clip.line
        ]
        if blame.edit is None or not edits:
            return blame
        state.program = state.program.repaired(edits[0].changes)
        line = state.program.source.text.split("\n")[clip.line - 1]
        state.program.load()
        state.refresh()
        return replace(blame, line=clip.line, edit=edits[0], repaired_line=line, hidden=None)

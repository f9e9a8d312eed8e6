"""What comments say of the values that loops compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symgrad.program.program import Op, Program
from symgrad.targets.about import shape_text
from symgrad.targets.c.kept import Kept


class Telling:
    """The equations of values, and of those without memory where they are read first."""

    def __init__(
        self, program: Program, kept: Kept, formulas: Mapping[str, str], stage: Mapping[str, str]
    ) -> None:
        self.kept, self.formulas = kept, formulas
        self.owner: dict[str, str] = {}
        """The first value with an equation that each leads to; itself where it has one."""
        for op in reversed(program.ops):
            found = (self.owner[reader.name] for reader in kept.readers[op.name])
            self.owner[op.name] = op.name if op.name in formulas else next(found, "")
        self.seen = self._first_read(program, stage)
        """The values without memory that are first read for each."""

    def _first_read(self, program: Program, stage: Mapping[str, str]) -> dict[str, list[str]]:
        """Of each value with loops those without that no other before it reads in its stage."""
        made = [op for op in program.ops if not self._is_seen(op.name)]
        known = {(stage[op.name], self.owner[op.name]) for op in made}
        found: dict[str, list[str]] = {}
        for op in made:
            found[op.name] = [n for n in self._read(op) if (stage[op.name], n) not in known]
            known |= {(stage[op.name], name) for name in found[op.name]}
        return found

    def equation(self, op: Op) -> list[str]:
        """That of a value, if it has one, and those of what it reads in place."""
        own = [self._told(op.name)] if op.name in self.formulas else []
        return own + self.beside(op)

    def beside(self, op: Op) -> list[str]:
        """The equations of what has no memory and is read here first."""
        return [f"with {self._told(name)}" for name in self.seen.get(op.name, ())]

    def towards(self, op: Op) -> list[str]:
        """What a value without an equation is needed for."""
        owner = self.owner[op.name]
        return [f"for {self._told(owner)}"] if owner else []

    def _told(self, name: str) -> str:
        return f"{self.formulas[name]}  {shape_text(self.kept.ops[name].shape)}".strip()

    def _is_seen(self, name: str) -> bool:
        """Whether a value is read in the memory of others, or computed where it is read."""
        op = self.kept.ops.get(name)
        return op is not None and (name in self.kept.lazy or self.kept.is_alias(op))

    def _read(self, op: Op) -> Iterator[str]:
        """The values without memory, but with an equation, that an operation reads."""
        for name in dict.fromkeys(r.name for r in op.reads):
            if self._is_seen(name):
                yield from self._read(self.kept.ops[name])
                yield from [name] if name in self.formulas else []

"""The kinds of operations: one record for each, that a program and all that reads it is made of."""

from symgrad.program.kinds.contractions import CONTRACTIONS
from symgrad.program.kinds.entries import ENTRIES
from symgrad.program.kinds.halves import HALVES
from symgrad.program.kinds.kind import Kind, Result
from symgrad.program.kinds.layouts import LAYOUTS
from symgrad.program.kinds.loops import LOOPS
from symgrad.program.kinds.matrices import MATRICES
from symgrad.program.kinds.nearest import NEAREST_ROWS
from symgrad.program.kinds.parts import PARTS
from symgrad.program.kinds.positions import POSITIONS
from symgrad.program.kinds.reductions import REDUCTIONS

__all__ = ["KINDS", "Kind", "Result"]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *ENTRIES,
        *CONTRACTIONS,
        *REDUCTIONS,
        *LAYOUTS,
        *PARTS,
        *POSITIONS,
        *NEAREST_ROWS,
        *MATRICES,
        *HALVES,
        *LOOPS,
    )
}
"""By the name that an operation has for its kind."""

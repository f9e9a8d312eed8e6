"""Whether the parameters of an audited program change; used where that runs, as ``holding`` is."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symgrad.audit import holding
else:
    import holding


class Tracked:
    """The parameters of a run: where they are, and what they were when loops began."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.space = space
        self.given: dict[str, Any] = {}
        self.began: dict[int, dict[str, Any]] = {}

    def has_changed(self, loop: int, codes: Collection[str], *, one: bool) -> bool:
        """Whether parameters are others than at the first turn of a loop: all, or ``one`` of them.

        Where none can be looked at, one is taken to be.
        """
        now = {code: value for code in codes if (value := self.value(code)) is not None}
        if loop not in self.began:
            self.began[loop] = {code: holding.with_added(v, ()) for code, v in now.items()}
            return False
        before = self.began[loop]
        moved = (
            holding.is_other(value, before[code]) for code, value in now.items() if code in before
        )
        if before.keys().isdisjoint(now):
            return one
        return any(moved) if one else all(moved)

    def value(self, code: str) -> Any:
        """The floats that a parameter is, where it can be looked at."""
        base = holding.base(code)
        found = self.space.get(code, self.given.get(code))
        if code != base and base in self.space:
            found = holding.held_in(self.space[base], code.removeprefix(base))
        floats = getattr(getattr(found, "dtype", None), "kind", "") == "f"
        shaped = getattr(found, "shape", ()) or base in self.space  # a number may be made anew
        return found if floats and shaped else None

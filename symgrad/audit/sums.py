"""Arrays that begin as zeros and are added to, perhaps under other names."""

from __future__ import annotations

from typing import Any


class Sums:
    """What was zero when it was assigned: the object itself, to see what becomes of it."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}

    def begin(self, target: str, value: Any) -> None:
        """Something was assigned, under a name that may have been that of a sum."""
        self.begun.pop(target, None)
        if _is_zero(value):
            self.begun[target] = value

    def goes_on(self, target: str, value: Any) -> bool:
        """Whether something is a sum that began under this name, and not some other array."""
        return self.begun.get(target) is value and hasattr(value, "shape")

    def ended(self, last: dict[str, Any]) -> dict[str, Any]:
        """The sums that were only seen as zeros, as they are at the end."""
        return {t: v for t, v in self.begun.items() if t in last and _is_zero(last[t])}


def _is_zero(value: Any) -> bool:
    """Whether something is an array of zeros."""
    return hasattr(value, "shape") and hasattr(value, "any") and not value.any()

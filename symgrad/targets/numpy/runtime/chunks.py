"""What a generated module computes chunks of rows in."""

from __future__ import annotations

import threading
from typing import Any


class Memory(threading.local):
    """What partial() computes in: kept for the next chunk, and of each thread its own."""

    def _of(self, room: Any, *sizes: Any) -> Any:
        """That of the chunk before, where it was as large."""
        kept = self.__dict__.get(room.__name__)
        if kept is None or kept._for != sizes:
            kept = self.__dict__[room.__name__] = room(*sizes)
        return kept

"""What is said of an input that is not what is assumed of it."""

from __future__ import annotations

from typing import Any

import numpy as np


def _assumed(told: str, found: Any, fits: Any) -> None:
    """ValueError where an entry of what was found does not fit."""
    for place in np.argwhere(~fits).tolist()[:1]:
        raise ValueError(f"{told}{place or ''} = {found[tuple(place)]}")

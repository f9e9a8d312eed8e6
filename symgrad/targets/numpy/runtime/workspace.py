"""Functions that are written where a workspace has room for them."""

from __future__ import annotations

from typing import Any

import numpy as np


def _sigmoid(x: Any, mask: Any, e: Any, below: Any, out: Any) -> Any:
    """1 / (1 + exp(-x)) for any x, by e = exp(-|x|), which may lie where x does."""
    np.greater_equal(x, 0, out=mask)
    np.exp(np.negative(np.abs(x, out=e), out=e), out=e)
    np.maximum(mask, e, out=out)
    return np.divide(out, np.add(1, e, out=below), out=out)

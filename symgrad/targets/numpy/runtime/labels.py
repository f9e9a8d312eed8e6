"""Whether labels point into their axes."""

from __future__ import annotations

from typing import Any

import numpy as np


def _check_labels(name: str, labels: Any, stop: int) -> None:
    """ValueError where a label is not one of 0, 1, ..., stop - 1."""
    if labels.size and np.maximum.reduce(labels.view(np.uint64), None) >= stop:  # -1 is large
        bad = min(labels.min(), 0) or labels.max()
        raise ValueError(f"{name}: expected labels from 0 to {stop - 1}, got {bad}")


def _check_range(name: str, labels: Any, first: int, stop: int) -> None:
    """ValueError where a label is not one of first, ..., stop - 1."""
    if labels.size and not first <= labels.min() <= labels.max() < stop:
        bad = labels.min() if labels.min() < first else labels.max()
        raise ValueError(f"{name}: expected labels from {first} to {stop - 1}, got {bad}")

"""Faults planted at random in generated passes: an audit finds the line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from symgrad.audit.entry import made
from symgrad.audit.source import read
from symgrad.targets import TARGETS
from tests.losses import LOSSES, Loss
from tests.planting import Planted, differs, planted
from tests.test_losses import derived, point

NAMES = """mlp_tanh mlp_columns batch_norm layer_norm rms_norm attention multi_head_attention lstm
rnn_shared conv_slices conv2d_slices conv_windows softmax_regression dropout gelu_mlp vae"""
PASSES = [loss for loss in LOSSES if loss.name in NAMES.split()]
FUNCTION, WITHIN = "loss_and_gradients", "_backward"
"""What is audited, and the function in which a fault is planted."""

EACH = 6
"""So many faults a pass; one of them may be told at another line."""


def faults(loss: Loss, seed: int) -> list[Planted]:
    """Some faults by which the gradients of a pass differ."""
    code = derived(loss).source(plain=True)
    at = point(loss)
    found: list[Planted] = []

    def gradients(text: str) -> tuple[object, ...]:
        return tuple(TARGETS["numpy"].load(text, "loss").loss_and_gradients(**at)[1])

    right = gradients(code)
    for fault in planted(code, WITHIN, random.Random(seed)):
        try:
            wrong = gradients(fault.code)
        except Exception:  # a program that stops is no fault that is looked for
            continue
        found += [fault] if differs(right, wrong) else []
        if len(found) == EACH:
            break
    return found


def line_told(loss: Loss, fault: Planted, folder: Path) -> int | None:
    path = folder / "code.py"
    path.write_text(fault.code, encoding="utf-8")
    more = {"cls": None, "setup": "", "inputs": {}, "match": {}, "timeout": 120, "seed": 0}
    audit = made(derived(loss), read(path), function=FUNCTION, **more)  # type: ignore[arg-type]
    return audit.faults[0].line if audit.faults else None


@pytest.mark.long
@pytest.mark.parametrize("loss", PASSES, ids=lambda loss: loss.name)
def test_the_line_of_a_planted_fault_is_told(loss: Loss, tmp_path: Path) -> None:
    several = faults(loss, seed=0)
    assert several
    told = [(line_told(loss, f, tmp_path), f) for f in several]
    missed = [f"{line}: {f.line} {f.how}: {f.before}" for line, f in told if line != f.line]
    assert len(missed) <= 1, missed

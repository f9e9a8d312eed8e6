"""Audits of whole programs: what people get wrong is named, and what they spell oddly is not."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from audited import pairs
from audited.pairs import PAIRS, faults, indices, named, nameless, right, trained, updates

from symgrad.audit import Audit
from symgrad.audit.entry import made, with_values
from symgrad.audit.source import read
from symgrad.face import Derivation
from symgrad.language.spec_file import load

FILES = (faults, right, trained, updates, indices, named, nameless)
assert all(file.pair is pairs.pair for file in FILES)
FAULTY = [name for name, pair in PAIRS.items() if pair.kinds]
RIGHT = [name for name, pair in PAIRS.items() if not pair.kinds]
QUICK = {"inplace_probs", "loop_stale_weight", "residual_skip", "clipped_mid", "bce_no_sigmoid"}
QUICK |= {"mlp_fromloss", "huber_clip", "softmax_stable", "scr_loop", "cls_plain", "rnn_class"}
QUICK |= {"linear_updated", "momentum_updated", "skipgram_updated", "stops_midway"}
QUICK |= {"scalars_taped", "attention_letters", "hinge_counted", "triplet_threshold"}
QUICK |= {"loss_of_another", "loss_up_to_a_constant", "loss_is_right"}
QUICK |= {"trains", "causal_attention", "trains_right", "list_of_layers_right", "rate_decays_right"}
QUICK |= {"class_updates_itself", "kernel_not_flipped", "nielsen_right", "factors_updated_right"}
QUICK |= {"logvar", "siamese", "biaffine", "square_bias", "updated_w2", "conv_unrolled", "cos_pair"}
QUICK |= {"reshaped", "square_bias_right", "biaffine_right", "avgpool_right", "moe", "mha_out"}
QUICK |= {"eleven_lines_right", "averaged_steps_right", "stops_midway_right"}
QUICK |= {"dict_from_a_function_right", "variables_of_the_file_right"}
QUICK |= {
    "smoothed_labels_nb_right",
    "cache_softmax_diagonal",
    "gauss_std",
    "downhill_error",
    "intercept_decayed",
    "redrawn_by_a_function",
    "bias_of_the_last_row",
    "tape_unused",
    "softmax_bias_of_all",
    "skip_of_what_comes_back",
}
"""Programs that are audited every time: a copy left out, two statements on a line, and so on."""


@functools.cache
def derivation(spec: str, tmp: Path) -> Derivation:
    path = tmp / f"spec{abs(hash(spec))}.py"
    path.write_text("import numpy as np\nimport symgrad as sg\n" + spec, encoding="utf-8")
    given = load(path)
    return with_values(given.loss, given.names)


@pytest.fixture(scope="session")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("specs_of_pairs")


def cells_of(code: str) -> list[str]:
    return code.split("# %%\n")


def audit_of(pair: pairs.Pair, specs: Path, tmp: Path) -> Audit:
    code = "import numpy as np" + pair.code.replace(" #!", "")
    path = tmp / "code" / f"code{pair.suffix}"
    path.parent.mkdir()
    if pair.suffix == ".ipynb":
        cells = [{"cell_type": "code", "source": c.splitlines(True)} for c in cells_of(code)]
        code = json.dumps({"cells": cells, "nbformat": 4})
    path.write_text(code, encoding="utf-8")
    options = {"function": None, "cls": None, "setup": "", "inputs": {}, "match": {}}
    more = {"timeout": 300, "seed": 0}
    return made(derivation(pair.spec, specs), read(path), **(options | more | pair.options))


def marked(names: list[str]) -> list[object]:
    return [pytest.param(n, marks=() if n in QUICK else pytest.mark.long, id=n) for n in names]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", marked(FAULTY))
def test_the_fault_is_named(name: str, specs: Path, tmp_path: Path) -> None:
    pair = PAIRS[name]
    found = audit_of(pair, specs, tmp_path)
    fault = found.faults[0]
    assert next(v.name for v in found.values if v.status != "right") in pair.first.split()
    assert fault.kind in pair.kinds.split()
    assert fault.agrees is not None
    assert fault.agrees < 1e-6
    rows = (cells_of("import numpy as np" + pair.code)[fault.cell or 0]).split("\n")
    assert any("#!" in row for row in rows[: fault.line])  # there, or where it is read


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", marked(RIGHT))
def test_a_right_pass_is_not_accused(name: str, specs: Path, tmp_path: Path) -> None:
    found = audit_of(PAIRS[name], specs, tmp_path)
    assert found.faults == ()
    assert {v.status for v in found.values} == {"right"}


@pytest.mark.long
def test_a_gradient_that_is_not_used_is_said(specs: Path, tmp_path: Path) -> None:
    fault = audit_of(PAIRS["what_comes_back_is_not_used"], specs, tmp_path).faults[0]
    assert fault.sentence == "the gradient that comes back is not used: the factor `gy` is missing"

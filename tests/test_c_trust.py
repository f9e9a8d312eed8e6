"""Generated C on other machines, and under the eyes of a tool that knows MISRA C."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.compiled_c import STRICT, command, emitted, run, written
from tests.losses import LOSSES

pytestmark = pytest.mark.long

MACHINES = {
    "arm, hard float": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
    "arm, soft float": ("arm-linux-gnueabi-gcc", "qemu-arm"),
    "riscv64": ("riscv64-linux-gnu-gcc", "qemu-riscv64"),
}
SOME = ("mlp_columns", "softmax_regression", "layer_norm", "attention", "lstm", "conv_windows",
        "gaussian_process", "kmeans", "products", "clipped_policy", "dirichlet")  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("machine", MACHINES)
def test_other_machines(machine: str, dtype: str, tmp_path: Path) -> None:
    compiler, emulator = map(command, MACHINES[machine])
    for loss in (x for x in LOSSES if x.name in SOME):
        source = written(loss.name, emitted(loss, dtype=dtype), tmp_path)
        test, program = f"{loss.name}_test.c", f"{loss.name}.out"
        run([compiler, *STRICT, "-Os", "-static", source, test, "-o", program, "-lm"], tmp_path)
        said = run([emulator, program], tmp_path)
        assert said == f"{loss.name}: all as expected\n"


def test_misra_finds_what_the_page_lists(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "pages" / "how-to" / "device.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (\d+\.\d+) \|", page, re.MULTILINE))
    for loss in LOSSES:
        written(loss.name, emitted(loss), tmp_path)
    sources = [f"{loss.name}.c" for loss in LOSSES]
    options = ["--addon=misra", "--std=c99", "--enable=style", "--template={id} {file}:{line}"]
    ignored = ["missingIncludeSystem", "preprocessorErrorDirective", "unusedFunction"]
    told = [f"--suppress={name}" for name in ignored]
    said = run([command("cppcheck"), "-q", *options, *told, "--error-exitcode=0", *sources],
               tmp_path)  # fmt: skip
    found = {x for x in said.split("\n") if "misra-c2012" in x}
    assert {x.split("misra-c2012-")[1].split(" ")[0] for x in found} == listed

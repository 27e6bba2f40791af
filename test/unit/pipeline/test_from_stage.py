"""`cm-compile` goes on from IR of any stage, to the same program."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

import cmopt
from cmopt.pipeline.cm_compile import main

NPU = "cortex-m55+ethos-u55-128"


@cache
def program(target: str) -> cmopt.Program:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.SiLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 5)
    ).eval()
    batches = [(torch.randn(1, 3, 6, 6),) for _ in range(4)]
    exported = cmopt.quantize(model, batches[0], calibration=batches, target=target)
    return cmopt.compile(exported, target=target, io="int8")


@pytest.mark.parametrize(
    ("target", "stage"),
    [
        *(("cortex-m7", stage) for stage in ("edge", "quantized", "layout", "cortex_m", "planned")),
        *((NPU, stage) for stage in ("quantized", "ethos_u", "cortex_m", "planned")),
    ],
)
def test_the_same_file(tmp_path: Path, target: str, stage: str) -> None:
    """The stage is found from the IR, or given."""
    source, found, given = (str(tmp_path / name) for name in ("in.mlir", "found.pte", "given.pte"))
    Path(source).write_text(program(target).ir(stage))
    arguments = [source, "--target", target, "--io", "int8"]
    assert main([*arguments, "-o", found]) == 0
    assert main([*arguments, "--from-stage", stage, "-o", given]) == 0
    assert Path(found).read_bytes() == Path(given).read_bytes() == program(target).pte


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from-stage", "planned"], "has no place"),
        (["--from-stage", "ethos_u"], "target 'cortex-m7' has no stage 'ethos_u'"),
        (["--from-stage", "late"], "unknown stage 'late'"),
        (["--calibrate", "x.npz"], "IR is not calibrated"),
    ],
)
def test_what_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    source, output = tmp_path / "in.mlir", tmp_path / "out.pte"
    source.write_text(program("cortex-m7").ir("cortex_m"))
    command = [str(source), "--target", "cortex-m7", *arguments, "-o", str(output)]
    assert main(command) == 1
    assert message in capsys.readouterr().err
    assert not output.exists()

"""Ops that are lowered differently for the NPU are as exact as on the core, or more exact."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cmopt
from cmopt.dialects import tosa

TARGET = "cortex-m55+ethos-u55-128"


def compiled(*layers: nn.Module) -> tuple[cmopt.Program, torch.Tensor]:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *layers).eval()
    batches = [(torch.randn(1, 3, 16, 16),) for _ in range(2)]
    exported = cmopt.quantize(module, batches[0], calibration=batches, target=TARGET)
    return cmopt.compile(exported, target=TARGET), torch.randn(1, 3, 16, 16)


def kinds(program: cmopt.Program) -> list[type]:
    return [type(op) for op in program.module("ethos_u").walk()]


def steps(program: cmopt.Program, x: torch.Tensor) -> int:
    """The error of the conversion, in steps of the quantized result."""
    scale = program.module("layout")
    casts = [op for op in scale.walk() if op.name == "quant.dcast"]
    step = casts[-1].operands[0].type.element_type.scale  # type: ignore[attr-defined]
    meant, got = (program.interpret(x, stage=stage)[0] for stage in ("layout", "ethos_u"))
    return round(((meant - got).abs().max() / step).item())


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_nearest_upsampling_is_one_resize(factor: int) -> None:
    program, x = compiled(nn.Upsample(scale_factor=factor), nn.MaxPool2d(3, 1))
    assert kinds(program).count(tosa.ResizeOp) == 1
    assert tosa.TileOp not in kinds(program)
    assert steps(program, x) <= 1


def test_other_factors_are_tiles() -> None:
    program, x = compiled(nn.Upsample(scale_factor=3), nn.MaxPool2d(3, 1))
    assert tosa.ResizeOp not in kinds(program)
    assert steps(program, x) <= 1


@pytest.mark.parametrize("kernel", [4, 5, 7])
def test_a_long_stride_becomes_channels(kernel: int) -> None:
    program, x = compiled(nn.Conv2d(8, 4, kernel, stride=4, padding=1))
    strides = [
        op.stride.get_values()
        for op in program.module("ethos_u").walk()
        if isinstance(op, tosa.Conv2DOp)
    ]
    assert len(strides) == 2 and max(max(s) for s in strides) == 1
    assert steps(program, x) <= 1


@pytest.mark.parametrize("pool", [nn.MaxPool2d(5), nn.AvgPool2d(4)])
def test_pools_far_apart_are_on_the_npu(pool: nn.Module) -> None:
    program, x = compiled(pool)
    assert len(program.report.delegates) == 1
    assert {out.op for out in program.report.outside} == {"quant.qcast", "quant.dcast"}
    assert steps(program, x) <= 1


@pytest.mark.parametrize("elements", [8, 600])
def test_softmax_inside_a_delegate_is_within_a_step(elements: int) -> None:
    """The kernel of the core takes at most 511 elements."""
    program, x = compiled(
        nn.Flatten(), nn.Linear(2048, elements), nn.Softmax(-1), nn.Linear(elements, 4)
    )
    assert len(program.report.delegates) == 1
    assert program.report.float_ops == 0
    assert tosa.ClzOp in kinds(program)
    assert steps(program, x) <= 1


def test_attention_is_one_delegate() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mixed = nn.Linear(16, 48)
            self.out = nn.Linear(16, 16)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = self.mixed(x).reshape(1, 8, 3, 2, 8).permute(2, 0, 3, 1, 4)
            weights = torch.softmax(q @ k.transpose(-1, -2) * 0.35, -1)
            return self.out((weights @ v).transpose(1, 2).reshape(1, 8, 16))

    torch.manual_seed(0)
    batches = [(torch.randn(1, 8, 16),) for _ in range(2)]
    exported = cmopt.quantize(Attention().eval(), batches[0], calibration=batches, target=TARGET)
    report = cmopt.compile(exported, target=TARGET).report
    assert len(report.delegates) == 1
    assert {out.op for out in report.outside} == {"quant.qcast", "quant.dcast"}


def test_windows_without_a_kernel_of_the_core_are_the_npus() -> None:
    """CMSIS-NN takes only paddings below the size of the filter."""
    program, x = compiled(nn.Conv2d(8, 4, 1, padding=2))
    assert program.report.float_ops == 0
    assert len(program.report.delegates) == 1
    assert {out.op for out in program.report.outside} == {"quant.qcast", "quant.dcast"}
    assert steps(program, x) <= 1

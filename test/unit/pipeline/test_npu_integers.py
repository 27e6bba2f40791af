"""Integers that are not quantized are computed in the delegate of the layers next to them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from upstream_ethos_u import upstream_quantized

TARGETS = ("cortex-m55+ethos-u55-128", "cortex-m55+ethos-u65-256", "cortex-m55+ethos-u85-256")
BORDER = {"quant.qcast", "quant.dcast"}


class Steps(nn.Module):
    """A convolution of floats, and steps of 16 and 32 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.counts: Tensor
        self.register_buffer("counts", torch.tensor([1, 2, 40, -1], dtype=torch.int32))

    def forward(self, x: Tensor, steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        few = torch.clamp(steps, -1000, 70000)[:, ::2]
        both = torch.cat([few >> self.counts, few << 3], 1)
        narrow = torch.minimum(both.to(torch.int16), torch.tensor(7, dtype=torch.int16))
        return torch.relu(self.conv(x)), both, narrow * 3 - 1


def inputs() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(1, 3, 8, 8), torch.randint(-(1 << 31), 1 << 31, (2, 8), dtype=torch.int32)


@pytest.mark.parametrize("quantizer", ["here", "upstream"])
@pytest.mark.parametrize("target", TARGETS)
def test_they_are_in_the_delegate(target: str, quantizer: str) -> None:
    torch.manual_seed(0)
    model, sample = Steps().eval(), inputs()
    if quantizer == "here":
        exported = cmopt.quantize(model, sample, target=target)
    else:
        exported = upstream_quantized(model, [sample])
    program = cmopt.compile(exported, target=target)
    assert len(program.report.delegates) == 1
    assert {out.op for out in program.report.outside} == BORDER
    results = program.interpret(*sample, stage="ethos_u")
    for got, expected in zip(results[1:], model(*sample)[1:], strict=True):
        torch.testing.assert_close(torch.as_tensor(got), expected, rtol=0, atol=0)


class Counter(nn.Module):
    """Sums of any int32, which may overflow."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.clamp(x + y, -5, 5)


def test_sums_that_may_overflow_run_on_the_core() -> None:
    """In the file, they wrap as in PyTorch. The clamp behind them is the delegate."""
    x = torch.tensor([(1 << 31) - 1, 3, -(1 << 31)], dtype=torch.int32)
    y = torch.tensor([1, -1, -1], dtype=torch.int32)
    exported = torch.export.export(Counter(), (x, y))
    program = cmopt.compile(exported, target=TARGETS[0], allow_float=True)
    assert [out.op for out in program.report.outside] == ["aten.add.Tensor"]
    assert len(program.report.delegates) == 1
    (result,) = program.interpret(x, y, stage="ethos_u")
    torch.testing.assert_close(torch.as_tensor(result), Counter()(x, y), rtol=0, atol=0)

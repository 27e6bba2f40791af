"""Comparisons, logical operators and choices between layers are part of one delegate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import cmopt
from cmopt.dialects import edge

TARGETS = ("cortex-m55+ethos-u55-128", "cortex-m55+ethos-u65-256", "cortex-m55+ethos-u85-256")
CHOICES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "where": lambda a, b: torch.where(a > b, a, b * 0.5),
    "where of a number": lambda a, b: torch.where(a <= 0.25, b, -1.0),
    "masked_fill": lambda a, b: a.masked_fill(b < a, 0.25),
    "or": lambda a, b: torch.where((a >= b) | (a == 0), b, a),
    "not, xor, and": lambda a, b: torch.where(~(a != b) ^ ((a > 0.1) & (b > 0.1)), a, b),
    "a row": lambda a, b: torch.where(a[:, :1, :1] > b, a, b),
}


class Between(nn.Module):
    """A choice between the results of two convolutions, and a third convolution behind it."""

    def __init__(self, choice: Callable[..., Tensor]) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.last, self.choice = nn.Conv2d(4, 2, 1), choice

    def forward(self, x: Tensor, *masks: Tensor) -> Tensor:
        chosen: Tensor = self.last(self.choice(self.first(x), self.second(x), *masks))
        return chosen


def compiled(
    choice: Callable[..., Tensor], inputs: tuple[Tensor, ...], target: str
) -> cmopt.Program:
    torch.manual_seed(0)
    model = Between(choice).eval()
    return cmopt.compile(cmopt.quantize(model, inputs, target=target), target=target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_in_the_delegate(name: str, target: str) -> None:
    torch.manual_seed(1)
    x = torch.randn(1, 3, 8, 8)
    program = compiled(CHOICES[name], (x,), target)
    assert len(program.report.delegates) == 1
    assert {out.op for out in program.report.outside} == {"quant.qcast", "quant.dcast"}
    meant, got = (program.interpret(x, stage=stage)[0] for stage in ("layout", "ethos_u"))
    step = [op for op in program.module("layout").walk() if op.name == "quant.dcast"]
    scale = step[-1].operands[0].type.element_type.scale  # type: ignore[attr-defined]
    assert (meant - got).abs().max() <= 1.01 * scale


@pytest.mark.parametrize("target", TARGETS[:2])
def test_a_mask_of_the_caller_is_read_as_bytes(target: str) -> None:
    x, mask = torch.randn(1, 3, 8, 8), torch.rand(1, 1, 6, 6) > 0.5
    program = compiled(lambda a, b, m: torch.where(m, a, b), (x, mask), target)
    assert len(program.report.delegates) == 1
    assert {out.op for out in program.report.outside} == {"quant.qcast", "quant.dcast"}
    for stage in ("ethos_u", "planned"):
        meant, got = (program.interpret(x, mask, stage=s)[0] for s in ("layout", stage))
        assert (meant - got).abs().max() < 0.05


def test_the_core_keeps_bools() -> None:
    x = torch.randn(1, 3, 8, 8)
    program = compiled(CHOICES["where"], (x,), "cortex-m55")
    assert not any(isinstance(op, edge.WhereOp) for op in program.module("quantized").walk())

"""Integers that a model casts to float itself: images and samples of sensors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

NPU = "cortex-m55+ethos-u55-128"
RANGES = {
    torch.int8: (-128, 127),
    torch.int16: (-100, 150),
    torch.int32: (0, 255),
    torch.int64: (-3, 200),
}
CASTS: dict[str, Callable[[Tensor], Tensor]] = {
    "centred": lambda x: x.float() / 127.5 - 1,
    "product": lambda x: x * (1 / 255),
    "moved": lambda x: x.permute(0, 2, 1).to(torch.float32).flatten(1).unflatten(1, (6, 5)),
    "alone": lambda x: x.type_as(torch.zeros(1)),
    "floored": lambda x: torch.div(x, 9.5, rounding_mode="floor"),
}


def samples(dtype: torch.dtype) -> Tensor:
    low, high = RANGES[dtype]
    return torch.linspace(low, high, 60).round().to(dtype).reshape(2, 5, 6)


def quantized(function: Callable[..., Tensor], x: Tensor, target: str) -> cmopt.Program:
    return cmopt.compile(cmopt.quantize(Function(function), (x,), target=target), target=target)


@pytest.mark.parametrize("dtype", RANGES, ids=str)
@pytest.mark.parametrize("name", CASTS)
def test_no_float_is_made_of_them(name: str, dtype: torch.dtype) -> None:
    x = samples(dtype)
    program = quantized(CASTS[name], x, "cortex-m55")
    assert program.report.float_ops == 0
    (found,) = program.run(x)
    assert torch.equal(found, program.interpret(x, stage="quantized")[0])
    expected = CASTS[name](x)
    step = (expected.max() - expected.min()) / 255
    assert (found - expected).abs().max() <= step  # the step of 0 is rounded too


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32], ids=str)
def test_the_cast_is_in_the_delegate(dtype: torch.dtype) -> None:
    program = quantized(CASTS["floored"], samples(dtype), NPU)
    assert program.report.float_ops == 0 and len(program.report.delegates) == 1
    assert [op.op for op in program.report.outside] == ["quant.dcast"]


def test_numbers_out_of_the_range_of_calibration_saturate() -> None:
    x = samples(torch.int32)
    program = quantized(lambda x: x.float(), x, "cortex-m55")
    other = torch.full_like(x, 1 << 30)
    other[0] = -(1 << 30)
    (found,) = program.run(other)
    assert found[0].eq(0).all() and found[1].eq(255).all()


def test_what_needs_more_than_256_steps_is_rounded() -> None:
    x = samples(torch.int32) * 100
    exported = cmopt.quantize(Function(lambda x: x.float()), (x,))
    program = cmopt.compile(exported, allow_float=True)
    assert (program.run(x)[0] - x).abs().max() <= 100
    assert program.report.float_ops == 1


def test_a_layer_reads_whole_numbers() -> None:
    torch.manual_seed(0)
    x = torch.randint(3, 250, (1, 3, 8, 8), dtype=torch.int32)
    exported = cmopt.quantize(
        Function(lambda conv, x: conv(x.float()), nn.Conv2d(3, 4, 3)), (x,), calibration=[(x,)]
    )
    scales = [n.args[1] for n in exported.graph.nodes if "dequantize_per_tensor" in str(n.target)]
    assert scales[0] == 1.0
    assert cmopt.compile(exported).report.float_ops == 0

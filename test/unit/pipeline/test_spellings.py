"""Ways to write a model that once ended in an internal error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

Tensor = torch.Tensor
NPU = "cortex-m55+ethos-u55-128"


def integers(*shape: int) -> Tensor:
    return torch.arange(torch.Size(shape).numel(), dtype=torch.int32).reshape(shape)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: a[:, ::2],
        lambda a: a[:, ::2] + a[:, 1::2],
        lambda a: a.flip(0),
        lambda a: a[1:],
        lambda a: F.pad(a, (1, 0, 0, 2), value=7),
        lambda a: F.pad(a, (-1, 2)),
        lambda a: F.pad(a, (-1, -1)),
    ],
    ids=["strided", "two_strided", "flip", "slice", "pad", "pad_and_cut", "cut"],
)
def test_movements_of_integers(function: Callable[[Tensor], Tensor]) -> None:
    x = integers(3, 4)
    program = cmopt.compile(cmopt.quantize(Function(function), (x,)))
    assert torch.equal(program.run(x)[0], function(x))
    assert torch.equal(program.interpret(x, stage="planned")[0], function(x))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.cat([x, x, x], 0),
        lambda x: torch.cat([x[:1], x, x[1:]], 0),
        lambda x: torch.cat([x, torch.ones(1, 4), x], 0),
        lambda x: torch.stack([x, x]),
    ],
    ids=["thrice", "parts", "constant", "stack"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_joins_of_what_is_joined_twice(
    function: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> None:
    x = torch.randn(2, 4).to(dtype)
    exported = torch.export.export(Function(function), (x,))
    program = cmopt.compile(exported, allow_float=True)
    assert torch.equal(program.run(x)[0], function(x))


class SignedWeights(torch.nn.Module):
    """A convolution with computed weights."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(3, 2, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, torch.sign(self.weight))


def test_weights_that_are_computed_from_parameters() -> None:
    x = torch.randn(1, 2, 6, 6)
    program = cmopt.compile(cmopt.quantize(SignedWeights(), (x,)))
    assert program.report.ops["cortex_m.quantized_conv2d"] == 1
    assert program.report.float_ops == 0


def test_a_transpose_with_axes_too_long_for_the_npu_stays_on_the_core() -> None:
    x = torch.rand(1, 4, 270, 300).to(memory_format=torch.channels_last)
    model = Function(lambda x: F.pixel_shuffle(x, 2))
    program = cmopt.compile(cmopt.quantize(model, (x,), target=NPU), target=NPU)
    expected = program.interpret(x, stage="quantized")[0]
    assert torch.equal(program.interpret(x, stage="ethos_u")[0], expected)


@pytest.mark.parametrize("target", ["cortex-m55", NPU])
@pytest.mark.parametrize("shape", [(3,), (2, 3)], ids=["row", "matrix"])
def test_a_product_and_a_sum_in_one_operator(target: str, shape: tuple[int, ...]) -> None:
    inputs = torch.randn(shape), torch.randn(2, 4), torch.randn(4, 3)
    exported = cmopt.quantize(Function(torch.addmm), inputs, target=target)
    program = cmopt.compile(exported, target=target)
    assert program.report.float_ops == 0
    expected = torch.addmm(*inputs)
    result = program.interpret(*inputs, stage="planned" if target != NPU else "ethos_u")[0]
    assert float((result - expected).abs().max()) < 0.2


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum() * 2,
        lambda x: x.mean() + 1,
        lambda x: 1 - x.max(),
        lambda x: x[0, 0] / 3,
        lambda x: torch.relu(x.sum() - 1),
        lambda x: x.sum().mul_(2),
    ],
)
def test_numbers_leave_a_tensor_without_dimensions_as_it_is(
    function: Callable[[Tensor], Tensor],
) -> None:
    x = torch.rand(2, 4)
    program = cmopt.compile(cmopt.quantize(Function(function), (x,)))
    (result,) = program.run(x)
    assert result.shape == ()
    assert float((result - function(x)).abs()) < 0.1


@pytest.mark.parametrize("inplace", [False, True])
def test_rrelu_outside_of_training(inplace: bool) -> None:
    x, layer = torch.randn(2, 4), torch.nn.RReLU(0.1, 0.3, inplace)
    program = cmopt.compile(cmopt.quantize(torch.nn.Sequential(torch.nn.Tanh(), layer), (x,)))
    assert program.report.float_ops == 0
    assert float((program.run(x)[0] - F.leaky_relu(x.tanh(), 0.2)).abs().max()) < 0.05


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32])
def test_shifts_by_operators(dtype: torch.dtype) -> None:
    """`<<` and `>>` have their own ATen names, which have no kernels."""

    class Shifts(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return x << 2, x >> 1, (x << x) >> x

    x = torch.randint(0, 4, (3, 5)).to(dtype)
    program = cmopt.compile(torch.export.export(Shifts(), (x,)))
    for ran, expected in zip(program.run(x), Shifts()(x), strict=True):
        assert torch.equal(ran, expected)

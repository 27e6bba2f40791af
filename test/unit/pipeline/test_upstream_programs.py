"""Programs that ExecuTorch's own quantizer made are as integer as with its own back end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, fake_quantized


def by_upstream(model: nn.Module, *inputs: Tensor, wide: bool = False) -> ExportedProgram:
    """`model`, quantized by ExecuTorch's CortexMQuantizer on these inputs; wide: to int16."""
    from executorch.backends.cortex_m.quantizer.quantization_configs import (
        INT8_PER_TENSOR_CONFIG,
        INT16_PER_TENSOR_CONFIG,
    )
    from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    graph = torch.export.export(model.eval(), inputs).module(check_guards=False)
    config = INT16_PER_TENSOR_CONFIG if wide else INT8_PER_TENSOR_CONFIG
    observed = prepare_pt2e(graph, CortexMQuantizer(per_tensor_config=config))
    observed(*inputs)
    return torch.export.export(convert_pt2e(observed), inputs)


def compiled(
    model: nn.Module, *inputs: Tensor, steps: float = 1, wide: bool = False
) -> cmopt.Program:
    """An integer program within `steps` of PyTorch, and equal to its interpreter."""
    exported = by_upstream(model, *inputs, wide=wide)
    program = cmopt.compile(exported)
    assert program.report.float_ops == 0
    (ran,), (meant,) = program.run(*inputs), program.interpret(*inputs)
    assert torch.equal(torch.as_tensor(ran), torch.as_tensor(meant))
    step = next(float(n.args[1]) for n in reversed(exported.graph.nodes) if len(n.args) > 4)
    wanted = exported.module(check_guards=False)(*inputs)
    assert (torch.as_tensor(ran) - wanted).abs().max() <= (steps + 0.01) * step
    return program


def setup_function() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(8, 4), (2, 8)),
        (nn.Linear(8, 4, bias=False), (3, 1, 8)),
        (nn.Conv2d(2, 4, 3), (1, 2, 6, 6)),
        (nn.Conv2d(4, 4, 3, groups=4, bias=False), (1, 4, 5, 3)),
        (nn.ConvTranspose2d(4, 2, 2), (1, 4, 3, 3)),
    ],
)
@pytest.mark.parametrize("inplace", [False, True])
def test_hardsigmoid_is_part_of_a_layer(
    layer: nn.Module, shape: tuple[int, ...], inplace: bool
) -> None:
    model = nn.Sequential(layer, nn.Hardsigmoid(inplace=inplace))
    x = 3 * torch.randn(shape)
    if len(shape) == 4:
        x = x.contiguous(memory_format=torch.channels_last)
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert sum(compiled(model, x).report.ops.values()) == 3


@pytest.mark.parametrize("alpha", [2, -2, -1, 0.3, -0.5])
@pytest.mark.parametrize("function", [torch.add, torch.sub])
def test_alpha_is_in_a_scale(function: Callable[..., Tensor], alpha: float) -> None:
    for x, y in (
        (torch.randn(2, 8), torch.randn(2, 8)),
        (torch.randn(2, 8), torch.randn(1, 8)),
        (torch.randn(()), torch.randn(())),
    ):
        model = Function(lambda x, y: function(x, y, alpha=alpha))
        assert sum(compiled(model, x, y).report.ops.values()) == 4
        program = cmopt.compile(cmopt.quantize(model, (x, y)))
        assert sum(program.report.ops.values()) == 4


def test_int16_quotients() -> None:
    """The kernel gives 0 for x / 0. The program saturates, as PyTorch's integers do."""
    for shape in ((8,), (2, 3, 4, 4), (1, 1)):
        x, y = 9 * torch.randn(shape), torch.randn(shape)
        y.view(-1)[0] = 0.01
        program = compiled(Function(lambda x, y: x / y), x, y, wide=True)
        (found,) = program.run(x, torch.zeros(shape))
        limit = float((x / y).abs().max())
        assert torch.as_tensor(found).allclose(limit * x.sign(), rtol=1e-3)
        assert sum(program.report.ops.values()) == 7
    x = torch.tensor([1.0, -2.0, 0.5])
    assert sum(compiled(Function(lambda x: x / x), x, wide=True).report.ops.values()) == 3


@pytest.mark.parametrize(
    ("layer", "shape", "calls"),
    [
        (nn.Conv2d(3, 4, (2, 4), padding="same"), (2, 3, 6, 5), 2),
        (nn.Conv2d(1, 1, 3), (1, 1, 6, 5), 1),
        (nn.Conv2d(3, 1, 1), (1, 3, 1, 1), 1),
        (nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1, groups=2), (1, 4, 3, 3), 1),
        (nn.MaxPool2d(3, 2, padding=1), (1, 3, 7, 7), 1),
        (nn.MaxPool2d(2, 2, ceil_mode=True), (1, 3, 7, 7), 1),
    ],
)
def test_float_windows_take_both_formats(
    layer: nn.Module, shape: tuple[int, ...], calls: int
) -> None:
    """A portable kernel takes channels last as it is: nothing is transposed."""
    for format in (torch.contiguous_format, torch.channels_last):
        model = layer.to(memory_format=format).eval()  # type: ignore[call-overload]
        x = torch.randn(shape).contiguous(memory_format=format)
        program = cmopt.compile(torch.export.export(model, (x,)), allow_float=True)
        assert sum(program.report.ops.values()) == calls
        for found in (program.run(x)[0], program.interpret(x)[0]):
            assert torch.as_tensor(found).allclose(model(x), atol=1e-6)
        assert torch.as_tensor(program.run(x)[0]).is_contiguous(memory_format=format)


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u55-128"])
@pytest.mark.parametrize(("shape", "dim"), [((7,), 0), ((2, 3, 5), 1), ((4, 1), -1), ((1, 256), 1)])
def test_cumulative_sums(shape: tuple[int, ...], dim: int, target: str) -> None:
    """ExecuTorch's quantizer for Ethos-U quantizes them whole."""

    def function(x: Tensor) -> Tensor:
        return fake_quantized(fake_quantized(x, 0.02, 3).cumsum(dim), 0.1, -7)

    x = torch.randn(shape)
    program = cmopt.compile(torch.export.export(Function(function), (x,)), target=target)
    assert program.report.float_ops == 0
    assert bool(program.report.delegates) == ("ethos" in target)
    assert (program.interpret(x)[0] - function(x)).abs().max() <= 0.1001

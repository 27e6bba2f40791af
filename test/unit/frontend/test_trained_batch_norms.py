"""Batch norms that quantization-aware training leaves in a program are folded into layers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from torch import nn
from torch.export import ExportedProgram
from torchao.quantization.pt2e import move_exported_model_to_eval

import cmopt
from cmopt.support.diagnostics import Diagnostic, diagnostics_to

sys.path.insert(0, str(Path(__file__).parents[1]))
import training

pytestmark = pytest.mark.filterwarnings("ignore")

Tensor = torch.Tensor
quantized = torch.ops.quantized_decomposed


def xnnpack() -> Any:
    config = get_symmetric_quantization_config(is_per_channel=True, is_qat=True)
    return XNNPACKQuantizer().set_global(config)


def randomize(norm: nn.Module) -> None:
    """Statistics and weights of every sign, and a channel of which only the bias is left."""
    if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
        generator = torch.Generator().manual_seed(norm.num_features)
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.normal_(generator=generator)
        norm.running_var.uniform_(0.5, 2, generator=generator)
        with torch.no_grad():
            norm.weight.normal_(1, 0.3, generator=generator)
            norm.bias.normal_(generator=generator)


class Branches(nn.Module):
    """Several networks, each with its own input and output.

    PyTorch prepares all of them for training at once: it takes seconds for each graph.
    """

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        return [network(x) for network, x in zip(self.networks, inputs, strict=True)]


def trained(model: nn.Module, inputs: tuple[Tensor, ...], quantizer: Any) -> ExportedProgram:
    """The program of one step of quantization-aware training, as PyTorch's tutorial makes it."""
    model.apply(randomize)
    graph = torch.export.export(model.train(), inputs).module(check_guards=False)
    prepared = training.prepare(graph, quantizer)
    optimizer = torch.optim.SGD(prepared.parameters(), lr=1e-3)
    sum(y.square().mean() for y in prepared(*inputs)).backward()
    optimizer.step()
    move_exported_model_to_eval(prepared)
    with torch.no_grad():
        prepared(*inputs)
        return torch.export.export(training.convert(prepared), inputs)


def check(exported: ExportedProgram, *inputs: Tensor) -> cmopt.Program:
    """In integers throughout, and near PyTorch's simulation."""
    program = cmopt.compile(exported)
    with torch.no_grad():
        result = exported.module(check_guards=False)(*inputs)
    simulated = [result] if isinstance(result, Tensor) else result
    outputs = zip(
        program.run(*inputs), program.interpret(*inputs, stage="planned"), simulated, strict=True
    )
    for ran, interpreted, wanted in outputs:
        assert torch.equal(ran, interpreted)
        error = (ran - wanted).square().mean()
        assert float(10 * torch.log10(wanted.square().mean() / error)) > 33
    assert program.report.float_ops == 0
    assert not [op for op in program.report.ops if "batch_norm" in op]
    return program


LAYERS: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), (1, 3, 6, 6)),
    (
        nn.Sequential(
            nn.Conv2d(4, 4, 3, groups=4, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()
        ),
        (1, 4, 6, 6),
    ),
    (nn.Sequential(nn.ConvTranspose2d(3, 4, 2, stride=2), nn.BatchNorm2d(4)), (1, 3, 5, 5)),
    (nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.ReLU()), (1, 3, 8)),
    (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)), (1, 3, 6, 6)),
]
MATRICES: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)), (2, 8)),
]


@pytest.mark.parametrize(
    ("networks", "quantizer", "warnings"),
    [(LAYERS, CortexMQuantizer, len(LAYERS)), (MATRICES, xnnpack, 0)],
    ids=["convolutions, by upstream's quantizer", "linear layers, for XNNPACK"],
)
def test_quantization_aware_training(networks: Any, quantizer: Any, warnings: int) -> None:
    """Of the scales that become scales for each channel, each layer is told."""
    torch.manual_seed(0)
    model = Branches(*(network for network, _ in networks))
    inputs = tuple(torch.randn(shape) for _, shape in networks)
    exported = trained(model, inputs, quantizer())
    said: list[Diagnostic] = []
    with diagnostics_to(said.append):
        check(exported, *inputs)
    told = ["become int8 with a scale for each channel" in d.message for d in said]
    assert told == [True] * warnings


class Layer(nn.Module):
    """A layer with int8 weights, sums and products, and a batch norm, between quantized values."""

    def __init__(self, layer: str, is_per_channel: bool, has_steps: bool, follower: Any) -> None:
        super().__init__()
        self.layer, self.has_steps, self.follower = layer, has_steps, follower
        shapes = {"conv2d": (4, 3, 3, 3), "linear": (4, 8), "conv_transpose2d": (3, 4, 2, 2)}
        self.axis = 1 if layer == "conv_transpose2d" else 0
        generator = torch.Generator().manual_seed(1)
        shape = shapes[layer]
        steps = torch.randint(-127, 128, shape, generator=generator, dtype=torch.int8)
        self.register_buffer("steps", steps)
        self.register_buffer("scales", torch.rand(4, generator=generator) * 0.01 + 0.001)
        self.register_buffer("zeros", torch.zeros(4, dtype=torch.int64))
        self.is_per_channel = is_per_channel
        self.bias = nn.Parameter(torch.randn(4, generator=generator))
        self.norm = nn.BatchNorm1d(4) if layer == "linear" else nn.BatchNorm2d(4)
        self.norm.apply(randomize)
        with torch.no_grad():
            self.norm.weight[:3] = torch.tensor([-0.7, 0.0, 1.2])

    def forward(self, x: Tensor) -> Tensor:
        x = quantized.quantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
        x = quantized.dequantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
        if self.is_per_channel:
            weight = quantized.dequantize_per_channel(
                self.steps, self.scales, self.zeros, self.axis, -127, 127, torch.int8
            )
        else:
            weight = quantized.dequantize_per_tensor(self.steps, 0.01, 0, -127, 127, torch.int8)
        y = getattr(F, self.layer)(x, weight, self.bias)
        if self.has_steps:
            shape = (1, 4) + (1,) * (y.dim() - 2)
            y = (y / self.scales.reshape(shape) * 0.004 + self.bias.reshape(shape)) - 0.25
        y = self.follower(self.norm(y))
        y = quantized.quantize_per_tensor(y, 0.1, -5, -128, 127, torch.int8)
        return quantized.dequantize_per_tensor(y, 0.1, -5, -128, 127, torch.int8)


@pytest.mark.parametrize("has_steps", [False, True], ids=["directly", "with steps between"])
@pytest.mark.parametrize("is_per_channel", [False, True], ids=["per tensor", "per channel"])
@pytest.mark.parametrize("layer", ["conv2d", "linear", "conv_transpose2d"])
def test_quantized_weights_get_other_scales(
    layer: str, is_per_channel: bool, has_steps: bool
) -> None:
    """Factors that are negative or zero are among those of the batch norm."""
    model = Layer(layer, is_per_channel, has_steps, torch.relu).eval()
    shape = (2, 8) if layer == "linear" else (1, 3, 6, 6)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    exported = torch.export.export(model, (x,))
    before = str(exported.graph)
    program = check(exported, x)
    assert str(exported.graph) == before
    assert not [op for op in program.report.ops if "depthwise" in op or "add" in op or "mul" in op]


def test_scales_of_the_wrong_axis_stay_float() -> None:
    """XNNPACK's quantizer gives a transposed convolution a scale for each input channel."""
    model = Layer("conv_transpose2d", True, False, torch.relu).eval()
    model.axis = 0
    model.register_buffer("scales", torch.tensor([0.01, 0.02, 0.005]))
    model.register_buffer("zeros", torch.zeros(3, dtype=torch.int64))
    model.norm = nn.Identity()  # type: ignore[assignment]
    x = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(2))
    program = cmopt.compile(torch.export.export(model, (x,)))
    assert "aten.convolution.default" in program.report.ops
    assert float((program.run(x)[0] - model(x)).abs().max()) <= 0.1001


def test_a_batch_norm_of_a_value_that_others_read() -> None:
    """The layer keeps its weights; the batch norm is a convolution of one element."""

    class Shared(Layer):
        def forward(self, x: Tensor) -> Tensor:
            x = quantized.quantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
            x = quantized.dequantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
            y = self.norm(x)
            y = quantized.quantize_per_tensor(y, 0.1, -5, -128, 127, torch.int8)
            y = quantized.dequantize_per_tensor(y, 0.1, -5, -128, 127, torch.int8)
            z = quantized.quantize_per_tensor(y + x, 0.1, 0, -128, 127, torch.int8)
            result: Tensor = quantized.dequantize_per_tensor(z, 0.1, 0, -128, 127, torch.int8)
            return result

    generator = torch.Generator().manual_seed(2)
    for layer, shape in (("linear", (1, 4)), ("conv2d", (1, 4, 5, 5))):
        x = torch.randn(shape, generator=generator)
        exported = torch.export.export(Shared(layer, True, False, None).eval(), (x,))
        program = check(exported, x)
        assert program.report.ops["cortex_m.quantized_depthwise_conv2d"] == 1


def test_a_batch_norm_that_a_quantizer_left_in_float_stays_float() -> None:
    """Its result is an output in float, for which there is no integer."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(4)
            self.norm.apply(randomize)

        def forward(self, x: Tensor) -> Any:
            x = quantized.quantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
            x = quantized.dequantize_per_tensor(x, 0.02, 3, -128, 127, torch.int8)
            return self.norm(x)

    model, x = Last().eval(), torch.randn(2, 4)
    program = cmopt.compile(torch.export.export(model, (x,)))
    assert program.report.float_ops == 1
    assert torch.allclose(program.run(x)[0], model(x), atol=1e-5)


class TwoReaders(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        result: Tensor = self.conv(y) + y
        return result


@pytest.mark.parametrize(
    ("model", "shape", "is_folded"),
    [
        (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)), (1, 3, 6, 6), True),
        (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, padding=1)), (1, 3, 6, 6), False),
        (nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, groups=2)), (1, 4, 6, 6), True),
        (nn.Sequential(nn.BatchNorm1d(3), nn.Conv1d(3, 4, 3, bias=False)), (1, 3, 8), True),
        (nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 4)), (2, 8), True),
        (nn.Sequential(nn.BatchNorm1d(3), nn.Linear(8, 4)), (1, 3, 8), False),
        (TwoReaders(), (1, 3, 6, 6), False),
    ],
    ids=["conv2d", "padded", "groups", "conv1d", "linear", "linear of lines", "two readers"],
)
def test_in_front_of_a_layer_before_calibration(
    model: nn.Module, shape: tuple[int, ...], is_folded: bool
) -> None:
    """A layer that pads adds zeros, not the offset of the batch norm. One that is not folded is a
    depthwise convolution."""
    model.apply(randomize)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    program = cmopt.compile(cmopt.quantize(model.eval(), (x,)))
    assert ("cortex_m.quantized_depthwise_conv2d" not in program.report.ops) == is_folded
    assert "cortex_m.quantized_mul" not in program.report.ops
    assert program.report.float_ops == 0
    with torch.no_grad():
        wanted = model(x)
    (ran,) = program.run(x)
    assert torch.equal(ran, program.interpret(x, stage="planned")[0])
    error = (ran - wanted).square().mean()
    assert float(10 * torch.log10(wanted.square().mean() / error)) > 33

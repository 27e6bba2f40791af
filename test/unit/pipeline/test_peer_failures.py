"""Models that ExecuTorch 1.5's own Cortex-M backend rejects, compiles badly or miscompiles.

Each compiles here to integer kernels. The result is within one or two output steps of the
quantized PyTorch model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import cmopt

LAYOUT = ("transpose", "permute", "clone", "view_copy")


class Model(nn.Module):
    """A function as a module, with layers of its own."""

    def __init__(self, compute: Callable[..., Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.compute = compute
        self.layers = nn.ModuleDict(layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.compute(*inputs, **dict(self.layers.items()))


def compiled(model: nn.Module, *inputs: Tensor, steps: float = 1) -> cmopt.Program:
    """A program without float ops that agrees with its interpreter and with PyTorch.

    steps: allowed distance from the quantized model in PyTorch, in steps of the output.
    """
    generator = torch.Generator().manual_seed(0)
    batches = [tuple(torch.randn(x.shape, generator=generator) for x in inputs) for _ in range(4)]
    exported = cmopt.quantize(model.eval(), inputs, calibration=batches)
    program = cmopt.compile(exported)
    assert program.report.float_ops == 0, program.report.fallbacks
    nodes = [n for n in exported.graph.nodes if "dequantize_per_tensor" in str(n.target)]
    step = float(nodes[-1].args[1])
    for batch in batches:
        (ran,), (meant,) = program.run(*batch), program.interpret(*batch)
        assert torch.equal(torch.as_tensor(ran), torch.as_tensor(meant))
        wanted = exported.module(check_guards=False)(*batch)
        difference = np.abs(np.asarray(ran) - wanted.detach().numpy()).max()
        assert difference <= (steps + 0.01) * step
    return program


def count(program: cmopt.Program, *words: str) -> int:
    """Kernel calls whose name contains one of the words."""
    ops = program.report.ops.items()
    return sum(calls for name, calls in ops if any(word in name for word in words))


def setup_function() -> None:
    torch.manual_seed(0)


def test_conv1d_is_integer() -> None:
    program = compiled(
        nn.Sequential(nn.Conv1d(4, 8, 3, padding=1), nn.ReLU()), torch.randn(1, 4, 9)
    )
    assert count(program, "quantized_conv2d") == 1


@pytest.mark.parametrize("format", [torch.channels_last, torch.contiguous_format])
def test_convolutions_in_both_memory_formats(format: torch.memory_format) -> None:
    model = nn.Conv2d(3, 4, 3).to(memory_format=format)
    x = torch.randn(1, 3, 8, 8).contiguous(memory_format=format)
    assert count(compiled(model, x), "quantized_conv2d") == 1


def test_max_pool_with_ceil_mode() -> None:
    model = nn.Sequential(nn.Conv2d(2, 4, 1), nn.MaxPool2d(2, ceil_mode=True))
    compiled(model, torch.randn(1, 2, 7, 7))


def test_product_with_a_constant_made_in_the_graph() -> None:
    compiled(Model(lambda x: x * torch.ones(2, 8)), torch.randn(2, 8))


def test_sum_with_zeros_made_in_the_graph() -> None:
    compiled(Model(lambda x: torch.sigmoid(x + torch.zeros(2, 8))), torch.randn(2, 8))


def test_product_of_matrices_behind_a_linear_with_bias() -> None:
    model = Model(lambda a, x, layer: torch.bmm(a, layer(x)), layer=nn.Linear(8, 6))
    compiled(model, torch.randn(2, 3, 4), torch.randn(2, 4, 8))


def test_weights_are_stored_once() -> None:
    layer = nn.Conv2d(8, 16, 3, bias=False)
    program = compiled(layer, torch.randn(1, 8, 6, 6))
    tables = 3 * 4 * 16  # Multipliers, shifts, and the bias that corrects the rounded weights.
    assert program.report.constant_bytes == layer.weight.numel() + tables


def test_a_spectrum_layer_takes_little_scratch() -> None:
    """One input channel, 258 filters of 256 taps: upstream plans 66,304 bytes of scratch."""
    program = compiled(nn.Conv1d(1, 258, 256, 128, bias=False), torch.randn(1, 1, 640))
    assert program.report.arena_bytes < 8 * 258 * 4


def test_dropout_and_empty_padding_leave_nothing() -> None:
    layers = [nn.Conv2d(3, 4, 3), nn.Dropout(), nn.ZeroPad2d(0), nn.Conv2d(4, 2, 3)]
    program = compiled(nn.Sequential(*layers), torch.randn(1, 3, 8, 8), steps=2)
    assert count(program, "clone", "pad") == 0
    assert count(program, *LAYOUT) <= 2


def test_squeeze_and_excite() -> None:
    def scale(x: Tensor, few: nn.Module, many: nn.Module) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)
        return x * F.hardsigmoid(many(F.relu(few(pooled))))

    model = Model(scale, few=nn.Conv2d(8, 4, 1), many=nn.Conv2d(4, 8, 1))
    compiled(model, torch.randn(1, 8, 5, 5), steps=2)


@pytest.mark.parametrize(
    "compute",
    [
        torch.relu,
        torch.exp,
        lambda x: x + 1.5,
        lambda x: x * 0.3,
        lambda x: torch.cat((x, -x), 1),
        lambda x: x.mean(1),
        lambda x: x.softmax(1),
        lambda x: F.interpolate(x.unsqueeze(1), scale_factor=2.0, mode="nearest"),
    ],
    ids=["relu", "exp", "add", "mul", "cat", "mean", "softmax", "upsample"],
)
def test_operators_that_stay_float_upstream(compute: Callable[[Tensor], Tensor]) -> None:
    compiled(Model(compute), torch.randn(2, 4, 6), steps=2)


def test_recurrent_cells_are_taken_apart() -> None:
    cell = Model(lambda x, h, c, cell: cell(x, (h, c))[0], cell=nn.LSTMCell(6, 8))
    compiled(cell, torch.randn(1, 6), torch.randn(1, 8), torch.randn(1, 8), steps=2)
    loop = Model(lambda x, loop: loop(x)[0], loop=nn.LSTM(6, 8, batch_first=True))
    compiled(loop, torch.randn(1, 3, 6), steps=2)


def test_attention_is_taken_apart() -> None:
    attend = Model(F.scaled_dot_product_attention)
    compiled(attend, *(torch.randn(1, 2, 5, 8) for _ in range(3)), steps=2)
    layer = nn.MultiheadAttention(16, 2, batch_first=True)
    compiled(Model(lambda x, layer: layer(x, x, x)[0], layer=layer), torch.randn(1, 5, 16), steps=2)


def test_average_pool_without_padding_is_one_call() -> None:
    model = nn.Sequential(nn.Conv2d(2, 4, 1), nn.AvgPool2d(2, count_include_pad=True))
    program = compiled(model, torch.randn(1, 2, 6, 6))
    assert count(program, "quantized_avg_pool2d") == 1 and count(program, "pad") == 0


def test_hardswish_is_exact() -> None:
    compiled(nn.Hardswish(), torch.linspace(-6, 6, 256).reshape(1, 256), steps=0)


@pytest.mark.parametrize("clamp", [F.relu6, nn.ReLU6()], ids=["function", "module"])
def test_relu6_is_part_of_its_convolution(clamp: Callable[[Tensor], Tensor]) -> None:
    model = Model(lambda x, layer: clamp(layer(x)), layer=nn.Conv2d(2, 4, 3))
    program = compiled(model, torch.randn(1, 2, 6, 6) * 4)
    assert count(program, "quantized_activation", "minimum", "maximum") == 0


def test_dilated_convolution() -> None:
    compiled(nn.Conv2d(2, 4, 3, dilation=2), torch.randn(1, 2, 8, 8))


def test_a_float_linear_runs_on_portable_kernels() -> None:
    """ExecuTorch has no portable kernel for aten.linear itself."""
    x, layer = torch.randn(2, 8), nn.Linear(8, 4).eval()
    program = cmopt.compile(torch.export.export(layer, (x,)), allow_float=True)
    (y,) = program.run(x)
    torch.testing.assert_close(torch.as_tensor(y), layer(x).detach())

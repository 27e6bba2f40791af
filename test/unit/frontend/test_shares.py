"""The quantization of a softmax's results: fixed on a core, finer on an NPU if they are small."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cmopt
from cmopt.frontend.shares import SHARE_STEP

NPU = "cortex-m55+ethos-u55-128"


class Softmax(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x, -1)


def step_of(x: torch.Tensor, target: str) -> tuple[float, int]:
    """Scale and zero point of the result."""
    program = cmopt.quantize(Softmax(), (x,), target=target)
    last = [n for n in program.graph.nodes if "dequantize_per_tensor" in str(n.target)][-1]
    return last.args[1], last.args[2]


def test_small_shares_have_finer_steps_on_an_npu() -> None:
    x = torch.randn(4, 200, generator=torch.Generator().manual_seed(0))
    largest = float(torch.softmax(x, -1).max())
    scale, zero_point = step_of(x, NPU)
    assert scale == pytest.approx(largest / 255, rel=0.1)
    assert zero_point == -128
    assert step_of(x, "cortex-m55") == (SHARE_STEP, -128)


@pytest.mark.parametrize("x", [torch.eye(4) * 9, torch.eye(2) * 2, torch.zeros(0, 4)])
def test_large_shares_have_those_of_the_core(x: torch.Tensor) -> None:
    assert step_of(x, NPU) == (SHARE_STEP, -128)


@pytest.mark.parametrize("target", ["cortex-m55", NPU])
@pytest.mark.parametrize("shape", [(3, 1), (1,), ()])
def test_the_share_of_one_is_all(shape: tuple[int, ...], target: str) -> None:
    """The kernel's largest result is 255/256."""
    x = torch.randn(shape)
    program = cmopt.compile(cmopt.quantize(Softmax(), (x,), target=target), target=target)
    (found,) = program.interpret(x)
    assert torch.equal(found, torch.ones(shape))


def test_shares_that_are_read_on_have_the_finest_steps() -> None:
    class Weighted(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.softmax(x, -1) @ torch.ones(4, 2)

    x = torch.eye(4).log1p() * 3
    largest = float(torch.softmax(x, -1).max())
    assert 0.5 < largest < 0.9
    program = cmopt.quantize(Weighted(), (x,), target=NPU)
    scales = [n.args[1] for n in program.graph.nodes if "quantize_per_tensor" in str(n.target)]
    assert any(scale == pytest.approx(largest / 255, rel=0.02) for scale in scales), scales
    assert step_of(x, NPU) == (SHARE_STEP, -128)


def test_attention_over_many_tokens_keeps_its_signal() -> None:
    class Attention(nn.Module):
        def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(q, k, v)

    generator = torch.Generator().manual_seed(0)
    inputs = tuple(torch.randn(1, 2, 100, 16, generator=generator) for _ in range(3))
    expected = Attention()(*inputs)
    quantized = cmopt.quantize(Attention(), inputs, target=NPU)
    program = cmopt.compile(quantized, target=NPU)
    assert program.report.delegates and not program.report.float_ops
    error = program.interpret(*inputs)[0] - expected
    assert (
        10 * torch.log10((expected**2).sum() / (error**2).sum()) > 26
    )  # 22.1 dB in steps of 1/256

"""Convolutions and pools over three dimensions are integer, and exact before quantization."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import cmopt

CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "conv": (lambda: nn.Conv3d(3, 8, 3, padding=1), (1, 3, 6, 7, 8)),
    "conv-1": (lambda: nn.Conv3d(3, 8, 1), (2, 3, 6, 7, 8)),
    "conv-strided": (lambda: nn.Conv3d(3, 4, 1, stride=(3, 2, 1), bias=False), (1, 3, 7, 4, 5)),
    "conv-groups": (
        lambda: nn.Conv3d(4, 8, (2, 3, 1), (2, 1, 2), groups=2, dilation=(2, 1, 1)),
        (1, 4, 9, 7, 8),
    ),
    "conv-same": (lambda: nn.Conv3d(3, 5, (2, 3, 4), padding="same"), (1, 3, 5, 6, 7)),
    "conv-depthwise": (lambda: nn.Conv3d(4, 4, 3, groups=4), (1, 4, 6, 6, 6)),
    "conv-whole-depth": (lambda: nn.Conv3d(2, 4, (5, 3, 3)), (2, 2, 5, 6, 6)),
    "conv-no-batch": (lambda: nn.Conv3d(3, 5, 3), (3, 6, 6, 6)),
    "conv-transposed": (lambda: nn.ConvTranspose3d(3, 5, 3, 2, 1, 1), (1, 3, 4, 5, 6)),
    "conv-transposed-kernel-of-stride": (lambda: nn.ConvTranspose3d(4, 3, 2, 2), (2, 4, 3, 4, 5)),
    "conv-transposed-unlike": (
        lambda: nn.ConvTranspose3d(4, 6, (2, 3, 1), (3, 2, 1), (1, 0, 0), (1, 1, 0), groups=2,
                                   dilation=(2, 1, 1)),
        (1, 4, 5, 4, 3),
    ),
    "conv-transposed-phase-without-a-tap": (
        lambda: nn.ConvTranspose3d(3, 4, 1, stride=(3, 1, 2), bias=True), (1, 3, 3, 4, 4)),
    "conv-transposed-depthwise": (lambda: nn.ConvTranspose3d(4, 4, 3, groups=4), (1, 4, 3, 3, 3)),
    "conv-transposed-step-1": (lambda: nn.ConvTranspose3d(2, 3, 3, padding=1), (1, 2, 3, 4, 5)),
    "conv-transposed-no-batch": (lambda: nn.ConvTranspose3d(3, 5, 3, 2), (3, 2, 3, 3)),
    "conv-transposed-one": (lambda: nn.ConvTranspose3d(1, 1, 2), (1, 1, 1, 1, 1)),
    "max": (lambda: nn.MaxPool3d(2), (1, 3, 6, 6, 6)),
    "max-ceil": (lambda: nn.MaxPool3d((3, 2, 3), (2, 1, 2), (1, 1, 1), ceil_mode=True),
                 (2, 3, 6, 7, 6)),
    "max-no-batch": (lambda: nn.MaxPool3d(2), (3, 6, 6, 6)),
    "average": (lambda: nn.AvgPool3d(2), (1, 3, 6, 6, 6)),
    "average-of-inside": (
        lambda: nn.AvgPool3d((3, 2, 3), (2, 1, 2), (1, 1, 1), count_include_pad=False),
        (1, 3, 6, 7, 6),
    ),
    "scaled-average": (lambda: nn.AvgPool3d(2, divisor_override=3), (1, 3, 6, 6, 6)),
    "scaled-average-ceil": (
        lambda: nn.AvgPool3d((2, 3, 4), (1, 2, 2), (0, 1, 2), ceil_mode=True, divisor_override=2),
        (1, 2, 5, 5, 5),
    ),
    "scaled-average-of-inside": (
        lambda: nn.AvgPool3d(2, 2, 1, count_include_pad=False, divisor_override=3),
        (1, 2, 5, 4, 5),
    ),
    "adaptive": (lambda: nn.AdaptiveAvgPool3d((2, 3, 1)), (1, 3, 6, 6, 6)),
    "adaptive-uneven-plane": (lambda: nn.AdaptiveAvgPool3d((2, 4, 5)), (1, 3, 6, 6, 7)),
    "adaptive-uneven": (lambda: nn.AdaptiveAvgPool3d((4, 3, 5)), (2, 3, 6, 6, 7)),
    "adaptive-uneven-depth": (lambda: nn.AdaptiveAvgPool3d((4, 20, 20)), (3, 5, 20, 20)),
    "max-adaptive": (lambda: nn.AdaptiveMaxPool3d((2, 3, 1)), (1, 3, 6, 6, 6)),
    "max-adaptive-uneven": (lambda: nn.AdaptiveMaxPool3d((4, 4, 5)), (3, 5, 6, 7)),
}  # fmt: skip


BOUNDS = {"conv": 1.01, "max": 0.01, "average": 2.01, "adaptive": 2.01, "scaled": 4.01}
"""Steps of the output between the kernels and PyTorch's simulation. Two pools round twice, and the
factor behind a pool with a divisor multiplies what it has rounded."""


@pytest.mark.parametrize("name", sorted(CASES))
def test_volumes(name: str) -> None:
    make, shape = CASES[name]
    torch.manual_seed(0)
    model, x = make().eval(), torch.randn(shape)
    exported = cmopt.quantize(model, (x,), calibration=[(x,)])
    program = cmopt.compile(exported)
    assert program.report.float_ops == 0
    (ran,), (interpreted,) = program.run(x), program.interpret(x)
    assert torch.equal(ran, interpreted)
    with torch.no_grad():
        expected = model(x)
        simulated = exported.module(check_guards=False)(x)
    assert ran.shape == expected.shape
    noise = float(((ran - expected) ** 2).mean())
    assert 10 * np.log10(float((expected**2).mean()) / noise) > 22
    nodes = [n for n in exported.graph.nodes if "dequantize_per_tensor" in str(n.target)]
    step = float(nodes[-1].args[1])  # of the output
    assert float((ran - simulated).abs().max()) <= BOUNDS[name.partition("-")[0]] * step

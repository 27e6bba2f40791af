"""Bilinear upsampling computes in integers only."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cmopt.lowering.split_bilinear_upsampling import blur, ramp

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, check, check_delegate, compiled, float_ops, kernels

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("factor", range(1, 10))
def test_a_blur_makes_linear_upsampling_of_nearest(factor: int) -> None:
    """Compared with PyTorch's upsampling, including the edges of the image."""
    x = torch.arange(5.0)[None, None] ** 2
    taps = blur(factor).astype(np.float32)
    border = len(taps) // 2
    nearest = F.pad(x.repeat_interleave(factor, 2), (border, border), mode="replicate")
    blurred = F.conv1d(nearest, torch.from_numpy(taps / taps.sum())[None, None])
    expected = F.interpolate(x, scale_factor=factor, mode="linear", align_corners=False)
    torch.testing.assert_close(blurred, expected)


@pytest.mark.parametrize("factors", [(2, 2), (3, 2), (4, 4), (1, 5)])
def test_bilinear(factors: tuple[int, int]) -> None:
    shape = (1, 3, 4, 5)
    size = [4 * factors[0], 5 * factors[1]]
    program = compiled(Function(lambda x: F.interpolate(x, size, mode="bilinear")), shape)
    assert kernels(program).count("quantized_depthwise_conv2d") == 1
    check(program, shape, steps=1)


@pytest.mark.parametrize("factor", range(1, 10))
def test_ramps_make_linear_upsampling(factor: int) -> None:
    """A transposed convolution of an element and its borders gives the nearest outputs."""
    x = torch.arange(5.0)[None, None] ** 2
    taps = torch.from_numpy(ramp(factor).astype(np.float32))
    padded = F.pad(x, (1, 1), mode="replicate")
    padding = factor + factor // 2
    result = F.conv_transpose1d(
        padded, taps[None, None] * factor / taps.sum(), None, factor, padding
    )
    expected = F.interpolate(x, scale_factor=factor, mode="linear", align_corners=False)
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize("target", ["cortex-m55+ethos-u55-128", "cortex-m55+ethos-u85-256"])
@pytest.mark.parametrize("channels", [3, 40])
@pytest.mark.parametrize("factors", [(2, 2), (3, 2), (4, 4), (1, 3)])
def test_bilinear_on_an_npu(factors: tuple[int, int], channels: int, target: str) -> None:
    """A full convolution for few channels, a depthwise one for more, a blur for large factors."""
    shape = (2, channels, 3, 5)
    size = [3 * factors[0], 5 * factors[1]]
    model = Function(lambda x: F.interpolate(x, size, mode="bilinear"))
    check_delegate(compiled(model, shape, target=target), shape)


def test_bilinear_between_convolutions() -> None:
    """In their layout, so the only transposes are at the border."""
    shape = (1, 2, 6, 6)
    module = Function(
        lambda a, b, x: b(F.interpolate(a(x), scale_factor=2, mode="bilinear")),
        nn.Conv2d(2, 4, 3), nn.Conv2d(4, 3, 3),
    )  # fmt: skip
    program = compiled(module, shape)
    take = "aten.index_select.default"
    convolutions = ["quantized_conv2d", take, take, "quantized_depthwise_conv2d"]
    assert kernels(program) == ["transpose", *convolutions, "quantized_conv2d", "transpose"]
    check(program, shape, steps=5)


@pytest.mark.parametrize(
    "mode", [{"scale_factor": 2, "align_corners": True}, {"size": (7, 9)}, {"scale_factor": 2.2}]
)
def test_other_grids_are_one_convolution_for_each_axis(mode: dict[str, object]) -> None:
    program = compiled(Function(lambda x: F.interpolate(x, mode="bilinear", **mode)), (1, 2, 4, 5))
    assert kernels(program).count("quantized_conv2d") == 2 and not float_ops(program)


def test_a_grid_with_too_many_weights_stays_in_float() -> None:
    model = Function(lambda x: F.interpolate(x, size=(2, 260), mode="bilinear"))
    program = compiled(model, (1, 1, 2, 257))
    (call,) = float_ops(program)
    assert "aten.upsample_bilinear2d.vec" in call

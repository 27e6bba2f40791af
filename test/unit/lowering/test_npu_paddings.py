"""Paddings too wide for an NPU are put into the tensor, and the result is the same."""

from __future__ import annotations

import numpy as np
import pytest

from cmopt.dialects import tosa
from cmopt.dialects.ethos_u import MAX_PAD_BEFORE, MAX_PAD_BEHIND
from cmopt.dialects.parsing import make_context, parse_module
from cmopt.dialects.shapes import ints_of
from cmopt.interpreters.run import run_module
from cmopt.pipeline.passes import parse_pipeline, run_passes

CONVOLUTION = """
func.func @forward(%x: tensor<1x6x6x2x!quant.uniform<i8:f32, 0.1:-7>>)
    -> tensor<1x{h}x{w}x2x!quant.uniform<i8:f32, 0.2:3>> {{
  %c = arith.constant dense<[{weights}]> : tensor<2x3x3x2xi8>
  %w = quant.scast %c : tensor<2x3x3x2xi8> to tensor<2x3x3x2x!quant.uniform<i8:f32, 0.02>>
  %y = edge.conv2d %x, %w {{stride = array<i64: {stride}>, padding = array<i64: {padding}>,
      dilation = array<i64: {dilation}>, groups = 1 : i64, data_format = "NHWC"}}
    : (tensor<1x6x6x2x!quant.uniform<i8:f32, 0.1:-7>>,
       tensor<2x3x3x2x!quant.uniform<i8:f32, 0.02>>)
    -> tensor<1x{h}x{w}x2x!quant.uniform<i8:f32, 0.2:3>>
  func.return %y : tensor<1x{h}x{w}x2x!quant.uniform<i8:f32, 0.2:3>>
}}"""

POOL = """
!q = !quant.uniform<i8:f32, 0.1:-7>
func.func @forward(%x: tensor<1x1x290x2x!q>) -> tensor<1x1x{w}x2x!q> {{
  %y = edge.max_pool2d %x {{kernel_size = array<i64: 1, 280>, stride = array<i64: 1, 1>,
      padding = array<i64: 0, 0, 140, 140>, dilation = array<i64: 1, 1>, ceil_mode = false,
      data_format = "NHWC"}} : (tensor<1x1x290x2x!q>) -> tensor<1x1x{w}x2x!q>
  func.return %y : tensor<1x1x{w}x2x!q>
}}"""


def convolution(padding: list[int], stride: tuple[int, int], dilation: tuple[int, int]) -> str:
    """A 3×3 convolution of a 6×6 image."""
    random = np.random.default_rng(0)
    sizes = [
        (6 + padding[2 * a] + padding[2 * a + 1] - 2 * dilation[a] - 1) // stride[a] + 1
        for a in (0, 1)
    ]
    weights = random.integers(-127, 128, (2, 3, 3, 2)).tolist()
    return CONVOLUTION.format(
        h=sizes[0], w=sizes[1], weights=str(weights)[1:-1], padding=str(padding)[1:-1],
        stride=str(stride)[1:-1], dilation=str(dilation)[1:-1],
    )  # fmt: skip


CASES = {
    "causal": convolution([0, 0, 200, 0], (1, 1), (1, 2)),
    "behind": convolution([1, 300, 1, 1], (2, 1), (1, 1)),
    "with a long stride": convolution([1, 1, 150, 2], (5, 1), (1, 1)),
    "at the limit": convolution([127, 255, 127, 255], (1, 1), (1, 1)),
    "maximum": POOL.format(w=291),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wide_padding(name: str) -> None:
    module = parse_module(make_context(), CASES[name])
    x = np.random.default_rng(1).integers(-128, 128, (1, 1, 290, 2) if name == "maximum" else
                                          (1, 6, 6, 2)).astype(np.int8)  # fmt: skip
    expected = run_module(module, [x])[0].astype(int)
    passes = parse_pipeline('delegate-to-ethos-u{npu="ethos-u55-128"}')
    run_passes(make_context(), module, passes)
    windows = [op for op in module.walk() if isinstance(op, tosa.Conv2DOp | tosa.MaxPool2DOp)]
    assert windows
    for op in windows:
        top, bottom, left, right = ints_of(op.pad)
        assert max(top, left) <= MAX_PAD_BEFORE and max(bottom, right) <= MAX_PAD_BEHIND
    is_padded = any(isinstance(op, tosa.PadOp) for op in module.walk())
    assert is_padded == (name != "at the limit")
    actual = run_module(module, [x])[0].astype(int)
    assert np.abs(actual - expected).max() <= (0 if name == "maximum" else 1)

"""Cases in which `edge` ops and PyTorch's functional operators need different arguments."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cmopt.dialects.parsing import make_context, parse_module
from cmopt.pipeline.interpreting import interpret
from cmopt.support.diagnostics import CompileError

WINDOW = (
    "kernel_size = array<i64: 3, 2>, stride = array<i64: 2, 3>, padding = array<i64: 1, 1, 1, 1>, "
    "ceil_mode = true"
)


@pytest.mark.parametrize(
    ("op", "more", "reference"),
    [
        ("max_pool2d", "dilation = array<i64: 1, 1>", F.max_pool2d),
        ("avg_pool2d", "count_include_pad = true", F.avg_pool2d),
    ],
)
def test_ceil_mode_drops_a_window_in_the_padding(op: str, more: str, reference: object) -> None:
    text = f"""func.func @forward(%x: tensor<1x3x1x2xf32>) -> tensor<1x3x1x1xf32> {{
      %y = edge.{op} %x {{{WINDOW}, {more}}} : (tensor<1x3x1x2xf32>) -> tensor<1x3x1x1xf32>
      func.return %y : tensor<1x3x1x1xf32>
    }}"""
    x = np.random.default_rng(0).normal(size=(1, 3, 1, 2)).astype(np.float32)
    (y,) = interpret(parse_module(make_context(), text), [x])
    wanted = reference(torch.from_numpy(x), (3, 2), (2, 3), 1, ceil_mode=True)  # type: ignore[operator]
    assert y.shape == (1, 3, 1, 1)
    assert y.tobytes() == wanted.numpy().tobytes()


def test_one_channel_in_one_column_of_windows() -> None:
    """Sums of whole numbers, also computed by hand, because torch is wrong here in NHWC."""
    types = "tensor<2x3x4x1xf32>, tensor<1x2x4x1xf32>"
    text = f"""func.func @forward(%x: tensor<2x3x4x1xf32>, %w: tensor<1x2x4x1xf32>)
        -> tensor<2x2x1x1xf32> {{
      %y = edge.conv2d %x, %w {{stride = array<i64: 1, 3>, padding = array<i64: 0, 0, 0, 0>,
        dilation = array<i64: 1, 1>, groups = 1, data_format = "NHWC"}}
        : ({types}) -> tensor<2x2x1x1xf32>
      func.return %y : tensor<2x2x1x1xf32>
    }}"""
    random = np.random.default_rng(0)
    shapes = (2, 3, 4, 1), (1, 2, 4, 1)
    x, w = (random.integers(-9, 9, shape).astype(np.float32) for shape in shapes)
    (y,) = interpret(parse_module(make_context(), text), [x, w])
    wanted = [[(image[row : row + 2] * w[0]).sum() for row in (0, 1)] for image in x]
    np.testing.assert_array_equal(y.reshape(2, 2), wanted)


def test_what_torch_refuses_is_one_line() -> None:
    text = """func.func @forward(%x: tensor<0x0x4x4xf32>) -> tensor<0x0x2x2xf32> {
      %y = edge.max_pool2d %x {kernel_size = array<i64: 2, 2>, stride = array<i64: 2, 2>,
        padding = array<i64: 0, 0, 0, 0>, dilation = array<i64: 1, 1>, ceil_mode = false}
        : (tensor<0x0x4x4xf32>) -> tensor<0x0x2x2xf32>
      func.return %y : tensor<0x0x2x2xf32>
    }"""
    with pytest.raises(CompileError, match="tensor"):
        interpret(parse_module(make_context(), text), [np.zeros((0, 0, 4, 4), np.float32)])


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("padding", [(0, 1, 1, 0), (2, 0, 0, 1), (3, 0, 0, 0)])
def test_averages_with_padding_on_one_side(
    padding: tuple[int, int, int, int], include: bool
) -> None:
    """The sum of each window, and the number of its elements that count, one by one."""
    top, bottom, left, right = padding
    height, width = 4 + top + bottom - 2, 4 + left + right - 2
    type = f"tensor<1x1x{height}x{width}xf32>"
    text = f"""func.func @forward(%x: tensor<1x1x4x4xf32>) -> {type} {{
      %y = edge.avg_pool2d %x {{kernel_size = array<i64: 3, 3>, stride = array<i64: 1, 1>,
        padding = array<i64: {top}, {bottom}, {left}, {right}>, ceil_mode = false,
        count_include_pad = {str(include).lower()}}} : (tensor<1x1x4x4xf32>) -> {type}
      func.return %y : {type}
    }}"""
    x = np.random.default_rng(0).integers(-9, 9, (4, 4)).astype(np.float32)
    (y,) = interpret(parse_module(make_context(), text), [x.reshape(1, 1, 4, 4)])
    for row in range(height):
        for column in range(width):
            rows = slice(max(0, row - top), max(0, row - top + 3))
            window = x[rows, max(0, column - left) : column - left + 3]
            count = 9 if include else max(1, window.size)
            assert y[0, 0, row, column] == np.float32(window.sum(dtype=np.float64) / count)

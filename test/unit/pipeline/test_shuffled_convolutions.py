"""A convolution behind which channels become pixels is, on an NPU, one for each row of pixels."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, check_delegate, compiled

pytestmark = pytest.mark.filterwarnings("ignore")

Tensor = torch.Tensor
TARGETS = ["cortex-m55+ethos-u55-128", "cortex-m55+ethos-u85-256"]


def depth_to_space(x: Tensor, rows: int, columns: int) -> Tensor:
    """TensorFlow's order: the channels of the result are innermost."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, rows, columns, c // (rows * columns), h, w)
    return blocks.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * rows, w * columns)


Case = tuple[Callable[[Tensor], Tensor], nn.Module, tuple[int, ...], int]
CASES: dict[str, Case] = {
    "2 × 2": (lambda x: F.pixel_shuffle(x, 2), nn.Conv2d(2, 12, 3, padding=1), (1, 2, 5, 4), 2),
    "4 × 4": (lambda x: F.pixel_shuffle(x, 4), nn.Conv2d(3, 32, 1), (1, 3, 3, 5), 4),
    "two images": (lambda x: F.pixel_shuffle(x, 2), nn.Conv2d(2, 16, 3, 2), (2, 2, 7, 9), 2),
    "no bias": (
        lambda x: F.pixel_shuffle(x, 2), nn.Conv2d(2, 12, (1, 2), bias=False), (1, 2, 4, 5), 2,
    ),
    "TensorFlow, 3 × 2": (lambda x: depth_to_space(x, 3, 2), nn.Conv2d(2, 24, 1), (1, 2, 3, 4), 3),
    "TensorFlow, 1 × 2": (lambda x: depth_to_space(x, 1, 2), nn.Conv2d(2, 6, 1), (1, 2, 3, 4), 1),
    "one pixel": (lambda x: F.pixel_shuffle(x, 2), nn.Conv2d(4, 12, 1), (1, 4, 1, 1), 1),
    "one channel": (lambda x: F.pixel_shuffle(x, 2), nn.Conv2d(4, 4, 1), (1, 4, 3, 2), 1),
    "groups": (lambda x: F.pixel_shuffle(x, 2), nn.Conv2d(2, 12, 1, groups=2), (1, 2, 3, 3), 1),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_on_an_npu(name: str, target: str) -> None:
    shuffle, conv, shape, convolutions = CASES[name]
    program = compiled(
        Function(lambda conv, x: torch.sigmoid(shuffle(torch.relu(conv(x)))), conv), shape,
        target=target,
    )  # fmt: skip
    assert str(program.ir("quantized")).count("edge.conv2d ") == convolutions
    check_delegate(program, shape)


def test_between_convolutions_nothing_is_copied() -> None:
    """The only transposes are at the border."""
    module = Function(
        lambda a, b, x: b(F.pixel_shuffle(a(x), 2)), nn.Conv2d(16, 32, 1), nn.Conv2d(8, 16, 1)
    )
    program = compiled(module, (1, 16, 4, 6), target=TARGETS[0])
    (delegate,) = program.report.delegates
    names = [op.operator for op in delegate.figures.ops]
    assert names.count("Conv2D") == 3
    assert names.count("Transpose") == 2 and "MemoryCopy" not in names

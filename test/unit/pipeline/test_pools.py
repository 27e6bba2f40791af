"""Shuffles and pools with ceil_mode, dilation or unequal windows compute in integers only."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, check, compiled, float_ops

pytestmark = pytest.mark.filterwarnings("ignore")

MAXIMA: dict[str, Any] = {
    "ceil": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "ceil uneven": lambda x: F.max_pool2d(x, (2, 3), (3, 2), ceil_mode=True),
    "dilation": lambda x: F.max_pool2d(x, 2, 1, 0, 2),
    "dilation and padding": lambda x: F.max_pool2d(x, 3, 2, 1, (2, 1)),
    "dilation and ceil": lambda x: F.max_pool2d(x, 2, 2, 1, 2, ceil_mode=True),
    "1d": lambda x: F.max_pool1d(x[0], 3, 2, 1, 2, ceil_mode=True),
    "adaptive": lambda x: F.adaptive_max_pool2d(x, (3, 4)),
    "global": lambda x: F.adaptive_max_pool2d(x, 1),
}


@pytest.mark.parametrize("shape", [(1, 2, 7, 6), (1, 16, 11, 12)])
@pytest.mark.parametrize("name", MAXIMA)
def test_max_pools_are_exact(name: str, shape: tuple[int, ...]) -> None:
    """Dilated windows are gathered; for a small pool, the portable kernel reads them."""
    check(compiled(Function(MAXIMA[name]), shape), shape)


@pytest.mark.parametrize("format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(1, 3, 7, 6), (2, 1, 7, 6), (1, 4, 1, 9)])
def test_a_small_dilated_pool_is_one_call(
    shape: tuple[int, ...], format: torch.memory_format
) -> None:
    x = torch.randn(shape).contiguous(memory_format=format)
    model = Function(lambda x: F.max_pool2d(x, (1, 2), 1, 0, (1, 3)))
    program = cmopt.compile(cmopt.quantize(model, (x,)))
    assert sum(program.report.ops.values()) == 3
    (ran,), (meant,) = program.run(x), program.interpret(x, stage="edge")
    assert torch.equal(torch.as_tensor(ran), torch.as_tensor(meant))


@pytest.mark.parametrize("include", [True, False])
def test_average_pools_with_ceil_mode(include: bool) -> None:
    """PyTorch drops a window that would begin in the padding, also in padding that counts."""
    for size, kernel, stride, pad in itertools.product((5, 6), (2, 3), (2, 3), (0, 1)):
        module = Function(
            lambda x, k=kernel, s=stride, p=pad: F.avg_pool2d(
                x, k, s, p, ceil_mode=True, count_include_pad=include
            )
        )
        shape = (1, 2, size, size + 1)
        program = compiled(module, shape)
        assert not float_ops(program)
        check(program, shape, steps=1)


@pytest.mark.parametrize("pool", [F.avg_pool2d, F.max_pool2d])
@pytest.mark.parametrize(
    "shape, kernel, stride, pad",
    [
        ((1, 2, 3, 1), (1, 2), 2, 0),
        ((1, 2, 4, 4), 5, 2, 0),
        ((2, 3, 2, 5), (4, 3), (3, 2), 1),
        ((1, 1, 1, 1), 3, 4, 1),
    ],
)
def test_a_window_longer_than_its_input(
    pool: Any, shape: tuple[int, ...], kernel: Any, stride: Any, pad: int
) -> None:
    """ceil_mode allows one such window."""
    program = compiled(Function(lambda x: pool(x, kernel, stride, pad, ceil_mode=True)), shape)
    assert not float_ops(program)
    check(program, shape, steps=1)


SHUFFLES: dict[str, Any] = {
    "pixel_shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 4),
    "stack": lambda x: torch.stack([x, x], 2),
    "unbind": lambda x: x.unbind(1)[2],
    "unfold": lambda x: x.unfold(2, 2, 1),
    "permute": lambda x: x.reshape(2, 4, 2, 2, 6).permute(4, 2, 0, 3, 1),
}


@pytest.mark.parametrize("name", SHUFFLES)
def test_shuffles(name: str) -> None:
    shape = (1, 8, 4, 6)
    function = SHUFFLES[name]
    program = compiled(Function(function), shape)
    check(program, shape)
    x = torch.arange(192.0).reshape(shape) / 100 - 0.96
    (result,) = program.interpret(x, stage="edge")
    assert (result - function(x)).abs().max() < 0.03  # a step: the elements stand where they should

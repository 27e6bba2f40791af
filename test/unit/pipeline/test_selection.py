"""Pads, flips, tiles and upsampling compute in integers only, and are exact."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from small_models import Function, check, compiled, kernels

pytestmark = pytest.mark.filterwarnings("ignore")

SHAPE = (1, 4, 6, 5)

MOVES: dict[str, tuple[Any, list[str]]] = {
    "constant": (lambda x: F.pad(x, (1, 2, 0, 3), value=0.3), ["pad"]),
    "crop": (lambda x: F.pad(x, (-1, 2, 0, -3)), ["aten.slice_copy.Tensor", "pad"]),
    "reflect": (lambda x: F.pad(x, (1, 2, 0, 3), mode="reflect"), ["take", "take"]),
    "replicate": (lambda x: F.pad(x, (1, 2, 0, 3), mode="replicate"), ["take", "take"]),
    "circular": (lambda x: F.pad(x, (1, 2, 0, 3), mode="circular"), ["take", "take"]),
    "nearest": (lambda x: F.interpolate(x, scale_factor=2), ["take", "take"]),
    "nearest to a size": (lambda x: F.interpolate(x, size=(9, 7)), ["take", "take"]),
    "nearest-exact": (
        lambda x: F.interpolate(x, size=(9, 7), mode="nearest-exact"),
        ["take", "take"],
    ),
    "flip": (lambda x: x.flip(1, 3), ["take", "take"]),
    "roll": (lambda x: x.roll((1, 2), (1, 2)), ["take", "take"]),
    "repeat": (lambda x: x.repeat(1, 2, 1, 3), ["take", "take"]),
    "repeat_interleave": (lambda x: x.repeat_interleave(3, dim=2), ["take"]),
    "index": (lambda x: x[:, [2, 0, 0]], ["take"]),
    "index_select": (lambda x: x.index_select(2, torch.tensor([5, 0])), ["take"]),
    "steps": (lambda x: x[:, :, 1::2, ::3], ["aten.slice_copy.Tensor"] * 2),
}  # fmt: skip


# ExecuTorch's quantizer does not know that nearest-exact only moves elements.
@pytest.mark.parametrize("name", sorted(MOVES.keys() - {"nearest-exact"}))
def test_moves_bytes_between_convolutions(name: str) -> None:
    """In the convolutions' layout, so the only transposes are at the border."""
    function, expected = MOVES[name]
    before = nn.Conv2d(4, 4, 3, padding=1)
    channels = function(before(torch.zeros(SHAPE))).shape[1]
    module = Function(lambda a, b, x: b(function(a(x))), before, nn.Conv2d(channels, 3, 1))
    program = compiled(module, SHAPE)
    conv = "quantized_conv2d"
    moves = ["aten.index_select.default" if name == "take" else name for name in expected]
    assert kernels(program) == ["transpose", conv, *moves, conv, "transpose"]
    check(program, SHAPE, steps=2)


@pytest.mark.parametrize("name", MOVES)
def test_moves_alone(name: str) -> None:
    program = compiled(Function(MOVES[name][0]), SHAPE)
    check(program, SHAPE)


# Choices that mix dimensions. They move rows of bytes in their given order, as integers.
MIXES: dict[str, tuple[Any, list[str]]] = {
    "im2col": (lambda x: F.unfold(x, 3, padding=1), ["pad", "take", "take", "transpose"]),
    "col2im": (lambda x: F.fold(x.reshape(1, 12, 10), (4, 10), (3, 1), stride=(3, 1)), ["pad"]),
    "diagonal": (lambda x: x.diagonal(0, 1, 3), ["transpose", "steps"]),
    "as_strided": (lambda x: x.as_strided((1, 4, 2, 5), (120, 30, 15, 1)), ["steps"]),
    "elements": (lambda x: x[:, [2, 0], :, [4, 1]], ["transpose", "take"]),
    "constant gather": (
        lambda x: x.gather(3, torch.zeros(1, 4, 6, 2, dtype=torch.int64)),
        ["take"],
    ),
}


@pytest.mark.parametrize("name", MIXES)
def test_mixes_dimensions(name: str) -> None:
    function, expected = MIXES[name]
    program = compiled(Function(function), SHAPE)
    names = {"take": "aten.index_select.default", "steps": "aten.slice_copy.Tensor"}
    assert kernels(program) == [names.get(name, name) for name in expected]
    check(program, SHAPE)


@pytest.mark.parametrize(
    ("function", "module", "shape"),
    [
        (lambda c, x: c(F.pad(x, (1, 2, 2, 0))), nn.Conv2d(2, 3, 3), (1, 2, 6, 6)),
        (lambda c, x: c(F.pad(x, (3, 1))), nn.Conv1d(2, 3, 4), (1, 2, 9)),
        (lambda c, x: c(F.pad(x, (0, 4), value=0.0)), nn.Conv1d(2, 2, 3, dilation=2, groups=2),
         (1, 2, 9)),
        (lambda c, x: F.max_pool2d(F.pad(c(x).relu(), (0, 1, 0, 1)), 2, 2), nn.Conv2d(2, 3, 3),
         (1, 2, 7, 7)),
    ],
    ids=["conv2d", "conv1d", "depthwise conv1d", "max pool"],
)  # fmt: skip
def test_pad_becomes_the_windows_own(
    function: Any, module: nn.Module, shape: tuple[int, ...]
) -> None:
    program = compiled(Function(function, module), shape)
    assert "pad" not in kernels(program)
    check(program, shape, steps=1)


def test_pad_of_many_dimensions() -> None:
    """Neighbouring dimensions without padding count as one, so the kernel's four are enough."""
    shape = (2, 3, 2, 2, 3)
    program = compiled(Function(lambda x: F.pad(x, (0, 0, 1, 1, 0, 0, 2, 0))), shape)
    assert kernels(program) == ["pad"]
    check(program, shape)

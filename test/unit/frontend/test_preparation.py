"""The graph that is calibrated computes what the model computes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cmopt
from cmopt.frontend import batch_norms, rewriting
from cmopt.frontend.quantize import quantize

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, name_of, run

pytestmark = pytest.mark.filterwarnings("ignore")


def norm(kind: Any, channels: int, seed: int) -> nn.Module:
    """A batch norm of random parameters and statistics, all of which affect the result."""
    generator = torch.Generator().manual_seed(seed)
    result = kind(channels).eval()
    for value in (*result.parameters(), result.running_mean, result.running_var):
        value.data = torch.rand(channels, generator=generator) + seed
    return result


def noise_ratio(program: Any, model: nn.Module, *inputs: torch.Tensor) -> float:
    """Signal to noise of the worst output, in dB."""
    pairs = zip(run(program, *inputs), model(*inputs), strict=True)
    return min(
        float(10 * torch.log10(want.square().sum() / (have - want).square().sum()))
        for have, want in pairs
    )


IMAGE, ROW = (1, 3, 8, 8), (5, 6)
TWO = {
    "convolution": (nn.Conv2d(3, 4, 3), nn.BatchNorm2d, IMAGE),
    "convolution without bias": (nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d, IMAGE),
    "convolution over one dimension": (nn.Conv1d(3, 4, 3), nn.BatchNorm1d, (1, 3, 8)),
    "transposed convolution": (nn.ConvTranspose2d(3, 4, 3), nn.BatchNorm2d, IMAGE),
    "linear": (nn.Linear(6, 4), nn.BatchNorm1d, ROW),
}


@pytest.mark.parametrize("case", TWO)
def test_a_shared_layer_under_two_batch_norms(case: str) -> None:
    layer, kind, shape = TWO[case]
    torch.manual_seed(0)

    def function(layer: Any, one: Any, other: Any, x: torch.Tensor, y: torch.Tensor) -> Any:
        return torch.relu(one(layer(x))), torch.relu(other(layer(y)))

    model = Function(function, layer, norm(kind, 4, 1), norm(kind, 4, 5))
    inputs = torch.randn(shape), torch.randn(shape)
    assert noise_ratio(quantize(model, inputs), model, *inputs) > 30


def test_a_shared_layer_with_and_without_a_batch_norm() -> None:
    def function(layer: Any, bn: Any, x: torch.Tensor) -> Any:
        return layer(x), bn(layer(x + 1))

    model = Function(function, nn.Conv2d(3, 4, 3), norm(nn.BatchNorm2d, 4, 3))
    x = torch.randn(IMAGE)
    assert noise_ratio(quantize(model, (x,)), model, x) > 30


def test_weights_shared_by_functional_convolutions() -> None:
    def function(layer: Any, one: Any, other: Any, x: torch.Tensor) -> Any:
        y = F.conv2d(x, layer.weight, bias=layer.bias, padding=1)
        z = F.conv2d(x, layer.weight, stride=2)
        return one(y), other(z)

    parts = nn.Conv2d(3, 4, 3), norm(nn.BatchNorm2d, 4, 1), norm(nn.BatchNorm2d, 4, 4)
    model, x = Function(function, *parts), torch.randn(IMAGE)
    program = quantize(model, (x,))
    assert noise_ratio(program, model, x) > 30
    assert {"mul", "add"}.isdisjoint(name_of(node) for node in program.graph.nodes)


def test_a_layer_whose_result_is_also_read_without_the_batch_norm() -> None:
    def function(layer: Any, bn: Any, x: torch.Tensor) -> Any:
        y = layer(x)
        return bn(y), y

    model = Function(function, nn.Conv2d(3, 4, 3), norm(nn.BatchNorm2d, 4, 3))
    x = torch.randn(IMAGE)
    assert noise_ratio(quantize(model, (x,)), model, x) > 30


def test_a_batch_norm_over_other_channels_than_the_layer_has() -> None:
    """Without a batch dimension, dimension 1 of a convolution's result is its height."""

    def function(layer: Any, bn: Any, x: torch.Tensor) -> Any:
        return (bn(layer(x)),)

    model = Function(function, nn.Conv1d(3, 4, 3, padding=1), norm(nn.BatchNorm1d, 4, 2))
    x = torch.randn(3, 4)
    assert noise_ratio(quantize(model, (x,)), model, x) > 30


def test_a_batch_norm_of_the_batchs_own_statistics() -> None:
    bn = nn.BatchNorm2d(3, track_running_stats=False)
    model = Function(lambda bn, x: (bn(x),), bn).eval()
    x = torch.randn(2, 3, 6, 6) * torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1) + 1
    assert noise_ratio(quantize(model, (x,)), model, x) > 25


def test_equal_weights_of_a_shared_layer_stay_one_constant() -> None:
    def function(layer: Any, bn: Any, x: torch.Tensor, y: torch.Tensor) -> Any:
        return bn(layer(x)), bn(layer(y))

    model = Function(function, nn.Conv2d(3, 4, 3), norm(nn.BatchNorm2d, 4, 3))
    inputs = torch.randn(IMAGE), torch.randn(IMAGE)
    text = cmopt.compile(quantize(model, inputs)).ir("edge")
    constants = [line for line in text.splitlines() if "arith.constant" in line]
    assert sum("tensor<4x3x3x3xi8>" in line for line in constants) == 1


def test_a_preparation_that_changes_the_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our preparation, `prepare_pt2e` folds both batch norms into the same weights."""
    monkeypatch.setattr(batch_norms, "replace_batch_norms", lambda module: None)

    def function(layer: Any, one: Any, other: Any, x: torch.Tensor) -> Any:
        return one(layer(x)), other(layer(x))

    parts = nn.Conv2d(3, 4, 3), norm(nn.BatchNorm2d, 4, 1), norm(nn.BatchNorm2d, 4, 5)
    with pytest.raises(ValueError, match=r"output 1 is no longer what the model comp"):
        quantize(Function(function, *parts), (torch.randn(IMAGE),))


@pytest.mark.parametrize("number", [-1e4, -1e9, -torch.inf])
def test_masks_of_other_large_numbers_are_no_change(number: float) -> None:
    mask = torch.zeros(4, 4).masked_fill(torch.ones(4, 4).triu(1).bool(), number)
    mask[3] = number  # a row that masks all
    quantize(Function(lambda x: (x + mask).softmax(-1)), (torch.randn(2, 4, 4),))


def test_random_operators_are_no_change() -> None:
    quantize(Function(lambda x: x + torch.rand_like(x)), (torch.zeros(1, 8),))


def test_a_preparation_that_changes_a_shape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """ExecuTorch's rewrite of numbers gives a tensor without dimensions one dimension."""
    monkeypatch.setattr(rewriting, "_name_number", lambda module, node: None)
    with pytest.raises(ValueError, match=r"output 0 has the shape \[1\] instead of \[\]"):
        quantize(Function(lambda x: x.sum() * 2), (torch.randn(1, 8),))

"""Constant factors and offsets of channels become depthwise convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx import GraphModule

import cmopt
from cmopt.frontend.channel_convolutions import convolve_channels

Tensor = torch.Tensor
Function = Callable[[Tensor, Tensor], Tensor]


class Net(nn.Module):
    """A function of a value and of constants for channels."""

    def __init__(self, function: Function, constants: tuple[int, ...]):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.function = function
        self.constants = nn.Parameter(torch.rand(constants, generator=generator) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.constants.detach())


Case = tuple[Function, tuple[int, ...], tuple[int, ...]]
CONVOLVED: dict[str, Case] = {
    "image": (lambda x, c: x * c + c, (4, 1, 1), (2, 4, 6, 5)),
    "image, a factor": (lambda x, c: c * x, (1, 4, 1, 1), (1, 4, 6, 5)),
    "image, an offset": (lambda x, c: x - c, (4, 1, 1), (1, 4, 6, 5)),
    "image, offset first": (lambda x, c: (x - c) / c, (4, 1, 1), (1, 4, 6, 5)),
    "many steps": (lambda x, c: ((c + x) * c - c + c) / c * c, (4, 1, 1), (1, 4, 6, 5)),
    "line": (lambda x, c: x * c + c, (4, 1), (2, 4, 9)),
    "volume": (lambda x, c: x * c + c, (4, 1, 1, 1), (2, 4, 3, 1, 5)),
    "last dimension": (lambda x, c: x * c + c, (4,), (3, 5, 4)),
    "last of four": (lambda x, c: c + x / c, (4,), (1, 3, 5, 4)),
    "rows": (lambda x, c: x * c + c, (4,), (8, 4)),
    "zero": (lambda x, c: x * (c - c) + c, (4,), (8, 4)),
}
KEPT: dict[str, Case] = {
    "few rows": (lambda x, c: x * c + c, (4,), (7, 4)),
    "a vector": (lambda x, c: x * c + c, (4,), (4,)),
    "last dimension, a factor": (lambda x, c: x * c, (4,), (8, 4)),
    "last dimension, two offsets": (lambda x, c: x + c + c, (4,), (8, 4)),
    "last dimension, without a change": (lambda x, c: x * (c / c) + c, (4,), (8, 4)),
    "image, without a change": (lambda x, c: x * (c / c) - (c - c), (4, 1, 1), (1, 4, 6, 5)),
    "one pixel": (lambda x, c: x * c + c, (4, 1, 1), (1, 4, 1, 1)),
    "a number": (lambda x, c: x * c + c, (1,), (8, 4)),
    "another dimension": (lambda x, c: x * c + c, (4, 1), (1, 3, 4, 9)),
    "not only channels": (lambda x, c: x * c + c, (4, 3), (8, 4, 3)),
    "infinite": (lambda x, c: x / (c - c), (4, 1, 1), (1, 4, 6, 5)),
    "broadcast": (lambda x, c: x * c, (4, 1, 1), (1, 1, 6, 5)),
    "twice": (lambda x, c: x + 2 * x, (4,), (8, 4)),
    "integers": (lambda x, c: (x.int() * c.int()).float(), (4, 1, 1), (1, 4, 6, 5)),
}


def exported(case: Case) -> tuple[GraphModule, Tensor]:
    """The graph of a case with its constants folded, and an input."""
    from cmopt.frontend.constant_folding import fold_constants

    function, constants, shape = case
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    graph = torch.export.export(Net(function, constants), (x,)).module(check_guards=False)
    fold_constants(graph)
    return graph, x


def names(graph: GraphModule) -> list[str]:
    """The names of the operators, but not those of moves."""
    moves = {"permute", "reshape"}
    called = [str(n.target).split(".")[1] for n in graph.graph.nodes if n.op == "call_function"]
    return [name for name in called if name not in moves]


@pytest.mark.parametrize("name", CONVOLVED)
def test_convolved(name: str) -> None:
    graph, x = exported(CONVOLVED[name])
    before = graph(x)
    convolve_channels(graph)
    assert names(graph) == ["conv2d"]
    after = graph(x)
    assert after.shape == before.shape
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("name", KEPT)
def test_kept(name: str) -> None:
    graph, _ = exported(KEPT[name])
    before = str(graph.graph)
    convolve_channels(graph)
    assert str(graph.graph) == before


def test_a_result_that_something_else_reads_ends_the_steps() -> None:
    def function(x: Tensor, c: Tensor) -> Tensor:
        y = x * c
        return y.relu() + (y + c)

    graph, x = exported((function, (4, 1, 1), (1, 4, 6, 5)))
    before = graph(x)
    convolve_channels(graph)
    assert names(graph) == ["conv2d", "relu", "conv2d", "add"]
    torch.testing.assert_close(graph(x), before)


class Dense(nn.Module):
    """A block of a DenseNet: the batch norm is behind a concatenation and in front of an
    activation, so that no layer can take it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.last = nn.BatchNorm2d(16), nn.Conv2d(16, 4, 1)
        values = self.norm.state_dict()
        for name in ("weight", "running_var"):
            values[name].uniform_(0.5, 1.5)
        for name in ("bias", "running_mean"):
            values[name].normal_()

    def forward(self, x: Tensor) -> Any:
        x = self.first(x).relu()
        x = torch.cat([x, self.second(x)], 1)
        return self.last(self.norm(x).relu())


class Normalized(nn.Module):
    """A convolution with padding of an image whose mean is taken off."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Buffer(torch.tensor([0.4, 0.5, 0.6]).reshape(3, 1, 1))
        self.layer = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Any:
        return self.layer((x - self.mean) / 0.25)


class Post(nn.Module):
    """A layer norm behind a sum, whose result two layers and a sum read."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm, self.last = nn.Linear(16, 16), nn.LayerNorm(16), nn.Linear(16, 16)
        with torch.no_grad():
            self.norm.weight.uniform_(0.5, 1.5)
            self.norm.bias.normal_()

    def forward(self, x: Tensor) -> Any:
        x = self.norm(x + self.layer(x))
        return x + self.last(x)


MODELS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "dense": (Dense, (1, 3, 12, 12)),
    "normalized": (Normalized, (1, 3, 16, 16)),
    "post-norm": (Post, (1, 24, 16)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u55-128"])
def test_in_a_network(name: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One kernel instead of two, no worse results, and no constant of the size of an image."""
    torch.manual_seed(0)
    build, shape = MODELS[name]
    model, inputs = build().eval(), [(torch.rand(shape),) for _ in range(4)]

    def compiled() -> Any:
        quantized = cmopt.quantize(model, inputs[0], calibration=inputs, target=target)
        return cmopt.compile(quantized, target=target)

    def noise(program: Any) -> float:
        apart = [program.interpret(*x)[0] - model(*x).detach() for x in inputs]
        return float(torch.stack(apart).square().sum())

    ours = compiled()
    monkeypatch.setattr("cmopt.frontend.quantizer.convolve_channels", lambda model: None)
    before = compiled()
    assert noise(ours) < 1.05 * noise(before)
    if "+" in target:
        assert ours.report.npu_cycles < before.report.npu_cycles
        return
    (actual,), (expected,) = ours.run(*inputs[0]), ours.interpret(*inputs[0])
    assert torch.equal(actual, expected)
    assert "cortex_m::quantized_depthwise_conv2d.out" in ours.report.operators
    if name == "normalized":
        assert len(ours.pte) < len(before.pte)

"""Constant factors and offsets of channels become part of the layers around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.fx import GraphModule

import cmopt
from cmopt.frontend.folded_factors import fold_factors

Tensor = torch.Tensor


class Net(nn.Module):
    """A function of a value, a layer's weight and bias, and constants for channels."""

    def __init__(self, function: Callable[..., Tensor], weight: tuple[int, ...], outputs: int):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.function = function
        self.w = nn.Parameter(torch.randn(weight, generator=generator))
        self.b = nn.Parameter(torch.randn(outputs, generator=generator))
        self.four, self.six = (
            nn.Parameter(torch.rand(n, generator=generator) + 0.5) for n in (4, 6)
        )

    def forward(self, x: Tensor) -> Any:
        return self.function(x, self)


def plane(c: Tensor) -> Tensor:
    """Constants of the channels of an image."""
    return c.detach().reshape(1, -1, 1, 1)


IMAGE, LINE, ROWS = (2, 4, 6, 5), (1, 4, 9), (2, 3, 4)
Case = tuple[Callable[[Tensor, Any], Any], tuple[int, ...], int, tuple[int, ...]]
FOLDED: dict[str, Case] = {
    "norm, linear": (lambda x, m: F.linear(x * m.four + m.four, m.w, m.b), (6, 4), 6, ROWS),
    "linear without bias": (lambda x, m: F.linear(x - m.four, m.w), (6, 4), 6, ROWS),
    "quotient, linear": (lambda x, m: F.linear(x / m.four, m.w, m.b), (6, 4), 6, (4,)),
    "two readers": (
        lambda x, m: F.linear(x + m.four, m.w) + F.linear(x + m.four, m.w, m.b), (6, 4), 6, ROWS,
    ),
    "moved, linear": (
        lambda x, m: F.linear(
            (x * m.four + m.four).transpose(0, 1).unsqueeze(1).flatten(1, 2), m.w, m.b
        ),
        (6, 4), 6, ROWS,
    ),
    "picked, linear": (
        lambda x, m: F.linear((x - m.four)[:, 0], m.w)
        + F.linear((x - m.four).permute(1, 0, 2)[1:].reshape(4, 4), m.w)[0],
        (6, 4), 6, ROWS,
    ),
    "averaged, linear": (
        lambda x, m: F.linear((x * m.four + m.four).mean(1), m.w, m.b), (6, 4), 6, ROWS,
    ),
    "conv2d": (
        lambda x, m: F.conv2d(x * plane(m.four) + plane(m.four), m.w), (6, 4, 3, 2), 6, IMAGE,
    ),
    "groups": (
        lambda x, m: F.conv2d(plane(m.four) * x - plane(m.four), m.w, m.b, groups=2),
        (6, 2, 3, 3), 6, IMAGE,
    ),
    "padded, factor": (
        lambda x, m: F.conv2d(x * plane(m.four), m.w, m.b, padding="same"), (6, 4, 3, 3), 6, IMAGE,
    ),
    "conv1d": (lambda x, m: F.conv1d(x + m.four.reshape(-1, 1), m.w, m.b, 2), (6, 4, 3), 6, LINE),
    "transposed, factor": (
        lambda x, m: F.conv_transpose2d(x * plane(m.four), m.w, m.b, 2, groups=2), (4, 3, 3, 3), 6,
        IMAGE,
    ),
    "behind linear": (lambda x, m: F.linear(x, m.w, m.b) * m.six - m.six, (6, 4), 6, ROWS),
    "behind linear without bias": (lambda x, m: m.six + F.linear(x, m.w) / m.six, (6, 4), 6, ROWS),
    "behind conv2d": (
        lambda x, m: F.conv2d(x, m.w, m.b, padding=1, groups=2) * plane(m.six) + plane(m.six),
        (6, 2, 3, 3), 6, IMAGE,
    ),
    "behind conv_transpose2d": (
        lambda x, m: F.conv_transpose2d(x, m.w, m.b, 2, groups=2) * plane(m.six) + plane(m.six),
        (4, 3, 3, 3), 6, IMAGE,
    ),
}  # fmt: skip
KEPT: dict[str, Case] = {
    "padded, offset": (
        lambda x, m: F.conv2d(x + plane(m.four), m.w, m.b, padding=1), (6, 4, 3, 3), 6, IMAGE,
    ),
    "transposed, offset": (
        lambda x, m: F.conv_transpose2d(x + plane(m.four), m.w, m.b), (4, 6, 3, 3), 6, IMAGE,
    ),
    "another reader": (
        lambda x, m: (lambda y: F.linear(y, m.w, m.b).sum() + y)(x * m.four), (6, 4), 6, ROWS,
    ),
    "another reader, behind": (
        lambda x, m: (lambda y: y * m.six + y)(F.linear(x, m.w, m.b)), (6, 4), 6, ROWS,
    ),
    "other dimension": (
        lambda x, m: F.linear(x * m.four.detach()[:3].reshape(3, 1), m.w, m.b), (6, 4), 6, ROWS,
    ),
    "for each element": (
        lambda x, m: F.linear(x * m.w.detach()[:3].reshape(3, 4), m.w, m.b), (6, 4), 6, ROWS,
    ),
    "averaged channels": (
        lambda x, m: F.linear((x * m.four).mean(-1), m.w, m.b), (6, 4), 6, (2, 4, 4),
    ),
    "no batch": (lambda x, m: F.conv1d(x * m.four.reshape(4, 1), m.w, m.b), (6, 4, 3), 6, (4, 9)),
    "transposed, linear": (
        lambda x, m: F.linear((x * m.four).transpose(1, 2), m.w, m.b), (6, 4), 6, (2, 4, 4),
    ),
    "one channel picked": (
        lambda x, m: F.linear((x + m.four)[..., :1] + m.w[0, 0], m.w[:, :1], m.b), (6, 4), 6, ROWS,
    ),
    "reshaped, linear": (
        lambda x, m: F.linear((x + m.four).reshape(2, 4, 3), m.w, m.b), (6, 3), 6, ROWS,
    ),
    "moved, convolution": (
        lambda x, m: F.conv1d((x + m.four).transpose(1, 0), m.w, m.b), (6, 4, 3), 6, (4, 2, 4),
    ),
    "larger result": (lambda x, m: F.linear(x * m.four, m.w, m.b), (6, 4), 6, (2, 3, 1)),
    "shared weight": (
        lambda x, m: F.linear(x * m.four, m.w, m.b) + F.linear(x, m.w), (6, 4), 6, ROWS,
    ),
    "weight of itself": (lambda x, m: F.linear(m.six.reshape(6, 1) + x, x), (6, 4), 6, (6, 1)),
    "one number": (lambda x, m: F.linear(x * m.four[:1].detach(), m.w, m.b), (6, 4), 6, ROWS),
    "one large factor": (
        lambda x, m: F.linear(x * (m.w.detach()[:1] * 0 + torch.eye(16)[0] * 50 + 1), m.w, m.b),
        (6, 16), 6, (2, 16),
    ),
    "infinite": (lambda x, m: F.linear(x / (m.four.detach() * 0), m.w, m.b), (6, 4), 6, ROWS),
}  # fmt: skip


def exported(case: Case) -> tuple[GraphModule, Tensor]:
    """The graph of a case with its constants folded, and an input."""
    from cmopt.frontend.constant_folding import fold_constants

    function, weight, outputs, shape = case
    x = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    graph = torch.export.export(Net(function, weight, outputs), (x,)).module(check_guards=False)
    fold_constants(graph)
    return graph, x


def steps(graph: GraphModule) -> int:
    """The products, quotients, sums and differences of tensors."""
    names = ("mul.Tensor", "div.Tensor", "add.Tensor", "sub.Tensor")
    targets = [str(node.target) for node in graph.graph.nodes]
    return sum(target == f"aten.{name}" for target in targets for name in names)


@pytest.mark.parametrize("name", FOLDED)
def test_folded(name: str) -> None:
    graph, x = exported(FOLDED[name])
    before, count = graph(x), steps(graph)
    fold_factors(graph)
    left = 1 if name in ("two readers", "picked, linear") else 0
    assert count > left == steps(graph)
    torch.testing.assert_close(graph(x), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", KEPT)
def test_kept(name: str) -> None:
    graph, _ = exported(KEPT[name])
    before = str(graph.graph)
    fold_factors(graph)
    assert steps(graph) > 0
    assert str(graph.graph) == before


class Tied(nn.Module):
    """A weight with two names."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(6, 4), nn.Linear(4, 6)
        self.head.weight = self.table.weight
        self.scale = nn.Parameter(torch.rand(4))

    def forward(self, x: Tensor) -> Any:
        return self.head(self.table(x) * self.scale)


def test_a_weight_with_two_names_is_shared() -> None:
    graph = torch.export.export(Tied(), (torch.tensor([1, 3]),)).module(check_guards=False)
    fold_factors(graph)
    assert steps(graph) == 1


class Block(nn.Module):
    """A part of a transformer: a norm, two layers, and a scale for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(16), nn.Linear(16, 32), nn.Linear(32, 16)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.0, 16))
        with torch.no_grad():
            self.norm.weight.copy_(torch.linspace(0.5, 1.5, 16))
            self.norm.bias.copy_(torch.linspace(-1, 1, 16))

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.up(self.norm(x)))
        return x + self.scale * self.down(hidden)


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u55-128"])
@pytest.mark.parametrize(("precision", "least"), [("int8", 34), ("int16", 48)])
def test_a_block_of_a_transformer(target: str, precision: str, least: float) -> None:
    """Only the norm's product with the root is left, and in int16, where weights bring most of the
    noise, that with the norm's weights."""
    torch.manual_seed(0)
    model, batches = Block().eval(), [(torch.randn(1, 10, 16),) for _ in range(4)]
    with torch.no_grad():
        model.up.weight.mul_(2)
    wide = {"kernels": "cmopt"} if precision == "int16" and target == "cortex-m55" else {}
    options: dict[str, Any] = {"target": target, **wide}
    quantized = cmopt.quantize(
        model, batches[0], calibration=batches, precision=cmopt.Precision(precision), **options
    )
    program = cmopt.compile(quantized, **options)
    products = str(program.ir("quantized")).count("edge.mul ")
    assert products == {"int8": 1, "int16": 0 if wide else 2}[precision]
    with torch.no_grad():
        wanted = model(*batches[0])
    error = program.interpret(*batches[0])[0] - wanted
    assert float(10 * torch.log10(wanted.square().mean() / error.square().mean())) > least
    assert program.report.float_ops == 0

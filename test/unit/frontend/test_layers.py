"""Layers that become other layers: without a batch, bilinear, of windows that overlap."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

import cmopt
from cmopt.frontend.constant_folding import fold_constants

Make = Callable[[], nn.Module]

CASES: dict[str, tuple[Make, list[tuple[int, ...]]]] = {
    "conv1d": (lambda: nn.Conv1d(3, 4, 3), [(3, 7)]),
    "conv1d-same-groups": (
        lambda: nn.Conv1d(4, 4, 3, padding="same", groups=2, bias=False), [(4, 7)]),
    "conv1d-of-one-place": (lambda: nn.Conv1d(1, 1, 1), [(1, 1)]),
    "conv2d-twice": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3, padding="same")),
        [(3, 7, 6)],
    ),
    "conv_transpose1d": (
        lambda: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, groups=2, dilation=2), [(4, 7)]),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(3, 4, 3, 2), [(3, 5, 4)]),
    "adaptive-even": (lambda: nn.AdaptiveAvgPool1d(2), [(3, 8)]),
    "adaptive-uneven": (lambda: nn.AdaptiveAvgPool1d(3), [(3, 8)]),
    "bilinear": (lambda: nn.Bilinear(3, 4, 2), [(5, 3), (5, 4)]),
    "bilinear-of-one": (lambda: nn.Bilinear(3, 4, 2), [(3,), (4,)]),
    "bilinear-without-bias": (lambda: nn.Bilinear(3, 1, 1, bias=False), [(2, 5, 3), (2, 5, 1)]),
    "fold": (lambda: nn.Fold((4, 5), (2, 2)), [(2, 12, 12)]),
    "fold-no-batch": (lambda: nn.Fold((4, 5), 2), [(12, 12)]),
    "fold-strided": (lambda: nn.Fold((8, 8), 3, padding=1, stride=2), [(2, 18, 16)]),
    "fold-dilated": (
        lambda: nn.Fold((7, 9), (3, 2), dilation=(2, 1), padding=(1, 1), stride=(1, 3)),
        [(1, 12, 20)],
    ),
    "fold-of-one-line": (lambda: nn.Fold((4, 4), (2, 1)), [(1, 6, 12)]),
}  # fmt: skip


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u55-128"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_layers_are_integer(name: str, target: str) -> None:
    make, shapes = CASES[name]
    torch.manual_seed(0)
    module, inputs = make().eval(), tuple(torch.randn(shape) for shape in shapes)
    exported = cmopt.quantize(module, inputs, target=target)
    program = cmopt.compile(exported, target=target)
    assert program.report.float_ops == 0
    (got,) = program.interpret(*inputs)
    if target == "cortex-m55":
        assert torch.equal(program.run(*inputs)[0], got)
    with torch.no_grad():
        expected = module(*inputs)
    assert got.shape == expected.shape
    assert expected.square().sum() > 10**2.8 * (got - expected).square().sum()


class Filled(nn.Module):
    """A result that is written part by part into memory that is not initialized."""

    def __init__(self, make: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.make = make

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result = self.make(x)
        result[:, :2] = x[:, :2] * 2
        result[:, 2:] = x[:, 2:] + 1
        return result


@pytest.mark.parametrize(
    "make",
    [
        lambda x: torch.empty(3, 4),
        lambda x: torch.empty_like(x),
        lambda x: x.new_empty(3, 4),
        lambda x: torch.empty_strided((3, 4), (1, 3)),
        lambda x: torch.empty_permuted((3, 4), (1, 0)),
    ],
    ids=["empty", "empty_like", "new_empty", "empty_strided", "empty_permuted"],
)
def test_memory_that_is_not_initialized_decides_on_no_range(
    make: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    module, x = Filled(make), torch.linspace(-1, 1, 12).reshape(3, 4)
    exported = torch.export.export(module, (x,)).run_decompositions()
    graph = exported.module(check_guards=False)
    for _ in range(20):
        left = [torch.full((12,), 1e30) for _ in range(100)]
        del left  # An allocation of this size now most likely holds these numbers.
        folded = copy.deepcopy(graph)
        fold_constants(folded)
        assert not any("empty" in str(node.target) for node in folded.graph.nodes)
        assert all(float(value.abs().max()) < 10 for value in folded.buffers())
    program = cmopt.compile(cmopt.quantize(module, (x,)))
    assert program.report.float_ops == 0
    assert (program.run(x)[0] - module(x)).abs().max() < 0.02

"""Operators that become others before annotation are integer, and compute the same."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cmopt
from cmopt.frontend.constant_folding import fold_constants
from cmopt.support.diagnostics import CompileError

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

Make = Callable[[], nn.Module]

MASK = torch.arange(20).reshape(4, 5) % 3 == 0


def of(function: Callable[..., torch.Tensor]) -> Make:
    """A module that calls a function."""
    return lambda: Function(function)


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
    "addbmm": (of(lambda b, x, y: torch.addbmm(b, x, y, beta=0.5, alpha=2)),
               [(4, 5), (3, 4, 2), (3, 2, 5)]),
    "addbmm-of-nothing": (of(torch.addbmm), [(4, 5), (3, 4, 0), (3, 0, 5)]),
    "addmm-of-nothing": (of(torch.addmm), [(4, 5), (4, 0), (0, 5)]),
    "addmv": (of(lambda b, x, v: torch.addmv(b, x, v, alpha=-1)), [(4,), (4, 3), (3,)]),
    "addmv-without-bias": (of(lambda b, x, v: torch.addmv(b, x, v, beta=0)), [(1,), (4, 3), (3,)]),
    "mv": (of(torch.mv), [(4, 3), (3,)]),
    "mv-of-constant": (of(lambda v: torch.linspace(-1, 1, 12).reshape(4, 3) @ v), [(3,)]),
    "mv-by-constant": (of(lambda x: x @ torch.linspace(-1, 1, 3)), [(4, 3)]),
    "dot": (of(torch.dot), [(5,), (5,)]),
    "dot-of-one": (of(torch.dot), [(1,), (1,)]),
    "cdist": (of(torch.cdist), [(4, 3), (5, 3)]),
    "cdist-1": (of(lambda x, y: torch.cdist(x, y, p=1)), [(2, 4, 3), (2, 1, 3)]),
    "cdist-infinite": (of(lambda x, y: torch.cdist(x, y, p=torch.inf)), [(4, 3), (5, 3)]),
    "clamp": (of(torch.clamp), [(4, 5), (4, 5), (5,)]),
    "clamp-below": (of(lambda x, low: x.clamp(min=low)), [(3, 1, 5), (4, 5)]),
    "clamp-above": (of(lambda x, high: x.clamp_max(high)), [(4, 5), (1,)]),
    "clamp-by-constants": (
        of(lambda x: x.clamp(torch.tensor(-0.5), torch.linspace(0, 1, 5))), [(4, 5)]),
    "fmax": (of(torch.fmax), [(4, 1), (5,)]),
    "fmin": (of(torch.fmin), [(4, 5), (4, 5)]),
    "where-other": (of(lambda x: torch.where(MASK, x, 0.0)), [(4, 5)]),
    "where-self": (of(lambda x: torch.where(MASK, 1.5, x)), [(1, 5)]),
    "where-integer": (of(lambda x: torch.where(MASK[:, None], x, 2)), [(4, 5)]),
    "where-computed": (of(lambda x, y: torch.where(x > 0, y, -1)), [(4, 1), (5,)]),
    "number-divided-by-scalar": (
        of(lambda x: torch.ops.aten.floor_divide.Scalar(x * 3, 2.0) + x), [()]),
    "number-by-scalar": (of(lambda x: torch.ops.aten.mul.Scalar(x, 2.0) + 0.5), [()]),
    "nan_to_num": (of(lambda x: torch.nan_to_num(x) * 2), [(4, 5)]),
    "tril": (of(torch.tril), [(4, 5)]),
    "linear-of-activations": (of(F.linear), [(2, 4, 5), (3, 5), (3,)]),
    "linear-of-activations-1d": (of(F.linear), [(5,), (3, 5)]),
    "hypot": (of(torch.hypot), [(4, 1), (5,)]),
    "unfold-copy-of-a-number": (of(lambda x: torch.unfold_copy(x, 0, 1, 1)), [()]),
    "unfold-of-a-number": (of(lambda x: x.unfold(0, 1, 1) * 2), [()]),
    "dist": (of(torch.dist), [(4, 5), (5,)]),
    "sort": (of(lambda x: torch.sort(x, 0, descending=True)[0]), [(4, 5)]),
    "sort-stable": (of(lambda x: torch.sort(x, stable=True)[0]), [(1, 5)]),
    "msort": (of(torch.msort), [(4, 5)]),
    "diag_embed": (of(lambda x: torch.diag_embed(x, 1)), [(2, 3)]),
    "cumsum-of-one": (of(lambda x: x.cumsum(0) * 2), [()]),
    "angle": (of(torch.angle), [(4, 5)]),
    "copysign": (of(torch.copysign), [(4, 1), (5,)]),
    "copysign-of-number": (of(lambda x: torch.copysign(x, -0.0) + x * 0.5), [(4, 5)]),
    "cummax": (of(lambda x: torch.cummax(x, 1)[0]), [(2, 7, 3)]),
    "cummin": (of(lambda x: torch.cummin(x, -1)[0]), [(4, 1)]),
    "cumprod": (of(lambda x: torch.cumprod(x, 0)), [(6, 3)]),
    "cumprod-of-one": (of(lambda x: torch.cumprod(x, 0) * 2), [()]),
    "heaviside": (of(torch.heaviside), [(4, 5), (5,)]),
    "heaviside-of-zeros": (of(lambda x, v: torch.heaviside(x.relu(), v)), [(4, 5), (4, 1)]),
    "kl_div": (of(lambda x, y: F.kl_div(x.log_softmax(1), y.softmax(1))), [(4, 5), (4, 5)]),
    "ldexp": (of(lambda x: torch.ldexp(x, torch.tensor([1, 0, -2]))), [(4, 3)]),
    "lerp": (of(torch.lerp), [(4, 5), (4, 1), (5,)]),
    "lerp-by-number": (of(lambda x, y: torch.lerp(x, y, 0.4)), [(4, 5), (5,)]),
    "logical": (of(lambda x, y: torch.where(torch.logical_xor(x.relu(), y > 0), x, y)),
                [(4, 5), (4, 5)]),
    "logical-not": (of(lambda x: torch.where(torch.logical_not(x.relu()), -1.0, x)), [(4, 5)]),
    "native_layer_norm": (
        of(lambda x: torch.native_layer_norm(x, [2, 4], None, torch.ones(2, 4), 1e-5)[0]),
        [(3, 2, 4)],
    ),
    "prod": (of(lambda x: (x + 0.5).prod()), [(2, 1, 3)]),
    "prod-of-rows": (of(lambda x: x.prod(1, keepdim=True)), [(3, 5, 2)]),
    "signbit": (of(lambda x: torch.where(torch.signbit(x), x * 2, x)), [(4, 5)]),
    "xlogy": (of(lambda x, y: torch.xlogy(x, y.abs() + 0.1)), [(4, 5), (5,)]),
    "xlogy-by-number": (of(lambda x: torch.xlogy(x, 3.0)), [(4, 5)]),
    "xlogy-of-number": (of(lambda x: torch.xlogy(3.0, x.abs() + 0.1)), [(4, 5)]),
    "xlogy-of-zeros": (of(lambda x, y: torch.xlogy(x.relu(), y.relu() + 0.1)), [(4, 5), (4, 5)]),
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
def test_they_are_integer(name: str, target: str) -> None:
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


@pytest.mark.parametrize(
    "function",
    [lambda x: torch.where(x == torch.inf, 1e30, x), lambda x: x.masked_fill(x > 2, 1e30)],
)
def test_a_number_that_is_never_chosen_takes_no_range(
    function: Callable[..., torch.Tensor],
) -> None:
    module = Function(function)
    x = torch.linspace(-1, 1, 8)
    program = cmopt.compile(cmopt.quantize(module, (x,)), allow_float=True)
    assert (program.run(x)[0] - x).abs().max() < 0.01


@pytest.mark.parametrize("function", [lambda x: x[x > 0] * 2, lambda x: torch.nonzero(x) + x.sum()])
def test_a_size_that_depends_on_values_is_refused(function: Callable[..., torch.Tensor]) -> None:
    message = r"\.py:\d+ .*dimension 0 depends on the values of the inputs .*torch\.where"
    with pytest.raises(CompileError, match=message):
        cmopt.quantize(Function(function), (torch.randn(4),))


@pytest.mark.parametrize("number", [float, int, lambda x: x.item()])
def test_a_number_that_depends_on_values_is_refused(number: Callable[..., float]) -> None:
    with pytest.raises(CompileError, match=r"\.py:\d+.*depends on the values of (the|its) inputs"):
        cmopt.quantize(Function(lambda x: x * number(x.sum())), (torch.randn(4),))


def test_examples_may_be_views_of_one_tensor() -> None:
    x = torch.linspace(-1, 1, 25).reshape(5, 5)
    module = Function(lambda x, y: torch.where(x > 0, y, 0.0))
    inputs = x[:, None], x
    program = cmopt.compile(cmopt.quantize(module, inputs))
    assert (program.run(*inputs)[0] - module(*inputs)).abs().max() < 0.01

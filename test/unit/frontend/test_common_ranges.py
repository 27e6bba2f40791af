"""Minimum, maximum and clamps: which values have one range."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

TABLE = "cortex_m.quantized_activation"
X, Y = torch.linspace(-2, 2, 64).reshape(4, 16), torch.linspace(1.5, -2, 64).reshape(4, 16)


def compiled(function: Callable[..., object], *inputs: Tensor) -> cmopt.Program:
    program = cmopt.compile(cmopt.quantize(Function(function), inputs))
    assert program.report.float_ops == 0
    assert all(
        torch.equal(a, b)
        for a, b in zip(program.run(*inputs), program.interpret(*inputs), strict=True)
    )
    return program


@pytest.mark.parametrize("function", [torch.minimum, torch.maximum, torch.max, torch.min])
def test_operands_of_like_ranges_need_no_table(function: Callable[..., Tensor]) -> None:
    program = compiled(function, X, Y)
    assert TABLE not in program.report.ops
    error = (program.run(X, Y)[0] - function(X, Y)).abs().max()
    assert error <= 4.5 / 255 / 2


def test_a_chain_of_maxima_has_one_range() -> None:
    z = X.flip(0) * 1.1
    program = compiled(lambda x, y, z: torch.maximum(torch.maximum(x, y), z), X, Y, z)
    assert TABLE not in program.report.ops


def test_the_result_of_a_narrow_operand_stays_exact() -> None:
    """One range of 200 would leave two steps for a result between -1 and 1. The result's is finer.

    What saturates in it is not the minimum.
    """
    wide = torch.linspace(2, 200, 64).reshape(4, 16)
    program = compiled(torch.minimum, X / 2, wide)
    assert TABLE not in program.report.ops
    assert (program.run(X / 2, wide)[0] - X / 2).abs().max() < 0.005


@pytest.mark.parametrize("function", [torch.minimum, torch.maximum])
@pytest.mark.parametrize("shape", [(4, 16), (1, 16), (4, 1), (1,), ()])
def test_the_extreme_of_rounded_values_is_the_rounded_extreme(
    function: Callable[..., Tensor], shape: tuple[int, ...]
) -> None:
    """Whatever the ranges of the operands are, nothing is lost that the result has."""
    y = 40 * torch.randn(shape, generator=torch.Generator().manual_seed(1)) - 5
    exported = cmopt.quantize(Function(function), (X, y))
    program = cmopt.compile(exported)
    assert TABLE not in program.report.ops
    last = [node for node in exported.graph.nodes if node.op == "call_function"][-1]
    rounded = torch.fake_quantize_per_tensor_affine(function(X, y), *last.args[1:5])
    assert torch.equal(program.run(X, y)[0], rounded)


def test_in_a_chain_of_both_kinds_the_last_result_counts() -> None:
    z = torch.linspace(-0.5, 0.75, 64).reshape(4, 16)
    function = lambda x, y, z: torch.minimum(torch.maximum(x, y), z)  # noqa: E731
    program = compiled(function, X * 9, Y * 30, z)
    assert TABLE not in program.report.ops
    error = (program.run(X * 9, Y * 30, z)[0] - function(X * 9, Y * 30, z)).abs().max()
    assert error < 1.25 / 255


def test_an_operand_of_two_extremes_keeps_its_range() -> None:
    function = lambda x, y, z: (torch.maximum(x, y), torch.minimum(x, z))  # noqa: E731
    program = compiled(function, X, Y, X.flip(1) + 1)
    for found, expected in zip(
        program.run(X, Y, X.flip(1) + 1), function(X, Y, X.flip(1) + 1), strict=True
    ):
        assert (found - expected).abs().max() < 0.03


def test_an_operand_that_others_read_keeps_its_range() -> None:
    program = compiled(lambda x, y: (torch.maximum(x, y * 4), x @ x.T), X, Y)
    (_, product) = program.run(X, Y)
    expected = X @ X.T
    assert (product - expected).abs().max() < expected.abs().max() / 64


@pytest.mark.parametrize(
    "shapes", [((1, 3, 5, 7), (1, 3, 1, 1)), ((4, 1), (3,)), ((2, 1, 1), (2, 3, 4)), ((1,), (2, 3)),
               ((2, 1, 3, 1, 2), (1, 2, 1, 3, 2)), ((2, 1, 3, 1, 2, 1), (1, 2, 1, 3, 1, 2))],
)  # fmt: skip
def test_the_kernel_broadcasts(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    x, y = (torch.linspace(-1, 1, torch.Size(s).numel()).reshape(s) for s in shapes)
    y = y.flip(-1)
    program = compiled(torch.maximum, x, y)
    copies = program.report.ops.get("aten.expand_copy.default", 0)
    assert (copies == 0) == (len(shapes[0]) < 5)
    assert (program.run(x, y)[0] - torch.maximum(x, y)).abs().max() <= 2 / 255


def test_an_extreme_in_a_shared_range() -> None:
    """The observer of all parts of a `cat` may have several names. It keeps its range."""
    program = compiled(lambda x, y: torch.cat([torch.maximum(x, x.flip(0)), 20 * y]), X, Y)
    expected = torch.cat([torch.maximum(X, X.flip(0)), 20 * Y])
    assert (program.run(X, Y)[0] - expected).abs().max() < 70 / 255


PRODUCTS: dict[str, tuple[Callable[..., Tensor], int]] = {
    "product": (lambda x: x * 1.37, 0),
    "quotient": (lambda x: x / 3.7, 0),
    "a chain": (lambda x: (x.flip(0) * 0.3).flip(1) / 7, 0),
    "attention": (lambda x: torch.softmax(x @ x.T * 0.125, -1) @ x, 0),
    "a constant of one number": (lambda x: x * torch.full((1, 16), 0.3), 0),
    "negative": (lambda x: x * -1.37, 1),
    "no one number": (lambda x: x * torch.arange(1.0, 17), 0),
    "joined": (lambda x: torch.cat([x.flip(0) * 0.3, x]), 1),
    "read twice": (lambda x: (x.flip(0) * 0.3) @ x.T + x @ (x.flip(0) * 0.3).T, 0),
    "tiny": (lambda x: x.flip(0) * 1e-20 * 1e20, 0),
    "zero": (lambda x: x * 0.0, 1),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_with_a_positive_number_is_no_call(name: str) -> None:
    function, tables = PRODUCTS[name]
    program = compiled(function, X)
    assert program.report.ops.get(TABLE, 0) == tables
    expected = function(X)
    assert (program.run(X)[0] - expected).abs().max() <= expected.abs().max() / 50


CLAMPS: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
    "relu": (torch.relu, True),
    "relu6": (torch.nn.functional.relu6, True),
    "clamp": (lambda x: torch.clamp(x, -1, 1), True),
    "lower bound": (lambda x: torch.clamp(x, min=-0.5), True),
    "upper bound": (lambda x: x.clamp_max(0.5), True),
    "hardtanh": (torch.nn.functional.hardtanh, True),
    "above 0": (lambda x: torch.clamp(x, 0.5, 3), False),
    "below 0": (lambda x: torch.clamp(x, max=-0.5), False),
}


@pytest.mark.parametrize("name", CLAMPS)
def test_a_clamp_that_keeps_zero_shares_its_operands_range(name: str) -> None:
    """The result then has no rounding of its own."""
    function, is_shared = CLAMPS[name]
    text = str(compiled(lambda x: function(x.reshape(-1)), X).module("quantized"))
    types = {part.split(">")[0] for part in text.split("!quant.uniform<")[1:]}
    assert (len(types) == 1) == is_shared


@pytest.mark.parametrize(
    ("target", "least"), [("cortex-m55", 15), ("cortex-m55+ethos-u55-128", 35)]
)
def test_a_mean_on_an_npu_has_its_own_range(target: str, least: float) -> None:
    """The kernel on a core keeps the operand's range, which is many times that of the mean."""
    x = torch.randn((1, 8, 16, 16), generator=torch.Generator().manual_seed(0))
    model = Function(lambda x: x.mean((2, 3)))
    program = cmopt.compile(cmopt.quantize(model, (x,), target=target), target=target)
    error = program.interpret(x)[0] - model(x)
    assert 10 * torch.log10(model(x).square().sum() / error.square().sum()) > least

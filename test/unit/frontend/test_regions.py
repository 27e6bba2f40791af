"""Graphs that a program calls: under no_grad and autocast, and the branches of `torch.cond`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan
from torch.utils._pytree import tree_leaves

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function


def without_gradients(x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.relu(x * 2)


def with_gradients(x: Tensor) -> Tensor:
    with torch.enable_grad():
        return torch.relu(x * 2)


def without_autocast(x: Tensor) -> Tensor:
    with torch.autocast("cpu", enabled=False):
        return torch.relu(x * 2)


def with_autocast(x: Tensor) -> Tensor:
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        return x @ x.t()


@pytest.mark.parametrize("function", [without_gradients, with_gradients, without_autocast])
def test_regions_are_part_of_the_program(function: Callable[[Tensor], Tensor]) -> None:
    x = torch.randn(2, 4)
    program = cmopt.compile(cmopt.quantize(Function(function), (x,)))
    assert program.report.float_ops == 0
    assert float((program.run(x)[0] - function(x)).abs().max()) < 0.1
    exported = torch.export.export(Function(function), (x,))
    assert torch.equal(cmopt.compile(exported, allow_float=True).run(x)[0], function(x))


def test_an_enabled_autocast_is_refused() -> None:
    x = torch.randn(2, 4)
    with pytest.raises(cmopt.CompileError, match=r"\.py:\d+.* only float32 can"):
        cmopt.quantize(Function(with_autocast), (x,))
    exported = torch.export.export(Function(with_autocast), (x,))
    with pytest.raises(cmopt.CompileError, match="only float32 can be compiled"):
        cmopt.compile(exported, allow_float=True)


def plain(x: Tensor) -> Tensor:
    return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x * 2, (x,))


def nested(x: Tensor) -> Tensor:
    def inner(x: Tensor) -> Tensor:
        return torch.cond(x[0, 0] > 0, lambda x: x + 1, lambda x: x - 1, (x,))

    return torch.cond(x.sum() > 0, inner, lambda x: x * 2, (x,))


def of_several_results(x: Tensor) -> tuple[Tensor, ...]:
    first, second = torch.cond(
        x.mean() > 0, lambda x: (x.sin(), x.relu()), lambda x: (x.cos(), x * 3), (x,)
    )
    return second, first, x


def of_numbers(x: Tensor) -> Tensor:
    """The predicate has two dimensions, the results have none."""
    return torch.cond(x[:1, :1] > 0, lambda x: x.sum(), lambda x: x.mean(), (x,))


def of_constants(x: Tensor) -> Tensor:
    return torch.cond(x.sum() > 0, lambda: torch.zeros(3), lambda: torch.ones(3), ())


def one_after_the_other(x: Tensor) -> Tensor:
    y = torch.cond(x.sum() > 0, lambda x: x.sigmoid(), lambda x: x.neg().relu_(), (x,))
    return torch.cond(y.mean() > 0.2, lambda y: y * 2, lambda y: y - 1, (y,))


def of_own_constants(x: Tensor) -> Tensor:
    """PyTorch leaves these in the graphs of the branches."""
    one, other = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.5])
    return torch.cond(x.sum() > 0, lambda x: x * one.clone(), lambda x: x + other.clone(), (x,))


def without_gradients_of(x: Tensor) -> Tensor:
    with torch.no_grad():
        return plain(x)


CONDITIONALS = [
    plain, nested, of_several_results, of_numbers, of_constants, of_own_constants,
    one_after_the_other, without_gradients_of,
]  # fmt: skip


@pytest.mark.parametrize("function", CONDITIONALS)
def test_conditionals_of_floats(function: Callable[[Tensor], Any]) -> None:
    exported = torch.export.export(Function(function), (torch.ones(3, 4),))
    program = cmopt.compile(exported, allow_float=True)
    for sign in (1, -1):
        x = torch.arange(-2.0, 10.0).reshape(3, 4) * sign
        expected = tree_leaves(function(x))
        for result, value in zip(program.run(x), expected, strict=True):
            assert torch.allclose(result, value, rtol=1e-6), sign


@pytest.mark.parametrize(
    ("function", "target"),
    [
        (nested, "cortex-m55"),
        (of_numbers, "cortex-m55"),
        (of_several_results, "cortex-m55+ethos-u55-128"),
        (one_after_the_other, "cortex-m55+ethos-u55-128"),
    ],
)
def test_conditionals_in_integers(function: Callable[[Tensor], Any], target: str) -> None:
    samples = [torch.arange(-2.0, 10.0).reshape(3, 4) * factor / 6 for factor in (1, -1)]
    exported = cmopt.quantize(
        Function(function), (samples[0],), calibration=[(x,) for x in samples], target=target
    )
    program = cmopt.compile(exported, target=target)
    assert program.report.float_ops == 0
    for x in samples:
        expected = tree_leaves(function(x))
        for result, value in zip(program.interpret(x), expected, strict=True):
            assert float((result - value).abs().max()) < 0.03 * max(1, float(value.abs().max()))


@pytest.mark.parametrize("function", [nested, of_numbers])
def test_conditionals_in_the_edge_dialect(function: Callable[[Tensor], Tensor]) -> None:
    from executorch.exir import to_edge

    x = torch.arange(-2.0, 10.0).reshape(3, 4)
    exported = to_edge(torch.export.export(Function(function), (x,))).exported_program()
    program = cmopt.compile(exported, allow_float=True)
    for value in (x, -x):
        assert torch.allclose(program.run(value)[0], function(value), rtol=1e-6)


class Layers(nn.Module):
    """Each branch has a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x[0, 0] > 0, lambda x: self.one(x), lambda x: self.other(x), (x,))


def test_each_branch_has_its_layers() -> None:
    torch.manual_seed(0)
    model, x = Layers().eval(), torch.rand(1, 4)
    exported = cmopt.quantize(model, (x,), calibration=[(x,), (-x,)])
    program = cmopt.compile(exported)
    assert program.report.ops["cortex_m.quantized_linear"] == 2
    for value in (x, -x):
        assert float((program.run(value)[0] - model(value)).abs().max()) < 0.03


def test_a_conditional_in_each_step_of_a_loop() -> None:
    def step(total: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        total = torch.cond(x.sum() > 0, lambda t, x: t + x, lambda t, x: t - x, (total, x))
        return total, total.clone()

    def loop(x: Tensor) -> Tensor:
        return scan(step, torch.zeros(4), x)[1]

    x = torch.arange(-12.0, 12.0).reshape(6, 4)
    exported = torch.export.export(Function(loop), (x,))
    assert torch.equal(cmopt.compile(exported, allow_float=True).run(x)[0], loop(x))


def test_branches_of_two_shapes_are_refused() -> None:
    def function(x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda x: x[:2] + 1, lambda x: x[:1] + 1, (x,))

    message = r"quantized\.py:\d+.* float32 \[2, 4\] and float32 \[1, 4\]"
    with pytest.raises(cmopt.CompileError, match=message):
        cmopt.quantize(Function(function), (torch.ones(3, 4),))


def test_a_loop_of_a_computed_number_of_steps_is_refused() -> None:
    def function(x: Tensor) -> Any:
        return torch.while_loop(lambda x: x.sum() < 9, lambda x: (x + 1,), (x,))

    with pytest.raises(cmopt.CompileError, match=r"quantized\.py:\d+.*while_loop is not"):
        cmopt.quantize(Function(function), (torch.ones(3, 4),))

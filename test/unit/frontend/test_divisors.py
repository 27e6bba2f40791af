"""Divisors that were never 0 in calibration are not 0 on the device."""

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

X = torch.linspace(-2, 2, 32).reshape(4, 8)
Y = torch.linspace(0.5, 3, 32).reshape(4, 8).flip(1)

DIVISIONS: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...], int]] = {
    "positive input": (lambda x, y: x / y, (X, Y), 0),
    "negative input": (lambda x, y: x / y, (X, -Y), 0),
    "one number": (lambda x, y: x / y, (X, Y[0, 0]), 0),
    "of two quotients": (lambda x, y: (x / y, y / (x + 3)), (X, Y), 2),
    "negated input": (lambda x, y: x / -y, (X, Y), 1),
    "sum": (lambda x: x / x.abs().sum(1, keepdim=True), (X,), 2),
    "layer": (lambda x, y: x / torch.nn.functional.linear(y, torch.ones(8, 8)), (X, Y), 0),
    "read twice": (lambda x, y: x / y + y, (X, Y), 1),
    "of both signs": (lambda x, y: x / y, (X, Y - 1.5), 1),
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_a_divisor_of_one_sign_costs_one_table_at_most(name: str) -> None:
    function, inputs, tables = DIVISIONS[name]
    program = cmopt.compile(cmopt.quantize(Function(function), inputs))
    ops = program.report.ops
    assert program.report.float_ops == 0
    assert ops.get("cortex_m.quantized_activation", 0) == tables
    assert ("cortex_m.quantized_mul" in ops) == (name == "of both signs")
    found = program.run(*inputs)
    for one, other in zip(found, program.interpret(*inputs, stage="quantized"), strict=True):
        assert torch.equal(one, other) or name == "sum"


def test_a_divisor_that_rounds_to_zero_counts_as_one_step() -> None:
    """The kernel would give 0; the quotient by one step is nearer to the true one."""
    program = cmopt.compile(cmopt.quantize(Function(lambda x, y: x / y), (X, Y)))
    one_step, tiny = 3 / 255, torch.full_like(Y, 1e-3)
    seen = X / Y
    expected = (X / one_step).clamp(seen.min(), seen.max())
    assert (program.run(X, tiny)[0] - expected).abs().max() < 0.05 * seen.abs().max()


def test_hardsigmoid_of_a_layer_is_its_clamp() -> None:
    for model in (
        torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Hardsigmoid()),
        torch.nn.Sequential(torch.nn.Linear(8, 4, bias=False), torch.nn.Hardsigmoid()),
    ):
        program = cmopt.compile(cmopt.quantize(model.eval(), (X,)))
        assert sum(program.report.ops.values()) == 3
        assert (program.run(X)[0] - model(X)).abs().max() < 0.02

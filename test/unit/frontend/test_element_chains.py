"""Chains of functions of one element become one table, exact to the rounding at their ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.linspace(-2, 2, 8 * 64).reshape(8, 64)
TABLE = "cortex_m.quantized_activation"

CHAINS: dict[str, Callable[[Tensor], Tensor]] = {
    "decibel": lambda x: 10 * torch.log10(x * x + 1e-4),
    "logistic": lambda x: 1 / (1 + torch.exp(-x)),
    "Gaussian": lambda x: torch.exp(-((x - 0.5) ** 2) / 0.3),
    "gelu by hand": lambda x: 0.5 * x * (1 + torch.tanh(0.79788 * (x + 0.044715 * x**3))),
    "hard swish by hand": lambda x: x * F.relu6(x + 3) / 6,
    "softsign": lambda x: x / (1 + x.abs()),
    "where": lambda x: torch.where(x > 0, x * x, torch.exp(x) - 1),
    "where of a new tensor": lambda x: torch.where(x > 0.3, x, torch.zeros_like(x)),
    "filled": lambda x: (x * 2).masked_fill(x < 0, -1.0),
    "interval": lambda x: ((x > -0.5) & (x < 0.5)).float(),
    "not": lambda x: (~(x > 0.2)).float() + x,
    "mask times value": lambda x: (x > 0) * x,
    "either": lambda x: torch.logical_or(x > 1, x < -1).to(torch.float32) * x,
    "exclusive": lambda x: ((x > 0.5) ^ (x > 1.5)).float(),
    "clamped by tensors": lambda x: torch.clamp(x, torch.tensor(-0.5), torch.tensor(0.7)) * 2,
    "remainder": lambda x: torch.remainder(x, 0.3),
    "fmod": lambda x: torch.fmod(x, -0.7) + 1,
    "floor_divide": lambda x: torch.floor_divide(x, 0.3) * 0.3,
    "truncated": lambda x: torch.div(x, 0.3, rounding_mode="trunc"),
    "power of a number": lambda x: 2**x,
    "power of itself": lambda x: torch.pow(x.abs() + 0.1, x),
    "arctangent": lambda x: torch.atan2(x, x * x + 0.1),
    "rounded to tenths": lambda x: torch.round(x, decimals=1),
    "rounded to tens": lambda x: torch.round(x * 50, decimals=-1) / 50,
    "inverse error function": lambda x: torch.erfinv(x * 0.45),
    "minimum": lambda x: torch.minimum(torch.exp(x), 2 - x),
}


def decibels(expected: Tensor, found: Tensor) -> float:
    error = (expected - found).double().square().sum().clamp_min(1e-30)
    return float(10 * torch.log10(expected.double().square().sum() / error))


def best_decibels(function: Callable[[Tensor], Tensor]) -> float:
    """What int8 at the ends alone allows: the input rounded, and the result rounded."""
    step = (X.max() - X.min()) / 255
    rounded = torch.round(X / step) * step
    result = function(rounded)
    out = ((result.max() - result.min()) / 255).clamp_min(1e-9)
    return decibels(function(X), torch.round(result / out) * out)


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_one_table(name: str) -> None:
    function = CHAINS[name]
    program = cmopt.compile(cmopt.quantize(Function(function), (X,)))
    assert program.report.ops[TABLE] == 1 and sum(program.report.ops.values()) == 3
    (found,) = program.run(X)
    assert torch.equal(found, program.interpret(X)[0])
    # Where the function jumps, one step of the input decides; 3 dB are for that.
    assert decibels(function(X), found) > best_decibels(function) - 3


def tables_of(function: Callable[..., object], *inputs: Tensor, modules: tuple = ()) -> int:
    program = cmopt.compile(cmopt.quantize(Function(function, *modules).eval(), inputs))
    assert not program.report.fallbacks
    return program.report.ops.get(TABLE, 0)


def test_a_value_that_others_read_ends_a_chain() -> None:
    """The matrix product reads exp(x) in int8, and so does the rest of the chain."""
    assert tables_of(lambda x: ((y := torch.exp(x)) @ y.T, 1 / (1 + y)), X) == 2


def test_a_truth_that_others_read_is_that_of_integers() -> None:
    """It is in no chain, so that what it compares is quantized."""
    functions: list[Callable[[Tensor, Tensor], Tensor]] = [
        lambda x, y: torch.where(x.exp() > 1, y, x.exp() * 2 + 1),
        lambda x, y: torch.where((e := x.exp()) > 1, y, 1 / (1 + e)),
        lambda x, y: torch.where((x.exp() > 1) & (x < 1), y, x.cos() + 1),
    ]
    for function in functions:
        inputs = X, X.flip(1)
        program = cmopt.compile(cmopt.quantize(Function(function), inputs))
        assert program.report.float_ops == 0 and program.report.ops[TABLE] >= 2
        assert decibels(function(*inputs), program.run(*inputs)[0]) > 20


def test_chains_share_their_beginning() -> None:
    assert tables_of(lambda x: (torch.exp(x + 1), torch.log((x + 1).abs() + 1)), X) == 2


def test_two_sources_meet_in_no_chain() -> None:
    assert tables_of(lambda x, y: (x.exp() + 1) * (y.sin() * 2), X, X.flip(0)) == 2


def test_a_constant_for_each_channel_is_in_no_chain() -> None:
    scale = torch.linspace(0.5, 2, 64)
    assert tables_of(lambda x: (x * scale).exp() * 2, X) == 1


def test_a_clamp_that_a_kernel_includes_is_in_no_chain() -> None:
    """The product is clamped by its kernel; the chain of the rest is a table."""
    linear = torch.nn.Linear(64, 4)
    assert tables_of(lambda f, x: 1 / (1 + F.relu(f(x))), X, modules=(linear,)) == 1


BYTES = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
IMAGES: dict[str, Callable[[Tensor], Tensor]] = {
    "float alone": lambda x: x.float(),
    "centred": lambda x: x.float() / 127.5 - 1,
    "quotient": lambda x: x / 255,
    "gamma": lambda x: (x.to(torch.float32) / 255) ** 2.2,
    "gamma of a part": lambda x: (x[..., 4:].to(torch.float32) / 255) ** 2.2,
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_of_bytes_is_one_table(name: str) -> None:
    function = IMAGES[name]
    program = cmopt.compile(cmopt.quantize(Function(function), (BYTES,)))
    (found,) = program.run(BYTES)
    assert program.report.float_ops == 0 and program.report.ops[TABLE] == 1
    assert torch.equal(found, program.interpret(BYTES, stage="quantized")[0])
    expected = function(BYTES)
    step = (expected.max() - expected.min()) / 255
    assert (found - expected).abs().max() <= step  # the step of 0 is rounded too


def test_a_comparison_that_is_an_output_stays() -> None:
    program = cmopt.compile(cmopt.quantize(Function(lambda x: (x > 0, (x > 0) * x)), (X,)))
    assert program.report.ops[TABLE] == 1
    step = (X.max() - X.min()) / 255
    assert torch.equal(program.run(X)[0], torch.round(X / step) > 0)

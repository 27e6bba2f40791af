"""Models and data that cannot be quantized: the error has the user's own names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import cmopt
from cmopt.frontend.quantize import quantize

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.linspace(-1, 1, 16).reshape(2, 8)
NAN, INF = float("nan"), float("inf")


class Sum(nn.Module):
    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return x + bias


def with_one(number: float) -> torch.Tensor:
    return X.clone().index_fill_(1, torch.tensor([3]), number)


@pytest.mark.parametrize("number", [NAN, INF])
def test_a_calibration_sample_with_no_number_is_named(number: float) -> None:
    samples = [(X, X), (X, with_one(number))]
    with pytest.raises(ValueError, match=r"sample 1: input 'bias' holds 2 values that are NaN or"):
        quantize(Sum(), (X, X), calibration=samples)


def test_example_inputs_that_are_calibrated_with() -> None:
    with pytest.raises(ValueError, match="example_inputs: input 'x' holds 2 values"):
        quantize(Sum(), (with_one(NAN), X))


def test_an_input_may_hold_what_attention_must_not_look_at() -> None:
    quantize(Sum(), (X, X), calibration=[(X, with_one(-INF))])


@pytest.mark.parametrize("number", [NAN, INF, -INF])
def test_weights_that_are_not_finite(number: float) -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 4))
    with torch.no_grad():
        model[1].weight.fill_(number)
    with pytest.raises(cmopt.CompileError, match=r"parameter '1\.weight'.*16 of its 16 values"):
        quantize(model, (X,))


def test_weights_that_nothing_reads_may_be_anything() -> None:
    model = Function(lambda used, unused, x: used(x), nn.Linear(8, 4), nn.Linear(8, 4))
    with torch.no_grad():
        model.parts[1].weight.fill_(NAN)
    quantize(model, (X,))


def test_a_buffer_may_be_a_mask() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", torch.zeros(8).index_fill_(0, torch.tensor([1]), -INF))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x + self.mask).softmax(-1)

    quantize(Masked(), (X,))


def test_a_value_that_is_never_a_number_is_placed() -> None:
    with pytest.raises(cmopt.CompileError, match=r"\.py:\d+ \(log\): .*has no range"):
        quantize(Function(lambda x: torch.log(x - 2)), (X,))


def test_in_a_chain_of_functions_the_end_is_placed() -> None:
    """Values inside a chain have no range."""
    with pytest.raises(cmopt.CompileError, match=r"\.py:\d+ \(mul\): .*has no range"):
        quantize(Function(lambda x: torch.log(x - 2) * 2), (X,))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floats_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=r"parameter 'weight' is .*\.float\(\)"):
        quantize(nn.Linear(8, 4).to(dtype), (X.to(dtype),))
    with pytest.raises(ValueError, match=r"input 'x' is .*\.float\(\)"):
        quantize(Sum(), (X.to(dtype), X))


def test_what_is_quantized_is_not_quantized_again() -> None:
    program = quantize(nn.Linear(8, 4), (X,))
    with pytest.raises(TypeError, match=r"not ExportedProgram; .* cmopt\.compile"):
        quantize(program, (X,))  # type: ignore[arg-type]
    inside: Any = Function(lambda part, x: part(x), program.module(check_guards=False))
    for module in (program.module(), inside):
        with pytest.raises(ValueError, match=r"quantized already.* cmopt\.compile"):
            quantize(module, (X,))


def test_a_float_program_is_quantized_as_its_module() -> None:
    quantize(torch.export.export(nn.Linear(8, 4), (X,)).module(), (X,))


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (lambda x: x.mean(dtype=torch.float64), "mean"),
        (lambda x: (x.half() * 2).float(), "to"),
        (lambda x: x + torch.arange(8, dtype=torch.float64) / 3, "add"),
        (lambda x: x.softmax(1, dtype=torch.bfloat16).float(), "softmax"),
    ],
    ids=["reduction", "cast", "promotion", "dtype"],
)
def test_a_value_of_another_float_type_is_refused_at_its_line(function: Any, operator: str) -> None:
    message = rf"\.py:\d+ \({operator}\): .*only float32 can be quantized.*compute it in float32"
    with pytest.raises(cmopt.CompileError, match=message):
        quantize(Function(function), (X,))


def test_a_constant_of_another_float_type_may_be_made_on_the_way() -> None:
    quantize(Function(lambda x: x + (torch.arange(8, dtype=torch.float64) / 3).float()), (X,))

"""Values far below 1 have small steps. Signal to noise, against PyTorch's float, is in dB.

Values that fill their range have about 40 dB in int8. The tests require 35 dB, both on the device
and in PyTorch's simulation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import cmopt
from cmopt.frontend.quantize import quantize

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, float_operators, run

pytestmark = pytest.mark.filterwarnings("ignore")


def noise_ratio(want: torch.Tensor, have: torch.Tensor) -> float:
    return float(10 * torch.log10(want.square().sum() / (have - want).square().sum()))


def cosine(x: torch.Tensor) -> torch.Tensor:
    return F.cosine_similarity(x[:, None], x[None, 1:] * 0.5, dim=-1)


NORMALIZED: dict[str, Any] = {
    "normalize": lambda x: F.normalize(x, dim=-1),
    "normalize by the sum": lambda x: F.normalize(x, p=1, dim=-1),
    "normalize by cubes": lambda x: F.normalize(x, p=3, dim=-1),
    "normalize by the largest": lambda x: F.normalize(x, p=float("inf"), dim=-1),
    "all of it": lambda x: x / x.norm(),
    "normalize, a larger eps": lambda x: F.normalize(x, dim=-1, eps=1e-6),
    "by hand": lambda x: x / (x.norm(dim=-1, keepdim=True) + 1e-8),
    "root mean square": lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-12),
    "cosine similarity": cosine,
}


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-5])
@pytest.mark.parametrize("name", NORMALIZED)
def test_normalized_vectors_of_any_length(name: str, scale: float) -> None:
    function = NORMALIZED[name]
    x = torch.randn(4, 16, generator=torch.Generator().manual_seed(3)) * scale
    program, want = quantize(Function(function), (x,)), function(x)
    assert float_operators(program) == []
    assert noise_ratio(want, run(program, x)) > 35
    assert noise_ratio(want, cmopt.compile(program).run(x)[0]) > 35


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_a_vector_of_zeros_is_divided_by_no_zero(scale: float) -> None:
    x = torch.randn(4, 16, generator=torch.Generator().manual_seed(4)) * scale
    x[2] = 0
    program = quantize(Function(lambda x: F.normalize(x, dim=-1)), (x,))
    assert noise_ratio(F.normalize(x, dim=-1), run(program, x)) > 35
    assert torch.equal(run(program, x)[2], torch.zeros(16))


def test_a_norm_does_not_widen_the_range_of_the_vector() -> None:
    """The norm of 512 elements is about 7 times the largest element."""
    x = torch.randn(2, 512, generator=torch.Generator().manual_seed(5))
    program = quantize(Function(lambda x: F.normalize(x, dim=-1)), (x,))
    assert noise_ratio(F.normalize(x, dim=-1), run(program, x)) > 35


def test_a_bound_in_a_tensor_is_a_number() -> None:
    function = lambda x: x.clamp_min(torch.tensor(1e-9)).log()  # noqa: E731
    x = torch.rand(4, 16, generator=torch.Generator().manual_seed(6)) * 1e-6
    program = quantize(Function(function), (x,))
    assert not program.state_dict and not program.constants


@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m55+ethos-u55-128"])
@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x: x + torch.exp(x - 30), id="sum"),
        pytest.param(lambda x: x * torch.exp(x - 30), id="product"),
        pytest.param(lambda x: torch.maximum(x, torch.exp(x - 30)), id="maximum"),
        pytest.param(lambda x: torch.cat([x, torch.exp(x - 30)], -1), id="concatenation"),
        pytest.param(lambda x: x - x * 1.0000001, id="cancellation"),
        pytest.param(lambda x: (x - x) + x, id="zeros"),
    ],
)
def test_values_of_very_unlike_size_meet(function: Any, target: str) -> None:
    x = torch.randn(1, 4, 4, 16, generator=torch.Generator().manual_seed(7))
    program = quantize(Function(function), (x,), target=target)
    compiled = cmopt.compile(program, target=target)
    (have,), want = compiled.interpret(x, stage="planned"), run(program, x)
    assert float((have - want).abs().max()) <= 2 / 255 * float(want.max() - want.min()) + 1e-12


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x, y: torch.where(x * 1000 > 0, y, -y), id="condition"),
        pytest.param(lambda x, y: torch.where((x * 1e3).amax(-1, True) > 0, y, -y), id="reduced"),
        pytest.param(lambda x, y: torch.where(x < 100, y * 1e-4, 100.0), id="never chosen"),
        pytest.param(lambda x, y: torch.renorm(x, 2, 0, 1e-4), id="renorm"),
    ],
)
def test_what_is_chosen_has_a_range_of_its_own(function: Any) -> None:
    generator = torch.Generator().manual_seed(8)
    x, y = (torch.randn(4, 16, generator=generator) for _ in range(2))
    program = quantize(Function(function), (x, y))
    assert noise_ratio(function(x, y), run(program, x, y)) > 35
    assert noise_ratio(function(x, y), cmopt.compile(program).run(x, y)[0]) > 35


@pytest.mark.parametrize("number", [-1e4 - 1, -1e9, torch.finfo(torch.float32).min, -torch.inf])
@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x, m, n: x.masked_fill(m, n), id="masked_fill"),
        pytest.param(lambda x, m, n: torch.where(m, n, x), id="where"),
        pytest.param(lambda x, m, n: torch.where(~m, x, torch.tensor(n)), id="where not"),
    ],
)
def test_a_mask_from_outside_leaves_the_scores_their_steps(function: Any, number: float) -> None:
    generator = torch.Generator().manual_seed(9)
    x, mask = torch.randn(2, 4, 8, generator=generator), torch.rand(2, 4, 8, generator=generator)
    inputs = x, mask > 0.5
    program = quantize(Function(lambda x, m: function(x, m, number).softmax(-1)), inputs)
    want = function(*inputs, number).softmax(-1)
    assert noise_ratio(want, cmopt.compile(program).run(*inputs)[0]) > 35


def test_a_range_of_tiny_values_is_searched_as_any_other() -> None:
    """Fourth powers of 1e-4: the cube of a step of them is no float32."""
    x = torch.randn(4, 16, generator=torch.Generator().manual_seed(2)) * 1e-4
    function = lambda x: F.normalize(x, p=4, dim=-1)  # noqa: E731
    assert noise_ratio(function(x), run(quantize(Function(function), (x,)), x)) > 35


SMALL: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "cancelling sum": lambda x: x.sin() - (x.sin() * 1.0000001),
    "zero": lambda x: x.sin() - x.flip(0).sin().flip(0),
    "layer of nothing": lambda x: F.linear(x, torch.full((3, x.shape[1]), 1e-30)),
    "zero layer": lambda x: F.linear(x, torch.zeros(3, x.shape[1])),
    "bias alone": lambda x: F.linear(
        torch.relu(x - 2), torch.full((3, x.shape[1]), 1e-3), torch.tensor([0.5, -0.2, 0])
    ),
    "product": lambda x: (x * 1e-18).sin() * (x.flip(0) * 1e-18).sin(),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_result_of_rounding_noise_stays_on_its_kernel(name: str) -> None:
    x = torch.linspace(-1, 1, 32).reshape(4, 8)
    program = cmopt.compile(cmopt.quantize(Function(SMALL[name]), (x,)))
    assert program.report.float_ops == 0
    (found,) = program.run(x)
    assert torch.equal(found, program.interpret(x)[0])
    assert (found - SMALL[name](x)).abs().max() <= 1 / 255


@pytest.mark.parametrize("scale", [1e-12, 1e-7])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (torch.nn.Linear(16, 4), (2, 16)),
        (torch.nn.Conv2d(3, 4, 3), (1, 3, 6, 6)),
        (torch.nn.Conv2d(4, 4, 3, groups=4), (1, 4, 6, 6)),
        (torch.nn.ConvTranspose2d(4, 4, 2, groups=2), (1, 4, 4, 4)),
        (torch.nn.Conv1d(4, 4, 3), (1, 4, 8)),
    ],
)
def test_a_bias_far_above_the_products(
    layer: torch.nn.Module, shape: tuple[int, ...], scale: float
) -> None:
    """In steps of the products it would not fit in 32 bits, so the weights get larger steps."""
    torch.manual_seed(0)
    torch.nn.init.uniform_(layer.bias, 0.1, 0.2)  # type: ignore[arg-type]
    x = torch.randn(shape)
    model = Function(lambda layer, x: layer(x.relu() * scale), layer.eval())
    program = cmopt.compile(quantize(model, (x,)))
    assert program.report.float_ops == 0
    assert noise_ratio(model(x), program.run(x)[0]) > 35

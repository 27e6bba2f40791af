"""The quantizer makes every operand and every result int8."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import ExportedProgram

from cmopt.frontend.quantize import quantize

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, float_operators, is_conversion, name_of, run

pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = (1, 4, 6, 6)
INF = float("inf")


def parameters(program: ExportedProgram) -> list[tuple[float, int]]:
    """Scale and zero point of every quantize operator, in the graph's order."""
    return [n.args[1:3] for n in program.graph.nodes if is_conversion(n, "quantize")]


def check_no_float(function: Any, shapes: list[tuple[int, ...]], *parts: nn.Module) -> None:
    """Check that all is int8, and within four roundings to 8 bits of the float result."""
    torch.manual_seed(7)
    model = Function(function, *parts).eval()
    inputs = tuple(torch.randn(shape) for shape in shapes)
    program = quantize(model, inputs)
    assert float_operators(program) == []
    want = model(*inputs)
    ranges = [*inputs, want]
    tolerance = 4 * max(float(x.max().clamp(0) - x.min().clamp(max=0)) for x in ranges) / 255
    assert (run(program, *inputs) - want).abs().max() < tolerance


@pytest.mark.parametrize(
    "function",
    [
        *(torch.abs, torch.neg, torch.exp, torch.erf, torch.sin, torch.cos, torch.square),
        *(torch.tanh, torch.sigmoid),
        *(F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.softplus, F.mish, F.logsigmoid),
        *(F.hardswish, F.hardsigmoid, F.hardtanh, F.silu, F.gelu, F.softsign, F.tanhshrink),
        pytest.param(lambda x: torch.log(x.abs() + 1), id="log"),
        pytest.param(lambda x: torch.rsqrt(x.abs() + 1), id="rsqrt"),
        pytest.param(lambda x: torch.sqrt(x.abs() + 1), id="sqrt"),
        pytest.param(lambda x: 1 / (x.abs() + 1), id="reciprocal"),
        pytest.param(lambda x: x.abs() ** 1.5, id="pow"),
        pytest.param(lambda x: x.clamp(-1, 0.5), id="clamp"),
        pytest.param(lambda x: x.clamp_min(-1), id="clamp_min"),
        pytest.param(lambda x: x.clip(max=1), id="clip"),
        pytest.param(lambda x: F.leaky_relu_(x * 2, 0.1), id="in place"),
    ],
)
def test_functions_of_one_tensor(function: Any) -> None:
    check_no_float(function, [(3, 16)])


@pytest.mark.parametrize("function", [torch.sign, torch.floor, torch.ceil, torch.round])
def test_functions_with_jumps(function: Any) -> None:
    program = quantize(Function(function), (torch.randn(3, 16),))
    assert float_operators(program) == []


@pytest.mark.parametrize("shapes", [[(2, 8), (2, 8)], [(2, 3, 8), (8,)], [(2, 1, 8), (3, 1)]])
@pytest.mark.parametrize(
    "function",
    [
        *(torch.add, torch.sub, torch.mul, torch.minimum, torch.maximum),
        pytest.param(lambda x, y: x / (y.abs() + 1), id="div"),
    ],
)
def test_functions_of_two_tensors_broadcast(function: Any, shapes: list[tuple[int, ...]]) -> None:
    check_no_float(function, shapes)


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        pytest.param(lambda x: x.mean(2), [(2, 3, 4, 5)], id="mean"),
        pytest.param(lambda x: x.mean((0, 2), keepdim=True), [(2, 3, 4)], id="mean of two"),
        pytest.param(lambda x: x.sum(-1), [(2, 8)], id="sum"),
        pytest.param(lambda x: x.amax((1, 2)), [(2, 3, 4)], id="amax"),
        pytest.param(lambda x: x.amin(1), [(2, 8)], id="amin"),
        pytest.param(torch.matmul, [(2, 5, 3), (2, 3, 4)], id="matmul"),
        pytest.param(torch.matmul, [(5, 3), (3, 4)], id="matmul of matrices"),
        pytest.param(torch.matmul, [(2, 5, 3), (3, 4)], id="matmul broadcast"),
        pytest.param(torch.baddbmm, [(2, 5, 4), (2, 5, 3), (2, 3, 4)], id="baddbmm"),
        pytest.param(
            lambda x, y: torch.einsum("bij,bkj->bik", x, y), [(2, 5, 3), (2, 4, 3)], id="einsum"
        ),
        pytest.param(lambda x: x.log_softmax(1), [(2, 8)], id="log_softmax"),
        pytest.param(lambda x: x.softmax(0), [(4, 8)], id="softmax"),
    ],
)
def test_reductions_and_products(function: Any, shapes: list[tuple[int, ...]]) -> None:
    check_no_float(function, shapes)


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        pytest.param(lambda x: F.interpolate(x, scale_factor=2), [IMAGE], id="nearest"),
        pytest.param(
            lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), [IMAGE], id="bilinear"
        ),
        pytest.param(lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), [IMAGE], id="ceil pool"),
        pytest.param(lambda x: F.max_pool2d(x, 2, dilation=2), [IMAGE], id="dilated pool"),
        pytest.param(lambda x: F.pad(x, (1, 2, 0, 1)), [IMAGE], id="pad"),
        pytest.param(lambda x: F.pad(x, (1, 2, 0, 1), mode="reflect"), [IMAGE], id="reflect"),
        pytest.param(lambda x: F.pad(x, (1, 2, 0, 1), mode="replicate"), [IMAGE], id="replicate"),
        pytest.param(lambda x: x.flip(1).roll(2, 1), [(2, 8)], id="flip and roll"),
        pytest.param(lambda x, y: torch.stack([x, y], 1), [(2, 8)] * 2, id="stack"),
        pytest.param(lambda x, y: torch.hstack([x, y]), [(2, 8)] * 2, id="hstack"),
        pytest.param(lambda x: x.expand(3, 2, 8).repeat(1, 2, 1), [(2, 8)], id="expand, repeat"),
        pytest.param(lambda x: F.pixel_shuffle(x, 2), [IMAGE], id="pixel_shuffle"),
        pytest.param(lambda x: F.channel_shuffle(x, 2), [IMAGE], id="channel_shuffle"),
        pytest.param(lambda x: x.unfold(1, 3, 2), [(2, 9)], id="unfold"),
        pytest.param(lambda x: F.unfold(x, 3, padding=1), [IMAGE], id="im2col"),
        pytest.param(lambda x: F.fold(x, 4, 2, stride=2), [(1, 8, 4)], id="col2im"),
        pytest.param(lambda x: x.diagonal(0, 2, 3), [IMAGE], id="diagonal"),
        pytest.param(lambda x: x.as_strided((2, 4), (8, 2)), [(2, 8)], id="as_strided"),
        pytest.param(lambda x: x[[0, 1, 1], [5, 0, 2]], [(2, 8)], id="elements"),
        pytest.param(
            lambda x: x.gather(1, torch.tensor([[5], [2]])), [(2, 8)], id="constant gather"
        ),
        pytest.param(lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), [(2, 8)], id="chunk, cat"),
        pytest.param(lambda x: x.unbind(1)[2], [(2, 8)], id="unbind"),
        pytest.param(lambda x: x[:, ::2], [(2, 8)], id="strided slice"),
    ],
)
def test_movement_shares_its_operands_range(function: Any, shapes: list[tuple[int, ...]]) -> None:
    torch.manual_seed(8)
    inputs = tuple(torch.randn(shape) for shape in shapes)
    program = quantize(Function(function), inputs)
    assert float_operators(program) == []
    assert len(set(parameters(program))) == 1


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(nn.ConvTranspose2d(4, 6, 2, 2), id="conv_transpose2d"),
        pytest.param(nn.ConvTranspose2d(4, 6, 3, 2, output_padding=1), id="output_padding"),
        pytest.param(nn.PReLU(4), id="prelu"),
    ],
)
def test_operators_with_parameters(part: nn.Module) -> None:
    check_no_float(lambda m, x: m(x), [IMAGE], part)


def test_transposed_convolution_over_one_dimension() -> None:
    check_no_float(lambda m, x: m(x).relu(), [(1, 4, 6)], nn.ConvTranspose1d(4, 6, 2, 2))


def mask_by_infinity(x: torch.Tensor) -> torch.Tensor:
    return x + torch.full((8, 8), -INF).triu(1)


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(mask_by_infinity, id="-inf"),
        pytest.param(lambda x: x + torch.full((8, 8), -1e9).triu(1), id="-1e9"),
        pytest.param(
            lambda x: x.masked_fill(torch.ones(8, 8).triu(1).bool(), -INF), id="masked_fill"
        ),
    ],
)
def test_a_mask_does_not_widen_the_range_of_the_scores(mask: Any) -> None:
    torch.manual_seed(9)
    x = 2 * torch.randn(1, 8, 8)
    program = quantize(Function(lambda x: mask(x).softmax(-1)), (x,))
    scores = parameters(program)[-2]
    assert scores[0] * 255 < float(x.max() - x.min()) + 9
    got, want = run(program, x), mask_by_infinity(x).softmax(-1)
    assert (got[mask_by_infinity(x) == -INF] == 0).all()
    assert (got - want).abs().max() < 0.03


def test_causal_attention_is_quantized() -> None:
    check_no_float(
        lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), [(1, 2, 8, 4)]
    )


def test_an_infinite_constant_that_is_no_mask_stays_in_float() -> None:
    constant = torch.tensor([1.0, -INF])
    program = quantize(Function(lambda x: x + constant), (torch.randn(3, 2),))
    assert "add" in float_operators(program)


def test_operators_on_indices_are_left_alone() -> None:
    table = torch.randn(4, 3)
    model = Function(lambda x: table[x].abs())
    quantize(model, (torch.tensor([1, 3]),))


def test_a_fixed_range_is_not_shared_with_a_wider_one() -> None:
    def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.softmax(1), y * 9], 1)

    x, y = torch.randn(2, 8), torch.randn(2, 8)
    assert (run(quantize(Function(function), (x, y)), x, y) - function(x, y)).abs().max() < 0.3


def test_a_softmax_is_read_as_it_is_written() -> None:
    program = quantize(Function(lambda x: x.softmax(1).abs()), (torch.randn(2, 8),))
    kinds = [name_of(n) for n in program.graph.nodes if n.op == "call_function"]
    assert kinds.count("quantize_per_tensor") == 3

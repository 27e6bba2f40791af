"""Single operators, from PyTorch to the `.pte`: no float op, and all stages agree."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, run

pytestmark = pytest.mark.filterwarnings("ignore")

Tensors = Callable[..., torch.Tensor]
Shapes = list[tuple[int, ...]]
BORDER = {"cortex_m.quantize_per_tensor", "cortex_m.dequantize_per_tensor"}


def float_kernels(program: cmopt.Program) -> list[str]:
    """The calls that compute on floats, without the casts at the border."""
    return [
        op.name
        for op in program.module("cortex_m").walk()
        if op.name not in BORDER | {"func.func", "func.return", "builtin.module"}
        and any("f32" in str(value.type) for value in (*op.operands, *op.results))
    ]


def check(function: Tensors, shapes: Shapes, steps: int = 1) -> cmopt.Program:
    """Quantize, compile and run. The error against PyTorch's simulation is at most `steps`."""
    torch.manual_seed(3)
    inputs = tuple(torch.randn(shape) for shape in shapes)
    quantized = cmopt.quantize(Function(function), inputs)
    program = cmopt.compile(quantized)
    assert float_kernels(program) == []
    inputs = tuple(torch.randn(shape) for shape in shapes)
    (got,) = program.run(*inputs)
    for stage in ("cortex_m", "planned"):
        (interpreted,) = program.interpret(*inputs, stage=stage)
        assert torch.equal(got, interpreted), stage
    scale = program_scale(program)
    assert (got - run(quantized, *inputs)).abs().max() <= (steps + 0.01) * scale
    return program


def program_scale(program: cmopt.Program) -> float:
    """One step of the program's result."""
    (last,) = (
        op
        for op in program.module("cortex_m").walk()
        if op.name == "cortex_m.dequantize_per_tensor"
    )
    return float(last.properties["scale"].value.data)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        pytest.param(lambda x: x[:, :1].expand(3, 4, 5), [(4, 5)], id="expand"),
    ],
)
def test_movement(function: Tensors, shapes: Shapes) -> None:
    check(function, shapes, steps=0)


BROADCASTS = [
    pytest.param([(2, 8), (2, 8)], id="equal"),
    pytest.param([(2, 3, 8), (8,)], id="last"),
    pytest.param([(8,), (2, 3, 8)], id="last, left"),
    pytest.param([(1, 4, 3, 5), (1, 4, 1, 1)], id="channels"),
    pytest.param([(2, 3, 4), (2, 3, 1)], id="all but the last"),
    pytest.param([(2, 3, 4), (3, 1)], id="middle"),
    pytest.param([(2, 1, 8), (3, 1)], id="both"),
    pytest.param([(2, 8), (1,)], id="one element"),
]


@pytest.mark.parametrize("shapes", BROADCASTS)
@pytest.mark.parametrize("function", [torch.add, torch.sub, torch.mul])
def test_sums_and_products(function: Tensors, shapes: Shapes) -> None:
    check(function, shapes)


@pytest.mark.parametrize("shapes", BROADCASTS)
@pytest.mark.parametrize("function", [torch.minimum, torch.maximum])
def test_extrema(function: Tensors, shapes: Shapes) -> None:
    check(function, shapes, steps=0)


@pytest.mark.parametrize("shapes", BROADCASTS[:2])
def test_quotients(shapes: Shapes) -> None:
    check(lambda x, y: x / (y * y + 1), shapes)


@pytest.mark.parametrize(
    ("function", "steps"),
    [
        pytest.param(lambda x: x - x * 0.5, 1, id="operands of one tensor"),
        pytest.param(lambda x: F.relu(x - x * x), 1, id="clamped difference"),
        pytest.param(lambda x: 1 - x, 0, id="number first"),
        pytest.param(lambda x: 2 / (x * x + 1), 1, id="number over"),
        pytest.param(lambda x: x - torch.arange(8.0), 1, id="constant"),
        pytest.param(lambda x: torch.arange(8.0) - x, 1, id="constant first"),
        pytest.param(lambda x: torch.minimum(x, torch.linspace(-1, 1, 8)), 0, id="constant bound"),
        pytest.param(lambda x: torch.maximum(x, torch.tensor(0.25)), 0, id="number as bound"),
        pytest.param(lambda x: torch.sub(x, x * x, alpha=3), 2, id="alpha"),
    ],
)
def test_functions_of_one_operand_twice_or_a_constant(function: Tensors, steps: int) -> None:
    check(function, [(4, 8)], steps)


def test_squeeze_and_excitation_needs_no_copy() -> None:
    def gated(x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(x, 2)
        return F.max_pool2d(x * torch.sigmoid(F.adaptive_avg_pool2d(x, 1)), 2)

    program = check(gated, [(1, 4, 8, 8)], steps=2)
    names = [op.name for op in program.module("cortex_m").walk()]
    assert "edge.call" not in names
    assert names.count("cortex_m.transpose") == 2


@pytest.mark.parametrize(
    "function",
    [
        *(
            torch.abs,
            torch.neg,
            torch.exp,
            torch.erf,
            torch.sin,
            torch.cos,
            torch.square,
            torch.sign,
        ),
        *(torch.floor, torch.ceil, torch.round, torch.trunc, torch.atan),
        *(torch.sinh, torch.expm1),
        *(F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.softplus, F.mish, F.logsigmoid),
        *(F.hardswish, F.hardsigmoid, F.silu, F.gelu, F.hardshrink, F.softshrink),
        pytest.param(lambda x: torch.log(x.abs() + 0.1), id="log"),
        pytest.param(lambda x: torch.rsqrt(x.abs() + 0.1), id="rsqrt"),
        pytest.param(lambda x: torch.sqrt(x.abs()), id="sqrt"),
        pytest.param(lambda x: 1 / (x.abs() + 0.1), id="reciprocal"),
        pytest.param(lambda x: x**3, id="pow"),
        pytest.param(lambda x: x * x, id="product with itself"),
        pytest.param(lambda x: F.threshold(x, 0.1, -1.0), id="threshold"),
        pytest.param(lambda x: F.relu_(x * 2), id="in place"),
        pytest.param(lambda x: F.prelu(x, torch.tensor([0.3])), id="prelu"),
        pytest.param(lambda x: torch.logit(x, 0.125), id="logit"),
    ],
)
def test_functions_of_one_tensor_are_lookup_tables(function: Tensors) -> None:
    program = check(function, [(3, 32)])
    kernels = {op.name for op in program.module("cortex_m").walk() if "cortex_m." in op.name}
    assert kernels - BORDER == {"cortex_m.quantized_activation"}


@pytest.mark.parametrize(
    "function",
    [
        *(torch.abs, torch.exp, torch.square, torch.reciprocal, torch.floor, torch.sub, torch.div),
        *(F.silu, F.mish, F.softplus, F.logsigmoid, F.hardshrink, F.softshrink, F.selu),
        pytest.param(lambda x: torch.logit(x, 0.125), id="logit"),
        pytest.param(lambda x: F.threshold(x, 0.1, 2), id="threshold"),
        pytest.param(lambda x: F.softplus(x, 2), id="softplus with beta"),
        pytest.param(lambda x: x**3, id="pow"),
        pytest.param(lambda x: torch.maximum(torch.minimum(x, x * 2), x * -1), id="extrema"),
    ],
)
def test_what_stays_in_float_is_computed_by_portable_kernels(function: Tensors) -> None:
    torch.manual_seed(4)
    operands = 2 if function in (torch.sub, torch.div) else 1
    inputs = tuple(torch.randn(3, 8) for _ in range(operands))
    exported = torch.export.export(Function(function), inputs)
    (got,) = cmopt.compile(exported, allow_float=True).run(*inputs)
    torch.testing.assert_close(got, function(*inputs), rtol=1e-5, atol=1e-6)


REDUCED = [
    pytest.param((2, 8), 1, id="rows"),
    pytest.param((2, 8), 0, id="columns"),
    pytest.param((2, 8), (0, 1), id="all"),
    pytest.param((2, 3, 4, 5), (2, 3), id="planes"),
    pytest.param((2, 3, 4, 5), 2, id="a middle one"),
    pytest.param((2, 3, 4, 5), (1, 3), id="apart"),
    pytest.param((3, 1, 7), (0, 2), id="neighbours but for one of size 1"),
]


@pytest.mark.parametrize(("shape", "dims"), REDUCED)
@pytest.mark.parametrize(("reduce", "steps"), [(torch.mean, 1), (torch.sum, 1)])
def test_means_and_sums(reduce: Tensors, steps: int, shape: tuple[int, ...], dims: object) -> None:
    check(lambda x: reduce(x, dims), [shape], steps)


@pytest.mark.parametrize(("shape", "dims"), REDUCED)
@pytest.mark.parametrize("reduce", [torch.amax, torch.amin])
def test_extrema_over_dimensions(reduce: Tensors, shape: tuple[int, ...], dims: object) -> None:
    check(lambda x: reduce(x, dims, keepdim=True), [shape], steps=0)


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x: x.max(1)[0], id="max of a dimension"),
        pytest.param(lambda x: torch.min(x, 1, keepdim=True).values, id="min of a dimension"),
        pytest.param(lambda x: x.max() + x.min(), id="of all"),
        pytest.param(lambda x: x - x.mean(), id="mean of all"),
        pytest.param(lambda x: x.sum() * x, id="sum of all"),
    ],
)
def test_reductions_in_other_spellings(function: Tensors) -> None:
    check(function, [(3, 8)], steps=3)


@pytest.mark.parametrize("reduce", [torch.mean, torch.sum, torch.amax, torch.amin])
def test_reductions_in_float(reduce: Tensors) -> None:
    x = torch.randn(2, 3, 4)
    exported = torch.export.export(Function(lambda x: reduce(x, (0, 2))), (x,))
    (got,) = cmopt.compile(exported, allow_float=True).run(x)
    torch.testing.assert_close(got, reduce(x, (0, 2)))


def test_a_mean_over_pixels_is_taken_where_they_lie() -> None:
    def pooled(x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(x, 2)
        return F.max_pool2d(x * x.mean((2, 3), keepdim=True) + x.amax(1, keepdim=True), 2)

    program = check(pooled, [(1, 4, 8, 8)], steps=3)
    names = [op.name for op in program.module("cortex_m").walk()]
    assert names.count("cortex_m.transpose") == 2


def test_a_chain_of_functions_is_one_table() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        return torch.log1p(torch.exp(x.view(-1)).sqrt()).view(8, 4) * 0.5 + 1

    program = check(function, [(4, 8)], steps=1)
    names = [op.name for op in program.module("cortex_m").walk()]
    assert names.count("cortex_m.quantized_activation") == 1


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        pytest.param(nn.LayerNorm(16), (2, 5, 16), id="layer"),
        pytest.param(nn.LayerNorm((4, 3), elementwise_affine=False), (2, 4, 3), id="layer of two"),
        pytest.param(nn.RMSNorm(16), (2, 5, 16), id="rms"),
        pytest.param(nn.GroupNorm(2, 4), (2, 4, 3, 3), id="group"),
        pytest.param(nn.InstanceNorm2d(3, affine=True), (1, 3, 6, 6), id="instance"),
        pytest.param(Function(lambda x: F.normalize(x, dim=1)), (3, 12), id="normalize"),
        pytest.param(Function(lambda x: x.var(1, unbiased=False)), (6, 12), id="var"),
        pytest.param(Function(lambda x: x.std(1, keepdim=True)), (6, 12), id="std"),
    ],
)
def test_normalizations_near_float(part: nn.Module, shape: tuple[int, ...]) -> None:
    """About six roundings to 8 bits, each of at most half a step, of ranges of equal size."""
    torch.manual_seed(5)
    for parameter in part.parameters():
        parameter.data = torch.rand_like(parameter) + 0.5
    calibration = [(2 * torch.randn(shape) + 0.5,) for _ in range(8)]
    program = cmopt.compile(cmopt.quantize(part, calibration[0], calibration=calibration))
    assert float_kernels(program) == []
    (x,) = calibration[-1]
    want = part(x)
    (got,) = program.run(x)
    assert torch.equal(got, program.interpret(x, stage="planned")[0])
    assert (got - want).abs().max() < 0.05 * want.abs().max()


@pytest.mark.parametrize("fill", [float("-inf"), -1e9])
def test_a_masked_softmax(fill: float) -> None:
    hidden = torch.ones(6, 6).triu(1).bool()
    check(lambda x: x.masked_fill(hidden, fill).softmax(-1), [(2, 6, 6)], steps=2)

"""Operators one by one, from PyTorch to the `.pte`: no float op, and every stage agrees."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import cmopt

sys.path.insert(0, str(Path(__file__).parents[1]))
from quantized import Function, run

pytestmark = pytest.mark.filterwarnings("ignore")

Tensors = Callable[..., torch.Tensor]
Shapes = list[tuple[int, ...]]
BORDER = {"cortex_m.quantize_per_tensor", "cortex_m.dequantize_per_tensor"}


def float_kernels(program: cmopt.Program) -> list[str]:
    """The calls, other than the border's, that compute on floats."""
    return [
        op.name
        for op in program.module("cortex_m").walk()
        if op.name not in BORDER | {"func.func", "func.return", "builtin.module"}
        and any("f32" in str(value.type) for value in (*op.operands, *op.results))
    ]


def check(function: Tensors, shapes: Shapes, steps: int = 1) -> cmopt.Program:
    """Quantize, compile and run; at most `steps` output steps from PyTorch's own simulation."""
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

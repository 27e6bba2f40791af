"""Operators one by one, from PyTorch to the `.pte`: no float op, and every stage agrees."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

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

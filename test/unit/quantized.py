"""Questions about a quantized program, for tests of the quantizer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import Node
from xdsl.dialects.builtin import f32
from xdsl.ir import Operation

from cmopt.dialects.edge import CallOp, EdgeOp, ToDimOrderOp
from cmopt.dialects.parsing import make_context
from cmopt.dialects.quant import DCastOp, QCastOp
from cmopt.dialects.shapes import element_of
from cmopt.frontend.importer import import_program
from cmopt.pipeline.passes import parse_pipeline, run_passes

_FOLDING = (
    "canonicalize,wrap-conv1d,fuse-activations,fuse-elementwise-chains,fold-quantize-dequantize"
)


class Function(nn.Module):
    """A module of one function."""

    def __init__(self, function: Any, *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*self.parts, *inputs)


def dequantized(x: torch.Tensor, scale: float, zero_point: int = 0) -> torch.Tensor:
    """A dequantize operator on int8."""
    q = torch.ops.quantized_decomposed
    found: torch.Tensor = q.dequantize_per_tensor(x, scale, zero_point, -128, 127, torch.int8)
    return found


def fake_quantized(x: torch.Tensor, scale: float, zero_point: int = 0) -> torch.Tensor:
    """A quantize operator to int8 and a dequantize operator, as every quantizer leaves them."""
    q = torch.ops.quantized_decomposed
    steps = q.quantize_per_tensor(x, scale, zero_point, -128, 127, torch.int8)
    return dequantized(steps, scale, zero_point)


def name_of(node: Node) -> str:
    return str(node.target).split(".")[-2] if "." in str(node.target) else str(node.target)


def is_conversion(node: Node, kind: str) -> bool:
    return node.op == "call_function" and name_of(node).startswith(kind)


def float_operators(program: ExportedProgram) -> list[str]:
    """The ops with a float operand or result after casts are folded into ops.

    A call between casts does not count: all of its values are quantized.
    """
    module = import_program(program)
    run_passes(make_context(), module, parse_pipeline(_FOLDING))
    return [
        op.name.removeprefix("edge.")
        for op in module.ops.first.body.ops  # type: ignore[union-attr]
        if isinstance(op, EdgeOp | CallOp) and not isinstance(op, ToDimOrderOp)
        if element_of(op.results[0]) == f32 and not is_between_casts(op)
    ]


def is_between_casts(op: Operation) -> bool:
    """Whether the operands of an op are dequantized, and its results are quantized."""
    floats = [value for value in op.operands if element_of(value) == f32]
    readers = [use.operation for value in op.results for use in value.uses]
    return all(isinstance(value.owner, DCastOp) for value in floats) and all(
        isinstance(reader, QCastOp) for reader in readers
    )


def run(program: ExportedProgram, *inputs: torch.Tensor) -> Any:
    return program.module(check_guards=False)(*inputs)

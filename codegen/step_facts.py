"""What each step of a planned program does, and how much work it is."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from cmopt.dialects import cmopt as own
from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.cortex_m import (
    JoinOp,
    QuantizedBatchMatmulOp,
    QuantizedConv2dOp,
    QuantizedDepthwiseConv2dOp,
    QuantizedLinearOp,
    QuantizedTransposeConv2dOp,
    ScratchOp,
    SubviewOp,
    ViewOp,
    nbytes,
)
from cmopt.dialects.edge import CallOp
from cmopt.dialects.shapes import element_of, numel, shape_of
from cmopt.support.locations import render


@dataclass(frozen=True)
class StepFacts:
    """One step: its kernel, the types it reads and writes, the user's line ("" if unknown).

    multiplications: the products that it sums up. bytes: the sizes of its operands, constants
    included, and of its results, without scratch.
    """

    kernel: str
    operands: str
    where: str
    multiplications: int
    bytes: int

    def __str__(self) -> str:
        line = f"{self.kernel}: {self.operands}"
        return f"{line}; {self.where}" if self.where else line


def is_step(op: Operation) -> bool:
    """Whether an op of a planned function is executed: it is not a constant, scratch or a view."""
    return not isinstance(op, ConstantOp | ScratchOp | ViewOp | SubviewOp | JoinOp | ReturnOp)


def step_facts(op: Operation) -> StepFacts:
    """The facts of a step."""
    name = op.target.data if isinstance(op, CallOp) else op.name.removeprefix("cortex_m.")
    values = [value for value in op.operands if not isinstance(value.owner, ScratchOp)]
    inputs = [_tensor(value) for value in values if not isinstance(value.owner, ConstantOp)]
    operands = f"{', '.join(inputs)} -> {', '.join(map(_tensor, op.results))}"
    return StepFacts(
        name,
        operands,
        render(op.location) or "",
        multiplications(op),
        sum(nbytes(value.type) for value in (*values, *op.results)),
    )


def _tensor(value: SSAValue) -> str:
    return f"{numpy_dtype(element_of(value)).name} {list(shape_of(value))}"


def multiplications(op: Operation) -> int:
    """The products of values and weights, or of two values, that a kernel sums up; 0 for others.

    A product with padding counts too.
    """
    if isinstance(op, QuantizedDepthwiseConv2dOp | own.QuantizedDepthwiseConv2dOp):
        _, kh, kw, _ = shape_of(op.weight)
        return numel(shape_of(op.output)) * kh * kw
    if isinstance(op, QuantizedConv2dOp | own.QuantizedConv2dOp):
        _, kh, kw, depth = shape_of(op.weight)
        return numel(shape_of(op.output)) * kh * kw * depth
    if isinstance(op, QuantizedTransposeConv2dOp):
        out, kh, kw, _ = shape_of(op.weight)
        return numel(shape_of(op.input)) * kh * kw * out
    if isinstance(op, QuantizedLinearOp):
        return numel(shape_of(op.output)) * shape_of(op.weights)[1]
    if isinstance(op, QuantizedBatchMatmulOp | own.QuantizedBatchMatmulOp):
        return numel(shape_of(op.output)) * shape_of(op.lhs)[2]
    return 0

"""What each step of a planned program does, and how much work it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue

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
from cmopt.dialects.edge import CallOp, ScanOp, YieldOp
from cmopt.dialects.shapes import element_of, numel, shape_of
from cmopt.support.locations import render

_NOT_EXECUTED = ConstantOp | ScratchOp | ViewOp | SubviewOp | JoinOp | ReturnOp | YieldOp


@dataclass(frozen=True)
class StepFacts:
    """One step: its kernel, the types it reads and writes, the user's line ("" if unknown).

    times: how often a run executes it, in loops. multiplications: the products that it sums up.
    bytes: the sizes of its operands, constants included, and of its results, without scratch; both
    of all times.
    """

    kernel: str
    operands: str
    where: str
    multiplications: int
    bytes: int
    times: int = 1

    def __str__(self) -> str:
        times = f", {self.times} times" if self.times != 1 else ""
        line = f"{self.kernel}: {self.operands}{times}"
        return f"{line}; {self.where}" if self.where else line


def is_step(op: Operation) -> bool:
    """Whether an op is one step: not a loop, a constant, scratch or a view."""
    return not isinstance(op, _NOT_EXECUTED | ScanOp)


def steps_of(block: Block, times: int = 1) -> Iterator[tuple[Operation, int]]:
    """The ops of a block that are executed, those in its loops too, each with how often.

    Constants, scratch and views are not executed, and a loop is its body.
    times: how often the block is executed.
    """
    for op in block.ops:
        if isinstance(op, ScanOp):
            yield from steps_of(op.body.block, times * op.count)
        elif is_step(op):
            yield op, times


Order = list[Any]
"""The numbers of steps in order; for a loop a dict with its `times` and the `order` in it."""


def order_of(block: Block, numbers: Iterator[int] | None = None) -> Order:
    """The order in which the steps of a block are executed, as `steps_of` numbers them."""
    numbers = count() if numbers is None else numbers
    found: Order = []
    for op in block.ops:
        if isinstance(op, ScanOp):
            found.append({"times": op.count, "order": order_of(op.body.block, numbers)})
        elif is_step(op):
            found.append(next(numbers))
    return found


def executed(order: Order) -> Iterator[int]:
    """The number of each step that a run executes, one after the other."""
    for item in order:
        if isinstance(item, int):
            yield item
        else:
            for _ in range(item["times"]):
                yield from executed(item["order"])


def step_facts(op: Operation, times: int = 1) -> StepFacts:
    """The facts of a step that is executed so often."""
    name = op.target.data if isinstance(op, CallOp) else op.name.removeprefix("cortex_m.")
    values = [value for value in op.operands if not isinstance(value.owner, ScratchOp)]
    inputs = [_tensor(value) for value in values if not isinstance(value.owner, ConstantOp)]
    operands = f"{', '.join(inputs)} -> {', '.join(map(_tensor, op.results))}"
    return StepFacts(
        name,
        operands,
        render(op.location) or "",
        multiplications(op) * times,
        sum(nbytes(value.type) for value in (*values, *op.results)) * times,
        times,
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
    if isinstance(op, own.PackedConv2dOp):
        return numel(shape_of(op.output)) * numel(op.weight_shape[1:])
    if isinstance(op, QuantizedTransposeConv2dOp):
        out, kh, kw, _ = shape_of(op.weight)
        return numel(shape_of(op.input)) * kh * kw * out
    if isinstance(op, QuantizedLinearOp):
        return numel(shape_of(op.output)) * shape_of(op.weights)[1]
    if isinstance(op, own.LstmOp):
        steps, rows = shape_of(op.input)[0], shape_of(op.initial_cell)[0]
        return (
            steps * rows * (numel(shape_of(op.input_weights)) + numel(shape_of(op.hidden_weights)))
        )
    if isinstance(op, QuantizedBatchMatmulOp | own.QuantizedBatchMatmulOp):
        return numel(shape_of(op.output)) * shape_of(op.lhs)[2]
    return 0

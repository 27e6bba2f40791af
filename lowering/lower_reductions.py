"""Make reductions of quantized tensors pools, and sums linear layers, in the layouts chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import BoolAttr, IntegerType, ModuleOp, StringAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import (
    FUNCTIONS,
    AmaxOp,
    AminOp,
    AvgPool2dOp,
    LinearOp,
    MaxPool2dOp,
    MeanOp,
    PermuteOp,
    ReductionOp,
    ReshapeOp,
    SumOp,
)
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, ints, ints_of, numel, shape_of
from cmopt.lowering.constants import typed_constant
from cmopt.lowering.layout.modes import extent
from cmopt.lowering.rewrite import apply_patterns

ONE = UniformQuantizedType.get(IntegerType(8), 1.0, 0)


class Steps:
    """Collects the ops that replace one reduction."""

    def __init__(self, op: ReductionOp):
        self.op = op
        self.ops: list[Operation] = []

    def add(self, op: Operation) -> SSAValue:
        """Append an op; gives its result."""
        self.ops.append(op)
        return op.results[0]

    def reshape(self, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
        """`value` under `shape`."""
        return self.add(ReshapeOp([value], TensorType(element_of(value), shape)))

    def with_reduced_last(self) -> SSAValue:
        """The operand as a matrix, a row for each element of the result."""
        shape, dims = shape_of(self.op.input), ints_of(self.op.dims)
        kept = [d for d in range(len(shape)) if d not in dims]
        order, value = [*kept, *dims], self.op.input
        if order != list(range(len(shape))):
            value = self.add(PermuteOp.of(value, order))
        rows = numel(shape_of(self.op.output))
        return self.reshape(value, (rows, numel(shape) // rows))

    def finish(self, value: SSAValue, rewriter: PatternRewriter) -> None:
        """Replace the op by `value`, under its shape."""
        rewriter.replace(self.op, self.ops, (self.reshape(value, shape_of(self.op.output)),))


def pooled(steps: Steps, kind: type[Operation]) -> SSAValue:
    """A pool over all of the reduced elements.

    What lies behind them is channels; if nothing does, they are the width of a plane of one
    channel.
    """
    op = steps.op
    value, found = op.input, extent(shape_of(op.input), ints_of(op.dims))
    if found is None:
        value = steps.with_reduced_last()
        rows, columns = shape_of(value)
        found = rows, columns, 1
    outer, length, inner = found
    if inner == 1:
        plane, kernel, result = (1, outer, length, 1), (1, length), (1, outer, 1, 1)
    else:
        plane, kernel, result = (outer, length, 1, inner), (length, 1), (outer, 1, 1, inner)
    properties: dict[str, Attribute] = {
        "kernel_size": ints(kernel),
        "stride": ints(kernel),
        "padding": ints((0, 0, 0, 0)),
        "ceil_mode": BoolAttr.from_bool(False),
        "data_format": StringAttr("NHWC"),
    }
    if kind is AvgPool2dOp:
        properties["count_include_pad"] = BoolAttr.from_bool(True)
    else:
        properties["dilation"] = ints((1, 1))
    pool = kind.create(
        operands=[steps.reshape(value, plane)],
        result_types=[TensorType(element_of(op.output), result)],
        properties=properties,
    )
    return steps.add(pool)


class LowerToPool(RewritePattern):
    """A mean or maximum of a quantized tensor → a pool with one window for each result."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MeanOp | AmaxOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            return
        steps, kind = Steps(op), AvgPool2dOp if isinstance(op, MeanOp) else MaxPool2dOp
        steps.finish(pooled(steps, kind), rewriter)


class LowerMinimum(RewritePattern):
    """amin(x) → -amax(-x); exact, for -x is quantized so that each integer q is -1 - q."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AminOp, rewriter: PatternRewriter) -> None:
        element = quantized_element(op.input.type)
        if element is None or quantized_element(op.output.type) is None:
            return
        low, high = element.storage_range
        mirrored = (-1 - high, -1 - low)
        negated = UniformQuantizedType.get(
            element.storage, element.scale, -1 - element.zero_point, storage_range=mirrored
        )  # fmt: skip
        negate = FUNCTIONS["neg"]
        mirror = negate([op.input], TensorType(negated, shape_of(op.input)))
        largest = AmaxOp([mirror.output], TensorType(negated, shape_of(op.output)), op.properties)
        back = negate([largest.output], op.output.type)
        rewriter.replace(op, [mirror, largest, back])


class LowerSum(RewritePattern):
    """A sum of a quantized tensor → a linear layer whose weights are ones."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SumOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            return
        steps = Steps(op)
        rows = steps.with_reduced_last()
        count, length = shape_of(rows)
        ones, weight = typed_constant(
            np.ones((1, length), np.int8), TensorType(ONE, [1, length]), "ones"
        )
        steps.ops.extend(ones)
        type = TensorType(element_of(op.output), [count, 1])
        steps.finish(steps.add(LinearOp([rows, weight, []], type)), rewriter)


@dataclass(frozen=True)
class LowerReductionsPass(ModulePass):
    """Make means and extrema of quantized tensors pools over a plane, and sums linear layers.

    Exact, but for the order of a sum in float32.
    """

    name = "lower-reductions"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, LowerMinimum(), LowerToPool(), LowerSum())

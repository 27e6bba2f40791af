"""Make reductions of quantized tensors pools, and sums linear layers, in the layouts chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import BoolAttr, ModuleOp, StringAttr, TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import typed_constant
from cmopt.dialects.cortex_m.limits import LONGEST_STEP
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
    reduction,
)
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, ints, ints_of, numel, shape_of
from cmopt.lowering.averages import one_over
from cmopt.lowering.layout.modes import extent
from cmopt.lowering.rewrite import apply_patterns


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


def reduced_count(op: ReductionOp) -> int:
    """How many elements each result is made of."""
    return numel(shape_of(op.input)) // numel(shape_of(op.output))


def weighted_sum(steps: Steps, type: UniformQuantizedType) -> SSAValue:
    """A linear layer over the reduced elements, its weights stored as 1 on `type`."""
    rows = steps.with_reduced_last()
    count, length = shape_of(rows)
    ones, weight = typed_constant(
        np.ones((1, length), np.int8), TensorType(type, [1, length]), "ones"
    )
    steps.ops.extend(ones)
    result = TensorType(element_of(steps.op.output), [count, 1])
    return steps.add(LinearOp([rows, weight, []], result))


class LowerLongMean(RewritePattern):
    """A mean of more elements than a pool can count → a linear layer; one rounding.

    Exact but for the last bits of float32: the weights are 1 / count, which a float may miss.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MeanOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None or reduced_count(op) <= LONGEST_STEP:
            return
        steps = Steps(op)
        steps.finish(weighted_sum(steps, one_over(reduced_count(op))), rewriter)


class LowerToPool(RewritePattern):
    """A mean or maximum of a quantized tensor → a pool with one window for each result; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MeanOp | AmaxOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            return
        steps, kind = Steps(op), AvgPool2dOp if isinstance(op, MeanOp) else MaxPool2dOp
        steps.finish(pooled(steps, kind), rewriter)


def two_steps(count: int) -> tuple[int, int] | None:
    """Two factors of `count` that a pool can count, the smaller one last; None without any."""
    least = -(-count // LONGEST_STEP)
    small = next((n for n in range(least, math.isqrt(count) + 1) if count % n == 0), None)
    return None if small is None else (count // small, small)


class SplitLongMaximum(RewritePattern):
    """A maximum of more elements than a pool can count → the maximum of maxima; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AmaxOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None or reduced_count(op) <= LONGEST_STEP:
            return
        factors = two_steps(reduced_count(op))
        assert factors is not None, "an op without a kernel has fallen back to float"
        steps = Steps(op)
        rows = steps.with_reduced_last()
        value = steps.reshape(rows, (shape_of(rows)[0], *factors))
        for dim in (1, 2):
            last = element_of(op.output) if dim == 2 else element_of(value)
            value = steps.add(reduction(AmaxOp, value, [dim], last))
        steps.finish(value, rewriter)


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
        steps.finish(weighted_sum(steps, one_over(1)), rewriter)


@dataclass(frozen=True)
class LowerReductionsPass(ModulePass):
    """Make means and extrema of quantized tensors pools over a plane, and sums linear layers.

    Exact, but for the order of a sum in float32. A mean of more elements than a pool can count is
    a linear layer too.
    """

    name = "lower-reductions"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(
            op, LowerMinimum(), LowerLongMean(), SplitLongMaximum(), LowerToPool(), LowerSum()
        )

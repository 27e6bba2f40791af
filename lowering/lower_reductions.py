"""Replace reductions of quantized tensors by pools, and sums by linear layers."""

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
    ReductionOp,
    ReshapeOp,
    SumOp,
)
from cmopt.dialects.quant import UniformQuantizedType, qtype_of, quantized_element
from cmopt.dialects.shapes import element_of, ints, ints_of, numel, shape_of
from cmopt.lowering.averages import one_over
from cmopt.lowering.layout.modes import extent
from cmopt.lowering.rewrite import apply_patterns
from cmopt.lowering.rules import Builder, Unsupported


class Steps(Builder):
    """Collects the ops that replace one reduction."""

    def __init__(self, op: ReductionOp):
        super().__init__()
        self.op = op

    def reshape(self, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
        """`value` under `shape`."""
        return self.add(ReshapeOp.of(value, shape))

    def with_reduced_last(self) -> SSAValue:
        """The operand as a matrix with one row for each element of the result."""
        shape, dims = shape_of(self.op.input), ints_of(self.op.dims)
        kept = [d for d in range(len(shape)) if d not in dims]
        value = self.permuted(self.op.input, [*kept, *dims])
        rows = numel(shape_of(self.op.output))
        return self.reshape(value, (rows, numel(shape) // rows))


def pooled(steps: Steps, kind: type[AvgPool2dOp | MaxPool2dOp]) -> SSAValue:
    """A pool over all of the reduced elements.

    The dimensions after the reduced ones become channels. If there are none, the reduced elements
    become the width of a plane of one channel.
    """
    op = steps.op
    value, found = op.input, extent(shape_of(op.input), ints_of(op.dims))
    if found is None:
        value = steps.with_reduced_last()
        rows, columns = shape_of(value)
        found = rows, columns, 1
    outer, length, inner = found
    if inner == 1:
        plane, kernel = (1, outer, length, 1), (1, length)
    else:
        plane, kernel = (outer, length, 1, inner), (length, 1)
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
    return steps.add(kind.of([steps.reshape(value, plane)], properties, element_of(op.output)))


def reduced_count(op: ReductionOp) -> int:
    """The number of elements that each result is computed from."""
    return numel(shape_of(op.input)) // numel(shape_of(op.output))


def weighted_sum(steps: Steps, type: UniformQuantizedType) -> SSAValue:
    """A linear layer over the reduced elements, with weights stored as 1 in `type`."""
    rows = steps.with_reduced_last()
    length = shape_of(rows)[1]
    ones, weight = typed_constant(
        np.ones((1, length), np.int8), TensorType(type, [1, length]), "ones"
    )
    steps.ops.extend(ones)
    return steps.add(LinearOp.of([rows, weight, []], {}, element_of(steps.op.output)))


def two_steps(count: int) -> tuple[int, int] | None:
    """Two factors of `count` that a pool can count, the smaller one last; None if none exist."""
    least = -(-count // LONGEST_STEP)
    small = next((n for n in range(least, math.isqrt(count) + 1) if count % n == 0), None)
    return None if small is None else (count // small, small)


def maximum_of_maxima(steps: Steps, op: AmaxOp) -> SSAValue:
    """The maximum of more elements than one pool can count, by two pools; exact.

    Raises Unsupported if two pools cannot do it.
    """
    count = reduced_count(op)
    if (factors := two_steps(count)) is None:
        raise Unsupported(
            f"a pool counts to {LONGEST_STEP}, and {count} is not a product of two such counts"
        )
    rows = steps.with_reduced_last()
    value = steps.reshape(rows, (shape_of(rows)[0], *factors))
    for dim in (1, 2):
        last = element_of(op.output) if dim == 2 else element_of(value)
        value = steps.add(AmaxOp.of(value, [dim], last))
    return value


def minimum(steps: Steps, op: AminOp) -> SSAValue:
    """amin(x) → -amax(-x); exact, because the type of -x stores -1 - q for each integer q.

    Of int16 it stores -q, because the kernels take no other zero point than 0; -32768 then counts
    as -32767.
    """
    element = qtype_of(op.input)
    low, high = element.storage_range
    wide = element.storage.width.data == 16
    mirrored = (max(-high, low), min(-low, high)) if wide else (-1 - high, -1 - low)
    zero_point = -element.zero_point if wide else -1 - element.zero_point
    negated = UniformQuantizedType.get(
        element.storage, element.scale, zero_point, storage_range=mirrored
    )
    negate = FUNCTIONS["neg"]
    mirror = steps.add(negate.of(op.input, element=negated))
    largest = steps.add(AmaxOp.of(mirror, ints_of(op.dims)))
    return steps.add(negate.of(largest, element=element_of(op.output)))


def parts_of(op: ReductionOp) -> list[Operation]:
    """Ops that compute a reduction of a quantized tensor, in order; the last gives its result.

    A mean or maximum is a pool with one window for each result; exact. A sum, or a mean of more
    elements than a pool can count, is a linear layer, which rounds once. The mean's weights are
    1 / count; a float may differ from that in its last bits.
    """
    steps = Steps(op)
    is_long = reduced_count(op) > LONGEST_STEP
    match op:
        case AminOp():
            value = minimum(steps, op)
        case SumOp():
            value = weighted_sum(steps, one_over(1))
        case MeanOp() if is_long:
            value = weighted_sum(steps, one_over(reduced_count(op)))
        case AmaxOp() if is_long:
            value = maximum_of_maxima(steps, op)
        case _:
            value = pooled(steps, AvgPool2dOp if isinstance(op, MeanOp) else MaxPool2dOp)
    if shape_of(value) != shape_of(op.output):
        steps.reshape(value, shape_of(op.output))
    return steps.ops


MOST_ELEMENTS_OF_CALL = 256
"""The portable kernel computes the place of each element that is not adjacent to the one before."""


def is_one_call(op: ReductionOp) -> bool:
    """Whether a call of the portable kernel on stored integers computes a minimum well.

    It is one call instead of a pool between two tables. For rows of adjacent elements the kernel is
    a plain loop. Any other minimum of int8 should be of few elements. int16 has no type in which
    the negated integers keep the zero point 0.
    """
    if not isinstance(op, AminOp):
        return False
    if qtype_of(op.input).storage.width.data == 16:
        return True
    if element_of(op.input) != element_of(op.output):
        return False
    found, size = extent(shape_of(op.input), ints_of(op.dims)), numel(shape_of(op.input))
    is_of_rows = found is not None and found[2] == 1
    return size > 0 and (is_of_rows or size <= MOST_ELEMENTS_OF_CALL)


@dataclass
class LowerReduction(RewritePattern):
    """A reduction of a quantized tensor → pools and linear layers; see `parts_of`."""

    npu: str

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReductionOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            return
        if self.npu or not is_one_call(op):
            rewriter.replace(op, parts_of(op))


@dataclass(frozen=True)
class LowerReductionsPass(ModulePass):
    """Replace quantized means and extrema by pools over a plane, and sums by linear layers.

    Exact except for the order of a sum in float32. A mean of more elements than a pool can count
    becomes a linear layer too. Without `npu`, a minimum may stay: see `is_one_call`.
    """

    name = "lower-reductions"

    npu: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, LowerReduction(self.npu))

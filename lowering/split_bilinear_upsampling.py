"""Compute bilinear upsampling as nearest upsampling and a convolution that blurs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType, i8, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import typed_constant
from cmopt.dialects.edge import Conv2dOp, TakeOp, UpsampleBilinear2dOp
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, ints, shape_of
from cmopt.lowering.rewrite import apply_patterns


def blur(factor: int) -> NDArray[np.int8]:
    """The integer taps of the filter that turns nearest upsampling into linear upsampling.

    A box filter as long as a repeated element turns steps into ramps. A box of even length has
    its centre between two elements, so the filter is the mean of the two nearest boxes.
    """
    if factor % 2:
        return np.ones(factor, np.int8)
    return np.array([1, *[2] * (factor - 1), 1], np.int8)


class SplitIntoBlur(RewritePattern):
    """`upsample_bilinear2d(x)` → `conv2d(take(x))`: repeat, with borders, then blur.

    The filter's weights are whole numbers of steps, so int8 holds them exactly. Exact except for
    the order of the sum in float32. For quantized ops.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UpsampleBilinear2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None:
            return
        value: SSAValue = op.input
        ops: list[Operation] = []
        # The width first, because fewer rows are then copied.
        for dim in (3, 2):
            size, factor = shape_of(op.input)[dim], op.factors[dim - 2]
            border = len(blur(factor)) // 2
            places = range(-border, size * factor + border)
            lines = [min(max(place // factor, 0), size - 1) for place in places]
            ops.append(take := TakeOp.of(value, dim, lines))
            value = take.output
        taps = np.outer(*map(blur, op.factors))
        channels = shape_of(op.input)[1]
        weights = np.broadcast_to(taps, (channels, 1, *taps.shape))
        step = UniformQuantizedType.get(i8, 1 / int(taps.astype(np.int64).sum()), 0)
        new, weight = typed_constant(
            np.asarray(weights, order="C"), TensorType(step, weights.shape), "blur"
        )
        window = {"stride": ints([1, 1]), "padding": ints([0] * 4), "dilation": ints([1, 1])}
        groups = {"groups": IntegerAttr(channels, i64)}
        conv = Conv2dOp.of([value, weight, []], {**window, **groups}, element_of(op.output))
        rewriter.replace(op, [*ops, *new, conv])


@dataclass(frozen=True)
class SplitBilinearUpsamplingPass(ModulePass):
    """Replace quantized bilinear upsampling by nearest upsampling and a depthwise convolution.

    Exact except for the order of a sum in float32.
    """

    name = "split-bilinear-upsampling"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, SplitIntoBlur())

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
from cmopt.dialects.edge import Conv2dOp, ConvTranspose2dOp, TakeOp, UpsampleBilinear2dOp
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import element_of, ints, numel, shape_of
from cmopt.lowering.rewrite import apply_patterns
from cmopt.support.names import unknown_name
from cmopt.support.targets import NPUS, Npu

MOST_PHASES = 9
"""The most phases of a transposed convolution that upsamples: each is a convolution."""

CHANNELS_PER_MAC = 8
"""Up to one channel for 8 multiplications in a cycle, an NPU computes a full convolution whose
weights are mostly zeros as fast as a depthwise one, and its columns need no copies (measured on
U55-32, U55-128 and U85-256)."""


def blur(factor: int) -> NDArray[np.int8]:
    """The integer taps of the filter that turns nearest upsampling into linear upsampling.

    A box filter as long as a repeated element turns steps into ramps. A box of even length has
    its centre between two elements, so the filter is the mean of the two nearest boxes.
    """
    if factor % 2:
        return np.ones(factor, np.int8)
    return np.array([1, *[2] * (factor - 1), 1], np.int8)


def ramp(factor: int) -> NDArray[np.int8]:
    """The integer taps of the transposed filter that upsamples linearly: its stride is `factor`.

    An element adds to the outputs that are less than `factor` away from its centre.
    """
    rising = [*range(1, 2 * factor, 2)] if factor % 2 == 0 else [*range(1, factor + 1)]
    return np.array([*rising, *rising[::-1][factor % 2 :]], np.int8)


@dataclass
class SplitIntoRamps(RewritePattern):
    """`upsample_bilinear2d(x)` → `conv_transpose2d(take(x))`: with borders of one, then ramps.

    For an NPU, which computes it as a few convolutions whose results alternate. For 16 channels of
    32×32 upsampled by 2, that takes 0.46 times the cycles of `SplitIntoBlur` on a U55-128. As exact
    as that. For quantized ops with few phases, so that the file stays small.
    """

    npu: Npu

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UpsampleBilinear2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None or numel(op.factors) > MOST_PHASES:
            return
        value: SSAValue = op.input
        ops: list[Operation] = []
        padding = []
        for dim, factor in zip((2, 3), op.factors, strict=True):
            size = shape_of(op.input)[dim]
            padding.append(0 if factor == 1 else factor + factor // 2)
            if factor > 1:
                ops.append(take := TakeOp.of(value, dim, [0, *range(size), size - 1]))
                value = take.output
        taps = np.outer(*map(ramp, op.factors))
        channels = shape_of(op.input)[1]
        is_full = channels * CHANNELS_PER_MAC <= self.npu.macs
        weights = np.broadcast_to(taps, (channels, 1, *taps.shape))
        if is_full:
            weights = np.eye(channels, dtype=np.int8)[:, :, None, None] * weights
        new, weight = _weights(weights, numel(op.factors) / int(taps.sum()), "ramp")
        properties = {
            "stride": ints(op.factors), "padding": ints(padding), "dilation": ints([1, 1]),
            "output_padding": ints([0, 0]),
            "groups": IntegerAttr(1 if is_full else channels, i64),
        }  # fmt: skip
        conv = ConvTranspose2dOp.of([value, weight, []], properties, element_of(op.output))
        rewriter.replace(op, [*ops, *new, conv])


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
        new, weight = _weights(weights, 1 / int(taps.astype(np.int64).sum()), "blur")
        window = {"stride": ints([1, 1]), "padding": ints([0] * 4), "dilation": ints([1, 1])}
        groups = {"groups": IntegerAttr(channels, i64)}
        conv = Conv2dOp.of([value, weight, []], {**window, **groups}, element_of(op.output))
        rewriter.replace(op, [*ops, *new, conv])


def _weights(stored: NDArray[np.int8], step: float, name: str) -> tuple[list[Operation], SSAValue]:
    """A constant of int8 in whole numbers of a step, and its value."""
    type = TensorType(UniformQuantizedType.get(i8, step, 0), stored.shape)
    return typed_constant(np.asarray(stored, order="C"), type, name)


@dataclass(frozen=True)
class SplitBilinearUpsamplingPass(ModulePass):
    """Replace quantized bilinear upsampling by nearest upsampling and a depthwise convolution.

    With an NPU, by a transposed convolution if the factors multiply to `MOST_PHASES` at most.
    Exact except for the order of a sum in float32.
    """

    name = "split-bilinear-upsampling"

    npu: str = ""
    """A name of `support.targets.NPUS`, or empty."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.npu:
            if self.npu not in NPUS:
                raise unknown_name("NPU", self.npu, NPUS)
            apply_patterns(op, SplitIntoRamps(NPUS[self.npu]))
        apply_patterns(op, SplitIntoBlur())

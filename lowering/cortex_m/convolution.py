"""edge.conv2d and edge.linear → quantized_conv2d, quantized_depthwise_conv2d, quantized_linear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.accumulators import integer_bias
from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.dialects.constants import constant_of
from cmopt.dialects.cortex_m import (
    QuantizedConv2dOp,
    QuantizedDepthwiseConv2dOp,
    QuantizedLinearOp,
)
from cmopt.dialects.edge import Conv2dOp, LinearOp, data_format_of, is_nhwc, spatial
from cmopt.dialects.quant import qtype_of, quantized_element
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of
from cmopt.lowering.cortex_m.common import Builder, int8_tensor
from cmopt.lowering.cortex_m.dispatch import Window, best_call
from cmopt.support.targets import Isa


def requantization(op: Conv2dOp | LinearOp) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Multipliers and shifts from accumulator to output, one per weight scale."""
    input, output = qtype_of(op.input).scale, qtype_of(op.output).scale
    pairs = [fixed_point(input * w / output) for w in qtype_of(op.weight).params.scales.tolist()]
    multipliers, shifts = zip(*pairs, strict=True)
    return np.array(multipliers, np.int32), np.array(shifts, np.int32)


def window_of(op: Conv2dOp) -> Window:
    """The geometry of a convolution in either data format, as its kernel sees it."""
    format = data_format_of(op)
    shapes = (spatial(shape_of(value), format) for value in (op.input, op.weight, op.output))
    input, weight, output = ((n, h, w, c) for n, c, h, w in shapes)
    top, _, left, _ = ints_of(op.padding)
    return Window(input, weight, output, ints_of(op.stride), (top, left), ints_of(op.dilation))


@dataclass
class ConvertConv2d(RewritePattern):
    """edge.conv2d (NHWC, constant weight) → one kernel call; at most 1 step.

    A bias in other steps than the accumulator's adds half a step of the accumulator.
    Which kernel, and which axis is its height: see `dispatch.best_call`.
    """

    isa: Isa

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Conv2dOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None or not is_nhwc(op):
            return
        call = best_call(window_of(op), int_of(op.groups), self.isa)
        if call is not None:
            replace_by_convolution(op, call, self.isa, rewriter)


def replace_by_convolution(
    op: Conv2dOp | LinearOp, window: Window, isa: Isa, rewriter: PatternRewriter
) -> None:
    """Replace `op` by the convolution kernel that `window` describes."""
    build = Builder(op, rewriter)
    weight = constant_of(op.weight)
    assert weight is not None
    if window.depthwise:
        weight = np.transpose(weight, (3, 1, 2, 0))
    channels_out = window.output[3]
    bias = integer_bias(op)
    if bias is None and window.needs_bias:
        bias = np.zeros(channels_out, np.int32)
    operands: list[SSAValue | list[SSAValue]] = [
        build.view(build.storage(op.input), window.input),
        build.constant(np.asarray(weight, order="C").reshape(window.weight), op.weight.name_hint),
        [] if bias is None else [build.constant(bias, hint_of(op.bias))],
        *(
            build.constant(np.broadcast_to(values, channels_out), hint)
            for values, hint in zip(requantization(op), ("multipliers", "shifts"), strict=True)
        ),
        build.scratch(window.scratch(isa)),
    ]
    low, high = activation_range(op, qtype_of(op.output))
    properties: dict[str, int | tuple[int, ...]] = {
        "stride": window.stride,
        "padding": window.padding,
        "dilation": window.dilation,
        "input_offset": -qtype_of(op.input).zero_point,
        "output_offset": qtype_of(op.output).zero_point,
        "activation_min": low,
        "activation_max": high,
    }
    type = int8_tensor(window.output)
    if window.depthwise:
        properties["depth_multiplier"] = channels_out // window.input[3]
        result = build.add(QuantizedDepthwiseConv2dOp(operands, type, properties))
    else:
        result = build.add(QuantizedConv2dOp(operands, type, properties))
    build.finish(build.view(result, shape_of(op.output)))


def hint_of(value: SSAValue | None) -> str | None:
    """The name of an optional value."""
    return None if value is None else value.name_hint


@dataclass
class ConvertLinear(RewritePattern):
    """edge.linear (constant weight) → quantized_linear; at most 1 step, and as for conv2d.

    The kernel reads one multiplier only, so weights quantized per channel become a 1×1
    convolution instead.
    """

    isa: Isa

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: LinearOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        if qtype_of(op.weight).is_per_axis:
            rows, (out, depth) = numel(shape_of(op.input)[:-1]), shape_of(op.weight)
            shapes = (rows, 1, 1, depth), (out, 1, 1, depth), (rows, 1, 1, out)
            window = Window(*shapes, stride=(1, 1), padding=(0, 0), dilation=(1, 1))
            replace_by_convolution(op, window, self.isa, rewriter)
        else:
            replace_by_linear(op, self.isa, rewriter)


def replace_by_linear(op: LinearOp, isa: Isa, rewriter: PatternRewriter) -> None:
    """Replace `op` by the fully connected kernel, with the bias in the form the ISA reads."""
    build = Builder(op, rewriter)
    weight, bias = constant_of(op.weight), integer_bias(op)
    assert weight is not None
    input, weights = build.storage(op.input), build.constant(weight, op.weight.name_hint)
    offset = -qtype_of(op.input).zero_point
    biases: list[SSAValue] = []
    kernel_sums: list[SSAValue] = []
    if isa is Isa.MVE:
        sums = weight.astype(np.int64).sum(axis=1) * offset + (0 if bias is None else bias)
        kernel_sums = [build.constant(sums.astype(np.int32), "kernel_sum")]
    elif bias is not None:
        biases = [build.constant(bias, hint_of(op.bias))]
    multipliers, shifts = requantization(op)
    low, high = activation_range(op, qtype_of(op.output))
    build.finish(
        QuantizedLinearOp(
            [input, weights, biases, kernel_sums],
            int8_tensor(shape_of(op.output)),
            {
                "input_offset": offset,
                "filter_offset": 0,
                "output_offset": qtype_of(op.output).zero_point,
                "requantize_multipliers": multipliers.tolist(),
                "requantize_shifts": shifts.tolist(),
                "activation_max": high,
                "activation_min": low,
            },
        )
    )

"""edge.conv2d and edge.linear → quantized_conv2d, quantized_depthwise_conv2d, quantized_linear.

With weights of 4 bits and this project's kernels → cmopt.packed_conv2d.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from cmopt.arithmetic.accumulators import integer_bias, output_factors
from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.dialects.cmopt import PackedConv2dOp, packed_scratch_bytes
from cmopt.dialects.cortex_m import (
    QuantizedConv2dOp,
    QuantizedDepthwiseConv2dOp,
    QuantizedLinearOp,
)
from cmopt.dialects.edge import Conv2dOp, ConvTranspose2dOp, LinearOp, data_format_of, spatial
from cmopt.dialects.edge.canonicalization.take_and_pad import fits
from cmopt.dialects.packed_weights import has_4_bits, pack
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.cortex_m.dispatch import Window, best_call
from cmopt.lowering.cortex_m.pad_and_take import padded
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import constant_weight
from cmopt.support.targets import Isa

UNPACKED_FILTERS = 16
"""The most packed filters that are unpacked at a time: the results of MVE have 16 lanes."""

UNPACKED_BYTES = 4096
"""The most bytes that they take, unless one filter is larger.

With fewer at a time, a convolution copies the windows of its input more often.
"""


def requantization(
    op: Conv2dOp | ConvTranspose2dOp | LinearOp,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Multipliers and shifts from accumulator to output, one per weight scale."""
    steps = qtype_of(op.input).scale * qtype_of(op.weight).params.scales
    pairs = [fixed_point(f) for f in output_factors(steps, qtype_of(op.output).scale).tolist()]
    multipliers, shifts = zip(*pairs, strict=True)
    return np.array(multipliers, np.int32), np.array(shifts, np.int32)


def window_of(op: Conv2dOp) -> Window:
    """The geometry of a convolution in either data format, as its kernel sees it."""
    format = data_format_of(op)
    shapes = (spatial(shape_of(value), format) for value in (op.input, op.weight, op.output))
    input, weight, output = ((n, h, w, c) for n, c, h, w in shapes)
    top, _, left, _ = ints_of(op.padding)
    return Window(input, weight, output, ints_of(op.stride), (top, left), ints_of(op.dilation))


def conv2d(op: Conv2dOp, b: KernelBuilder) -> SSAValue:
    """edge.conv2d (NHWC, constant weight) → one kernel call; at most 1 step.

    A bias in other steps than the accumulator's adds half a step of the accumulator.
    `dispatch.best_call` chooses the kernel, and the axis that is its height.
    """
    weight, window, source = constant_weight(op), window_of(op), b.value(op.input)
    if not fits(op, ints_of(op.padding), "NHWC"):
        # The kernels take no window that may lie wholly in the padding: it is put there before.
        source = padded(b, source, ints_of(op.padding), qtype_of(op.input).zero_point)
        window = replace(window, input=shape_of(source), padding=(0, 0))
    if is_packed(op, weight, b):
        return packed_convolution(op, source, weight, window, b)
    call = best_call(window, int_of(op.groups), b.isa)
    if call is None:
        raise Unsupported("an axis, a filter or the channels are longer than the kernels can count")
    return convolution(op, source, weight, call, b)


def convolution(
    op: Conv2dOp | LinearOp, source: SSAValue, weight: NDArray[np.generic], window: Window,
    b: KernelBuilder,
) -> SSAValue:  # fmt: skip
    """Computes `op` on the stored integers `source`, by the kernel that `window` describes."""
    if window.depthwise:
        weight = np.transpose(weight, (3, 1, 2, 0))
    weight = np.asarray(weight, order="C").reshape(window.weight)
    operands = [
        b.view(source, window.input),
        *filter_constants(op, weight, b, needs_bias=window.needs_bias),
        b.scratch(window.scratch(b.isa)),
    ]
    properties: dict[str, int | tuple[int, ...]] = {
        "stride": window.stride,
        "padding": window.padding,
        "dilation": window.dilation,
        **kernel_numbers(op),
    }
    type = int8_tensor(window.output)
    if window.depthwise:
        properties["depth_multiplier"] = window.output[3] // window.input[3]
        result = b.add(QuantizedDepthwiseConv2dOp(operands, type, properties))
    else:
        result = b.add(QuantizedConv2dOp(operands, type, properties))
    return b.view(result, shape_of(op.output))


def is_packed(op: Conv2dOp | LinearOp, weight: NDArray[np.generic], b: KernelBuilder) -> bool:
    """Whether the weights of a layer are stored in 4 bits: their type and all values have 4 bits.

    Only this project's kernels take them. A depthwise convolution stays on its kernel: it has few
    weights, and a product for each channel alone would be several times slower.
    """
    if not b.has_own_kernels or not has_4_bits(np.array(qtype_of(op.weight).storage_range)):
        return False
    is_depthwise = isinstance(op, Conv2dOp) and 1 < int_of(op.groups) == shape_of(op.input)[3]
    return has_4_bits(weight) and not is_depthwise


def unpacked_filters(size: int, channels: int) -> int:
    """How many filters of so many weights are unpacked at a time.

    Kernels multiply with four filters at a time, so that it is a multiple of 4, or less than 4.
    channels: the output channels of a group.
    """
    most = max(1, min(UNPACKED_FILTERS, channels, UNPACKED_BYTES // size))
    return most if most < 4 or most == channels else most // 4 * 4


def packed_convolution(
    op: Conv2dOp | LinearOp, source: SSAValue, weight: NDArray[np.generic], window: Window,
    b: KernelBuilder,
) -> SSAValue:  # fmt: skip
    """As `convolution`, to the same bytes, with two weights in a byte."""
    filter, groups = window.weight[1:], window.input[3] // window.weight[3]
    filters = unpacked_filters(numel(filter), window.output[3] // groups)
    operands = [
        b.view(source, window.input),
        b.constant(pack(weight), op.weight.name_hint),
        b.constant(sums_of(op, weight), "sums"),
        *factor_constants(op, b),
        b.scratch(packed_scratch_bytes(filter, window.padding, filters)),
    ]
    properties: dict[str, int | tuple[int, ...]] = {
        "kernel_size": window.weight[1:3],
        "groups": groups,
        "stride": window.stride,
        "padding": window.padding,
        "dilation": window.dilation,
        **kernel_numbers(op),
    }
    result = b.add(PackedConv2dOp(operands, int8_tensor(window.output), properties))
    return b.view(result, shape_of(op.output))


def filter_constants(
    op: Conv2dOp | ConvTranspose2dOp | LinearOp, weight: NDArray[np.generic], b: KernelBuilder,
    *, needs_bias: bool = False,
) -> list[SSAValue | list[SSAValue]]:  # fmt: skip
    """The operands that all convolutions share: weight, bias, multipliers and shifts.

    A missing bias stays missing unless the kernel needs one.
    """
    channels, bias = shape_of(op.output)[-1], integer_bias(op)
    if bias is None and needs_bias:
        bias = np.zeros(channels, np.int32)
    return [
        b.constant(weight, op.weight.name_hint),
        [] if bias is None else [b.constant(bias, hint_of(op.bias))],
        *factor_constants(op, b),
    ]


def factor_constants(
    op: Conv2dOp | ConvTranspose2dOp | LinearOp, b: KernelBuilder
) -> list[SSAValue]:
    """The multipliers and the shifts, one for each output channel."""
    channels = shape_of(op.output)[-1]
    return [
        b.constant(np.broadcast_to(values, channels), hint)
        for values, hint in zip(requantization(op), ("multipliers", "shifts"), strict=True)
    ]


def sums_of(op: Conv2dOp | LinearOp, weight: NDArray[np.generic]) -> NDArray[np.int32]:
    """What the sum of each output channel begins with: the bias, and the input's offset times the
    sum of the channel's weights."""
    weights = weight.astype(np.int64).reshape(len(weight), -1).sum(axis=1)
    bias = integer_bias(op)
    sums = -qtype_of(op.input).zero_point * weights + (0 if bias is None else bias)
    return np.asarray(sums, np.int32)


def kernel_numbers(op: Conv2dOp | ConvTranspose2dOp | LinearOp) -> dict[str, int]:
    """The properties that all convolutions share: zero points and the clamp."""
    low, high = activation_range(op, qtype_of(op.output))
    return {
        "input_offset": -qtype_of(op.input).zero_point,
        "output_offset": qtype_of(op.output).zero_point,
        "activation_min": low,
        "activation_max": high,
    }


def hint_of(value: SSAValue | None) -> str | None:
    """The name of an optional value."""
    return None if value is None else value.name_hint


def linear(op: LinearOp, b: KernelBuilder) -> SSAValue:
    """edge.linear (constant weight) → quantized_linear; at most 1 step, as for conv2d.

    The kernel reads one multiplier only, so a linear whose channels have weights of several scales
    becomes a 1×1 convolution, and so does one with packed weights. The bias has the form that the
    instruction set reads.
    """
    weight = constant_weight(op)
    packed = is_packed(op, weight, b)
    if packed or len(np.unique(qtype_of(op.weight).params.scales)) > 1:
        rows, (out, depth) = numel(shape_of(op.input)[:-1]), shape_of(op.weight)
        shapes = (rows, 1, 1, depth), (out, 1, 1, depth), (rows, 1, 1, out)
        window = Window(*shapes, stride=(1, 1), padding=(0, 0), dilation=(1, 1))
        call = packed_convolution if packed else convolution
        return call(op, b.value(op.input), weight, window, b)
    bias, offset = integer_bias(op), -qtype_of(op.input).zero_point
    input, weights = b.value(op.input), b.constant(weight, op.weight.name_hint)
    biases: list[SSAValue] = []
    kernel_sums: list[SSAValue] = []
    if b.isa is Isa.MVE:
        kernel_sums = [b.constant(sums_of(op, weight), "kernel_sum")]
    elif bias is not None:
        biases = [b.constant(bias, hint_of(op.bias))]
    multipliers, shifts = requantization(op)
    low, high = activation_range(op, qtype_of(op.output))
    return b.add(
        QuantizedLinearOp(
            [input, weights, biases, kernel_sums],
            int8_tensor(shape_of(op.output)),
            {
                "input_offset": offset,
                "filter_offset": 0,
                "output_offset": qtype_of(op.output).zero_point,
                "requantize_multipliers": multipliers[:1].tolist(),
                "requantize_shifts": shifts[:1].tolist(),
                "activation_max": high,
                "activation_min": low,
            },
        )
    )

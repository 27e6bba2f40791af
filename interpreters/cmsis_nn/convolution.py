"""The three convolutions, NHWC activations and OHWI filters.

A position outside the input reads as the input's zero point, so it adds nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cmopt.interpreters.cmsis_nn.fixed_point import (
    Int8Array,
    Int32Array,
    check_activation,
    check_bias,
    check_input_offsets,
    check_int8,
    check_rank,
    check_zero_points,
    requantize_to_int8,
)
from cmopt.interpreters.cmsis_nn.matmul import exact_matmul, shifted
from cmopt.interpreters.cmsis_nn.windows import Pair, check_geometry, windows


def _check_common(
    operator: str,
    bias: Int32Array | None,
    channels: int,
    multipliers: ArrayLike,
    shifts: ArrayLike,
    offsets: Pair,
    activation: Pair,
) -> None:
    check_bias(operator, bias, channels)
    for name, value in (("multipliers", multipliers), ("shifts", shifts)):
        if np.shape(value) != (channels,):
            raise ValueError(f"{operator}: {name} must be [{channels}], not {np.shape(value)}")
    check_input_offsets(operator, input_offset=offsets[0])
    check_zero_points(operator, output_offset=offsets[1])
    check_activation(operator, *activation)


def convolve_s8(
    input: Int8Array,
    filter: Int8Array,
    bias: Int32Array | None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    input_offset: int,
    output_offset: int,
    multipliers: ArrayLike,
    shifts: ArrayLike,
    activation_min: int,
    activation_max: int,
    output_hw: Pair,
) -> Int8Array:
    """2-D convolution: input [N, H, W, Cin], filter [Cout, KH, KW, Cin / groups] to
    int8 [N, OH, OW, Cout].

    `multipliers`, `shifts` and `bias` are [Cout]. `padding` is (top, left); bottom and right
    follow from `output_hw`. The number of groups is Cin / filter.shape[3].
    """
    operator = "convolve_s8"
    check_int8(operator, input=input, filter=filter)
    check_rank(operator, 4, input=input, filter=filter)
    out_channels, kernel_h, kernel_w, group_in = filter.shape
    kernel = (kernel_h, kernel_w)
    check_geometry(operator, kernel, stride, padding, dilation, output_hw)
    groups, rest = divmod(input.shape[3], group_in)
    if rest or out_channels % groups:
        raise ValueError(f"{operator}: input {input.shape} cannot be grouped for {filter.shape}")
    offsets, activation = (input_offset, output_offset), (activation_min, activation_max)
    _check_common(operator, bias, out_channels, multipliers, shifts, offsets, activation)
    patches = windows(shifted(input, input_offset), 0, kernel, stride, padding, dilation, output_hw)
    group_out = out_channels // groups
    results = []
    for group in range(groups):
        columns = patches[..., group * group_in : (group + 1) * group_in]
        rows = filter[group * group_out : (group + 1) * group_out].astype(np.int16)
        flat = columns.reshape(-1, kernel_h * kernel_w * group_in)
        results.append(exact_matmul(flat, rows.reshape(group_out, -1).T))
    acc = results[0] if groups == 1 else np.concatenate(results, axis=1)
    acc = acc.reshape(input.shape[0], *output_hw, out_channels)
    if bias is not None:
        acc = acc + bias
    return requantize_to_int8(acc, multipliers, shifts, output_offset, *activation)


def depthwise_conv_s8(
    input: Int8Array,
    filter: Int8Array,
    bias: Int32Array | None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    depth_multiplier: int,
    input_offset: int,
    output_offset: int,
    multipliers: ArrayLike,
    shifts: ArrayLike,
    activation_min: int,
    activation_max: int,
    output_hw: Pair,
) -> Int8Array:
    """Depthwise convolution: input [N, H, W, C], filter [1, KH, KW, C * depth_multiplier] to
    int8 [N, OH, OW, C * depth_multiplier]; output channel o reads input channel
    o // depth_multiplier. Other arguments as `convolve_s8`.
    """
    operator = "depthwise_conv_s8"
    check_int8(operator, input=input, filter=filter)
    check_rank(operator, 4, input=input, filter=filter)
    one, kernel_h, kernel_w, out_channels = filter.shape
    kernel = (kernel_h, kernel_w)
    check_geometry(operator, kernel, stride, padding, dilation, output_hw)
    if one != 1 or depth_multiplier < 1 or out_channels != input.shape[3] * depth_multiplier:
        raise ValueError(
            f"{operator}: filter {filter.shape} does not fit input {input.shape} "
            f"with depth multiplier {depth_multiplier}"
        )
    offsets, activation = (input_offset, output_offset), (activation_min, activation_max)
    _check_common(operator, bias, out_channels, multipliers, shifts, offsets, activation)
    patches = windows(shifted(input, input_offset), 0, kernel, stride, padding, dilation, output_hw)
    acc = np.zeros((input.shape[0], *output_hw, out_channels), np.int64)
    if bias is not None:
        acc += bias
    for y, x in np.ndindex(kernel):
        tap = np.repeat(patches[:, :, :, y, x], depth_multiplier, axis=3)
        acc += np.multiply(tap, filter[0, y, x], dtype=np.int32)
    return requantize_to_int8(acc, multipliers, shifts, output_offset, *activation)


def transpose_conv_s8(
    input: Int8Array,
    filter: Int8Array,
    bias: Int32Array | None,
    *,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    dilation: Pair,
    input_offset: int,
    output_offset: int,
    multipliers: ArrayLike,
    shifts: ArrayLike,
    activation_min: int,
    activation_max: int,
    output_hw: Pair,
) -> Int8Array:
    """Transposed convolution: input [N, H, W, Cin], filter [Cout, KH, KW, Cin] to
    int8 [N, OH, OW, Cout].

    `output_hw` must be `(in - 1) * stride - 2 * padding + kernel + output_padding`, and `dilation`
    must be (1, 1), as in CMSIS-NN. For geometries in which a version of the kernel is defective,
    the result is the mathematically correct one.
    """
    operator = "transpose_conv_s8"
    check_int8(operator, input=input, filter=filter)
    check_rank(operator, 4, input=input, filter=filter)
    batch, height, width, in_channels = input.shape
    out_channels, *kernel, filter_in = filter.shape
    check_geometry(operator, (kernel[0], kernel[1]), stride, padding, dilation, output_hw)
    if filter_in != in_channels:
        raise ValueError(f"{operator}: filter {filter.shape} does not fit input {input.shape}")
    if tuple(dilation) != (1, 1):
        raise ValueError(f"{operator}: dilation {dilation} is not supported")
    size, axes = (height, width), range(2)
    expected = tuple(
        (size[i] - 1) * stride[i] - 2 * padding[i] + kernel[i] + output_padding[i] for i in axes
    )
    if min(output_padding) < 0 or tuple(output_hw) != expected:
        raise ValueError(f"{operator}: output_hw must be {expected}, not {tuple(output_hw)}")
    offsets, activation = (input_offset, output_offset), (activation_min, activation_max)
    _check_common(operator, bias, out_channels, multipliers, shifts, offsets, activation)
    pixels = shifted(input, input_offset)
    extent = [output_hw[i] + 2 * padding[i] for i in axes]
    acc = np.zeros((batch, *extent, out_channels), np.int64)
    for y, x in np.ndindex(kernel[0], kernel[1]):
        term = exact_matmul(pixels, filter[:, y, x].astype(np.int16).T)
        rows = slice(y, y + (height - 1) * stride[0] + 1, stride[0])
        columns = slice(x, x + (width - 1) * stride[1] + 1, stride[1])
        acc[:, rows, columns] += term
    top, left = padding
    acc = acc[:, top : top + output_hw[0], left : left + output_hw[1]]
    if bias is not None:
        acc = acc + bias
    return requantize_to_int8(acc, multipliers, shifts, output_offset, *activation)

"""What the int16 kernels compute, in numpy: the specification of the dialect `cmopt`.

Arguments are as the verifiers of that dialect require them. Activations are int16; their zero point
is 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmopt.arithmetic.interpolated_tables import interpolate
from cmopt.interpreters.cmsis_nn.fixed_point import Int64Array, requantize
from cmopt.interpreters.cmsis_nn.pooling import positions_inside
from cmopt.interpreters.cmsis_nn.windows import Pair, windows

Int16Array = NDArray[np.int16]
NO_DILATION = (1, 1)

Requantize = Callable[[Int64Array, ArrayLike, ArrayLike], Int64Array]


def exact_product(lhs: NDArray[np.generic], rhs: NDArray[np.generic]) -> Int64Array:
    """`lhs @ rhs` of integers of 16 bits at most, without rounding."""
    if lhs.shape[-1] << 30 >= 1 << 53:
        raise ValueError("the summed axis is too long")
    product: Int64Array = np.matmul(lhs.astype(np.float64), rhs.astype(np.float64)).astype(np.int64)
    return product


def reduced(multiplier: ArrayLike) -> Int64Array:
    """The upper 16 bits of a multiplier, rounded, as `REDUCE_MULTIPLIER` of CMSIS-NN."""
    values = np.asarray(multiplier, np.int64)
    return np.where(values < 0x7FFF0000, (values + (1 << 15)) >> 16, 0x7FFF)


def requantize_wide(value: Int64Array, multiplier: ArrayLike, shift: ArrayLike) -> Int64Array:
    """A sum of 64 bits times a factor, as `arm_nn_requantize_s64`; rounded half up.

    It uses 16 bits of the multiplier. What is left before the last bit is rounded off has 32 bits.
    """
    product = value.astype(np.int64) * reduced(multiplier)
    rest = (product >> (14 - np.asarray(shift, np.int64))).astype(np.int32).astype(np.int64)
    return (rest + 1) >> 1


def rescale_once(value: Int64Array, multiplier: int, shift: int) -> Int64Array:
    """`value · multiplier · 2^(shift - 31)`, rounded once, half up."""
    bits = 31 - shift
    result: Int64Array = (value.astype(np.int64) * multiplier + (1 << (bits - 1))) >> bits
    return result


def clamped(value: Int64Array, low: int, high: int) -> Int16Array:
    """`value` within a range of int16."""
    result: Int16Array = np.clip(value, low, high).astype(np.int16)
    return result


def convolve_s16(
    input: Int16Array,
    filter: NDArray[np.generic],
    bias: NDArray[np.generic],
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    multipliers: ArrayLike,
    shifts: ArrayLike,
    activation_min: int,
    activation_max: int,
    output_hw: Pair,
) -> Int16Array:
    """2-D convolution: input [N,H,W,C], filter [O,KH,KW,C] → [N,OH,OW,O]. The type of the bias
    tells the width of the sums."""
    out, *kernel, channels = filter.shape
    patches = windows(input, 0, (kernel[0], kernel[1]), stride, padding, dilation, output_hw)
    flat = patches.reshape(-1, kernel[0] * kernel[1] * channels)
    total = exact_product(flat, filter.reshape(out, -1).T) + bias.astype(np.int64)
    requantized: Requantize = requantize if bias.dtype == np.int32 else requantize_wide
    result = requantized(total, multipliers, shifts)
    shape = (input.shape[0], *output_hw, out)
    return clamped(result.reshape(shape), activation_min, activation_max)


def depthwise_conv_s16(
    input: Int16Array,
    filter: NDArray[np.int8],
    bias: NDArray[np.int64],
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    depth_multiplier: int,
    multipliers: ArrayLike,
    shifts: ArrayLike,
    activation_min: int,
    activation_max: int,
    output_hw: Pair,
) -> Int16Array:
    """Depthwise convolution: input [N,H,W,C], filter [1,KH,KW,C·depth_multiplier]."""
    _, *kernel, out = filter.shape
    patches = windows(input, 0, (kernel[0], kernel[1]), stride, padding, dilation, output_hw)
    total = np.zeros((input.shape[0], *output_hw, out), np.int64) + bias
    for y, x in np.ndindex(kernel[0], kernel[1]):
        tap = np.repeat(patches[:, :, :, y, x].astype(np.int64), depth_multiplier, axis=3)
        total += tap * filter[0, y, x]
    result = requantize_wide(total, multipliers, shifts)
    return clamped(result, activation_min, activation_max)


def batch_matmul_s16(
    lhs: Int16Array, rhs_transposed: Int16Array, *, multiplier: int, shift: int
) -> Int16Array:
    """Batched product: lhs [B,M,K], rhs_transposed [B,N,K] → [B,M,N]."""
    total = exact_product(lhs, rhs_transposed.transpose(0, 2, 1))
    return clamped(requantize_wide(total, multiplier, shift), -32768, 32767)


def elementwise_add_s16(
    a: Int16Array,
    b: Int16Array,
    *,
    self_multiplier: int,
    self_shift: int,
    other_multiplier: int,
    other_shift: int,
    left_shift: int,
    output_multiplier: int,
    output_shift: int,
    activation_min: int,
    activation_max: int,
) -> Int16Array:
    """Sum of both operands, brought to a common scale."""
    total = requantize(a.astype(np.int64) << left_shift, self_multiplier, self_shift)
    total = total + requantize(b.astype(np.int64) << left_shift, other_multiplier, other_shift)
    result = requantize(total, output_multiplier, output_shift)
    return clamped(result, activation_min, activation_max)


def elementwise_mul_s16(
    a: Int16Array, b: Int16Array, *, output_multiplier: int, output_shift: int,
    activation_min: int, activation_max: int,
) -> Int16Array:  # fmt: skip
    """Product."""
    product = a.astype(np.int64) * b.astype(np.int64)
    result = requantize(product, output_multiplier, output_shift)
    return clamped(result, activation_min, activation_max)


def hypot_s16(a: Int16Array, b: Int16Array, *, multiplier: int, shift: int) -> Int16Array:
    """`sqrt(a² + b²)` times a factor: the root is rounded down to 15 bits behind the point."""
    square = a.astype(np.int64) ** 2 + b.astype(np.int64) ** 2
    target = square.astype(np.uint64) << np.uint64(30)
    root = np.sqrt(target.astype(np.float64)).astype(np.uint64)
    root -= (root * root > target).astype(np.uint64)
    root += ((root + np.uint64(1)) ** 2 <= target).astype(np.uint64)
    scaled = rescale_once(root.astype(np.int64), multiplier, shift - 15)
    return clamped(scaled, -32768, 32767)


def avgpool_s16(
    input: Int16Array, *, kernel: Pair, stride: Pair, padding: Pair, output_hw: Pair,
    activation_min: int, activation_max: int,
) -> Int16Array:  # fmt: skip
    """Average of the window's positions inside the input, ties away from zero."""
    counts = positions_inside(input.shape[1:3], kernel, stride, padding, output_hw)
    patches = windows(input.astype(np.int64), 0, kernel, stride, padding, NO_DILATION, output_hw)
    total = patches.sum(axis=(3, 4), dtype=np.int64)
    mean = np.sign(total) * ((np.abs(total) + counts // 2) // counts)
    return clamped(mean, activation_min, activation_max)


def max_pool_s16(
    input: Int16Array, *, kernel: Pair, stride: Pair, padding: Pair, output_hw: Pair,
    activation_min: int, activation_max: int,
) -> Int16Array:  # fmt: skip
    """Largest of the window's positions inside the input."""
    patches = windows(input, -32768, kernel, stride, padding, NO_DILATION, output_hw)
    largest = patches.max(axis=(3, 4)).astype(np.int64)
    return clamped(largest, activation_min, activation_max)


def softmax_s16(input: Int16Array, table: Int16Array, *, multiplier: int, shift: int) -> Int16Array:
    """Shares of exponentials along the last dimension, in steps of 1/32768."""
    wide = input.astype(np.int64)
    distances = wide - wide.max(axis=-1, keepdims=True)
    at = np.maximum(rescale_once(distances, multiplier, shift) + 32767, -32768)
    powers = interpolate(table, at.astype(np.int16)).astype(np.int64)
    reciprocals = (1 << 46) // np.maximum(powers.sum(axis=-1, keepdims=True), 1)
    shares = (powers * reciprocals + (1 << 30)) >> 31
    return clamped(shares, 0, 32767)


def requantize_stored(
    input: NDArray[np.generic],
    dtype: np.dtype[np.generic],
    *,
    input_zero_point: int,
    multiplier: int,
    shift: int,
    output_zero_point: int,
    activation_min: int,
    activation_max: int,
) -> NDArray[np.generic]:
    """Other steps, another zero point, another width."""
    value = rescale_once(input.astype(np.int64) - input_zero_point, multiplier, shift)
    result = np.clip(value + output_zero_point, activation_min, activation_max)
    return result.astype(dtype)

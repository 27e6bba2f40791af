"""Convolutions and pools: NHWC. A place outside the input adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerType

from cmopt.dialects import tosa
from cmopt.dialects.arrays import Array
from cmopt.dialects.shapes import element_of, ints_of, shape_of
from cmopt.dialects.tosa.constants import dtype_of
from cmopt.interpreters.cmsis_nn.windows import windows
from cmopt.interpreters.tosa.scale import apply_scale_32, reciprocal
from cmopt.interpreters.tosa.values import Int64Array, narrowed, product, range_of, zero_point


def _pair(values: Sequence[int]) -> tuple[int, int]:
    first, second = values
    return first, second


def _patches(op: Any, array: Array, fill: int, kernel: Sequence[int]) -> Array:
    """The windows of `array` as a view [N, OH, OW, KH, KW, C]."""
    pad = ints_of(op.pad)
    dilation = ints_of(op.dilation) if "dilation" in op.properties else (1, 1)
    return windows(
        array,
        fill,
        _pair(kernel),
        _pair(ints_of(op.stride)),
        (pad[0], pad[2]),
        _pair(dilation),
        _pair(shape_of(op.output)[1:3]),
    )


def _centred(op: Any, value: Array, weight: Array, zeros: Sequence[Array]) -> tuple[Array, Array]:
    """Input and weight minus their zero points, in int32."""
    input_zp, weight_zp = (
        zero_point(op.name, zero, element_of(operand))
        for zero, operand in zip(zeros, (op.input, op.weight), strict=True)
    )
    return value.astype(np.int32) - input_zp, weight.astype(np.int32) - weight_zp


def _accumulated(op: Any, acc: Int64Array, bias: Array) -> Array:
    return narrowed(op.name, acc + bias.astype(np.int64), op.acc_type, "accumulator")


def conv2d(op: tosa.Conv2DOp, value: Array, weight: Array, bias: Array, *zeros: Array) -> Array:
    """Input [N,H,W,IC], weight [OC,KH,KW,IC] to accumulators [N,OH,OW,OC]."""
    value, weight = _centred(op, value, weight, zeros)
    channels, *kernel, _ = weight.shape
    patches = _patches(op, value, 0, kernel)
    rows = patches.reshape(-1, weight[0].size)
    acc = product(op.name, rows, weight.reshape(channels, -1).T)
    return _accumulated(op, acc.reshape(shape_of(op.output)), bias)


def depthwise_conv2d(
    op: tosa.DepthwiseConv2DOp, value: Array, weight: Array, bias: Array, *zeros: Array
) -> Array:
    """Input [N,H,W,C], weight [KH,KW,C,M] to accumulators [N,OH,OW,C·M]."""
    value, weight = _centred(op, value, weight, zeros)
    height, width, channels, multiplier = weight.shape
    patches = _patches(op, value, 0, (height, width))
    acc = np.zeros((*shape_of(op.output)[:3], channels, multiplier), np.int64)
    for y, x in np.ndindex(height, width):
        acc += np.multiply(patches[:, :, :, y, x, :, None], weight[y, x], dtype=np.int64)
    return _accumulated(op, acc.reshape(shape_of(op.output)), bias)


def transpose_conv2d(
    op: tosa.TransposeConv2DOp, value: Array, weight: Array, bias: Array, *zeros: Array
) -> Array:
    """Input [N,H,W,IC], weight [OC,KH,KW,IC]: each element adds a scaled kernel to the result."""
    value, weight = _centred(op, value, weight, zeros)
    _, *kernel, _ = weight.shape
    stride, (top, _, left, _) = ints_of(op.stride), ints_of(op.out_pad)
    acc = np.zeros(shape_of(op.output), np.int64)
    for y, x in np.ndindex(*kernel):
        term = product(op.name, value, weight[:, y, x].T)
        (rows, inside_rows), (columns, inside_columns) = (
            _landing(count, step, first, size)
            for count, step, first, size in zip(
                term.shape[1:3], stride, (top + y, left + x), acc.shape[1:3], strict=True
            )
        )
        acc[:, rows, columns] += term[:, inside_rows, inside_columns]
    return _accumulated(op, acc, bias)


def _landing(count: int, step: int, first: int, size: int) -> tuple[slice, slice]:
    """The places `first + i * step` inside [0, size) for i < count, and their i, as slices."""
    low = max(0, -(first // step))
    high = max(low, min(count, -((first - size) // step)))
    if low == high:
        return slice(0, 0), slice(0, 0)
    start = first + low * step
    return slice(start, start + (high - low - 1) * step + 1, step), slice(low, high)


def matmul(op: tosa.MatMulOp, a: Array, b: Array, *zeros: Array) -> Array:
    """[N,H,C] times [N,C,W] to accumulators [N,H,W]."""
    a_zp, b_zp = (
        zero_point(op.name, zero, element_of(operand))
        for zero, operand in zip(zeros, (op.a, op.b), strict=True)
    )
    acc = product(op.name, a.astype(np.int32) - a_zp, b.astype(np.int32) - b_zp)
    return narrowed(op.name, acc, element_of(op.output), "accumulator")


def max_pool2d(op: tosa.MaxPool2DOp, value: Array) -> Array:
    """The largest element of each window."""
    least = range_of(element_of(op.input))[0]
    result: Array = _patches(op, value, least, ints_of(op.kernel)).max(axis=(3, 4))
    return result


def avg_pool2d(op: tosa.AvgPool2DOp, value: Array, *zeros: Array) -> Array:
    """The mean of those elements of each window that are inside the input, rounded half up."""
    element = element_of(op.input)
    input_zp, output_zp = (zero_point(op.name, zero, element) for zero in zeros)
    kernel = ints_of(op.kernel)
    centred = value.astype(np.int64) - input_zp
    total = _patches(op, centred, 0, kernel).sum(axis=(3, 4))
    inside = np.ones((1, *value.shape[1:3], 1), np.int64)
    count = _patches(op, inside, 0, kernel).sum(axis=(3, 4))
    narrowed(op.name, total, IntegerType(32), "accumulator")
    if not count.all():
        raise ValueError(f"{op.name}: a window holds no element")
    mean = apply_scale_32(op.name, total, *reciprocal(count)) + output_zp
    result: Array = np.clip(mean, *range_of(element)).astype(dtype_of(element))
    return result

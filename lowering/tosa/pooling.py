"""edge.avg_pool2d and edge.max_pool2d (NHWC) → TOSA's pools."""

from __future__ import annotations

import math

import numpy as np
from xdsl.dialects.builtin import TensorType, i32
from xdsl.ir import SSAValue

from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.functions import activation_bounds
from cmopt.dialects import tosa
from cmopt.dialects.edge import AvgPool2dOp, MaxPool2dOp
from cmopt.dialects.quant import UniformQuantizedType, default_storage_range, qtype_of
from cmopt.dialects.shapes import element_of, int_of, ints, ints_of, numel, shape_of
from cmopt.dialects.tosa.constants import dtype_of
from cmopt.lowering.averages import averages_once, common_divisor, sums_once
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import are_int8, reach, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.convolution import (
    LONGEST_KERNEL,
    LONGEST_STRIDE,
    fit,
    is_short,
    stride_of,
    sums_of,
)
from cmopt.lowering.tosa.reductions import maximum_of_rows, reduce
from cmopt.lowering.tosa.region import like
from cmopt.lowering.tosa.scales import MOST_BITS, WIDE_BITS, check_rescale
from cmopt.lowering.tosa.windows import (
    are_apart,
    are_rows,
    blocks,
    cut_at_long_strides,
    join_at_long_strides,
    short_strides,
    window_counts,
    window_properties,
    windows_of,
)

FEW_WINDOWS, FEW_SUMS = 32, 8
"""The most images that an input with long strides is cut into, and the most if one convolution
could sum all windows. Then no element is copied, but each image is an operation of the NPU."""

FEW_PARTS = 16
"""The most convolutions that a mean becomes: enough for 65,536 elements."""


def avg_pool2d(op: AvgPool2dOp, b: RegionBuilder) -> SSAValue:
    """The mean; ≤ 1 step, except where stated below. A sum of int16 for a result of int16 is
    rescaled with a factor of 15 bits: ≤ 2 steps.

    Means of rows of one channel, and of images that were transposed from planes of one, are 1×1
    convolutions by ones, rescaled once. Other windows are a pool if the type stays and no padding
    counts. Otherwise they are a sum by ones that is rescaled once: depthwise convolutions, whose
    padding takes no cycles. If windows divide by different numbers, or are larger than an NPU's
    convolutions take and not the whole image, they are a pool on the input's type, padded with its
    zero point if padding counts. If the type changes, a table follows, and both round: by at most
    `(1 + input scale / output scale) / 2` steps, up to the next whole number.
    """
    require_activations(op.input, op.output)
    source, kind = b.value(op.input), qtype_of(op.input)
    padding = ints_of(op.padding)
    counts_padding = bool(int_of(op.count_include_pad)) and any(padding)
    if counts_padding:
        top, bottom, left, right = padding
        source = b.pad(source, (0, top, left, 0), (0, bottom, right, 0), kind.zero_point)
        padding = (0, 0, 0, 0)
    kernel, counts = ints_of(op.kernel_size), shape_of(op.output)[1:3]
    if are_rows(source, kernel, counts, padding) and max(stride_of(op)) <= LONGEST_STRIDE:
        return _row_mean(op, source, b)
    if (planes := _planes(source, kernel, padding, b)) is not None:
        return _mean_of_rows(op, b.rows(planes, numel(kernel)), 1, shape_of(op.output), b)
    is_sum = averages_once(op) or (counts_padding and sums_once(op))
    if is_sum and (summed := _summed(op, b.value(op.input), b)) is not None:
        return summed
    if (cut := cut_at_long_strides(op, padding, source, b, FEW_WINDOWS)) is not None:
        means = [_average(x, kernel, short_strides(op), (0,) * 4, kind, b) for x in cut]
        return _requantized(op, join_at_long_strides(op, means, b), b)
    if are_apart(op, padding, source):
        images, channels = shape_of(source)[0], shape_of(source)[3]
        source = windows_of(source, counts, kernel, stride_of(op), b)
        pooled = _average(source, (1, kernel[0] * kernel[1]), (1, 1), (0,) * 4, kind, b)
        return _requantized(op, b.reshape(pooled, (images, *counts, channels)), b)
    if not (is_short(*padding[:2]) and is_short(*padding[2:])):
        raise Unsupported("a padding that does not count is too wide")
    source, pad = fit(source, counts, kernel, stride_of(op), padding, (1, 1), kind.zero_point, b)
    # The NPU pools one image at a time.
    images_in = [b.slice_dim(source, 0, n, 1) for n in range(shape_of(source)[0])]
    pooled_images = [_average(image, kernel, stride_of(op), pad, kind, b) for image in images_in]
    return _requantized(op, b.concat(pooled_images, 0), b)


def _summed(op: AvgPool2dOp, source: SSAValue, b: RegionBuilder) -> SSAValue | None:
    """Sums of windows by depthwise convolutions, rescaled by the divisor; None if impossible."""
    kernel, stride, padding = ints_of(op.kernel_size), stride_of(op), ints_of(op.padding)
    counts, divisor = shape_of(op.output)[1:3], common_divisor(op)
    input = qtype_of(op.input)
    assert divisor is not None
    if any(padding) and max(stride) > LONGEST_STRIDE:
        # Padded as a separate tensor, whose windows may be apart. The padding adds nothing.
        top, bottom, left, right = padding
        source = b.pad(source, (0, top, left, 0), (0, bottom, right, 0), input.zero_point)
        padding = (0, 0, 0, 0)
    images, *_, channels = shape_of(source)
    is_apart = are_apart(op, padding, source)
    most = 0 if max(kernel) > LONGEST_KERNEL else FEW_SUMS if is_apart else FEW_WINDOWS
    if (cut := cut_at_long_strides(op, padding, source, b, most)) is not None:
        sums = [_sum(x, kernel, short_strides(op), (0,) * 4, input, b) for x in cut]
        means = [_mean(total, numel(kernel), divisor, op, b) for total in sums]
        return join_at_long_strides(op, means, b)
    if is_apart:
        source = windows_of(source, counts, kernel, stride, b)
        images *= numel(counts)
        counts, stride = (1, 1), (1, 1)
        source = b.reshape(source, (images, *kernel, channels))
    if counts == (1, 1) and kernel == shape_of(source)[1:3] and not any(padding):
        if len(parts := _parts(numel(kernel))) > FEW_PARTS:
            return None
        if len(parts) > 1 and not are_int8(op.input):
            # Vela crashes for a U85 on sums of 48-bit sums.
            if numel(kernel) * reach(op.input) >= 1 << 31:
                return None
            line = b.reshape(source, (images, numel(kernel), channels))
            total = reduce(tosa.ReduceSumOp, b.rescale(line, 1.0, to=i32), 1, b)
        else:
            total = _sum_of_parts(source, parts, input, b)
    elif max(stride) <= LONGEST_STRIDE and max(kernel) <= LONGEST_KERNEL:
        source, pad = fit(source, counts, kernel, stride, padding, (1, 1), input.zero_point, b)
        total = _sum(source, kernel, stride, pad, input, b)
    else:
        return None
    result = _mean(total, numel(kernel), divisor, op, b)
    return b.reshape(result, shape_of(op.output))


def _sum_of_parts(
    source: SSAValue, parts: list[tuple[int, int]], kind: UniformQuantizedType, b: RegionBuilder
) -> SSAValue:
    """The sums of whole images, by convolutions with ones over windows of their elements."""
    images, *_, channels = shape_of(source)
    line = b.reshape(source, (images, sum(map(numel, parts)), 1, channels))
    total, start = None, 0
    for window in parts:
        part = b.slice_dim(line, 1, start, numel(window))
        part = b.reshape(part, (images, *window, channels))
        summed = _sum(part, window, (1, 1), (0,) * 4, kind, b)
        total = summed if total is None else b.arithmetic(tosa.AddOp, total, summed)
        start += numel(window)
    assert total is not None
    return total


def _mean(total: SSAValue, count: int, divisor: int, op: AvgPool2dOp, b: RegionBuilder) -> SSAValue:
    """The result from sums of `count` elements."""
    input, output = qtype_of(op.input), qtype_of(op.output)
    factor = input.scale / (divisor * output.scale)
    if not are_int8(op.input, op.output):
        wide = element_of(total) != i32
        check_rescale(count * reach(op.input), factor, WIDE_BITS if wide else MOST_BITS)
    mean = b.rescale(total, factor, output_zp=output.zero_point, to=output.storage)
    return b.clamp(mean, *output.storage_range)


def _sum(
    source: SSAValue, kernel: tuple[int, ...], stride: tuple[int, ...], pad: tuple[int, ...],
    kind: UniformQuantizedType, b: RegionBuilder,
) -> SSAValue:  # fmt: skip
    """The sums of windows, minus zero points, by a depthwise convolution with ones."""
    n, *sizes, channels = shape_of(source)
    operands = _with_ones(source, (*kernel, channels, 1), channels, kind, b)
    element = sums_of(source)
    type = TensorType(element, (n, *window_counts(sizes, kernel, stride, pad), channels))
    properties = {
        "acc_type": element, "stride": ints(stride), "dilation": ints((1, 1)), "pad": ints(pad),
    }  # fmt: skip
    return b.add(tosa.DepthwiseConv2DOp(operands, type, properties))


def _with_ones(
    source: SSAValue, filters: tuple[int, ...], channels: int, kind: UniformQuantizedType,
    b: RegionBuilder,
) -> list[SSAValue]:  # fmt: skip
    """The operands of a convolution by ones without a bias."""
    return [
        source,
        b.constant(np.ones(filters, np.int8), "ones"),
        b.constant(np.zeros(channels, dtype_of(sums_of(source)))),
        b.number(kind.zero_point, element_of(source)),
        b.number(0),
    ]


def _parts(count: int) -> list[tuple[int, int]]:
    """Windows that a convolution takes, with `count` elements in total, the largest first."""
    parts = []
    while count:
        height = math.isqrt(count)
        while count % height:
            height -= 1
        if count // height > LONGEST_KERNEL:
            height = min(count // LONGEST_KERNEL, LONGEST_KERNEL)
            parts.append((height, LONGEST_KERNEL))
        else:
            parts.append((height, count // height))
        count -= numel(parts[-1])
    return parts


def _planes(
    source: SSAValue, kernel: tuple[int, ...], padding: tuple[int, ...], b: RegionBuilder
) -> SSAValue | None:
    """[N,C,H·W], if a window is a whole image and these are the bytes it was transposed from."""
    images, *plane, channels = shape_of(source)
    if kernel != tuple(plane) or any(padding):
        return None
    return b.turned_back(b.reshape(source, (images, numel(plane), channels)), (0, 2, 1))


def _row_mean(op: AvgPool2dOp, source: SSAValue, b: RegionBuilder) -> SSAValue:
    """The means of rows of one channel."""
    images, rows, width, _ = shape_of(source)
    counts = shape_of(op.output)[1:3]
    stride = stride_of(op)[0]
    if stride == 1:
        whole = b.reshape(source, (images, rows, width))
        return _mean_of_rows(
            op, b.rows(b.slice_dim(whole, 1, 0, counts[0]), width), 1, (images, *counts, 1), b
        )
    source = b.reshape(source, (images, rows, 1, width))
    source = b.slice_dim(source, 1, 0, (counts[0] - 1) * stride + 1)
    return _mean_of_rows(op, source, stride, (images, *counts, 1), b)


def _mean_of_rows(
    op: AvgPool2dOp, source: SSAValue, stride: int, shape: tuple[int, ...], b: RegionBuilder
) -> SSAValue:
    """A 1×1 convolution by ones, with the row as channels, rescaled by its length; ≤ 1 step.

    A pool would use only one of the 16 channels that the NPU works on at once.
    """
    images, height, columns, width = shape_of(source)
    input = qtype_of(op.input)
    accumulator = b.add(
        tosa.Conv2DOp(
            _with_ones(source, (1, 1, 1, width), 1, input, b),
            TensorType(sums_of(source), (images, (height - 1) // stride + 1, columns, 1)),
            {
                "acc_type": sums_of(source),
                "stride": ints((stride, 1)),
                "dilation": ints((1, 1)),
                "pad": ints((0, 0, 0, 0)),
            },
        )
    )
    return b.reshape(_mean(accumulator, width, width, op, b), shape)


def _average(
    source: SSAValue, kernel: tuple[int, ...], stride: tuple[int, ...], pad: tuple[int, ...],
    kind: UniformQuantizedType, b: RegionBuilder,
) -> SSAValue:  # fmt: skip
    zero = b.number(kind.zero_point, element_of(source))
    n, *sizes, channels = shape_of(source)
    counts = window_counts(sizes, kernel, stride, pad)
    properties = window_properties(kernel, stride, pad)
    return b.add(
        tosa.AvgPool2DOp.create(
            operands=[source, zero, zero],
            result_types=[like(source, (n, *counts, channels))],
            properties={**properties, "acc_type": i32},
        )
    )


def max_pool2d(op: MaxPool2dOp, b: RegionBuilder) -> SSAValue:
    """The maximum, then a clamp or, if the result's type differs, a table; exact."""
    require_activations(op.input, op.output)
    if ints_of(op.dilation) != (1, 1):
        raise Unsupported("a window with dilation has no form in TOSA")
    kernel, stride, counts = ints_of(op.kernel_size), stride_of(op), shape_of(op.output)[1:3]
    source = b.value(op.input)
    if are_rows(source, kernel, counts, ints_of(op.padding)) and stride[0] == 1:
        images, rows, width, _ = shape_of(source)
        source = b.slice_dim(b.reshape(source, (images, rows, width)), 1, 0, counts[0])
        largest = maximum_of_rows(b.rows(source, width), b)
        return _requantized(op, b.reshape(largest, shape_of(op.output)), b)
    if are_apart(op, ints_of(op.padding), source):
        # Along the width, then along the height.
        for dim in (2, 1):
            source = _maximum_apart(
                source, dim, counts[dim - 1], stride[dim - 1], kernel[dim - 1], b
            )
        return _requantized(op, source, b)
    least = default_storage_range(qtype_of(op.input).storage)[0]
    source, pad = fit(source, counts, kernel, stride, ints_of(op.padding), (1, 1), least, b)
    return _requantized(op, _maximum(source, kernel, stride, pad, b), b)


def _maximum_apart(
    source: SSAValue, dim: int, count: int, stride: int, kernel: int, b: RegionBuilder
) -> SSAValue:
    """Maxima of `count` separate windows along a dimension: each window becomes a row."""
    cut = blocks(source, dim, count, stride, b)
    cut = b.slice_dim(cut, dim + 1, 0, kernel)
    shape = shape_of(cut)
    rows, columns = numel(shape[: dim + 1]), numel(shape[dim + 2 :])
    line = b.reshape(cut, (1, rows, kernel, columns))
    pooled = _maximum(line, (1, kernel), (1, 1), (0,) * 4, b)
    return b.reshape(pooled, (*shape[: dim + 1], *shape[dim + 2 :]))


def _maximum(
    source: SSAValue, kernel: tuple[int, ...], stride: tuple[int, ...], pad: tuple[int, ...],
    b: RegionBuilder,
) -> SSAValue:  # fmt: skip
    n, *sizes, channels = shape_of(source)
    counts = window_counts(sizes, kernel, stride, pad)
    return b.add(
        tosa.MaxPool2DOp.create(
            operands=[source],
            result_types=[like(source, (n, *counts, channels))],
            properties=window_properties(kernel, stride, pad),
        )
    )


def _requantized(op: AvgPool2dOp | MaxPool2dOp, value: SSAValue, b: RegionBuilder) -> SSAValue:
    source, target = qtype_of(op.input), qtype_of(op.output)
    if source == target:
        return b.clamp(value, *activation_range(op, target))
    return b.requantize(value, source, target, activation_bounds(op))

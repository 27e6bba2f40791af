"""Average pools that divide every window by the same number, and can be computed as sums."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import IntegerType

from cmopt.arithmetic.accumulators import mean_overflow
from cmopt.dialects.edge import AvgPool2dOp, data_format_of, spatial
from cmopt.dialects.quant import UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of


def common_divisor(op: AvgPool2dOp) -> int | None:
    """The number by which every window of the pool divides its sum; None if windows differ.

    PyTorch counts the positions inside the input, or with `count_include_pad` those inside the
    padded input. A last window of `ceil_mode` may reach beyond both.
    """
    format = data_format_of(op)
    sizes, outputs = (spatial(shape_of(v), format)[2:] for v in (op.input, op.output))
    pads, divisor = ints_of(op.padding), 1
    for axis in (0, 1):
        before, behind = pads[2 * axis : 2 * axis + 2]
        starts = np.arange(outputs[axis]) * ints_of(op.stride)[axis] - before
        ends = starts + ints_of(op.kernel_size)[axis]
        if int_of(op.count_include_pad):
            counts = np.minimum(ends, sizes[axis] + behind) - starts
        else:
            counts = np.minimum(ends, sizes[axis]) - np.maximum(starts, 0)
        if (counts != counts[0]).any() or counts[0] < 1:
            return None
        divisor *= int(counts[0])
    return divisor


def averages_once(op: AvgPool2dOp) -> bool:
    """Whether the pool changes its quantization and a convolution with ones can compute it."""
    source, target = quantized_element(op.input.type), quantized_element(op.output.type)
    return source is not None and target is not None and source != target and sums_once(op)


def sums_once(op: AvgPool2dOp) -> bool:
    """Whether a convolution with ones and one divisor can compute the pool.

    Each window must overlap the input: the verifiers of the convolutions require it.
    """
    if numel(shape_of(op.input)) == 0 or common_divisor(op) is None:
        return False
    format = data_format_of(op)
    sizes, outputs = (spatial(shape_of(v), format)[2:] for v in (op.input, op.output))
    return all(
        max(before, behind) < kernel and (count - 1) * stride - before < size
        for size, count, kernel, stride, before, behind in zip(
            sizes, outputs, ints_of(op.kernel_size), ints_of(op.stride),
            ints_of(op.padding)[::2], ints_of(op.padding)[1::2], strict=True,
        )
    )  # fmt: skip


def average_overflow(op: AvgPool2dOp) -> str | None:
    """Why the sum of a window may overflow in a convolution with ones, or None."""
    divisor = common_divisor(op)
    assert divisor is not None
    return mean_overflow(op.input, op.output, numel(ints_of(op.kernel_size)), divisor)


def one_over(divisor: int) -> UniformQuantizedType:
    """The quantized type in which a stored 1 means 1 / divisor."""
    return UniformQuantizedType.get(IntegerType(8), 1.0 / divisor)

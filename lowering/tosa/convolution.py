"""edge.conv2d (NHWC), edge.linear, edge.conv_transpose2d → TOSA's convolutions and a rescale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import TensorType, i8
from xdsl.ir import Attribute, SSAValue

from cmopt.arithmetic.accumulators import integer_bias, matrix_overflow
from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.dialects import tosa
from cmopt.dialects.edge import AvgPool2dOp, Conv2dOp, LinearOp, MaxPool2dOp
from cmopt.dialects.ethos_u import MAX_AXIS, MAX_PAD_BEFORE, MAX_PAD_BEHIND
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import element_of, int_of, ints, ints_of, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import are_int8, reach, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.reductions import MANY_ROWS, sum_of_rows
from cmopt.lowering.tosa.scales import MOST_BITS, WIDE_BITS, check_rescale, factors_to
from cmopt.lowering.weights import symmetric_weight

LONGEST_STRIDE = 3
"""The longest stride of a U55's window."""

LONGEST_KERNEL = 64
"""The most rows and columns of a filter that every NPU takes."""


ACCUMULATOR_BITS = 40
"""Bits of an NPU's sums of products of int16."""

Integers = NDArray[np.signedinteger[Any]]


def _operands_of(op: Conv2dOp | LinearOp) -> tuple[NDArray[np.generic], Integers]:
    """The stored weight, and the bias in accumulator steps. Raises Unsupported: see
    `symmetric_weight`; or if sums or their rescale might overflow."""
    require_activations(op.input, op.output)
    weight = symmetric_weight(op, (8,))
    wide = not are_int8(op.input)
    bias = integer_bias(op, ACCUMULATOR_BITS if wide else 32)
    if bias is None:
        bias = np.zeros(len(weight), np.int64 if wide else np.int32)
    if are_int8(op.input, op.output):
        if (reason := matrix_overflow(op)) is not None:
            raise Unsupported(reason)
        return weight, bias
    magnitudes = np.abs(weight.astype(np.int64)).reshape(len(weight), -1).sum(axis=1)
    largest = magnitudes * reach(op.input) + np.abs(bias)
    if largest.max() >= 1 << ACCUMULATOR_BITS - 1:
        raise Unsupported(f"a sum may have more than {ACCUMULATOR_BITS} bits")
    check_rescale(largest, _factors(op), WIDE_BITS if wide else MOST_BITS)
    return weight, bias


def _factors(op: Conv2dOp | LinearOp) -> NDArray[np.float64]:
    scales = qtype_of(op.weight).params.scales
    return factors_to(qtype_of(op.input).scale * scales, qtype_of(op.output))


def finish(
    op: Conv2dOp | LinearOp, accumulator: SSAValue, b: RegionBuilder, part: slice = slice(None)
) -> SSAValue:
    """The op's result from its accumulator, in any shape, whose output channels are `part`."""
    output, factors = qtype_of(op.output), _factors(op).tolist()
    factors = factors[part] if len(factors) > 1 else factors
    equal = all(factor == factors[0] for factor in factors)
    result = b.rescale(
        accumulator, factors[0] if equal else factors, output_zp=output.zero_point,
        to=output.storage,
    )  # fmt: skip
    shape = (*shape_of(op.output)[:-1], shape_of(accumulator)[-1])
    return b.reshape(b.clamp(result, *activation_range(op, output)), shape)


def conv2d(op: Conv2dOp, b: RegionBuilder) -> SSAValue:
    """One convolution, a depthwise one (one channel per group), or one per group; ≤ 1 step.

    From int16 to int16, ≤ 2 steps: the factors of 48-bit sums are exact to 2^-15 of the result. A
    bias in other steps than the accumulator's adds half a step of the accumulator.
    """
    weight, bias = _operands_of(op)
    groups, channels = int_of(op.groups), shape_of(op.input)[3]
    source = b.value(op.input)
    if groups == 1 and has_long_stride(op):
        return finish(op, patchified(op, source, weight, bias, b), b)
    if groups == 1:
        return finish(op, convolution(op, source, weight, bias, b), b)
    if groups == channels:
        return finish(op, depthwise(op, source, weight, bias, b), b)
    results = []
    outs, ins = len(weight) // groups, channels // groups
    for group in range(groups):
        part = slice(group * outs, (group + 1) * outs)
        piece = b.slice_dim(source, 3, group * ins, ins)
        results.append(finish(op, convolution(op, piece, weight[part], bias[part], b), b, part))
    return b.concat(results, 3)


def _operands(
    op: Conv2dOp | LinearOp, source: SSAValue, weight: NDArray[np.generic],
    bias: Integers, b: RegionBuilder,
) -> list[SSAValue]:  # fmt: skip
    return [
        source,
        b.constant(weight, op.weight.name_hint),
        b.constant(bias, None if op.bias is None else op.bias.name_hint),
        b.number(qtype_of(op.input).zero_point, element_of(source)),
        b.number(0),
    ]


def sums_of(source: SSAValue) -> Attribute:
    """The type of the sums of a tensor's products with int8 weights."""
    return tosa.ACCUMULATORS[element_of(source), i8]


@dataclass(frozen=True)
class Windows:
    """Where the windows of a convolution are, along height and width."""

    counts: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]

    @staticmethod
    def of(op: Conv2dOp) -> Windows:
        """Those of an op."""
        counts = shape_of(op.output)[1:3]
        return Windows(counts, stride_of(op), ints_of(op.dilation), ints_of(op.padding))

    def turned(self) -> Windows:
        """With height and width exchanged."""
        top, bottom, left, right = self.padding
        padding = (left, right, top, bottom)
        return Windows(self.counts[::-1], self.stride[::-1], self.dilation[::-1], padding)

    def properties(self, sums: Attribute, padding: tuple[int, ...]) -> dict[str, Attribute]:
        """The properties of a TOSA convolution with sums of a type and this padding left."""
        return {
            "acc_type": sums, "stride": ints(self.stride), "dilation": ints(self.dilation),
            "pad": ints(padding),
        }  # fmt: skip


def _fitted(
    op: Conv2dOp, source: SSAValue, weight: NDArray[np.generic], b: RegionBuilder
) -> tuple[SSAValue, NDArray[np.generic], Windows, tuple[int, ...]]:
    """The input, the weight and the windows, which fill the input exactly, and their padding.

    A column of pixels, as of a 1-D convolution, becomes a row: Vela transposes columns of several
    images in three steps, and a U85 takes twice as many cycles for a column.
    """
    windows = Windows.of(op)
    images, height, width, channels = shape_of(source)
    is_column = width == weight.shape[2] == windows.counts[1] == 1 and height <= MAX_AXIS
    if is_column and not any(windows.padding[2:]):
        source = b.reshape(source, (images, 1, height, channels))
        weight, windows = weight.swapaxes(1, 2), windows.turned()
    source, padding = fit(
        source, windows.counts, weight.shape[1:3], windows.stride, windows.padding,
        windows.dilation, qtype_of(op.input).zero_point, b,
    )  # fmt: skip
    return source, weight, windows, padding


def fit(
    source: SSAValue, counts: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...],
    padding: tuple[int, ...], dilation: tuple[int, ...], fill: int, b: RegionBuilder,
) -> tuple[SSAValue, tuple[int, ...]]:  # fmt: skip
    """Cut or pad an NHWC tensor at the end, so that `counts` windows fill it exactly.

    Returns the tensor and the padding [top, bottom, left, right]. Padding too wide for the NPU
    becomes part of the tensor, with `fill`. Raises Unsupported if no window reaches the tensor.
    """
    check_reach(shape_of(source)[1:3], counts, kernel, stride, padding, dilation)
    pads: list[int] = []
    low, high = [0] * 4, [0] * 4
    sizes = list(shape_of(source))
    for axis in (0, 1):
        before = padding[2 * axis]
        span = (counts[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1
        after = span - before - sizes[1 + axis]
        sizes[1 + axis] += min(after, 0)
        ends = before, max(after, 0)
        if not is_short(*ends):
            (low[1 + axis], high[1 + axis]), ends = ends, (0, 0)
        pads += ends
    return b.pad(b.slice(source, (0, 0, 0, 0), sizes), low, high, fill), tuple(pads)


def is_short(before: int, behind: int) -> bool:
    """Whether an NPU's window can pad an axis by this much."""
    return before <= MAX_PAD_BEFORE and behind <= MAX_PAD_BEHIND


def check_reach(
    sizes: tuple[int, ...], counts: tuple[int, ...], kernel: tuple[int, ...],
    stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...],
) -> None:  # fmt: skip
    """Raise Unsupported if no window reads an element of the tensor: all taps are in the padding.

    With dilation, Vela drops such an input, and later arguments then go to the wrong places.
    """
    for size, n, k, s, before, d in zip(
        sizes, counts, kernel, stride, padding[::2], dilation, strict=True
    ):
        read = (i * s + j * d - before for i in range(n) for j in range(k))
        if not any(0 <= place < size for place in read):
            raise Unsupported("all windows lie in the padding")


def convolution(
    op: Conv2dOp, source: SSAValue, weight: NDArray[np.generic], bias: Integers,
    b: RegionBuilder,
) -> SSAValue:  # fmt: skip
    """The accumulator of a convolution in one group."""
    source, weight, windows, padding = _fitted(op, source, weight, b)
    shape = (shape_of(source)[0], *windows.counts, len(weight))
    operands, sums = _operands(op, source, weight, bias, b), sums_of(source)
    return b.add(
        tosa.Conv2DOp(operands, TensorType(sums, shape), windows.properties(sums, padding))
    )


def has_long_stride(op: Conv2dOp) -> bool:
    """Whether a convolution without dilation has a stride that not every NPU takes."""
    return max(stride_of(op)) > LONGEST_STRIDE and ints_of(op.dilation) == (1, 1)


def stride_of(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp) -> tuple[int, ...]:
    """The strides; 1 along an axis that has one window."""
    counts = shape_of(op.output)[1:3]
    return tuple(1 if n == 1 else s for n, s in zip(counts, ints_of(op.stride), strict=True))


def patchified(
    op: Conv2dOp, source: SSAValue, weight: NDArray[np.generic], bias: Integers,
    b: RegionBuilder,
) -> SSAValue:  # fmt: skip
    """The accumulator of a convolution whose long strides become channels or images; exact.

    The input is cut into blocks as long as a stride, and filters, padded with zeros, slide by one
    block. In width, a reshape makes blocks channels. In height, a transpose does so, unless no
    two windows share a row: then each row of windows becomes an image.
    """
    stride, kernel = list(stride_of(op)), list(weight.shape[1:3])
    stride = [s if s > LONGEST_STRIDE else 1 for s in stride]
    reach = [-(-k // s) for k, s in zip(kernel, stride, strict=True)]
    source, pad = _in_blocks(op, source, stride, reach, b)
    images, rows, columns, channels = shape_of(source)
    out, (s, t) = len(weight), stride
    ends = [m * step - k for m, step, k in zip(reach, stride, kernel, strict=True)]
    filters = np.pad(weight, ((0, 0), (0, ends[0]), (0, ends[1]), (0, 0)))
    filters = filters.reshape(out, reach[0] * s, reach[1], t * channels)
    source = b.reshape(source, (images, rows, columns // t, t * channels))
    if s > 1 and reach[0] == 1:
        source = b.reshape(source, (images * rows // s, s, columns // t, t * channels))
    elif s > 1:
        source = b.reshape(source, (images, rows // s, s, columns // t, t * channels))
        source = b.transpose(source, (0, 1, 3, 2, 4))
        source = b.reshape(source, (images, rows // s, columns // t, s * t * channels))
        filters = filters.reshape(out, reach[0], s, reach[1], t * channels)
        filters = filters.transpose(0, 1, 3, 2, 4).reshape(out, *reach, s * t * channels)
    left = [1 if long > 1 else n for long, n in zip(stride, stride_of(op), strict=True)]
    size = [
        (n - k + before + behind) // step + 1
        for n, k, before, behind, step in zip(
            shape_of(source)[1:3], filters.shape[1:3], pad[::2], pad[1::2], left, strict=True
        )
    ]
    sums = sums_of(source)
    return b.add(
        tosa.Conv2DOp(
            _operands(op, source, filters, bias, b),
            TensorType(sums, (shape_of(source)[0], *size, out)),
            {"acc_type": sums, "stride": ints(left), "dilation": op.dilation, "pad": ints(pad)},
        )
    )


def _in_blocks(
    op: Conv2dOp, source: SSAValue, stride: list[int], reach: list[int], b: RegionBuilder
) -> tuple[SSAValue, tuple[int, ...]]:
    """The input, cut or padded to whole blocks along the axes with a long stride.

    Also returns the padding left for the convolution, along the other axis.
    """
    counts, padding = shape_of(op.output)[1:3], ints_of(op.padding)
    check_reach(
        shape_of(source)[1:3], counts, shape_of(op.weight)[1:3], stride_of(op), padding,
        ints_of(op.dilation),
    )  # fmt: skip
    low, high, sizes, pad = [0] * 4, [0] * 4, list(shape_of(source)), [0] * 4
    for axis in (0, 1):
        before, size = padding[2 * axis], sizes[1 + axis]
        short = stride[axis] == 1
        step = stride_of(op)[axis]
        kernel = shape_of(op.weight)[1 + axis]
        end = (counts[axis] - 1) * step + (kernel if short else reach[axis] * step)
        behind = end - before - size
        sizes[1 + axis] += min(behind, 0)
        if short and is_short(before, behind):
            pad[2 * axis : 2 * axis + 2] = before, max(behind, 0)
        else:
            low[1 + axis], high[1 + axis] = before, max(behind, 0)
    if sizes[0] == sizes[2] == shape_of(source)[2] == 1:  # A row is copied faster than a column.
        row = b.reshape(source, (1, 1, shape_of(source)[1], sizes[3]))
        source = b.reshape(b.slice_dim(row, 2, 0, sizes[1]), sizes)
    source = b.slice(source, (0, 0, 0, 0), sizes)
    return b.pad(source, low, high, qtype_of(op.input).zero_point), tuple(pad)


def depthwise(
    op: Conv2dOp, source: SSAValue, weight: NDArray[np.generic], bias: Integers,
    b: RegionBuilder,
) -> SSAValue:  # fmt: skip
    """The accumulator of a convolution with a group for each channel: [O,KH,KW,1] → [KH,KW,C,M]."""
    source, weight, windows, padding = _fitted(op, source, weight, b)
    out, rows, columns, _ = weight.shape
    images, *_, channels = shape_of(source)
    filters = weight.reshape(channels, out // channels, rows, columns).transpose(2, 3, 0, 1)
    operands, sums = _operands(op, source, filters, bias, b), sums_of(source)
    type = TensorType(sums, (images, *windows.counts, out))
    return b.add(tosa.DepthwiseConv2DOp(operands, type, windows.properties(sums, padding)))


def linear(op: LinearOp, b: RegionBuilder) -> SSAValue:
    """A 1×1 convolution over the rows, with the bounds of conv2d.

    Sums of many rows of int16 are a reduction, whose factor has 31 bits: ≤ 1 step.
    """
    weight, bias = _operands_of(op)
    out, depth = weight.shape
    source = b.rows(b.value(op.input), depth)
    is_sum = out == 1 and not are_int8(op.input) and (weight == 1).all() and not bias.any()
    if is_sum and shape_of(source)[2] >= MANY_ROWS:
        check_rescale(depth * reach(op.input), _factors(op))
        return finish(op, sum_of_rows(source, reach(op.input), b), b)
    sums = sums_of(source)
    accumulator = b.add(
        tosa.Conv2DOp(
            _operands(op, source, weight.reshape(out, 1, 1, depth), bias, b),
            TensorType(sums, (*shape_of(source)[:3], out)),
            {"acc_type": sums, "stride": ints((1, 1)), "dilation": ints((1, 1)),
             "pad": ints((0, 0, 0, 0))},
        )
    )  # fmt: skip
    return finish(op, accumulator, b)

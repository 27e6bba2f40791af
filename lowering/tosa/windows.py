"""The windows of a pool: where they stand, and how the input is cut into them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from xdsl.ir import Attribute, SSAValue

from cmopt.dialects.edge import AvgPool2dOp, MaxPool2dOp
from cmopt.dialects.shapes import ints, ints_of, numel, shape_of
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.convolution import LONGEST_STRIDE, stride_of


def are_rows(
    source: SSAValue, kernel: tuple[int, ...], counts: tuple[int, ...], padding: tuple[int, ...]
) -> bool:
    """Whether windows are rows of one channel, as for a reduction of the last dimension."""
    _, _, width, channels = shape_of(source)
    return channels == 1 and kernel == (1, width) and counts[1] == 1 and not any(padding)


def are_apart(op: AvgPool2dOp | MaxPool2dOp, padding: tuple[int, ...], source: SSAValue) -> bool:
    """Whether strides are long, no two windows share an element, and none reach into padding."""
    stride, kernel, counts = stride_of(op), ints_of(op.kernel_size), shape_of(op.output)[1:3]
    if not _are_far_inside(op, padding, source):
        return False
    return all(k <= s or n == 1 for k, s, n in zip(kernel, stride, counts, strict=True))


def _are_far_inside(
    op: AvgPool2dOp | MaxPool2dOp, padding: tuple[int, ...], source: SSAValue
) -> bool:
    """Whether strides are long, and no window reaches into padding or beyond the input."""
    stride, kernel, counts = stride_of(op), ints_of(op.kernel_size), shape_of(op.output)[1:3]
    if max(stride) <= LONGEST_STRIDE or any(padding):
        return False
    reach = [(n - 1) * s + k for n, s, k in zip(counts, stride, kernel, strict=True)]
    return all(r <= size for r, size in zip(reach, shape_of(source)[1:3], strict=True))


def window_counts(
    sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int]
) -> list[int]:
    """The number of windows along height and width."""
    return [
        (size + before + behind - k) // s + 1
        for size, before, behind, k, s in zip(
            sizes, pad[::2], pad[1::2], kernel, stride, strict=True
        )
    ]


def window_properties(
    kernel: tuple[int, ...], stride: tuple[int, ...], pad: tuple[int, ...]
) -> dict[str, Attribute]:
    """The properties of a pool in TOSA."""
    return {"kernel": ints(kernel), "stride": ints(stride), "pad": ints(pad)}


def cut_at_long_strides(
    op: AvgPool2dOp, padding: tuple[int, ...], source: SSAValue, b: RegionBuilder, most: int
) -> list[SSAValue] | None:
    """Images that hold one window along each axis with a long stride, in the result's order.

    Along the other axis an image holds all windows, and nothing behind them. None if no stride is
    long, if windows reach into padding, and if there would be more than `most` images.
    """
    stride, kernel = stride_of(op), ints_of(op.kernel_size)
    images, *counts, _ = shape_of(op.output)
    places, size = [range(images)], [1]
    for s, k, n in zip(stride, kernel, counts, strict=True):
        is_long = s > LONGEST_STRIDE
        places.append(range(0, n * s, s) if is_long else range(1))
        size.append(k if is_long else (n - 1) * s + k)
    if not _are_far_inside(op, padding, source) or not 0 < numel(list(map(len, places))) <= most:
        return None
    size.append(shape_of(source)[3])
    return [b.slice(source, (*place, 0), size) for place in itertools.product(*places)]


def join_at_long_strides(op: AvgPool2dOp, parts: list[SSAValue], b: RegionBuilder) -> SSAValue:
    """The result from those of the images that `cut_at_long_strides` gives."""
    if stride_of(op)[0] > LONGEST_STRIDE:
        return b.reshape(b.concat(parts, 1), shape_of(op.output))
    count = shape_of(op.output)[2]
    images = [b.concat(parts[i : i + count], 2) for i in range(0, len(parts), count)]
    return b.concat(images, 0)


def short_strides(op: AvgPool2dOp) -> tuple[int, ...]:
    """The strides, with 1 instead of each long one."""
    return tuple(1 if s > LONGEST_STRIDE else s for s in stride_of(op))


def blocks(value: SSAValue, dim: int, count: int, stride: int, b: RegionBuilder) -> SSAValue:
    """Dimension `dim` as [count, stride], padded at the end with elements no window reads."""
    shape = shape_of(value)
    stride = stride if count > 1 else shape[dim]
    missing = max(0, count * stride - shape[dim])
    behind = [missing if d == dim else 0 for d in range(len(shape))]
    value = b.pad(value, [0] * len(shape), behind, 0)
    value = b.slice_dim(value, dim, 0, count * stride)
    return b.reshape(value, (*shape[:dim], count, stride, *shape[dim + 1 :]))


def windows_of(
    source: SSAValue, counts: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...],
    b: RegionBuilder,
) -> SSAValue:  # fmt: skip
    """The input as [1, windows, elements of a window, C]."""
    value = blocks(blocks(source, 2, counts[1], stride[1], b), 1, counts[0], stride[0], b)
    value = b.slice_dim(b.slice_dim(value, 4, 0, kernel[1]), 2, 0, kernel[0])
    images, channels = shape_of(source)[0], shape_of(source)[3]
    value = b.transpose(value, (0, 1, 3, 2, 4, 5))
    return b.reshape(value, (1, images * counts[0] * counts[1], kernel[0] * kernel[1], channels))

"""edge.avg_pool2d that changes its type → a convolution or linear layer with weights of one.

The pool kernel keeps the quantization. A convolution sums in 32 bits and requantizes once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import typed_constant
from cmopt.dialects.edge import (
    AvgPool2dOp,
    CatOp,
    Conv2dOp,
    LinearOp,
    ReshapeOp,
    SliceOp,
    data_format_of,
    spatial,
)
from cmopt.dialects.shapes import element_of, ints, ints_of, numel, shape_of
from cmopt.lowering.averages import common_divisor, one_over
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.cortex_m.dispatch import Window, best_call
from cmopt.lowering.rules import Unsupported
from cmopt.support.targets import Isa

MOST_DEPTHWISE_CHANNELS = 16
"""The most channels that a depthwise convolution sums side by side: they fill an MVE vector."""

MOST_CROSSED_CHANNELS = 8
"""The same for an ordinary convolution: with more, products with zero cost too much."""

SPARE_PART = 4
"""The fastest way is taken whose weights and scratch have at most 1/4 of the input's bytes."""


@dataclass(frozen=True)
class Windows:
    """An NHWC pool's geometry, without dilation: shapes, (h, w) pairs, (top, left) padding."""

    input: tuple[int, ...]
    output: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    def narrowed(self) -> Windows:
        """The same bytes with width 1, if windows are as wide as the input."""
        n, h, w, c = self.input
        if self.kernel[1] != w or self.output[2] != 1 or self.padding[1] != 0:
            return self
        return Windows(
            (n, h * w, 1, c), self.output, (self.kernel[0] * w, 1), (self.stride[0] * w, 1),
            (self.padding[0] * w, 0),
        )  # fmt: skip

    def joined(self) -> Windows:
        """The same bytes as one image, if the windows continue from one image to the next."""
        n, h, w, c = self.input
        count, stride = self.output[1], self.stride[0]
        if self.padding[0] != 0 or (count - 1) * stride + self.kernel[0] > h:
            return self
        if n == 1 or (count > 1 and count * stride != h):
            return self
        stride = h if count == 1 else stride
        return replace(
            self, input=(1, n * h, w, c), output=(1, n * count, *self.output[2:]),
            stride=(stride, self.stride[1]),
        )  # fmt: skip

    def folded(self, channels: int) -> Windows:
        """The same bytes with `channels` channels; the others go to the width, which must be 1."""
        n, h, one, c = self.input
        assert one == self.kernel[1] == 1, self
        part = c // channels
        return replace(
            self, input=(n, h, part, channels), output=(*self.output[:2], part, channels),
            stride=(self.stride[0], 1),
        )  # fmt: skip

    @property
    def is_rows(self) -> bool:
        """Whether the windows cover the whole input, one after the other, with one channel."""
        n, h, w, c = self.input
        is_column = (n, w, c, self.kernel[1], self.padding[1]) == (1, 1, 1, 1, 0)
        follows = self.stride[0] == self.kernel[0] and self.padding[0] == 0
        return is_column and follows and self.output[1] * self.stride[0] == h


@dataclass(frozen=True)
class Sum:
    """One way to sum: a convolution in `groups` groups with int8 weights [O,KH,KW,I]."""

    windows: Windows
    weight: Array
    groups: int

    def call(self) -> Window:
        """The geometry of the convolution; of one image, if it takes one at a time."""
        w = self.windows
        images = 1 if self.groups > 1 else w.input[0]
        input, output = (images, *w.input[1:]), (images, *w.output[1:])
        return Window(input, self.weight.shape, output, w.stride, w.padding, (1, 1))

    def working_bytes(self, isa: Isa) -> int | None:
        """Bytes of weights and scratch; None if no kernel is right."""
        call = best_call(self.call(), self.groups, isa)
        return None if call is None else self.weight.nbytes + call.scratch(isa)


def sums(windows: Windows) -> Iterator[Sum]:
    """The ways to sum, fastest first.

    A depthwise convolution makes one product for each element. An ordinary one makes one for each
    element and output channel, most of them with zero, but needs far less scratch on MVE.
    """
    kh, kw = windows.kernel
    channels = windows.input[3]
    if (windows.input[2], kw) != (1, 1):
        yield Sum(windows, np.ones((channels, kh, kw, 1), np.int8), channels)
        return
    most = min(channels, MOST_DEPTHWISE_CHANNELS)
    for width in (n for n in range(most, 0, -1) if channels % n == 0):
        view = windows.folded(width)
        yield Sum(view, np.ones((width, kh, kw, 1), np.int8), width)
        if 1 < width <= MOST_CROSSED_CHANNELS:
            crossed = np.broadcast_to(
                np.eye(width, dtype=np.int8)[:, None, None], (width, kh, kw, width)
            )
            yield Sum(view, crossed, 1)


def best_sum(windows: Windows, isa: Isa) -> Sum | None:
    """The fastest sum whose memory is small compared to the input's, else the smallest; or None."""
    ways = [(way, way.working_bytes(isa)) for way in sums(windows)]
    right = [(way, size) for way, size in ways if size is not None]
    spare = numel(windows.input) // SPARE_PART
    quick = (way for way, size in right if size <= spare)
    return next(quick, min(right, key=lambda entry: entry[1])[0] if right else None)


def forms(op: AvgPool2dOp) -> list[Windows]:
    """The pool's possible geometries as NHWC, the easiest to sum first."""
    format = data_format_of(op)
    shapes = (spatial(shape_of(value), format) for value in (op.input, op.output))
    input, output = ((n, h, w, c) for n, c, h, w in shapes)
    top, _, left, _ = ints_of(op.padding)
    written = Windows(input, output, ints_of(op.kernel_size), ints_of(op.stride), (top, left))
    narrow = written.narrowed()
    return [narrow.joined(), narrow, written]


def averaged_once(op: AvgPool2dOp, b: KernelBuilder) -> SSAValue:
    """An average pool that changes its quantization → a sum with weights of one; at most 1 step.

    The weights mean 1 / divisor, so that the kernel divides as it requantizes, and rounds once.
    All windows must divide by one number: `averages.common_divisor`. If padding counts, the
    kernel pads: it reads zero points there.

    Windows of one channel that follow each other are rows of a linear layer. If windows are as
    wide as the input, channels can move to the width; the weights then need few channels.
    """
    for windows in forms(op):
        if windows.is_rows:
            return b.expand(_as_linear(op, windows))
        if (way := best_sum(windows, b.isa)) is not None:
            return b.expand(_as_convolution(op, way))
    raise Unsupported("an axis or a window is longer than the kernels can count")


def _as_linear(op: AvgPool2dOp, windows: Windows) -> list[Operation]:
    rows, length = windows.output[1], windows.kernel[0]
    source = ReshapeOp.of(op.input, (rows, length))
    ops, weight = _weight(op, np.ones((1, length), np.int8))
    linear = LinearOp.of([source.output, weight, []], {}, element_of(op.output))
    return [source, *ops, linear, ReshapeOp.of(linear.output, shape_of(op.output))]


def _as_convolution(op: AvgPool2dOp, way: Sum) -> list[Operation]:
    w = way.windows
    source = ReshapeOp.of(op.input, w.input)
    ops, weight = _weight(op, way.weight)
    # The depthwise kernel takes one image.
    apart = w.input[0] > 1 and way.groups > 1
    images = _images(source.output) if apart else [source]
    behind = [
        (count - 1) * stride + kernel - before - size
        for count, stride, kernel, before, size in zip(
            w.output[1:3], w.stride, w.kernel, w.padding, w.input[1:3], strict=True
        )
    ]
    padding = w.padding[0], max(behind[0], 0), w.padding[1], max(behind[1], 0)
    parts = []
    for image in images:
        value = image.results[0]
        parts.append(
            Conv2dOp(
                [value, weight, []],
                TensorType(element_of(op.output), (shape_of(value)[0], *w.output[1:])),
                {
                    "stride": ints(w.stride), "padding": ints(padding),
                    "dilation": ints((1, 1)), "groups": IntegerAttr(way.groups, i64),
                    "data_format": StringAttr("NHWC"),
                },
            )
        )  # fmt: skip
    new_ops: list[Operation] = [source, *ops, *(images if apart else ()), *parts]
    if apart:
        new_ops.append(CatOp.of([part.output for part in parts], 0))
    return [*new_ops, ReshapeOp.of(new_ops[-1].results[0], shape_of(op.output))]


def _weight(op: AvgPool2dOp, stored: Array) -> tuple[list[Operation], SSAValue]:
    divisor = common_divisor(op)
    assert divisor is not None
    return typed_constant(stored, TensorType(one_over(divisor), stored.shape), "ones")


def _images(value: SSAValue) -> list[Operation]:
    return [SliceOp.of(value, 0, item, 1) for item in range(shape_of(value)[0])]

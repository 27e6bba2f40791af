"""edge.conv_transpose2d → quantized_transpose_conv2d, where CMSIS-NN computes it rightly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from xdsl.ir import SSAValue

from cmopt.dialects.cortex_m import QuantizedTransposeConv2dOp, SubviewOp
from cmopt.dialects.cortex_m.limits import is_reversed, transposed_convolution_limit
from cmopt.dialects.edge import ConvTranspose2dOp
from cmopt.dialects.shapes import int_of, ints_of, numel, shape_of
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.cortex_m.convolution import filter_constants, kernel_numbers
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import constant_weight
from cmopt.support.targets import Isa

Pair = tuple[int, ...]


@dataclass(frozen=True)
class TransposedWindow:
    """A transposed convolution as its kernel sees it: NHWC shapes, pairs of (height, width).

    The weight is [O,KH,KW,C]. `zeros` is how many of its taps are zeros that have been put
    before and behind the filter: (top, bottom, left, right). `more_rows` is how many rows of the
    output the op does not have.
    """

    input: tuple[int, ...]
    weight: tuple[int, ...]
    output: tuple[int, ...]
    stride: Pair
    padding: Pair
    output_padding: Pair
    zeros: tuple[int, int, int, int] = (0, 0, 0, 0)
    more_rows: int = 0

    @property
    def limit(self) -> str | None:
        """Why CMSIS-NN computes it wrongly, or None."""
        return transposed_convolution_limit(
            self.input, self.weight, self.output, self.stride, self.padding, self.output_padding
        )

    @property
    def multiplies_zeros(self) -> bool:
        """Whether the kernel multiplies zeros that it puts between the elements of the input."""
        return is_reversed(self.input[3], self.stride) and max(self.stride) > 1

    def with_zeros(self, top: int, bottom: int, left: int, right: int) -> TransposedWindow:
        """The same outputs of a filter with more taps, which are zero.

        Zeros before a filter move what it adds to; more padding moves that back. It cuts as much
        off the end too, which output padding gives back. Zeros behind the filter add to elements
        that were output padding.
        """
        out, kh, kw, channels = self.weight
        return replace(
            self,
            weight=(out, kh + top + bottom, kw + left + right, channels),
            padding=(self.padding[0] + top, self.padding[1] + left),
            output_padding=(
                self.output_padding[0] + top - bottom,
                self.output_padding[1] + left - right,
            ),
            zeros=(top, bottom, left, right),
        )

    def with_rows(self, count: int) -> TransposedWindow:
        """With `count` more rows at the end of the output."""
        items, rows, *rest = self.output
        return replace(
            self,
            output=(items, rows + count, *rest),
            output_padding=(self.output_padding[0] + count, self.output_padding[1]),
            more_rows=count,
        )

    def repaired(self) -> TransposedWindow | None:
        """A window that is right on every build of CMSIS-NN, with few zeros; None if there is none.

        If a batch of one item needs more rows than it has, they are added: the others are the
        first bytes of the result.
        """
        missing = self.stride[0] + self.padding[0] - self.weight[1] - self.output_padding[0]
        found = self._with_fewest_zeros()
        if found is None and self.output[0] == 1 and missing > 0:
            found = self.with_rows(missing)._with_fewest_zeros()
        return found

    def _with_fewest_zeros(self) -> TransposedWindow | None:
        rows, columns = (list(self._ways(axis)) for axis in range(2))
        grown = [self.with_zeros(*row, *column) for row, column in product(rows, columns)]
        grown.sort(key=lambda window: (numel(window.weight), window.zeros))
        return next((window for window in grown if window.limit is None), None)

    def _ways(self, axis: int) -> Iterator[tuple[int, int]]:
        """Zeros (before, behind) along an axis that may help: padding that is a multiple of the
        stride, a filter as long as the stride or longer than the padding, less output padding."""
        taps, stride = self.weight[1 + axis], self.stride[axis]
        padding, more = self.padding[axis], self.output_padding[axis]
        for before in {0, -padding % stride, max(0, stride - taps)}:
            most = more + before
            for behind in {0, most, max(0, more - padding), max(0, padding + 1 - taps)}:
                if behind <= most:
                    yield before, behind

    def scratch(self, isa: Isa) -> tuple[int, int]:
        """Bytes of working memory that the kernel needs, and of the reversed filter."""
        return scratch.transpose_conv2d(
            isa,
            self.weight,
            self.output_padding,
            input=self.input,
            output=self.output,
            stride=self.stride,
            padding=self.padding,
            dilation=(1, 1),
        )


def window_of(op: ConvTranspose2dOp) -> TransposedWindow:
    """The geometry of an NHWC op as CMSIS-NN computes it rightly. Raises Unsupported if it cannot.

    Raises Unsupported for groups and for dilation too: the kernel has neither.
    """
    taps, dilation = shape_of(op.weight)[1:3], ints_of(op.dilation)
    if int_of(op.groups) != 1:
        raise Unsupported("the kernel of a transposed convolution has no groups")
    if any(k > 1 and step > 1 for k, step in zip(taps, dilation, strict=True)):
        raise Unsupported("the kernel of a transposed convolution has no dilation")
    input, weight, output = (shape_of(value) for value in (op.input, op.weight, op.output))
    stride, padding, more = (ints_of(p) for p in (op.stride, op.padding, op.output_padding))
    window = TransposedWindow(input, weight, output, stride, padding, more)
    if (found := window.repaired()) is None:
        raise Unsupported(window.limit or "")
    return found


def conv_transpose2d(op: ConvTranspose2dOp, b: KernelBuilder) -> SSAValue:
    """edge.conv_transpose2d (NHWC, constant weight) → one kernel call; at most 1 step.

    A bias in other steps than the accumulator's adds half a step of the accumulator. The filter
    gets zeros, and the output rows that are cut off, where CMSIS-NN needs them to be right.
    """
    window = window_of(op)  # First: it refuses groups, whose channels share the weight's scales.
    weight = constant_weight(op)
    top, bottom, left, right = window.zeros
    filters = np.pad(weight, ((0, 0), (top, bottom), (left, right), (0, 0)))
    result = b.add(
        QuantizedTransposeConv2dOp(
            [
                b.value(op.input),
                *filter_constants(op, filters, b),
                *(b.scratch(size) for size in window.scratch(b.isa)),
            ],
            int8_tensor(window.output),
            {
                "stride": window.stride,
                "padding": window.padding,
                "output_padding": window.output_padding,
                "dilation": (1, 1),
                **kernel_numbers(op),
            },
        )
    )
    if window.more_rows:
        return b.add(SubviewOp(result, 0, int8_tensor(shape_of(op.output))))
    return result

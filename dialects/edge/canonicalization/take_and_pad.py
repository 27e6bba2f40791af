"""Canonicalization of `edge.take` and `edge.pad`: compose, drop, and fold pads into windows.

Every pattern is exact for any element type.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import FloatAttr
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.arrays import dequantize, from_float, quantize
from cmopt.dialects.edge import (
    Conv2dOp,
    MaxPool2dOp,
    PadOp,
    ReshapeOp,
    SliceOp,
    TakeOp,
    data_format_of,
    spatial,
)
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import int_of, ints, ints_of, shape_of


class ComposeTakes(RewritePattern):
    """`take(take(x, i), j)` along one dimension → `take(x, i[j])`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TakeOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if isinstance(producer, TakeOp) and producer.dim == op.dim:
            inner = ints_of(producer.indices)
            indices = [inner[j] for j in ints_of(op.indices)]
            rewriter.replace(op, TakeOp.of(producer.input, int_of(op.dim), indices))


class TakeToSlice(RewritePattern):
    """A take of consecutive indices becomes a slice. A take of all in order becomes its operand."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TakeOp, rewriter: PatternRewriter) -> None:
        indices = ints_of(op.indices)
        if not indices or indices != tuple(range(indices[0], indices[0] + len(indices))):
            return
        if op.input.type == op.output.type:
            rewriter.replace(op, (), (op.input,))
            return
        rewriter.replace(op, SliceOp.of(op.input, int_of(op.dim), indices[0], len(indices)))


class ComposePads(RewritePattern):
    """A pad that adds nothing becomes its operand. Two pads with one value become one."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PadOp, rewriter: PatternRewriter) -> None:
        if op.input.type == op.output.type:
            rewriter.replace(op, (), (op.input,))
            return
        producer = op.input.owner
        if isinstance(producer, PadOp) and producer.value == op.value:
            low, high = (
                [a + b for a, b in zip(ints_of(x), ints_of(y), strict=True)]
                for x, y in ((producer.low, op.low), (producer.high, op.high))
            )
            rewriter.replace(op, PadOp.of(producer.input, low, high, op.value))


class PadBehindReshape(RewritePattern):
    """`reshape(pad(x))` → `pad(reshape(x))` if the reshape adds and drops unit dimensions only.

    This brings the pad of a 1-D signal next to the 2-D convolution that reads it with height 1.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter) -> None:
        pad = op.input.owner
        if not isinstance(pad, PadOp) or not op.input.has_one_use():
            return
        shape = shape_of(op.output)
        kept = [d for d, size in enumerate(shape_of(pad.output)) if size != 1]
        places = [d for d, size in enumerate(shape) if size != 1]
        # A dimension of size 1 after padding was not padded, unless it was empty.
        if [shape_of(pad.output)[d] for d in kept] != [shape[d] for d in places]:
            return
        if 0 in shape_of(pad.input):
            return
        before, low, high = list(shape), [0] * len(shape), [0] * len(shape)
        for source, place in zip(kept, places, strict=True):
            before[place] = shape_of(pad.input)[source]
            low[place], high[place] = ints_of(pad.low)[source], ints_of(pad.high)[source]
        moved = ReshapeOp.of(pad.input, before)
        rewriter.replace(op, [moved, PadOp.of(moved.output, low, high, pad.value)])


class FoldPadIntoWindow(RewritePattern):
    """`conv2d(pad(x, 0))` → `conv2d(x)` with wider padding; also `max_pool2d` of the lowest value.

    The kernels set limits: no window may lie wholly in the padding, and float kernels pad both
    sides alike.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Conv2dOp | MaxPool2dOp, rewriter: PatternRewriter) -> None:
        pad = op.input.owner
        if not isinstance(pad, PadOp) or not is_neutral(op, pad):
            return
        format = data_format_of(op)
        low, high = (spatial(ints_of(amounts), format) for amounts in (pad.low, pad.high))
        if any((*low[:2], *high[:2])):
            return
        added = (low[2], high[2], low[3], high[3])
        padding = [a + b for a, b in zip(ints_of(op.padding), added, strict=True)]
        is_symmetric = padding[0::2] == padding[1::2]
        is_quantized = quantized_element(op.input.type) is not None
        if not fits(op, padding, format) or not (is_symmetric or is_quantized):
            return
        new = op.create(
            operands=[pad.input, *op.operands[1:]],
            result_types=[op.output.type],
            properties={**op.properties, "padding": ints(padding)},
            attributes=dict(op.attributes),
        )
        rewriter.replace(op, new)


def is_neutral(op: Conv2dOp | MaxPool2dOp, pad: PadOp) -> bool:
    """Whether `pad` adds the value that the window op itself pads with."""
    if isinstance(op, Conv2dOp):
        return float(pad.value.value.data) == 0.0
    element = quantized_element(pad.output.type)
    if element is None:
        return float(pad.value.value.data) == float("-inf")
    return int(stored_value(pad)) == element.storage_range[0]


def fits(op: Conv2dOp | MaxPool2dOp, padding: Sequence[int], format: str) -> bool:
    """Whether each window of the padded op reaches into the input."""
    if isinstance(op, Conv2dOp):
        kernel = spatial(shape_of(op.weight), format)[2:]
    else:
        kernel = (ints_of(op.kernel_size)[0], ints_of(op.kernel_size)[1])
        if ints_of(op.dilation) != (1, 1) or int_of(op.ceil_mode):
            return False
    reach = [d * (k - 1) for d, k in zip(ints_of(op.dilation), kernel, strict=True)]
    return all(max(padding[2 * i : 2 * i + 2]) <= reach[i] for i in range(2))


def stored_value(op: PadOp) -> float:
    """The element that a pad adds, as the result's type stores it."""
    stored = from_float(np.array([op.value.value.data], np.float32), op.output.type)
    return float(stored.astype(np.float64)[0])


def holds(type: Attribute, value: FloatAttr) -> bool:
    """Whether a quantized tensor type holds a number exactly."""
    element = quantized_element(type)
    assert element is not None
    real = np.array([value.value.data], np.float32)
    return bool(dequantize(quantize(real, element), element)[0] == real[0])


TAKE: tuple[RewritePattern, ...] = (ComposeTakes(), TakeToSlice())
PAD: tuple[RewritePattern, ...] = (ComposePads(),)
WINDOW: tuple[RewritePattern, ...] = (FoldPadIntoWindow(),)

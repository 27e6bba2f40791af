"""Canonicalization of `edge`: compose and drop data movement, and apply it to constants.

Every pattern is exact for any element type: data movement commutes with per-element casts.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.irdl import IRDLOperation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import (
    AddOp,
    AvgPool2dOp,
    BinaryOp,
    CatOp,
    Conv2dOp,
    ExpandOp,
    MaxPool2dOp,
    MovementOp,
    MulOp,
    PadOp,
    PermuteOp,
    ReshapeOp,
    ScanOp,
    SliceOp,
    SubOp,
    TakeOp,
    ToDimOrderOp,
)
from cmopt.dialects.edge.canonicalization.cat_and_slice import CAT, SLICE
from cmopt.dialects.edge.canonicalization.cat_of_pools import CAT_OF_POOLS
from cmopt.dialects.edge.canonicalization.neutral import MUL, SUM
from cmopt.dialects.edge.canonicalization.pools import POOL
from cmopt.dialects.edge.canonicalization.scan import SCAN
from cmopt.dialects.edge.canonicalization.take_and_pad import (
    PAD,
    TAKE,
    WINDOW,
    PadBehindReshape,
    holds,
    stored_value,
)
from cmopt.dialects.permutations import compose, moves_no_byte
from cmopt.dialects.quant import DCastOp, UniformQuantizedType, quantized_element, requantized
from cmopt.dialects.shapes import (
    broadcast_shape,
    element_of,
    int_of,
    ints_of,
    numel,
    shape_of,
    with_element,
)


class DropIdentity(RewritePattern):
    """Drop a movement or dim-order change that changes neither the type nor the order."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self,
        op: ReshapeOp | PermuteOp | SliceOp | ExpandOp | ToDimOrderOp,
        rewriter: PatternRewriter,
    ) -> None:
        if op.input.type != op.output.type:
            return
        if isinstance(op, PermuteOp) and not moves_no_byte(shape_of(op.input), ints_of(op.perm)):
            return
        rewriter.replace(op, (), (op.input,))


class ComposeReshapes(RewritePattern):
    """`reshape(reshape(x))` → `reshape(x)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if isinstance(producer, ReshapeOp) and not is_per_axis(op.input.type):
            rewriter.replace(op, ReshapeOp([producer.input], op.output.type))


class ComposePermutes(RewritePattern):
    """`permute(permute(x, p), q)` → `permute(x, p ∘ q)`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if isinstance(producer, PermuteOp):
            composed = compose(ints_of(producer.perm), ints_of(op.perm))
            rewriter.replace(op, PermuteOp.of(producer.input, composed))


class PermuteToReshape(RewritePattern):
    """A permute that moves only dimensions of size 1 moves no byte: it is a reshape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter) -> None:
        if is_per_axis(op.input.type) or op.input.type == op.output.type:
            return
        if moves_no_byte(shape_of(op.input), ints_of(op.perm)):
            rewriter.replace(op, ReshapeOp([op.input], op.output.type))


class FoldMovedConstant(RewritePattern):
    """Move constants at compile time. A quantized axis moves with them."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: ReshapeOp | PermuteOp | SliceOp | TakeOp | PadOp, rewriter: PatternRewriter
    ) -> None:
        if (values := constant_of(op.input)) is None:
            return
        if isinstance(op, PermuteOp):
            values = np.transpose(values, ints_of(op.perm))
        elif isinstance(op, SliceOp):
            dim, start = int_of(op.dim), int_of(op.start)
            values = values.take(range(start, start + shape_of(op.output)[dim]), axis=dim)
        elif isinstance(op, TakeOp):
            values = values.take(ints_of(op.indices), axis=int_of(op.dim))
        elif isinstance(op, PadOp):
            widths = list(zip(ints_of(op.low), ints_of(op.high), strict=True))
            values = np.pad(values, widths, constant_values=stored_value(op))
        moved = np.asarray(values, order="C").reshape(shape_of(op.output))
        ops, value = typed_constant(moved, op.output.type, op.input.name_hint)
        rewriter.replace(op, ops, (value,))


class ExpandToReshape(RewritePattern):
    """An expand that repeats nothing only adds dimensions of size 1: it is a reshape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ExpandOp, rewriter: PatternRewriter) -> None:
        if numel(shape_of(op.input)) == numel(shape_of(op.output)):
            rewriter.replace(op, ReshapeOp([op.input], op.output.type))


class DropExpandOfOperand(RewritePattern):
    """`add(expand(x), y)` → `add(x, y)` if the result has the same shape without it."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BinaryOp, rewriter: PatternRewriter) -> None:
        for index, value in enumerate(op.operands):
            producer, other = value.owner, op.operands[1 - index]
            if not isinstance(producer, ExpandOp):
                continue
            if broadcast_shape(shape_of(producer.input), shape_of(other)) == shape_of(op.output):
                op.operands[index] = producer.input
                rewriter.notify_op_modified(op)
                return


class SinkDequantize(RewritePattern):
    """`move(dcast(x))` → `dcast(move(x))`: moving int8 is cheaper than moving float32."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MovementOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if not isinstance(producer, DCastOp):
            return
        source = producer.input
        if isinstance(op, PadOp) and not holds(source.type, op.value):
            return
        if is_per_axis(source.type) and not isinstance(op, PermuteOp | ReshapeOp):
            return
        try:
            moved = op.inferred([source], op.properties, shape=shape_of(op.output))
        except VerifyException:  # the quantized axis would be split or merged
            return
        rewriter.replace(op, [moved, DCastOp(moved.output, op.output.type)])


def is_per_axis(type: object) -> bool:
    """Whether a tensor type is quantized along one of its dimensions."""
    element = type.element_type if isinstance(type, TensorType) else None
    return isinstance(element, UniformQuantizedType) and element.is_per_axis


class SinkDequantizeThroughCat(RewritePattern):
    """`cat(dcast(a), dcast(b), …)` → `dcast(cat(a, b, …))` where all are of one quantized type."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CatOp, rewriter: PatternRewriter) -> None:
        sources = [v.owner.input for v in op.inputs if isinstance(v.owner, DCastOp)]
        elements = {element_of(source) for source in sources}
        if len(sources) != len(op.inputs) or len(elements) != 1 or is_per_axis(sources[0].type):
            return
        joined = CatOp.of(sources, int_of(op.dim))
        rewriter.replace(op, [joined, DCastOp(joined.output, op.output.type)])


class RequantizeCatOperands(RewritePattern):
    """Requantize each operand of a quantized cat to the result's parameters."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CatOp, rewriter: PatternRewriter) -> None:
        element = quantized_element(op.output.type)
        if element is None or all(quantized_element(v.type) == element for v in op.inputs):
            return
        parts = [requantized(value, with_element(value.type, element)) for value in op.inputs]
        joined = CatOp.of([value for _, value in parts], int_of(op.dim))
        rewriter.replace(op, [*chain.from_iterable(ops for ops, _ in parts), joined])


class DropTrivialCat(RewritePattern):
    """A cat of one tensor becomes that tensor. Empty operands are dropped."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CatOp, rewriter: PatternRewriter) -> None:
        parts = [v for v in op.inputs if numel(shape_of(v))]
        if len(parts) == 1 and parts[0].type == op.output.type:
            rewriter.replace(op, (), (parts[0],))
        elif parts and len(parts) < len(op.inputs):
            rewriter.replace(op, CatOp([parts], op.output.type, op.properties))


CANONICALIZATION: dict[type[IRDLOperation], tuple[RewritePattern, ...]] = {
    Conv2dOp: WINDOW,
    MaxPool2dOp: (*POOL, *WINDOW),
    AvgPool2dOp: POOL,
    PadOp: (*PAD, FoldMovedConstant(), SinkDequantize()),
    TakeOp: (*TAKE, FoldMovedConstant(), SinkDequantize()),
    ReshapeOp: (
        DropIdentity(),
        ComposeReshapes(),
        FoldMovedConstant(),
        SinkDequantize(),
        PadBehindReshape(),
    ),
    BinaryOp: (DropExpandOfOperand(),),
    AddOp: (DropExpandOfOperand(), *SUM),
    MulOp: (DropExpandOfOperand(), *MUL),
    SubOp: (DropExpandOfOperand(), *SUM),
    PermuteOp: (
        DropIdentity(),
        ComposePermutes(),
        PermuteToReshape(),
        FoldMovedConstant(),
        SinkDequantize(),
    ),
    ExpandOp: (DropIdentity(), ExpandToReshape(), SinkDequantize()),
    ToDimOrderOp: (DropIdentity(),),
    ScanOp: SCAN,
    SliceOp: (DropIdentity(), FoldMovedConstant(), *SLICE, SinkDequantize()),
    CatOp: (
        DropTrivialCat(),
        *CAT,
        *CAT_OF_POOLS,
        SinkDequantizeThroughCat(),
        RequantizeCatOperands(),
    ),
}
"""Patterns by op class. An op takes those of the nearest class that it derives from."""

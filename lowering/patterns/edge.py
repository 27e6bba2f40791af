"""Canonicalization of `edge`: the algebra of reshape and permute, and constants through it.

Every rule here is exact for any element type: data movement commutes with per-element casts.
"""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import PermuteOp, ReshapeOp, ToDimOrderOp
from cmopt.dialects.quant import DCastOp, UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import ints_of, shape_of
from cmopt.lowering.constants import constant_of, typed_constant


def moves_no_byte(shape: tuple[int, ...], perm: tuple[int, ...]) -> bool:
    """Whether a permutation only moves dimensions of size 1: the others keep their order."""
    kept = [p for p in perm if shape[p] != 1]
    return kept == sorted(kept)


class DropIdentity(RewritePattern):
    """A reshape, permute or dim-order change between equal types is its operand."""

    @op_type_rewrite_pattern
    def match_and_rewrite(
        self, op: ReshapeOp | PermuteOp | ToDimOrderOp, rewriter: PatternRewriter
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
            inner = ints_of(producer.perm)
            rewriter.replace(op, PermuteOp.of(producer.input, [inner[i] for i in ints_of(op.perm)]))


class PermuteToReshape(RewritePattern):
    """A permute that moves only dimensions of size 1 moves no byte: it is a reshape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter) -> None:
        if is_per_axis(op.input.type) or op.input.type == op.output.type:
            return
        if moves_no_byte(shape_of(op.input), ints_of(op.perm)):
            rewriter.replace(op, ReshapeOp([op.input], op.output.type))


class FoldMovedConstant(RewritePattern):
    """Reshape and permute constants ahead of time; a quantized axis moves along."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp | PermuteOp, rewriter: PatternRewriter) -> None:
        if (values := constant_of(op.input)) is None:
            return
        if isinstance(op, PermuteOp):
            values = np.transpose(values, ints_of(op.perm))
        moved = np.asarray(values, order="C").reshape(shape_of(op.output))
        ops, value = typed_constant(moved, op.output.type, op.input.name_hint)
        rewriter.replace(op, ops, (value,))


class SinkDequantize(RewritePattern):
    """`move(dcast(x))` → `dcast(move(x))`: moving int8 is cheaper than moving float32."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp | PermuteOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if not isinstance(producer, DCastOp) or is_per_axis(producer.input.type):
            return
        source = producer.input
        element = quantized_element(source.type)
        assert element is not None
        moved_type = TensorType(element, shape_of(op.output))
        moved = type(op)([source], moved_type, dict(op.properties))
        rewriter.replace(op, [moved, DCastOp(moved.output, op.output.type)])


def is_per_axis(type: object) -> bool:
    """Whether a tensor type is quantized along one of its dimensions."""
    element = type.element_type if isinstance(type, TensorType) else None
    return isinstance(element, UniformQuantizedType) and element.is_per_axis


CANONICALIZATION: dict[str, tuple[RewritePattern, ...]] = {
    ReshapeOp.name: (DropIdentity(), ComposeReshapes(), FoldMovedConstant(), SinkDequantize()),
    PermuteOp.name: (
        DropIdentity(),
        ComposePermutes(),
        PermuteToReshape(),
        FoldMovedConstant(),
        SinkDequantize(),
    ),
    ToDimOrderOp.name: (DropIdentity(),),
}

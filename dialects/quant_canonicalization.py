"""Canonicalization of `quant`: casts that undo each other, casts of constants."""

from __future__ import annotations

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.arrays import quantize
from cmopt.dialects.constants import float_constant_of, typed_constant
from cmopt.dialects.quant import DCastOp, QCastOp, SCastOp, quantized_element


class FoldQuantizeOfDequantize(RewritePattern):
    """`qcast(dcast(x))` → `x` if the types are equal: float32 holds each stored value."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if isinstance(producer, DCastOp) and producer.input.type == op.output.type:
            element = quantized_element(op.output.type)
            assert element is not None
            # Beyond 24 bits float32 no longer holds every integer.
            if element.storage.width.data <= 16:
                rewriter.replace(op, (), (producer.input,))


class FoldQuantizeOfConstant(RewritePattern):
    """`qcast(constant)` → `scast(constant)` of the quantized values."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        source = producer.input if isinstance(producer, DCastOp) else op.input
        if (values := float_constant_of(source)) is None:
            return
        element = quantized_element(op.output.type)
        assert element is not None
        ops, value = typed_constant(quantize(values, element), op.output.type, source.name_hint)
        rewriter.replace(op, ops, (value,))


class FoldStorageCasts(RewritePattern):
    """`scast(scast(x))` → `x` if it has the type of the result."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SCastOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if not isinstance(producer, SCastOp):
            return
        if producer.input.type == op.output.type:
            rewriter.replace(op, (), (producer.input,))


CANONICALIZATION: tuple[RewritePattern, ...] = (
    FoldQuantizeOfDequantize(),
    FoldQuantizeOfConstant(),
    FoldStorageCasts(),
)

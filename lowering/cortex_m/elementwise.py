"""Functions of one int8 tensor → quantized_activation (a lookup table)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.cortex_m import QuantizedActivationOp
from cmopt.dialects.edge import UnaryOp
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.arrays import dequantize, quantize
from cmopt.interpreters.functions import apply_unary
from cmopt.lowering.cortex_m.common import Builder, element, int8_tensor

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)


def replace_by_lookup(
    op: Operation, source: SSAValue, table: NDArray[np.generic], rewriter: PatternRewriter
) -> None:
    """Replace `op` by a lookup of `source` in a 256-entry table."""
    build = Builder(op, rewriter)
    operands = [build.storage(source), build.constant(table, "lut")]
    build.finish(QuantizedActivationOp(operands, int8_tensor(shape_of(op.results[0])), {}))


class ConvertUnary(RewritePattern):
    """Any elementwise function of one int8 tensor → quantized_activation; at most 1 step.

    Exact but for the last float32 bits of the function itself.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnaryOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.input.type) is None:
            return
        result = apply_unary(op, dequantize(EVERY_INT8, element(op.input)))
        if result is not None:
            replace_by_lookup(op, op.input, quantize(result, element(op.output)), rewriter)


class ConvertRequantize(RewritePattern):
    """`qcast(dcast(x))` between two int8 types → quantized_activation; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        producer = op.input.owner
        if not isinstance(producer, DCastOp):
            return
        source, target = element(producer.input), element(op.output)
        if is_int8(source) and is_int8(target):
            table = quantize(dequantize(EVERY_INT8, source), target)
            replace_by_lookup(op, producer.input, table, rewriter)


def is_int8(type: UniformQuantizedType) -> bool:
    """Stored in 8 bits, one scale for the whole tensor."""
    return type.storage.width.data == 8 and not type.is_per_axis


PATTERNS: tuple[RewritePattern, ...] = (ConvertUnary(),)

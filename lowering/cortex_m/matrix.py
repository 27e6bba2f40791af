"""edge.matmul and edge.softmax → quantized_batch_matmul, softmax."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerType, TensorType, f32
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.dialects.cortex_m import QuantizedBatchMatmulOp
from cmopt.dialects.cortex_m import SoftmaxOp as SoftmaxKernelOp
from cmopt.dialects.edge import MatmulOp, SoftmaxOp
from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    UniformQuantizedType,
    qtype_of,
    quantized_element,
)
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.common import Builder, int8_tensor
from cmopt.support.targets import Isa

PROBABILITY = UniformQuantizedType.get(IntegerType(8), 1 / 256, -128)
"""The only type the softmax kernel gives."""

_DIFFERENCE_BITS = 26
"""Fraction bits of a difference to the greatest element; CMSIS-NN keeps 5 integer bits of it."""


@dataclass
class ConvertMatmul(RewritePattern):
    """edge.matmul with a transposed rhs → quantized_batch_matmul; at most 1 step."""

    isa: Isa

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None or not int_of(op.transposed_rhs):
            return
        build = Builder(op, rewriter)
        lhs, rhs, output = (
            qtype_of(op.lhs),
            qtype_of(op.rhs),
            qtype_of(op.output),
        )
        *batch, rows, depth = shape_of(op.lhs)
        items, columns = numel(batch), shape_of(op.rhs)[-2]
        multiplier, shift = fixed_point(lhs.scale * rhs.scale / output.scale)
        product = build.add(
            QuantizedBatchMatmulOp(
                [
                    build.view(build.storage(op.lhs), (items, rows, depth)),
                    build.view(build.storage(op.rhs), (items, columns, depth)),
                    build.scratch(scratch.batch_matmul(self.isa, columns, depth)),
                ],
                int8_tensor((items, rows, columns)),
                {
                    "lhs_zero_point": -lhs.zero_point,
                    "rhs_zero_point": -rhs.zero_point,
                    "output_zero_point": output.zero_point,
                    "output_multiplier": multiplier,
                    "output_shift": shift,
                },
            )
        )
        build.finish(build.view(product, shape_of(op.output)))


class SoftmaxThenRequantize(RewritePattern):
    """A softmax to another type → the softmax the kernel has, then a requantization.

    At most 1 step of 1/256 before that.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SoftmaxOp, rewriter: PatternRewriter) -> None:
        target = quantized_element(op.output.type)
        if target is None or target == PROBABILITY:
            return
        shape = shape_of(op.output)
        softmax = SoftmaxOp([op.input], TensorType(PROBABILITY, shape), dict(op.properties))
        real = DCastOp(softmax.output, TensorType(f32, shape))
        rewriter.replace(op, [softmax, real, QCastOp(real.output, op.output.type)])


class ConvertSoftmax(RewritePattern):
    """edge.softmax over the last dimension → softmax; at most 1 step."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SoftmaxOp, rewriter: PatternRewriter) -> None:
        rank = len(shape_of(op.input))
        if quantized_element(op.output.type) != PROBABILITY or int_of(op.dim) != rank - 1:
            return
        build = Builder(op, rewriter)
        source = qtype_of(op.input)
        multiplier, shift, diff_min = difference_scale(source.scale)
        properties = {
            "dim": rank - 1,
            "input_zero_point": source.zero_point,
            "output_zero_point": -128,
            "input_multiplier": multiplier,
            "input_shift": shift,
            "diff_min": diff_min,
        }
        type = int8_tensor(shape_of(op.output))
        build.finish(SoftmaxKernelOp([build.storage(op.input)], type, properties))


def difference_scale(scale: float) -> tuple[int, int, int]:
    """(multiplier, shift, least difference) with which the kernel scales differences of inputs.

    As TensorFlow Lite prepares them: differences in Q5.26, those beyond the range of 5 bits
    count as nothing.
    """
    multiplier, shift = fixed_point(min(scale * (1 << _DIFFERENCE_BITS), (1 << 31) - 1.0))
    largest = ((1 << 31 - _DIFFERENCE_BITS) - 1) * (1 << _DIFFERENCE_BITS) / (1 << shift)
    return multiplier, shift, -math.floor(largest)

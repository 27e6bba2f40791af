"""edge.matmul and edge.softmax → quantized_batch_matmul, softmax."""

from __future__ import annotations

import math

from xdsl.dialects.builtin import IntegerType
from xdsl.ir import SSAValue

from cmopt.arithmetic.accumulators import output_factors, product_overflow
from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.arithmetic.lookup_tables import requantization_table
from cmopt.dialects.cortex_m import QuantizedBatchMatmulOp
from cmopt.dialects.cortex_m import SoftmaxOp as SoftmaxKernelOp
from cmopt.dialects.cortex_m.limits import LONGEST_SOFTMAX, SMALLEST_SOFTMAX_SCALE
from cmopt.dialects.edge import MatmulOp, SoftmaxOp
from cmopt.dialects.quant import UniformQuantizedType, qtype_of
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.cortex_m import scratch
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.weights import require_int8

PROBABILITY = UniformQuantizedType.get(IntegerType(8), 1 / 256, -128)
"""The only result type of the softmax kernel."""

_DIFFERENCE_BITS = 26
"""Fraction bits of a difference to the greatest element; CMSIS-NN keeps 5 integer bits of it."""


def matmul(op: MatmulOp, b: KernelBuilder) -> SSAValue:
    """edge.matmul with a transposed rhs → quantized_batch_matmul; at most 1 step."""
    require_int8(op.lhs, op.rhs, op.output)
    if (reason := product_overflow(op)) is not None:
        raise Unsupported(reason)
    lhs, rhs, output = qtype_of(op.lhs), qtype_of(op.rhs), qtype_of(op.output)
    *batch, rows, depth = shape_of(op.lhs)
    items, columns = numel(batch), shape_of(op.rhs)[-2]
    multiplier, shift = fixed_point(float(output_factors(lhs.scale * rhs.scale, output.scale)))
    product = b.add(
        QuantizedBatchMatmulOp(
            [
                b.view(b.value(op.lhs), (items, rows, depth)),
                b.view(b.value(op.rhs), (items, columns, depth)),
                b.scratch(scratch.batch_matmul(b.isa, columns, depth)),
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
    return b.view(product, shape_of(op.output))


def softmax(op: SoftmaxOp, b: KernelBuilder) -> SSAValue:
    """edge.softmax over the last dimension → softmax; at most 1 step of 1/256.

    A requantization follows if the result has another type than the kernel's.
    """
    last = len(shape_of(op.input)) - 1
    if (row := shape_of(op.input)[int_of(op.dim)]) > LONGEST_SOFTMAX:
        raise Unsupported(
            f"the softmax kernel is defined for rows of {LONGEST_SOFTMAX} at most, not {row}"
        )
    require_int8(op.input, op.output)
    source, target = qtype_of(op.input), qtype_of(op.output)
    if source.scale < SMALLEST_SOFTMAX_SCALE:
        raise Unsupported("the input's scale is too small")
    multiplier, shift, diff_min = difference_scale(source.scale)
    properties = {
        "dim": last,
        "input_zero_point": source.zero_point,
        "output_zero_point": -128,
        "input_multiplier": multiplier,
        "input_shift": shift,
        "diff_min": diff_min,
    }
    type = int8_tensor(shape_of(op.output))
    value = b.add(SoftmaxKernelOp([b.value(op.input)], type, properties))
    if target == PROBABILITY:
        return value
    return b.lookup(value, requantization_table(PROBABILITY, target))


def difference_scale(scale: float) -> tuple[int, int, int]:
    """(multiplier, shift, least difference) for the kernel to scale differences of inputs.

    As in TensorFlow Lite: differences are in Q5.26, and those beyond 5 integer bits add nothing.
    """
    multiplier, shift = fixed_point(min(scale * (1 << _DIFFERENCE_BITS), (1 << 31) - 1.0))
    largest = ((1 << 31 - _DIFFERENCE_BITS) - 1) * (1 << _DIFFERENCE_BITS) / (1 << shift)
    return multiplier, shift, -math.floor(largest)

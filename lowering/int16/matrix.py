"""edge.matmul and edge.softmax on int16 → quantized_batch_matmul, softmax."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import SSAValue

from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.arithmetic.interpolated_tables import Int16Array, Spacing, places
from cmopt.dialects import cmopt as own
from cmopt.dialects.edge import MatmulOp, SoftmaxOp
from cmopt.dialects.quant import UniformQuantizedType, qtype_of
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.int16.values import int16_tensor, own_call, requantize, require_int16
from cmopt.lowering.rules import Unsupported

PROBABILITY = UniformQuantizedType.get(IntegerType(16), 1 / 32768, 0)
"""The only result type of the softmax kernel."""

FARTHEST = 12.0
"""Distances from the maximum beyond this have an exponential of 0: e^-12 is 0.2 of 1/32768."""


def matmul(op: MatmulOp, b: KernelBuilder) -> SSAValue:
    """edge.matmul with a transposed rhs → quantized_batch_matmul; at most 2 steps."""
    require_int16(op.lhs, op.rhs, op.output)
    factor = qtype_of(op.lhs).scale * qtype_of(op.rhs).scale / qtype_of(op.output).scale
    multiplier, shift = fixed_point(factor)
    if shift > 14:
        raise Unsupported("the output's scale is too small for the kernel's shifts")
    *batch, rows, depth = shape_of(op.lhs)
    items, columns = numel(batch), shape_of(op.rhs)[-2]
    product = own.QuantizedBatchMatmulOp(
        [
            b.view(b.value(op.lhs), (items, rows, depth)),
            b.view(b.value(op.rhs), (items, columns, depth)),
        ],
        int16_tensor((items, rows, columns)),
        {"output_multiplier": multiplier, "output_shift": shift},
    )
    return b.view(own_call(b, product), shape_of(op.output))


def softmax(op: SoftmaxOp, b: KernelBuilder) -> SSAValue:
    """edge.softmax over the last dimension → softmax; at most 2 steps of 1/32768.

    Each of the row's exponentials is off by a step at most, and so is their sum by the square root
    of their number on average. Another result type takes a requantization.
    """
    require_int16(op.input, op.output)
    row = shape_of(op.input)[int_of(op.dim)]
    if not 1 <= row <= own.LONGEST_WIDE_SOFTMAX:
        raise Unsupported(f"a softmax takes rows of 1 to {own.LONGEST_WIDE_SOFTMAX}, not {row}")
    multiplier, shift = fixed_point(qtype_of(op.input).scale * 65535 / FARTHEST)
    if shift > 14:
        raise Unsupported("the input's scale is too large")
    operands = [b.value(op.input), b.constant(exponentials(), "exponentials")]
    numbers = {"input_multiplier": multiplier, "input_shift": shift}
    shares = own.SoftmaxOp(operands, int16_tensor(shape_of(op.output)), numbers)
    return requantize(b, own_call(b, shares), PROBABILITY, qtype_of(op.output))


def exponentials() -> Int16Array:
    """The table of `cmopt.softmax`: `e^-x` in units of 1/32767, from `FARTHEST` to 0.

    Each entry is moved by half the error of the interpolation in the middle behind it.
    """
    distances = (places(Spacing.UNIFORM) - 32767) * FARTHEST / 65535
    exact = 32767 * np.exp(np.minimum(distances, 0))
    middle = 32767 * np.exp(np.minimum(distances + 64 * FARTHEST / 65535, 0))
    bend = middle - (exact + np.append(exact[1:], exact[-1])) / 2
    entries = np.rint(exact + bend / 2)
    entries[0] = 0
    entries[-2:] = np.rint(exact[-2:])
    table: Int16Array = entries.astype(np.int16)
    return table

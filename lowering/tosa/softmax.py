"""edge.softmax → exponentials from tables, their sum, and its reciprocal by one Newton step.

All in 32-bit integers, with the operators of a U55, which has neither a division nor a select.
"""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import I32, IntegerAttr, i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects import tosa
from cmopt.dialects.edge import SoftmaxOp
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import int_of, numel, shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.builder import RegionBuilder, like
from cmopt.lowering.tosa.elementwise import wide_table
from cmopt.lowering.weights import require_int8

EXPONENT_BITS = 22
"""Bits of an exponential; fewer if a long row's sum would exceed 31 bits."""

SEED_BITS = 14
"""A normalized sum in [2^30, 2^31) has a reciprocal 2^45 / sum in (2^14, 2^15]."""


def softmax(op: SoftmaxOp, b: RegionBuilder) -> SSAValue:
    """`exp(x - max) / Σ exp(x - max)`; ≤ 1 step.

    Exponentials are exact to 2^-22 (less in rows of over 256), and the reciprocal to 2^-14.
    """
    require_int8(op.input, op.output)
    shape, dim = shape_of(op.input), int_of(op.dim)
    size = shape[dim]
    bits = min(EXPONENT_BITS, 30 - (size - 1).bit_length())
    if bits < SEED_BITS:
        raise Unsupported(f"a softmax over {size} elements leaves its sum too few bits")
    # As a matrix whose rows are summed; the NPU reduces the last dimension fastest.
    last = [d for d in range(len(shape)) if d != dim] + [dim]
    moved = b.transpose(b.value(op.input), last)
    rows = b.reshape(moved, (1, numel(shape) // size, size))
    powers = _exponentials(rows, qtype_of(op.input).scale, bits, b)
    shares = _shares(powers, b)
    output = qtype_of(op.output)
    result = b.rescale(shares, 2.0**-30 / output.scale, output_zp=output.zero_point)
    result = b.reshape(result, shape_of(moved))
    return b.transpose(result, [last.index(d) for d in range(len(shape))])


def _exponentials(rows: SSAValue, scale: float, bits: int, b: RegionBuilder) -> SSAValue:
    """`exp(scale · (x - max of the row)) · 2^bits` in int32."""
    largest = _reduce(tosa.ReduceMaxOp, rows, b)
    wide = [b.rescale(value, 1.0, to=i32) for value in (rows, largest)]
    distance = b.arithmetic(tosa.SubOp, *wide)  # -255 … 0
    index = b.rescale(distance, 1.0, output_zp=127)
    entries = np.exp(scale * (EVERY_INT8.astype(np.float64) - 127)) * (1 << bits)
    return wide_table(index, np.rint(entries).astype(np.int64), b)


def _shares(powers: SSAValue, b: RegionBuilder) -> SSAValue:
    """Each element of a row divided by the row's sum, in units of 2^-30."""
    total = _reduce(tosa.ReduceSumOp, powers, b)
    zeros = b.add(tosa.ClzOp([total], total.type))
    shift = b.arithmetic(tosa.SubOp, zeros, _number(1, b))
    total, powers = (b.arithmetic(tosa.LogicalLeftShiftOp, v, shift) for v in (total, powers))
    # Now 2^30 ≤ total < 2^31, and the powers have the same ratios to it.
    middle = _number(3 << 29, b)
    index = b.rescale(b.arithmetic(tosa.SubOp, total, middle), 2.0**-23)
    sums = ((3 << 29) + EVERY_INT8.astype(np.float64) * (1 << 23)).clip(1 << 30, (1 << 31) - 1)
    seed = wide_table(index, np.rint(2.0**45 / sums).astype(np.int64), b)
    # Newton: r · (2 - total · r / 2^45), with total · r / 2^45 in units of 2^-29.
    product = b.multiply(total, seed, 16)
    correction = b.arithmetic(tosa.SubOp, _number(1 << 30, b), product)
    reciprocal = b.multiply(seed, correction, 21)  # 2^53 / total, in (2^22, 2^23]
    return b.multiply(powers, reciprocal, 23)


def _number(value: int, b: RegionBuilder) -> SSAValue:
    return b.constant(np.full((1, 1, 1), value, np.int32))


def _reduce(kind: type[Operation], value: SSAValue, b: RegionBuilder) -> SSAValue:
    """A reduction of the last dimension."""
    shape = shape_of(value)
    axis: IntegerAttr[I32] = IntegerAttr(len(shape) - 1, i32)
    type = like(value, (*shape[:-1], 1))
    return b.add(kind.create(operands=[value], result_types=[type], properties={"axis": axis}))

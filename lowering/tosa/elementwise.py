"""Elementwise `edge` ops → tables, clamps and 32-bit arithmetic between rescales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import TensorType, i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.accumulators import binary_overflow, output_factors, sum_factor
from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.functions import clamp_bounds
from cmopt.arithmetic.lookup_tables import EVERY_INT8, lookup_of
from cmopt.dialects import tosa
from cmopt.dialects.cortex_m import ADD_LEFT_SHIFT
from cmopt.dialects.edge import (
    AddOp,
    BinaryOp,
    DivOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    SubOp,
)
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.divisors import may_be_zero
from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.tables import i16, int16_table
from cmopt.lowering.weights import require_int8

LARGEST_RECIPROCAL = (1 << 15) - 1

ALL_STEPS = 256.0
"""More steps than a result of int8 has."""

LARGEST_ERROR = 0.25
"""In steps, from the rounding of reciprocals."""

REST_BITS = 8
"""Bits of the second table of reciprocals below those of the first."""

FRACTION_BITS = 6
"""Bits of a part of a quotient, in int16, below those of its sum."""


def function_of_one(op: Operation, b: RegionBuilder) -> SSAValue:
    """Any function of one int8 tensor → a table; a clamp on one type → a clamp; ≤ 1 step.

    Exact except for the last float32 bits of the function itself.
    """
    if (found := lookup_of(op)) is None:
        raise Unsupported("is not a function of one int8 tensor")
    source, entries = found
    value = b.value(source)
    if clamp_bounds(op) is not None and qtype_of(source) == qtype_of(op.results[0]):
        return b.clamp(value, int(entries.min()), int(entries.max()))
    return b.table(value, entries)


def binary(op: BinaryOp, b: RegionBuilder) -> SSAValue:
    """A function of two int8 tensors; of a tensor and one number, a table."""
    require_int8(op.lhs, op.rhs, op.output)
    if lookup_of(op) is not None:
        return function_of_one(op, b)
    if (rule := rule_of(op, BINARY)) is None:
        raise Unsupported(f"{op.name} has no form in TOSA")
    if (reason := binary_overflow(op)) is not None:
        raise Unsupported(reason)
    return rule(op, b)


def _operand(value: SSAValue, op: BinaryOp, b: RegionBuilder) -> SSAValue:
    """The stored integers of an operand, of the result's rank."""
    shape, rank = shape_of(value), len(shape_of(op.output))
    return b.reshape(b.value(value), (1,) * (rank - len(shape)) + shape)


def _clamped(op: BinaryOp, value: SSAValue, b: RegionBuilder) -> SSAValue:
    return b.clamp(value, *activation_range(op, qtype_of(op.output)))


def add(op: AddOp | SubOp, b: RegionBuilder) -> SSAValue:
    """Rescale to 2^-20 of twice the larger scale, add or subtract, rescale; ≤ 1 step.

    Operands of one scale need no rescale: Vela computes their sum in one operation.
    """
    scales = qtype_of(op.lhs).scale, qtype_of(op.rhs).scale
    common, total_factor = max(scales), sum_factor(op)
    if scales[0] != scales[1]:
        common *= 2 / (1 << ADD_LEFT_SHIFT)
    else:
        total_factor *= (1 << ADD_LEFT_SHIFT) // 2
    wide = [
        b.rescale(
            _operand(value, op, b), qtype_of(value).scale / common, to=i32,
            input_zp=qtype_of(value).zero_point,
        )
        for value in (op.lhs, op.rhs)
    ]  # fmt: skip
    kind = tosa.SubOp if isinstance(op, SubOp) else tosa.AddOp
    total, output = b.arithmetic(kind, *wide), qtype_of(op.output)
    return _clamped(op, b.rescale(total, total_factor, output_zp=output.zero_point), b)


def _without_zero_point(value: SSAValue, op: BinaryOp, b: RegionBuilder) -> SSAValue:
    stored = _operand(value, op, b)
    return b.rescale(stored, 1.0, to=i32, input_zp=qtype_of(value).zero_point)


def _product(op: BinaryOp, operands: Sequence[SSAValue], factor: float, b: RegionBuilder
             ) -> SSAValue:  # fmt: skip
    lhs, rhs = operands
    product = b.multiply(lhs, rhs)
    return _clamped(op, b.rescale(product, factor, output_zp=qtype_of(op.output).zero_point), b)


def mul(op: MulOp, b: RegionBuilder) -> SSAValue:
    """The product of the stored integers minus their zero points, rescaled; ≤ 1 step."""
    operands = [_without_zero_point(value, op, b) for value in (op.lhs, op.rhs)]
    steps = qtype_of(op.lhs).scale * qtype_of(op.rhs).scale
    factor = float(output_factors(steps, qtype_of(op.output).scale))
    return _product(op, operands, factor, b)


def div(op: DivOp, b: RegionBuilder) -> SSAValue:
    """The dividend times the divisor's reciprocal, an int16 from a table; ≤ 1 step.

    A unit of the reciprocals gives up to half an error of a step for each unit of the dividend. If
    that is too much for the largest dividend, a second table has the rest of the reciprocals. If
    the divisor may be 0, the reciprocal of 0 is so large that each dividend but 0 saturates. So
    x / 0 saturates with the sign of x, and 0 / 0 is 0.
    """
    lhs, rhs, output = (qtype_of(value) for value in (op.lhs, op.rhs, op.output))
    steps = EVERY_INT8.astype(np.int64) - rhs.zero_point
    factor = lhs.scale / (rhs.scale * output.scale)
    largest = ALL_STEPS if may_be_zero(op.rhs) else min(factor, ALL_STEPS)
    unit = largest / LARGEST_RECIPROCAL
    exact = np.where(steps == 0, np.inf, factor / unit / np.where(steps == 0, 1, steps))
    exact = exact.clip(-LARGEST_RECIPROCAL, LARGEST_RECIPROCAL)
    rounded = np.rint(exact).astype(np.int64)
    dividend = _product_with_one(b.rescale(_operand(op.lhs, op, b), 1.0, to=i32,
                                           input_zp=lhs.zero_point), 1.0, b)  # fmt: skip
    divisor = _operand(op.rhs, op, b)
    quotient = b.multiply(dividend, _reciprocal(divisor, rounded, b))
    if max(127 - lhs.zero_point, lhs.zero_point + 128) * unit / 2 > LARGEST_ERROR:
        rest = np.rint((exact - rounded) * (1 << REST_BITS)).astype(np.int64)
        more = b.multiply(dividend, _reciprocal(divisor, rest, b))
        parts = [
            b.rescale(b.rescale(part, unit * 2.0 ** (FRACTION_BITS - bits), to=i16), 1.0, to=i32)
            for part, bits in ((quotient, 0), (more, REST_BITS))
        ]
        quotient, unit = b.arithmetic(tosa.AddOp, *parts), 2.0**-FRACTION_BITS
    return _clamped(op, b.rescale(quotient, unit, output_zp=output.zero_point), b)


def _reciprocal(divisor: SSAValue, entries: NDArray[np.int64], b: RegionBuilder) -> SSAValue:
    """The int16 entry for each int8. One more between each two makes their steps fit int16."""
    every = np.interp(np.arange(513), np.arange(256) * 2, entries)
    return int16_table(_product_with_one(divisor, 256.0, b), np.rint(every).astype(np.int64), b)


def _product_with_one(value: SSAValue, factor: float, b: RegionBuilder) -> SSAValue:
    """int8 or int32 times a factor, as int16. Not shared, so that a table can be part of it."""
    one = b.constant(np.ones((1,) * len(shape_of(value)), np.int8))
    if element_of(value) == i32:
        one = b.rescale(one, 1.0, to=i32)
    type = TensorType(i32, shape_of(value))
    product = b.add(tosa.MulOp([value, one, b.number(0)], type), shared=False)
    return b.rescale(product, factor, to=i16)


def extremum(op: MinimumOp | MaximumOp, b: RegionBuilder) -> SSAValue:
    """Requantize operands to the result's type, by a table or at compile time, then compare; exact.

    Quantization is monotone, so the smaller operand also gives the smaller result.
    """
    target, wide = qtype_of(op.output), []
    for value in (op.lhs, op.rhs):
        shape, rank = shape_of(value), len(shape_of(op.output))
        stored = b.reshape(b.value_as(value, target), (1,) * (rank - len(shape)) + shape)
        wide.append(b.rescale(stored, 1.0, to=i32))
    kind = tosa.MinimumOp if isinstance(op, MinimumOp) else tosa.MaximumOp
    return _clamped(op, b.rescale(b.arithmetic(kind, *wide), 1.0), b)


BINARY: dict[type[BinaryOp], Rule] = {
    AddOp: add,
    SubOp: add,
    MulOp: mul,
    DivOp: div,
    MinimumOp: extremum,
    MaximumOp: extremum,
}
"""The rules of functions of two tensors, by the op's class."""

"""Elementwise `edge` ops → tables, clamps and 32-bit arithmetic between rescales."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from cmopt.arithmetic.accumulators import binary_overflow, sum_factor
from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.interpolated_tables import function_of_one
from cmopt.arithmetic.lookup_tables import EVERY_INT8, lookup_of
from cmopt.dialects import tosa
from cmopt.dialects.constants import float_constant_of
from cmopt.dialects.cortex_m import ADD_LEFT_SHIFT
from cmopt.dialects.edge import (
    AddOp,
    BinaryOp,
    ComparisonOp,
    DivOp,
    FloorDivideOp,
    FmodOp,
    MaximumOp,
    MinimumOp,
    MulOp,
    RemainderOp,
    SubOp,
    TruncDivideOp,
)
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.divisors import may_be_zero
from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.lowering.tosa.activations import are_int8, reach, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder, i16
from cmopt.lowering.tosa.functions import linear, one_tensor
from cmopt.lowering.tosa.masks import comparison
from cmopt.lowering.tosa.reciprocals import LARGEST_RECIPROCAL, reciprocal
from cmopt.lowering.tosa.scales import check_rescale, factors_to
from cmopt.lowering.tosa.whole_quotients import remainder, whole_quotient

ALL_STEPS = 256.0
"""More steps than a result of int8 has."""

LARGEST_ERROR = 0.25
"""In steps, from the rounding of reciprocals."""

WIDE_LEFT_SHIFT = 15
"""Bits of an operand with int16 below its last one."""

REST_BITS = 8
"""Bits of the second table of reciprocals below those of the first."""

FRACTION_BITS = 6
"""Bits of a part of a quotient, in int16, below those of its sum."""


def binary(op: BinaryOp, b: RegionBuilder) -> SSAValue:
    """A function of two tensors. With int8 only, one of a tensor and one number is a table."""
    require_activations(op.lhs, op.rhs, op.output)
    if are_int8(op.lhs, op.rhs, op.output) and lookup_of(op) is not None:
        return one_tensor(op, b)
    if (rule := rule_of(op, BINARY)) is None:
        raise Unsupported(f"{op.name} has no form in TOSA")
    if are_int8(op.lhs, op.rhs, op.output) and (reason := binary_overflow(op)) is not None:
        raise Unsupported(reason)
    return rule(op, b)


def _operand(value: SSAValue, op: BinaryOp, b: RegionBuilder) -> SSAValue:
    """The stored integers of an operand, of the result's rank."""
    return b.with_rank(b.value(value), len(shape_of(op.output)))


def add(op: AddOp | SubOp, b: RegionBuilder) -> SSAValue:
    """Rescale to 2^-20 of twice the larger scale, add or subtract, rescale; ≤ 1 step.

    With int16 it is 2^-15. Operands of one scale and no more than a quarter of the result's range
    need no rescale: Vela computes their sum in one operation.
    """
    scales, output = (qtype_of(op.lhs).scale, qtype_of(op.rhs).scale), qtype_of(op.output)
    common, narrow = max(scales), are_int8(op.lhs, op.rhs)
    if scales[0] != scales[1]:
        common *= 2.0 ** (1 - (ADD_LEFT_SHIFT if narrow else WIDE_LEFT_SHIFT))
    if are_int8(op.lhs, op.rhs, op.output):
        total_factor = sum_factor(op)
        if scales[0] == scales[1]:
            total_factor *= (1 << ADD_LEFT_SHIFT) // 2
    else:
        total_factor = float(factors_to(common, output))
        largest = sum(reach(v) * qtype_of(v).scale for v in (op.lhs, op.rhs)) / common
        check_rescale(largest, total_factor)
    wide = [
        b.rescale(
            _operand(value, op, b), qtype_of(value).scale / common, to=i32,
            input_zp=qtype_of(value).zero_point,
        )
        for value in (op.lhs, op.rhs)
    ]  # fmt: skip
    kind = tosa.SubOp if isinstance(op, SubOp) else tosa.AddOp
    return _finish(op, b.arithmetic(kind, *wide), total_factor, b)


def _finish(op: BinaryOp, value: SSAValue, factor: float, b: RegionBuilder) -> SSAValue:
    """The op's result from an int32 in steps of `factor` of the result's."""
    output = qtype_of(op.output)
    result = b.rescale(value, factor, output_zp=output.zero_point, to=output.storage)
    return b.clamp(result, *activation_range(op, output))


def _without_zero_point(value: SSAValue, op: BinaryOp, b: RegionBuilder) -> SSAValue:
    stored = _operand(value, op, b)
    return b.rescale(stored, 1.0, to=i32, input_zp=qtype_of(value).zero_point)


def mul(op: MulOp, b: RegionBuilder) -> SSAValue:
    """The product of the stored integers minus their zero points, rescaled; ≤ 1 step."""
    lhs, rhs = (_without_zero_point(value, op, b) for value in (op.lhs, op.rhs))
    steps = qtype_of(op.lhs).scale * qtype_of(op.rhs).scale
    factor = float(factors_to(steps, qtype_of(op.output)))
    if not are_int8(op.lhs, op.rhs, op.output):
        check_rescale(reach(op.lhs) * reach(op.rhs), factor)
    return _finish(op, b.multiply(lhs, rhs), factor, b)


def div(op: DivOp, b: RegionBuilder) -> SSAValue:
    """The dividend times the divisor's reciprocal, an int16 from a table; ≤ 1 step.

    A unit of the reciprocals gives up to half an error of a step for each unit of the dividend. If
    that is too much for the largest dividend, a second table has the rest of the reciprocals. If
    the divisor may be 0, the reciprocal of 0 is so large that each dividend but 0 saturates. So
    x / 0 saturates with the sign of x, and 0 / 0 is 0. With int16, see `_wide_division`.
    """
    if not are_int8(op.lhs, op.rhs, op.output):
        return _wide_division(op, b)
    lhs, rhs, output = (qtype_of(value) for value in (op.lhs, op.rhs, op.output))
    steps = EVERY_INT8.astype(np.int64) - rhs.zero_point
    factor = lhs.scale / (rhs.scale * output.scale)
    largest = ALL_STEPS if may_be_zero(op.rhs) else min(factor, ALL_STEPS)
    unit = largest / LARGEST_RECIPROCAL
    exact = np.where(steps == 0, np.inf, factor / unit / np.where(steps == 0, 1, steps))
    exact = exact.clip(-LARGEST_RECIPROCAL, LARGEST_RECIPROCAL)
    rounded = np.rint(exact).astype(np.int64)
    dividend = b.scaled(_operand(op.lhs, op, b), 1.0, to=i16, input_zp=lhs.zero_point)
    divisor = _operand(op.rhs, op, b)
    quotient = b.multiply(dividend, reciprocal(divisor, rounded, b))
    if max(127 - lhs.zero_point, lhs.zero_point + 128) * unit / 2 > LARGEST_ERROR:
        rest = np.rint((exact - rounded) * (1 << REST_BITS)).astype(np.int64)
        more = b.multiply(dividend, reciprocal(divisor, rest, b))
        parts = [
            b.rescale(b.rescale(part, unit * 2.0 ** (FRACTION_BITS - bits), to=i16), 1.0, to=i32)
            for part, bits in ((quotient, 0), (more, REST_BITS))
        ]
        quotient, unit = b.arithmetic(tosa.AddOp, *parts), 2.0**-FRACTION_BITS
    return _finish(op, quotient, unit, b)


def _wide_division(op: DivOp, b: RegionBuilder) -> SSAValue:
    """By a number, a linear function, ≤ 1 step; a number by a tensor, a table
    as of a function of one tensor."""
    divisor = float_constant_of(op.rhs)
    if divisor is None or divisor.size == 0 or (divisor != divisor.flat[0]).any():
        if function_of_one(op) is None:
            raise Unsupported("a division of two tensors takes int8")
        return one_tensor(op, b)
    number = float(divisor.reshape(-1).astype(np.float64)[0])
    if number == 0:
        raise Unsupported("divides int16 by zero")
    return linear(op, op.lhs, 1 / number, b)


def extremum(op: MinimumOp | MaximumOp, b: RegionBuilder) -> SSAValue:
    """Requantize operands to the result's type, then compare; exact for int8, else ≤ 1 step.

    Quantization is monotone, so the smaller operand also gives the smaller result.
    """
    target, wide = qtype_of(op.output), []
    for value in (op.lhs, op.rhs):
        stored = b.with_rank(b.value_as(value, target), len(shape_of(op.output)))
        wide.append(b.rescale(stored, 1.0, to=i32))
    kind = tosa.MinimumOp if isinstance(op, MinimumOp) else tosa.MaximumOp
    smaller = b.rescale(b.arithmetic(kind, *wide), 1.0, to=target.storage)
    return b.clamp(smaller, *activation_range(op, target))


BINARY: dict[type[BinaryOp], Rule] = {
    AddOp: add,
    SubOp: add,
    MulOp: mul,
    DivOp: div,
    FloorDivideOp: whole_quotient,
    TruncDivideOp: whole_quotient,
    RemainderOp: remainder,
    FmodOp: remainder,
    ComparisonOp: comparison,
    MinimumOp: extremum,
    MaximumOp: extremum,
}
"""The rules of functions of two tensors, by the op's class."""

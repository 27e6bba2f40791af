"""Elementwise `edge` ops → tables, clamps and 32-bit arithmetic between rescales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.accumulators import binary_overflow
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
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.divisors import is_zero, may_be_zero
from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.lowering.tosa.builder import RegionBuilder
from cmopt.lowering.tosa.tables import wide_table
from cmopt.lowering.weights import require_int8

RECIPROCAL_BITS = 22
"""Bits of a reciprocal in three tables: 2^22 times 255 fits in 31 bits."""


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
    """Rescale to 2^-20 of twice the larger scale, add or subtract, rescale; ≤ 1 step."""
    common = 2 * max(qtype_of(op.lhs).scale, qtype_of(op.rhs).scale) / (1 << ADD_LEFT_SHIFT)
    wide = [
        b.rescale(
            _operand(value, op, b), qtype_of(value).scale / common, to=i32,
            input_zp=qtype_of(value).zero_point,
        )
        for value in (op.lhs, op.rhs)
    ]  # fmt: skip
    kind = tosa.SubOp if isinstance(op, SubOp) else tosa.AddOp
    total, output = b.arithmetic(kind, *wide), qtype_of(op.output)
    return _clamped(op, b.rescale(total, common / output.scale, output_zp=output.zero_point), b)


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
    factor = qtype_of(op.lhs).scale * qtype_of(op.rhs).scale / qtype_of(op.output).scale
    return _product(op, operands, factor, b)


def div(op: DivOp, b: RegionBuilder) -> SSAValue:
    """The dividend times a 22-bit reciprocal from three tables, rescaled; ≤ 1 step.

    The tables give 0 for the reciprocal of 0. If the divisor may be 0, a term is added to the
    quotient, in steps of the output: 256 times the steps of the dividend if the divisor is 0, else
    0. So x / 0 saturates with the sign of x, and 0 / 0 is 0.
    """
    divisor, zero = _operand(op.rhs, op, b), qtype_of(op.rhs).zero_point
    steps = EVERY_INT8.astype(np.int64) - zero
    exact = np.where(steps == 0, 0, (1 << RECIPROCAL_BITS) / np.where(steps == 0, 1, steps))
    reciprocal = wide_table(divisor, np.rint(exact).astype(np.int64), b)
    dividend, output = _without_zero_point(op.lhs, op, b), qtype_of(op.output)
    scale = qtype_of(op.rhs).scale * output.scale * (1 << RECIPROCAL_BITS)
    quotient = _product(op, [dividend, reciprocal], qtype_of(op.lhs).scale / scale, b)
    if not may_be_zero(op.rhs):
        return quotient
    zeros = b.rescale(b.table(divisor, is_zero(op.rhs)), 256.0, to=i32)
    wide = b.rescale(quotient, 1.0, to=i32, input_zp=output.zero_point)
    total = b.arithmetic(tosa.AddOp, wide, b.multiply(dividend, zeros))
    return _clamped(op, b.rescale(total, 1.0, output_zp=output.zero_point), b)


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

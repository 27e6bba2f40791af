"""Divisions whose quotient is rounded to an integer, and their remainders, in int16."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerType, i8, i32
from xdsl.ir import SSAValue

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects import tosa
from cmopt.dialects.arrays import quantize
from cmopt.dialects.edge import BinaryOp, FloorDivideOp, FmodOp, RemainderOp, TruncDivideOp
from cmopt.dialects.quant import UniformQuantizedType, qtype_of
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.divisors import is_zero, may_be_zero
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import are_int8, reach
from cmopt.lowering.tosa.builder import RegionBuilder, i16
from cmopt.lowering.tosa.reciprocals import LARGEST_RECIPROCAL, reciprocal
from cmopt.lowering.tosa.scales import check_rescale, factors_to

REST_BITS = 7
"""Bits of the second table of reciprocals below those of the first."""

MOST_BITS = 13
"""The most bits of a quotient of int16 below its integer part."""

INT16 = (1 << 15) - 1

LARGEST_ERROR = 1 / 8
"""In steps of a remainder, from the rounding of the dividend."""


class Division:
    """The operands of a division of int8 tensors that rounds to integers.

    Raises Unsupported if a tensor is not int8.
    """

    def __init__(self, op: BinaryOp, b: RegionBuilder):
        if not are_int8(op.lhs, op.rhs, op.output):
            raise Unsupported("a division that rounds takes int8")
        self.op, self.b = op, b
        self.factor = qtype_of(op.lhs).scale / qtype_of(op.rhs).scale

    def aligned(self, value: SSAValue) -> SSAValue:
        """The stored integers of an operand, of the result's rank."""
        return self.b.with_rank(self.b.value(value), len(shape_of(self.op.output)))

    def scaled(self, value: SSAValue, factor: float, to: IntegerType = i16) -> SSAValue:
        """An operand without its zero point, times a factor."""
        zero_point = qtype_of(value).zero_point
        return self.b.scaled(self.aligned(value), factor, to=to, input_zp=zero_point)

    def reciprocals(self, largest: float) -> tuple[float, list[SSAValue]]:
        """The factor of the scales by the divisor: a unit and two int16. The first is in units, the
        second in units of 2^-REST_BITS of that. `largest`: a reciprocal beyond may be that."""
        steps = EVERY_INT8.astype(np.int64) - qtype_of(self.op.rhs).zero_point
        unit = largest / LARGEST_RECIPROCAL
        exact = np.where(steps == 0, np.inf, self.factor / unit / np.where(steps == 0, 1, steps))
        exact = exact.clip(-LARGEST_RECIPROCAL, LARGEST_RECIPROCAL)
        first = np.rint(exact).astype(np.int64)
        rest = np.rint((exact - first) * (1 << REST_BITS)).astype(np.int64)
        divisor = self.aligned(self.op.rhs)
        return unit, [reciprocal(divisor, entries, self.b) for entries in (first, rest)]

    def number(self, value: int, dtype: type[np.signedinteger[Any]]) -> SSAValue:
        """A constant of the result's rank."""
        return self.b.constant(np.full((1,) * len(shape_of(self.op.output)), value, dtype))

    @property
    def truncates(self) -> bool:
        """Whether quotients are rounded towards 0, else down."""
        return isinstance(self.op, TruncDivideOp | FmodOp)


def whole_quotient(op: FloorDivideOp | TruncDivideOp, b: RegionBuilder) -> SSAValue:
    """The dividend times a reciprocal of 22 bits, rounded to an integer, rescaled; ≤ 1 step.

    The quotient has int16, with at most MOST_BITS bits below its integer part. RESCALE rounds to
    the nearest, so half an integer is taken off first; a little less, such that the quotient of a
    multiple is not the integer below. So where the exact quotient is an integer, or below (away
    from 0: above) one by less than 2^-12 of the largest quotient that the result can hold, the
    result may be that of the next integer. A dividend that is not 0 by 0 saturates.
    """
    division, output = Division(op, b), qtype_of(op.output)
    ends = [abs(end - output.zero_point) * output.scale for end in output.storage_range]
    beyond = math.floor(max(ends)) + 1.0
    largest = beyond if may_be_zero(op.rhs) else min(division.factor, beyond)
    unit, reciprocals = division.reciprocals(largest)
    bits = min(MOST_BITS, math.floor(math.log2(INT16 / (beyond + 1))))
    dividend = division.scaled(op.lhs, 1.0)
    parts = [
        b.rescale(b.multiply(dividend, part), unit * 2.0**power, to=i16)
        for part, power in zip(reciprocals, (bits, bits - REST_BITS), strict=True)
    ]
    quotient = b.rescale(_of_wide(tosa.AddOp, parts, b), 1.0, to=i16)
    if bits < 1:  # A step of the result is 63 integers or more: the fraction does not matter.
        return _narrowed(quotient, 2.0**-bits, output, b)
    error = 1 + math.ceil(reach(op.lhs) * unit * 2.0 ** (bits - REST_BITS) / 2)
    half = max((1 << bits - 1) - error, 0)
    taken = division.number(half, np.int16)
    if division.truncates:
        taken = b.clamp(quotient, -half, half)
    whole = _of_wide(tosa.SubOp, [quotient, taken], b)
    if beyond < 1 << 7:
        entries = quantize(EVERY_INT8.astype(np.float32), output)
        return b.table(b.rescale(whole, 2.0**-bits, to=i8), entries)
    return _narrowed(b.rescale(whole, 2.0**-bits, to=i16), 1.0, output, b)


def _narrowed(
    value: SSAValue, unit: float, output: UniformQuantizedType, b: RegionBuilder
) -> SSAValue:
    """An int16 in steps of `unit` as an int8 of the result's type."""
    scale = float(factors_to(unit, output))
    check_rescale(INT16, scale)
    result = b.scaled(value, scale, to=i8, output_zp=output.zero_point)
    return b.clamp(result, *output.storage_range)


def remainder(op: RemainderOp | FmodOp, b: RegionBuilder) -> SSAValue:
    """The dividend minus the divisor times the rounded quotient, rescaled; ≤ 1 step.

    The quotient has int32: a product with a reciprocal of 22 bits, from which half an integer is
    taken off as in `whole_quotient`. Where it is an integer, or below (away from 0: above) one by
    less than 2^-13 of the factor between the operands' scales, the result may be off by the
    divisor. The rest of a division by 0 is 0.
    """
    division, output = Division(op, b), qtype_of(op.output)
    scale = qtype_of(op.rhs).scale / output.scale * 2.0**-REST_BITS
    if reach(op.lhs) * division.factor > INT16 or scale > 2 * LARGEST_ERROR:
        raise Unsupported("the divisor's scale is too small for the remainder of a division")
    unit, reciprocals = division.reciprocals(division.factor)
    parts = [
        b.multiply(division.scaled(op.lhs, factor), part)
        for part, factor in zip(reciprocals, (float(1 << REST_BITS), 1.0), strict=True)
    ]
    quotient, unit = b.arithmetic(tosa.AddOp, *parts), unit / (1 << REST_BITS)
    half = round(0.5 / unit) - reach(op.lhs)
    taken = division.number(half, np.int32)
    if division.truncates:
        taken = b.arithmetic(tosa.MinimumOp, quotient, taken)
        taken = b.arithmetic(tosa.MaximumOp, taken, division.number(-half, np.int32))
    whole = b.rescale(b.arithmetic(tosa.SubOp, quotient, taken), unit, to=i16)
    product = b.multiply(whole, division.scaled(op.rhs, float(1 << REST_BITS)))
    dividend = division.scaled(op.lhs, division.factor * (1 << REST_BITS), to=i32)
    rest = b.arithmetic(tosa.SubOp, dividend, product)
    if may_be_zero(op.rhs):
        is_divisor = b.table(division.aligned(op.rhs), 1 - is_zero(op.rhs))
        rest = b.multiply(b.rescale(rest, 1.0, to=i16), b.scaled(is_divisor, 1.0, to=i16))
    result = b.rescale(rest, scale, to=i8, output_zp=output.zero_point)
    return b.clamp(result, *output.storage_range)


def _of_wide(
    kind: type[tosa.AddOp | tosa.SubOp], values: list[SSAValue], b: RegionBuilder
) -> SSAValue:
    """A sum or difference of two int16, in int32."""
    lhs, rhs = (b.rescale(value, 1.0, to=i32) for value in values)
    return b.arithmetic(kind, lhs, rhs)

"""Elementwise ops, tables, RESCALE and reductions. Values are arrays of the operand types."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Attribute

from cmopt.dialects import tosa
from cmopt.dialects.arrays import Array
from cmopt.dialects.shapes import element_of, int_of
from cmopt.dialects.tosa.constants import dtype_of
from cmopt.interpreters.tosa.scale import apply_scale_16, apply_scale_32, rescale_zero_point
from cmopt.interpreters.tosa.values import Int64Array, narrowed, range_of, require


def wide(value: Array) -> Int64Array:
    """The same numbers in int64."""
    return value.astype(np.int64)


def multiply(op: tosa.MulOp, a: Array, b: Array, shift: Array) -> Array:
    """`a * b`. For int32, the low 32 bits; with a shift, `(a * b + half) >> shift`."""
    places = int(shift.reshape(-1)[0])
    result = wide(a) * wide(b)
    if element_of(op.input1) != IntegerType(32):
        require(op.name, places, 0, 0, f"shift of an {element_of(op.input1)}")
    require(op.name, places, 0, 63, "shift")
    if not places:
        return result.astype(np.int32)
    half = 1 << places - 1
    require(op.name, result, -(1 << 62), (1 << 63) - 1 - half, "product")  # int64 holds the sum
    return narrowed(op.name, (result + half) >> places, element_of(op.output))


def clamp(op: tosa.ClampOp, value: Array) -> Array:
    """`min(max(value, min_val), max_val)`."""
    low, high = int_of(op.min_val), int_of(op.max_val)
    require(op.name, low, range_of(element_of(op.input))[0], high, "min_val")
    result: Array = np.clip(wide(value), low, high).astype(value.dtype)
    return result


def cast(op: tosa.CastOp, value: Array) -> Array:
    """A cast to another integer type: high bits are cut off. A cast to i1 compares with 0."""
    target = dtype_of(element_of(op.output))
    result: Array = (value != 0) if target == np.bool_ else value.astype(target)
    return result


def table(op: tosa.TableOp, value: Array, entries: Array) -> Array:
    """int8: a lookup in 256 entries. int16: linear interpolation of 513, with 7 more bits."""
    if value.dtype == np.int8:
        result: Array = entries[wide(value) + 128]
        return result
    index, fraction = (wide(value) + 32768) >> 7, wide(value) & 0x7F
    base = wide(entries)[index]
    slope = wide(entries)[index + 1] - base
    require(op.name, slope, *range_of(IntegerType(16)), "slope")
    return narrowed(op.name, (base << 7) + slope * fraction, element_of(op.output))


def count_leading_zeros(value: Array) -> Array:
    """The leading zeros of an int32; 32 for 0."""
    bits = value.astype(np.uint32).astype(np.float64)
    return (32 - np.frexp(bits)[1]).astype(np.int32)


def left_shift(op: tosa.LogicalLeftShiftOp, value: Array, places: Array) -> Array:
    """`value << places`, cut to the type. `places` must be below the number of bits."""
    require(op.name, places, 0, 8 * value.dtype.itemsize - 1, "shift")
    result: Array = (wide(value) << wide(places)).astype(value.dtype)
    return result


def right_shift(op: tosa.ArithmeticRightShiftOp, value: Array, places: Array) -> Array:
    """`value >> places`, with `round` half up. `places` must be below the number of bits."""
    require(op.name, places, 0, 8 * value.dtype.itemsize - 1, "shift")
    shift = wide(places)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    result: Array = ((wide(value) + half * bool(int_of(op.round))) >> shift).astype(value.dtype)
    return result


def rescale(op: tosa.RescaleOp, value: Array, *constants: Array) -> Array:
    """`(value - input_zp) * multiplier / 2**shift + output_zp`, saturated to the result's type."""
    multiplier, shift, *zeros = constants
    unsigned = bool(int_of(op.input_unsigned)), bool(int_of(op.output_unsigned))
    elements = _integer(element_of(op.input)), _integer(element_of(op.output))
    zero_in, zero_out = (
        rescale_zero_point(op.name, zero, element, flag)
        for zero, element, flag in zip(zeros, elements, unsigned, strict=True)
    )
    number = wide(value)
    if unsigned[0]:
        number = number & range_of(elements[0], unsigned=True)[1]
    double = op.rounding_mode.data == tosa.RoundingMode.DOUBLE_ROUND
    scale32 = bool(int_of(op.scale32))
    if (elements[0].width.data == 48 and scale32) or (double and not scale32):
        raise ValueError(f"{op.name}: scale32 = {scale32} does not fit its type or rounding")
    if scale32:
        scaled = apply_scale_32(op.name, number - zero_in, multiplier, shift, double)
    else:
        scaled = apply_scale_16(op.name, number - zero_in, multiplier, shift)
    result: Array = np.clip(scaled + zero_out, *range_of(elements[1], unsigned[1]))
    # The factor of one element makes a number without dimensions a list.
    return result.astype(dtype_of(elements[1])).reshape(value.shape)


def _integer(element: Attribute) -> IntegerType:
    assert isinstance(element, IntegerType)
    return element


def reduce(op: Any, value: Array) -> Array:
    """Sum, minimum or maximum along `axis`, which keeps one element.

    A sum adds elements in order, and each partial sum must fit (TOSA 1.0, REDUCE_SUM).
    """
    axis = int_of(op.axis)
    if isinstance(op, tosa.ReduceSumOp):
        partial = wide(value).cumsum(axis)
        total = narrowed(op.name, partial, element_of(op.output), "sum")
        last: Array = np.take(total, [-1], axis)
        return last
    function = np.max if isinstance(op, tosa.ReduceMaxOp) else np.min
    result: Array = function(value, axis=axis, keepdims=True)
    return result

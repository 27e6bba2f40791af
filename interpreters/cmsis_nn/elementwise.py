"""Elementwise operations on two int8 arrays; the quotient is also of int16.

Shapes broadcast as in numpy.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmopt.interpreters.cmsis_nn.fixed_point import (
    Int8Array,
    check_activation,
    check_input_offsets,
    check_int8,
    check_zero_points,
    requantize,
    requantize_to_int8,
)

IntegerArray: TypeAlias = NDArray[np.int8] | NDArray[np.int16]


def _check_operands(operator: str, a: Int8Array, b: Int8Array) -> None:
    check_int8(operator, a=a, b=b)
    _check_broadcast(operator, a, b)


def _check_broadcast(operator: str, a: IntegerArray, b: IntegerArray) -> None:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(f"{operator}: {a.shape} and {b.shape} do not broadcast") from None


def elementwise_add_s8(
    a: Int8Array,
    b: Int8Array,
    *,
    self_offset: int,
    self_multiplier: int,
    self_shift: int,
    other_offset: int,
    other_multiplier: int,
    other_shift: int,
    left_shift: int,
    output_offset: int,
    output_multiplier: int,
    output_shift: int,
    activation_min: int,
    activation_max: int,
) -> Int8Array:
    """Sum. Both operands are first shifted left by `left_shift` and brought to a common scale."""
    operator = "elementwise_add_s8"
    _check_operands(operator, a, b)
    check_input_offsets(operator, self_offset=self_offset, other_offset=other_offset)
    check_zero_points(operator, output_offset=output_offset)
    check_activation(operator, activation_min, activation_max)
    if not 0 <= left_shift <= 22:
        raise ValueError(f"{operator}: left_shift must lie in 0..22, not {left_shift}")
    left = (a.astype(np.int64) + self_offset) << left_shift
    right = (b.astype(np.int64) + other_offset) << left_shift
    total = requantize(left, self_multiplier, self_shift)
    total = total + requantize(right, other_multiplier, other_shift)
    return requantize_to_int8(
        total, output_multiplier, output_shift, output_offset, activation_min, activation_max
    )


def elementwise_mul_s8(
    a: Int8Array,
    b: Int8Array,
    *,
    self_offset: int,
    other_offset: int,
    output_offset: int,
    output_multiplier: int,
    output_shift: int,
    activation_min: int,
    activation_max: int,
) -> Int8Array:
    """Product."""
    operator = "elementwise_mul_s8"
    _check_operands(operator, a, b)
    check_input_offsets(operator, self_offset=self_offset, other_offset=other_offset)
    check_zero_points(operator, output_offset=output_offset)
    check_activation(operator, activation_min, activation_max)
    product = (a.astype(np.int64) + self_offset) * (b.astype(np.int64) + other_offset)
    return requantize_to_int8(
        product, output_multiplier, output_shift, output_offset, activation_min, activation_max
    )


def minimum(a: Int8Array, b: Int8Array) -> Int8Array:
    """The smaller of each pair; operands share one quantization."""
    _check_operands("minimum", a, b)
    return np.minimum(a, b)


def maximum(a: Int8Array, b: Int8Array) -> Int8Array:
    """The larger of each pair; operands share one quantization."""
    _check_operands("maximum", a, b)
    return np.maximum(a, b)


def _round_half_away(value: NDArray[np.float32]) -> NDArray[np.float32]:
    whole = np.trunc(value)
    away = np.abs(value - whole) >= np.float32(0.5)
    return np.where(away, whole + np.copysign(np.float32(1), value), whole)


def div(
    a: IntegerArray,
    b: IntegerArray,
    *,
    self_zero_point: int,
    other_zero_point: int,
    output_zero_point: int,
    output_scale: float,
) -> IntegerArray:
    """Quotient of int8 or int16, in float32 because there is no fixed-point kernel.

    `output_scale` is the factor scale(a) / (scale(b) * scale(out)). A divisor at its zero point
    gives the quotient 0. Rounds to nearest, ties away from zero; saturates.
    """
    operator = "div"
    if a.dtype != np.int16 or b.dtype != np.int16:
        check_int8(operator, a=a, b=b)
    _check_broadcast(operator, a, b)
    limits = np.iinfo(a.dtype)
    zero_points = {"self": self_zero_point, "other": other_zero_point, "output": output_zero_point}
    for name, zero_point in zero_points.items():
        if not limits.min <= zero_point <= limits.max:
            raise ValueError(f"{operator}: {name}_zero_point {zero_point} is not {a.dtype}")
    if not np.isfinite(np.float32(output_scale)):
        raise ValueError(f"{operator}: output_scale must be finite, not {output_scale}")
    numerator = (a.astype(np.int32) - self_zero_point).astype(np.float32)
    denominator = (b.astype(np.int32) - other_zero_point).astype(np.float32)
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    quotient = np.zeros(numerator.shape, np.float32)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    scaled = _round_half_away(quotient * np.float32(output_scale)) + np.float32(output_zero_point)
    saturated = np.clip(scaled, limits.min, limits.max)
    return saturated.astype(np.int8) if a.dtype == np.int8 else saturated.astype(np.int16)

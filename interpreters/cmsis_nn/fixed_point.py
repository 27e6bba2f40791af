"""The 32-bit fixed-point arithmetic of the kernels, in int64 arrays.

A real factor is a pair (multiplier, shift) that stands for `multiplier * 2**(shift - 31)`.
Intermediates beyond 32 bits wrap in two's complement, as in the registers.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Int8Array: TypeAlias = NDArray[np.int8]
Int32Array: TypeAlias = NDArray[np.int32]
Int64Array: TypeAlias = NDArray[np.int64]

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1


def wrap_int32(value: Int64Array) -> Int64Array:
    """`value` modulo 2**32, as a signed 32-bit number in an int64 array."""
    return value.astype(np.int32).astype(np.int64)


def divide_by_power_of_two(value: Int64Array, exponent: Int64Array | int) -> Int64Array:
    """`value / 2**exponent`, rounded to nearest, ties away from zero; exponent in 0..62."""
    mask = (np.int64(1) << np.asarray(exponent, np.int64)) - 1
    quotient = value >> exponent
    threshold = (mask >> 1) + (value < 0)
    return quotient + ((value & mask) > threshold)


def high_multiply(value: Int64Array, multiplier: Int64Array | int) -> Int64Array:
    """`value * multiplier / 2**31`, rounded to nearest, ties towards positive infinity.

    Both must fit 32 bits. The result then fits too, except for the square of -2**31.
    """
    return (value * np.asarray(multiplier, np.int64) + (1 << 30)) >> 31


def requantize(
    value: NDArray[np.int32] | NDArray[np.int64], multiplier: ArrayLike, shift: ArrayLike
) -> Int64Array:
    """`value * multiplier * 2**(shift - 31)` with CMSIS-NN's double rounding.

    A positive shift is applied before the product. A negative one is applied after it and rounds
    again. `multiplier` (int32) and `shift` (-31..31) are scalars or broadcast on the last axis.
    """
    multipliers = np.asarray(multiplier, dtype=np.int64)
    shifts = np.asarray(shift, dtype=np.int64)
    if np.any(multipliers < INT32_MIN) or np.any(multipliers > INT32_MAX):
        raise ValueError("requantize: a multiplier does not fit 32 bits")
    if np.any(np.abs(shifts) > 31):
        raise ValueError("requantize: shifts must lie in -31..31")
    shifted = wrap_int32(wrap_int32(value.astype(np.int64)) << np.maximum(shifts, 0))
    product = wrap_int32(high_multiply(shifted, multipliers))
    return divide_by_power_of_two(product, np.maximum(-shifts, 0))


def requantize_to_int8(
    accumulator: NDArray[np.int32] | NDArray[np.int64],
    multiplier: ArrayLike,
    shift: ArrayLike,
    output_offset: int,
    activation_min: int,
    activation_max: int,
) -> Int8Array:
    """Requantize an accumulator, add the output's zero point and clamp to the activation range.

    The sum has 32 bits, as in the kernels.
    """
    scaled = wrap_int32(requantize(accumulator, multiplier, shift) + output_offset)
    return np.clip(scaled, activation_min, activation_max).astype(np.int8)


def check_int8(operator: str, **arrays: NDArray[np.generic]) -> None:
    """Raise `ValueError` unless every array is int8."""
    for name, array in arrays.items():
        if array.dtype != np.int8:
            raise ValueError(f"{operator}: {name} must be int8, not {array.dtype}")


def check_rank(operator: str, rank: int, **arrays: NDArray[np.generic]) -> None:
    """Raise `ValueError` unless every array has `rank` dimensions."""
    for name, array in arrays.items():
        if array.ndim != rank:
            raise ValueError(f"{operator}: {name} must be of rank {rank}, not {array.shape}")


def check_activation(operator: str, activation_min: int, activation_max: int) -> None:
    """Raise `ValueError` unless the range is non-empty and within int8."""
    if not -128 <= activation_min <= activation_max <= 127:
        raise ValueError(
            f"{operator}: activation range [{activation_min}, {activation_max}] "
            "is empty or leaves int8"
        )


def check_input_offsets(operator: str, **offsets: int) -> None:
    """Raise `ValueError` unless each offset is minus an int8 zero point."""
    for name, offset in offsets.items():
        if not -127 <= offset <= 128:
            raise ValueError(f"{operator}: {name} must lie in -127..128, not {offset}")


def check_zero_points(operator: str, **zero_points: int) -> None:
    """Raise `ValueError` unless each zero point (or output offset) is an int8 number."""
    for name, zero_point in zero_points.items():
        if not -128 <= zero_point <= 127:
            raise ValueError(f"{operator}: {name} must lie in -128..127, not {zero_point}")


def check_bias(operator: str, bias: Int32Array | None, channels: int) -> None:
    """Raise `ValueError` unless `bias` is absent or int32 of shape [channels]."""
    if bias is None:
        return
    if bias.dtype != np.int32 or bias.shape != (channels,):
        raise ValueError(
            f"{operator}: bias must be int32 [{channels}], not {bias.dtype} {bias.shape}"
        )

"""Fixed-point scaling: a factor is `multiplier / 2**shift`. TOSA 1.0, "General pseudocode helpers"
and RESCALE."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import IntegerType

from cmopt.dialects.arrays import Array
from cmopt.interpreters.tosa.values import Int64Array, require

_INT32 = (-(1 << 31), (1 << 31) - 1)
_MAX_SHIFT = 62


def apply_scale_32(
    name: str, value: Int64Array, multiplier: Array, shift: Array, double_round: bool = False
) -> Int64Array:
    """`value * multiplier / 2**shift`, half up; int32 in and out, multiplier int32, broadcast.

    With `double_round` and a shift above 31, the lowest 31 bits of the product are first rounded
    off, half away from zero. Raises ValueError if a value or factor is out of range.
    """
    factor: Int64Array = multiplier.astype(np.int64)
    places: Int64Array = shift.astype(np.int64)
    require(name, factor, 0, _INT32[1], "multiplier")
    require(name, places, 2, _MAX_SHIFT, "shift")
    require(name, value, *_INT32, "scaled value")
    half = np.int64(1) << (places - 1)
    if (outside := (value < -half) | (value >= half)).any():
        raise ValueError(
            f"{name}: scaled value {value[outside].flat[0]} is too large for the shift"
        )
    rounding = half
    if double_round:
        correction = np.where(value >= 0, 1 << 30, -(1 << 30))
        rounding = half + np.where(places > 31, correction, 0)
    result: Int64Array = (value * factor + rounding) >> places
    require(name, result, *_INT32, "scaled result")
    return result


def apply_scale_16(name: str, value: Int64Array, multiplier: Array, shift: Array) -> Int64Array:
    """`value * multiplier / 2**shift`, half up: int48 to int32, the multiplier int16; broadcast."""
    factor: Int64Array = multiplier.astype(np.int64)
    places: Int64Array = shift.astype(np.int64)
    require(name, factor, 0, (1 << 15) - 1, "multiplier")
    require(name, places, 2, _MAX_SHIFT, "shift")
    require(name, value, -(1 << 47), (1 << 47) - 1, "scaled value")
    result: Int64Array = (value * factor + (np.int64(1) << (places - 1))) >> places
    require(name, result, *_INT32, "scaled result")
    return result


def reciprocal(count: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Multiplier and shift that stand for `1 / count`, for counts of 1 and more."""
    k = np.array([(int(n) - 1).bit_length() for n in count.flat], np.int64).reshape(count.shape)
    multiplier: Int64Array = (np.int64((1 << 30) + 1) << k) // count
    return multiplier, 30 + k


def rescale_zero_point(name: str, value: Array, element: IntegerType, unsigned: bool) -> int:
    """A zero point of a RESCALE: any for 8 bits, 0 or 32768 for an unsigned i16, else 0."""
    width = element.width.data
    number = int(value.reshape(-1)[0])
    number = number % (1 << width) if unsigned else number
    if width == 8 or number == 0 or (width == 16 and unsigned and number == 1 << 15):
        return number
    raise ValueError(f"{name}: zero point {number} is not allowed for {element}")

"""Real factors as the pairs of integers that CMSIS-NN multiplies and shifts by."""

from __future__ import annotations

import math


def fixed_point(real: float) -> tuple[int, int]:
    """A positive real as (multiplier, shift): `multiplier / 2^31 · 2^shift`, multiplier in Q31.

    The nearest such number, as CMSIS-NN and TFLite choose it. The kernels shift by 31 bits at
    most: what is less than 2^-32 is 0, as its product with any 32-bit accumulator rounds to 0.
    """
    mantissa, shift = math.frexp(real)
    if shift < -31:
        return 0, 0
    multiplier = round(mantissa * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return multiplier, shift

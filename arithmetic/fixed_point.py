"""Real factors as pairs of integers: CMSIS-NN's multiplier and shift."""

from __future__ import annotations

import math


def fixed_point(real: float) -> tuple[int, int]:
    """A positive real as (multiplier, shift): `multiplier / 2^31 · 2^shift`, multiplier in Q31.

    Rounded to nearest, as in CMSIS-NN and TFLite. The kernels shift by 31 bits at most. A real
    below 2^-32 gives 0, because its product with any 32-bit accumulator rounds to 0.
    """
    mantissa, shift = math.frexp(real)
    if shift < -31:
        return 0, 0
    multiplier = round(mantissa * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return multiplier, shift

"""Real factors as RESCALE takes them, and the limits of its arithmetic."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmopt.dialects.quant import UniformQuantizedType
from cmopt.lowering.rules import Unsupported

MOST_BITS = 31
"""Bits of a multiplier for a value of up to 32 bits."""

WIDE_BITS = 15
"""Bits of a multiplier for a value of 48 bits."""

TOO_FINE = "the output's scale is so small that the 32-bit arithmetic of a rescale may overflow"


def tosa_scale(real: float, bits: int = MOST_BITS) -> tuple[int, int]:
    """A positive real as (multiplier, shift): `multiplier · 2^-shift`, as RESCALE takes them.

    A multiplier has `bits` bits: it is exact to half of its last one. A shift is in 2…62 (TOSA 1.0,
    RESCALE). A real too small for that loses bits of the multiplier. Raises Unsupported if it is
    too large.
    """
    mantissa, exponent = math.frexp(real)
    multiplier, shift = round(mantissa * (1 << bits)), bits - exponent
    if multiplier == 1 << bits:
        multiplier, shift = multiplier // 2, shift - 1
    if shift < 2:
        raise Unsupported(f"a scale of {real:g} is larger than a rescale can apply")
    if shift > 62:
        multiplier, shift = multiplier >> min(bits, shift - 62), 62
    return multiplier, shift


def factors_to(steps: ArrayLike, output: UniformQuantizedType) -> NDArray[np.float64]:
    """What accumulators in `steps` are multiplied by for a result of type `output`.

    A factor with which one step is the whole range of the result is large enough: it saturates.
    """
    enough = float((1 << output.storage.width.data) - 1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.minimum(np.asarray(steps, np.float64) / output.scale, enough)


def check_rescale(largest: ArrayLike, factors: ArrayLike, bits: int = MOST_BITS) -> None:
    """Raise Unsupported if RESCALE is undefined for values up to ±`largest` times a factor.

    A value times a multiplier of 31 bits must be below 2^(shift - 1) times that multiplier's
    range. A value of 48 bits times its factor must fit 32 bits.
    """
    factors = np.atleast_1d(np.asarray(factors, np.float64))
    _, exponents = np.frexp(factors)
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.asarray(largest, np.float64)
        if bits == MOST_BITS:
            fits = (largest * 2.0**exponents <= 2.0**30) & (largest < 2.0**31)
        else:
            fits = largest * factors < 2.0**31 - 1
    if not (fits & np.isfinite(factors)).all():
        raise Unsupported(TOO_FINE)

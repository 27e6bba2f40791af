"""What `cmopt.layer_norm` computes, in numpy: exact sums, a reciprocal root, two products."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmopt.dialects.cmopt import norm_root_bits
from cmopt.interpreters.cmsis_nn.fixed_point import Int64Array

UInt64Array = NDArray[np.uint64]

_FIRST_GUESS = 2290091000, 39
"""A line through `2^46 / sqrt(a)` for a in 2^30 … 2^32, off by 9 % at most; the slope in 2^-7."""

_NEWTON_STEPS = 4
_LONGEST_SHIFTS = -31, 30
"""What a number of 32 bits can be shifted by."""


def reciprocal_roots(a: UInt64Array) -> Int64Array:
    """`2^46 / sqrt(a)` for a in 2^30 … 2^32 - 1, as int32: off by less than 2^-28 of itself."""
    offset, slope = _FIRST_GUESS
    root = np.uint64(offset) - np.uint64(slope) * (a >> np.uint64(7))
    for _ in range(_NEWTON_STEPS):
        square = (root * root) >> np.uint64(31)
        rest = np.uint64(3 << 30) - ((square * a) >> np.uint64(31))
        root = (root * rest) >> np.uint64(31)
    return np.minimum(root, np.uint64(2**31 - 1)).astype(np.int64)


def _shifted(value: int, bits: int) -> int:
    return value << bits if bits >= 0 else value >> -bits


def row_factor(energy: int, multiplier: int, shift: int) -> tuple[int, int]:
    """`1 / sqrt(energy + multiplier · 2^shift)` as (m, e): `m · 2^(e - 61)`, m in 2^30 … 2^31 - 1.

    The sum is taken with 61 bits; what is below them is cut off. (0, 0) if it is 0.
    """
    tops = [n.bit_length() + bits for n, bits in ((energy, 0), (multiplier, shift)) if n]
    if not tops:
        return 0, 0
    top = max(tops)
    total = _shifted(energy, 61 - top) + _shifted(multiplier, 61 - top + shift)
    exponent = top - 61
    if exponent % 2:
        is_large = total >= 1 << 61
        total, exponent = (total >> 1, exponent + 1) if is_large else (total << 1, exponent - 1)
    root = reciprocal_roots(np.array([total >> 30], np.uint64))
    return int(root[0]), -exponent // 2


def _high_product(a: Int64Array, b: Int64Array | int) -> Int64Array:
    """The upper half of a product of 32 by 32 bits, rounded half up."""
    product: Int64Array = (a * b + (1 << 31)) >> 32
    return product


def layer_norm(
    input: NDArray[np.generic],
    weight: NDArray[np.int32],
    bias: NDArray[np.int32],
    *,
    row: int,
    centered: bool,
    input_zero_point: int,
    epsilon_multiplier: int,
    epsilon_shift: int,
    fraction_bits: int,
    activation_min: int,
    activation_max: int,
    dtype: np.dtype[np.generic],
) -> NDArray[np.generic]:
    """The norm of each row of `row` elements, as the dialect defines it."""
    root_bits = norm_root_bits(row)
    low, high = _LONGEST_SHIFTS
    result = np.empty(input.shape, dtype)
    for q, out in zip(input.reshape(-1, row), result.reshape(-1, row), strict=True):
        x = q.astype(np.int64)
        if centered:
            total = int(x.sum())
            d, energy = row * x - total, row * int((x * x).sum()) - total * total
        else:
            x -= input_zero_point
            d, energy = row * x, row * int((x * x).sum())
        factor, exponent = row_factor(energy, epsilon_multiplier, epsilon_shift)
        bits = min(max(exponent - root_bits, low), high)
        d = d << bits if bits >= 0 else d >> -bits
        assert np.abs(d).max() < 1 << 31
        unit = _high_product(d, factor)
        value = _high_product(unit, weight.astype(np.int64)) + bias.astype(np.int64)
        out[:] = np.clip(value >> fraction_bits, activation_min, activation_max).astype(dtype)
    return result

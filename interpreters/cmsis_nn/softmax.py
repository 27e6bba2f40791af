"""Softmax in fixed point: exponential and reciprocal by polynomial, all in 32-bit numbers.

Numbers have a Q format: Qm.n has m integer bits and n fraction bits. The algorithm is that of
gemmlowp and of TensorFlow Lite's reference kernels: a scaled difference in Q5.26, its exponential
in Q0.31, the sum of exponentials in Q12.19.
"""

from __future__ import annotations

import numpy as np

from cmopt.interpreters.cmsis_nn.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    Int8Array,
    Int64Array,
    check_int8,
    divide_by_power_of_two,
    high_multiply,
    wrap_int32,
)

_ACCUMULATOR_INTEGER_BITS = 12
_DIFFERENCE_FRACTION_BITS = 26

# round(exp(-1/8) * 2**31) and round(2**31 / 3)
_EXP_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883
# round(exp(-2**k) * 2**31) for k = -2 .. 4: one factor for each binary digit of the remainder
_EXP_OF_DIGIT = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)

# 48/17 and -32/17 in Q2.29: the linear first guess of Newton's division on [1/2, 1]
_NEWTON_CONSTANT = 1515870810
_NEWTON_SLOPE = -1010580540


def _multiply(a: Int64Array, b: Int64Array | int) -> Int64Array:
    """Saturating `a * b / 2**31`, rounded to nearest."""
    return np.minimum(high_multiply(a, b), INT32_MAX)


def _shift_left_saturating(value: Int64Array, exponent: int) -> Int64Array:
    return np.clip(value << exponent, INT32_MIN, INT32_MAX)


def _exp_of_negative(value: Int64Array) -> Int64Array:
    """exp of a Q5.26 number <= 0, in Q0.31.

    The number is split into a part in [-1/4, 0), whose exponential is a Taylor polynomial around
    -1/8, and a multiple of 1/4, whose exponential is a product of tabulated factors.
    """
    quarter = 1 << (_DIFFERENCE_FRACTION_BITS - 2)
    part = (value & (quarter - 1)) - quarter
    remainder = part - value
    x = (part << 5) + (1 << 28)  # distance from -1/8, in Q0.31
    x2 = _multiply(x, x)
    x3 = _multiply(x2, x)
    x4 = _multiply(x2, x2)
    # x + x**2/2 + x**3/6 + x**4/24
    higher = _multiply(divide_by_power_of_two(x4, 2) + x3, _ONE_THIRD) + x2
    polynomial = x + divide_by_power_of_two(higher, 1)
    result = _EXP_MINUS_EIGHTH + _multiply(polynomial, _EXP_MINUS_EIGHTH)
    for digit, factor in enumerate(_EXP_OF_DIGIT):
        is_set = (remainder & (quarter << digit)) != 0
        result = np.where(is_set, _multiply(result, factor), result)
    return np.where(value == 0, INT32_MAX, result)


def _one_over_one_plus(value: Int64Array) -> Int64Array:
    """1 / (1 + value) for a Q0.31 number in [0, 1), in Q0.31, by three steps of Newton."""
    half_denominator = (value + INT32_MAX + 1) >> 1
    x = _NEWTON_CONSTANT + _multiply(half_denominator, _NEWTON_SLOPE)
    one = 1 << 29
    for _ in range(3):
        error = one - _multiply(half_denominator, x)
        x = x + _shift_left_saturating(_multiply(x, error), 2)
    return _shift_left_saturating(x, 1)


def softmax_s8(input: Int8Array, *, multiplier: int, shift: int, diff_min: int) -> Int8Array:
    """Softmax over the last axis, in the fixed output quantization: scale 1/256, zero point -128.

    `multiplier * 2**(shift - 31)` brings a difference of two inputs to Q5.26. Differences below
    `diff_min` (<= 0) add nothing to the sum. If the sum of a row's exponentials reaches 512, the
    final shift is 32 bits or more, which is undefined in C; it is exact here. Raises `ValueError`
    if the sum exceeds 32 bits (more than 4,095 times the largest term).
    """
    operator = "softmax_s8"
    check_int8(operator, input=input)
    if input.ndim < 1 or input.shape[-1] < 1:
        raise ValueError(f"{operator}: input {input.shape} has no last axis")
    if diff_min > 0 or not 0 <= shift <= 31:
        raise ValueError(f"{operator}: diff_min {diff_min} or shift {shift} out of range")
    if not 0 <= multiplier <= INT32_MAX:
        raise ValueError(f"{operator}: multiplier {multiplier} out of range")
    wide = input.astype(np.int64)
    difference = wide - wide.max(axis=-1, keepdims=True)
    counts = difference >= diff_min
    # Differences that do not count become 0, because their scaled values may leave exp's domain.
    scaled = _multiply(wrap_int32(np.where(counts, difference, 0) << shift), multiplier)
    exponential = np.where(counts, _exp_of_negative(scaled), 0)
    terms = divide_by_power_of_two(exponential, _ACCUMULATOR_INTEGER_BITS)
    total = terms.sum(axis=-1, keepdims=True)
    if np.any(total > INT32_MAX):
        raise ValueError(f"{operator}: the sum of a row of {input.shape[-1]} exceeds 32 bits")
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    headroom = 32 - bits
    reciprocal = _one_over_one_plus((total << headroom) - (1 << 32 - 1))
    exponent = _ACCUMULATOR_INTEGER_BITS + 23 - headroom
    probability = divide_by_power_of_two(_multiply(exponential, reciprocal), exponent)
    result = np.clip(probability - 128, -128, 127)
    return np.where(counts, result, -128).astype(np.int8)

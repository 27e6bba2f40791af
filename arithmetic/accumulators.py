"""Whether a kernel's 32-bit arithmetic may overflow.

The kernels shift an accumulator left before they multiply it, and do not check for overflow.
Scales from calibration leave room by orders of magnitude. Scales that are written by hand, or of
an output that was always zero in calibration, may not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from xdsl.ir import SSAValue

from cmopt.dialects.constants import constant_of, float_constant_of
from cmopt.dialects.cortex_m import ADD_LEFT_SHIFT
from cmopt.dialects.edge import (
    AddOp,
    BinaryOp,
    Conv2dOp,
    ConvTranspose2dOp,
    LinearOp,
    MatmulOp,
    MulOp,
    SubOp,
)
from cmopt.dialects.quant import UniformQuantizedType, qtype_of, quantized_element
from cmopt.dialects.shapes import element_of, shape_of


def _reach(type: UniformQuantizedType) -> int:
    """The greatest distance of a stored value from the zero point."""
    low, high = type.storage_range
    return max(high - type.zero_point, type.zero_point - low)


ENOUGH = 255.0
"""The factor with which one step of an accumulator is the whole range of int8."""


def output_factors(steps: ArrayLike, output: float, least: float = 1) -> NDArray[np.float64]:
    """What a kernel multiplies accumulators by, given their steps and the step of the output.

    least: the smallest accumulator that is not 0. If it saturates, a larger factor changes no
    result, so the factor is not made larger than that.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.minimum(np.asarray(steps, np.float64) / output, ENOUGH / least)


def sum_factor(op: BinaryOp) -> float:
    """What an add or sub multiplies its sum by, in 2^-20 of twice the larger scale."""
    lhs, rhs, output = (qtype_of(value).scale for value in (op.lhs, op.rhs, op.output))
    common = 2 * max(lhs, rhs) / (1 << ADD_LEFT_SHIFT)
    # With whole factors between the scales, a sum is a number of the smaller scale's steps.
    mantissa, _ = math.frexp(max(lhs, rhs) / min(lhs, rhs))
    least = min(lhs, rhs) / common if mantissa == 0.5 else 0
    return float(output_factors(common, output, least if least >= 1 else 1))


def _overflow(accumulators: ArrayLike, factors: ArrayLike) -> str | None:
    """Returns the reason if an accumulator of this size times its factor exceeds 32 bits."""
    factors = np.atleast_1d(np.asarray(factors, np.float64))
    _, shifts = np.frexp(factors)
    with np.errstate(over="ignore", invalid="ignore"):
        shifted = np.asarray(accumulators) * 2.0 ** np.maximum(shifts, 0)
        fits = np.isfinite(factors) & (shifted < 2.0**31)
    if fits.all():
        return None
    return "the output's scale is so small that the kernel's 32-bit arithmetic may overflow"


def shift_overflow(largest: int, factor: float) -> str | None:
    """Why a kernel that shifts a number of this size left to apply a factor may overflow, or
    None."""
    return _overflow(largest, factor)


def matrix_overflow(op: Conv2dOp | ConvTranspose2dOp | LinearOp) -> str | None:
    """Why a convolution or linear layer with a constant int8 weight may overflow, or None."""
    input, weight, output = (quantized_element(v.type) for v in (op.input, op.weight, op.output))
    stored = constant_of(op.weight)
    assert input is not None and weight is not None and output is not None and stored is not None
    # In 8 bits |-128| is -128, whose bits are those of 128: no wider numbers are needed.
    magnitudes = np.abs(stored).view(np.uint8).reshape(len(stored), -1)
    accumulators = magnitudes.sum(axis=1, dtype=np.int64).astype(np.float64) * _reach(input)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        steps = input.scale * weight.params.scales
        if op.bias is not None and (bias := float_constant_of(op.bias)) is not None:
            accumulators = accumulators + np.abs(np.rint(bias.astype(np.float64) / steps))
        return _overflow(accumulators, output_factors(steps, output.scale))


def product_overflow(op: MatmulOp) -> str | None:
    """Why a product of int8 matrices may overflow, or None."""
    lhs, rhs, output = (element_of(value) for value in (op.lhs, op.rhs, op.output))
    assert isinstance(lhs, UniformQuantizedType) and isinstance(rhs, UniformQuantizedType)
    assert isinstance(output, UniformQuantizedType)
    with np.errstate(over="ignore", under="ignore"):
        factor = output_factors(np.float64(lhs.scale) * rhs.scale, output.scale)
    return _overflow(_reach(lhs) * _reach(rhs) * shape_of(op.lhs)[-1], factor)


def binary_overflow(op: BinaryOp) -> str | None:
    """Why an add, sub or mul of int8 tensors may overflow, or None; a lookup table never does."""
    if not isinstance(op, AddOp | SubOp | MulOp):
        return None
    for value in (op.lhs, op.rhs):
        constant = float_constant_of(value)
        if constant is not None and constant.size and (constant == constant.flat[0]).all():
            return None
    lhs, rhs, output = (element_of(value) for value in (op.lhs, op.rhs, op.output))
    assert isinstance(lhs, UniformQuantizedType) and isinstance(rhs, UniformQuantizedType)
    assert isinstance(output, UniformQuantizedType)
    with np.errstate(over="ignore", under="ignore"):
        if not isinstance(op, MulOp):
            return _overflow(max(_reach(lhs), _reach(rhs)) << ADD_LEFT_SHIFT, sum_factor(op))
        factor = output_factors(np.float64(lhs.scale) * rhs.scale, output.scale)
        return _overflow(_reach(lhs) * _reach(rhs), factor)


def mean_overflow(input: SSAValue, output: SSAValue, count: int, divisor: int) -> str | None:
    """Why a sum of `count` int8 numbers may overflow as it is divided and rescaled, or None."""
    source, target = qtype_of(input), qtype_of(output)
    with np.errstate(over="ignore", under="ignore"):
        return _overflow(count * _reach(source), np.float64(source.scale) / divisor / target.scale)


def integer_bias(
    op: Conv2dOp | ConvTranspose2dOp | LinearOp, bits: int = 32
) -> NDArray[np.signedinteger[Any]] | None:
    """The bias in accumulator steps (input scale · weight scale), rounded to nearest.

    It is clipped to `bits` bits, in int32, or in int64 if there are more. A bias that PT2E has
    quantized at that scale stays unchanged.
    """
    if op.bias is None or (stored := constant_of(op.bias)) is None:
        return None
    kind = qtype_of(op.bias)
    step = qtype_of(op.input).scale * qtype_of(op.weight).params.scales
    real = (stored.astype(np.int64) - kind.params.zero_points) * (kind.params.scales / step)
    least = -float(1 << bits - 1)
    clipped: NDArray[np.float64] = np.clip(np.rint(real), least, -1 - least)
    return clipped.astype(np.int32 if bits <= 32 else np.int64)

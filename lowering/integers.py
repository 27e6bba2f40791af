"""What turns real numbers of a quantized op into integers: multipliers, clamps, lookup tables."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue

from cmopt.dialects.edge import AvgPool2dOp, BinaryOp, Conv2dOp, LinearOp, MaxPool2dOp, UnaryOp
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType, quantized_element
from cmopt.dialects.shapes import shape_of
from cmopt.interpreters.arrays import dequantize, quantize
from cmopt.interpreters.functions import activation_bounds, apply_binary, apply_unary
from cmopt.lowering.constants import constant_of, float_constant_of

EVERY_INT8 = np.arange(-128, 128).astype(np.int8)


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


def element(value: SSAValue) -> UniformQuantizedType:
    """The quantized element type of a value that must have one."""
    result = quantized_element(value.type)
    assert result is not None, value.type
    return result


def is_nhwc(op: Conv2dOp | AvgPool2dOp | MaxPool2dOp) -> bool:
    """Whether a window op has been rewritten to the layout of the kernels."""
    return op.data_format is not None and op.data_format.data == "NHWC"


def activation_range(op: Operation, output: UniformQuantizedType) -> tuple[int, int]:
    """The integer clamp of an op with `activation_min` / `activation_max`.

    Quantization is monotone, so clamping before it and clamping to the quantized bounds after it
    are the same.
    """
    low, high = output.storage_range
    bounds = [
        None if bound is None else int(quantize(np.array([bound], np.float32), output)[0])
        for bound in activation_bounds(op)
    ]
    low, high = (low if bounds[0] is None else bounds[0], high if bounds[1] is None else bounds[1])
    return min(low, high), high  # Where the bounds cross, the upper one wins.


def integer_bias(op: Conv2dOp | LinearOp) -> NDArray[np.int32] | None:
    """The bias in accumulator steps (input scale · weight scale), to the nearest.

    A bias quantized at just that scale, as PT2E does it, comes out unchanged.
    """
    if op.bias is None or (stored := constant_of(op.bias)) is None:
        return None
    kind = element(op.bias)
    step = element(op.input).scale * element(op.weight).params.scales
    real = (stored.astype(np.int64) - kind.params.zero_points) * (kind.params.scales / step)
    limits = np.iinfo(np.int32)
    clipped: NDArray[np.float64] = np.clip(np.rint(real), limits.min, limits.max)
    return clipped.astype(np.int32)


def is_int8(type: UniformQuantizedType | None) -> bool:
    """Stored in 8 bits, one scale for the whole tensor."""
    return type is not None and type.storage.width.data == 8 and not type.is_per_axis


def with_nearest_defined(results: NDArray[np.float32]) -> NDArray[np.float32]:
    """`results` with each NaN replaced by the nearest entry that is a number or an infinity.

    Of two that are as near, by the one before. Where all are NaN, they stay.
    """
    defined = np.flatnonzero(~np.isnan(results))
    if defined.size in (0, results.size):
        return results
    distances = np.abs(np.arange(results.size)[:, None] - defined)
    filled: NDArray[np.float32] = results[defined[distances.argmin(axis=1)]]
    return filled


def lookup_of(op: Operation) -> tuple[SSAValue, NDArray[np.generic]] | None:
    """The int8 tensor and the 256 results, from -128 on, of an op that is a function of it alone.

    An elementwise function, a requantization, a function of a tensor and a constant of one value
    or of a tensor and itself. Exact but for the last float32 bits of the function, and where a
    function of one element is undefined: there an entry is that of the nearest integer for which
    it is defined. So acos(-1) is no zero, where the range's end was rounded to beyond -1. NaN of
    a function of two, as 0 / 0, gives the zero point.
    """
    match op:
        case UnaryOp() if is_int8(quantized_element(op.input.type)):
            source = op.input
            result = apply_unary(op, dequantize(EVERY_INT8, element(source)))
            result = None if result is None else with_nearest_defined(result)
        case QCastOp() if isinstance(op.input.owner, DCastOp):
            source = op.input.owner.input
            if not is_int8(element(source)) or not is_int8(element(op.output)):
                return None
            result = dequantize(EVERY_INT8, element(source))
        case BinaryOp() if is_int8(quantized_element(op.output.type)):
            if (found := _function_of_one(op)) is None:
                return None
            source, result = found
        case _:
            return None
    if result is None:
        return None
    return source, quantize(result, element(op.results[0]))


def _function_of_one(op: BinaryOp) -> tuple[SSAValue, NDArray[np.float32] | None] | None:
    if op.lhs is op.rhs:
        every = dequantize(EVERY_INT8, element(op.lhs))
        return op.lhs, apply_binary(op, every, every)
    for constant, source in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        values = float_constant_of(constant)
        if values is None or values.size == 0 or shape_of(source) != shape_of(op.output):
            continue
        splat = values.reshape(-1)[:1].astype(np.float32)
        if not (values == splat).all():
            continue
        every = dequantize(EVERY_INT8, element(source))
        operands = (splat, every) if source is op.rhs else (every, splat)
        return source, apply_binary(op, *operands)
    return None

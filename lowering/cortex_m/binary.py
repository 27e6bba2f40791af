"""Functions of two int8 tensors → their kernels, or a lookup table if one is a number."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from xdsl.ir import SSAValue

from cmopt.arithmetic.accumulators import binary_overflow, output_factors, sum_factor
from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.arithmetic.lookup_tables import lookup_of
from cmopt.dialects.arrays import Array
from cmopt.dialects.constants import constant_of, is_known
from cmopt.dialects.cortex_m import (
    ADD_LEFT_SHIFT,
    MaximumOp,
    MinimumOp,
    Properties,
    QuantizedAddOp,
    QuantizedDivOp,
    QuantizedMulOp,
)
from cmopt.dialects.cortex_m.limits import MOST_RANK, Shape, extremum_limit
from cmopt.dialects.edge import AddOp, BinaryOp, DivOp, MulOp, SubOp
from cmopt.dialects.edge import MaximumOp as EdgeMaximumOp
from cmopt.dialects.edge import MinimumOp as EdgeMinimumOp
from cmopt.dialects.quant import qtype_of
from cmopt.dialects.shapes import MAX_CONSTANT_BYTES, broadcast_shape, numel, shape_of
from cmopt.lowering.cortex_m.builder import KernelBuilder, int8_tensor
from cmopt.lowering.cortex_m.elementwise import looked_up
from cmopt.lowering.cortex_m.movement import expanded
from cmopt.lowering.divisors import is_zero, may_be_zero
from cmopt.lowering.rules import Rule, Unsupported, rule_of
from cmopt.lowering.weights import require_int8

MIN_CALL = 16
"""A constant of fewer elements is repeated at compile time: one kernel call each costs more."""


def binary(op: BinaryOp, b: KernelBuilder) -> SSAValue:
    """A function of two int8 tensors by the kernel in `BINARY`; of a tensor and one number, or of
    a tensor and itself, by a lookup table."""
    require_int8(op.lhs, op.rhs, op.output)
    is_constant = any(is_known(value) for value in (op.lhs, op.rhs))
    if is_constant and (size := numel(shape_of(op.output))) > MAX_CONSTANT_BYTES:
        raise Unsupported(f"a constant broadcast to {size} bytes is too large")
    if (found := lookup_of(op)) is not None:
        return looked_up(found, b)
    if (rule := rule_of(op, BINARY)) is None:
        raise Unsupported(f"no integer kernel for {op.name.removeprefix('edge.')}")
    if (reason := binary_overflow(op)) is not None:
        raise Unsupported(reason)
    return rule(op, b)


def scaled_binary(op: AddOp | SubOp | MulOp, b: KernelBuilder) -> SSAValue:
    """Add, sub and mul of int8 tensors → quantized_add, quantized_mul; at most 1 step.

    The kernels take equal shapes, or repeat the last dimension of a 4-D tensor for each pixel.
    Any tensor can be seen as pixels of its trailing dimensions. An operand without all elements of
    a pixel is first expanded to a pixel; a constant, at compile time.
    """
    shape = shape_of(op.output)
    swapped = has_narrow_lhs(op)
    wide, narrow = (op.rhs, op.lhs) if swapped else (op.lhs, op.rhs)
    first = operand(b, wide, shape)
    block = repeated_block(shape_of(narrow), shape)
    if is_known(narrow) and math.prod(block) < MIN_CALL:
        block = shape
    second = operand(b, narrow, block)
    if block != shape:
        pixels = (1, 1, math.prod(shape) // math.prod(block), math.prod(block))
        if len(shape) == 4 and block == shape[3:]:
            pixels = shape  # the shape that its producer and users have
        first = b.view(first, pixels)
        second = b.view(second, (1, 1, 1, pixels[3]))
    kernel = QuantizedMulOp if isinstance(op, MulOp) else QuantizedAddOp
    properties = (mul_properties if isinstance(op, MulOp) else add_properties)(op, swapped)
    result = b.add(kernel([first, second], int8_tensor(shape_of(first)), properties))
    return b.view(result, shape)


def has_narrow_lhs(op: BinaryOp) -> bool:
    """Whether only the left operand is repeated or constant."""
    shape = shape_of(op.output)
    is_narrow = shape_of(op.lhs) != shape or is_known(op.lhs)
    return is_narrow and shape_of(op.rhs) == shape and not is_known(op.rhs)


def repeated_block(narrow: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The trailing dimensions of `shape` to which `narrow` must be expanded.

    `narrow` has only dimensions of size 1 before them, so the block is then repeated as a whole.
    """
    padded = (1,) * (len(shape) - len(narrow)) + narrow
    first = next((d for d, size in enumerate(padded) if size != 1), len(shape) - 1)
    return shape[first:] if 0 not in shape and math.prod(shape[:first]) > 1 else shape


def operand(b: KernelBuilder, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
    """The int8 values of an operand, broadcast to `shape`."""
    return repeated(b, b.value(value), shape, value.name_hint)


def repeated(
    b: KernelBuilder, stored: SSAValue, shape: tuple[int, ...], hint: str | None = None
) -> SSAValue:
    """int8 values, broadcast to `shape`: a constant at compile time, else by a copy.

    Leading dimensions of size 1 beyond the rank of `shape` are dropped.
    """
    own = shape_of(stored)[max(len(shape_of(stored)) - len(shape), 0) :]
    if (array := constant_of(stored)) is not None:
        return b.constant(spread(array.reshape(own), shape), hint or stored.name_hint)
    return expanded(b, b.view(stored, own), shape)


def spread(array: Array, shape: tuple[int, ...]) -> Array:
    """`array` broadcast to `shape`, in row-major order."""
    return np.asarray(np.broadcast_to(array, shape), order="C")


def add_properties(op: BinaryOp, swapped: bool) -> Properties:
    """The parameters of `arm_elementwise_add_s8`: both inputs at twice the larger scale.

    A negative multiplier subtracts: requantization rounds the product of either sign to nearest.
    """
    lhs, rhs, output = qtype_of(op.lhs), qtype_of(op.rhs), qtype_of(op.output)
    common = 2 * max(lhs.scale, rhs.scale)
    low, high = activation_range(op, output)
    properties = {"activation_min": low, "activation_max": high}
    first, second = (rhs, lhs) if swapped else (lhs, rhs)
    for name, real in (
        ("self", first.scale / common),
        ("other", second.scale / common),
        ("output", sum_factor(op)),
    ):
        properties[f"{name}_multiplier"], properties[f"{name}_shift"] = fixed_point(real)
    if isinstance(op, SubOp):
        properties["self_multiplier" if swapped else "other_multiplier"] *= -1
    for name, type in (("self", first), ("other", second), ("output", output)):
        properties[f"{name}_zero_point"] = type.zero_point
    return properties


def mul_properties(op: BinaryOp, swapped: bool) -> Properties:
    """The parameters of `arm_elementwise_mul_s8`."""
    lhs, rhs, output = qtype_of(op.lhs), qtype_of(op.rhs), qtype_of(op.output)
    multiplier, shift = fixed_point(float(output_factors(lhs.scale * rhs.scale, output.scale)))
    return {
        "self_zero_point": (rhs if swapped else lhs).zero_point,
        "other_zero_point": (lhs if swapped else rhs).zero_point,
        "output_zero_point": output.zero_point,
        "output_multiplier": multiplier,
        "output_shift": shift,
    }


def div(op: DivOp, b: KernelBuilder) -> SSAValue:
    """edge.div of int8 tensors → quantized_div, operands expanded; at most 1 step.

    The kernel gives 0 for division by zero. If the divisor may be zero, a term is added. For a
    zero divisor, it is the dividend in its own steps times 128, saturated to int8, in units of four
    output steps; else it is 0. So x / 0 saturates with the sign of x, and 0 / 0 is 0. The sum is
    exact, because all its factors are powers of two.
    """
    shape = shape_of(op.output)
    lhs, output = qtype_of(op.lhs), qtype_of(op.output)
    dividend, divisor = (operand(b, value, shape) for value in op.operands)
    quotient = QuantizedDivOp([dividend, divisor], int8_tensor(shape), div_properties(op))
    if not may_be_zero(op.rhs):
        return b.add(quotient)
    zeros = zeros_of(b, op.rhs, shape)
    term = by_zero(b, dividend, lhs.zero_point, zeros)
    low, high = activation_range(op, output)
    scales = {"self": 1 / 8, "other": 4 / 8, "output": 8 / (1 << ADD_LEFT_SHIFT)}
    total: Properties = {
        "self_zero_point": output.zero_point,
        "other_zero_point": 0,
        "output_zero_point": output.zero_point,
        "activation_min": low,
        "activation_max": high,
        **scaled_by(scales),
    }
    return b.add(QuantizedAddOp([b.add(quotient), term], int8_tensor(shape), total))


def div_properties(op: DivOp) -> Properties:
    """The parameters of `quantized_div`."""
    lhs, rhs, output = qtype_of(op.lhs), qtype_of(op.rhs), qtype_of(op.output)
    return {
        "self_zero_point": lhs.zero_point,
        "other_zero_point": rhs.zero_point,
        "output_zero_point": output.zero_point,
        "output_scale": lhs.scale / (rhs.scale * output.scale),
    }


def zeros_of(b: KernelBuilder, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
    """int8 of `shape`: 1 where `value`, broadcast to it, is zero, and 0 elsewhere."""
    table = is_zero(value)
    if (stored := constant_of(value)) is not None:
        return b.constant(spread(table[stored.astype(np.int64) + 128], shape), "zeros")
    return expanded(b, b.lookup(b.value(value), table, "is_zero"), shape)


def by_zero(b: KernelBuilder, dividend: SSAValue, zero_point: int, zeros: SSAValue) -> SSAValue:
    """The dividend's steps times 128, saturated to int8, where `zeros` is 1; else 0."""
    properties: Properties = {
        "self_zero_point": zero_point,
        "other_zero_point": 0,
        "output_zero_point": 0,
        **scaled_by({"output": 128.0}),
    }
    return b.add(QuantizedMulOp([dividend, zeros], dividend.type, properties))


def scaled_by(factors: Mapping[str, float]) -> dict[str, int]:
    """Multipliers and shifts by property name, from factors by the name of operand or output."""
    result = {}
    for name, real in factors.items():
        result[f"{name}_multiplier"], result[f"{name}_shift"] = fixed_point(real)
    return result


def extremum(op: EdgeMinimumOp | EdgeMaximumOp, b: KernelBuilder) -> SSAValue:
    """edge.minimum and maximum → minimum, maximum on the result's quantized type; exact.

    Quantization is monotone, so the smaller operand also gives the smaller result. The kernels
    broadcast up to four dimensions; operands that alternate more often are expanded.
    """
    target, shape = qtype_of(op.output), shape_of(op.output)
    stored = [b.value_as(value, target) for value in (op.lhs, op.rhs)]
    first, second = shape_of(op.lhs), shape_of(op.rhs)
    if first != second or len(shape) > MOST_RANK:
        first, second = joined_dimensions(first, second)
    if extremum_limit(first, second) is not None:
        stored = [repeated(b, value, shape) for value in stored]
        first = second = (numel(shape),)
    operands = [b.view(v, form) for v, form in zip(stored, (first, second), strict=True)]
    result = broadcast_shape(first, second)
    assert result is not None
    kernel = MinimumOp if isinstance(op, EdgeMinimumOp) else MaximumOp
    return b.view(b.add(kernel(operands, int8_tensor(result), {})), shape)


def joined_dimensions(lhs: Shape, rhs: Shape) -> tuple[Shape, Shape]:
    """Two shapes that broadcast, as two of the same bytes with the fewest dimensions.

    Adjacent dimensions in which the same operand is repeated, or none, become one.
    """
    rank = max(len(lhs), len(rhs))
    padded = [(1,) * (rank - len(shape)) + shape for shape in (lhs, rhs)]
    joined: list[tuple[int, int]] = []
    kinds: list[tuple[bool, bool]] = []
    for x, y in zip(*padded, strict=True):
        kind = (x != y and x == 1, x != y and y == 1)
        if x == y == 1:
            continue
        if kinds and kinds[-1] == kind:
            joined[-1] = (joined[-1][0] * x, joined[-1][1] * y)
        else:
            kinds.append(kind)
            joined.append((x, y))
    return tuple(x for x, _ in joined), tuple(y for _, y in joined)


BINARY: dict[type[BinaryOp], Rule] = {
    AddOp: scaled_binary,
    SubOp: scaled_binary,
    MulOp: scaled_binary,
    DivOp: div,
    EdgeMinimumOp: extremum,
    EdgeMaximumOp: extremum,
}
"""The rules of functions of two tensors, by the op's class."""

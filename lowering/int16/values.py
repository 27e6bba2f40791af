"""int16 values: which ops have them, and how they become int8 values and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import IntegerType, TensorType
from xdsl.ir import Operation, SSAValue

from cmopt.arithmetic.activation_ranges import activation_range
from cmopt.arithmetic.fixed_point import fixed_point
from cmopt.arithmetic.interpolated_tables import function_of_one, wide_type
from cmopt.dialects import cmopt as own
from cmopt.dialects.arrays import quantize
from cmopt.dialects.constants import float_constant_of, is_known, typed_constant
from cmopt.dialects.edge import Conv2dOp, ConvTranspose2dOp, LinearOp
from cmopt.dialects.quant import (
    UniformQuantizedType,
    qtype_of,
    quantized_element,
    requantized,
    stored_bits,
)
from cmopt.dialects.shapes import numel, shape_of, with_element
from cmopt.lowering.cortex_m.builder import KernelBuilder
from cmopt.lowering.rewrite import recreated
from cmopt.lowering.rules import Unsupported

I16 = IntegerType(16)


def is_wide(op: Operation) -> bool:
    """Whether an op has an int16 operand or result."""
    return any(stored_bits(value) == 16 for value in (*op.operands, *op.results))


def require_int16(*values: SSAValue) -> None:
    """Raise Unsupported unless all values are int16, quantized per tensor with zero point 0."""
    for value in values:
        element = quantized_element(value.type)
        if element is None or element.storage.width.data != 16 or element.is_per_axis:
            raise Unsupported(f"takes int16 per tensor, got {value.type}")
        if element.zero_point != 0:
            raise Unsupported(f"takes int16 with zero point 0, got {element.zero_point}")


def require_activation(value: SSAValue) -> None:
    """Raise Unsupported unless a value is int8, or int16 with zero point 0, per tensor."""
    if stored_bits(value) != 8 or qtype_of(value).is_per_axis:
        require_int16(value)


def int16_tensor(shape: Sequence[int]) -> TensorType:
    """`tensor<…xi16>`."""
    return TensorType(I16, list(shape))


def own_call(b: KernelBuilder, op: Operation) -> SSAValue:
    """Append a call of this project's operator library. Raises Unsupported without it."""
    if not b.has_own_kernels:
        op.drop_all_references()
        raise Unsupported('int16 needs kernels="cmopt"')
    return b.add(op)


def requantize(
    b: KernelBuilder,
    stored: SSAValue,
    source: UniformQuantizedType,
    target: UniformQuantizedType,
    clamp: tuple[int, int] | None = None,
) -> SSAValue:
    """Stored int8 or int16 in the steps of another type; rounded once, half up.

    clamp: the least and the greatest result. Exact from int8 to `wide_type`.
    """
    low, high = clamp or target.storage_range
    if source == target and (low, high) == target.storage_range:
        return stored
    multiplier, shift = fixed_point(source.scale / target.scale)
    if shift > 16:
        raise Unsupported(f"one step is more than 2^16 steps of {target.scale:g}")
    call = own.RequantizeOp(
        [stored],
        TensorType(target.storage, shape_of(stored)),
        {
            "input_zero_point": source.zero_point,
            "multiplier": multiplier,
            "shift": shift,
            "output_zero_point": target.zero_point,
            "activation_min": low,
            "activation_max": high,
        },
    )
    return own_call(b, call)


def value_as(b: KernelBuilder, value: SSAValue, target: UniformQuantizedType) -> SSAValue:
    """The stored integers of a value in another type: a constant's at compile time; of int8 to int8
    by a table; else requantized."""
    source = qtype_of(value)
    widths = (source.storage.width.data, target.storage.width.data)
    if widths == (8, 8) or is_known(value):
        return b.value_as(value, target)
    return requantize(b, b.value(value), source, target)


def activations(op: Operation) -> list[int]:
    """Which operands of an op are activations that have to be int16: all except weights and biases.

    A function of one tensor takes int8 too: its table then has the exact result of each integer.
    """
    if isinstance(op, Conv2dOp | ConvTranspose2dOp | LinearOp):
        return [0]
    return [] if function_of_one(op) is not None else list(range(len(op.operands)))


def is_mixed(op: Operation) -> bool:
    """Whether an op on int16 also has int8 activations, or an int8 result."""
    operands = [op.operands[index] for index in activations(op)]
    return any(stored_bits(value) == 8 for value in (*operands, *op.results))


def in_int16(op: Operation) -> list[Operation]:
    """The ops that compute a mixed op in int16: operands become int16 first, which is exact, and an
    int8 result is computed in steps 1/128 as long, and rounded to its own: at most half a step
    more. The last op has the result."""
    ops: list[Operation] = []
    operands = list(op.operands)
    for index in activations(op):
        value = op.operands[index]
        if stored_bits(value) != 8:
            continue
        element = wide_type(qtype_of(value))
        type = with_element(value.type, element)
        if (real := float_constant_of(value)) is not None:
            made, operands[index] = typed_constant(quantize(real, element), type, value.name_hint)
        else:
            made, operands[index] = requantized(value, type)
        ops.extend(made)
    (result,) = op.results
    type = with_element(result.type, wide_type(qtype_of(result)))
    wide = recreated(op, operands, type)
    ops.append(wide)
    ops.extend(requantized(wide.results[0], result.type)[0])
    return ops


def spread(b: KernelBuilder, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
    """The int16 values of an operand, broadcast to `shape`: a constant at compile time."""
    if (real := float_constant_of(value)) is not None:
        stored = quantize(real, qtype_of(value))
        return b.constant(np.asarray(np.broadcast_to(stored, shape), order="C"), value.name_hint)
    stored_value = b.value(value)
    if numel(shape_of(value)) == numel(shape):
        return b.view(stored_value, shape)
    return b.portable(
        "aten.expand_copy.default", stored_value, shape, False, type=int16_tensor(shape)
    )


def clamp_of(op: Operation) -> dict[str, int]:
    """The properties `activation_min` and `activation_max` of a kernel, in the result's type."""
    low, high = activation_range(op, qtype_of(op.results[0]))
    return {"activation_min": low, "activation_max": high}

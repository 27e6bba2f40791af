"""Reading and making constants in patterns."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    AnyFloat,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    IntegerType,
    TensorType,
    f32,
)
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.dialects.arrays import Array, dense_array, has_dtype, to_float
from cmopt.dialects.quant import SCastOp, quantized_element, storage_type
from cmopt.dialects.shapes import element_of


def is_constant(value: SSAValue) -> bool:
    """Whether a value is stored in the program file instead of the arena."""
    return isinstance(value.owner, ConstantOp)


def _known(value: SSAValue) -> DenseIntOrFPElementsAttr | None:
    owner = value.owner
    while isinstance(owner, SCastOp):
        owner = owner.input.owner
    if not isinstance(owner, ConstantOp) or not isinstance(owner.value, DenseIntOrFPElementsAttr):
        return None
    return owner.value if has_dtype(owner.value.get_element_type()) else None


def is_known(value: SSAValue) -> bool:
    """Whether `constant_of` has the elements of a value. It takes no time to ask."""
    return _known(value) is not None


def constant_of(value: SSAValue) -> Array | None:
    """The stored array of a constant, seen through `quant.scast`.

    None if it is not constant, or of a type for which there is no array.
    """
    elements = _known(value)
    return None if elements is None else dense_array(elements)


def float_constant_of(value: SSAValue) -> Array | None:
    """The values of a constant, dequantized if its type is quantized; None if not constant."""
    stored = constant_of(value)
    return None if stored is None else to_float(stored, value.type)


def constant_op(
    array: Array, hint: str | None = None, element: IntegerType | AnyFloat | None = None
) -> ConstantOp:
    """`arith.constant dense<…>` holding `array`.

    element: the element type; by default, that of the array (int8 to int64, or float32).
    """
    if element is None:
        is_float = array.dtype == np.float32
        element = f32 if is_float else IntegerType(array.dtype.itemsize * 8)
    type = TensorType(element, array.shape)
    op = ConstantOp(
        DenseIntOrFPElementsAttr(type, BytesAttr(np.asarray(array, order="C").tobytes()))
    )
    op.result.name_hint = hint
    return op


def typed_constant(
    array: Array, type: Attribute, hint: str | None = None
) -> tuple[list[Operation], SSAValue]:
    """Ops that make a constant of a plain or quantized tensor type, and its value."""
    element = element_of(storage_type(type))
    assert isinstance(element, IntegerType | AnyFloat), element
    constant = constant_op(array, hint, element)
    if quantized_element(type) is None:
        return [constant], constant.result
    cast = SCastOp(constant.result, type)
    cast.output.name_hint = hint
    return [constant, cast], cast.output

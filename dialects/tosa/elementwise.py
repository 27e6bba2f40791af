"""Elementwise ops, and the product of matrices."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, IntegerType, TensorType, i8, i32
from xdsl.dialects.tosa import NanMode, NanModeAttr
from xdsl.ir import Attribute
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Commutative
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.shapes import broadcast_shape, element_of, int_of, shape_of
from cmopt.dialects.tosa.base import TosaOp, verify_one

_I16 = IntegerType(16)

_TABLES: dict[Attribute, Attribute] = {i8: TensorType(i8, [256]), _I16: TensorType(_I16, [513])}
_SUMS: dict[Attribute, Attribute] = {i8: i32, _I16: IntegerType(48)}


class _UnaryOp(TosaOp):
    """An op of one operand, whose result has the same shape."""

    input1 = operand_def(TensorType)
    output = result_def(TensorType)


@irdl_op_definition
class ClampOp(TosaOp):
    """`min(max(input, min_val), max_val)`, of int8 and int16."""

    name = "tosa.clamp"

    input = operand_def(TensorType)
    min_val = prop_def(IntegerAttr)
    max_val = prop_def(IntegerAttr)
    nan_mode = opt_prop_def(NanModeAttr, default_value=NanModeAttr(NanMode.PROPAGATE))
    output = result_def(TensorType)

    def verify_(self) -> None:
        element = element_of(self.input)
        if element not in (i8, _I16):
            raise VerifyException(f"works on i8 and i16, got {self.input.type}")
        if {self.min_val.type, self.max_val.type} != {element}:
            raise VerifyException(f"bounds must be of type {element}")
        if int_of(self.min_val) > int_of(self.max_val):
            raise VerifyException(
                f"min_val {int_of(self.min_val)} is above max_val {int_of(self.max_val)}"
            )
        super().verify_()


@irdl_op_definition
class TableOp(_UnaryOp):
    """`table[x + 128]` for an int8 x and a table of 256 int8. For an int16 x and a table of 513
    int16, the interpolation between two entries, in int32."""

    name = "tosa.table"

    input1 = operand_def(TensorType)
    table = operand_def(TensorType)

    def infer_element(self) -> Attribute:
        return i32 if element_of(self.input1) == _I16 else element_of(self.input1)

    def verify_(self) -> None:
        if _TABLES.get(element_of(self.input1)) != self.table.type:
            raise VerifyException(f"{self.table.type} is not a table for {element_of(self.input1)}")
        super().verify_()


@irdl_op_definition
class ClzOp(_UnaryOp):
    """The number of leading zeros of an int32."""

    name = "tosa.clz"

    def verify_(self) -> None:
        if element_of(self.input1) != i32:
            raise VerifyException(f"works on i32, got {self.input1.type}")
        super().verify_()


@irdl_op_definition
class CastOp(_UnaryOp):
    """A cast to another element type. A wider integer keeps its value."""

    name = "tosa.cast"

    def infer_element(self) -> Attribute:
        return element_of(self.output)


class _BinaryOp(TosaOp):
    """Two operands of one rank and element type, broadcast along dimensions of size 1."""

    input1 = operand_def(TensorType)
    input2 = operand_def(TensorType)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        a, b = shape_of(self.input1), shape_of(self.input2)
        if len(a) != len(b) or (shape := broadcast_shape(a, b)) is None:
            raise VerifyException(f"shapes {list(a)} and {list(b)} do not broadcast")
        return shape

    def verify_(self) -> None:
        if element_of(self.input1) != element_of(self.input2):
            raise VerifyException("operands must be of one element type")
        super().verify_()


class _Int32Op(_BinaryOp):
    """A binary op that TOSA has for int32 only."""

    def verify_(self) -> None:
        if element_of(self.input1) != i32:
            raise VerifyException(f"works on i32, got {self.input1.type}")
        super().verify_()


@irdl_op_definition
class AddOp(_Int32Op):
    """The sum."""

    name = "tosa.add"

    traits = traits_def(Commutative())


@irdl_op_definition
class SubOp(_Int32Op):
    """The difference."""

    name = "tosa.sub"


@irdl_op_definition
class MulOp(_BinaryOp):
    """The product in int32. Of two int32, its low half; with `shift`, shifted right, half up."""

    name = "tosa.mul"

    input1 = operand_def(TensorType)
    input2 = operand_def(TensorType)
    shift = operand_def(TensorType)

    traits = traits_def(Commutative())

    def infer_element(self) -> Attribute:
        return i32

    def verify_(self) -> None:
        verify_one(self.shift, "shift", i8)
        super().verify_()


@irdl_op_definition
class MaximumOp(_Int32Op):
    """The larger element."""

    name = "tosa.maximum"

    nan_mode = opt_prop_def(NanModeAttr, default_value=NanModeAttr(NanMode.PROPAGATE))


@irdl_op_definition
class MinimumOp(_Int32Op):
    """The smaller element."""

    name = "tosa.minimum"

    nan_mode = opt_prop_def(NanModeAttr, default_value=NanModeAttr(NanMode.PROPAGATE))


@irdl_op_definition
class LogicalLeftShiftOp(_BinaryOp):
    """`input1 << input2`, for a shift below the number of bits. Bits beyond the type are lost."""

    name = "tosa.logical_left_shift"


@irdl_op_definition
class ArithmeticRightShiftOp(_BinaryOp):
    """`input1 >> input2`. The sign stays. With `round`, half is added first."""

    name = "tosa.arithmetic_right_shift"

    round = prop_def(BoolAttr)


@irdl_op_definition
class MatMulOp(TosaOp):
    """`(a - a_zp) @ (b - b_zp)`: a [N,H,C], b [N,C,W], output [N,H,W] in int32 (int48 of int16)."""

    name = "tosa.matmul"

    a = operand_def(TensorType)
    b = operand_def(TensorType)
    a_zp = operand_def(TensorType)
    b_zp = operand_def(TensorType)
    output = result_def(TensorType)

    def infer_element(self) -> Attribute:
        return _SUMS.get(element_of(self.a), i32)

    def verify_(self) -> None:
        element = element_of(self.a)
        if element_of(self.b) != element or element not in _SUMS:
            raise VerifyException(f"cannot multiply {element} by {element_of(self.b)}")
        verify_one(self.a_zp, "a_zp", element)
        verify_one(self.b_zp, "b_zp", element)
        super().verify_()

    def infer_shape(self) -> Sequence[int]:
        a, b = shape_of(self.a), shape_of(self.b)
        if len(a) != 3 or len(b) != 3 or a[0] != b[0] or a[2] != b[1]:
            raise VerifyException(f"{list(a)} and {list(b)} are not [N,H,C] and [N,C,W]")
        return (a[0], a[1], b[2])

"""Elementwise ops, and the product of matrices."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr, IntegerType, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.shapes import element_of, shape_of, verify_shape
from cmopt.dialects.tosa.base import TosaOp, verify_one


class _UnaryOp(TosaOp):
    """One operand, a result of its shape."""

    input1 = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        verify_shape(self.name, "result", shape_of(self.output), shape_of(self.input1))


@irdl_op_definition
class TableOp(_UnaryOp):
    """`table[x + 128]` for an int8 x; the table has 256 int8."""

    name = "tosa.table"

    input1 = operand_def(TensorType)
    table = operand_def(TensorType)

    def verify_(self) -> None:
        super().verify_()
        i8 = IntegerType(8)
        if element_of(self.input1) == i8 and self.table.type != TensorType(i8, [256]):
            raise VerifyException(f"the table of an i8 is tensor<256xi8>, got {self.table.type}")


@irdl_op_definition
class ClzOp(_UnaryOp):
    """The number of leading zeros of an int32."""

    name = "tosa.clz"


@irdl_op_definition
class CastOp(_UnaryOp):
    """To another element type; a wider integer keeps its value."""

    name = "tosa.cast"


class _BinaryOp(TosaOp):
    """Two operands of one rank and element type, broadcast along dimensions of size 1."""

    input1 = operand_def(TensorType)
    input2 = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        a, b = shape_of(self.input1), shape_of(self.input2)
        if len(a) != len(b) or any(x != y and 1 not in (x, y) for x, y in zip(a, b, strict=True)):
            raise VerifyException(f"shapes {list(a)} and {list(b)} do not broadcast")
        if len({element_of(v) for v in (self.input1, self.input2, self.output)}) != 1:
            raise VerifyException("operands and result must be of one element type")
        expected = [y if x == 1 else x for x, y in zip(a, b, strict=True)]
        verify_shape(self.name, "result", shape_of(self.output), expected)


@irdl_op_definition
class MaximumOp(_BinaryOp):
    """The larger element."""

    name = "tosa.maximum"


@irdl_op_definition
class MinimumOp(_BinaryOp):
    """The smaller element."""

    name = "tosa.minimum"


@irdl_op_definition
class LogicalLeftShiftOp(_BinaryOp):
    """`input1 << input2`, the shift in 0…31 for int32; bits beyond the type are lost."""

    name = "tosa.logical_left_shift"


@irdl_op_definition
class ArithmeticRightShiftOp(_BinaryOp):
    """`input1 >> input2`, the sign kept; with `round`, half is added first."""

    name = "tosa.arithmetic_right_shift"

    round = prop_def(BoolAttr)


@irdl_op_definition
class MatMulOp(TosaOp):
    """`(a - a_zp) @ (b - b_zp)`: a [N,H,C], b [N,C,W], output [N,H,W] in int32."""

    name = "tosa.matmul"

    a = operand_def(TensorType)
    b = operand_def(TensorType)
    a_zp = operand_def(TensorType)
    b_zp = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        a, b = shape_of(self.a), shape_of(self.b)
        verify_one(self.a_zp, "a_zp")
        verify_one(self.b_zp, "b_zp")
        if len(a) != 3 or len(b) != 3 or a[0] != b[0] or a[2] != b[1]:
            raise VerifyException(f"{list(a)} and {list(b)} are not [N,H,C] and [N,C,W]")
        verify_shape(self.name, "result", shape_of(self.output), (a[0], a[1], b[2]))

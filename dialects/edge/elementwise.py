"""What functions of one element have in common, and those of two."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    FloatAttr,
    TensorType,
)
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp, verify_elements
from cmopt.dialects.shapes import (
    broadcast_shape,
    shape_of,
    verify_shape,
)


class UnaryOp(EdgeOp):
    """An elementwise function of one tensor; shape stays."""

    input = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format: ClassVar[str] = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        verify_elements(self)
        verify_shape(self.name, "result", shape_of(self.output), shape_of(self.input))


class BinaryOp(EdgeOp):
    """An elementwise function of two tensors under NumPy broadcasting."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    output = result_def(TensorType)

    assembly_format: ClassVar[str] = (
        "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        verify_elements(self)
        lhs, rhs = shape_of(self.lhs), shape_of(self.rhs)
        if (expected := broadcast_shape(lhs, rhs)) is None:
            raise VerifyException(f"shapes {list(lhs)} and {list(rhs)} do not broadcast")
        verify_shape(self.name, "result", shape_of(self.output), expected)


@irdl_op_definition
class AddOp(BinaryOp):
    """`lhs + rhs` (aten.add with alpha 1), then the clamp of `edge.conv2d`."""

    name = "edge.add"

    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)


@irdl_op_definition
class SubOp(BinaryOp):
    """`lhs - rhs` (aten.sub with alpha 1), then the clamp of `edge.conv2d`."""

    name = "edge.sub"

    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)


@irdl_op_definition
class MulOp(BinaryOp):
    """`lhs * rhs`."""

    name = "edge.mul"


@irdl_op_definition
class DivOp(BinaryOp):
    """`lhs / rhs`; by zero an infinity of the sign of `lhs`, and NaN for 0 / 0.

    On a quantized type infinities saturate, and NaN is the zero point.
    """

    name = "edge.div"


@irdl_op_definition
class MinimumOp(BinaryOp):
    """The smaller of the two; NaN if one is."""

    name = "edge.minimum"


@irdl_op_definition
class MaximumOp(BinaryOp):
    """The larger of the two; NaN if one is."""

    name = "edge.maximum"

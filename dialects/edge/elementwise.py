"""The base class of functions of one element, and the functions of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import FloatAttr, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp
from cmopt.dialects.shapes import broadcast_shape, shape_of


class UnaryOp(EdgeOp):
    """An elementwise function of one tensor. The shape stays."""

    input = operand_def(TensorType)
    output = result_def(TensorType)

    @classmethod
    def of(
        cls,
        input: SSAValue,
        properties: Mapping[str, Attribute | None] | None = None,
        element: Attribute | None = None,
    ) -> Self:
        """The function of `input`, in its element type or in `element`."""
        return cls.inferred([input], properties, element=element)


class BinaryOp(EdgeOp):
    """An elementwise function of two tensors under NumPy broadcasting.

    `ATEN` lists the ATen overloads that the op stands for; the first defines its meaning. The
    importer and the quantizer read this list.
    """

    ATEN: ClassVar[tuple[str, ...]]

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    output = result_def(TensorType)

    @classmethod
    def of(cls, lhs: SSAValue, rhs: SSAValue) -> Self:
        """The function of both, in the element type of `lhs`."""
        return cls.inferred([lhs, rhs])

    def infer_shape(self) -> Sequence[int]:
        lhs, rhs = shape_of(self.lhs), shape_of(self.rhs)
        if (shape := broadcast_shape(lhs, rhs)) is None:
            raise VerifyException(f"shapes {list(lhs)} and {list(rhs)} do not broadcast")
        return shape


@irdl_op_definition
class AddOp(BinaryOp):
    """`lhs + rhs` (aten.add with alpha 1), then the clamp of `edge.conv2d`."""

    name = "edge.add"
    ATEN: ClassVar = ("add.Tensor", "add.Scalar")

    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)


@irdl_op_definition
class SubOp(BinaryOp):
    """`lhs - rhs` (aten.sub with alpha 1), then the clamp of `edge.conv2d`."""

    name = "edge.sub"
    ATEN: ClassVar = ("sub.Tensor", "sub.Scalar")

    activation_min = opt_prop_def(FloatAttr)
    activation_max = opt_prop_def(FloatAttr)


@irdl_op_definition
class MulOp(BinaryOp):
    """`lhs * rhs`."""

    name = "edge.mul"
    ATEN: ClassVar = ("mul.Tensor", "mul.Scalar")


@irdl_op_definition
class DivOp(BinaryOp):
    """`lhs / rhs`. Division by zero gives an infinity with the sign of `lhs`, and NaN for 0 / 0.

    On a quantized type, infinities saturate and NaN gives the zero point.
    """

    name = "edge.div"
    ATEN: ClassVar = ("div.Tensor", "div.Scalar")


@irdl_op_definition
class FloorDivideOp(BinaryOp):
    """The greatest integer up to `lhs / rhs`. By zero, as `edge.div`."""

    name = "edge.floor_divide"
    ATEN: ClassVar = ("floor_divide.default", "floor_divide.Scalar")


@irdl_op_definition
class TruncDivideOp(BinaryOp):
    """`lhs / rhs` without its fraction. By zero, as `edge.div`.

    It is aten.div with rounding mode "trunc"; the importer chooses the op by the mode.
    """

    name = "edge.trunc_divide"
    ATEN: ClassVar = ()


@irdl_op_definition
class RemainderOp(BinaryOp):
    """`lhs - floor(lhs / rhs) · rhs`, which has the sign of `rhs`; NaN if `rhs` is 0.

    On a quantized type, NaN gives the zero point.
    """

    name = "edge.remainder"
    ATEN: ClassVar = ("remainder.Tensor", "remainder.Scalar")


@irdl_op_definition
class FmodOp(BinaryOp):
    """`lhs - trunc(lhs / rhs) · rhs`, which has the sign of `lhs`; NaN if `rhs` is 0.

    On a quantized type, NaN gives the zero point.
    """

    name = "edge.fmod"
    ATEN: ClassVar = ("fmod.Tensor", "fmod.Scalar")


@irdl_op_definition
class HypotOp(BinaryOp):
    """`sqrt(lhs² + rhs²)`: the magnitude of a complex number."""

    name = "edge.hypot"
    ATEN: ClassVar = ("hypot.default",)


@irdl_op_definition
class MinimumOp(BinaryOp):
    """The smaller of the two; NaN if one is."""

    name = "edge.minimum"
    ATEN: ClassVar = ("minimum.default", "min.other")


@irdl_op_definition
class MaximumOp(BinaryOp):
    """The larger of the two; NaN if one is."""

    name = "edge.maximum"
    ATEN: ClassVar = ("maximum.default", "max.other")

"""Masks as numbers: comparisons that give 1 for true and 0 for false, and a choice by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import TensorType, i8
from xdsl.irdl import irdl_op_definition, operand_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp
from cmopt.dialects.edge.elementwise import BinaryOp
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.dialects.shapes import broadcast_shape, shape_of

MASK = UniformQuantizedType.get(i8, 1.0)
"""The element type of masks that are quantized: the integers 0 and 1."""


class ComparisonOp(BinaryOp):
    """A comparison of two tensors: 1 where it holds, else 0.

    ATen's operators give bools. `quantize-masks` makes these ops of them for an NPU.
    """

    ATEN: ClassVar = ()


@irdl_op_definition
class EqualOp(ComparisonOp):
    """`lhs == rhs`."""

    name = "edge.equal"


@irdl_op_definition
class GreaterOp(ComparisonOp):
    """`lhs > rhs`."""

    name = "edge.greater"


@irdl_op_definition
class GreaterEqualOp(ComparisonOp):
    """`lhs >= rhs`."""

    name = "edge.greater_equal"


@irdl_op_definition
class WhereOp(EdgeOp):
    """`lhs` where the mask is not 0, else `rhs`, under NumPy broadcasting."""

    name = "edge.where"

    mask = operand_def(TensorType)
    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    output = result_def(TensorType)

    def infer_shape(self) -> Sequence[int]:
        shape: tuple[int, ...] = ()
        for value in self.operands:
            if (joined := broadcast_shape(shape, shape_of(value))) is None:
                shapes = [list(shape_of(value)) for value in self.operands]
                raise VerifyException(f"shapes {shapes} do not broadcast")
            shape = joined
        return shape

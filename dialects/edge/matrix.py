"""Products of two computed tensors, and softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp
from cmopt.dialects.shapes import int_of, shape_of, verify_dim


@irdl_op_definition
class MatmulOp(EdgeOp):
    """`lhs @ rhs` over the last two dimensions (aten.matmul, bmm, mm); the others are a batch.

    lhs [..., M, K], rhs [..., K, N], output [..., M, N], of one rank and batch. With
    `transposed_rhs`, as the kernel takes it, rhs is [..., N, K].
    """

    name = "edge.matmul"

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    transposed_rhs = prop_def(BoolAttr)
    output = result_def(TensorType)

    @classmethod
    def of(
        cls, lhs: SSAValue, rhs: SSAValue, transposed_rhs: bool, element: Attribute | None = None
    ) -> Self:
        """The product, in the element type of `lhs` or in `element`."""
        flag = {"transposed_rhs": BoolAttr.from_bool(transposed_rhs)}
        return cls.inferred([lhs, rhs], flag, element=element)

    def infer_shape(self) -> Sequence[int]:
        lhs, rhs = shape_of(self.lhs), shape_of(self.rhs)
        if len(lhs) < 2 or len(rhs) != len(lhs) or lhs[:-2] != rhs[:-2]:
            raise VerifyException(
                f"operands must be matrices of one batch, got {list(lhs)} and {list(rhs)}"
            )
        (rows, depth), (depth_of_rhs, columns) = lhs[-2:], rhs[-2:]
        if int_of(self.transposed_rhs):
            depth_of_rhs, columns = columns, depth_of_rhs
        if depth != depth_of_rhs:
            raise VerifyException(f"sums over {depth} of lhs, but {depth_of_rhs} of rhs")
        return (*lhs[:-2], rows, columns)


@irdl_op_definition
class SoftmaxOp(EdgeOp):
    """`exp(x) / Σ exp(x)` along dimension `dim`."""

    name = "edge.softmax"

    input = operand_def(TensorType)
    dim = prop_def(IntegerAttr)
    output = result_def(TensorType)

    @classmethod
    def of(cls, input: SSAValue, dim: int, element: Attribute | None = None) -> Self:
        """The softmax along `dim`, in the operand's element type or in `element`."""
        return cls.inferred([input], {"dim": IntegerAttr(dim, i64)}, element=element)

    def infer_shape(self) -> Sequence[int]:
        shape = shape_of(self.input)
        verify_dim(int_of(self.dim), len(shape))
        return shape

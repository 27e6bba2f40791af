"""Products of two computed tensors, and softmax."""

from __future__ import annotations

from xdsl.dialects.builtin import BoolAttr, IntegerAttr, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.base import EdgeOp, verify_elements
from cmopt.dialects.shapes import int_of, shape_of, verify_shape


@irdl_op_definition
class MatmulOp(EdgeOp):
    """`lhs @ rhs` over the last two dimensions (aten.matmul, bmm, mm); the others are a batch.

    lhs [..., M, K], rhs [..., K, N], output [..., M, N], of one rank and batch. With
    `transposed_rhs`, what the kernel takes, rhs is [..., N, K].
    """

    name = "edge.matmul"

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    transposed_rhs = prop_def(BoolAttr)
    output = result_def(TensorType)

    assembly_format = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        verify_elements(self)
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
        expected = (*lhs[:-2], rows, columns)
        verify_shape(self.name, "result", shape_of(self.output), expected)


@irdl_op_definition
class SoftmaxOp(EdgeOp):
    """`exp(x) / Σ exp(x)` along dimension `dim`."""

    name = "edge.softmax"

    input = operand_def(TensorType)
    dim = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        verify_elements(self)
        shape = shape_of(self.input)
        if not 0 <= int_of(self.dim) < len(shape):
            raise VerifyException(f"dim {int_of(self.dim)} is outside rank {len(shape)}")
        verify_shape(self.name, "result", shape_of(self.output), shape)

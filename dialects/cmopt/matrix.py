"""Matrix products and softmax of int16."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, TensorType
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def

from cmopt.dialects.cortex_m.base import KernelOp
from cmopt.dialects.cortex_m.limits import LONGEST_SHIFT
from cmopt.dialects.shapes import shape_of

LONGEST_WIDE_SOFTMAX = 65535
"""Elements of a row: the sum of exponentials of at most 32767 each has 32 bits."""


@irdl_op_definition
class QuantizedBatchMatmulOp(KernelOp):
    """`arm_batch_matmul_s16`: lhs [B,M,K], rhs_transposed [B,N,K] → [B,M,N]; sums of 64 bits."""

    name = "cmopt.quantized_batch_matmul"

    lhs = operand_def(TensorType)
    rhs_transposed = operand_def(TensorType)
    output_multiplier = prop_def(IntegerAttr)
    output_shift = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = "$lhs `,` $rhs_transposed attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_integers(16, "lhs", "rhs_transposed", "output")
        self.require_rank(3, "lhs", "rhs_transposed", "output")
        (b, m, k), (rb, n, rk) = shape_of(self.lhs), shape_of(self.rhs_transposed)
        if (b, k) != (rb, rk):
            raise self.error(f"rhs_transposed {[rb, n, rk]} should be [{b}, N, {k}]")
        self.require_shape("output", (b, m, n))
        self.require_multipliers("output_multiplier")
        self.require_range(-LONGEST_SHIFT, 14, "output_shift")


@irdl_op_definition
class SoftmaxOp(KernelOp):
    """Softmax over the last dimension; output scale 1/32768.

    table: 513 entries of the exponential, of the distances from a row's maximum. The multiplier and
    the shift scale a distance, and 32767 is added; the sum saturates. A share is an exponential
    times `floor(2^46 / sum of the row)`, and rounded once. CMSIS-NN's `arm_softmax_s16` is not
    called: a distance beyond 10 counts as 10 there, so that long rows sum to too much, and it is
    wrong by a factor of two if a sum is one below a power of two.
    """

    name = "cmopt.softmax"
    INPLACE: ClassVar[tuple[str, ...]] = ("input",)

    input = operand_def(TensorType)
    table = operand_def(TensorType)
    input_multiplier = prop_def(IntegerAttr)
    input_shift = prop_def(IntegerAttr)
    output = result_def(TensorType)

    assembly_format = "$input `table` $table attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        self.require_integers(16, "input", "table", "output")
        self.require_shape("output", shape_of(self.input))
        self.require_shape("table", (513,))
        self.require_range(-LONGEST_SHIFT, 14, "input_shift")
        self.require_range(0, 2**31 - 1, "input_multiplier")
        shape = shape_of(self.input)
        if not shape or not 1 <= shape[-1] <= LONGEST_WIDE_SOFTMAX:
            raise self.error(f"a row has 1 to {LONGEST_WIDE_SOFTMAX} elements")

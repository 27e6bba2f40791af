"""A function of one element that is made of several ops."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge.elementwise import UnaryOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import shape_of


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends the body of an `edge.map` or an `edge.scan` with its results; a map has one."""

    name = "edge.yield"

    values = var_operand_def(TensorType)

    traits = traits_def(IsTerminator())
    assembly_format = "($values^ `:` type($values))? attr-dict"

    def __init__(self, *values: SSAValue):
        super().__init__(operands=[values])


@irdl_op_definition
class MapOp(UnaryOp):
    """Dequantize, compute the body for each element in float32, quantize.

    Input and output are int8 or int16, quantized per tensor. The body takes one `tensor<f32>`,
    holds float ops of `edge` on tensors of rank 0, and yields a `tensor<f32>`. Nothing is rounded
    between these ops, so one table of 256 entries is exact for int8.
    """

    name = "edge.map"

    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), Pure())
    assembly_format = "operands $body attr-dict `:` functional-type(operands, results)"

    def __init__(self, input: SSAValue, body: Block, result_type: Attribute):
        IRDLOperation.__init__(
            self, operands=[input], regions=[Region(body)], result_types=[result_type]
        )

    @property
    def end(self) -> YieldOp:
        """The terminator."""
        last = self.body.block.last_op
        assert isinstance(last, YieldOp), "a map ends in edge.yield"
        return last

    def verify_(self) -> None:
        super().verify_()
        block = self.body.block
        if not isinstance(end := block.last_op, YieldOp):
            raise VerifyException("must end in edge.yield")
        elements = [quantized_element(v.type) for v in (self.input, self.output)]
        if any(e is None or e.is_per_axis or e.storage.width.data > 16 for e in elements):
            raise VerifyException(
                "needs an input and a result of int8 or int16, quantized per tensor"
            )
        inner = [*block.args, *(value for op in block.ops for value in op.results), *end.values]
        if any(shape_of(value) for value in inner):
            raise VerifyException("the body computes one element; its tensors have rank 0")
        if [str(v.type) for v in (*block.args, *end.values)] != ["tensor<f32>"] * 2:
            raise VerifyException("the body takes one tensor<f32> and yields one")

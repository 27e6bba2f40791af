"""Bytes rather than arithmetic: scratch memory and views."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.cortex_m.base import CortexMPatterns, place_of
from cmopt.dialects.shapes import element_of, numel, shape_of


@irdl_op_definition
class ScratchOp(IRDLOperation):
    """Working memory of one kernel call; its contents are undefined before and after.

    Not pure: two kernels' scratch are two values, each live during its own call only.
    """

    name = "cortex_m.scratch"

    output = result_def(TensorType)

    traits = traits_def(CortexMPatterns())
    assembly_format = "attr-dict `:` type($output)"

    def __init__(self, type: Attribute):
        super().__init__(result_types=[type])


@irdl_op_definition
class ViewOp(IRDLOperation):
    """The same bytes under another shape: no instruction at run time."""

    name = "cortex_m.view"

    input = operand_def(TensorType)
    output = result_def(TensorType)

    traits = traits_def(Pure(), CortexMPatterns())
    assembly_format = "$input attr-dict `:` functional-type(operands, results)"

    def __init__(self, input: SSAValue, type: Attribute):
        super().__init__(operands=[input], result_types=[type])

    def verify_(self) -> None:
        before, after = shape_of(self.input), shape_of(self.output)
        if numel(before) != numel(after) or element_of(self.input) != element_of(self.output):
            raise VerifyException(
                f"{self.input.type} and {self.output.type} are not the same bytes"
            )
        if place_of(self.input) != place_of(self.output):
            raise VerifyException("must keep the place of its bytes")

"""The dialect `example`."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition, operand_def, result_def

from cmopt.dialects.edge import EdgeOp


@irdl_op_definition
class CubeOp(EdgeOp):
    """`x * x * x`. Because it is an `EdgeOp`, it may be quantized."""

    name = "example.cube"

    input = operand_def(TensorType)
    output = result_def(TensorType)


EXAMPLE = Dialect("example", [CubeOp])

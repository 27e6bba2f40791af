"""Any other PyTorch operator."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    ArrayAttr,
    IntegerAttr,
    StringAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_attr_definition,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.shapes import shape_of


@irdl_attr_definition
class OperandAttr(ParametrizedAttribute):
    """`#edge.operand<0>`: the place of operand 0 among the arguments of an `edge.call`."""

    name = "edge.operand"

    index: IntegerAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return (IntegerAttr(parser.parse_integer(allow_negative=False), i64),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(self.index.value.data))


@irdl_op_definition
class CallOp(IRDLOperation):
    """Any other PyTorch operator, by its overload name; becomes a portable `aten::` kernel.

    `target` is a name such as "aten.softmax.int". `arguments` holds its schema's arguments in order
    (defaults filled in): a tensor as `#edge.operand<i>`, a list as an array, None as the type
    `none`. Lowering sets `reason`: why the op stays on a portable kernel.

    With `data_format` "NHWC", the first operand and the results are [N,H,W,C]: the operator, which
    is defined on [N,C,H,W], is applied to the same elements.
    """

    name = "edge.call"

    operands_ = var_operand_def(TensorType)
    target = prop_def(StringAttr)
    arguments = prop_def(ArrayAttr)
    reason = opt_prop_def(StringAttr)
    data_format = opt_prop_def(StringAttr)
    outputs = var_result_def(TensorType)

    irdl_options = (ParsePropInAttrDict(),)
    traits = traits_def(Pure())
    assembly_format = "$target `(` $operands_ `)` attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        target: str,
        operands: Sequence[SSAValue],
        arguments: Sequence[Attribute],
        result_types: Sequence[Attribute],
    ):
        super().__init__(
            operands=[operands],
            result_types=[result_types],
            properties={"target": StringAttr(target), "arguments": ArrayAttr(arguments)},
        )

    def verify_(self) -> None:
        if len(self.target.data.split(".")) != 3:
            raise VerifyException(f"target must be namespace.operator.overload, got {self.target}")
        if self.data_format is not None:
            if self.data_format.data != "NHWC":
                raise VerifyException(f"data_format must be NHWC, got {self.data_format}")
            if any(len(shape_of(v)) != 4 for v in (*self.operands_[:1], *self.outputs)):
                raise VerifyException("data_format takes tensors of rank 4")
        used = sorted(_operand_indices(self.arguments))
        if used != list(range(len(self.operands_))):
            raise VerifyException(
                f"arguments name operands {used}, but there are {len(self.operands_)}"
            )


def _operand_indices(arguments: ArrayAttr) -> list[int]:
    result: list[int] = []
    for argument in arguments.data:
        if isinstance(argument, OperandAttr):
            result.append(argument.index.value.data)
        elif isinstance(argument, ArrayAttr):
            result.extend(_operand_indices(argument))
    return result

"""Any operator as `edge.call`."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    FloatAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
    f64,
    i64,
)
from xdsl.ir import Attribute, SSAValue

from cmopt.dialects.edge import CallOp, OperandAttr
from cmopt.frontend.call import Call
from cmopt.frontend.tensor_types import dtype_name, tensor_type
from cmopt.frontend.upstream import arguments_of

SAME_AS = {
    "aten.__lshift__.Scalar": "aten.bitwise_left_shift.Tensor_Scalar",
    "aten.__lshift__.Tensor": "aten.bitwise_left_shift.Tensor",
    "aten.__rshift__.Scalar": "aten.bitwise_right_shift.Tensor_Scalar",
    "aten.__rshift__.Tensor": "aten.bitwise_right_shift.Tensor",
}
"""Operators without a kernel that are another spelling of one with a kernel."""


def _attribute(call: Call, value: Any, operands: list[SSAValue], is_float: bool) -> Attribute:
    """One argument; tensors are appended to `operands`."""
    match value:
        case None | torch.memory_format() | torch.layout() | torch.device():
            return NoneType()
        case Node():
            operands.append(call.stored(value))
            return OperandAttr(IntegerAttr(len(operands) - 1, i64))
        case bool():
            return BoolAttr.from_bool(value)
        case int() if not is_float:
            return IntegerAttr(value, i64)
        case int() | float():
            return FloatAttr(float(value), f64)
        case str():
            return StringAttr(value)
        case torch.dtype():
            return StringAttr(dtype_name(value))
        case list() | tuple():
            return ArrayAttr([_attribute(call, item, operands, is_float) for item in value])
    raise call.error(f"an argument is {value!r}, of type {type(value).__name__}")


def generic_call(call: Call) -> list[SSAValue]:
    """An `edge.call`; returns one value for each tensor the operator returns."""
    operands: list[SSAValue] = []
    arguments = [
        _attribute(call, call[argument.name], operands, _takes_float(argument))
        for argument in arguments_of(call.target)
    ]
    value = call.node.meta.get("val")
    types = []
    for result in value if isinstance(value, tuple | list) else [value]:
        if not isinstance(result, torch.Tensor):
            raise call.error("a result is not a tensor")
        types.append(tensor_type(result))
    op = CallOp(SAME_AS.get(call.name, call.name), operands, arguments, types)
    call.emit(op)
    return list(op.outputs)


def _takes_float(argument: torch.Argument) -> bool:
    kind = argument.type
    while isinstance(kind, torch.OptionalType | torch.ListType):
        kind = kind.getElementType()
    return isinstance(kind, torch.FloatType)

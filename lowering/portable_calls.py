"""Calls of ExecuTorch's portable kernels: how arguments become an `edge.call`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

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

Argument: TypeAlias = SSAValue | int | float | bool | str | Sequence["Argument"] | None
"""An operator's argument: a tensor, a number, a name, None, or a list of these."""


def portable_call(target: str, arguments: Sequence[Argument], *types: Attribute) -> CallOp:
    """A call of `target`, such as "aten.add.Tensor", with results of these types."""
    operands: list[SSAValue] = []
    attributes = [_attribute(argument, operands) for argument in arguments]
    return CallOp(target, operands, attributes, list(types))


def _attribute(argument: Argument, operands: list[SSAValue]) -> Attribute:
    """The attribute form of an argument; a tensor is appended to `operands`."""
    match argument:
        case SSAValue():
            operands.append(argument)
            return OperandAttr(IntegerAttr(len(operands) - 1, i64))
        case None:
            return NoneType()
        case bool():
            return BoolAttr.from_bool(argument)
        case int():
            return IntegerAttr(argument, i64)
        case float():
            return FloatAttr(argument, f64)
        case str():
            return StringAttr(argument)
        case _:
            return ArrayAttr([_attribute(item, operands) for item in argument])

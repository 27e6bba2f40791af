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
    TensorType,
    f64,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter

from cmopt.dialects.arrays import numpy_dtype
from cmopt.dialects.constants import constant_of, typed_constant
from cmopt.dialects.edge import CallOp, OperandAttr
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.plain_integers import COPY

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


def cast_to(value: SSAValue, element: Attribute, rewriter: PatternRewriter) -> SSAValue:
    """A value as numbers of another type; the cast is inserted, or a constant is converted."""
    type, dtype = TensorType(element, shape_of(value)), numpy_dtype(element)
    if (values := constant_of(value)) is not None:
        ops, cast = typed_constant(values.astype(dtype), type, value.name_hint)
        rewriter.insert(ops)
        return cast
    arguments: list[Argument] = [value, dtype.name, None, None, None, False, None]
    return rewriter.insert(portable_call(COPY, arguments, type)).outputs[0]

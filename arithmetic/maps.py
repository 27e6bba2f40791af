"""What the body of an `edge.map` computes, in numpy, without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, NoneType, StringAttr
from xdsl.ir import Attribute, Operation, SSAValue

from cmopt.arithmetic.functions import BINARY, Float, apply_binary, apply_unary
from cmopt.dialects.constants import constant_of
from cmopt.dialects.edge import BinaryOp, CallOp, MapOp, OperandAttr, UnaryOp

Values = NDArray[Any]


def _clamp(x: Values, low: Values | None, high: Values | None) -> Values:
    """The upper bound wins, as in PyTorch."""
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _cast(x: Values, dtype: str | None, *others: Any) -> Values:
    return x if dtype is None else x.astype(dtype)


def _fill(x: Values, mask: Values, value: Values) -> Values:
    return np.where(mask, value, x)


_OF_TENSORS: dict[str, Callable[..., Values]] = {
    "atan2.default": np.arctan2,
    "bitwise_and.Tensor": np.bitwise_and,
    "bitwise_not.default": np.bitwise_not,
    "bitwise_or.Tensor": np.bitwise_or,
    "bitwise_xor.Tensor": np.bitwise_xor,
    "fmax.default": np.fmax,
    "fmin.default": np.fmin,
    "isinf.default": np.isinf,
    "isnan.default": np.isnan,
    "logical_and.default": np.logical_and,
    "logical_not.default": np.logical_not,
    "logical_or.default": np.logical_or,
    "logical_xor.default": np.logical_xor,
    "mul.Tensor": np.multiply,
    "pow.Scalar": np.power,
    "pow.Tensor_Tensor": np.power,
    "where.self": np.where,
    "_to_copy.default": _cast,
}
# Operators with the overloads "Scalar" and "Tensor".
_OF_TENSORS_AND_NUMBERS: dict[str, Callable[..., Values]] = {
    "eq": np.equal,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "masked_fill": _fill,
    "ne": np.not_equal,
    "remainder": np.remainder,
}
CALLS: dict[str, Callable[..., Values]] = {
    **{f"aten.{name}": function for name, function in _OF_TENSORS.items()},
    **{
        f"aten.{name}.{kind}": function
        for name, function in _OF_TENSORS_AND_NUMBERS.items()
        for kind in ("Scalar", "Tensor")
    },
    "aten.clamp.Tensor": _clamp,
}
"""Functions of elements that are `edge.call`s, by their target; they take ATen's arguments."""


def can_be_in_map(op: Operation) -> bool:
    """Whether an op on plain tensors is a function of the elements in one place."""
    match op:
        case CallOp():
            return op.target.data in CALLS
        case BinaryOp():
            return type(op) in BINARY
        case _:
            return isinstance(op, UnaryOp) and not isinstance(op, MapOp)


def apply_map(op: MapOp, x: Float) -> Float | None:
    """The body of `op` for each element of `x`; None if it holds an op that cannot be in a map."""
    values: dict[SSAValue, Values] = {op.body.block.args[0]: x}
    for inner in op.body.block.ops:
        if inner is op.end:
            break
        if not can_be_in_map(inner) and not isinstance(inner, ConstantOp):
            return None
        if (constant := constant_of(inner.results[0])) is not None:
            values[inner.results[0]] = constant
            continue
        with np.errstate(all="ignore"):
            values[inner.results[0]] = _apply(inner, [values[v] for v in inner.operands])
    result: Float = np.broadcast_to(values[op.end.values[0]], x.shape).astype(np.float32)
    return result


def _apply(op: Operation, operands: list[Values]) -> Values:
    result: Values | None
    match op:
        case CallOp():
            arguments = [_argument(argument, operands) for argument in op.arguments.data]
            result = CALLS[op.target.data](*arguments)
        case BinaryOp():
            result = apply_binary(op, *operands)
        case _:
            result = apply_unary(op, *operands)
    assert result is not None, f"{op.name} cannot be in a map"
    return result.astype(np.float32) if result.dtype == np.float64 else result


def _argument(argument: Attribute, operands: list[Values]) -> Any:
    """One argument of a call; a number is a float32, because tensors compute in float32."""
    match argument:
        case OperandAttr():
            return operands[argument.index.value.data]
        case FloatAttr() | IntegerAttr():
            return np.float32(argument.value.data)
        case StringAttr():
            return argument.data
        case NoneType():
            return None
        case _:
            return argument

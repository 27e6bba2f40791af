"""Elementwise operators."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node
from xdsl.dialects.builtin import FloatAttr, StringAttr, f32
from xdsl.ir import Attribute, SSAValue

from cmopt.dialects import edge
from cmopt.frontend.call import Call, Conversion, Converted


def _first(call: Call) -> SSAValue:
    return call.stored(call.node.all_input_nodes[0])


def _apply(
    call: Call, op: type[edge.UnaryOp], properties: dict[str, Attribute | None] | None = None
) -> SSAValue:
    return call.emit(op([_first(call)], call.result_type, properties))


def unary(op: type[edge.UnaryOp]) -> Conversion:
    def convert(call: Call) -> Converted:
        dtype = call.node.all_input_nodes[0].meta["val"].dtype
        return _apply(call, op) if dtype == call.fake_result.dtype == torch.float32 else None

    return convert


def _bound(value: Any) -> FloatAttr[Any] | None:
    return None if value is None else FloatAttr(float(value), f32)


def _clamp_to(call: Call, low: Any, high: Any) -> Converted:
    properties: dict[str, Attribute | None] = {"min": _bound(low), "max": _bound(high)}
    if call.fake_result.dtype != torch.float32 or isinstance(low, Node) or isinstance(high, Node):
        return None
    return _apply(call, edge.ClampOp, properties)


def clamp(call: Call) -> Converted:
    return _clamp_to(call, call.arguments.get("min"), call.arguments.get("max"))


def hardtanh(call: Call) -> Converted:
    return _clamp_to(call, call["min_val"], call["max_val"])


def rrelu(call: Call) -> Converted:
    """The slope is random in training; otherwise it is the mean of the bounds."""
    if call["training"]:
        raise call.error("rrelu in training mode", "put the module in eval mode before export")
    if call.fake_result.dtype != torch.float32:
        return None
    slope = (float(call["lower"]) + float(call["upper"])) / 2
    return _apply(call, edge.WITH_PARAMETERS["leaky_relu"], {"negative_slope": _bound(slope)})


def relu6(call: Call) -> Converted:
    return _clamp_to(call, 0, 6)


def with_numbers(op: type[edge.UnaryOp]) -> Conversion:
    """The operator's arguments after the tensor are the properties, under the same names.

    An absent number is -1: `logit` without `eps` is `edge.logit` with a negative one.
    """

    def convert(call: Call) -> Converted:
        given = list(call.arguments.items())[1:]
        numbers = {name: -1.0 if number is None else number for name, number in given}
        return _apply_to_float(call, op, numbers)

    return convert


def _apply_to_float(
    call: Call, op: type[edge.UnaryOp], numbers: dict[str, float]
) -> SSAValue | None:
    if call.fake_result.dtype != torch.float32 or call.fake("self").dtype != torch.float32:
        return None
    return _apply(call, op, {name: FloatAttr(float(n), f32) for name, n in numbers.items()})


def selu(call: Call) -> Converted:
    numbers = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805, "input_scale": 1.0}
    return _apply_to_float(call, edge.WITH_PARAMETERS["elu"], numbers)


def celu(call: Call) -> Converted:
    alpha = float(call["alpha"])
    numbers = {"alpha": alpha, "scale": 1.0, "input_scale": 1 / alpha}
    return _apply_to_float(call, edge.WITH_PARAMETERS["elu"], numbers)


def gelu(call: Call) -> Converted:
    return _apply(call, edge.GeluOp, {"approximate": StringAttr(call["approximate"])})


_OPPOSITE: dict[type[edge.BinaryOp], type[edge.BinaryOp]] = {
    edge.AddOp: edge.SubOp,
    edge.SubOp: edge.AddOp,
}


_DIVISIONS: dict[str | None, type[edge.BinaryOp]] = {
    None: edge.DivOp,
    "floor": edge.FloorDivideOp,
    "trunc": edge.TruncDivideOp,
}


def rounded_division(call: Call) -> Converted:
    """`div` with a rounding mode."""
    return binary(_DIVISIONS[call["rounding_mode"]])(call)


def binary(op: type[edge.BinaryOp]) -> Conversion:
    """A function of two tensors or of a tensor and a number.

    With an `alpha`, the second operand is multiplied by its absolute value first. A negative one
    makes a sum a difference, and a difference a sum.
    """

    def convert(call: Call) -> Converted:
        result, alpha = call.fake_result, float(call.arguments.get("alpha", 1))
        if not result.dtype.is_floating_point or alpha == 0:
            return None
        operands: list[SSAValue] = []
        for name in ("self", "other"):
            value = call[name]
            if not isinstance(value, Node):
                operands.append(call.constant(torch.tensor(float(value), dtype=result.dtype)))
            elif call.fake(name).dtype != result.dtype:
                return None  # type promotion
            else:
                operands.append(call.stored(value))
        if abs(alpha) != 1:
            factor = call.constant(torch.tensor(abs(alpha), dtype=result.dtype))
            type = operands[1].type
            operands[1] = call.emit(edge.MulOp([operands[1], factor], type))
        return call.emit((_OPPOSITE[op] if alpha < 0 else op)(operands, call.result_type))

    return convert

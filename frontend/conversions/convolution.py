"""Convolutions and linear layers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch.fx import Node
from xdsl.dialects.builtin import IntegerAttr, TensorType, i64
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import element_of, ints, shape_of
from cmopt.frontend.call import Call, Conversion, Converted


def _same_padding(kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """[before, after] for each axis; the odd one goes behind."""
    result = []
    for size, step in zip(kernel, dilation, strict=True):
        total = step * (size - 1)
        result += [total // 2, total - total // 2]
    return result


def _padding(call: Call, kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    given = call["padding"]
    if given == "same":
        return _same_padding(kernel, dilation)
    if given == "valid":
        return [0] * (2 * len(kernel))
    return [amount for amount in call.ints("padding", len(kernel)) for _ in range(2)]


def _reshape(call: Call, value: SSAValue, shape: Sequence[int]) -> SSAValue:
    return call.emit(edge.ReshapeOp([value], TensorType(element_of(value), shape)))


def _convolution(call: Call) -> Converted:
    """Two dimensions, or one: that is the first of two, the second being of size 1.

    A batch may be missing, and then is of size 1.
    """
    if call.arguments.get("transposed") or any(call.arguments.get("output_padding") or ()):
        return None
    weight_shape = call.fake("weight").shape
    axes = len(weight_shape) - 2
    if axes not in (1, 2) or not call.fake_result.dtype.is_floating_point:
        return None
    kernel = list(weight_shape[2:])
    stride, dilation = call.ints("stride", axes), call.ints("dilation", axes)
    padding = _padding(call, kernel, dilation)
    value, weight = call.tensor("input"), call.tensor("weight")
    bias = call.optional_tensor("bias")
    unit = [1] * (2 - axes)
    input_shape, result = list(shape_of(value)), call.result_type
    batched = input_shape if len(input_shape) == axes + 2 else [1, *input_shape]
    result_shape = list(result.get_shape())
    wide = result_shape if len(result_shape) == axes + 2 else [1, *result_shape]
    if (full := [*batched, *unit]) != input_shape:
        value = _reshape(call, value, full)
    if unit:
        weight = call.importer.reshape_constant(weight, [*weight_shape, *unit], call.node)
    properties = {
        "stride": ints([*stride, *unit]),
        "padding": ints([*padding, *([0, 0] if unit else [])]),
        "dilation": ints([*dilation, *unit]),
        "groups": IntegerAttr(call["groups"], i64),
    }
    operands: list[SSAValue | Sequence[SSAValue]] = [value, weight, edge.optional(bias)]
    wide_type = TensorType(result.element_type, [*wide, *unit])
    output = call.emit(edge.Conv2dOp(operands, wide_type, properties))
    return output if wide_type == result else _reshape(call, output, result_shape)


def _linear(call: Call) -> Converted:
    if not call.fake_result.dtype.is_floating_point or call.fake("weight").dim() != 2:
        return None
    value, weight = call.tensor("input"), call.tensor("weight")
    bias = edge.optional(call.optional_tensor("bias"))
    return call.emit(edge.LinearOp([value, weight, bias], call.result_type))


def _is_parameter(call: Call, node: Node) -> bool:
    """Whether a tensor is a constant, perhaps dequantized or permuted on the way."""
    while node not in call.importer.known:
        if node.op != "call_function" or not node.all_input_nodes:
            return False
        if not _PARAMETER_STEPS.search(str(node.target)):
            return False
        node = node.all_input_nodes[0]
    return True


_PARAMETER_STEPS = re.compile(r"dequantize_per_|\b(permute|permute_copy|t|t_copy|transpose)\b")


def _matmul(call: Call) -> Converted:
    """`bias + input @ weight` with a constant weight is a linear layer."""
    names = ("mat1", "mat2") if "mat1" in call.arguments else ("self", "mat2")
    if call.arguments.get("beta", 1) != 1 or call.arguments.get("alpha", 1) != 1:
        return None
    if not call.fake_result.dtype.is_floating_point or not _is_parameter(call, call[names[1]]):
        return None
    bias = []
    if names[0] == "mat1":
        if call.fake("self").dim() != 1 or len(call.fake("self")) != call.fake_result.shape[1]:
            return None
        bias = [call.tensor("self")]
    weight = call.emit(edge.PermuteOp.of(call.tensor(names[1]), (1, 0)))
    return call.emit(edge.LinearOp([call.tensor(names[0]), weight, bias], call.result_type))


CONVERSIONS: dict[str, Conversion] = {
    "aten.addmm.default": _matmul,
    "aten.conv1d.default": _convolution,
    "aten.conv1d.padding": _convolution,
    "aten.conv2d.default": _convolution,
    "aten.conv2d.padding": _convolution,
    "aten.convolution.default": _convolution,
    "aten.linear.default": _linear,
    "aten.mm.default": _matmul,
}

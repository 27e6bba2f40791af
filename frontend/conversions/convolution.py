"""Convolutions and linear layers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch.fx import Node
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import ints, shape_of
from cmopt.frontend.call import Call, Converted


def _same_padding(kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """[before, after] for each axis; an odd total has one more after."""
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


def convolution(call: Call) -> Converted:
    """Over one or two dimensions. A missing batch dimension has size 1."""
    if call.arguments.get("transposed"):
        return transposed_convolution(call)
    kernel = list(call.fake("weight").shape[2:])
    op = {1: edge.Conv1dOp, 2: edge.Conv2dOp}.get(len(kernel))
    if op is None or not call.fake_result.dtype.is_floating_point:
        return None
    stride, dilation = call.ints("stride", len(kernel)), call.ints("dilation", len(kernel))
    properties = {
        "stride": ints(stride),
        "padding": ints(_padding(call, kernel, dilation)),
        "dilation": ints(dilation),
        "groups": IntegerAttr(call["groups"], i64),
    }
    value, weight = call.tensor("input"), call.tensor("weight")
    bias, lead = call.optional_tensor("bias"), [1] * (len(kernel) + 2 - len(shape_of(value)))
    value = call.reshaped(value, [*lead, *shape_of(value)])
    output = call.emit(op.of([value, weight, edge.optional(bias)], properties))
    return call.reshaped(output, shape_of(call.result_type))


def transposed_convolution(call: Call) -> Converted:
    """Over two dimensions, or over one, with a second of size 1. The batch may be missing."""
    value, weight = call.tensor("input"), call.tensor("weight")
    axes = len(shape_of(weight)) - 2
    if axes not in (1, 2) or not call.fake_result.dtype.is_floating_point:
        return None
    unit, lead = [1] * (2 - axes), [1] * (axes + 2 - len(shape_of(value)))
    value = call.reshaped(value, [*lead, *shape_of(value), *unit])
    weight = call.reshaped(weight, [*shape_of(weight), *unit])
    properties = {
        name: ints([*call.ints(name, axes), *([fill] if unit else [])])
        for name, fill in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1))
    }
    operands: list[SSAValue | Sequence[SSAValue]] = [
        value, weight, edge.optional(call.optional_tensor("bias"))
    ]  # fmt: skip
    groups = {"groups": IntegerAttr(call["groups"], i64)}
    output = call.emit(edge.ConvTranspose2dOp.of(operands, {**properties, **groups}))
    return call.reshaped(output, shape_of(call.result_type))


def linear(call: Call) -> Converted:
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


def linear_of_constant(call: Call) -> Converted:
    """`bias + input @ weight` with a constant weight is a linear layer."""
    names = ("mat1", "mat2") if "mat1" in call.arguments else ("self", "mat2")
    if names[1] not in call.arguments:
        names = ("self", "other")
    if call.arguments.get("beta", 1) != 1 or call.arguments.get("alpha", 1) != 1:
        return None
    if not call.fake_result.dtype.is_floating_point or not _is_parameter(call, call[names[1]]):
        return None
    if call.fake(names[1]).dim() != 2 or call.fake(names[0]).dim() < 2:
        return None
    bias = []
    if names[0] == "mat1":
        if call.fake("self").dim() != 1 or len(call.fake("self")) != call.fake_result.shape[1]:
            return None
        bias = [call.tensor("self")]
    weight = call.emit(edge.PermuteOp.of(call.tensor(names[1]), (1, 0)))
    return call.emit(edge.LinearOp([call.tensor(names[0]), weight, bias], call.result_type))

"""Quantize and dequantize: their parameters move into types."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.fx import Node
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import SSAValue

from cmopt.dialects.quant import (
    DCastOp,
    QCastOp,
    SCastOp,
    UniformQuantizedType,
    quantized_element,
    storage_type,
)
from cmopt.dialects.shapes import with_element
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.tensor_types import dtype_name

_STORAGE = {torch.int8: 8, torch.uint8: 8, torch.int16: 16, torch.int32: 32}
_OFFSET = {torch.uint8: 128}
"""How much less than the number is stored."""


def _numbers(call: Call, name: str) -> list[float]:
    """A scale, zero point or bound: a number, or a tensor that is known now."""
    given = call.arguments[name]
    if not isinstance(given, Node):
        return [given]
    value = call.constant_tensor(name)
    if value is None:
        raise call.error(f"{name} is computed at run time", "quantize with static parameters")
    return [float(v) if value.dtype.is_floating_point else int(v) for v in value.reshape(-1)]


def _element(call: Call, axis: int = -1) -> UniformQuantizedType:
    """The type of the integers. Those of 32 bits in a range of 16 are stored in 16, unless they are
    a constant of the program."""
    dtype = call["dtype"]
    if dtype not in _STORAGE:
        raise call.error(
            f"storage type {dtype_name(dtype)} is not supported", "use int8, uint8, int16 or int32"
        )
    offset = _OFFSET.get(dtype, 0)
    low, high = (int(_numbers(call, name)[0]) - offset for name in ("quant_min", "quant_max"))
    per_axis = axis >= 0
    scales = _numbers(call, "scales" if per_axis else "scale")
    zero_points: Sequence[float]
    if per_axis and call["zero_points"] is None:
        zero_points = [0] * len(scales)
    else:
        zero_points = _numbers(call, "zero_points" if per_axis else "zero_point")
    width = _STORAGE[dtype]
    if dtype == torch.int32 and low >= -(1 << 15) and high < 1 << 15:
        source = quantized_element(call.value(call["input"]).type)
        is_made = "dequantize" not in call.name or (source and source.storage.width.data == 16)
        width = 16 if is_made else 32
    return UniformQuantizedType.get(
        IntegerType(width),
        scales if per_axis else scales[0],
        [int(z) - offset for z in zero_points],
        axis=axis,
        storage_range=(low, high),
    )


def _quantize(call: Call, element: UniformQuantizedType) -> Converted:
    value = call.tensor("input")
    if call.fake("input").dtype != torch.float32:
        raise call.error(f"quantizes {dtype_name(call.fake('input').dtype)}, not float32")
    if call["dtype"] in _OFFSET:
        call.importer.shifted.add(call.node)
    return call.emit(QCastOp.of(value, element))


def _dequantize(call: Call, element: UniformQuantizedType) -> Converted:
    if call.fake_result.dtype != torch.float32:
        raise call.error(f"dequantizes to {dtype_name(call.fake_result.dtype)}, not float32")
    value = _as_quantized(call, call["input"], element)
    return call.emit(DCastOp(value, call.result_type))


def _as_quantized(call: Call, node: Node, element: UniformQuantizedType) -> SSAValue:
    """The integers of a node, as values quantized with `element`."""
    value = call.value(node)
    if call["dtype"] in _OFFSET and node not in call.importer.shifted:
        raise call.error(
            "dequantizes bytes that the program does not quantize itself",
            "pass them as int8: q - 128, with the zero point less by 128",
        )
    wanted = with_element(value.type, element)
    if value.type == wanted:
        return value
    if quantized_element(value.type) is not None:
        value = call.emit(SCastOp(value, storage_type(value.type)))
    if storage_type(wanted) != value.type:
        raise call.error(f"dequantizes {value.type} as {element}")
    return call.importer.reinterpret(value, wanted, call.node)


def quantize_per_tensor(call: Call) -> Converted:
    return _quantize(call, _element(call))


def dequantize_per_tensor(call: Call) -> Converted:
    return _dequantize(call, _element(call))


def _axis(call: Call) -> int:
    axis, rank = int(call["axis"]), call.fake("input").dim()
    if not -rank <= axis < rank:
        raise call.error(f"axis {axis} is not one of a tensor of rank {rank}")
    return axis % rank


def quantize_per_channel(call: Call) -> Converted:
    return _quantize(call, _element(call, _axis(call)))


def dequantize_per_channel(call: Call) -> Converted:
    return _dequantize(call, _element(call, _axis(call)))


def unsupported(call: Call) -> Converted:
    raise call.error(
        "this scheme is not supported", "quantize per tensor or per channel, statically"
    )

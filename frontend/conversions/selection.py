"""Padding, and operators whose result is elements of the operand, dimension by dimension."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.fx import Node
from torch.fx.node import map_arg
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, TensorType, f32, i64
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.frontend.call import Call, Conversion, Converted


def _pad(call: Call) -> Converted:
    """`constant_pad_nd`, and `pad` in all its modes; a negative amount cuts off."""
    if call.arguments.get("mode", "constant") != "constant":
        return selection(call)
    if not call.fake_result.dtype.is_floating_point:
        return None
    value = call.tensor("self")
    rank, border = len(shape_of(value)), list(call["pad"])
    pairs = [(0, 0)] * (rank - len(border) // 2)
    pairs += list(zip(border[0::2], border[1::2], strict=True))[::-1]
    for dim, (before, behind) in enumerate(pairs):
        if min(before, behind) < 0:
            value = _cut(call, value, dim, max(0, -before), max(0, -behind))
    low, high = ([max(0, amount) for amount in side] for side in zip(*pairs, strict=True))
    if not any((*low, *high)):
        return value
    return call.emit(edge.PadOp.of(value, low, high, FloatAttr(float(call["value"] or 0), f32)))


def _cut(call: Call, value: SSAValue, dim: int, before: int, behind: int) -> SSAValue:
    shape = list(shape_of(value))
    shape[dim] -= before + behind
    properties = {"dim": IntegerAttr(dim, i64), "start": IntegerAttr(before, i64)}
    return call.emit(edge.SliceOp([value], TensorType(element_of(value), shape), properties))


def selection(call: Call) -> Converted:
    """One `edge.take` for each dimension in which the operator picks or repeats elements.

    Asks PyTorch, by running the operator on a tensor of element numbers. None where the result's
    elements do not come from the operand line by line.
    """
    source = call.node.all_input_nodes[0]
    value = call.stored(source)
    shape, result = shape_of(value), tuple(call.fake_result.shape)
    if 0 in shape or 0 in result or len(shape) > len(result) or not result:
        return None
    shape = (1,) * (len(result) - len(shape)) + shape
    if (lines := _lines(call, shape)) is None:
        return None
    if shape != shape_of(value):
        value = call.emit(edge.ReshapeOp([value], TensorType(element_of(value), shape)))
    # What makes the tensor smaller comes first; the last dimensions, of the least bytes, before
    # the others.
    order = sorted(range(len(shape)), key=lambda d: (len(lines[d]) > shape[d], -d))
    for dim in order:
        if lines[dim] != list(range(shape[dim])):
            value = call.emit(edge.TakeOp.of(value, dim, lines[dim]))
    return value


def _lines(call: Call, shape: tuple[int, ...]) -> list[list[int]] | None:
    """For each dimension of the result, which line of the operand each of its lines is."""
    probe = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
    first = call.target._schema.arguments[0].name
    try:
        rest = {
            name: map_arg(given, call.importer.known.__getitem__)
            for name, given in call.arguments.items()
            if name != first
        }
    except KeyError:  # an index that is computed at run time
        return None
    picked: NDArray[Any] = call.target(probe, **rest).numpy().astype(np.int64)
    if picked.shape != tuple(call.fake_result.shape):
        return None
    coordinates = np.unravel_index(picked, shape)
    lines = [
        np.moveaxis(along, dim, 0).reshape(along.shape[dim], -1)[:, 0].tolist()
        for dim, along in enumerate(coordinates)
    ]
    again = np.arange(probe.numel()).reshape(shape)[np.ix_(*lines)]
    return lines if np.array_equal(again, picked) else None


def _upsample_bilinear2d(call: Call) -> Converted:
    """By whole factors, the corners' pixels aligned."""
    operand = call.node.all_input_nodes[0]
    shape, result = operand.meta["val"].shape, call.fake_result.shape
    given = call.arguments.get("scale_factors")
    if given is None:
        given = [call.arguments.get(name) for name in ("scales_h", "scales_w")]
    if call["align_corners"] or call.fake_result.dtype != torch.float32 or 0 in shape:
        return None
    for before, after, factor in zip(shape[2:], result[2:], given, strict=True):
        if after % before or factor not in (None, after // before):
            return None
    value = call.stored(operand)
    return call.emit(edge.UpsampleBilinear2dOp([value], call.result_type))


def _index(call: Call) -> Converted:
    """`x[:, [2, 0]]`: constant indices along one dimension."""
    given = [index for index in call["indices"] if index is not None]
    if len(given) != 1 or not isinstance(given[0], Node):
        return None
    known = call.importer.known.get(given[0])
    return None if known is None or known.dim() != 1 else selection(call)


_SELECTIONS = (
    "_pad_circular.default",
    "_upsample_nearest_exact1d.default",
    "_upsample_nearest_exact1d.vec",
    "_upsample_nearest_exact2d.default",
    "_upsample_nearest_exact2d.vec",
    "flip.default",
    "index_select.default",
    "reflection_pad1d.default",
    "reflection_pad2d.default",
    "reflection_pad3d.default",
    "repeat.default",
    "repeat_interleave.self_int",
    "replication_pad1d.default",
    "replication_pad2d.default",
    "replication_pad3d.default",
    "roll.default",
    "tile.default",
    "upsample_nearest1d.default",
    "upsample_nearest1d.vec",
    "upsample_nearest2d.default",
    "upsample_nearest2d.vec",
    "upsample_nearest3d.default",
    "upsample_nearest3d.vec",
)

CONVERSIONS: dict[str, Conversion] = {
    **{f"aten.{name}": selection for name in _SELECTIONS},
    "aten.constant_pad_nd.default": _pad,
    "aten.index.Tensor": _index,
    "aten.pad.default": _pad,
    "aten.upsample_bilinear2d.default": _upsample_bilinear2d,
    "aten.upsample_bilinear2d.vec": _upsample_bilinear2d,
}

"""Padding, and operators whose result is a constant choice of the operand's elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.fx import Node
from torch.fx.node import map_arg
from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, f32, i64
from xdsl.ir import Attribute, SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import shape_of
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.choices import Choice, choice_of, lines_of


def pad(call: Call) -> Converted:
    """`constant_pad_nd`, and `pad` in all its modes; a negative amount cuts off."""
    if call.arguments.get("mode", "constant") != "constant":
        return selection(call)
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
    if not call.fake_result.dtype.is_floating_point:
        return _pad_integers(call, value, low, high)
    return call.emit(edge.PadOp.of(value, low, high, FloatAttr(float(call["value"] or 0), f32)))


def _pad_integers(call: Call, value: SSAValue, low: list[int], high: list[int]) -> SSAValue:
    """A call of the portable kernel; the amounts of the last dimension come first."""
    amounts = [n for pair in zip(low[::-1], high[::-1], strict=True) for n in pair]
    given = call["value"] or 0
    is_truth = call.fake_result.dtype == torch.bool
    arguments: list[Attribute] = [
        edge.OperandAttr(IntegerAttr(0, i64)),
        ArrayAttr([IntegerAttr(n, i64) for n in amounts]),
        IntegerAttr(bool(given) if is_truth else int(given), i64),
    ]
    name = "aten.constant_pad_nd.default"
    return call.emit(edge.CallOp(name, [value], arguments, [call.result_type]))


def _cut(call: Call, value: SSAValue, dim: int, before: int, behind: int) -> SSAValue:
    size = shape_of(value)[dim] - before - behind
    return call.emit(edge.SliceOp.of(value, dim, before, size))


def selection(call: Call) -> Converted:
    """An operator whose result is a constant choice of its first operand's elements.

    PyTorch runs the operator on a tensor of element numbers. Each dimension in which it picks or
    repeats becomes an `edge.take`. If dimensions of the result mix those of the operand, reshapes,
    permutes and an expand are added (`Choice`). None if the operator does more than move.
    """
    source = call.node.all_input_nodes[0]
    value = call.stored(source)
    shape, result = shape_of(value), tuple(call.fake_result.shape)
    if not all(isinstance(size, int) for size in result):  # a size that depends on a mask
        return None
    if 0 in shape or 0 in result or (picked := _picked(call, source, shape)) is None:
        return None
    return chosen(call, value, picked)


def chosen(call: Call, value: SSAValue, picked: NDArray[np.int64]) -> SSAValue | None:
    """The elements of a value with these numbers, in this shape; None if they are too many."""
    shape = shape_of(value)
    aligned = (1,) * (picked.ndim - len(shape)) + shape
    if len(aligned) == picked.ndim and (lines := lines_of(picked, aligned)) is not None:
        return _take_lines(call, value, aligned, lines)
    choice = choice_of(picked, shape)
    return None if choice is None else _choose(call, value, choice, picked.shape)


def _take_lines(
    call: Call, value: SSAValue, shape: tuple[int, ...], lines: list[list[int]]
) -> SSAValue:
    value = call.reshaped(value, shape)
    # Takes that make the tensor smaller come first, and among these the last dimensions, whose
    # lines have the fewest bytes.
    for dim in sorted(range(len(shape)), key=lambda d: (len(lines[d]) > shape[d], -d)):
        value = _taken(call, value, dim, lines[dim])
    return value


def _choose(call: Call, value: SSAValue, choice: Choice, shape: tuple[int, ...]) -> SSAValue:
    value = call.reshaped(_permuted(call, value, choice.order), choice.merged)
    growth = [
        len(indices) > size for indices, size in zip(choice.takes, choice.merged, strict=True)
    ]
    for dim in sorted(range(len(growth)), key=lambda d: (growth[d], -d)):
        value = _taken(call, value, dim, choice.takes[dim])
    value = _permuted(call, call.reshaped(value, choice.parts), choice.perm)
    value = call.reshaped(value, choice.narrow)
    if choice.narrow == shape:
        return value
    return call.emit(edge.ExpandOp.of(value, shape))


def _taken(call: Call, value: SSAValue, dim: int, indices: Sequence[int]) -> SSAValue:
    if list(indices) == list(range(shape_of(value)[dim])):
        return value
    return call.emit(edge.TakeOp.of(value, dim, indices))


def _permuted(call: Call, value: SSAValue, perm: tuple[int, ...]) -> SSAValue:
    return value if perm == tuple(range(len(perm))) else call.emit(edge.PermuteOp.of(value, perm))


def _picked(call: Call, source: Node, shape: tuple[int, ...]) -> NDArray[np.int64] | None:
    """For each element of the result, the number of the operand's element; None if there is none.

    Two different labellings of the elements must agree. This excludes zeros, because only the first
    has a label 0, and sums, because a sum of labels is not a label in both.
    """
    first = next(iter(call.arguments))
    try:
        rest = {
            name: map_arg(given, lambda node: index_of(call.importer.known[node]))
            for name, given in call.arguments.items()
            if name != first
        }
    except KeyError:  # an index that is computed at run time
        return None
    size = torch.Size(shape).numel()
    labels = torch.arange(size, dtype=torch.float64), torch.arange(2 * size, size, -1.0).double()
    found = []
    for label in labels:
        operand = _labelled(label.reshape(shape), source.meta["val"])
        if operand is None and call.name.startswith("aten.as_strided"):
            return None
        found.append(call.target(label.reshape(shape) if operand is None else operand, **rest))
    if tuple(found[0].shape) != tuple(call.fake_result.shape):
        return None
    picked: NDArray[np.int64] = found[0].numpy().astype(np.int64)
    if picked.min() < 0 or picked.max() >= size:
        return None
    return picked if np.array_equal(labels[1].numpy()[picked], found[1].numpy()) else None


def _labelled(labels: torch.Tensor, like: torch.Tensor) -> torch.Tensor | None:
    """The labels in a tensor with the strides of `like`: `as_strided` depends on the memory.

    Memory outside the tensor holds -1. None if elements share a place in memory.
    """
    # A fake tensor gives a symbolic number, although it is constant.
    size = int(like.untyped_storage().nbytes()) // like.element_size()
    memory = torch.full((size,), -1.0).double()
    view = memory.as_strided(like.shape, like.stride(), like.storage_offset())
    try:
        view.copy_(labels)
    except RuntimeError:  # an expanded tensor
        return None
    return view


def index_of(value: torch.Tensor) -> torch.Tensor:
    """A constant as 64-bit integers, as operators take indices."""
    integers = (torch.int8, torch.int16, torch.int32)
    return value.long() if value.dtype in integers else value


def are_whole_factors(
    before: Sequence[int], after: Sequence[int], given: Sequence[float | None]
) -> bool:
    """Whether sizes grow by whole factors, which are also those given; None gives no factor."""
    sizes = zip(before, after, given, strict=True)
    return all(new % old == 0 and factor in (None, new // old) for old, new, factor in sizes)


def upsample_bilinear2d(call: Call) -> Converted:
    """Only by whole factors, with the pixels of the corners aligned."""
    operand = call.node.all_input_nodes[0]
    shape, result = operand.meta["val"].shape, call.fake_result.shape
    given = call.arguments.get("scale_factors")
    if given is None:
        given = [call.arguments.get(name) for name in ("scales_h", "scales_w")]
    if call["align_corners"] or call.fake_result.dtype != torch.float32 or 0 in shape:
        return None
    if not are_whole_factors(shape[2:], result[2:], given):
        return None
    value = call.stored(operand)
    return call.emit(edge.UpsampleBilinear2dOp([value], call.result_type))

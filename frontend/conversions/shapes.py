"""All forms of reshapes and permutations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.fx import Node
from xdsl.ir import SSAValue

from cmopt.dialects import edge
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.frontend.call import Call, Converted
from cmopt.frontend.conversions.choice import selection


def reshape(call: Call) -> Converted:
    """The exported program has the result's shape; the arguments add no information."""
    value = call.stored(call.node.all_input_nodes[0])
    return call.reshaped(value, shape_of(call.result_type))


def _permutation(call: Call) -> list[int]:
    """Where each dimension of the result comes from.

    PyTorch runs the operator on a tensor whose dimensions all have different sizes.
    """
    rank = call.fake_result.dim()
    probe = torch.empty(tuple(range(2, rank + 2)), device="meta")
    first = next(iter(call.arguments))
    rest = {name: value for name, value in call.arguments.items() if name != first}
    return [size - 2 for size in call.target(probe, **rest).shape]


def permute(call: Call) -> Converted:
    value = call.stored(call.node.all_input_nodes[0])
    perm = _permutation(call)
    if perm == list(range(len(perm))):
        return value
    return call.emit(edge.PermuteOp.of(value, perm))


def _part(call: Call, source: Node, dim: int, start: int) -> Converted:
    """The slice from `start` with the result's size."""
    value = call.stored(source)
    if value.type == call.result_type:
        return value
    return call.emit(edge.SliceOp.of(value, dim, start, call.fake_result.shape[dim]))


def slice_of(call: Call) -> Converted:
    """`slice`; its bounds may be negative or beyond the end, as in Python."""
    source = call["self"]
    if call["step"] != 1:
        return selection(call)
    shape = source.meta["val"].shape
    dim = call["dim"] % len(shape)
    start, _, _ = slice(call["start"], call["end"]).indices(shape[dim])
    return _part(call, source, dim, start)


def narrow(call: Call) -> Converted:
    source, start = call["self"], call["start"]
    if not isinstance(start, int):
        return None
    shape = source.meta["val"].shape
    dim = call["dim"] % len(shape)
    return _part(call, source, dim, start % shape[dim] if start < 0 else start)


def split(call: Call) -> Converted:
    """`chunk`, `split`, `split_with_sizes`: one slice for each part."""
    source, results = call["self"], call.node.meta["val"]
    value, dim = call.stored(source), call["dim"] % results[0].dim()
    parts, start = [], 0
    for size in (result.shape[dim] for result in results):
        parts.append(call.emit(edge.SliceOp.of(value, dim, start, size)))
        start += size
    return parts


def select(call: Call) -> Converted:
    """`select`: a slice of one, without its dimension."""
    source, index = call["self"], call["index"]
    if not isinstance(index, int):
        return None
    shape = tuple(source.meta["val"].shape)
    dim = call["dim"] % len(shape)
    sliced = call.emit(edge.SliceOp.of(call.stored(source), dim, index % shape[dim], 1))
    return call.emit(edge.ReshapeOp([sliced], call.result_type))


def cat(call: Call) -> Converted:
    """`cat`; the empty rank-1 tensors PyTorch lets through are left out."""
    rank = call.fake_result.dim()
    nodes = [n for n in call["tensors"] if n.meta["val"].dim() == rank]
    values = [call.stored(node) for node in nodes]
    if any(element_of(value) != element_of(call.result_type) for value in values):
        return None
    return call.emit(edge.CatOp.of(values, call["dim"] % rank))


def expand(call: Call) -> Converted:
    """The exported program has the result's shape."""
    value = call.stored(call.node.all_input_nodes[0])
    if value.type == call.result_type:
        return value
    return call.emit(edge.ExpandOp([value], call.result_type))


def unbind(call: Call) -> Converted:
    """`unbind`: one slice for each line, without its dimension."""
    source, results = call["self"], call.node.meta["val"]
    value, dim = call.stored(source), call["dim"] % source.meta["val"].dim()
    parts = []
    for start, result in enumerate(results):
        part = call.emit(edge.SliceOp.of(value, dim, start, 1))
        parts.append(call.emit(edge.ReshapeOp.of(part, result.shape)))
    return parts


def stack(call: Call) -> Converted:
    """`stack`: a cat of tensors that get a dimension of size 1."""
    dim = call["dim"] % call.fake_result.dim()
    values = [call.stored(node) for node in call["tensors"]]
    if len({element_of(value) for value in values}) != 1:
        return None
    lines = []
    for value in values:
        shape = shape_of(value)
        lines.append(call.emit(edge.ReshapeOp.of(value, (*shape[:dim], 1, *shape[dim:]))))
    return call.emit(edge.CatOp.of(lines, dim))


def _moved(call: Call, value: SSAValue, split: Sequence[int], perm: Sequence[int]) -> SSAValue:
    """`value` reshaped to `split`, permuted, and reshaped to the call's result."""
    cut = call.emit(edge.ReshapeOp.of(value, split))
    moved = call.emit(edge.PermuteOp.of(cut, perm))
    return call.emit(edge.ReshapeOp([moved], call.result_type))


def pixel_shuffle(call: Call) -> Converted:
    """[…, C·r·r, H, W] → […, C, H·r, W·r]."""
    value, factor = call.tensor("self"), call["upscale_factor"]
    *batch, channels, height, width = shape_of(value)
    b = len(batch)
    split = (*batch, channels // factor**2, factor, factor, height, width)
    return _moved(call, value, split, [*range(b), *(b + d for d in (0, 3, 1, 4, 2))])


def pixel_unshuffle(call: Call) -> Converted:
    """[…, C, H·r, W·r] → […, C·r·r, H, W]."""
    value, factor = call.tensor("self"), call["downscale_factor"]
    *batch, channels, height, width = shape_of(value)
    b = len(batch)
    split = (*batch, channels, height // factor, factor, width // factor, factor)
    return _moved(call, value, split, [*range(b), *(b + d for d in (0, 2, 4, 1, 3))])


def unfold(call: Call) -> Converted:
    """`Tensor.unfold`: windows along a dimension, their elements last."""
    value, size, step = call.tensor("self"), call["size"], call["step"]
    shape = shape_of(value)
    if not shape or not size:
        return None
    dim = call["dimension"] % len(shape)
    windows = call.fake_result.shape[dim]
    lines = [start * step + offset for start in range(windows) for offset in range(size)]
    taken = call.emit(edge.TakeOp.of(value, dim, lines))
    split = (*shape[:dim], windows, size, *shape[dim + 1 :])
    perm = [d for d in range(len(split)) if d != dim + 1] + [dim + 1]
    return _moved(call, taken, split, perm)

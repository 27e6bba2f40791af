"""Convolutions and pools over three dimensions, as ones over two before annotation.

No kernel works on volumes. A convolution sees the planes of its window as more channels of one
image, and the output's planes as a batch. A pool is one over the plane and one over the depth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.graph_building import (
    constant_of,
    filled_arguments,
    insert,
    insert_constant,
    multiplied,
)
from cmopt.frontend.overloads import reads_more_than_first
from cmopt.frontend.pools import average_with_divisor
from cmopt.frontend.resampling import adaptive_average_2d, largest_of_windows

aten = torch.ops.aten

_BEFORE_PLANES = (0, 2, 1, 3, 4)
"""From [N,C,D,H,W] to [N,D,C,H,W], and back."""


def _triple(value: Any) -> list[int]:
    """A number, or a list of one or three, for depth, height and width."""
    values = [value] if isinstance(value, int) else list(value)
    return values * 3 if len(values) == 1 else values


def convolution_3d(module: GraphModule, node: Node) -> Node | None:
    """`conv3d` of constant weights: `conv2d` of [N·D', C·KD, H, W].

    The channels of a group stay together, because the planes of a channel follow each other, as in
    the weight: [O, C/g, KD, KH, KW] is [O, C/g·KD, KH, KW]. None for an empty input.
    """
    operand, weight, bias, stride, padding, dilation, groups = filled_arguments(node)
    filters = constant_of(module, weight)
    is_batch = operand.meta["val"].dim() == 5
    if filters is None or operand.meta["val"].numel() == 0:
        return None
    (step, *steps), (spread, *spreads) = _triple(stride), _triple(dilation)
    pads = _pads(padding, filters.shape[2:], _triple(dilation))

    def add(target: Callable[..., object], *args: Any) -> Node:
        return insert(module.graph, node, target, *args)

    value = operand if is_batch else add(aten.unsqueeze.default, operand, 0)
    if any(pads[0]) or any(low != high for low, high in pads[1:]):
        flat = [side for low_high in reversed(pads) for side in low_high]
        value, pads = add(aten.constant_pad_nd.default, value, flat), [(0, 0)] * 3
    batch, channels, depth, height, width = value.meta["val"].shape
    planes = filters.shape[2]
    reach = spread * (planes - 1) + 1
    starts = range(0, depth - reach + 1, step)
    value = add(aten.permute.default, value, list(_BEFORE_PLANES))
    if planes > 1 or step > 1:
        places = [start + spread * k for start in starts for k in range(planes)]
        index = insert_constant(module, node, torch.tensor(places))
        value = add(aten.index_select.default, value, 1, index)
        value = add(
            aten.reshape.default, value, [batch, len(starts), planes, channels, height, width]
        )
        value = add(aten.permute.default, value, [0, 1, 3, 2, 4, 5])
    images = [batch * len(starts), channels * planes, height, width]
    value = add(aten.reshape.default, value, images)
    kernel = insert_constant(
        module, node, filters.reshape(filters.shape[0], -1, *filters.shape[3:])
    )
    margins = [low for low, _ in pads[1:]]
    result = add(aten.conv2d.default, value, kernel, bias, steps, margins, spreads, groups)
    outputs, rows, columns = result.meta["val"].shape[1:]
    result = add(aten.reshape.default, result, [batch, len(starts), outputs, rows, columns])
    result = add(aten.permute.default, result, list(_BEFORE_PLANES))
    return result if is_batch else add(aten.squeeze.dim, result, 0)


def transposed_convolution_3d(module: GraphModule, node: Node) -> Node | None:
    """`conv_transpose3d` of constant weights: a `conv_transpose2d` for each phase of the depth.

    Plane q of the result reads plane d of the operand through plane k of the kernel if
    `q + padding = d * stride + k * dilation`. The planes of a phase, which is `q + padding` modulo
    the stride, read through the same k: they are a batch of images of T·C channels, where T is the
    number of these k. None for an empty operand.
    """
    operand, weight, bias, *window, groups, dilation = filled_arguments(node)
    filters = constant_of(module, weight)
    if filters is None or operand.meta["val"].numel() == 0:
        return None
    (step, *steps), (pad, *pads), (_, *extras) = map(_triple, window)
    spread, *spreads = _triple(dilation)

    def add(target: Callable[..., object], *args: Any) -> Node:
        return insert(module.graph, node, target, *args)

    is_batch = operand.meta["val"].dim() == 5
    value = operand if is_batch else add(aten.unsqueeze.default, operand, 0)
    batch, channels, depth, height, width = value.meta["val"].shape
    value = add(aten.constant_pad_nd.default, value, [0, 0, 0, 0, 0, 1])  # Plane `depth` is 0.
    value = add(aten.permute.default, value, list(_BEFORE_PLANES))
    results: list[Node] = []
    order: list[int] = []
    for phase in range(step):
        planes = [q for q in range(node.meta["val"].shape[-3]) if (q + pad) % step == phase]
        taps = [k for k in range(filters.shape[2]) if k * spread % step == phase]
        if not planes:
            continue
        read = [(q + pad - k * spread) // step for q in planes for k in taps]
        read = [d if 0 <= d < depth else depth for d in read] or [depth] * len(planes)
        index = insert_constant(module, node, torch.tensor(read))
        images = add(aten.index_select.default, value, 1, index)
        sizes = [batch, len(planes), -1, channels, height, width]
        images = add(aten.reshape.default, images, sizes)
        images = add(aten.permute.default, images, [0, 1, 3, 2, 4, 5])
        images = add(aten.reshape.default, images, [batch * len(planes), -1, height, width])
        kernel = filters[:, :, taps or [0]].movedim(2, 1).flatten(0, 1)
        matrix = insert_constant(module, node, kernel.contiguous())
        result = add(
            aten.conv_transpose2d.input, images, matrix, bias, steps, pads, extras, groups, spreads
        )
        shape = [batch, len(planes), *result.meta["val"].shape[1:]]
        results.append(add(aten.reshape.default, result, shape))
        order += planes
    joined = add(aten.cat.default, results, 1) if len(results) > 1 else results[0]
    if order != sorted(order):
        index = insert_constant(module, node, torch.tensor(order).argsort())
        joined = add(aten.index_select.default, joined, 1, index)
    joined = add(aten.permute.default, joined, list(_BEFORE_PLANES))
    return joined if is_batch else add(aten.squeeze.dim, joined, 0)


def _pads(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> list[tuple[int, int]]:
    """The padding before and after, for each dimension."""
    if padding == "valid":
        return [(0, 0)] * 3
    if padding == "same":
        totals = [spread * (size - 1) for size, spread in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(pad, pad) for pad in _triple(padding)]


def max_pool_3d(module: GraphModule, node: Node) -> Node | None:
    """`max_pool3d`: over the plane, then over the depth."""
    operand, kernel, stride, padding, dilation, ceil_mode = filled_arguments(node)
    windows = [_triple(v) for v in (kernel, stride or kernel, padding, dilation)]

    def pool(value: Node, sides: slice) -> Node:
        parts = [
            _plane(window, sides, one) for window, one in zip(windows, (1, 1, 0, 1), strict=True)
        ]
        return insert(module.graph, node, aten.max_pool2d.default, value, *parts, ceil_mode)

    return _plane_then_depth(module, node, operand, pool)


def average_pool_3d(module: GraphModule, node: Node) -> Node | None:
    """`avg_pool3d`: over the plane, then over the depth. A divisor of its own is a factor."""
    operand, kernel, stride, padding, ceil_mode, counted, divisor = filled_arguments(node)
    windows = [_triple(v) for v in (kernel, stride or kernel, padding)]

    def pool(value: Node, sides: slice) -> Node:
        parts = [_plane(window, sides, one) for window, one in zip(windows, (1, 1, 0), strict=True)]
        # Windows that reach beyond the padding are not divided by less.
        size = None if divisor is None else math.prod(parts[0])
        pooled = insert(
            module.graph, node, aten.avg_pool2d.default, value, *parts, ceil_mode, counted, size
        )
        return average_with_divisor(module, pooled) or pooled

    average = _plane_then_depth(module, node, operand, pool)
    if average is None or divisor is None:
        return average
    return multiplied(module, node, average, math.prod(windows[0]) / divisor)


def adaptive_average_3d(module: GraphModule, node: Node) -> Node | None:
    """`adaptive_avg_pool3d`: over the plane, then over the depth. None for an empty result."""
    operand: Any = node.args[0]
    depth, height, width = node.meta["val"].shape[-3:]
    if not node.meta["val"].numel():
        return None

    def pool(value: Node, sides: slice) -> Node:
        if sides == DEPTH and operand.meta["val"].shape[-3] % depth:
            return _uneven_depth(module, node, value, depth)
        size = [height, width] if sides == PLANE else [depth, value.meta["val"].shape[-1]]
        pooled = insert(module.graph, node, aten.adaptive_avg_pool2d.default, value, size)
        return adaptive_average_2d(module, pooled) or pooled

    return _plane_then_depth(module, node, operand, pool)


def _uneven_depth(module: GraphModule, node: Node, value: Node, depth: int) -> Node:
    """Averages over the depth of [N,C,D,H·W]: a convolution whose channels are the depth."""
    batch, channels, planes, columns = value.meta["val"].shape
    matrix = torch.nn.functional.adaptive_avg_pool1d(torch.eye(planes)[None], depth)[0].t()
    weight = insert_constant(module, node, matrix.contiguous().unsqueeze(-1))
    lines = insert(
        module.graph, node, aten.reshape.default, value, [batch * channels, planes, columns]
    )
    return insert(module.graph, node, aten.conv1d.default, lines, weight)


def adaptive_max_3d(module: GraphModule, node: Node) -> tuple[Node, Node] | None:
    """`adaptive_max_pool3d`: over the plane, then over the depth. None if the indices are read.

    Nothing reads the second result, so the values stand for it too.
    """
    operand: Any = node.args[0]
    depth, height, width = node.meta["val"][0].shape[-3:]
    is_empty = not node.meta["val"][0].numel()
    if is_empty or reads_more_than_first(node):
        return None

    def pool(value: Node, sides: slice) -> Node:
        size = [height, width] if sides == PLANE else [depth, value.meta["val"].shape[-1]]
        return largest_of_windows(module, node, value, size)

    values = _plane_then_depth(module, node, operand, pool)
    return None if values is None else (values, values)


PLANE, DEPTH = slice(1, 3), slice(0, 1)


def _plane(window: Sequence[int], sides: slice, one: int) -> list[int]:
    """The part of a window's numbers for a pool over the plane, or over the depth of a row."""
    return [*window[sides], *([one] if sides == DEPTH else [])]


def _plane_then_depth(module: GraphModule, node: Node, operand: Node,
                      pool: Callable[[Node, slice], Node]) -> Node | None:  # fmt: skip
    """A pool of [N,C·D,H,W], then one of [N,C,D,H·W], for an operand of rank 4 or 5."""
    *lead, depth, height, width = operand.meta["val"].shape
    result = node.meta["val"]
    shape = (result[0] if isinstance(result, tuple | list) else result).shape
    if operand.meta["val"].numel() == 0:
        return None
    batch, channels = lead if len(lead) == 2 else (1, *lead)

    def reshape(value: Node, *sizes: int) -> Node:
        return insert(module.graph, node, aten.reshape.default, value, list(sizes))

    planes = pool(reshape(operand, batch, channels * depth, height, width), PLANE)
    rows, columns = planes.meta["val"].shape[-2:]
    line = pool(reshape(planes, batch, channels, depth, rows * columns), DEPTH)
    return reshape(line, *shape)

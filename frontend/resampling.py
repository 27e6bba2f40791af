"""Interpolation and uneven pools taken apart before annotation: one matrix for each axis.

Each output is a sum of inputs with constant weights, row by row and column by column. The matrix
is a 1×1 convolution whose channels are the positions along the axis, so that each output position
has its own weight scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import GraphModule, Node

from cmopt.frontend.conversions.choice import are_whole_factors
from cmopt.frontend.conversions.pooling import equal_windows
from cmopt.frontend.graph_building import insert, insert_constant
from cmopt.frontend.overloads import operator_name, reads_more_than_first
from cmopt.frontend.pools import average_of_plane, pool_1d

aten = torch.ops.aten

MOST_WEIGHTS = 1 << 16
"""Weights of one matrix; a larger one would take more memory than the operator is worth."""

_WIDTH_AS_CHANNELS = ([0, 3, 1, 2], [0, 2, 3, 1])
_OVER_ONE = {"adaptive_avg_pool1d", "upsample_linear1d"}
_HEIGHT_AS_CHANNELS = ([0, 2, 1, 3], [0, 2, 1, 3])


def resample_2d(module: GraphModule, node: Node) -> Node | None:
    """An operator on [N,C,H,W] or [C,H,W] whose weights are products, one for the row and one for
    the column.

    None for interpolation by whole factors, for empty tensors, and for more than `MOST_WEIGHTS`.
    """
    operand: Any = node.args[0]
    shape, result = operand.meta["val"].shape, node.meta["val"].shape
    if 0 in shape or 0 in result or _is_by_whole_factors(node):
        return None
    if max(a * b for a, b in zip(shape[-2:], result[-2:], strict=True)) > MOST_WEIGHTS:
        return None
    is_batch, graph = len(shape) == 4, module.graph
    value = operand if is_batch else insert(graph, node, aten.unsqueeze.default, operand, 0)
    value = _along_channels(module, node, value, matrix_of(node, -1), _WIDTH_AS_CHANNELS)
    value = _along_channels(module, node, value, matrix_of(node, -2), _HEIGHT_AS_CHANNELS)
    return value if is_batch else insert(graph, node, aten.squeeze.dim, value, 0)


def resample_1d(module: GraphModule, node: Node) -> Node | None:
    """The same for an operator on [N,C,W] or [C,W] with one weight for each column."""
    operand: Any = node.args[0]
    shape, result = operand.meta["val"].shape, node.meta["val"].shape
    if 0 in shape or 0 in result or shape[-1] * result[-1] > MOST_WEIGHTS:
        return None
    is_batch, graph = len(shape) == 3, module.graph
    value = operand if is_batch else insert(graph, node, aten.unsqueeze.default, operand, 0)
    weight = insert_constant(module, node, matrix_of(node, -1).unsqueeze(-1))
    channels = insert(graph, node, aten.permute.default, value, [0, 2, 1])
    product = insert(graph, node, aten.conv1d.default, channels, weight)
    value = insert(graph, node, aten.permute.default, product, [0, 2, 1])
    return value if is_batch else insert(graph, node, aten.squeeze.dim, value, 0)


def adaptive_average_2d(module: GraphModule, node: Node) -> Node | None:
    """An adaptive pool: of the whole image, or with windows of different sizes."""
    if (pooled := average_of_plane(module, node)) is not None:
        return pooled
    operand: Any = node.args[0]
    sizes = zip(operand.meta["val"].shape[-2:], node.meta["val"].shape[-2:], strict=True)
    is_even = all(after and before % after == 0 for before, after in sizes)
    return None if is_even else resample_2d(module, node)


def adaptive_average_1d(module: GraphModule, node: Node) -> Node | None:
    """An adaptive pool over one dimension."""
    return pool_1d(module, node) or resample_1d(module, node)


def adaptive_max_2d(module: GraphModule, node: Node) -> tuple[Node, Node] | None:
    """An adaptive pool: `max_pool2d` of windows of equal length. None if the indices are read.

    Nothing reads the second result, so the values stand for it too.
    """
    operand: Any = node.args[0]
    values = node.meta["val"][0]
    if reads_more_than_first(node) or not values.numel():
        return None
    pooled = largest_of_windows(module, node, operand, values.shape[-2:])
    return pooled, pooled


def largest_of_windows(module: GraphModule, like: Node, value: Node, size: Sequence[int]) -> Node:
    """The maximum of each window of an adaptive pool over the last two axes; no axis is empty."""
    kernel = []
    for axis, out in zip((-2, -1), size, strict=True):
        before = value.meta["val"].shape[axis]
        lines, length = equal_windows(before, out)
        if lines != list(range(before)):
            index = insert_constant(module, like, torch.tensor(lines))
            value = insert(module.graph, like, aten.index_select.default, value, axis, index)
        kernel.append(length)
    return insert(module.graph, like, aten.max_pool2d.default, value, kernel, kernel)


def matrix_of(node: Node, axis: int) -> torch.Tensor:
    """The operator's weights along an axis, [outputs, inputs]; the operator itself computes them.

    Input k is 1 at position k of the axis. The weights along other axes sum to 1.
    """
    operand: Any = node.args[0]
    shape = list(operand.meta["val"].shape)
    places = shape[-1:] if operator_name(node) in _OVER_ONE else shape[-2:]
    size, ones = places[axis], [1] * len(places)
    ones[axis] = size
    units = torch.eye(size).reshape(size, 1, *ones).expand(size, 1, *places)
    target: Any = node.target
    weights: torch.Tensor = target(units.contiguous(), *node.args[1:], **node.kwargs)
    line = weights[:, 0] if len(places) == 1 else weights[:, 0].select(-1 if axis == -2 else -2, 0)
    return line.t().contiguous()


def _along_channels(
    module: GraphModule, node: Node, value: Node, matrix: torch.Tensor, orders: Any
) -> Node:
    """The product of a matrix with the axis that the first order makes the channels."""
    if torch.equal(matrix, torch.eye(*matrix.shape)):
        return value
    weight = insert_constant(module, node, matrix[:, :, None, None])
    there, back = orders
    channels = insert(module.graph, node, aten.permute.default, value, there)
    product = insert(module.graph, node, aten.conv2d.default, channels, weight)
    return insert(module.graph, node, aten.permute.default, product, back)


def _is_by_whole_factors(node: Node) -> bool:
    """Whether `split-bilinear-upsampling` computes this interpolation by one exact convolution."""
    if operator_name(node) != "upsample_bilinear2d" or node.args[2]:
        return False
    operand: Any = node.args[0]
    shape, result = operand.meta["val"].shape, node.meta["val"].shape
    given: Any = node.args[3:5]
    if len(given) == 1 and isinstance(given[0], list | tuple):  # the overload "vec"
        given = given[0]
    factors = [*given, None, None][:2]
    return are_whole_factors(shape[2:], result[2:], factors)
